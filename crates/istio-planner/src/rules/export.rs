//! What every export holds, and how it is made.

use super::Situation;
use crate::input::required;

/// Kinds that every cluster with Istio holds, so that their absence means that they were not exported.
pub(crate) const ALWAYS: [&str; 12] = [
    "Namespace",
    "Pod",
    "Node",
    "Deployment",
    "ReplicaSet",
    "Service",
    "ConfigMap",
    "ServiceAccount",
    "ClusterRole",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "CustomResourceDefinition",
];

/// Returns `networkpolicies` for `NetworkPolicy`.
pub(crate) fn plural(kind: &str) -> String {
    let name = kind.to_lowercase();
    match name.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{name}s"),
    }
}

/// Whether a refused kind, as `kubectl` names it (`replicasets.apps`), is this one.
pub(crate) fn is_kind(refused: &str, kind: &str) -> bool {
    refused.split('.').next() == Some(plural(kind).as_str())
}

/// Returns the command that exports what the request needs.
pub(super) fn command(situation: &Situation) -> String {
    let commands = required(situation.request).commands;
    format!("Export with: {}", commands.lines().join("; "))
}
