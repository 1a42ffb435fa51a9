//! Other clusters of the mesh that istiod reads (1.30.3:pkg/kube/multicluster/secretcontroller.go).

use crate::outcome::Ref;
use crate::snapshot::{self, Object, Snapshot};

/// A Secret by which istiod reads another cluster; its data is not read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer<'a> {
    /// The other cluster's name.
    pub(crate) cluster: &'a str,
    /// The Secret.
    pub(crate) object: &'a Ref,
    /// As it is kept.
    pub(crate) kept: &'a Object,
}

/// The field that makes a Secret one of another cluster.
pub(crate) const LABEL: &str = "metadata.labels.istio/multiCluster";

/// Returns the clusters that istiod reads by Secrets.
pub(crate) fn peers(snapshot: &Snapshot) -> impl Iterator<Item = Peer<'_>> {
    snapshot::objects(snapshot, "", "Secret").filter_map(|(object, kept)| {
        let metadata = kept.value.get("metadata")?;
        let labelled = metadata.get("labels")?.get("istio/multiCluster")?;
        let named = metadata
            .get("annotations")
            .and_then(|it| it.get("networking.istio.io/cluster")?.as_str());
        let by_name = || {
            let name = object.name.as_str();
            name.strip_prefix("istio-remote-secret-").unwrap_or(name)
        };
        (labelled == "true").then(|| Peer {
            cluster: named.unwrap_or_else(by_name),
            object,
            kept,
        })
    })
}
