//! Components that run pods, with the versions of those pods.

use istio_catalog::{ComponentName, Version};
use sorted::SortedMap;

use super::role::{Role, is_active, role};
use super::version;
use super::workload::controller;
use crate::outcome::ComponentVersion;
use crate::snapshot::{Pod, Snapshot};

/// The order of output: istiod first, then as an upgrade goes.
const ORDER: [ComponentName; 7] = [
    ComponentName::Pilot,
    ComponentName::Cni,
    ComponentName::Ztunnel,
    ComponentName::IngressGateways,
    ComponentName::EgressGateways,
    ComponentName::Gateway,
    ComponentName::Waypoint,
];

/// Returns every component that runs pods: one entry for each version that its pods run.
pub(super) fn components(snapshot: &Snapshot) -> Vec<ComponentVersion> {
    type Key = (usize, ComponentName, String, String, Option<Version>);
    let mut found: SortedMap<Key, u32> = SortedMap::new();
    for pod in snapshot.pods.values().filter(|it| is_active(it)) {
        let Some(component) = component(pod) else {
            continue;
        };
        let version = match role(pod) {
            Role::Istiod | Role::Cni | Role::Ztunnel => {
                version::of_pod(snapshot, pod, component.container())
            }
            _ => version::of_proxy(snapshot, pod),
        };
        let order = ORDER
            .iter()
            .position(|it| *it == component)
            .unwrap_or(ORDER.len());
        let name = controller(snapshot, pod).object.name;
        *found
            .entry((order, component, pod.namespace.clone(), name, version))
            .or_default() += 1;
    }
    found
        .into_iter()
        .map(
            |((_, component, namespace, name, version), pods)| ComponentVersion {
                component: component.into(),
                namespace,
                name,
                version: version.map(|it| it.to_string()),
                pods,
            },
        )
        .collect()
}

/// Returns the component that a pod belongs to.
pub(crate) fn component(pod: &Pod) -> Option<ComponentName> {
    match role(pod) {
        Role::Istiod => Some(ComponentName::Pilot),
        Role::Cni => Some(ComponentName::Cni),
        Role::Ztunnel => Some(ComponentName::Ztunnel),
        Role::Gateway => {
            let label = pod.labels.get("operator.istio.io/component");
            let named = label.and_then(|it| ComponentName::parse(it));
            Some(
                named
                    .filter(|it| it.is_list())
                    .unwrap_or(ComponentName::Gateway),
            )
        }
        Role::GatewayApi => {
            let made_for = pod
                .labels
                .get("gateway.istio.io/managed")
                .map(String::as_str);
            Some(if made_for == Some("istio.io-mesh-controller") {
                ComponentName::Waypoint
            } else {
                ComponentName::Gateway
            })
        }
        Role::Operator | Role::Sidecar | Role::Other => None,
    }
}
