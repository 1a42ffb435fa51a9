use istio_planner::digest::relevant;
use istio_planner::outcome::{Outcome, Ref};
use istio_planner::snapshot::{Snapshot, SnapshotReader};
use istio_planner::{Input, Request};
use serde_json::{Map, Value, json};

use super::{Stand, component, object, proxies};
use crate::run::back::Restoration;

fn config(value: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "istio", "namespace": "istio-system"},
        "data": {"mesh": value},
    })
}

fn restoration(
    former: Option<Value>,
    left: Option<&Value>,
    stored: Option<Map<String, Value>>,
) -> Restoration {
    Restoration {
        step: "s".to_owned(),
        action: 0,
        object: Ref::new("v1", "ConfigMap", "istio-system", "istio"),
        former,
        omitted: false,
        ended: true,
        left: left.map(|it| relevant(it, None)),
        stored,
    }
}

#[test]
fn an_object_is_as_it_was_stored_or_says_what_is_not() {
    let stored = json!({"/data/mesh": "new"}).as_object().cloned();
    let it = restoration(Some(config("old")), Some(&config("new")), stored);
    let check = |live: Option<&Value>| object(&it, Some(&config("new")), live);
    assert_eq!(check(Some(&config("new"))).stand, Stand::AsPlanned);
    let mut edited = config("theirs");
    edited["metadata"]["managedFields"] = json!([{
        "manager": "kubectl-edit", "operation": "Update", "time": "2026-11-29T10:00:00Z",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:mesh": {}}},
    }]);
    let changed = check(Some(&edited));
    assert_eq!(changed.stand, Stand::Differs);
    assert_eq!(
        changed.reasons,
        [r#"data.mesh is "theirs", not "new" (kubectl-edit, 2026-11-29T10:00:00Z)"#]
    );
    assert_eq!(check(None).reasons, ["it is gone"]);
}

#[test]
fn what_was_deleted_stays_away_and_what_did_not_end_is_unknown() {
    let it = restoration(Some(config("old")), None, None);
    assert_eq!(object(&it, None, None).stand, Stand::AsPlanned);
    assert_eq!(
        object(&it, None, Some(&config("old"))).stand,
        Stand::Differs
    );
    let mut it = restoration(None, Some(&config("new")), None);
    it.ended = false;
    assert_eq!(
        object(&it, None, Some(&config("new"))).stand,
        Stand::Unknown
    );
}

#[test]
fn a_new_object_that_others_wrote_over_says_so() {
    let it = restoration(None, Some(&config("new")), None);
    let mut live = config("theirs");
    live["metadata"]["managedFields"] = json!([{
        "manager": "helm", "operation": "Update",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:mesh": {}}},
    }]);
    let changed = object(&it, Some(&config("new")), Some(&live));
    assert_eq!(
        changed.reasons,
        [r#"data.mesh is "theirs", not "new" (helm)"#]
    );
    // Labels that somebody added to it are no field of the upgrade.
    let mut live = config("new");
    live["metadata"]["labels"] = json!({"team": "a"});
    let labelled = object(&it, Some(&config("new")), Some(&live));
    assert_eq!(labelled.stand, Stand::Differs);
    assert!(
        labelled.reasons[0].contains("did not write"),
        "{:?}",
        labelled.reasons
    );
}

#[test]
fn a_workload_of_the_mesh_has_to_run() {
    let of = |updated: u64| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "istiod", "namespace": "istio-system", "generation": 2},
            "spec": {"replicas": 2},
            "status": {"observedGeneration": 2, "replicas": 2, "updatedReplicas": updated, "availableReplicas": 2},
        })
    };
    let name = Ref::new("apps/v1", "Deployment", "istio-system", "istiod");
    assert_eq!(component(&name, &of(2)).unwrap().stand, Stand::AsPlanned);
    assert_eq!(
        component(&name, &of(1)).unwrap().reasons,
        ["1 of 2 pods updated"]
    );
    assert_eq!(
        component(&Ref::new("v1", "ConfigMap", "n", "c"), &config("a")),
        None
    );
}

fn pod(name: &str, version: &str, ready: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "cart", "controller": true, "uid": "1"},
        ], "annotations": {"sidecar.istio.io/status": "{\"revision\":\"default\"}"}},
        "spec": {"containers": [
            {"name": "app", "image": "example.org/app:1"},
            {"name": "istio-proxy", "image": format!("docker.io/istio/proxyv2:{version}")},
        ]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]},
    })
}

fn looked_at(pods: &[Value]) -> (Outcome, Snapshot) {
    let text = json!({"apiVersion": "v1", "kind": "List", "items": pods}).to_string();
    let mut reader = SnapshotReader::new();
    reader.read("cluster.json", text.as_bytes()).unwrap();
    let snapshot = reader.finish().unwrap();
    let input = Input {
        request: Request {
            to: "1.30.3".to_owned(),
            ..Request::default()
        },
        snapshot: snapshot.clone(),
        releases: Vec::new(),
        as_of: None,
        facts: None,
    };
    (istio_planner::plan(&input), snapshot)
}

#[test]
fn proxies_are_ready_and_not_to_be_restarted() {
    let (again, snapshot) = looked_at(&[
        pod("cart-0", "1.30.3", "True"),
        pod("cart-1", "1.30.3", "False"),
    ]);
    let checks = proxies(&again, &snapshot);
    assert_eq!(checks.len(), 1);
    assert_eq!(checks[0].object.name, "cart");
    assert_eq!(checks[0].reasons, ["pod cart-1 (1.30.3) is not ready"]);
    let (again, snapshot) = looked_at(&[pod("cart-0", "1.30.3", "True")]);
    assert_eq!(proxies(&again, &snapshot)[0].stand, Stand::AsPlanned);
}
