mod refined;
mod stored;
mod upgrades;

use serde_json::{Value, json};

use super::*;
use crate::desired::Component;
use crate::outcome::Finding;
use crate::snapshot::SnapshotReader;

/// Reads objects as one export.
fn snapshot(objects: &[Value]) -> Snapshot {
    let mut reader = SnapshotReader::new();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    reader
        .read("cluster.json", list.to_string().as_bytes())
        .unwrap();
    reader.finish().unwrap()
}

fn desired(objects: Vec<Value>) -> Desired<'static> {
    let labels = [
        ("operator.istio.io/managed", "Reconcile"),
        ("operator.istio.io/version", "1.30.3"),
        ("istio.io/rev", "default"),
        (
            "install.operator.istio.io/owning-resource-namespace",
            "istio-system",
        ),
    ];
    Desired {
        components: vec![Component {
            name: "Pilot".to_owned(),
            instance: String::new(),
            objects,
        }],
        namespace: "istio-system".to_owned(),
        labels: labels
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        ..Desired::default()
    }
}

/// An object that istioctl applied, with these fields of its own.
fn owned(mut object: Value, manager: &str, fields: &Value) -> Value {
    let api_version = object["apiVersion"].clone();
    let entry = json!({"manager": manager, "operation": "Apply", "apiVersion": api_version,
        "fieldsType": "FieldsV1", "fieldsV1": fields});
    let entries = &mut object["metadata"]["managedFields"];
    if entries.is_null() {
        *entries = json!([]);
    }
    entries.as_array_mut().unwrap().push(entry);
    object
}

fn config_map(name: &str, version: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "istio-system", "labels": {
        "operator.istio.io/managed": "Reconcile", "operator.istio.io/version": version, "istio.io/rev": "default",
        "operator.istio.io/component": "Pilot",
        "install.operator.istio.io/owning-resource-namespace": "istio-system"}}, "data": data})
}

/// What the rules say of it.
fn findings(snapshot: &Snapshot, outcome: &DiffOutcome<'_>) -> Vec<Finding> {
    use crate::rules::*;
    let mut cluster = fixture::Cluster::new();
    cluster.snapshot = snapshot.clone();
    cluster.changes.clone_from(&outcome.changes);
    cluster.diff = kept(outcome.clone());
    cluster.render("Pilot", json!({}));
    let rules = [
        apply_refused::check,
        orphans_left::check,
        istioctl_defect::check,
        load_balancer_change::check,
        scale_reset::check,
        edits_overwritten::check,
        immutable_field::check,
    ];
    rules.into_iter().flat_map(|it| cluster.check(it)).collect()
}

/// An outcome that outlives what it was made from.
fn kept(outcome: DiffOutcome<'_>) -> DiffOutcome<'static> {
    let all = |writes: Vec<Write<'_>>| {
        let owned = |it: Write<'_>| Write {
            manifest: Cow::Owned(it.manifest.into_owned()),
            ..it
        };
        writes.into_iter().map(owned).collect()
    };
    DiffOutcome {
        writes: all(outcome.writes),
        tag_writes: all(outcome.tag_writes),
        ..outcome
    }
}

#[track_caller]
fn check(
    live: &[Value],
    wanted: Vec<Value>,
    expected: &expect_test::Expect,
) -> DiffOutcome<'static> {
    use std::fmt::Write as _;
    let outcome = kept(diff(
        &snapshot(live),
        &desired(wanted),
        Consent::NONE,
        false,
    ));
    let mut text = String::new();
    for change in &outcome.changes {
        writeln!(
            text,
            "{:?} {} {}",
            change.class, change.object.kind, change.object.name
        )
        .unwrap();
        for field in &change.fields {
            let value = |it: &Option<Value>| it.as_ref().map_or("-".to_owned(), Value::to_string);
            let owner = field
                .owner
                .as_ref()
                .map(|it| format!(" ({it})"))
                .unwrap_or_default();
            writeln!(
                text,
                "  {}: {} -> {}{owner}",
                field.path,
                value(&field.from),
                value(&field.to)
            )
            .unwrap();
        }
    }
    for finding in findings(&snapshot(live), &outcome) {
        writeln!(text, "{}: {}", finding.code, finding.title).unwrap();
    }
    expected.assert_eq(&text);
    outcome
}

