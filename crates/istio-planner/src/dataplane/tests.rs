//! Selection, istiod's decision, restarts of single workloads.

use expect_test::{Expect, expect};
use istio_catalog::Version;
use serde_json::{Value, json};
use sorted::SortedMap;

use super::*;
use crate::outcome::{ChangeClass, Finding, Ref};
use crate::snapshot::{Snapshot, SnapshotReader};

/// An injector for the namespace label `istio-injection=enabled` and for the pod label.
fn injector(name: &str, revision: &str) -> Value {
    let rules = json!([{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}]);
    let webhook = |name: &str, namespace: Value, object: Value| {
        json!({"name": format!("{name}.sidecar-injector.istio.io"), "rules": rules, "namespaceSelector": namespace,
            "objectSelector": object, "clientConfig": {"service": {"name": "istiod", "namespace": "istio-system"}}})
    };
    let not_refused = json!({"matchExpressions": [
        {"key": "sidecar.istio.io/inject", "operator": "NotIn", "values": ["false"]}]});
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": name, "labels": {"istio.io/rev": revision}},
        "webhooks": [
            webhook("namespace", json!({"matchLabels": {"istio-injection": "enabled"}}), not_refused),
            webhook("object", json!({"matchExpressions": [{"key": "istio-injection", "operator": "DoesNotExist"}]}),
                json!({"matchLabels": {"sidecar.istio.io/inject": "true"}})),
        ],
    })
}

fn namespace(name: &str, labels: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
}

/// A workload with one pod, whose proxy is 1.29.6.
fn workload(kind: &str, name: &str, spec: Value) -> Vec<Value> {
    let mut spec = spec;
    let template = json!({"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "app", "image": "a"}]}});
    if spec.get("template").is_none() {
        spec["template"] = template;
    }
    let api_version = match kind {
        "Job" => "batch/v1",
        "Rollout" => "argoproj.io/v1alpha1",
        _ => "apps/v1",
    };
    vec![
        json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}, "spec": spec}),
        pod(
            name,
            Some((api_version, kind)),
            "docker.io/istio/proxyv2:1.29.6",
        ),
    ]
}

fn pod(name: &str, owner: Option<(&str, &str)>, image: &str) -> Value {
    let owners = owner.map(|(api_version, kind)| {
        json!([{"apiVersion": api_version, "kind": kind, "name": name, "controller": true}])
    });
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("{name}-1"), "namespace": "shop", "labels": {"app": name},
            "annotations": {"sidecar.istio.io/status": "{\"revision\":\"default\"}"}, "ownerReferences": owners},
        "spec": {"containers": [{"name": "app", "image": "a"}, {"name": "istio-proxy", "image": image}]},
        "status": {"phase": "Running"}})
}

fn snapshot(objects: &[Value]) -> Snapshot {
    let mut reader = SnapshotReader::new();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    reader
        .read("cluster.json", list.to_string().as_bytes())
        .unwrap();
    reader.finish().unwrap()
}

fn plane() -> ControlPlane {
    ControlPlane {
        namespace: "istio-system".to_owned(),
        revision: "default".to_owned(),
        ..ControlPlane::default()
    }
}

/// What the rules say of it.
fn findings(snapshot: &Snapshot, renewals: &Renewals) -> Vec<Finding> {
    use crate::rules::*;
    let mut cluster = fixture::Cluster::new();
    cluster.snapshot = snapshot.clone();
    cluster.restarts.clone_from(&renewals.restarts);
    cluster.troubles.clone_from(&renewals.troubles);
    cluster.proxy_version.clone_from(&renewals.proxy_version);
    let rules = [
        webhook_overlap::check,
        webhook_gap::check,
        would_lose_proxy::check,
        manual_restart::check,
        istiod_rolls_gateways::check,
        proxy_tag_differs::check,
    ];
    rules.into_iter().flat_map(|it| cluster.check(it)).collect()
}

/// Prints the restarts and findings of a cluster whose namespace `shop` is labelled for injection.
#[track_caller]
fn check(objects: Vec<Value>, changes: &[Change], expected: &Expect) {
    let shop = namespace("shop", &json!({"istio-injection": "enabled"}));
    check_in(shop, objects, changes, expected);
}

