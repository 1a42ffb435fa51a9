//! `no-control-plane`: something has to run (domain §7.3).

use super::Code;
use super::Explanation;
use super::{Situation, remote};
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "No istiod, and no set-up that would use a remote one, was found.",
    why: "There is nothing to upgrade. An apply would be a first installation.",
    settle: "Check that the export is of the right cluster and holds all namespaces. For a first installation use \
             `istioctl install`.",
    source: "1.12.9:operator/cmd/mesh/upgrade.go (\"istio pod not found in namespace\")",
    link: None,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    if !situation.inventory.control_planes.is_empty() {
        return missing_namespace(situation);
    }
    // `remote-cluster` speaks of it.
    if !remote::injectors(situation).is_empty() {
        return Vec::new();
    }
    // Neither pods nor Deployments: an istiod could not have been seen. `export-incomplete` says so.
    if !situation.exported("Pod") && !situation.exported("Deployment") {
        return Vec::new();
    }
    vec![
        Finding::new(
            Code::NoControlPlane,
            Level::Block,
            "No control plane was found",
            "No istiod runs in any namespace of the export, and no injector leads to a remote one",
        )
        .fix("Check that the export is of the right cluster and holds all namespaces (`-A`); for a first installation use `istioctl install`"),
    ]
}

/// The request names a namespace in which no istiod runs.
fn missing_namespace(situation: &Situation) -> Vec<Finding> {
    let Some(said) = &situation.asked.namespace else {
        return Vec::new();
    };
    if situation
        .inventory
        .control_planes
        .iter()
        .any(|it| it.namespace == said.value)
    {
        return Vec::new();
    }
    let finding = Finding::new(
        Code::NoControlPlane,
        Level::Block,
        format!("No control plane runs in namespace {}", said.value),
        "The request names that namespace; istioctl would install a second control plane there",
    );
    vec![
        finding
            .about([said.place.clone()])
            .fix("Name the namespace in which istiod runs, or leave it out"),
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
    fn a_cluster_without_istiod_blocks() {
        assert_eq!(empty().codes(check), ["no-control-plane Block"]);
    }

    #[test]
    fn nothing_is_claimed_without_pods_and_deployments() {
        let mut cluster = empty();
        cluster.snapshot.kinds.remove("v1/Pod");
        cluster.snapshot.kinds.remove("apps/v1/Deployment");
        assert!(cluster.check(check).is_empty());
    }

    #[test]
    fn a_namespace_without_istiod_blocks() {
        let mut cluster = Cluster::new();
        cluster.request.namespace = Some("elsewhere".to_owned());
        assert_eq!(cluster.codes(check), ["no-control-plane Block"]);
    }

    #[test]
    fn a_remote_control_plane_is_one() {
        let mut cluster = empty();
        cluster.object(json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "istio-sidecar-injector", "labels": {"istio.io/rev": "default"}},
            "webhooks": [{"clientConfig": {"url": "https://192.0.2.1:15017/inject"}}],
        }));
        assert!(cluster.check(check).is_empty());
    }
}
