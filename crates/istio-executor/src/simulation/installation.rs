//! A small installation of Istio, and a plan that upgrades it.

use std::sync::LazyLock;

use istio_planner::digest::{digest, relevant};
use istio_planner::outcome::{Ref, RestartHow};
use istio_planner::plan::{Action, Expected, FIELD_MANAGER, Plan, Step, Wait};
use kube_model::{Key, Request, Server, merge};
use serde_json::{Value, json};

use super::dice::Dice;
use crate::journal::copy::MANAGER;

/// Where the control plane is.
pub(super) const NAMESPACE: &str = "istio-system";

/// Where the user's workload is.
const USERS: &str = "shop";

/// An installation, as it is before anything goes wrong.
pub(super) struct Installation {
    pub(super) server: Server,
    pub(super) plan: Plan,
}

/// Returns the key by which the server knows an object.
pub(super) fn key(object: &Ref) -> Key {
    Key {
        api_version: object.api_version.clone(),
        kind: object.kind.clone(),
        namespace: object.namespace.clone().unwrap_or_default(),
        name: object.name.clone(),
    }
}

/// The key of one of the control plane's objects.
pub(super) fn known(kind: &str, name: &str) -> Key {
    key(&crate::cluster::reference(&object(kind, name, json!({}))))
}

/// A request as a client makes it.
pub(super) fn request(method: &str, key: &Key, query: &str, patch: &str, body: Value) -> Request {
    Request {
        method: method.to_owned(),
        path: key.path().expect("a kind that is served"),
        query: query.to_owned(),
        content_type: format!("application/{patch}"),
        body,
    }
}

/// A merge patch by somebody.
pub(super) fn edit(key: &Key, manager: &str, patch: Value) -> Request {
    let query = format!("fieldManager={manager}");
    request("PATCH", key, &query, "merge-patch+json", patch)
}

fn apply(server: &mut Server, manifest: &Value) {
    let query = format!("fieldManager={FIELD_MANAGER}&force=true");
    let key = Key::new(manifest);
    let request = request("PATCH", &key, &query, "apply-patch+yaml", manifest.clone());
    let answer = server.answer(&request);
    assert!(answer.status < 300, "{}", answer.body);
}

/// What the actions of a plan make of a cluster where nothing goes wrong: without the executor, request by request.
pub(super) fn carry_out(server: &mut Server, plan: &Plan) {
    for action in plan.steps.iter().flat_map(|it| &it.actions) {
        let key = key(&crate::apply::object(action));
        match action {
            Action::Ensure { manifest } | Action::Apply { manifest, .. } => apply(server, manifest),
            Action::Replace { manifest, .. } => {
                server.answer(&request("DELETE", &key, "", "json", Value::Null));
                apply(server, manifest);
            }
            Action::Patch { patch, .. } => {
                server.answer(&edit(&key, MANAGER, patch.clone()));
            }
            Action::Delete { .. } => {
                server.answer(&request("DELETE", &key, "", "json", Value::Null));
            }
            Action::Restart { .. } => {}
        }
    }
}

fn object(kind: &str, name: &str, content: Value) -> Value {
    let (api_version, namespace) = match kind {
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => {
            ("admissionregistration.k8s.io/v1", None)
        }
        "ClusterRole" => ("rbac.authorization.k8s.io/v1", None),
        "Namespace" => ("v1", None),
        "Deployment" => ("apps/v1", Some(NAMESPACE)),
        "PodDisruptionBudget" => ("policy/v1", Some(NAMESPACE)),
        "EndpointSlice" => ("discovery.k8s.io/v1", Some(NAMESPACE)),
        "Lease" => ("coordination.k8s.io/v1", Some(NAMESPACE)),
        _ => ("v1", Some(NAMESPACE)),
    };
    let mut all = json!({
        "apiVersion": api_version,
        "kind": kind,
        "metadata": { "name": name, "labels": { "operator.istio.io/component": "Pilot" } },
    });
    if let Some(namespace) = namespace {
        all["metadata"]["namespace"] = namespace.into();
    }
    merge(&mut all, &content);
    all
}

