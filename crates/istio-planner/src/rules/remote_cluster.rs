//! `remote-cluster`: the control plane is elsewhere (domain §7.3).

use super::Code;
use super::Explanation;
use super::{Situation, remote};
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "This cluster's workloads are served by a control plane in another cluster.",
    why: "Only the injector, the CRDs and the gateways are upgraded here, and they must not run ahead of the primary.",
    settle: "Upgrade every primary cluster first, then each remote one.",
    source: "admissionregistration.k8s.io/v1, clientConfig.url; istio.io, Install Primary-Remote",
    link: Some("https://istio.io/latest/docs/setup/install/multicluster/"),
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let remote = remote::injectors(situation);
    if !situation.inventory.control_planes.is_empty() || remote.is_empty() {
        return Vec::new();
    }
    let finding = Finding::new(
        Code::RemoteCluster,
        Level::Warn,
        "The control plane runs in another cluster",
        "Injection leads to an address outside this cluster; the injector, definitions and gateways here must not run \
         ahead of the primary",
    );
    vec![
        finding
            .about(remote)
            .fix("Upgrade the primary cluster first"),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;
    use crate::rules::fixture::Cluster;

    fn empty() -> Cluster {
        let mut cluster = Cluster::new();
        cluster.inventory.control_planes.clear();
        cluster
    }

    #[test]
    fn a_remote_injector_means_a_remote_control_plane() {
        let mut cluster = empty();
        cluster.object(json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "istio-sidecar-injector", "labels": {"istio.io/rev": "default"}},
            "webhooks": [{"clientConfig": {"url": "https://192.0.2.1:15017/inject"}}],
        }));
        assert_eq!(cluster.codes(check), ["remote-cluster Warn"]);
    }

    #[test]
    fn a_control_plane_in_this_cluster_is_not_remote() {
        assert!(Cluster::new().check(check).is_empty());
        assert!(empty().check(check).is_empty());
    }
}
