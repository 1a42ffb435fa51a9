//! Native sidecars: whether istiod makes the proxy an init container that keeps running (domain §8.4).

use istio_catalog::{Minor, Version};
use sorted::SortedMap;

use crate::snapshot::Snapshot;

/// The first release that decides by the nodes (istio 1.27:pilot/pkg/features/pilot.go:337).
const AUTOMATIC_FROM: Minor = Minor::new(1, 27);

/// The first kubelet on which `auto` trusts native sidecars (istio 1.31:pkg/kube/inject/webhook.go:1308).
const KUBELET_FROM: Minor = Minor::new(1, 33);

/// Returns whether pods get native sidecars from an istiod, `None` where the nodes that would tell were not exported.
pub(super) fn default(
    snapshot: &Snapshot,
    istiod: &Version,
    environment: &SortedMap<String, String>,
) -> Option<bool> {
    let by_nodes = || {
        let mut kubelets = snapshot
            .nodes
            .values()
            .map(|it| Version::parse_tag(&it.kubelet))
            .peekable();
        kubelets.peek()?;
        kubelets.try_fold(true, |all, it| {
            Some(all && it?.minor_release() >= KUBELET_FROM)
        })
    };
    match environment
        .get("ENABLE_NATIVE_SIDECARS")
        .map(|it| it.to_ascii_lowercase())
        .as_deref()
    {
        Some("true" | "1" | "t") => Some(true),
        Some("false" | "0" | "f") => Some(false),
        Some("auto") => by_nodes(),
        _ if istiod.minor_release() >= AUTOMATIC_FROM => by_nodes(),
        _ => Some(false),
    }
}

/// Returns what a pod asks for itself.
pub(super) fn asked(annotations: &SortedMap<String, String>) -> Option<bool> {
    match annotations
        .get("sidecar.istio.io/nativeSidecar")
        .map(String::as_str)
    {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => None,
    }
}
