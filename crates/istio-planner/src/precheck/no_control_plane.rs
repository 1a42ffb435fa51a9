//! `no-control-plane`, and `remote-cluster` where the control plane is elsewhere (domain §7.3).

use serde_json::Value;

use super::{Situation, text};
use crate::finding::Code;
use crate::outcome::{Finding, Level, Subject};

pub(super) fn check(it: &Situation) -> Vec<Finding> {
    if !it.inventory.control_planes.is_empty() {
        return missing_namespace(it);
    }
    let remote = remote_injectors(it);
    if !remote.is_empty() {
        let finding = Finding::new(
            Code::RemoteCluster,
            Level::Warn,
            "The control plane runs in another cluster",
            "Injection leads to an address outside this cluster; the injector, definitions and gateways here must not run \
             ahead of the primary",
        );
        return vec![
            finding
                .about(remote)
                .fix("Upgrade the primary cluster first"),
        ];
    }
    // Neither pods nor Deployments: an istiod could not have been seen. `export-incomplete` says so.
    if !it.exported("Pod") && !it.exported("Deployment") {
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
fn missing_namespace(it: &Situation) -> Vec<Finding> {
    let Some(said) = &it.asked.namespace else {
        return Vec::new();
    };
    if it
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

/// Injection webhooks with an address instead of a Service.
fn remote_injectors(it: &Situation) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for (object, kept) in it.objects(
        "admissionregistration.k8s.io",
        "MutatingWebhookConfiguration",
    ) {
        let webhooks = kept.value.get("webhooks").and_then(Value::as_array);
        let url = webhooks
            .into_iter()
            .flatten()
            .find_map(|it| text(it, "/clientConfig/url"));
        if let Some(url) = url
            && kept
                .value
                .pointer("/metadata/labels/istio.io~1rev")
                .is_some()
        {
            subjects.push(
                Subject::kept(object, kept)
                    .field("webhooks[0].clientConfig.url")
                    .value(url),
            );
        }
    }
    subjects
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;
    use crate::precheck::fixture::Cluster;

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
    fn a_namespace_without_istiod_blocks() {
        let mut cluster = Cluster::new();
        cluster.request.namespace = Some("elsewhere".to_owned());
        assert_eq!(cluster.codes(check), ["no-control-plane Block"]);
    }
}
