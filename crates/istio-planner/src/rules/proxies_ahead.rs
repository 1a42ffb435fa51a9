//! `proxies-ahead`: a proxy must not be newer than its control plane (domain §5.4).

use istio_catalog::Version;

use super::Code;
use super::Explanation;
use super::links::SUPPORT;
use super::proxies::select;
use super::{Situation, minors_ahead};
use crate::outcome::Finding;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Proxies are newer than the control plane, now or after the downgrade.",
    why: "A proxy must never be ahead of its istiod: it may be sent configuration that it no longer accepts.",
    settle: "For a downgrade, restart the workloads on the older injector as the plan orders it; else find out \
             which injector served them.",
    source: "istio.io, Supported Releases (Control Plane/Data Plane Skew)",
    link: SUPPORT,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let Some(from) = situation.from else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let ahead = |plane: &Version| {
        select(situation, |proxy| {
            minors_ahead(proxy, plane).is_some_and(|it| it > 0)
        })
    };
    if let Some(now) = ahead(from) {
        findings.push(now.finding(
            Code::ProxiesAhead,
            format!("{} newer than istiod {from}", now.who()),
            "A proxy must never be ahead of its control plane; an injector of another version made them",
            "Restart their workloads, so that istiod's own injector injects them again",
        ));
    } else if let Some(to) = situation.to.filter(|to| *to < from)
        && let Some(after) = ahead(to)
    {
        findings.push(after.finding(
            Code::ProxiesAhead,
            format!("{} newer than istiod {to} after the downgrade", after.who()),
            "A proxy must never be ahead of its control plane, and each stays at its version until its pod is restarted",
            "Restart them as the plan orders it",
        ));
    }
    findings
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
    fn after_a_downgrade_proxies_are_ahead() {
        let findings = cluster("1.30.3", "1.29.6", &[("1.30.3", 1)]).check(check);
        assert_eq!(
            findings[0].title,
            "1 proxy is newer than istiod 1.29.6 after the downgrade"
        );
    }

    #[test]
    fn proxies_ahead_now_are_told_in_an_upgrade_too() {
        assert_eq!(
            cluster("1.29.6", "1.30.3", &[("1.30.3", 2)]).codes(check),
            ["proxies-ahead Warn"]
        );
    }

    #[test]
    fn a_newer_patch_is_within_the_policy() {
        assert!(
            cluster("1.29.5", "1.29.4", &[("1.29.6", 2)])
                .check(check)
                .is_empty()
        );
    }
}
