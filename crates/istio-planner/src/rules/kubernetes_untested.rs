//! `kubernetes-untested`: servers outside the documented range (domain §10).

use super::Code;
use super::Explanation;
use super::Situation;
use super::kubernetes::server;
use super::links::SUPPORT;
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The Kubernetes server is outside the range that is documented for the target release.",
    why: "The combination is not tested by the project.",
    settle: "Choose a release whose range holds the server, or test the combination yourself.",
    source: "istio.io, Supported Releases",
    link: SUPPORT,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let (Some((server, evidence)), Some(facts), Some(to)) =
        (server(situation), situation.facts, situation.to)
    else {
        return Vec::new();
    };
    let server_minor = server.minor_release();
    let refused = facts.kubernetes_minimum.is_some_and(|it| server_minor < it);
    let documented = facts.kubernetes_documented.filter(|_| !refused);
    let Some((oldest, newest)) = documented else {
        return Vec::new();
    };
    if (oldest..=newest).contains(&server_minor) {
        return Vec::new();
    }
    let side = if server_minor < oldest {
        "older"
    } else {
        "newer"
    };
    let finding = Finding::new(
        Code::KubernetesUntested,
        Level::Warn,
        format!(
            "Kubernetes {server_minor} is {side} than what Istio {} is documented for",
            to.minor_release()
        ),
        format!("The server runs {server}; the documented range is {oldest} to {newest}"),
    );
    vec![
        finding
            .about([evidence])
            .fix("Choose a release whose range holds this server, or test the combination"),
    ]
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::rules::fixture::Cluster;

    #[track_caller]
    fn codes(server: Option<&str>) -> Vec<String> {
        let mut cluster = Cluster::new();
        cluster.inventory.kubernetes.server = server.map(str::to_owned);
        cluster.codes(check)
    }

    #[test]
    fn a_server_outside_the_documented_range_is_worth_a_warning() {
        assert_eq!(codes(Some("1.37.0")), ["kubernetes-untested Warn"]);
    }

    #[test]
    fn the_older_side_warns_where_the_code_accepts_more_than_is_documented() {
        let mut cluster = Cluster::new();
        cluster.inventory.kubernetes.server = Some("1.32.1".to_owned());
        let facts = cluster.facts.as_mut().unwrap();
        facts.kubernetes_documented.as_mut().unwrap().0 = istio_catalog::Minor::new(1, 33);
        assert_eq!(cluster.codes(check), ["kubernetes-untested Warn"]);
    }

    #[test]
    fn both_ends_of_the_range_are_accepted_with_vendor_suffixes() {
        assert!(codes(Some("1.32.0-eks-1a2b")).is_empty());
        assert!(codes(Some("1.36.9+k3s1")).is_empty());
    }
}
