//! `version-skew`: in place leads across one minor only (istio.io, Upgrade with Istioctl; domain §5.4).

use super::Code;
use super::Explanation;
use super::links::UPGRADE;
use super::{Situation, minors_ahead};
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Source and target are more than one minor apart, in either direction.",
    why: "An in-place upgrade is tested across one minor only. Configuration, CRDs and the protocol between istiod and \
          its proxies are kept compatible for that distance, not for more.",
    settle: "Go one minor at a time, as `hops` in the outcome lists them. Restart the data plane between two hops, \
             so that no proxy falls two minors behind.",
    source: "istio.io, Upgrade with Istioctl; 1.12.9:operator/cmd/mesh/upgrade.go (a warning there, lost since 1.13.0)",
    link: UPGRADE,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let (Some(from), Some(to)) = (situation.from, situation.to) else {
        return Vec::new();
    };
    let distance = minors_ahead(to, from);
    if distance.is_some_and(|it| it.abs() <= 1) {
        return Vec::new();
    }
    let (from_minor, to_minor) = (from.minor_release(), to.minor_release());
    let detail = match distance {
        Some(distance) => format!(
            "{from} to {to} leads across {} minors; in place is tested for one. The way is {}",
            distance.abs(),
            situation.hops.join(" → ")
        ),
        None => format!("{from} and {to} are of different major versions"),
    };
    let fix = situation.hops.get(1).map_or_else(
        || "Choose a target of the next minor".to_owned(),
        |next| format!("Go to {next} first, restart the data plane, then plan the next hop"),
    );
    let finding = Finding::new(
        Code::VersionSkew,
        Level::Block,
        format!("{from_minor} to {to_minor} is more than one minor apart"),
        detail,
    );
    let finding = finding
        .about(situation.source.evidence.iter().cloned())
        .fix(fix);
    vec![match situation.hops.get(1) {
        Some(next) => finding.instead(next),
        None => finding,
    }]
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::rules::fixture::Cluster;

    #[track_caller]
    fn blocked(from: &str, to: &str) -> bool {
        let mut cluster = Cluster::new();
        cluster.source.version = Some(from.to_owned());
        cluster.request.to = to.to_owned();
        cluster.codes(check) == ["version-skew Block"]
    }

    #[test]
    fn a_skipped_minor_is_refused_in_both_directions() {
        assert!(blocked("1.26.8", "1.30.3"));
        assert!(blocked("1.28.10", "1.30.3"));
        assert!(blocked("1.30.3", "1.28.10"));
        assert!(blocked("1.30.3", "2.0.0"));
    }

    #[test]
    fn one_minor_and_patches_are_accepted() {
        assert!(!blocked("1.29.6", "1.30.3"));
        assert!(!blocked("1.30.3", "1.29.6"));
        assert!(!blocked("1.30.0", "1.30.3"));
        assert!(!blocked("1.30.3", "1.30.3"));
    }

    #[test]
    fn the_fix_names_the_next_hop() {
        let mut cluster = Cluster::new();
        cluster.source.version = Some("1.28.10".to_owned());
        cluster.hops = ["1.28.10", "1.29.6", "1.30.3"].map(str::to_owned).to_vec();
        let findings = cluster.check(check);
        assert!(
            findings[0]
                .fix
                .as_deref()
                .unwrap()
                .starts_with("Go to 1.29.6 first")
        );
        assert!(findings[0].detail.ends_with("1.28.10 → 1.29.6 → 1.30.3"));
    }
}
