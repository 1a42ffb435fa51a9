//! `render-failed`: a chart of the target refuses the values.

use istio_render::Severity;

use super::Code;
use super::Explanation;
use super::Situation;
use super::compatibility_version_unsupported;
use super::diagnostics::{finding, is_of_chart};
use super::links::CUSTOMISE;
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A chart of the target release refuses the values.",
    why: "Nothing would be applied, with or without `--force`.",
    settle: "The message is the chart's own: remove or replace the setting that it names.",
    source: "TARGET:manifests/charts",
    link: CUSTOMISE,
};

/// What is said where charts do not have the compatibility version, and no fact of the target tells it.
const COMPATIBILITY: &str = "The target's charts do not have this compatibility version";

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    // One cause, one finding: the rule of compatibility versions names those that are shipped.
    let told = compatibility_version_unsupported::check(situation)
        .iter()
        .any(|it| it.level == Level::Block);
    let failed = situation
        .diagnostics
        .iter()
        .filter(|it| it.severity == Severity::Error && is_of_chart(it))
        .filter(|it| !(told && it.code == "compatibility-version"));
    failed
        .map(|it| {
            let title = match it.code.as_str() {
                "compatibility-version" => COMPATIBILITY,
                _ => "A chart of the target refuses the values",
            };
            finding(Code::RenderFailed, Level::Block, title, it)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use istio_render::{Diagnostic, Severity};

    use super::check;
    use crate::rules::fixture::Cluster;

    fn refused(code: &str) -> Diagnostic {
        Diagnostic {
            code: code.to_owned(),
            severity: Severity::Error,
            message: "helm render: render chart".to_owned(),
            path: None,
            place: None,
            hint: None,
            nearest: None,
            also: Vec::new(),
        }
    }

    #[test]
    fn a_compatibility_version_that_is_gone_is_told_by_its_own_rule_alone() {
        let mut cluster = Cluster::new();
        cluster.diagnostics = vec![refused("compatibility-version")];
        assert_eq!(cluster.codes(check), ["render-failed Block"]);
        cluster.request.sets = vec!["compatibilityVersion=1.24".to_owned()];
        assert!(cluster.check(check).is_empty());
        // What a chart refuses besides is told all the same.
        cluster.diagnostics.push(refused("render-failed"));
        assert_eq!(cluster.codes(check), ["render-failed Block"]);
    }
}
