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

/// Returns the command that exports what the request needs.
pub(super) fn command(it: &Situation) -> String {
    let commands = required(it.request).commands;
    format!("Export with: {}", commands.join("; "))
}
