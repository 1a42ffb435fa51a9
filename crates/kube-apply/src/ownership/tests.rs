mod differential;
mod real;

use serde_json::json;

use super::*;

/// Applies to an object that two managers know and prints what is left, with its owners.
fn apply(live: &Value, config: &Value, force: bool) -> Result<Applied, ApplyError> {
    let schemas = Schemas::builtin();
    Apply {
        schemas: &schemas,
        live: Some(live),
        config,
        manager: "installer",
        force,
    }
    .predict()
}

fn config_map(data: &Value, managed_fields: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "a", "managedFields": managed_fields}, "data": data})
}

fn entry(manager: &str, operation: &str, fields: &Value) -> Value {
    json!({"manager": manager, "operation": operation, "apiVersion": "v1",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:data": fields}})
}

#[test]
fn fields_that_nobody_else_owns_go_when_they_are_not_applied_any_more() {
    let live = config_map(
        &json!({"a": "1", "b": "1", "c": "1"}),
        &json!([
            entry("installer", "Apply", &json!({"f:a": {}, "f:b": {}})),
            entry("x", "Update", &json!({"f:b": {}, "f:c": {}})),
        ]),
    );
    let applied = apply(&live, &config_map(&json!({"d": "1"}), &Value::Null), true).unwrap();
    assert_eq!(
        applied.object["data"],
        json!({"b": "1", "c": "1", "d": "1"})
    );
    assert!(applied.taken.is_empty());
}

#[test]
fn changed_fields_are_taken_over_only_by_force() {
    let live = config_map(
        &json!({"a": "1"}),
        &json!([entry("x", "Update", &json!({"f:a": {}}))]),
    );
    let config = config_map(&json!({"a": "2"}), &Value::Null);
    let Err(ApplyError::Conflict(conflicts)) = apply(&live, &config, false) else {
        panic!()
    };
    assert_eq!(conflicts.keys().next().unwrap().name, "x");
    let applied = apply(&live, &config, true).unwrap();
    assert_eq!(applied.taken, conflicts);
    assert_eq!(
        applied
            .managers
            .iter()
            .map(|it| it.0.name.as_str())
            .collect::<Vec<_>>(),
        ["installer"]
    );
}

#[test]
fn untracked_fields_belong_to_before_first_apply() {
    let live = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "1"}});
    let applied = apply(&live, &config_map(&json!({"b": "1"}), &Value::Null), true).unwrap();
    assert_eq!(applied.object["data"], json!({"a": "1", "b": "1"}));
    let before = applied
        .managers
        .get(&Manager::update("before-first-apply", "v1"))
        .unwrap();
    assert_eq!(
        before.to_fields_v1(),
        json!({"f:data": {".": {}, "f:a": {}}})
    );
}

#[test]
fn managers_of_versions_that_are_not_served_any_more_go() {
    let live = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "a",
        "managedFields": [{"manager": "installer", "operation": "Apply", "apiVersion": "policy/v1beta1",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:minAvailable": {}}}}]},
        "spec": {"minAvailable": 1}});
    let config = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "a"},
        "spec": {"maxUnavailable": 1}});
    let applied = apply(&live, &config, true).unwrap();
    assert_eq!(
        applied.object["spec"],
        json!({"minAvailable": 1, "maxUnavailable": 1})
    );
    assert_eq!(
        applied
            .managers
            .get(&Manager::apply("installer"))
            .unwrap()
            .to_fields_v1(),
        json!({"f:spec": {"f:maxUnavailable": {}}})
    );
}

#[test]
fn ownership_of_parts_becomes_ownership_of_what_is_atomic_now() {
    let live = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a",
        "managedFields": [{"manager": "installer", "operation": "Apply", "apiVersion": "v1",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:selector": {"f:app": {}}}}}]},
        "spec": {"selector": {"app": "a"}}});
    let config = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"type": "ClusterIP"}});
    let applied = apply(&live, &config, true).unwrap();
    assert_eq!(applied.object["spec"], json!({"type": "ClusterIP"}));
}

#[test]
fn what_the_schema_does_not_know_is_refused() {
    let live = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "a"}, "spec": {}});
    let mut config = live.clone();
    config["spec"] = json!({"strategy": {"type": "Recreate"}});
    let Err(error) = apply(&live, &config, true) else {
        panic!()
    };
    assert_eq!(
        error.to_string(),
        ".spec.strategy: field not declared in schema"
    );
}
