//! Objects of earlier installations that the target does not render (domain §4.4, F-2, F-15).

use istio_catalog::{ComponentName, stated_revision};
use serde_json::Value;

use super::{Leftover, expected};
use crate::desired::Desired;
use crate::outcome::Ref;
use crate::snapshot::Snapshot;
use kube_apply::schema::group_of;

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

/// What is left, by what becomes of it.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    /// The user wants it to be deleted.
    pub(super) deletes: Vec<Leftover>,
    /// It stays.
    pub(super) orphans: Vec<Leftover>,
}

/// What a user lets be deleted: nothing is deleted unasked.
#[derive(Debug, Clone, Copy)]
pub struct Consent<'a> {
    /// `KIND/NAME` or `KIND/NAMESPACE/NAME`, the kind in any case.
    pub named: &'a [String],
    /// Everything that is not [guarded](is_guarded).
    pub orphans: bool,
}

impl Consent<'_> {
    /// Nothing may be deleted.
    pub const NONE: Consent<'static> = Consent {
        named: &[],
        orphans: false,
    };

    fn covers(&self, object: &Ref, value: &Value) -> bool {
        self.named.iter().any(|it| names(it, object)) || self.orphans && !is_guarded(object, value)
    }

    /// Names that no left-over object has.
    pub(super) fn unmatched(&self, leftovers: &Leftovers) -> Vec<&str> {
        let known = |name: &str| {
            let all = leftovers.deletes.iter().chain(&leftovers.orphans);
            all.map(|it| &it.object).any(|it| names(name, it))
        };
        let named = self.named.iter().map(String::as_str);
        named.filter(|it| !known(it)).collect()
    }
}

/// Whether `KIND/NAME` or `KIND/NAMESPACE/NAME` is this object.
fn names(name: &str, object: &Ref) -> bool {
    let mut parts = name.split('/');
    let (Some(kind), Some(first)) = (parts.next(), parts.next()) else {
        return false;
    };
    let (namespace, own) = match parts.next() {
        Some(own) => (Some(first), own),
        None => (object.namespace.as_deref(), first),
    };
    parts.next().is_none()
        && kind.eq_ignore_ascii_case(&object.kind)
        && namespace == object.namespace.as_deref()
        && own == object.name
}

/// Whether an object is deleted by its name only: what leads traffic in, and definitions, whose objects go with them.
fn is_guarded(object: &Ref, value: &Value) -> bool {
    let component = value.pointer("/metadata/labels/operator.istio.io~1component");
    match object.kind.as_str() {
        "Service" => value.pointer("/spec/type") == Some(&Value::from("LoadBalancer")),
        "Deployment" => component
            .and_then(Value::as_str)
            .and_then(ComponentName::parse)
            .is_some_and(ComponentName::is_list),
        "CustomResourceDefinition" => true,
        _ => false,
    }
}

/// Finds the objects that some version of this installation applied and the target does not render.
pub(super) fn find(
    snapshot: &Snapshot,
    desired: &Desired<'_>,
    consent: Consent<'_>,
    is_rendered: impl Fn(&Ref) -> bool,
) -> Leftovers {
    let mut leftovers = Leftovers::default();
    let revision = stated_revision(&desired.revision);
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
        // Deleting a definition that istiod reads would delete the mesh's configuration, whoever applies it now.
        let read = object.kind == "CustomResourceDefinition" && crate::crds::is_read(&object.name);
        let made =
            read || object.name == REQUESTS || is_made_by_controller(snapshot, object, &kept.value);
        let Some(component) = component.filter(|_| ours && !made && !is_rendered(object)) else {
            continue;
        };
        let labelled = desired
            .labels
            .iter()
            .all(|(key, value)| label(key) == Some(value.as_str()));
        let leftover = Leftover {
            object: object.clone(),
            component: component.to_owned(),
            expected: expected(&kept.value, None),
            by_istioctl: labelled && is_pruned(object),
        };
        if consent.covers(object, &kept.value) {
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
