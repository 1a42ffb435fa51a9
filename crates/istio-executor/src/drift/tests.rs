use serde_json::json;

use super::*;

fn object(kind: &str) -> Ref {
    Ref {
        api_version: "v1".to_owned(),
        kind: kind.to_owned(),
        namespace: None,
        name: "x".to_owned(),
    }
}

fn live() -> Value {
    json!({
        "metadata": { "name": "x", "resourceVersion": "7", "annotations": { "a.b/c": "d" } },
        "spec": { "replicas": 3, "containers": [{ "name": "discovery", "image": "i" }], "args": ["x"] },
    })
}

fn expected() -> Expected {
    Expected {
        exists: true,
        digest: Some(digest(&live())),
        ..Expected::default()
    }
}

#[test]
fn the_same_content_is_no_drift_whatever_the_server_wrote_beside_it() {
    let mut now = live();
    now["metadata"]["resourceVersion"] = json!("9");
    now["status"] = json!({ "replicas": 1 });
    assert_eq!(
        compare(&object("ConfigMap"), &expected(), None, Some(&now)),
        Ok(())
    );
}

#[test]
fn a_changed_field_is_named_with_both_values() {
    let mut now = live();
    now["spec"]["replicas"] = json!(5);
    let mut expected = expected();
    expected.fields.insert("spec.replicas".to_owned(), json!(3));
    let drift = compare(&object("ConfigMap"), &expected, None, Some(&now)).unwrap_err();
    expect_test::expect![[r"
        ConfigMap x has changed since the plan was made:
          spec.replicas: expected 3, found 5"]]
    .assert_eq(&drift.to_string());
}

#[test]
fn what_appeared_or_went_is_drift() {
    let absent = Expected::default();
    let kind = |result: Result<(), Drift>| result.unwrap_err().kind;
    assert_eq!(
        kind(compare(&object("A"), &absent, None, Some(&live()))),
        Kind::Appeared
    );
    assert_eq!(
        kind(compare(&object("A"), &expected(), None, None)),
        Kind::Gone
    );
}

#[test]
fn paths_lead_through_keys_with_dots_and_keyed_elements() {
    let live = live();
    let get = |path| at(&live, path).map(|it| it.0.clone());
    assert_eq!(get("metadata.annotations.a.b/c"), Some(json!("d")));
    assert_eq!(get(r#"metadata.annotations["a.b/c"]"#), Some(json!("d")));
    assert_eq!(
        get("spec.containers[name=discovery].image"),
        Some(json!("i"))
    );
    assert_eq!(get("spec.containers[0].image"), Some(json!("i")));
    assert_eq!(get("spec.args[x]"), Some(json!("x")));
    assert_eq!(get("spec.nothing"), None);
}

#[test]
fn validation_is_never_loosened() {
    let with = |policy| json!({ "webhooks": [{ "name": "v", "failurePolicy": policy }] });
    let object = object("ValidatingWebhookConfiguration");
    assert!(keeps_validation(&object, &with("Ignore"), Some(&with("Fail"))).is_err());
    assert!(keeps_validation(&object, &with("Fail"), Some(&with("Fail"))).is_ok());
    assert!(keeps_validation(&object, &with("Ignore"), Some(&with("Ignore"))).is_ok());
    assert!(
        keeps_validation(
            &object,
            &json!({ "webhooks": [{ "name": "v" }] }),
            Some(&with("Fail"))
        )
        .is_ok()
    );
}

#[test]
fn a_change_that_the_write_has_nothing_to_do_with_is_no_drift() {
    let content = json!({ "spec": { "args": ["y"] } });
    let expected = Expected {
        relevant: Some(relevant(&live(), Some(&content))),
        fields: [("spec.args".to_owned(), json!(["x"]))].into(),
        ..expected()
    };
    let mut now = live();
    now["spec"]["replicas"] = json!(9);
    let compare = |now: &Value| compare(&object("A"), &expected, Some(&content), Some(now));
    assert_eq!(compare(&now), Ok(()), "an autoscaler's");
    now["spec"]["args"] = json!(["z"]);
    assert!(matches!(
        compare(&now).unwrap_err().kind,
        Kind::Changed(fields) if fields.len() == 1
    ));
}

#[test]
fn a_field_that_the_plan_writes_as_it_was_is_told_with_its_author() {
    let object = |mesh: &str, manager: &str| {
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "name": "istio", "managedFields": [{
                "manager": manager, "time": "2026-01-02T03:04:05Z",
                "fieldsV1": { "f:data": { "f:mesh": {} } },
            }] },
            "data": { "mesh": mesh },
        })
    };
    let before = object("a: 1\nb: 1\n", "istio-operator");
    let content = json!({ "data": { "mesh": "a: 1\nb: 1\n" } });
    let expected = Expected {
        exists: true,
        digest: Some(digest(&before)),
        relevant: Some(relevant(&before, Some(&content))),
        ..Expected::default()
    };
    let live = object("a: 1\nb: 2\n", "kubectl-edit");
    let reference = cluster::reference(&live);
    let drift = compare(&reference, &expected, Some(&content), Some(&live)).unwrap_err();
    assert!(
        drift.to_string().ends_with(
            "data.mesh: expected \"b: 1\" in line 2, found \"b: 2\" in line 2 (kubectl-edit, 2026-01-02T03:04:05Z)"
        ),
        "{drift}"
    );
}
