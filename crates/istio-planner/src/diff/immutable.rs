//! Fields that the API server lets nobody change
//! (kubernetes@v1.36.3:pkg/apis/{apps,batch,core,rbac}/validation).

use serde_json::Value;

/// Fields of a kind that are fixed once it exists.
const FIXED: [(&str, &[&str]); 10] = [
    ("Deployment", &["spec.selector"]),
    ("DaemonSet", &["spec.selector"]),
    ("ReplicaSet", &["spec.selector"]),
    (
        "StatefulSet",
        &[
            "spec.selector",
            "spec.serviceName",
            "spec.podManagementPolicy",
            "spec.volumeClaimTemplates",
        ],
    ),
    (
        "Job",
        &["spec.selector", "spec.template", "spec.completionMode"],
    ),
    ("RoleBinding", &["roleRef"]),
    ("ClusterRoleBinding", &["roleRef"]),
    ("Secret", &["type"]),
    (
        "CustomResourceDefinition",
        &["spec.group", "spec.scope", "spec.names.plural"],
    ),
    ("Service", &[]),
];

/// Returns the fixed fields in which two objects differ.
pub(super) fn changed(old: &Value, new: &Value) -> Vec<String> {
    let kind = old.get("kind").and_then(Value::as_str).unwrap_or_default();
    let fields = FIXED
        .iter()
        .find(|it| it.0 == kind)
        .map_or(&[][..], |it| it.1);
    let mut changed: Vec<String> = fields
        .iter()
        .filter(|path| at(old, path) != at(new, path))
        .map(|path| (*path).to_owned())
        .collect();
    if kind == "Service" {
        changed.extend(address(old, new));
    }
    if matches!(kind, "ConfigMap" | "Secret") && old.get("immutable") == Some(&Value::Bool(true)) {
        let content = ["data", "binaryData", "immutable"].into_iter();
        changed.extend(
            content
                .filter(|it| old.get(it) != new.get(it))
                .map(str::to_owned),
        );
    }
    changed
}

/// An address may be released with the type of the Service, but not exchanged.
fn address(old: &Value, new: &Value) -> Option<String> {
    let address = |it: &Value| at(it, "spec.clusterIP").cloned().filter(|it| *it != "");
    let (old, new) = (address(old)?, address(new)?);
    (old != new).then(|| "spec.clusterIP".to_owned())
}

fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(object, |it, field| it.get(field))
}
