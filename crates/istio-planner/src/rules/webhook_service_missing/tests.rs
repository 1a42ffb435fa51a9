use serde_json::{Value, json};

use super::check;
use crate::outcome::{Change, ChangeClass, FieldChange, Ref};
use crate::rules::fixture::Cluster;

/// An export of all namespaces.
fn whole() -> Cluster {
    let mut cluster = Cluster::new();
    cluster.object(json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": "default", "name": "kubernetes"}}));
    cluster
}

fn webhook(service: &str, policy: &str, rules: &Value) -> Value {
    json!({"name": "a.istio.io", "failurePolicy": policy, "rules": [rules],
        "clientConfig": {"service": {"namespace": "istio-system", "name": service}}})
}

fn configuration(kind: &str, name: &str, webhook: &Value) -> Value {
    json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": name},
        "webhooks": [webhook]})
}

fn service(name: &str, selector: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "istio-system", "name": name},
        "spec": {"selector": selector}})
}

fn istio() -> Value {
    json!({"operations": ["CREATE", "UPDATE"], "apiGroups": ["networking.istio.io"], "resources": ["*"]})
}

fn pods() -> Value {
    json!({"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]})
}

fn validator(service: &str, policy: &str) -> Value {
    configuration(
        "ValidatingWebhookConfiguration",
        "istiod-default-validator",
        &webhook(service, policy, &istio()),
    )
}

#[test]
fn a_validator_of_a_service_that_is_gone_is_named() {
    let mut cluster = whole();
    cluster.object(validator("istiod-1-27-2", "Fail"));
    let findings = cluster.check(check);
    assert_eq!(cluster.codes(check), ["webhook-service-missing Warn"]);
    assert!(
        findings[0]
            .detail
            .contains("istio-system/istiod-1-27-2, which is not there")
    );
    assert_eq!(
        findings[0].subjects[0].field.as_deref(),
        Some("webhooks[0].clientConfig.service")
    );
}

#[test]
fn a_service_that_answers_and_a_policy_that_ignores_are_silent() {
    let mut answers = whole();
    answers.object(validator("istiod", "Fail"));
    answers.object(service("istiod", &json!({"app": "istiod"})));
    assert!(answers.check(check).is_empty());
    let mut ignores = whole();
    ignores.object(validator("istiod-1-27-2", "Ignore"));
    assert!(ignores.check(check).is_empty());
    let mut others = whole();
    others.object(configuration(
        "ValidatingWebhookConfiguration",
        "cert-manager",
        &webhook(
            "gone",
            "Fail",
            &json!({"operations": ["*"], "apiGroups": ["cert-manager.io"], "resources": ["*"]}),
        ),
    ));
    assert!(others.check(check).is_empty());
}

#[test]
fn a_service_without_end_points_of_pods_is_named() {
    let mut cluster = whole();
    cluster.object(validator("old", "Fail"));
    cluster.object(service("old", &json!({"app": "old"})));
    let findings = cluster.check(check);
    assert!(findings[0].detail.contains("which selects no pod"));
    // Who writes the end points by hand knows where they are.
    cluster.object(service("old", &json!({})));
    assert!(cluster.check(check).is_empty());
}

#[test]
fn an_istiod_that_is_not_ready_is_told_elsewhere() {
    let mut cluster = whole();
    cluster.object(validator("istiod", "Fail"));
    cluster.object(service("istiod", &json!({"app": "istiod"})));
    for pod in cluster.snapshot.pods.values_mut() {
        pod.ready = false;
    }
    assert!(cluster.check(check).is_empty());
}

#[test]
fn an_export_without_services_tells_nothing() {
    let mut cluster = whole();
    cluster.object(validator("istiod-1-27-2", "Fail"));
    cluster.snapshot.kinds.remove("v1/Service");
    assert!(cluster.check(check).is_empty());
    // Nor does one of other namespaces.
    let mut part = Cluster::new();
    part.object(validator("istiod-1-27-2", "Fail"));
    assert!(part.check(check).is_empty());
}

/// How the apply changes istiod's Deployment.
fn change(fields: Vec<FieldChange>, predicted: Option<Value>) -> Change {
    Change {
        object: Ref {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: Some("istio-system".to_owned()),
            name: "istiod".to_owned(),
        },
        component: "Pilot".to_owned(),
        class: ChangeClass::Change,
        fields,
        predicted,
    }
}

fn rolled(cluster: &mut Cluster) {
    cluster.object(
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system"}}),
    );
    cluster.render("Pilot", json!({"kind": "Deployment"}));
    let image = FieldChange {
        path: "spec.template.spec.containers[name=discovery].image".to_owned(),
        from: None,
        to: None,
        owner: None,
    };
    cluster.changes.push(change(vec![image], None));
}

#[test]
fn a_webhook_that_refuses_pods_of_the_plan_blocks() {
    let mut cluster = whole();
    cluster.object(configuration(
        "MutatingWebhookConfiguration",
        "kyverno",
        &webhook("kyverno", "Fail", &pods()),
    ));
    assert_eq!(cluster.codes(check), ["webhook-service-missing Warn"]);
    rolled(&mut cluster);
    assert_eq!(cluster.codes(check), ["webhook-service-missing Block"]);
    let mut elsewhere = whole();
    let mut selective = webhook("kyverno", "Fail", &pods());
    selective["objectSelector"] = json!({"matchLabels": {"team": "shop"}});
    elsewhere.object(configuration(
        "MutatingWebhookConfiguration",
        "kyverno",
        &selective,
    ));
    rolled(&mut elsewhere);
    assert_eq!(elsewhere.codes(check), ["webhook-service-missing Warn"]);
}

#[test]
fn what_the_plan_repairs_is_told_with_its_step() {
    let mut cluster = whole();
    cluster.object(validator("istiod-1-27-2", "Fail"));
    cluster.object(service("istiod", &json!({"app": "istiod"})));
    cluster.render("Base", validator("istiod", "Ignore"));
    cluster.changes.push(Change {
        object: Ref {
            api_version: "admissionregistration.k8s.io/v1".to_owned(),
            kind: "ValidatingWebhookConfiguration".to_owned(),
            namespace: None,
            name: "istiod-default-validator".to_owned(),
        },
        component: "Base".to_owned(),
        class: ChangeClass::Change,
        fields: Vec::new(),
        predicted: None,
    });
    let findings = cluster.check(check);
    assert!(findings[0].detail.contains("until the step `apply-base`"));
}

#[test]
fn one_for_another_kind_that_the_apply_writes_blocks() {
    let of = |operation: &str, resource: &str| {
        let mut cluster = whole();
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"namespace": "istio-system", "name": "istiod"}});
        cluster.object(deployment.clone());
        cluster
            .changes
            .push(change(Vec::new(), Some(deployment.clone())));
        cluster.render("Pilot", deployment);
        let rule =
            json!({"operations": [operation], "apiGroups": ["apps"], "resources": [resource]});
        cluster.object(configuration(
            "ValidatingWebhookConfiguration",
            "gone",
            &webhook("gone", "Fail", &rule),
        ));
        cluster.codes(check)
    };
    assert_eq!(
        of("UPDATE", "deployments"),
        ["webhook-service-missing Block"]
    );
    assert!(of("CREATE", "deployments").is_empty());
    assert!(of("UPDATE", "statefulsets").is_empty());
}
