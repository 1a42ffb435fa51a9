//! Plans made by hand, as small as they can be.

use istio_planner::digest::digest;
use istio_planner::outcome::Ref;
use istio_planner::plan::{Action, Expected, Plan, Step, Wait};
use serde_json::{Value, json};

/// A plan of these steps.
pub(super) fn plan(id: &str, namespace: &str, steps: Vec<Step>) -> Plan {
    Plan {
        id: id.to_owned(),
        source: None,
        target: "1.30.3".to_owned(),
        direction: None,
        namespace: namespace.to_owned(),
        forced: false,
        steps,
    }
}

/// A step.
pub(super) fn step(id: &str, actions: Vec<Action>, waits: Vec<Wait>) -> Step {
    Step {
        id: id.to_owned(),
        title: format!("Step {id}"),
        component: None,
        actions,
        waits,
    }
}

/// Applies `manifest` where `live` is there, or nothing is.
pub(super) fn apply(live: Option<&Value>, manifest: &Value) -> Action {
    Action::Apply {
        object: reference(manifest),
        manifest: manifest.clone(),
        force: true,
        expected: expected(live),
    }
}

/// Deletes `live`.
pub(super) fn delete(live: &Value) -> Action {
    Action::Delete {
        object: reference(live),
        expected: expected(Some(live)),
    }
}

fn expected(live: Option<&Value>) -> Expected {
    let Some(live) = live else {
        return Expected::default();
    };
    Expected {
        exists: true,
        resource_version: live["metadata"]["resourceVersion"]
            .as_str()
            .map(str::to_owned),
        digest: Some(digest(live)),
        fields: [("data.value".to_owned(), live["data"]["value"].clone())].into(),
    }
}

fn reference(object: &Value) -> Ref {
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

fn deployment(namespace: &str, name: &str, behaviour: &str) -> (Value, Wait) {
    let object = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "namespace": namespace, "name": name },
        "spec": {
            "replicas": 1,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": {
                    "labels": { "app": name },
                    "annotations": { "testplane.dev/behavior": behaviour },
                },
                "spec": { "containers": [{ "name": "main", "image": "example.org/none:1" }] },
            },
        },
    });
    let wait = Wait::Deployment {
        object: reference(&object),
    };
    (object, wait)
}
