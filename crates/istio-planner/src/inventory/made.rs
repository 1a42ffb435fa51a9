//! Pods by what makes them, and by their labels: looked up once, so that nobody goes through all pods for each workload.

use serde_json::Value;
use sorted::SortedMap;

use super::workload::controller;
use crate::outcome::Ref;
use crate::snapshot::{Pod, Snapshot};

/// Pods by what makes them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Made<'a>(SortedMap<Ref, Vec<&'a Pod>>);

impl<'a> Made<'a> {
    /// Looks at every pod that `is_meant` names.
    pub(crate) fn new(snapshot: &'a Snapshot, is_meant: impl Fn(&Pod) -> bool) -> Self {
        let mut made: SortedMap<Ref, Vec<&'a Pod>> = SortedMap::new();
        for pod in snapshot.pods.values().filter(|it| is_meant(it)) {
            made.entry(controller(snapshot, pod).object)
                .or_default()
                .push(pod);
        }
        Self(made)
    }

    /// The pods of one controller, in the snapshot's order.
    pub(crate) fn by(&self, object: &Ref) -> &[&'a Pod] {
        self.0.get(object).map_or(&[], Vec::as_slice)
    }
}

/// Pods by namespace and by each of their labels.
#[derive(Debug, Clone, Default)]
pub(crate) struct Labelled<'a>(SortedMap<&'a str, OfNamespace<'a>>);

/// The pods of a namespace.
#[derive(Debug, Clone, Default)]
struct OfNamespace<'a> {
    all: Vec<&'a Pod>,
    by_label: SortedMap<&'a str, SortedMap<&'a str, Vec<&'a Pod>>>,
}

impl<'a> Labelled<'a> {
    /// Looks at every pod that `is_meant` names.
    pub(crate) fn new(snapshot: &'a Snapshot, is_meant: impl Fn(&Pod) -> bool) -> Self {
        let mut labelled = Self::default();
        for pod in snapshot.pods.values().filter(|it| is_meant(it)) {
            let namespace = labelled.0.entry(pod.namespace.as_str()).or_default();
            namespace.all.push(pod);
            for (key, value) in &pod.labels {
                let of_key = namespace.by_label.entry(key.as_str()).or_default();
                of_key.entry(value.as_str()).or_default().push(pod);
            }
        }
        labelled
    }

    /// The pods of a namespace that a selector may name: those with a label that it wants, or where it wants none, all.
    pub(crate) fn candidates(&self, namespace: &str, selector: &Value) -> &[&'a Pod] {
        let Some(pods) = self.0.get(namespace) else {
            return &[];
        };
        let exact = selector.get("matchLabels").and_then(Value::as_object);
        let label = exact.and_then(|it| it.iter().next());
        match label {
            Some((key, value)) => {
                let of_key = pods.by_label.get(key.as_str());
                let found = of_key.and_then(|it| it.get(value.as_str().unwrap_or_default()));
                found.map_or(&[], Vec::as_slice)
            }
            None => &pods.all,
        }
    }

    /// The namespaces that have pods.
    pub(crate) fn namespaces(&self) -> impl Iterator<Item = &'a str> {
        self.0.keys().copied()
    }
}