#[track_caller]
fn check_in(namespace: Value, mut objects: Vec<Value>, changes: &[Change], expected: &Expect) {
    objects.extend([namespace, injector("istio-sidecar-injector", "default")]);
    let snapshot = snapshot(&objects);
    let plane = plane();
    let renewals = restarts(
        &snapshot,
        Context {
            plane: &plane,
            to: &Version::new(1, 30, 3),
            changes,
        },
    );
    let findings = findings(&snapshot, &renewals);
    let mut text = String::new();
    for it in &renewals.restarts {
        let to = it.to.as_deref().unwrap_or("-");
        let line = format!(
            "{} {}: {:?}, {} to {to}, {:?}\n",
            it.object.kind,
            it.object.name,
            it.how,
            serde_json::to_value(it.reason).unwrap().as_str().unwrap(),
            it.proxies
        );
        text.push_str(&line);
    }
    for it in &findings {
        let line = format!("{:?} {}: {}. {}\n", it.level, it.code, it.title, it.detail);
        text.push_str(&line);
    }
    expected.assert_eq(&text);
}

#[test]
fn each_kind_of_owner_has_its_own_way() {
    let mut objects = workload("Deployment", "web", json!({}));
    objects.extend(workload("Deployment", "paused", json!({"paused": true})));
    objects.extend(workload(
        "StatefulSet",
        "db",
        json!({"updateStrategy": {"rollingUpdate": {"partition": 0}}}),
    ));
    objects.extend(workload(
        "StatefulSet",
        "held",
        json!({"updateStrategy": {"rollingUpdate": {"partition": 2}}}),
    ));
    objects.extend(workload(
        "DaemonSet",
        "agent",
        json!({"updateStrategy": {"type": "OnDelete"}}),
    ));
    objects.extend(workload("ReplicaSet", "bare", json!({"replicas": 1})));
    objects.extend(workload("Rollout", "canary", json!({})));
    objects.extend(workload("Job", "index", json!({})));
    objects.push(pod(
        "kafka",
        Some(("core.strimzi.io/v1beta2", "StrimziPodSet")),
        "istio/proxyv2:1.29.6",
    ));
    objects.push(pod("alone", None, "istio/proxyv2:1.29.6"));
    check(
        objects,
        &[],
        &expect![[r#"
        DaemonSet agent: Evict, stale-image to 1.30.3, {"1.29.6": 1}
        Deployment paused: None, stale-image to 1.30.3, {"1.29.6": 1}
        Deployment web: Rollout, stale-image to 1.30.3, {"1.29.6": 1}
        Job index: None, stale-image to 1.30.3, {"1.29.6": 1}
        Pod alone-1: None, stale-image to 1.30.3, {"1.29.6": 1}
        ReplicaSet bare: Evict, stale-image to 1.30.3, {"1.29.6": 1}
        Rollout canary: Evict, stale-image to 1.30.3, {"1.29.6": 1}
        StatefulSet db: Rollout, stale-image to 1.30.3, {"1.29.6": 1}
        StatefulSet held: Evict, stale-image to 1.30.3, {"1.29.6": 1}
        StrimziPodSet kafka: None, stale-image to 1.30.3, {"1.29.6": 1}
        Warn manual-restart: 6 workloads cannot be restarted by a rollout. Pod shop/alone-1: has no controller that would make it again. Job shop/index: is a running Job, which ends with the proxy it has; its next run gets the new one. DaemonSet shop/agent: has the update strategy OnDelete: a rollout changes nothing until its pods are evicted. StatefulSet shop/held: has a partition: a rollout restarts only the pods above it. Deployment shop/paused: is paused: `kubectl rollout restart` refuses it until it is resumed. StrimziPodSet shop/kafka: belongs to a controller that may or may not make its pods again
    "#]],
    );
}

#[test]
fn current_proxies_are_not_listed() {
    let mut objects = workload("Deployment", "web", json!({}));
    objects[1] = pod(
        "web",
        Some(("apps/v1", "Deployment")),
        "docker.io/istio/proxyv2:1.30.3-distroless",
    );
    check(objects, &[], &expect![[""]]);
}

#[test]
fn a_digest_tells_no_version_and_counts_as_old() {
    let mut objects = workload("Deployment", "web", json!({}));
    objects[1] = pod(
        "web",
        Some(("apps/v1", "Deployment")),
        "docker.io/istio/proxyv2@sha256:0123",
    );
    check(
        objects,
        &[],
        &expect![[r#"
        Deployment web: Rollout, stale-image to 1.30.3, {"unknown": 1}
    "#]],
    );
}

#[test]
fn a_namespace_without_label_would_take_the_proxy_away() {
    let objects = workload("Deployment", "web", json!({}));
    check_in(
        namespace("shop", &json!({})),
        objects,
        &[],
        &expect![[r#"
        Deployment web: None, would-lose-proxy to -, {"1.29.6": 1}
        Warn would-lose-proxy: One workload would lose the proxy when restarted. Deployment shop/web: has a proxy, but no injector selects it any more: a restart would remove the proxy
    "#]],
    );
}

#[test]
fn the_host_network_is_never_injected() {
    let template =
        json!({"metadata": {"labels": {}}, "spec": {"hostNetwork": true, "containers": []}});
    let spec = json!({"template": {"metadata": template["metadata"],
        "spec": {"hostNetwork": true, "containers": [{"name": "app", "image": "a"}]}}});
    let mut objects = workload("DaemonSet", "agent", spec);
    objects[1]["spec"]["containers"] = json!([{"name": "app", "image": "a"}]);
    check(objects, &[], &expect![[""]]);
}

#[test]
fn templates_that_hold_the_proxy_keep_it() {
    let template = |annotations: Value| {
        json!({"template": {"metadata": {"labels": {}, "annotations": annotations}, "spec": {"containers": [
            {"name": "istio-proxy", "image": "docker.io/istio/proxyv2:1.29.6"}]}}})
    };
    let mut objects = workload(
        "Deployment",
        "made",
        template(json!({"sidecar.istio.io/status": "{}"})),
    );
    objects.extend(workload("Deployment", "gateway", template(json!({}))));
    let pinned = json!({"template": {"metadata": {"annotations": {"sidecar.istio.io/proxyImage": "proxyv2:1.29.6"}},
        "spec": {"containers": [{"name": "app", "image": "a"}]}}});
    objects.extend(workload("Deployment", "pinned", pinned));
    check(
        objects,
        &[],
        &expect![[r#"
        Deployment gateway: None, pinned-image to 1.29.6, {"1.29.6": 1}
        Deployment made: None, kube-inject to 1.29.6, {"1.29.6": 1}
        Deployment pinned: None, pinned-image to 1.29.6, {"1.29.6": 1}
        Warn manual-restart: 3 workloads cannot be restarted by a rollout. Deployment shop/made: was injected by `istioctl kube-inject`: its template holds the old proxy. Deployment shop/gateway: names the proxy's image in its template. Deployment shop/pinned: pins its proxy by the annotation sidecar.istio.io/proxyImage
    "#]],
    );
}

#[test]
fn an_export_without_namespaces_keeps_what_is_injected() {
    let objects = workload("Deployment", "web", json!({}));
    check_in(
        namespace("other", &json!({})),
        objects,
        &[],
        &expect![[r#"
        Deployment web: Rollout, stale-image to 1.30.3, {"1.29.6": 1}
    "#]],
    );
}

#[test]
fn native_sidecars_change_with_the_target() {
    let node = |version: &str| {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": version},
            "status": {"nodeInfo": {"kubeletVersion": version}}})
    };
    let with = |nodes: &[&str]| {
        let mut objects = workload("Deployment", "web", json!({}));
        objects[1] = pod(
            "web",
            Some(("apps/v1", "Deployment")),
            "istio/proxyv2:1.30.3",
        );
        objects.extend(nodes.iter().map(|it| node(it)));
        objects
    };
    check(
        with(&["v1.33.1", "v1.34.0"]),
        &[],
        &expect![[r#"
        Deployment web: Rollout, native-sidecar to 1.30.3, {"1.30.3": 1}
    "#]],
    );
    check(with(&["v1.33.1", "v1.32.9"]), &[], &expect![[""]]);
}

fn change(value: Value, class: ChangeClass) -> Change {
    let object = Ref {
        api_version: value["apiVersion"].as_str().unwrap().to_owned(),
        kind: value["kind"].as_str().unwrap().to_owned(),
        namespace: None,
        name: value["metadata"]["name"].as_str().unwrap().to_owned(),
    };
    Change {
        object,
        component: "Pilot".to_owned(),
        class,
        fields: Vec::new(),
        predicted: Some(value),
    }
}

#[test]
fn an_upgrade_that_stops_injecting_is_told_from_one_that_injects_twice() {
    let objects = || workload("Deployment", "web", json!({}));
    let mut silent = injector("istio-sidecar-injector", "default");
    silent["webhooks"] = json!([]);
    silent["webhooks"] = json!([injector("x", "x")["webhooks"][1]]);
    check(
        objects(),
        &[change(silent, ChangeClass::Change)],
        &expect![[r#"
        Deployment web: None, would-lose-proxy to -, {"1.29.6": 1}
        Warn webhook-gap: One workload would start without a sidecar after the upgrade. Deployment shop/web: is injected today, but no injector of the target selects it
    "#]],
    );
    let second = injector("istio-revision-tag-default", "default");
    check(
        objects(),
        &[change(second, ChangeClass::Create)],
        &expect![[r#"
        Deployment web: Rollout, stale-image to 1.30.3, {"1.29.6": 1}
        Block webhook-overlap: More than one injector selects the pods of one workload. Deployment shop/web: would be injected twice after the upgrade
    "#]],
    );
}

#[test]
fn gateways_come_first_then_namespaces_in_order() {
    let mut objects = workload("Deployment", "web", json!({}));
    objects.extend(workload("Deployment", "edge", json!({})));
    objects[3]["spec"]["containers"] =
        json!([{"name": "istio-proxy", "image": "istio/proxyv2:1.29.6"}]);
    objects.push(pod("alone", None, "istio/proxyv2:1.29.6"));
    objects.extend([
        namespace("shop", &json!({"istio-injection": "enabled"})),
        injector("istio-sidecar-injector", "default"),
    ]);
    let snapshot = snapshot(&objects);
    let Renewals { restarts, .. } = restarts(
        &snapshot,
        Context {
            plane: &plane(),
            to: &Version::new(1, 30, 3),
            changes: &[],
        },
    );
    let waves: Vec<_> = waves(&snapshot, &restarts, &Grouping::Namespace, None)
        .into_iter()
        .map(|it| {
            (
                it.name,
                it.restarts
                    .into_iter()
                    .map(|it| it.object.name)
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    assert_eq!(
        waves,
        [
            ("gateways".to_owned(), vec!["edge".to_owned()]),
            ("shop".to_owned(), vec!["web".to_owned()])
        ]
    );
}

#[test]
fn check_inject_tells_why_in_words() {
    let snapshot = snapshot(&[
        injector("istio-sidecar-injector", "default"),
        namespace("shop", &json!({"istio-injection": "enabled"})),
        pod("web", None, "istio/proxyv2:1.29.6"),
    ]);
    let report =
        |request: InjectRequest| check_inject(&snapshot, &request).map(|it| it.to_string());
    let named = InjectRequest {
        pod: Some("web-1".to_owned()),
        ..InjectRequest::default()
    };
    expect![[r"
        injected by revision default
          called      istio-sidecar-injector/namespace.sidecar-injector.istio.io
          not called  istio-sidecar-injector/object.sidecar-injector.istio.io: its namespaceSelector wants `istio-injection` to be absent, which is `enabled`
    "]].assert_eq(&report(named).unwrap());
    let refused = InjectRequest {
        namespace: Some("shop".to_owned()),
        labels: SortedMap::from([("sidecar.istio.io/inject".to_owned(), "false".to_owned())]),
        ..InjectRequest::default()
    };
    expect![[r"
        not injected: no injector selects it
          not called  istio-sidecar-injector/namespace.sidecar-injector.istio.io: its objectSelector wants `sidecar.istio.io/inject` not to be `false`, which is `false`
          not called  istio-sidecar-injector/object.sidecar-injector.istio.io: its namespaceSelector wants `istio-injection` to be absent, which is `enabled`
    "]].assert_eq(&report(refused).unwrap());
    let missing = InjectRequest {
        namespace: Some("nowhere".to_owned()),
        ..InjectRequest::default()
    };
    expect!["namespace nowhere is not in the export; give its labels with --namespace-labels"]
        .assert_eq(&report(missing).unwrap_err().to_string());
}

#[test]
fn a_pod_that_a_webhook_without_an_answer_selects_is_refused() {
    let guard = |policy: &str, selector: &Value| {
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "guard"}, "webhooks": [{"name": "pods.guard", "failurePolicy": policy,
                "objectSelector": selector,
                "clientConfig": {"service": {"namespace": "guard", "name": "gone"}},
                "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}]}]})
    };
    let service = |namespace: &str, name: &str| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": namespace, "name": name}});
    let told = |guard: Value| {
        let snapshot = snapshot(&[
            injector("istio-sidecar-injector", "default"),
            namespace("shop", &json!({"istio-injection": "enabled"})),
            pod("web", None, "istio/proxyv2:1.29.6"),
            service("default", "kubernetes"),
            service("istio-system", "istiod"),
            guard,
        ]);
        let named = InjectRequest {
            pod: Some("web-1".to_owned()),
            ..InjectRequest::default()
        };
        check_inject(&snapshot, &named).unwrap()
    };
    let refused = told(guard("Fail", &json!({})));
    assert!(!refused.injected);
    assert!(refused.to_string().starts_with(
        "refused: guard/pods.guard must answer, and calls guard/gone, which is not there"
    ));
    assert!(told(guard("Ignore", &json!({}))).injected);
    let other = json!({"matchLabels": {"team": "x"}});
    assert!(told(guard("Fail", &other)).injected);
}
