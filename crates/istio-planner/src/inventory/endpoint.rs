//! Whether anything answers at a Service.

use crate::outcome::Ref;
use sorted::SortedMap;

use serde_json::Value;

use super::role::is_active;
use crate::snapshot::{Snapshot, in_namespace, pods_in};

/// Why nothing answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreachable {
    /// There is no such Service.
    NoService,
    /// No pod that it selects is ready; `pods` tells whether there are any.
    NoEndpoint {
        /// It selects pods, none of which is ready.
        pods: bool,
    },
}

impl Unreachable {
    /// In words, after the name of the Service.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::NoService => "which is not there",
            Self::NoEndpoint { pods: true } => "none of whose pods is ready",
            Self::NoEndpoint { pods: false } => "which selects no pod",
        }
    }
}

/// Returns why nothing answers at a Service; `None` where something does, or where the export does not tell.
pub(crate) fn unreachable(snapshot: &Snapshot, namespace: &str, name: &str) -> Option<Unreachable> {
    if !snapshot.kinds.contains_key("v1/Service") {
        return None;
    }
    let Some(service) = snapshot
        .objects
        .get(&Ref::new("v1", "Service", namespace, name))
    else {
        return covers(snapshot, namespace).then_some(Unreachable::NoService);
    };
    if !snapshot.kinds.contains_key("v1/Pod")
        || service.value.pointer("/spec/type") == Some(&Value::from("ExternalName"))
    {
        return None;
    }
    // Without a selector somebody else writes its end points.
    let selector: SortedMap<_, _> = service
        .value
        .pointer("/spec/selector")?
        .as_object()?
        .iter()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .collect();
    if selector.is_empty() {
        return None;
    }
    let mut selected = pods_in(snapshot, namespace).filter(|it| {
        is_active(it)
            && selector
                .iter()
                .all(|(key, value)| it.labels.get(*key).is_some_and(|it| it == value))
    });
    let publishes =
        service.value.pointer("/spec/publishNotReadyAddresses") == Some(&Value::Bool(true));
    let mut pods = false;
    let ready = selected.any(|it| {
        pods = true;
        it.ready || publishes
    });
    (!ready).then_some(Unreachable::NoEndpoint { pods })
}

/// Whether the export holds the Services of a namespace: one of it is there, or the one that every cluster has in
/// `default`, as an export of all namespaces does.
fn covers(snapshot: &Snapshot, namespace: &str) -> bool {
    let mut of_namespace = in_namespace(snapshot, "Service", Some(namespace));
    let every = Ref::new("v1", "Service", "default", "kubernetes");
    of_namespace.any(|(it, _)| it.api_version == "v1") || snapshot.objects.contains_key(&every)
}
