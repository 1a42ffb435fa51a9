use serde_json::json;

use super::*;

#[test]
fn builtin_table_is_readable_and_knows_what_charts_render() {
    let schemas = Schemas::builtin();
    for (api_version, kind) in [
        ("v1", "Service"),
        ("v1", "ConfigMap"),
        ("v1", "ServiceAccount"),
        ("v1", "ResourceQuota"),
        ("apps/v1", "Deployment"),
        ("apps/v1", "DaemonSet"),
        ("autoscaling/v1", "HorizontalPodAutoscaler"),
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ("policy/v1", "PodDisruptionBudget"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        (
            "admissionregistration.k8s.io/v1",
            "MutatingWebhookConfiguration",
        ),
        (
            "admissionregistration.k8s.io/v1",
            "ValidatingAdmissionPolicy",
        ),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("discovery.k8s.io/v1", "EndpointSlice"),
    ] {
        assert!(
            schemas.find(api_version, kind).is_some(),
            "{api_version} {kind}"
        );
        assert!(schemas.is_builtin(api_version, kind));
    }
    assert!(schemas.knows_kind("policy/v1beta1", "PodDisruptionBudget"));
    assert!(
        schemas
            .find("policy/v1beta1", "PodDisruptionBudget")
            .is_none()
    );
    assert!(schemas.find("v1", "ServiceList").is_none());
}

#[test]
fn keys_of_lists_and_their_defaults_are_kept() {
    let schemas = Schemas::builtin();
    let field = |id, name: &str| schemas.atom(id).map.as_ref().unwrap().fields[name];
    let spec = field(schemas.root("v1", "Service"), "spec");
    let ports = schemas.atom(field(spec, "ports")).list.as_ref().unwrap();
    assert_eq!(ports.keys.as_deref().unwrap(), ["port", "protocol"]);
    let port = schemas.atom(ports.element).map.as_ref().unwrap();
    assert_eq!(port.defaults["protocol"], "\"TCP\"");
    assert!(
        schemas
            .atom(field(spec, "selector"))
            .map
            .as_ref()
            .unwrap()
            .atomic
    );
}

#[test]
fn custom_kinds_follow_their_definition() {
    let mut schemas = Schemas::builtin();
    schemas.add_crd(&json!({"spec": {"group": "g", "names": {"kind": "K"}, "versions": [
        {"name": "v1", "schema": {"openAPIV3Schema": {"type": "object", "properties": {
            "spec": {"type": "object", "properties": {
                "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}}},
        {"name": "v2"}]}}));
    let field = |id, name: &str| schemas.atom(id).map.as_ref().unwrap().fields[name];
    let root = schemas.root("g/v1", "K");
    let spec = field(root, "spec");
    let set = schemas.atom(field(spec, "set")).list.as_ref().unwrap();
    assert_eq!(set.keys.as_deref().unwrap(), [""; 0]);
    assert_eq!(
        schemas
            .atom(field(spec, "free"))
            .map
            .as_ref()
            .unwrap()
            .element,
        Some(DEDUCED)
    );
    assert!(
        schemas
            .atom(field(root, "metadata"))
            .map
            .as_ref()
            .unwrap()
            .fields
            .contains_key("labels")
    );
    assert_eq!(schemas.root("g/v2", "K"), DEDUCED);
    assert!(!schemas.is_builtin("g/v1", "K"));
}
