use serde_json::{Value, json};

use super::check;
use crate::outcome::{Change, ChangeClass, Ref};
use crate::rules::fixture::Cluster;
use crate::snapshot::{Node, Owner, workload};

/// A gateway of three pods, each on its node, that the apply rolls.
fn cluster(nodes: usize, spec: &Value) -> Cluster {
    let mut cluster = Cluster::new();
    for index in 0..nodes {
        let name = format!("n{index}");
        let node = Node {
            name: name.clone(),
            labels: [("kubernetes.io/hostname".to_owned(), name.clone())].into(),
            ..Node::default()
        };
        cluster.snapshot.nodes.insert(name, node);
    }
    for index in 0..3 {
        let pod = cluster.pod("istio-system", &format!("gw-{index}"), &[("istio", "gw")]);
        pod.node = Some(format!("n{index}"));
        pod.owner = Some(Owner {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            name: "gw".to_owned(),
        });
    }
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "gw", "namespace": "istio-system"},
        "spec": {
            "replicas": 3,
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": {"istio": "gw"}},
                "spec": {"containers": [{"name": "istio-proxy", "ports": [{"containerPort": 8080}]}]},
            },
        },
    });
    merge(&mut object["spec"], spec);
    let live = workload(&object).unwrap();
    let key = (
        "Deployment".to_owned(),
        "istio-system".to_owned(),
        "gw".to_owned(),
    );
    cluster.snapshot.workloads.insert(key, live);
    cluster.changes.push(Change {
        object: Ref {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: Some("istio-system".to_owned()),
            name: "gw".to_owned(),
        },
        component: "IngressGateways".to_owned(),
        class: ChangeClass::Replace,
        fields: Vec::new(),
        predicted: Some(object.clone()),
    });
    cluster.render("IngressGateways", object);
    cluster
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn said(cluster: &Cluster) -> Vec<String> {
    cluster
        .check(check)
        .into_iter()
        .map(|it| it.title)
        .collect()
}

fn of_pod(spec: &Value) -> Value {
    json!({"template": {"spec": spec}})
}

fn apart() -> Value {
    of_pod(
        &json!({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"labelSelector": {"matchLabels": {"istio": "gw"}}, "topologyKey": "kubernetes.io/hostname"},
        ]}}}),
    )
}

fn one_may_go() -> Value {
    json!({"strategy": {"rollingUpdate": {"maxUnavailable": 1}}})
}

#[test]
fn anti_affinity_needs_a_node_beside_the_pods_that_run() {
    assert!(said(&cluster(3, &apart()))[0].contains("anti-affinity"));
    assert!(said(&cluster(4, &apart())).is_empty());
    let mut freed = apart();
    merge(&mut freed, &one_may_go());
    assert!(said(&cluster(3, &freed)).is_empty());
    let preferred = of_pod(
        &json!({"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}}),
    );
    assert!(said(&cluster(3, &preferred)).is_empty());
}

#[test]
fn more_pods_than_places_never_fit() {
    let mut more = apart();
    merge(&mut more, &one_may_go());
    merge(&mut more, &json!({"replicas": 5}));
    let findings = cluster(4, &more).check(check);
    assert!(
        findings[0].detail.contains("5 pods are wanted"),
        "{findings:?}"
    );
}

#[test]
fn the_host_network_takes_ports_of_the_node() {
    let host = of_pod(&json!({"hostNetwork": true}));
    assert!(said(&cluster(3, &host))[0].contains("host ports"));
    assert!(said(&cluster(4, &host)).is_empty());
    let mut freed = host;
    merge(&mut freed, &one_may_go());
    assert!(said(&cluster(3, &freed)).is_empty());
}

#[test]
fn no_node_has_the_label_or_every_node_a_taint() {
    let selecting = of_pod(&json!({"nodeSelector": {"pool": "edge"}}));
    assert!(said(&cluster(3, &selecting))[0].contains("no node"));
    let mut labelled = cluster(3, &selecting);
    let node = labelled.snapshot.nodes.get_mut("n1").unwrap();
    node.labels.insert("pool".to_owned(), "edge".to_owned());
    assert!(said(&labelled).is_empty());
    let mut tainted = cluster(3, &json!({}));
    for node in tainted.snapshot.nodes.values_mut() {
        node.taints.push(crate::snapshot::Taint {
            key: "dedicated".to_owned(),
            value: "db".to_owned(),
            effect: "NoSchedule".to_owned(),
        });
    }
    assert!(said(&tainted)[0].contains("no node"));
    let tolerating = of_pod(&json!({"tolerations": [{"operator": "Exists"}]}));
    let mut tolerated = cluster(3, &tolerating);
    tolerated.snapshot.nodes = tainted.snapshot.nodes;
    assert!(said(&tolerated).is_empty());
}

fn with_quota(hard: &Value, used: &Value, spec: &Value) -> Cluster {
    let mut cluster = cluster(3, spec);
    cluster.object(json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": "istio-system"},
        "spec": {"hard": hard}, "status": {"hard": hard, "used": used},
    }));
    cluster
}

