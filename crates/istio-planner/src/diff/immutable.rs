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
        &[
            "spec.selector",
            "spec.template",
            "spec.completionMode",
            "spec.podFailurePolicy",
            "spec.successPolicy",
            "spec.backoffLimitPerIndex",
            "spec.managedBy",
        ],
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
        changed.extend(class(old, new));
        changed.extend(family(old, new));
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

/// The class of a load balancer stays what it is for as long as the Service has one
/// (kubernetes@v1.36.3:pkg/apis/core/validation/validation.go, `validateLoadBalancerClassField`).
fn class(old: &Value, new: &Value) -> Option<String> {
    let field = "spec.loadBalancerClass";
    let balanced = |it: &Value| at(it, "spec.type").is_some_and(|it| *it == "LoadBalancer");
    (balanced(old) && balanced(new) && at(old, field) != at(new, field)).then(|| field.to_owned())
}

/// The first address family stays, unless the Service has had no address
/// (kubernetes@v1.36.3:pkg/registry/core/service/storage/alloc.go, `initIPFamilyFields`).
fn family(old: &Value, new: &Value) -> Option<String> {
    let named = |it: &Value| at(it, "spec.type").is_some_and(|it| *it == "ExternalName");
    let first = |it: &Value| at(it, "spec.ipFamilies")?.get(0).cloned();
    let (before, after) = (first(old)?, first(new)?);
    (!named(old) && !named(new) && before != after).then(|| "spec.ipFamilies".to_owned())
}

fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(object, |it, field| it.get(field))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::changed;

    #[track_caller]
    fn check(old: &Value, new: &Value, expected: &[&str]) {
        let object = |spec: &Value| json!({"kind": "Service", "spec": spec});
        assert_eq!(changed(&object(old), &object(new)), expected);
    }

    #[test]
    fn the_class_of_a_load_balancer_is_fixed_while_it_is_one() {
        let of = |kind: &str, class: &str| json!({"type": kind, "loadBalancerClass": class});
        let fixed = ["spec.loadBalancerClass"];
        check(&of("LoadBalancer", "a"), &of("LoadBalancer", "b"), &fixed);
        check(
            &json!({"type": "LoadBalancer"}),
            &of("LoadBalancer", "b"),
            &fixed,
        );
        check(&of("LoadBalancer", "a"), &of("LoadBalancer", "a"), &[]);
        check(&of("LoadBalancer", "a"), &json!({"type": "ClusterIP"}), &[]);
        check(&json!({"type": "ClusterIP"}), &of("LoadBalancer", "b"), &[]);
    }

    #[test]
    fn the_first_address_family_is_fixed() {
        let of = |families: &[&str]| json!({"type": "ClusterIP", "ipFamilies": families});
        check(&of(&["IPv4"]), &of(&["IPv6"]), &["spec.ipFamilies"]);
        check(&of(&["IPv4"]), &of(&["IPv4", "IPv6"]), &[]);
        check(
            &json!({"type": "ExternalName", "ipFamilies": ["IPv4"]}),
            &of(&["IPv6"]),
            &[],
        );
        check(&of(&["IPv4"]), &json!({"type": "ClusterIP"}), &[]);
    }
}
