use istio_planner::plan::{Expected, Step};
use serde_json::json;

use super::*;
use crate::journal::Record;

fn object(kind: &str, name: &str) -> Ref {
    Ref {
        api_version: "v1".to_owned(),
        kind: kind.to_owned(),
        namespace: None,
        name: name.to_owned(),
    }
}

fn apply_of(kind: &str, name: &str) -> Action {
    Action::Apply {
        object: object(kind, name),
        manifest: json!({}),
        force: true,
        expected: Expected::default(),
    }
}

fn plan(actions: Vec<Action>) -> Plan {
    Plan {
        id: "p".to_owned(),
        source: None,
        target: "1.30.3".to_owned(),
        direction: None,
        cluster: None,
        namespace: "n".to_owned(),
        forced: false,
        freeze: Vec::new(),
        steps: vec![Step {
            id: "s".to_owned(),
            title: String::new(),
            component: None,
            actions,
            waits: Vec::new(),
            pause: 0,
        }],
    }
}

fn began(plan: &Plan, number: usize, former: Option<Value>) -> Record {
    let event = Event::ActionBegan {
        step: "s".to_owned(),
        action: number,
        object: apply::object(&plan.steps[0].actions[number]),
        former,
        omitted: false,
        mark: None,
        pods: Vec::new(),
    };
    Record::new("p", String::new(), event)
}

#[test]
fn the_last_change_is_put_back_first_and_what_never_began_is_left_alone() {
    let plan = plan(vec![
        apply_of("A", "1"),
        apply_of("A", "2"),
        apply_of("A", "3"),
    ]);
    let records = [began(&plan, 0, Some(json!({}))), began(&plan, 1, None)];
    let names: Vec<_> = restorations(&plan, &records)
        .into_iter()
        .map(|it| it.object.name)
        .collect();
    assert_eq!(names, ["2", "1"]);
}

#[test]
fn what_the_plan_never_wrote_is_told_from_what_it_did() {
    let with = |uid: &str, manager: &str, time: &str| json!({ "metadata": { "uid": uid, "managedFields": [{ "manager": manager, "time": time }] } });
    let check = |former: Option<&Value>, live: Option<&Value>| untouched(former, live, None);
    let (former, other) = (with("1", "istio-operator", "t"), with("1", "somebody", "t"));
    assert!(check(Some(&former), Some(&former)));
    assert!(check(None, Some(&other)), "somebody made it");
    assert!(check(None, None));
    assert!(!check(None, Some(&former)), "it is ours");
    assert!(!check(Some(&former), None));
    for changed in [
        with("1", "istio-operator", "u"),
        with("2", "istio-operator", "t"),
    ] {
        assert!(!check(Some(&former), Some(&changed)));
    }
    let mut going = former.clone();
    going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert!(
        !check(Some(&former), Some(&going)),
        "a killed run deleted it"
    );
    assert!(check(Some(&going), Some(&going)), "it was going before");
}

#[test]
fn a_write_in_the_second_in_which_the_object_was_made_is_seen_by_its_fields() {
    let with = |ours: u32, theirs: u32| {
        let mut object = json!({ "data": { "a": ours, "b": theirs } });
        object["metadata"] =
            json!({ "uid": "1", "managedFields": [{ "manager": "istio-operator", "time": "t" }] });
        object
    };
    let content = json!({ "data": { "a": 2 } });
    let check = |live: &Value| untouched(Some(&with(1, 1)), Some(live), Some(&content));
    assert!(!check(&with(2, 1)));
    assert!(check(&with(1, 2)), "somebody else's field");
}

#[test]
fn what_is_put_back_already_is_not_put_back_again() {
    let plan = plan(vec![apply_of("A", "1"), apply_of("A", "2")]);
    let restored = Event::Restored {
        step: "s".to_owned(),
        action: 1,
    };
    let records = [
        began(&plan, 0, None),
        began(&plan, 1, None),
        Record::new("p", String::new(), restored),
    ];
    assert_eq!(restorations(&plan, &records).len(), 1);
}

/// An object of which it is not known how the plan left it.
fn whole(former: &Value) -> Before<'_> {
    Before { former, left: None }
}

