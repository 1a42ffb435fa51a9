//! A large cluster: injected pods with all that a real one carries, managedFields too.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

/// Pods of one workload.
const REPLICAS: usize = 10;

/// Writes the same cluster as JSON and as YAML, as `kubectl get -o` would.
pub(crate) fn write(pods: usize, as_json: &Path, as_yaml: &Path) -> Result<()> {
    let mut json = BufWriter::new(File::create(as_json)?);
    let mut yaml = BufWriter::new(File::create(as_yaml)?);
    write!(json, "{{\n    \"apiVersion\": \"v1\",\n    \"items\": [")?;
    write!(yaml, "apiVersion: v1\nitems:\n")?;
    for (at, object) in objects(pods).enumerate() {
        let separator = if at == 0 { "" } else { "," };
        write!(
            json,
            "{separator}\n{}",
            indent(&format!("{object:#}"), "        ", "        ")
        )?;
        write!(
            yaml,
            "{}",
            indent(&kube_yaml::to_string(&object), "- ", "  ")
        )?;
    }
    write!(
        json,
        "\n    ],\n    \"kind\": \"List\",\n    \"metadata\": {{\n        \"resourceVersion\": \"\"\n    }}\n}}\n"
    )?;
    write!(yaml, "kind: List\nmetadata:\n  resourceVersion: \"\"\n")?;
    json.flush()?;
    yaml.flush()?;
    Ok(())
}

pub(super) fn objects(pods: usize) -> impl Iterator<Item = Value> {
    let control_plane = (0..2).map(istiod).chain([istiod_deployment()]);
    let workloads = (0..pods.div_ceil(REPLICAS)).flat_map(|it| [deployment(it), replica_set(it)]);
    control_plane.chain(workloads).chain((0..pods).map(pod))
}

fn name(workload: usize) -> (String, String) {
    (
        format!("team-{}", workload % 50),
        format!("service-{workload}"),
    )
}

fn metadata(namespace: &str, name: &str, owner: Option<(&str, &str)>, labels: &Value) -> Value {
    let owners: Vec<Value> = owner
        .map(|(kind, name)| json!({ "apiVersion": "apps/v1", "blockOwnerDeletion": true, "controller": true, "kind": kind, "name": name, "uid": "5b0f6c3e-1f1c-4c58-9a3e-0a7b6a1f0001" }))
        .into_iter()
        .collect();
    json!({
        "creationTimestamp": "2026-05-04T03:02:01Z",
        "labels": labels,
        "managedFields": [managed("kube-controller-manager"), managed("kubelet")],
        "name": name,
        "namespace": namespace,
        "ownerReferences": owners,
        "resourceVersion": "123456789",
        "uid": "5b0f6c3e-1f1c-4c58-9a3e-0a7b6a1f0002",
    })
}

fn managed(manager: &str) -> Value {
    let container = json!({ ".": {}, "f:image": {}, "f:imagePullPolicy": {}, "f:name": {}, "f:resources": { ".": {}, "f:limits": {}, "f:requests": {} }, "f:terminationMessagePath": {}, "f:terminationMessagePolicy": {} });
    json!({
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {
            "f:metadata": { "f:annotations": { ".": {}, "f:sidecar.istio.io/status": {} }, "f:generateName": {}, "f:labels": { ".": {}, "f:app": {}, "f:pod-template-hash": {} }, "f:ownerReferences": { ".": {}, "k:{\"uid\":\"5b0f6c3e-1f1c-4c58-9a3e-0a7b6a1f0001\"}": {} } },
            "f:spec": { "f:containers": { "k:{\"name\":\"app\"}": container, "k:{\"name\":\"istio-proxy\"}": container }, "f:dnsPolicy": {}, "f:restartPolicy": {}, "f:schedulerName": {}, "f:securityContext": {} },
        },
        "manager": manager,
        "operation": "Update",
        "time": "2026-05-04T03:02:01Z",
    })
}

