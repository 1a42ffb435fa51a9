//! `target-unknown`: the catalogue has to know the target.

use super::Explanation;
use super::Situation;
use super::links::SUPPORT;
use crate::finding::Code;
use crate::outcome::{Finding, Level, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The target is not a release that this build has facts about.",
    why: "Kubernetes support, compatibility versions and ends of support are taken from the catalogue. For an unknown \
          release those rules fall silent, so they say unknown instead.",
    settle: "Check the spelling of `--to`, or use a build that knows the release.",
    source: "crates/istio-catalog",
    link: SUPPORT,
};

pub(crate) fn check(it: &Situation) -> Vec<Finding> {
    let Some(to) = it.to else {
        return Vec::new();
    };
    let place = Subject::flag("--to").value(it.request.to.clone());
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
    use crate::rules::fixture::Cluster;

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