fn deployment(name: &str, image: &str, label: &str) -> Value {
    let labels = json!({ "app": label });
    let content = json!({
        "spec": {
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": "main", "image": image }] },
            },
        },
    });
    object("Deployment", name, content)
}

fn config(name: &str, data: Value) -> Value {
    object("ConfigMap", name, json!({ "data": data }))
}

fn webhooks(kind: &str, name: &str, path: &str) -> Value {
    let content = json!({ "webhooks": [{
        "name": "rev.namespace.istio.io",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Fail",
        "clientConfig": { "service": { "name": "istiod", "namespace": NAMESPACE, "path": path } },
        "rules": [{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"] }],
    }] });
    object(kind, name, content)
}

fn budget() -> Value {
    let content = json!({
        "spec": { "minAvailable": 1, "selector": { "matchLabels": { "app": "istiod" } } },
    });
    object("PodDisruptionBudget", "istiod", content)
}

fn service(port: u16) -> Value {
    let content = json!({ "spec": {
        "ports": [{ "name": "https", "port": port, "protocol": "TCP" }],
        "selector": { "app": "istiod" },
    } });
    object("Service", "istiod", content)
}

/// What is there before.
fn objects() -> Vec<Value> {
    let mut web = deployment("web", "shop/web:1", "web");
    web["metadata"]["namespace"] = USERS.into();
    let ready = json!({
        "metadata": { "labels": { "kubernetes.io/service-name": "istiod" } },
        "addressType": "IPv4",
        "endpoints": [{ "addresses": ["10.0.0.1"], "conditions": { "ready": true } }],
    });
    vec![
        object("Namespace", "kube-system", json!({})),
        object("Namespace", NAMESPACE, json!({})),
        object("Namespace", USERS, json!({})),
        object("EndpointSlice", "istiod-1", ready),
        object("ServiceAccount", "istiod", json!({})),
        webhooks(
            "MutatingWebhookConfiguration",
            "istio-sidecar-injector",
            "/inject",
        ),
        webhooks(
            "ValidatingWebhookConfiguration",
            "istio-validator",
            "/validate",
        ),
        deployment("istiod", "istio/pilot:1.29.6", "istiod"),
        deployment("gateway", "istio/proxyv2:1.29.6", "gateway"),
        web,
        service(443),
        config(
            "istio",
            json!({ "mesh": "old", "kept": "same", "dropped": "x" }),
        ),
        config(
            "istio-sidecar-injector",
            json!({ "config": "old", "values": "{}" }),
        ),
        config("values", json!({ "merged": "old" })),
        config("leftover", json!({ "root": "here" })),
    ]
}

/// All of it, and running.
static INSTALLED: LazyLock<Server> = LazyLock::new(|| {
    let mut server = Server::new();
    for object in objects() {
        apply(&mut server, &object);
    }
    super::controllers::settle(&mut server);
    server
});

/// What an action relies on, as the planner writes it.
fn expected(server: &Server, object: &Ref, content: Option<&Value>) -> Expected {
    let Some(live) = server.object(&key(object)) else {
        return Expected::default();
    };
    Expected {
        exists: true,
        resource_version: live["metadata"]["resourceVersion"]
            .as_str()
            .map(str::to_owned),
        digest: Some(digest(live)),
        relevant: Some(relevant(live, content)),
        ..Expected::default()
    }
}

impl Installation {
    /// Makes one of all that there can be.
    pub(super) fn new(dice: &mut Dice) -> Self {
        let server = INSTALLED.clone();
        let applied = |manifest: Value| {
            let object = crate::cluster::reference(&manifest);
            Action::Apply {
                expected: expected(&server, &object, Some(&manifest)),
                object,
                manifest,
                force: true,
            }
        };
        let reference =
            |kind: &str, name: &str| crate::cluster::reference(&object(kind, name, json!({})));
        let mut base = vec![applied(object("ServiceAccount", "istiod", json!({})))];
        if dice.chance(30) {
            let mesh = reference("ConfigMap", "istio");
            let patch = json!({ "metadata": { "labels": { "istio.io/rev": "default" } } });
            base.push(Action::Patch {
                expected: expected(&server, &mesh, Some(&patch)),
                object: mesh,
                patch,
            });
        }
        if dice.chance(30) {
            base.insert(
                0,
                Action::Ensure {
                    manifest: object("Namespace", "istio-extra", json!({})),
                },
            );
        }
        let mut pilot = vec![
            applied(config(
                "istio",
                json!({ "mesh": "new", "kept": "same", "more": "1" }),
            )),
            applied(deployment("istiod", "istio/pilot:1.30.3", "istiod")),
            applied(webhooks(
                "MutatingWebhookConfiguration",
                "istio-sidecar-injector",
                "/inject/new",
            )),
        ];
        for extra in [
            config(
                "istio-sidecar-injector",
                json!({ "config": "new", "values": "{}" }),
            ),
            config("made", json!({ "is": "new" })),
            webhooks(
                "ValidatingWebhookConfiguration",
                "istio-validator",
                "/validate/new",
            ),
            service(15_017),
            budget(),
        ] {
            if dice.chance(50) {
                pilot.push(applied(extra));
            }
        }
        let mut steps = vec![("base", base, Vec::new())];
        let istiod = reference("Deployment", "istiod");
        let mut waits = vec![Wait::Deployment { object: istiod }];
        if dice.chance(50) {
            let object = reference("MutatingWebhookConfiguration", "istio-sidecar-injector");
            waits.push(Wait::WebhookReachable { object });
        }
        steps.push(("apply-pilot", pilot, waits));
        if dice.chance(60) {
            let gateway = reference("Deployment", "gateway");
            let manifest = deployment("gateway", "istio/proxyv2:1.30.3", "gateway-new");
            let replace = Action::Replace {
                expected: expected(&server, &gateway, Some(&manifest)),
                object: gateway.clone(),
                manifest,
            };
            steps.push((
                "apply-gateway",
                vec![replace],
                vec![Wait::Deployment { object: gateway }],
            ));
        }
        if dice.chance(60) {
            let leftover = reference("ConfigMap", "leftover");
            let expected = expected(&server, &leftover, None);
            steps.push((
                "prune",
                vec![Action::Delete {
                    object: leftover,
                    expected,
                }],
                Vec::new(),
            ));
        }
        if dice.chance(30) {
            let web = Ref {
                namespace: Some(USERS.to_owned()),
                ..reference("Deployment", "web")
            };
            let restart = Action::Restart {
                object: web.clone(),
                how: RestartHow::Rollout,
                pods: 1,
                to: None,
                at_once: None,
            };
            steps.push((
                "restart-1",
                vec![restart],
                vec![Wait::Deployment { object: web }],
            ));
        }
        let id = server.object(&known("Namespace", "kube-system"));
        let id = id.and_then(|it| it["metadata"]["uid"].as_str().map(str::to_owned));
        let steps = steps.into_iter().map(|(id, actions, waits)| Step {
            id: id.to_owned(),
            title: id.to_owned(),
            component: None,
            actions,
            waits,
            pause: u32::try_from(dice.below(4) / 3 * 10).unwrap_or_default(),
        });
        let plan = Plan {
            id: String::new(),
            source: Some("1.29.6".to_owned()),
            target: "1.30.3".to_owned(),
            direction: None,
            cluster: id,
            namespace: NAMESPACE.to_owned(),
            forced: false,
            freeze: Vec::new(),
            steps: steps.collect(),
        };
        Self {
            server,
            plan: plan.sealed(),
        }
    }
}
