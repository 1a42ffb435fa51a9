//! The control plane that a request means, and the version that it runs.

use super::{Asked, Request};
use crate::inventory;
use crate::outcome::{ControlPlane, Inventory, Source, Subject};
use crate::snapshot::Snapshot;
use istio_catalog::DEFAULT_REVISION;

/// The control plane that a request means.
pub(crate) enum Meant<'a> {
    /// There is none.
    None,
    /// This one.
    One(&'a ControlPlane),
    /// The request could mean each of them.
    Several(Vec<&'a ControlPlane>),
}

/// Returns the control plane that a request means: of its namespace, if it names one; of its revision, if it runs.
pub(crate) fn meant<'a>(inventory: &'a Inventory, asked: &Asked) -> Meant<'a> {
    let namespace = asked.namespace.as_ref().map(|it| it.value.as_str());
    let revision = asked
        .revision
        .as_ref()
        .map_or(DEFAULT_REVISION, |it| it.value.as_str());
    let mut planes: Vec<_> = inventory
        .control_planes
        .iter()
        .filter(|it| namespace.is_none_or(|namespace| it.namespace == namespace))
        .collect();
    if planes.iter().any(|it| it.revision == revision) {
        planes.retain(|it| it.revision == revision);
    }
    match planes.as_slice() {
        [] => Meant::None,
        [one] => Meant::One(one),
        _ => Meant::Several(planes),
    }
}

impl<'a> Meant<'a> {
    /// Returns the control plane, if it is one.
    pub(crate) fn one(self) -> Option<&'a ControlPlane> {
        match self {
            Self::One(it) => Some(it),
            Self::None | Self::Several(_) => None,
        }
    }
}

/// Returns the version that runs: as the export shows, else as the user says.
pub(crate) fn source(
    request: &Request,
    snapshot: &Snapshot,
    inventory: &Inventory,
    plane: Option<&ControlPlane>,
) -> Source {
    let shown = inventory::source(snapshot, inventory, plane);
    match &request.from {
        Some(version) if shown.version.is_none() => Source {
            version: Some(version.clone()),
            evidence: vec![Subject::flag("--from").value(version.clone())],
        },
        _ => shown,
    }
}

/// Returns the version that runs.
pub(crate) fn source_version(request: &Request, snapshot: &Snapshot) -> Option<String> {
    let inventory = inventory::inventory(snapshot);
    let plane = meant(&inventory, &Asked::new(request)).one();
    source(request, snapshot, &inventory, plane).version
}
