//! Components that run pods, with the versions of those pods.

use std::collections::BTreeMap;

use istio_catalog::Version;

use super::role::{PROXY, Role, is_active, role};
use super::version;
use super::workload::controller;
use crate::outcome::ComponentVersion;
use crate::snapshot::{Pod, Snapshot};

/// The order of output: istiod first, then as an upgrade goes.
const ORDER: [&str; 7] = [
    "Pilot",
    "Cni",
    "Ztunnel",
    "IngressGateways",
    "EgressGateways",
    "Gateway",
    "Waypoint",
];

/// Returns every component that runs pods: one entry for each version that its pods run.
pub(super) fn components(snapshot: &Snapshot) -> Vec<ComponentVersion> {
    let mut found: BTreeMap<(usize, String, String, Option<Version>), u32> = BTreeMap::new();
    for pod in snapshot.pods.values().filter(|it| is_active(it)) {
        let Some(component) = component(pod) else {
            continue;
        };
        let version = match role(pod) {
            Role::Istiod => version::of_pod(snapshot, pod, "discovery"),
            Role::Cni => version::of_pod(snapshot, pod, "install-cni"),
            Role::Ztunnel => version::of_pod(snapshot, pod, PROXY),
            _ => version::of_proxy(snapshot, pod),
        };
        let order = ORDER
            .iter()
            .position(|it| *it == component)
            .unwrap_or(ORDER.len());
        let name = controller(snapshot, pod).object.name;
        *found
            .entry((order, pod.namespace.clone(), name, version))
            .or_default() += 1;
    }
    found
        .into_iter()
        .map(
            |((order, namespace, name, version), pods)| ComponentVersion {
                component: ORDER.get(order).copied().unwrap_or_default().to_owned(),
                namespace,
                name,
                version: version.map(|it| it.to_string()),
                pods,
            },
        )
        .collect()
}

/// Returns the component that a pod belongs to.
pub(crate) fn component(pod: &Pod) -> Option<&'static str> {
    let label = pod
        .labels
        .get("operator.istio.io/component")
        .map(String::as_str);
    match (role(pod), label) {
        (Role::Istiod, _) => Some("Pilot"),
        (Role::Cni, _) => Some("Cni"),
        (Role::Ztunnel, _) => Some("Ztunnel"),
        (Role::Gateway, Some("IngressGateways")) => Some("IngressGateways"),
        (Role::Gateway, Some("EgressGateways")) => Some("EgressGateways"),
        (Role::Gateway, _) => Some("Gateway"),
        (Role::GatewayApi, _) => {
            let made_for = pod
                .labels
                .get("gateway.istio.io/managed")
                .map(String::as_str);
            Some(if made_for == Some("istio.io-mesh-controller") {
                "Waypoint"
            } else {
                "Gateway"
            })
        }
        (Role::Operator | Role::Sidecar | Role::Other, _) => None,
    }
}
