//! Defaults of single fields, and what a real API server stored.

mod server;

use serde_json::{Value, json};

use super::*;

#[track_caller]
fn check(object: &Value, expected: &Value) {
    let stored = complete(
        &Schemas::builtin(),
        &Cluster::default(),
        None,
        object.clone(),
    );
    for (pointer, value) in expected.as_object().unwrap() {
        assert_eq!(
            stored.pointer(pointer).unwrap_or(&Value::Null),
            value,
            "{pointer} in {stored:#}"
        );
    }
}

#[test]
fn a_container_gets_its_defaults() {
    check(
        &json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {
            "template": {"metadata": {"creationTimestamp": null}, "spec": {
                "serviceAccountName": "a", "hostNetwork": false, "containers": [{
                    "name": "a", "image": "docker.io/a/b", "args": [], "env": [{"name": "E", "value": ""}],
                    "ports": [{"containerPort": 1}], "resources": {"requests": {"cpu": "0.5"}},
                    "readinessProbe": {"httpGet": {"port": 1}}}]}}}}),
        &json!({
            "/spec/replicas": 1,
            "/spec/strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "/spec/template/metadata": {},
            "/spec/template/spec/serviceAccount": "a",
            "/spec/template/spec/hostNetwork": null,
            "/spec/template/spec/securityContext": {},
            "/spec/template/spec/containers/0": {
                "name": "a", "image": "docker.io/a/b", "env": [{"name": "E"}], "imagePullPolicy": "Always",
                "ports": [{"containerPort": 1, "protocol": "TCP"}], "resources": {"requests": {"cpu": "500m"}},
                "readinessProbe": {"httpGet": {"path": "/", "port": 1, "scheme": "HTTP"}, "timeoutSeconds": 1,
                    "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"},
        }),
    );
}

#[test]
fn a_service_that_stops_being_a_load_balancer_loses_its_node_ports() {
    let live = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {
        "type": "LoadBalancer", "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack", "allocateLoadBalancerNodePorts": true, "externalTrafficPolicy": "Cluster",
        "ports": [{"name": "a", "port": 1, "protocol": "TCP", "targetPort": 1, "nodePort": 30001}]}});
    let mut object = live.clone();
    object["spec"]["type"] = "ClusterIP".into();
    let stored = complete(
        &Schemas::builtin(),
        &Cluster::default(),
        Some(&live),
        object,
    );
    assert_eq!(
        stored["spec"],
        json!({"type": "ClusterIP", "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster", "sessionAffinity": "None",
            "ports": [{"name": "a", "port": 1, "protocol": "TCP", "targetPort": 1}]})
    );
}

#[test]
fn a_renumbered_port_keeps_its_node_port() {
    let live = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {
        "type": "NodePort", "ports": [{"name": "a", "port": 1, "protocol": "TCP", "targetPort": 1, "nodePort": 30001}]}});
    let object = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {
        "type": "NodePort", "ports": [{"name": "a", "port": 2}]}});
    let stored = complete(
        &Schemas::builtin(),
        &Cluster::default(),
        Some(&live),
        object,
    );
    assert_eq!(
        stored["spec"]["ports"],
        json!([{"name": "a", "port": 2, "protocol": "TCP", "targetPort": 2, "nodePort": 30001}])
    );
}

#[test]
fn custom_kinds_are_pruned_and_defaulted_by_their_schema() {
    let mut schemas = Schemas::builtin();
    schemas.add_crd(
        &json!({"spec": {"group": "g", "names": {"kind": "K"}, "versions": [
        {"name": "v1", "schema": {"openAPIV3Schema": {"type": "object", "properties": {
            "spec": {"type": "object", "properties": {
                "a": {"type": "string", "default": "x"},
                "map": {"type": "object", "additionalProperties": {"type": "string"}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}}}]}}),
    );
    let object = json!({"apiVersion": "g/v1", "kind": "K", "metadata": {"name": "n"},
        "spec": {"free": {"any": {"thing": 1}}, "map": {"k": "v"}, "unknown": 1}});
    assert_eq!(
        complete(&schemas, &Cluster::default(), None, object),
        json!({"apiVersion": "g/v1", "kind": "K", "metadata": {"name": "n"},
            "spec": {"a": "x", "free": {"any": {"thing": 1}}, "map": {"k": "v"}}})
    );
}
