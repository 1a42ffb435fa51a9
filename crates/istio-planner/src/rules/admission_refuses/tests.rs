use serde_json::{Value, json};

use super::check;
use crate::outcome::{Change, ChangeClass, Ref, Restart, RestartHow, RestartReason};
use crate::rules::fixture::Cluster;
use crate::snapshot::Workload;

/// istiod, whose image comes from another registry afterwards.
fn cluster() -> Cluster {
    let mut cluster = Cluster::new();
    let istiod = |image: &str| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "istiod", "namespace": "istio-system", "labels": {"app": "istiod"}},
            "spec": {"template": {"spec": {"containers": [{"name": "discovery", "image": image}]}}},
        })
    };
    cluster.object(istiod("docker.io/istio/pilot:1.29.6"));
    cluster.object(
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system"}}),
    );
    cluster.changes.push(Change {
        object: Ref {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: Some("istio-system".to_owned()),
            name: "istiod".to_owned(),
        },
        component: "Pilot".to_owned(),
        class: ChangeClass::Replace,
        fields: Vec::new(),
        predicted: Some(istiod("registry.istio.io/release/pilot:1.30.3")),
    });
    cluster.render("Pilot", istiod("registry.istio.io/release/pilot:1.30.3"));
    cluster
}

fn policy(cluster: &mut Cluster, resources: &str, expression: &str, action: &str) {
    cluster.object(json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "p"},
        "spec": {
            "matchConstraints": {"resourceRules": [
                {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": [resources]},
            ]},
            "validations": [{"expression": expression}],
        },
    }));
    cluster.object(json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "p"}, "spec": {"policyName": "p", "validationActions": [action]},
    }));
}

fn with_policy(resources: &str, expression: &str, action: &str) -> Vec<String> {
    let mut cluster = cluster();
    policy(&mut cluster, resources, expression, action);
    cluster.codes(check)
}

const DOCKER: &str =
    "object.spec.template.spec.containers.all(c, c.image.startsWith('docker.io/'))";

#[test]
fn a_policy_that_refuses_the_new_image_blocks() {
    assert_eq!(
        with_policy("deployments", DOCKER, "Deny"),
        ["admission-refuses Block"]
    );
}

#[test]
fn so_does_one_that_refuses_the_pods_of_a_rollout() {
    let of = |expression: &str| {
        let mut cluster = cluster();
        policy(&mut cluster, "pods", expression, "Deny");
        let rules = "/spec/matchConstraints/resourceRules/0";
        for (object, kept) in &mut cluster.snapshot.objects {
            if object.kind == "ValidatingAdmissionPolicy" {
                let rule = kept.value.pointer_mut(rules).unwrap();
                *rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]});
            }
        }
        cluster.check(check)
    };
    let findings = of("object.spec.containers.all(c, has(c.resources) && has(c.resources.limits))");
    assert_eq!(findings.len(), 1);
    assert_eq!(
        findings[0].title,
        "ValidatingAdmissionPolicy p refuses the new pods of Deployment istiod"
    );
    assert!(of("object.spec.containers.all(c, c.name != 'shell')").is_empty());
}

#[test]
fn a_policy_that_admits_it_or_is_about_others_is_silent() {
    let admits =
        "object.spec.template.spec.containers.all(c, c.image.startsWith('registry.istio.io/'))";
    assert!(with_policy("deployments", admits, "Deny").is_empty());
    assert!(with_policy("statefulsets", DOCKER, "Deny").is_empty());
    assert!(with_policy("deployments", DOCKER, "Audit").is_empty());
}

#[test]
fn a_policy_that_cannot_be_evaluated_is_named() {
    assert_eq!(
        with_policy("deployments", "params.allowed.size() > 0", "Deny"),
        ["admission-refuses Info"]
    );
}

#[test]
fn a_binding_for_other_namespaces_is_not_for_this_one() {
    let mut cluster = cluster();
    policy(&mut cluster, "deployments", DOCKER, "Deny");
    for (object, kept) in &mut cluster.snapshot.objects {
        if object.kind == "ValidatingAdmissionPolicyBinding" {
            kept.value["spec"]["matchResources"] =
                json!({"namespaceSelector": {"matchLabels": {"team": "shop"}}});
        }
    }
    assert!(cluster.check(check).is_empty());
}

