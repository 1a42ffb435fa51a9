//! What a pod is in the mesh.

use crate::snapshot::{Container, Pod};
use istio_catalog::ComponentName;

/// What a pod is in the mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// istiod.
    Istiod,
    /// The in-cluster `IstioOperator` controller of 1.23 and older.
    Operator,
    /// The CNI node agent.
    Cni,
    /// ztunnel.
    Ztunnel,
    /// A gateway that istiod made for a `Gateway` of the Gateway API; waypoints too.
    GatewayApi,
    /// Any other pod that is only a proxy.
    Gateway,
    /// A workload with a proxy beside it.
    Sidecar,
    /// No part of the mesh.
    Other,
}

/// The container that every proxy runs in.
pub(crate) const PROXY: &str = "istio-proxy";

/// Whether the labels of a pod, or of a workload's pods, are istiod's: `label` gives the value of a key.
///
/// The chart sets `app: istiod`, and `istio: pilot` without a revision (1.6 to 1.30,
/// `istio-control/istio-discovery/templates/deployment.yaml`); either is enough.
pub(crate) fn is_istiod<'a>(label: impl Fn(&str) -> Option<&'a str>) -> bool {
    label("app") == Some("istiod") || label("istio") == Some("pilot")
}

/// Tells what a pod is.
pub fn role(pod: &Pod) -> Role {
    let label = |key: &str| pod.labels.get(key).map(String::as_str);
    let app = label("app");
    let runs = |name: &str| pod.containers.iter().any(|it| it.name == name);
    if runs(ComponentName::Pilot.container()) && is_istiod(label) {
        return Role::Istiod;
    }
    if runs(ComponentName::Cni.container())
        && pod
            .labels
            .get("k8s-app")
            .is_some_and(|it| it == "istio-cni-node")
    {
        return Role::Cni;
    }
    if runs("istio-operator") {
        return Role::Operator;
    }
    let Some(proxy) = proxy_container(pod) else {
        return Role::Other;
    };
    if app == Some("ztunnel") || image_name(proxy) == "ztunnel" {
        return Role::Ztunnel;
    }
    let alone = pod.containers.iter().all(|it| it.init || it.name == PROXY) && !proxy.init;
    match (alone, pod.labels.contains_key("gateway.istio.io/managed")) {
        (true, true) => Role::GatewayApi,
        (true, false) => Role::Gateway,
        (false, _) => Role::Sidecar,
    }
}

/// Returns the proxy of a pod, if it has one.
pub fn proxy_container(pod: &Pod) -> Option<&Container> {
    pod.containers.iter().find(|it| it.name == PROXY)
}

/// Returns whether a pod runs, or is about to: neither done nor on its way out.
pub fn is_active(pod: &Pod) -> bool {
    !pod.deleting && !matches!(pod.phase.as_str(), "Succeeded" | "Failed")
}

/// Returns the last part of an image's name.
fn image_name(container: &Container) -> &str {
    let image = container.image.split(['@']).next().unwrap_or_default();
    let name = image.rsplit('/').next().unwrap_or_default();
    name.split(':').next().unwrap_or_default()
}
