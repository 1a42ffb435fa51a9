//! `request-warning`: the target's own validation warns about the request.

use istio_render::{Diagnostic, Severity};

use super::Code;
use super::Explanation;
use super::Situation;
use super::changes::about;
use super::diagnostics::{finding, place};
use super::links::OPTIONS;
use crate::outcome::{Finding, Level, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The target release's own istioctl warns about the request.",
    why: "Most often a setting is deprecated, or contradicts another one.",
    settle: "Read the warning; where it names another setting, use that one.",
    source: "TARGET:operator/pkg/apis/validation/validation.go; TARGET:charts/*/templates/NOTES.txt",
    link: OPTIONS,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let warnings = situation
        .diagnostics
        .iter()
        .filter(|it| it.severity == Severity::Warning);
    let said = warnings.map(|it| finding(Code::RequestWarning, Level::Warn, title(it), it));
    said.chain(not_left_over(situation)).collect()
}

/// What a warning is called.
fn title(diagnostic: &Diagnostic) -> String {
    let place = place(diagnostic);
    match diagnostic.code.as_str() {
        "doubtful-set" => format!("`--set` may not say what is meant for {place}"),
        "unknown-mesh-field" => format!("Nothing reads {place}"),
        "repeated-key" => format!("The request says {place} twice"),
        "unrendered-template" => {
            format!("The value of {place} is a placeholder that nobody filled in")
        }
        "other-kind" => "The request is no IstioOperator".to_owned(),
        "more" => "The request has more of these faults".to_owned(),
        _ => format!("The target warns about {place}"),
    }
}

/// Names that were given for deletion, but are not left over.
fn not_left_over(situation: &Situation) -> Option<Finding> {
    let names = situation
        .diff
        .map(|it| it.unmatched.as_slice())
        .unwrap_or_default();
    let subjects: Vec<_> = names
        .iter()
        .map(|it| Subject::flag("--prune").value(it.as_str()))
        .collect();
    let finding = Finding::new(
        Code::RequestWarning,
        Level::Warn,
        "What is to be pruned is not left over",
        "Only objects of this installation that the target does not render any more can be pruned; nothing of this name is \
         among them",
    );
    about(
        finding,
        subjects,
        "Write `KIND/NAME` or `KIND/NAMESPACE/NAME` of an object that the plan shows as left behind",
    )
}

#[cfg(test)]
mod tests {
    use super::{Code, check};
    use crate::rules::fixture::Cluster;

    #[test]
    fn what_is_to_be_pruned_and_is_not_left_over_is_named() {
        let mut cluster = Cluster::new();
        assert!(cluster.check(check).is_empty());
        cluster.diff.unmatched = vec!["ConfigMap/istio-system/none".to_owned()];
        let findings = cluster.check(check);
        assert_eq!(findings[0].code, Code::RequestWarning);
        assert_eq!(
            findings[0].subjects[0].value,
            Some("ConfigMap/istio-system/none".into())
        );
    }
}
