//! `target-unknown`, and `request-invalid` for a target that is no version at all.

use istio_catalog::{Catalog, Minor};

use super::Situation;
use crate::finding::Code;
use crate::outcome::{Finding, Level, Subject};

pub(super) fn check(it: &Situation) -> Vec<Finding> {
    let place = Subject::flag("--to").value(it.request.to.clone());
    let Some(to) = it.to else {
        let finding = Finding::new(
            Code::RequestInvalid,
            Level::Block,
            format!("{:?} is not a version", it.request.to),
            "A target is a release of Istio with its three numbers, as 1.30.3",
        );
        let newest = it.request.to.parse::<Minor>().ok();
        let newest = newest.and_then(|minor| Catalog::embedded().newest_patch(minor));
        let example = newest.map_or_else(|| "1.30.3".to_owned(), ToString::to_string);
        return vec![finding.about([place]).fix(format!(
            "Give the release with `--to`, for example `--to {example}`"
        ))];
    };
    match it.facts {
        None => vec![
            Finding::new(
                Code::TargetUnknown,
                Level::Unknown,
                format!("Istio {to} is not known to this build"),
                "Its Kubernetes range, compatibility versions and end of support are not checked",
            )
            .about([place])
            .fix("Check the spelling of `--to`, or use a build that knows the release"),
        ],
        Some(facts) if !facts.exact => vec![
            Finding::new(
                Code::TargetUnknown,
                Level::Info,
                format!("Istio {to} is newer than the patches that this build knows"),
                format!("The facts of {} are used", to.minor_release()),
            )
            .about([place]),
        ],
        Some(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::precheck::fixture::Cluster;

    #[test]
    fn a_target_that_is_no_version_is_refused() {
        for to in ["latest", "1.30", "1.30.3.4"] {
            let mut cluster = Cluster::new();
            cluster.request.to = to.to_owned();
            assert_eq!(cluster.codes(check), ["request-invalid Block"], "{to}");
        }
    }

    #[test]
    fn an_unknown_minor_is_unknown_and_an_unknown_patch_only_told() {
        let mut cluster = Cluster::new();
        cluster.facts.as_mut().unwrap().exact = false;
        assert_eq!(cluster.codes(check), ["target-unknown Info"]);
        cluster.facts = None;
        assert_eq!(cluster.codes(check), ["target-unknown Unknown"]);
    }

    #[test]
    fn a_known_release_is_accepted() {
        assert!(Cluster::new().check(check).is_empty());
    }
}