#[test]
fn a_quota_needs_room_for_one_pod_more() {
    let of = |hard: i64| {
        said(&with_quota(
            &json!({"pods": hard}),
            &json!({"pods": "3"}),
            &json!({}),
        ))
    };
    assert!(of(3)[0].contains("ResourceQuota"));
    assert!(of(4).is_empty());
    let freed = with_quota(&json!({"pods": 3}), &json!({"pods": 3}), &one_may_go());
    assert!(said(&freed).is_empty());
}

#[test]
fn a_quota_on_limits_demands_them() {
    let (hard, used) = (json!({"limits.cpu": "10"}), json!({"limits.cpu": "1"}));
    assert!(said(&with_quota(&hard, &used, &json!({})))[0].contains("ResourceQuota"));
    let limited = of_pod(
        &json!({"containers": [{"name": "istio-proxy", "resources": {"limits": {"cpu": "1"}}}]}),
    );
    assert!(said(&with_quota(&hard, &used, &limited)).is_empty());
    let mut defaulted = with_quota(&hard, &used, &json!({}));
    defaulted.object(json!({
        "apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l", "namespace": "istio-system"},
        "spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}}]},
    }));
    assert!(said(&defaulted).is_empty());
}

#[test]
fn a_limit_range_bounds_what_a_container_asks_for() {
    let of = |most: &str| {
        let asking = of_pod(
            &json!({"containers": [{"name": "istio-proxy", "resources": {"requests": {"memory": "2Gi"}}}]}),
        );
        let mut cluster = cluster(3, &asking);
        cluster.object(json!({
            "apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l", "namespace": "istio-system"},
            "spec": {"limits": [{"type": "Container", "max": {"memory": most}}]},
        }));
        said(&cluster)
    };
    assert!(of("1Gi")[0].contains("LimitRange"));
    assert!(of("2Gi").is_empty());
}

#[test]
fn a_volume_of_one_node_stops_a_rollout_that_keeps_the_old_pod() {
    let of = |mode: &str, more: &Value| {
        let mut spec = of_pod(
            &json!({"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}),
        );
        merge(&mut spec, more);
        let mut cluster = cluster(4, &spec);
        cluster.object(json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data", "namespace": "istio-system"}, "spec": {"accessModes": [mode]},
        }));
        said(&cluster)
    };
    assert!(of("ReadWriteOnce", &json!({}))[0].contains("volume"));
    assert!(of("ReadWriteOncePod", &json!({}))[0].contains("volume"));
    assert!(of("ReadWriteMany", &json!({})).is_empty());
    assert!(of("ReadWriteOnce", &json!({"strategy": {"type": "Recreate"}})).is_empty());
}

#[test]
fn a_paused_deployment_does_not_roll() {
    assert!(said(&cluster(4, &json!({"paused": true})))[0].contains("paused"));
    assert!(said(&cluster(4, &json!({}))).is_empty());
}
