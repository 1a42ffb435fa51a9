//! `proxies-too-old` and `proxies-ahead`: how far proxies may be from their control plane (domain §5.4).
//!
//! The policy speaks of minors: a proxy may be of the control plane's minor or of the one before, never ahead.

use istio_catalog::Version;

use super::{Situation, enumerate, minors_ahead};
use crate::finding::Code;
use crate::outcome::{Finding, Level, ProxyCount, Restart, Subject};

pub(super) fn check(it: &Situation) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(to) = it.to {
        let old = select(it, |proxy| minors_ahead(to, proxy).is_some_and(|it| it > 1));
        findings.extend(old.map(|old| too_old(to, &old)));
    }
    let Some(from) = it.from else { return findings };
    let ahead = |plane: &Version| {
        select(it, |proxy| {
            minors_ahead(proxy, plane).is_some_and(|it| it > 0)
        })
    };
    if let Some(now) = ahead(from) {
        findings.push(now.finding(
            Code::ProxiesAhead,
            format!("{} newer than istiod {from}", now.who()),
            "A proxy must never be ahead of its control plane; an injector of another version made them",
            "Restart their workloads, so that istiod's own injector renews them",
        ));
    } else if let Some(to) = it.to.filter(|to| *to < from)
        && let Some(after) = ahead(to)
    {
        findings.push(after.finding(
            Code::ProxiesAhead,
            format!("{} newer than istiod {to} after the downgrade", after.who()),
            "A proxy must never be ahead of its control plane, and each stays at its version until its pod is renewed",
            "Restart them as the plan orders it",
        ));
    }
    findings
}

fn too_old(to: &Version, old: &Selected) -> Finding {
    old.finding(
        Code::ProxiesTooOld,
        format!("{} more than one minor behind istiod {to}", old.who()),
        "A control plane serves proxies of its own and of the previous minor",
        "Restart their workloads before the upgrade, on the version that runs now",
    )
}

/// Proxies of some versions.
struct Selected {
    pods: usize,
    versions: Vec<(Version, usize)>,
    subjects: Vec<Subject>,
}

impl Selected {
    /// `14 proxies are`.
    fn who(&self) -> String {
        match self.pods {
            1 => "1 proxy is".to_owned(),
            pods => format!("{pods} proxies are"),
        }
    }

    fn finding(&self, code: Code, title: String, why: &str, fix: &str) -> Finding {
        let versions: Vec<_> = self
            .versions
            .iter()
            .map(|(version, pods)| format!("{pods} of {version}"))
            .collect();
        Finding::new(
            code,
            Level::Warn,
            title,
            format!("{}. {why}", enumerate(&versions)),
        )
        .about(self.subjects.iter().cloned())
        .fix(fix)
    }
}

/// Returns the proxies whose version fits; `None` where there are none.
fn select(it: &Situation, fits: impl Fn(&Version) -> bool) -> Option<Selected> {
    let mut versions = std::collections::BTreeMap::<Version, usize>::new();
    let counts = it
        .inventory
        .proxies
        .iter()
        .chain(&it.inventory.gateway_proxies);
    for ProxyCount { version, pods, .. } in counts {
        let version = version
            .as_deref()
            .and_then(Version::parse_tag)
            .map(|it| it.numbers());
        if let Some(version) = version.filter(&fits) {
            *versions.entry(version).or_default() += usize::try_from(*pods).unwrap_or(usize::MAX);
        }
    }
    if versions.is_empty() {
        return None;
    }
    let subjects = it
        .restarts
        .iter()
        .filter(|restart| has_proxy(restart, &fits))
        .map(|it| Subject::of(it.object.clone()));
    Some(Selected {
        pods: versions.values().sum(),
        subjects: subjects.collect(),
        versions: versions.into_iter().collect(),
    })
}

/// Whether a workload has a proxy whose version fits.
fn has_proxy(restart: &Restart, fits: impl Fn(&Version) -> bool) -> bool {
    restart
        .proxies
        .keys()
        .filter_map(|it| Version::parse_tag(it))
        .any(|it| fits(&it))
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::outcome::ProxyCount;
    use crate::precheck::fixture::Cluster;

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
