//! The order of `istioctl manifest generate`'s output, and its text (domain §2.4).

use serde_json::Value;

use crate::Rendering;
use crate::operator::merge::get_str;

/// Returns the objects of a rendering in the order in which `istioctl manifest generate` prints them.
///
/// 1.31:operator/cmd/mesh/manifest-generate.go:150-230.
pub fn in_manifest_order(rendering: &Rendering) -> Vec<&Value> {
    let mut objects: Vec<&Value> = rendering
        .components
        .iter()
        .flat_map(|it| &it.objects)
        .collect();
    sorted::sort_by(&mut objects, |left, right| {
        sort_key(left).cmp(&sort_key(right))
    });
    objects
}

/// Returns what `istioctl manifest generate` prints for a rendering: YAML documents, each followed by `---`.
pub fn manifest_text(rendering: &Rendering) -> String {
    let mut text = String::new();
    for object in in_manifest_order(rendering) {
        text.push_str(&kube_yaml::to_string(object));
        text.push_str("\n---\n");
    }
    text
}

/// The order in which istioctl before 1.24 applies a component's objects: namespaces, then as they are printed.
pub(crate) fn apply_key(object: &Value) -> (bool, i32, String, String, String) {
    let (rank, group, kind, name) = sort_key(object);
    (
        kind != "Namespace",
        rank,
        group.to_owned(),
        kind.to_owned(),
        name.to_owned(),
    )
}

fn sort_key(object: &Value) -> (i32, &str, &str, &str) {
    let (group, kind) = group_and_kind(object);
    (
        rank(group, kind),
        group,
        kind,
        get_str(object, &["metadata", "name"]),
    )
}

pub(crate) fn group_and_kind(object: &Value) -> (&str, &str) {
    let version = get_str(object, &["apiVersion"]);
    (
        version.split_once('/').map_or("", |(group, _)| group),
        get_str(object, &["kind"]),
    )
}

/// The rank of a kind; Secrets have none of their own since istioctl's list spells them wrong (domain §11, F-30).
pub(crate) fn rank(group: &str, kind: &str) -> i32 {
    match (group, kind) {
        ("apiextensions.k8s.io", "CustomResourceDefinition") => -1000,
        ("", "ServiceAccount") | ("rbac.authorization.k8s.io", "ClusterRole") => 1,
        ("rbac.authorization.k8s.io", "ClusterRoleBinding") => 2,
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration") => 3,
        ("", "ConfigMap") => 100,
        ("autoscaling", "HorizontalPodAutoscaler") => 1001,
        ("", "Service") => 10_000,
        _ => 1000,
    }
}