#[test]
fn what_others_took_since_is_theirs_and_what_the_plan_took_is_given_back() {
    let entry = |manager: &str, operation: &str, fields: Value| json!({ "manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields });
    let object = |value: &str, annotations: Value, entries: Vec<Value>| {
        json!({
            "kind": "ConfigMap",
            "metadata": { "annotations": annotations, "managedFields": entries },
            "data": { "a": value },
        })
    };
    let data = json!({ "f:data": { "f:a": {} } });
    let former = object(
        "1",
        json!({}),
        vec![entry("kubectl", "Update", data.clone())],
    );
    let left = object(
        "2",
        json!({}),
        vec![entry("istio-operator", "Apply", data.clone())],
    );
    let theirs = entry(
        "someone",
        "Update",
        json!({ "f:metadata": { "f:annotations": { "f:x": {} } } }),
    );
    let live = object(
        "2",
        json!({ "x": "kept" }),
        vec![
            entry("istio-operator", "Apply", data.clone()),
            theirs.clone(),
        ],
    );
    let before = Before {
        former: &former,
        left: Some(left),
    };
    let wanted = before.values(Some(&live));
    assert_eq!(wanted["data"]["a"], "1");
    assert_eq!(wanted["metadata"]["annotations"]["x"], "kept");
    let owners = before.ownership(&live);
    assert_eq!(
        owners,
        [entry("kubectl", "Update", data.clone()), theirs.clone()]
    );
    // Half-way: the first of two writes made the rollback the owner of what it wrote.
    let half = object(
        "1",
        json!({ "x": "kept" }),
        vec![entry("refit", "Update", data), theirs],
    );
    assert!(before.has_content(&half) && !before.has_owners(&half));
    assert_eq!(before.ownership(&half), owners);
    let mut done = half;
    done["metadata"]["managedFields"] = Value::Array(owners);
    assert_eq!(difference(Some(&before), Some(&done)), None);
}

/// Found by seed 16 of the simulation: somebody wrote a note after the object was written down, and before the plan wrote it.
#[test]
fn what_others_wrote_just_before_the_plan_did_is_theirs_too() {
    let entry = |manager: &str, operation: &str, fields: Value| json!({ "manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields });
    let state = |value: &str, note: Option<&str>, entries: Vec<Value>| {
        let annotations = note.map(|it| json!({ "annotations": { "note": it } }));
        let mut metadata = annotations.unwrap_or_else(|| json!({}));
        metadata["managedFields"] = entries.into();
        json!({ "kind": "ConfigMap", "metadata": metadata, "data": { "a": value, "b": "2" } })
    };
    let ours = entry(
        "istio-operator",
        "Apply",
        json!({ "f:data": { "f:a": {} } }),
    );
    let note = json!({ "f:metadata": { "f:annotations": { ".": {}, "f:note": {} } } });
    let theirs = entry("kubectl", "Update", note.clone());
    let taken = entry(
        "helm",
        "Update",
        json!({ "f:data": { "f:a": {}, "f:b": {} } }),
    );
    let kept = entry("helm", "Update", json!({ "f:data": { "f:b": {} } }));
    let former = state("1", None, vec![taken.clone()]);
    let stored = state(
        "2",
        Some("x"),
        vec![ours.clone(), kept.clone(), theirs.clone()],
    );
    let live = state("2", Some("y"), vec![ours, kept, theirs.clone()]);
    for (ended, stored) in [(true, Some(fields::patch(&former, &stored))), (false, None)] {
        let restoration = Restoration {
            step: "s".to_owned(),
            action: 0,
            object: object("ConfigMap", "c"),
            former: Some(former.clone()),
            omitted: false,
            ended,
            left: None,
            stored,
        };
        let before = restoration.before(Some(&live)).unwrap();
        let wanted = before.values(Some(&live));
        assert_eq!(wanted["metadata"]["annotations"]["note"], "y", "{ended}");
        assert_eq!(wanted["data"], former["data"]);
        let mut owners = before.ownership(&live);
        owners.sort_by_key(|it| it["manager"].to_string());
        assert_eq!(owners, [taken.clone(), theirs.clone()]);
    }
}

#[test]
fn a_webhook_that_refuses_goes_on_refusing() {
    let with = |policy: &str| {
        json!({
            "kind": "ValidatingWebhookConfiguration",
            "metadata": { "name": "v", "uid": "u" },
            "webhooks": [{ "name": "w", "failurePolicy": policy }],
        })
    };
    let wanted = whole(&with("Ignore")).values(Some(&with("Fail")));
    assert_eq!(wanted["webhooks"][0]["failurePolicy"], "Fail");
    assert!(wanted["metadata"]["uid"].is_null());
}

#[test]
fn the_controllers_count_goes_only_up() {
    let with = |revision: &str| json!({ "metadata": { "annotations": { "deployment.kubernetes.io/revision": revision } } });
    let wanted = whole(&with("1")).values(Some(&with("2")));
    assert_eq!(
        wanted["metadata"]["annotations"]["deployment.kubernetes.io/revision"],
        "2"
    );
}

#[test]
fn what_controllers_count_is_nobodys_loss() {
    let with = |fields: Value| json!({ "metadata": { "managedFields": [{ "manager": "velero", "operation": "Update", "fieldsV1": fields }] } });
    let counted = "f:deployment.kubernetes.io/revision";
    let annotated = |names: &[&str]| {
        let fields: serde_json::Map<_, _> = names
            .iter()
            .map(|it| ((*it).to_owned(), json!({})))
            .collect();
        with(json!({ "f:metadata": { "f:annotations": fields, "f:labels": {} } }))
    };
    let none = with(json!({ "f:metadata": { "f:labels": {} } }));
    let same = |one: &Value, other: &Value| whole(one).has_owners(other);
    assert!(same(&annotated(&[".", counted]), &annotated(&["."])));
    assert!(same(&annotated(&[".", counted]), &none));
    assert!(same(&annotated(&["f:a", counted]), &annotated(&["f:a"])));
    assert!(!same(&annotated(&["f:a"]), &none));
}

#[test]
fn replicas_that_nobody_declared_are_left_to_those_who_scale() {
    let with = |replicas: u32, entries: Value| json!({ "kind": "Deployment", "metadata": { "managedFields": entries }, "spec": { "replicas": replicas } });
    let owner = |subresource: Value| json!([{ "manager": "m", "operation": "Update", "subresource": subresource, "fieldsV1": { "f:spec": { "f:replicas": {} } } }]);
    let restored =
        |former: &Value, live: &Value| whole(former).values(Some(live))["spec"]["replicas"].clone();
    let (declared, scaled, silent) = (owner(Value::Null), owner(json!("scale")), json!([]));
    let live = with(5, silent.clone());
    assert_eq!(restored(&with(2, declared.clone()), &live), 2);
    assert_eq!(restored(&with(2, scaled), &live), 5);
    assert_eq!(restored(&with(2, silent.clone()), &live), 5);
    // The upgrade itself wrote them.
    assert_eq!(restored(&with(2, silent), &with(5, declared)), 2);
}
