//! What runs in the cluster, in which versions, and who installed it (domain §7).
//!
//! # Invariants
//!
//! - A version is read from what runs; labels and charts speak only where an image does not (domain §7.2).
//! - What the export does not tell is `None` or [`InstallerKind::Unknown`], never a guess.

use sorted::SortedMap;

use crate::outcome::{Inventory, Kubernetes};
use crate::snapshot::Snapshot;

mod component;
mod deployment;
mod endpoint;
mod installer;
pub(crate) mod keeper;
mod made;
mod operator;
pub(crate) mod peers;
mod plane;
mod proxy;
mod revision;
mod role;
mod version;
mod workload;

pub(crate) use proxy::revision;
pub(crate) use revision::webhook_namespace;
pub(crate) use version::of_image;

pub(crate) use deployment::{istiod_container, istiod_environment};
pub(crate) use endpoint::{Unreachable, unreachable};
pub use installer::installers;
pub(crate) use made::{Labelled, Made};
pub(crate) use operator::RunningOperator;
pub(crate) use plane::other_pods;
pub use plane::source;
pub use revision::{Remote, Tag, remotes, tags};
pub(crate) use role::is_istiod;
pub use role::{Role, is_active, proxy_container, role};
pub use version::{of_pod, of_proxy};
pub use workload::{Controller, controller};

#[cfg(doc)]
use crate::outcome::InstallerKind;

/// Reads everything that runs.
pub fn inventory(snapshot: &Snapshot) -> Inventory {
    let control_planes = plane::control_planes(snapshot);
    let (proxies, gateway_proxies) = proxy::proxies(snapshot);
    Inventory {
        kubernetes: kubernetes(snapshot),
        components: component::components(snapshot),
        control_planes,
        proxies,
        gateway_proxies,
    }
}

/// Reads the versions of the server and the nodes.
fn kubernetes(snapshot: &Snapshot) -> Kubernetes {
    let mut nodes: SortedMap<String, u32> = SortedMap::new();
    for node in snapshot.nodes.values().filter(|it| !it.kubelet.is_empty()) {
        *nodes.entry(node.kubelet.clone()).or_default() += 1;
    }
    Kubernetes {
        server: snapshot.server_version.clone(),
        nodes,
    }
}
