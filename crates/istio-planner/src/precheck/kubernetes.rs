//! `kubernetes-below-minimum`, `kubernetes-untested`, `kubernetes-unknown` (domain §10).
//!
//! Where the server's version is not exported, the newest kubelet stands for it: a server is never older than its nodes.

use istio_catalog::Version;

use super::Situation;
use crate::finding::Code;
use crate::outcome::{Finding, Level, Ref, Subject};

pub(super) fn check(it: &Situation) -> Vec<Finding> {
    let Some((server, evidence)) = server(it) else {
        let finding = Finding::new(
            Code::KubernetesUnknown,
            Level::Unknown,
            "The version of Kubernetes is unknown",
            "Neither the output of `kubectl version` nor any node is in the export, so a server too old for the target could \
             hide here",
        );
        return vec![finding.fix("Add the output of `kubectl version -o json` to the export")];
    };
    let (Some(facts), Some(to)) = (it.facts, it.to) else {
        return Vec::new();
    };
    let server_minor = server.minor_release();
    if let Some(minimum) = facts.kubernetes_minimum.filter(|it| server_minor < *it) {
        let finding = Finding::new(
            Code::KubernetesBelowMinimum,
            Level::Block,
            format!("Kubernetes {server_minor} is older than Istio {to} accepts"),
            format!("The server runs {server}; {to} needs {minimum} or newer"),
        );
        let fix = format!("Upgrade Kubernetes to {minimum} or newer first");
        return vec![finding.about([evidence]).fix(fix)];
    }
    let Some((oldest, newest)) = facts.kubernetes_documented else {
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

/// The server's version and where it stands.
fn server(it: &Situation) -> Option<(Version, Subject)> {
    if let Some(text) = &it.inventory.kubernetes.server {
        let subject = Subject {
            field: Some("serverVersion.gitVersion".to_owned()),
            ..Subject::default()
        };
        return Some((
            Version::parse_tag(text)?.numbers(),
            subject.value(text.clone()),
        ));
    }
    let newest = it
        .snapshot
        .nodes
        .values()
        .filter_map(|node| Some((Version::parse_tag(&node.kubelet)?.numbers(), node)))
        .max_by(|(a, left), (b, right)| a.cmp(b).then_with(|| right.name.cmp(&left.name)));
    let (version, node) = newest?;
    let object = Ref {
        api_version: "v1".to_owned(),
        kind: "Node".to_owned(),
        namespace: None,
        name: node.name.clone(),
    };
    let subject = Subject::exported(object, &node.origin).field("status.nodeInfo.kubeletVersion");
    Some((version, subject.value(node.kubelet.clone())))
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::precheck::fixture::Cluster;
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
        assert_eq!(findings[0].code, "kubernetes-below-minimum");
        assert_eq!(findings[0].subjects[0].object.as_ref().unwrap().name, "b");
    }

    #[test]
    fn neither_server_nor_node_is_unknown() {
        assert_eq!(codes(None), ["kubernetes-unknown Unknown"]);
    }
}
