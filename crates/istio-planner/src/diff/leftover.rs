//! Objects of earlier installations that the target does not render (domain.md §4.4, F-2, F-15).

use serde_json::Value;

use super::{Leftover, expected};
use crate::desired::Desired;
use crate::outcome::Ref;
use crate::schema::group_of;
use crate::snapshot::Snapshot;

/// Kinds that istioctl prunes (1.31:operator/pkg/uninstall/prune.go:38-80). The other kinds it never deletes.
const PRUNED: [(&str, &str); 15] = [
    ("", "ConfigMap"),
    ("", "Secret"),
    ("", "Service"),
    ("", "ServiceAccount"),
    (
        "admissionregistration.k8s.io",
        "MutatingWebhookConfiguration",
    ),
    (
        "admissionregistration.k8s.io",
        "ValidatingWebhookConfiguration",
    ),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("networking.istio.io", "EnvoyFilter"),
    ("policy", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
];

/// Comes with the in-cluster operator, whose chart releases ship beside those that istioctl renders, and holds the requests
/// of users: it was never part of an installation, although istioctl 1.20 and older labelled it so.
const REQUESTS: &str = "istiooperators.install.istio.io";

/// The label that tells installations apart.
const NAMESPACE: &str = "install.operator.istio.io/owning-resource-namespace";

/// What is left, by what istioctl does with it.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    /// It carries the very labels of this run, so istioctl deletes it.
    pub(super) deletes: Vec<Leftover>,
    /// It carries another version, or is of a kind that istioctl never deletes.
    pub(super) orphans: Vec<Leftover>,
}

/// Finds the objects that some version of this installation applied and the target does not render.
pub(super) fn find(
    snapshot: &Snapshot,
    desired: &Desired<'_>,
    is_rendered: impl Fn(&Ref) -> bool,
) -> Leftovers {
    let mut leftovers = Leftovers::default();
    let revision = if desired.revision.is_empty() {
        "default"
    } else {
        &desired.revision
    };
    for (object, kept) in &snapshot.objects {
        let label = |key: &str| {
            let labels = kept.value.get("metadata").and_then(|it| it.get("labels"));
            labels.and_then(|it| it.get(key)).and_then(Value::as_str)
        };
        let component = label("operator.istio.io/component");
        let ours = label("operator.istio.io/managed") == Some("Reconcile")
            && label("istio.io/rev") == Some(revision)
            && label(NAMESPACE) == desired.labels.get(NAMESPACE).map(String::as_str)
            && label("install.operator.istio.io/owning-resource-not-pruned") != Some("true");
        let made = object.name == REQUESTS || is_made_by_controller(snapshot, object, &kept.value);
        let Some(component) = component.filter(|_| ours && !made && !is_rendered(object)) else {
            continue;
        };
        let leftover = Leftover {
            object: object.clone(),
            component: component.to_owned(),
            expected: expected(&kept.value, None),
        };
        let labelled = desired
            .labels
            .iter()
            .all(|(key, value)| label(key) == Some(value.as_str()));
        if labelled && is_pruned(object) {
            leftovers.deletes.push(leftover);
        } else {
            leftovers.orphans.push(leftover);
        }
    }
    leftovers
}

/// Controllers copy a Service's labels to what they make of it.
fn is_made_by_controller(snapshot: &Snapshot, object: &Ref, value: &Value) -> bool {
    let owners = value
        .pointer("/metadata/ownerReferences")
        .and_then(Value::as_array);
    let owned = owners.is_some_and(|it| it.iter().any(|it| it["controller"] == true));
    let service = || {
        let service = Ref {
            kind: "Service".to_owned(),
            ..object.clone()
        };
        snapshot
            .objects
            .get(&service)
            .is_some_and(|it| it.value.pointer("/spec/selector").is_some())
    };
    owned || object.kind == "Endpoints" && service()
}

fn is_pruned(object: &Ref) -> bool {
    PRUNED.contains(&(group_of(&object.api_version), object.kind.as_str()))
}
