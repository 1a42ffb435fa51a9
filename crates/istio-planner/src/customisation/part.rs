//! The part of a snapshot that an installation can consist of: what candidates are compared with, again and again.

use serde_json::Value;
use sorted::{SortedMap, SortedSet};

use crate::diff::DEFINITION;
use crate::outcome::{ControlPlane, Inventory, Ref};
use crate::snapshot::{Object, Snapshot};

/// Where some releases put the CNI agent.
const SYSTEM: &str = "kube-system";

/// Returns a snapshot without the objects that no release of Istio renders for this control plane. Its pods, workloads
/// and nodes are left out too: nothing that is compared is among them.
pub(super) fn part(snapshot: &Snapshot, inventory: &Inventory, plane: &ControlPlane) -> Snapshot {
    let components = inventory.components.iter().map(|it| it.namespace.as_str());
    let namespaces: SortedSet<&str> = components
        .chain([plane.namespace.as_str(), SYSTEM])
        .collect();
    let services = telling_services(snapshot);
    let is_part = |(object, kept): &(&Ref, &Object)| {
        object.kind == DEFINITION
            || object.name.contains("istio")
            || object.name.contains("ztunnel")
            || object
                .namespace
                .as_deref()
                .is_some_and(|it| namespaces.contains(it))
            || is_labelled(&kept.value)
            || services.contains(object)
    };
    Snapshot {
        objects: of(snapshot, is_part),
        ..bare(snapshot)
    }
}

/// Returns it without definitions.
pub(super) fn without_definitions(snapshot: &Snapshot) -> Snapshot {
    Snapshot {
        objects: of(snapshot, |it| it.0.kind != DEFINITION),
        ..bare(snapshot)
    }
}

fn of(snapshot: &Snapshot, is_kept: impl Fn(&(&Ref, &Object)) -> bool) -> SortedMap<Ref, Object> {
    let kept = snapshot.objects.iter().filter(is_kept);
    kept.map(|(object, it)| (object.clone(), it.clone()))
        .collect()
}

/// What is known of a cluster beside its objects.
fn bare(snapshot: &Snapshot) -> Snapshot {
    Snapshot {
        server_version: snapshot.server_version.clone(),
        kinds: snapshot.kinds.clone(),
        refused: snapshot.refused.clone(),
        managed_fields: snapshot.managed_fields,
        ..Snapshot::default()
    }
}

/// Whether a label is Istio's: every release labels everything that it renders outside of the control plane's namespace.
fn is_labelled(value: &Value) -> bool {
    let labels = value.pointer("/metadata/labels").and_then(Value::as_object);
    labels.is_some_and(|it| {
        it.iter()
            .any(|(key, value)| key.contains("istio") || value == "istio")
    })
}

/// The Services by which the addresses of new ones are told: the API server's, else the first that has an address, and
/// one that has two families.
fn telling_services(snapshot: &Snapshot) -> SortedSet<&Ref> {
    let services = || {
        let all = snapshot.objects.iter();
        all.filter(|(it, kept)| {
            it.kind == "Service"
                && kept
                    .value
                    .pointer("/spec/clusterIP")
                    .is_some_and(|it| it != "None")
        })
    };
    let server = services()
        .find(|(it, _)| it.name == "kubernetes" && it.namespace.as_deref() == Some("default"));
    let both = services().find(|(_, kept)| {
        let families = kept.value.pointer("/spec/ipFamilies");
        families
            .and_then(Value::as_array)
            .is_some_and(|it| it.len() == 2)
    });
    let first = services().next();
    [server, both, first]
        .into_iter()
        .flatten()
        .map(|it| it.0)
        .collect()
}
