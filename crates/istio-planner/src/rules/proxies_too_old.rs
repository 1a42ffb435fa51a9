//! `proxies-too-old`: a control plane serves proxies of its own minor and of the one before (domain §5.4).

use super::Code;
use super::Explanation;
use super::links::SUPPORT;
use super::proxies::select;
use super::{Situation, minors_ahead};
use crate::outcome::Finding;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Proxies run that would be more than one minor behind the target's control plane.",
    why: "A control plane is tested with proxies of its own and of the previous minor. Older ones may refuse \
          configuration, silently.",
    settle: "Restart their workloads now, on the source version, so that they are at most one minor behind.",
    source: "istio.io, Supported Releases (Control Plane/Data Plane Skew)",
    link: SUPPORT,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let Some(to) = situation.to else {
        return Vec::new();
    };
    let old = select(situation, |proxy| {
        minors_ahead(to, proxy).is_some_and(|it| it > 1)
    });
    let finding = old.map(|old| {
        old.finding(
            Code::ProxiesTooOld,
            format!("{} more than one minor behind istiod {to}", old.who()),
            "A control plane serves proxies of its own and of the previous minor",
            "Restart their workloads before the upgrade, on the version that runs now",
        )
    });
    finding.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::outcome::ProxyCount;
    use crate::rules::fixture::Cluster;

    fn cluster(from: &str, to: &str, proxies: &[(&str, u32)]) -> Cluster {
        let mut cluster = Cluster::new();
        cluster.source.version = Some(from.to_owned());
        cluster.request.to = to.to_owned();
        cluster.inventory.proxies = proxies
            .iter()
            .map(|(version, pods)| ProxyCount {
                version: Some((*version).to_owned()),
                pods: *pods,
                ..ProxyCount::default()
            })
            .collect();
        cluster
    }

    #[test]
    fn proxies_two_minors_behind_the_target_are_too_old() {
        let findings = cluster("1.28.10", "1.29.6", &[("1.27.9", 8), ("1.28.10", 3)]).check(check);
        assert_eq!(findings.len(), 1);
        assert_eq!(
            findings[0].title,
            "8 proxies are more than one minor behind istiod 1.29.6"
        );
        assert!(findings[0].detail.starts_with("8 of 1.27.9. "));
    }

    #[test]
    fn proxies_of_the_source_are_not_too_old() {
        assert!(
            cluster("1.29.6", "1.30.3", &[("1.29.6", 8), ("1.29.1", 1)])
                .check(check)
                .is_empty()
        );
    }
}
