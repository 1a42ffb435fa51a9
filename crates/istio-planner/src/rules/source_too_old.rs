//! `source-too-old`: what runs has to be 1.6 or newer (domain §5.1).

use istio_catalog::Version;

use super::Code;
use super::Explanation;
use super::Situation;
use super::links::CANARY;
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "What runs is older than Istio 1.6.",
    why: "Before 1.6 the control plane was several programs, installed by other means. Nothing of it is upgraded by \
          an apply of today's charts.",
    settle: "Install a supported release as a new revision beside it, move the workloads, then remove the old one.",
    source: "1.12.9:operator/cmd/mesh/upgrade.go (\"upgrade is not supported before version: 1.6.0\")",
    link: CANARY,
};

/// The first version whose control plane is one istiod.
const OLDEST: Version = Version::new(1, 6, 0);

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let Some(from) = situation.from.filter(|it| **it < OLDEST) else {
        return Vec::new();
    };
    vec![
        Finding::new(
            Code::SourceTooOld,
            Level::Block,
            format!("{from} is older than 1.6 and cannot be upgraded in place"),
            "Before 1.6 the control plane was several programs, installed by other means",
        )
        .about(situation.source.evidence.iter().cloned())
        .fix("Install a supported release as a new revision beside it and move the workloads"),
    ]
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::rules::fixture::Cluster;

    #[test]
    fn a_source_before_1_6_is_refused() {
        let mut cluster = Cluster::new();
        cluster.source.version = Some("1.5.10".to_owned());
        assert_eq!(cluster.codes(check), ["source-too-old Block"]);
    }

    #[test]
    fn a_known_source_is_accepted() {
        assert!(Cluster::new().check(check).is_empty());
    }
}