fn pod(at: usize) -> Value {
    let (namespace, service) = name(at / REPLICAS);
    let variables: Vec<Value> = (0..24)
        .map(|it| json!({ "name": format!("PROXY_SETTING_{it}"), "value": format!("value-of-setting-{it}-with-some-length-to-it") }))
        .collect();
    let volumes: Vec<Value> =
        (0..8).map(|it| json!({ "mountPath": format!("/var/run/volume-{it}"), "name": format!("volume-{it}"), "readOnly": true })).collect();
    let mut metadata = metadata(
        &namespace,
        &format!("{service}-7d9f8b6c5-{}", at % REPLICAS),
        Some(("ReplicaSet", &format!("{service}-7d9f8b6c5"))),
        &json!({ "app": service, "pod-template-hash": "7d9f8b6c5", "security.istio.io/tlsMode": "istio" }),
    );
    metadata["annotations"] = json!({ "sidecar.istio.io/status": "{\"initContainers\":[\"istio-init\"],\"containers\":[\"istio-proxy\"],\"volumes\":[\"workload-socket\",\"istio-envoy\",\"istio-data\"],\"revision\":\"default\"}", "prometheus.io/scrape": "true" });
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {
            "containers": [
                { "image": format!("registry.example.com/{namespace}/{service}:1.0.0"), "name": "app", "volumeMounts": volumes },
                { "args": ["proxy", "sidecar", "--domain", "$(POD_NAMESPACE).svc.cluster.local", "--proxyLogLevel=warning"], "env": variables, "image": "docker.io/istio/proxyv2:1.29.6", "name": "istio-proxy", "volumeMounts": volumes },
            ],
            "initContainers": [{ "args": ["istio-iptables", "-p", "15001", "-z", "15006"], "image": "docker.io/istio/proxyv2:1.29.6", "name": "istio-init" }],
            "nodeName": format!("node-{}", at % 100),
            "serviceAccountName": service,
        },
        "status": { "conditions": [{ "lastTransitionTime": "2026-05-04T03:02:01Z", "status": "True", "type": "Ready" }], "phase": "Running", "podIP": "10.1.2.3" },
    })
}

fn deployment(workload: usize) -> Value {
    let (namespace, service) = name(workload);
    let labels = json!({ "app": service });
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(&namespace, &service, None, &labels),
        "spec": { "replicas": REPLICAS, "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels }, "spec": { "containers": [{ "image": "registry.example.com/app:1.0.0", "name": "app" }] } } },
    })
}

fn replica_set(workload: usize) -> Value {
    let (namespace, service) = name(workload);
    let mut object = deployment(workload);
    object["kind"] = json!("ReplicaSet");
    object["metadata"] = metadata(
        &namespace,
        &format!("{service}-7d9f8b6c5"),
        Some(("Deployment", &service)),
        &json!({ "app": service }),
    );
    object
}

fn istiod(at: usize) -> Value {
    let labels = json!({ "app": "istiod", "istio": "pilot", "istio.io/rev": "default" });
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata("istio-system", &format!("istiod-5c4-{at}"), None, &labels),
        "spec": { "containers": [{ "image": "docker.io/istio/pilot:1.29.6", "name": "discovery" }] },
        "status": { "conditions": [{ "status": "True", "type": "Ready" }], "phase": "Running" },
    })
}

fn istiod_deployment() -> Value {
    let labels = json!({ "app": "istiod", "istio": "pilot", "istio.io/rev": "default", "operator.istio.io/component": "Pilot", "operator.istio.io/managed": "Reconcile", "operator.istio.io/version": "1.29.6" });
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata("istio-system", "istiod", None, &labels),
        "spec": { "replicas": 2, "selector": { "matchLabels": { "app": "istiod" } }, "template": { "metadata": { "labels": { "app": "istiod" } }, "spec": { "containers": [{ "image": "docker.io/istio/pilot:1.29.6", "name": "discovery" }] } } },
    })
}

/// Puts a text's first line behind `first` and the others behind `rest`; ends it as it ended.
fn indent(text: &str, first: &str, rest: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for (at, line) in text.split_inclusive('\n').enumerate() {
        out.push_str(if at == 0 { first } else { rest });
        out.push_str(line);
    }
    out
}