#[test]
fn objects_are_created_changed_taken_over_or_left() {
    let fields = json!({"f:data": {"f:a": {}}});
    let changed = owned(
        config_map("istio-changed", "1.30.3", &json!({"a": "1"})),
        "istio-operator",
        &fields,
    );
    let taken = owned(
        config_map("istio-taken", "1.30.3", &json!({"a": "1"})),
        "kubectl-edit",
        &fields,
    );
    let same = owned(
        config_map("istio-same", "1.30.3", &json!({"a": "1"})),
        "istio-operator",
        &fields,
    );
    let gone = owned(
        config_map("istio-gone", "1.30.3", &json!({})),
        "istio-operator",
        &fields,
    );
    let old = owned(
        config_map("istio-old", "1.29.6", &json!({})),
        "istio-operator",
        &fields,
    );
    let wanted = ["istio-changed", "istio-taken", "istio-new"]
        .map(|it| config_map(it, "1.30.3", &json!({"a": "2"})))
        .into_iter()
        .chain([config_map("istio-same", "1.30.3", &json!({"a": "1"}))]);
    check(
        &[changed, taken, same, gone, old],
        wanted.collect(),
        &expect_test::expect![[r#"
            Change ConfigMap istio-changed
              data.a: "1" -> "2"
            Orphan ConfigMap istio-gone
            Create ConfigMap istio-new
            Orphan ConfigMap istio-old
            Unchanged ConfigMap istio-same
            TakeOver ConfigMap istio-taken
              data.a: "1" -> "2" (kubectl-edit)
            orphans-left: Objects of the installation are left behind
            edits-overwritten: Fields that others set would be overwritten
        "#]],
    );
}

#[test]
fn what_is_left_over_is_deleted_only_when_it_is_asked_for() {
    let gone = |kind: &str, name: &str, component: &str, spec: Value| {
        let mut object = config_map(name, "1.29.6", &json!({}));
        object["kind"] = kind.into();
        object["metadata"]["labels"]["operator.istio.io/component"] = component.into();
        object["spec"] = spec;
        if kind == "Deployment" {
            object["apiVersion"] = "apps/v1".into();
        }
        object
    };
    let live = [
        gone("ConfigMap", "istio-old", "Pilot", json!({})),
        gone(
            "Service",
            "gw",
            "IngressGateways",
            json!({"type": "LoadBalancer"}),
        ),
        gone(
            "Service",
            "inner",
            "EgressGateways",
            json!({"type": "ClusterIP"}),
        ),
        gone("Deployment", "gw", "IngressGateways", json!({})),
    ];
    let deleted = |named: &[&str], orphans| {
        let named: Vec<String> = named.iter().map(|it| (*it).to_owned()).collect();
        let consent = Consent {
            named: &named,
            orphans,
        };
        let (snapshot, desired) = (snapshot(&live), desired(Vec::new()));
        let outcome = diff(&snapshot, &desired, consent, false);
        let deletes: Vec<String> = outcome
            .deletes
            .iter()
            .map(|it| format!("{} {}", it.object.kind, it.object.name))
            .collect();
        (deletes.join(", "), !outcome.unmatched.is_empty())
    };
    assert_eq!(deleted(&[], false), (String::new(), false));
    assert_eq!(
        deleted(&[], true),
        ("ConfigMap istio-old, Service inner".to_owned(), false)
    );
    assert_eq!(
        deleted(&["deployment/istio-system/gw", "Service/gw"], false),
        ("Deployment gw, Service gw".to_owned(), false)
    );
    assert_eq!(
        deleted(&["Service/other/gw", "Service"], false),
        (String::new(), true)
    );
}

#[test]
fn an_object_without_managed_fields_beside_others_has_unknown_owners() {
    let fields = json!({"f:data": {"f:a": {}}});
    let tracked = owned(
        config_map("istio-tracked", "1.30.3", &json!({"a": "1"})),
        "istio-operator",
        &fields,
    );
    let bare = config_map("istio-bare", "1.30.3", &json!({"a": "1"}));
    let wanted =
        ["istio-tracked", "istio-bare"].map(|it| config_map(it, "1.30.3", &json!({"a": "2"})));
    check(
        &[tracked, bare],
        wanted.to_vec(),
        &expect_test::expect![[r#"
            Change ConfigMap istio-bare
              data.a: "1" -> "2" (unknown)
            Change ConfigMap istio-tracked
              data.a: "1" -> "2"
        "#]],
    );
}

#[test]
fn a_changed_selector_is_replaced() {
    let deployment = |app: &str| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "istiod", "namespace": "istio-system"},
            "spec": {"selector": {"matchLabels": {"app": app}}, "template": {
                "metadata": {"labels": {"app": app}},
                "spec": {"containers": [{"name": "a", "image": "a:1"}]}}}})
    };
    let live = owned(
        deployment("a"),
        "istio-operator",
        &json!({"f:spec": {"f:selector": {}}}),
    );
    let outcome = check(
        &[live],
        vec![deployment("b")],
        &expect_test::expect![[r#"
            Replace Deployment istiod
              spec.selector.matchLabels.app: "a" -> "b"
              spec.template.metadata.labels.app: "a" -> "b"
            immutable-field: Deployment istiod cannot be changed in place
        "#]],
    );
    assert_eq!(outcome.writes[0].class, ChangeClass::Replace);
    assert!(outcome.writes[0].expected.exists);
}

#[test]
fn validation_that_istiod_closed_is_not_opened_by_the_plan() {
    let validator = |policy: &str| {
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "istio-validator-istio-system"},
            "webhooks": [{"name": "a", "admissionReviewVersions": ["v1"], "sideEffects": "None",
                "clientConfig": {"url": "https://a"}, "failurePolicy": policy, "matchPolicy": "Equivalent",
                "namespaceSelector": {}, "objectSelector": {}, "timeoutSeconds": 10}]})
    };
    let live = owned(
        validator("Fail"),
        "pilot-discovery",
        &json!({"f:webhooks": {"k:{\"name\":\"a\"}": {"f:failurePolicy": {}}}}),
    );
    let outcome = check(
        &[live],
        vec![validator("Ignore")],
        &expect_test::expect![[r#"
            TakeOver ValidatingWebhookConfiguration istio-validator-istio-system
              webhooks[name=a].failurePolicy: "Fail" -> "Ignore" (pilot-discovery)
            istioctl-defect: Validation of configuration stays closed
        "#]],
    );
    assert!(
        outcome.writes[0].manifest["webhooks"][0]
            .get("failurePolicy")
            .is_none()
    );
}

#[test]
fn a_field_that_the_server_does_not_know_is_refused() {
    let mut wanted = config_map("istio", "1.30.3", &json!({}));
    wanted["spec"] = json!({});
    check(
        &[],
        vec![wanted],
        &expect_test::expect![[r"
            apply-refused: The API server would refuse ConfigMap istio
        "]],
    );
}

#[test]
fn without_managed_fields_owners_are_unknown() {
    check(
        &[config_map("istio", "1.30.3", &json!({"a": "1"}))],
        vec![config_map("istio", "1.30.3", &json!({"a": "2"}))],
        &expect_test::expect![[r#"
            Change ConfigMap istio
              data.a: "1" -> "2" (unknown)
        "#]],
    );
}
