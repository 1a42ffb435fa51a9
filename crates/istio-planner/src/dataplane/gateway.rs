//! Which control plane makes a gateway or waypoint of the Gateway API.

use istio_catalog::DEFAULT_REVISION;
use serde_json::Value;

use crate::inventory;
use crate::kubernetes::text;
use crate::outcome::ControlPlane;
use crate::snapshot::{Pod, Snapshot, named};

/// The newest `gateway.istio.io/controller-version` that an istiod touches
/// (1.31:pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go:555-580).
const CONTROLLER_VERSION: i64 = 5;

/// Whether the istiod of a control plane makes the Deployment of a gateway's pod: the Gateway's label istio.io/rev
/// decides, else its namespace's, else the default tag (1.31:pkg/revisions/tag_watcher.go:127-153). Without the Gateway
/// in the export, the pod tells who made it.
pub(super) fn is_of(snapshot: &Snapshot, plane: &ControlPlane, pod: &Pod) -> bool {
    let name = pod.labels.get("gateway.networking.k8s.io/gateway-name");
    let Some(gateway) = name.and_then(|name| find(snapshot, &pod.namespace, name)) else {
        return inventory::revision(pod).is_none_or(|it| it == plane.revision);
    };
    let version = text(
        gateway,
        "/metadata/annotations/gateway.istio.io~1controller-version",
    );
    let newer = version
        .and_then(|it| it.parse::<i64>().ok())
        .is_some_and(|it| it > CONTROLLER_VERSION);
    if newer {
        return false;
    }
    let rev = "/metadata/labels/istio.io~1rev";
    let namespace = || {
        let (_, kept) = named(snapshot, "", "Namespace", None, &pod.namespace)?;
        text(&kept.value, rev)
    };
    match text(gateway, rev).or_else(namespace) {
        Some(named) => named == plane.revision || plane.tags.iter().any(|it| it == named),
        // Without a tag `default` it is the default revision's.
        None => {
            plane.revision == DEFAULT_REVISION || plane.tags.iter().any(|it| it == DEFAULT_REVISION)
        }
    }
}

fn find<'a>(snapshot: &'a Snapshot, namespace: &str, name: &str) -> Option<&'a Value> {
    named(
        snapshot,
        "gateway.networking.k8s.io",
        "Gateway",
        Some(namespace),
        name,
    )
    .map(|(_, kept)| &kept.value)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::is_of;
    use crate::rules::fixture::{Cluster, control_plane};
    use crate::snapshot::Pod;

    fn check(gateway: Option<&Value>, namespace: &Value, tags: &[&str]) -> bool {
        let mut cluster = Cluster::new();
        if let Some(metadata) = gateway {
            let mut object = json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
                "metadata": {"name": "waypoint", "namespace": "shop"}});
            for (key, value) in metadata.as_object().unwrap() {
                object["metadata"][key] = value.clone();
            }
            cluster.object(object);
        }
        cluster.object(json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "shop", "labels": namespace}}));
        let mut pod = Pod {
            namespace: "shop".to_owned(),
            ..Pod::default()
        };
        let labels = [
            ("gateway.networking.k8s.io/gateway-name", "waypoint"),
            ("istio.io/rev", "default"),
        ];
        pod.labels = labels
            .map(|(key, it)| (key.to_owned(), it.to_owned()))
            .into();
        let mut plane = control_plane("istio-system", "default", "1.29.6");
        plane.tags = tags.iter().map(|it| (*it).to_owned()).collect();
        is_of(&cluster.snapshot, &plane, &pod)
    }

    #[test]
    fn the_label_of_the_gateway_comes_before_that_of_the_namespace() {
        let labelled = |rev: &str| json!({"labels": {"istio.io/rev": rev}});
        assert!(!check(Some(&labelled("canary")), &json!({}), &[]));
        assert!(check(
            Some(&labelled("default")),
            &json!({"istio.io/rev": "canary"}),
            &[]
        ));
        assert!(!check(
            Some(&json!({})),
            &json!({"istio.io/rev": "canary"}),
            &[]
        ));
        assert!(check(
            Some(&json!({})),
            &json!({"istio.io/rev": "prod"}),
            &["prod"]
        ));
        assert!(check(Some(&json!({})), &json!({}), &[]));
    }

    #[test]
    fn a_newer_controller_keeps_its_gateway() {
        let of = |version: &str| json!({"annotations": {"gateway.istio.io/controller-version": version}});
        assert!(check(Some(&of("5")), &json!({}), &[]));
        assert!(!check(Some(&of("6")), &json!({}), &[]));
    }

    #[test]
    fn without_the_gateway_the_pod_tells() {
        assert!(check(None, &json!({"istio.io/rev": "canary"}), &[]));
    }
}
