//! `kubernetes-unknown`: the server's version has to be known (domain §10).

use super::Code;
use super::Explanation;
use super::Situation;
use super::kubernetes::server;
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Neither the server's version nor any node is in the export.",
    why: "A server that is too old for the target could hide behind it.",
    settle: "Add the output of `kubectl version -o json`.",
    source: "1.31:istioctl/pkg/install/k8sversion/version.go",
    link: None,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    if server(situation).is_some() {
        return Vec::new();
    }
    let finding = Finding::new(
        Code::KubernetesUnknown,
        Level::Unknown,
        "The version of Kubernetes is unknown",
        "Neither the output of `kubectl version` nor any node is in the export, so a server too old for the target could \
         hide here",
    );
    vec![finding.fix("Add the output of `kubectl version -o json` to the export")]
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
    fn neither_server_nor_node_is_unknown() {
        assert_eq!(codes(None), ["kubernetes-unknown Unknown"]);
    }

    #[test]
    fn a_server_that_is_exported_is_known() {
        assert!(codes(Some("1.34.1")).is_empty());
    }
}
