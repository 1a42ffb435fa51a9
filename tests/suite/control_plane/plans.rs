//! Plans made by hand, as small as they can be.

use istio_planner::digest::{digest, relevant};
use istio_planner::outcome::{Ref, RestartHow};
use istio_planner::plan::{Action, Expected, Plan, Step, Wait};
use serde_json::{Value, json};

/// A plan of these steps.
pub(super) fn plan(namespace: &str, steps: Vec<Step>) -> Plan {
    Plan {
        id: String::new(),
        source: None,
        target: "1.30.3".to_owned(),
        direction: None,
        cluster: None,
        namespace: namespace.to_owned(),
        forced: false,
        freeze: Vec::new(),
        steps,
    }
    .sealed()
}

/// A step.
pub(super) fn step(id: &str, actions: Vec<Action>, waits: Vec<Wait>) -> Step {
    Step {
        id: id.to_owned(),
        title: format!("Step {id}"),
        component: None,
        actions,
        waits,
        pause: 0,
    }
}

/// Applies `manifest` where `live` is there, or nothing is.
pub(super) fn apply(live: Option<&Value>, manifest: &Value) -> Action {
    Action::Apply {
        object: reference(manifest),
        manifest: manifest.clone(),
        force: true,
        expected: expected(live, Some(manifest)),
    }
}

/// Deletes `live` and makes `manifest` in its place.
pub(super) fn replace(live: &Value, manifest: &Value) -> Action {
    Action::Replace {
        object: reference(manifest),
        manifest: manifest.clone(),
        expected: expected(Some(live), Some(manifest)),
    }
}

/// Restarts the pods of a workload.
pub(super) fn restart(workload: &Value, how: RestartHow) -> Action {
    Action::Restart {
        object: reference(workload),
        how,
        pods: 1,
        to: Some("1.30.3".to_owned()),
        at_once: None,
    }
}

/// Deletes `live`.
pub(super) fn delete(live: &Value) -> Action {
    Action::Delete {
        object: reference(live),
        expected: expected(Some(live), None),
    }
}

fn expected(live: Option<&Value>, content: Option<&Value>) -> Expected {
    let Some(live) = live else {
        return Expected::default();
    };
    Expected {
        exists: true,
        resource_version: live["metadata"]["resourceVersion"]
            .as_str()
            .map(str::to_owned),
        digest: Some(digest(live)),
        relevant: Some(relevant(live, content)),
        fields: [("data.value".to_owned(), live["data"]["value"].clone())].into(),
    }
}

/// The reference of an object.
pub(super) fn reference(object: &Value) -> Ref {
    let text = |it: &Value| it.as_str().unwrap().to_owned();
    Ref {
        api_version: text(&object["apiVersion"]),
        kind: text(&object["kind"]),
        namespace: object["metadata"]["namespace"].as_str().map(str::to_owned),
        name: text(&object["metadata"]["name"]),
    }
}

/// A ConfigMap of one value.
pub(super) fn config_map(namespace: &str, name: &str, value: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "namespace": namespace, "name": name },
        "data": { "value": value },
    })
}

/// A Deployment whose pods never become ready, and the wait for it.
pub(super) fn never_ready(namespace: &str) -> (Value, Wait) {
    deployment(namespace, "never", "never-ready")
}

/// A Deployment whose pods crash, and the wait for it.
pub(super) fn crash_looping(namespace: &str) -> (Value, Wait) {
    deployment(namespace, "crash", "crashloop")
}

/// A Deployment whose pods are ready at once, and the wait for it.
pub(super) fn well(namespace: &str, name: &str) -> (Value, Wait) {
    deployment(namespace, name, "")
}

fn deployment(namespace: &str, name: &str, behaviour: &str) -> (Value, Wait) {
    let mut object = workload("Deployment", namespace, name);
    object["spec"]["template"]["metadata"]["annotations"] =
        json!({ "testplane.dev/behavior": behaviour });
    let wait = Wait::Deployment {
        object: reference(&object),
    };
    (object, wait)
}

/// A workload of one pod that runs the proxy of 1.30.3.
pub(super) fn workload(kind: &str, namespace: &str, name: &str) -> Value {
    let mut object = json!({
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": { "namespace": namespace, "name": name },
        "spec": {
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [
                    { "name": "main", "image": "example.org/none:1" },
                    { "name": "istio-proxy", "image": "example.org/proxyv2:1.30.3" },
                ] },
            },
        },
    });
    if kind == "StatefulSet" {
        object["spec"]["serviceName"] = json!(name);
    }
    object
}

/// The image of a Deployment's first container.
pub(super) fn deployment_of(object: &Value) -> &str {
    object["spec"]["template"]["spec"]["containers"][0]["image"]
        .as_str()
        .unwrap()
}
