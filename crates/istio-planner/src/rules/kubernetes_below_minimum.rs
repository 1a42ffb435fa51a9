//! `kubernetes-below-minimum`: the target's code refuses an older server (domain §10).

use super::Code;
use super::Explanation;
use super::Situation;
use super::kubernetes::server;
use super::links::SUPPORT;
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The Kubernetes server is older than the minimum built into the target release.",
    why: "istiod and the charts use APIs that the server may lack. istioctl only warns and goes on.",
    settle: "Upgrade Kubernetes first, or choose a release that supports this server.",
    source: "TARGET:istioctl/pkg/install/k8sversion/version.go (MinK8SVersion)",
    link: SUPPORT,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let (Some((server, evidence)), Some(facts), Some(to)) =
        (server(situation), situation.facts, situation.to)
    else {
        return Vec::new();
    };
    let server_minor = server.minor_release();
    let Some(minimum) = facts.kubernetes_minimum.filter(|it| server_minor < *it) else {
        return Vec::new();
    };
    let finding = Finding::new(
        Code::KubernetesBelowMinimum,
        Level::Block,
        format!("Kubernetes {server_minor} is older than Istio {to} accepts"),
        format!("The server runs {server}; {to} needs {minimum} or newer"),
    );
    let fix = format!("Upgrade Kubernetes to {minimum} or newer first");
    vec![finding.about([evidence]).fix(fix)]
}

#[cfg(test)]
mod tests {
    use super::{Code, check};
    use crate::rules::fixture::Cluster;
    use crate::snapshot::Node;

    #[track_caller]
    fn codes(server: Option<&str>) -> Vec<String> {
        let mut cluster = Cluster::new();
        cluster.inventory.kubernetes.server = server.map(str::to_owned);
        cluster.codes(check)
    }

    #[test]
    fn a_server_older_than_the_code_minimum_blocks() {
        assert_eq!(codes(Some("1.31.9")), ["kubernetes-below-minimum Block"]);
    }

    #[test]
    fn both_ends_of_the_range_are_accepted_with_vendor_suffixes() {
        assert!(codes(Some("1.32.0-eks-1a2b")).is_empty());
        assert!(codes(Some("1.36.9+k3s1")).is_empty());
    }

    #[test]
    fn the_newest_node_stands_for_a_server_that_is_not_exported() {
        let mut cluster = Cluster::new();
        cluster.inventory.kubernetes.server = None;
        for (name, kubelet) in [("a", "1.30.1"), ("b", "1.31.2")] {
            let node = Node {
                name: name.to_owned(),
                kubelet: kubelet.to_owned(),
                ..Node::default()
            };
            cluster.snapshot.nodes.insert(name.to_owned(), node);
        }
        let findings = cluster.check(check);
        assert_eq!(findings[0].code, Code::KubernetesBelowMinimum);
        assert_eq!(findings[0].subjects[0].object.as_ref().unwrap().name, "b");
    }
}
