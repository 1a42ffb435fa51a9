//! Proxies by version and revision.

use serde_json::Value;
use sorted::SortedMap;

use super::role::{Role, is_active, proxy_container, role};
use super::version;
use crate::outcome::ProxyCount;
use crate::snapshot::{Pod, Snapshot};

/// Returns the sidecars, and the pods that are only a proxy (ztunnel is none).
pub(super) fn proxies(snapshot: &Snapshot) -> (Vec<ProxyCount>, Vec<ProxyCount>) {
    let (mut sidecars, mut gateways) = (SortedMap::new(), SortedMap::new());
    for pod in snapshot.pods.values().filter(|it| is_active(it)) {
        let (counts, native) = match role(pod) {
            Role::Sidecar => (
                &mut sidecars,
                Some(proxy_container(pod).is_some_and(|it| it.restart_always)),
            ),
            Role::Gateway | Role::GatewayApi => (&mut gateways, None),
            Role::Istiod | Role::Operator | Role::Cni | Role::Ztunnel | Role::Other => continue,
        };
        let key = (version::of_proxy(snapshot, pod), revision(pod), native);
        *counts.entry(key).or_insert(0) += 1;
    }
    (counted(sidecars), counted(gateways))
}

type Counts = SortedMap<(Option<istio_catalog::Version>, Option<String>, Option<bool>), u32>;

fn counted(counts: Counts) -> Vec<ProxyCount> {
    let count =
        |((version, revision, native), pods): ((Option<istio_catalog::Version>, _, _), u32)| {
            ProxyCount {
                version: version.map(|it| it.to_string()),
                revision,
                pods,
                native,
            }
        };
    counts.into_iter().map(count).collect()
}

/// Returns the revision that a pod's proxy belongs to: its label, else what the injector noted
/// (istio 1.31:pkg/kube/client.go:1161-1178).
pub(crate) fn revision(pod: &Pod) -> Option<String> {
    let label = pod.labels.get("istio.io/rev").cloned();
    let noted = || {
        let status: Value =
            serde_json::from_str(pod.annotations.get("sidecar.istio.io/status")?).ok()?;
        status.get("revision")?.as_str().map(str::to_owned)
    };
    let injected = || pod.annotations.get("istio.io/rev").cloned();
    label
        .or_else(noted)
        .or_else(injected)
        .filter(|it| !it.is_empty())
}
