//! `request-invalid`: source or target are no versions, or the release refuses the request.

use istio_catalog::{Minor, Version};

use super::Code;
use super::Explanation;
use super::Situation;
use super::diagnostics::{finding, place, refuses};
use super::links::OPTIONS;
use crate::outcome::{Finding, Level, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The target release's own istioctl refuses the request.",
    why: "Nothing would be applied. Releases differ in what they refuse: from 1.24 on, unknown fields are errors.",
    settle: "Correct the place that the finding names; the nearest valid field is given where there is one.",
    source: "TARGET:operator/pkg/apis/validation/validation.go",
    link: OPTIONS,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let refused = situation
        .diagnostics
        .iter()
        .filter(|it| refuses(it))
        .map(|it| {
            let title = match it.code.as_str() {
                "older-file" => {
                    "The request is written for an older Istio, or is no IstioOperator".to_owned()
                }
                "other-documents" => {
                    "The request's file holds other objects than the IstioOperator".to_owned()
                }
                _ => format!("The target refuses {}", place(it)),
            };
            finding(Code::RequestInvalid, Level::Block, title, it)
        });
    source(situation)
        .into_iter()
        .chain(target(situation))
        .chain(refused)
        .collect()
}

/// What the user says of the target is no version.
fn target(situation: &Situation) -> Option<Finding> {
    if situation.to.is_some() {
        return None;
    }
    let place = Subject::flag("--to").value(situation.request.to.clone());
    let finding = Finding::new(
        Code::RequestInvalid,
        Level::Block,
        format!("{:?} is not a version", situation.request.to),
        "A target is a release of Istio with its three numbers, as 1.30.3",
    );
    let newest = situation.request.to.parse::<Minor>().ok();
    let newest = newest.and_then(|minor| situation.known.newest_patch(minor, situation.as_of));
    let newest = newest.map_or_else(
        || situation.known.newest_release(),
        |(newest, _)| Some(newest),
    );
    let example = newest.map_or_else(|| "1.30.3".to_owned(), ToString::to_string);
    Some(finding.about([place]).fix(format!(
        "Give the release with `--to`, for example `--to {example}`"
    )))
}

/// What the user says of the version is none, or is not what runs.
fn source(situation: &Situation) -> Option<Finding> {
    let said = situation.request.from.as_deref()?;
    let place = Subject::flag("--from").value(said);
    let Some(version) = Version::parse_tag(said) else {
        let finding = Finding::new(
            Code::RequestInvalid,
            Level::Block,
            format!("{said:?} is not a version"),
            "A source is a release of Istio, as 1.29.6",
        );
        return Some(
            finding
                .about([place])
                .fix("Give what `istioctl version` prints of the control plane with `--from`"),
        );
    };
    let runs = situation.from.filter(|it| **it != version)?;
    let finding = Finding::new(
        Code::RequestInvalid,
        Level::Block,
        format!("The export shows that {runs} runs, not {version}"),
        "What runs is read from the cluster; `--from` only fills in what the export does not tell",
    );
    let evidence = situation.source.evidence.iter().cloned();
    Some(
        finding
            .about(evidence.chain([place]))
            .fix("Leave `--from` out, or name the export of the cluster that was meant"),
    )
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::rules::fixture::Cluster;

    #[test]
    fn a_source_that_contradicts_the_export_is_refused() {
        let mut cluster = Cluster::new();
        cluster.request.from = Some("1.28.0".to_owned());
        assert_eq!(cluster.codes(check), ["request-invalid Block"]);
        cluster.request.from = Some("1.29.6".to_owned());
        assert!(cluster.check(check).is_empty());
        cluster.request.from = Some("latest".to_owned());
        assert_eq!(cluster.codes(check), ["request-invalid Block"]);
    }

    #[test]
    fn a_target_that_is_no_version_is_refused() {
        for to in ["latest", "1.30", "1.30.3.4"] {
            let mut cluster = Cluster::new();
            cluster.request.to = to.to_owned();
            assert_eq!(cluster.codes(check), ["request-invalid Block"], "{to}");
        }
    }
}