/// A workload that is restarted in a namespace of this level.
fn restarted(level: &str, cni: bool, labels: &[(&str, &str)]) -> Vec<String> {
    let mut cluster = Cluster::new();
    let values = json!({"pilot": {"cni": {"enabled": cni}}}).to_string();
    cluster.render(
        "Pilot",
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "istio-sidecar-injector"},
            "data": {"config": "{{ if not .Values.pilot.cni.enabled }}istio-init{{ end }}", "values": values}}),
    );
    let enforced = json!({"pod-security.kubernetes.io/enforce": level});
    cluster.object(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": enforced}}));
    let object = Ref {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        namespace: Some("shop".to_owned()),
        name: "web".to_owned(),
    };
    let workload = Workload {
        kind: "Deployment".to_owned(),
        namespace: "shop".to_owned(),
        name: "web".to_owned(),
        template_labels: labels
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect(),
        ..Workload::default()
    };
    let key = ("Deployment".to_owned(), "shop".to_owned(), "web".to_owned());
    cluster.snapshot.workloads.insert(key, workload);
    cluster.restarts.push(Restart {
        object,
        pods: 1,
        proxies: sorted::SortedMap::new(),
        to: Some("1.30.3".to_owned()),
        how: RestartHow::Rollout,
        reason: RestartReason::StaleImage,
    });
    cluster.codes(check)
}

#[test]
fn pod_security_refuses_the_init_container() {
    assert_eq!(
        restarted("baseline", false, &[]),
        ["admission-refuses Warn"]
    );
    assert_eq!(
        restarted("restricted", false, &[]),
        ["admission-refuses Warn"]
    );
    assert!(restarted("privileged", false, &[]).is_empty());
    assert!(restarted("baseline", true, &[]).is_empty());
    let gateway = [("gateway.networking.k8s.io/gateway-name", "edge")];
    assert!(restarted("baseline", false, &gateway).is_empty());
}

fn istiod_under(level: &str, context: &Value) -> Vec<String> {
    let mut cluster = cluster();
    for (object, kept) in &mut cluster.snapshot.objects {
        if object.kind == "Namespace" {
            kept.value["metadata"]["labels"] = json!({"pod-security.kubernetes.io/enforce": level});
        }
    }
    let predicted = cluster.changes[0].predicted.as_mut().unwrap();
    predicted["spec"]["template"]["spec"]["containers"][0]["securityContext"] = context.clone();
    cluster.codes(check)
}

#[test]
fn pod_security_of_the_control_planes_own_namespace_is_evaluated() {
    assert_eq!(
        istiod_under("restricted", &json!({})),
        ["admission-refuses Warn"]
    );
    assert!(istiod_under("baseline", &json!({})).is_empty());
    assert_eq!(
        istiod_under("baseline", &json!({"privileged": true})),
        ["admission-refuses Warn"]
    );
    let all = json!({"allowPrivilegeEscalation": false, "runAsNonRoot": true,
        "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}});
    assert!(istiod_under("restricted", &all).is_empty());
}

#[test]
fn policies_of_kyverno_and_gatekeeper_are_named() {
    let of = |policy: Value| {
        let mut cluster = cluster();
        cluster.object(policy);
        cluster.codes(check)
    };
    let kyverno = |action: &str, kind: &str| {
        json!({"apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy", "metadata": {"name": "registries"},
            "spec": {"validationFailureAction": action, "rules": [{"match": {"any": [{"resources": {"kinds": [kind]}}]},
            "validate": {"pattern": {"spec": {"containers": [{"image": "docker.io/*"}]}}}}]}})
    };
    assert_eq!(of(kyverno("Enforce", "Pod")), ["admission-refuses Warn"]);
    assert!(of(kyverno("Audit", "Pod")).is_empty());
    assert!(of(kyverno("Enforce", "Secret")).is_empty());
    let gatekeeper = |action: &str| {
        json!({"apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": "K8sRequiredLabels", "metadata": {"name": "owner"},
            "spec": {"enforcementAction": action, "match": {"kinds": [{"apiGroups": ["apps"], "kinds": ["Deployment"]}]}}})
    };
    assert_eq!(of(gatekeeper("deny")), ["admission-refuses Info"]);
    assert!(of(gatekeeper("dryrun")).is_empty());
}
