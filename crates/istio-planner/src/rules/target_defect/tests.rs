use serde_json::{Value, json};

use super::{DEFECTS, Stand, check};
use crate::outcome::{ComponentVersion, Finding};
use crate::rules::fixture::{Cluster, component};
use crate::snapshot::Container;
use istio_catalog::Version;

fn to(version: &str) -> Cluster {
    let mut cluster = Cluster::new();
    cluster.request.to = version.to_owned();
    cluster
}

fn titles(cluster: &Cluster) -> Vec<String> {
    cluster
        .check(check)
        .into_iter()
        .map(|it| it.title)
        .collect()
}

fn about<'a>(findings: &'a [Finding], word: &str) -> Option<&'a Finding> {
    findings.iter().find(|it| it.title.contains(word))
}

fn ambient(cluster: &mut Cluster, ztunnel: &str) {
    let it: ComponentVersion = component("Ztunnel", "ztunnel", ztunnel);
    cluster.inventory.components.push(it);
    cluster
        .inventory
        .components
        .push(component("Cni", "istio-cni-node", ztunnel));
}

fn proxy(cluster: &mut Cluster, version: &str, labels: &[(&str, &str)]) {
    let pod = cluster.pod("shop", "proxy", labels);
    pod.containers = vec![Container {
        name: "istio-proxy".to_owned(),
        image: format!("docker.io/istio/proxyv2:{version}"),
        ..Container::default()
    }];
}

fn networking(kind: &str, spec: &Value) -> Value {
    json!({"apiVersion": "networking.istio.io/v1", "kind": kind,
        "metadata": {"namespace": "shop", "name": "it"}, "spec": spec})
}

#[test]
fn patches_of_defects_are_whole() {
    let mut ids: Vec<_> = DEFECTS.iter().map(|it| it.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), DEFECTS.len());
    for defect in DEFECTS {
        for (minor, first, until) in defect.patches {
            let first = Version::new(1, *minor, *first);
            assert_eq!(defect.stand(&first), Stand::Has(*until), "{}", defect.id);
            if let Some(until) = until {
                assert_eq!(
                    defect.stand(&Version::new(1, *minor, *until)),
                    Stand::Free,
                    "{}",
                    defect.id
                );
            }
        }
    }
}

#[test]
fn waypoints_of_an_older_proxy_meet_the_listeners_of_1_30_0() {
    let waypoint = [(
        "gateway.networking.k8s.io/gateway-class-name",
        "istio-waypoint",
    )];
    let mut cluster = to("1.30.0");
    proxy(&mut cluster, "1.29.1", &waypoint);
    let findings = cluster.check(check);
    let finding = about(&findings, "HBONE").unwrap();
    assert!(finding.fix.as_deref().unwrap().contains("1.30.2"));
    "1.30.2".clone_into(&mut cluster.request.to);
    assert!(about(&cluster.check(check), "HBONE").is_none());
    let mut newer = to("1.30.0");
    proxy(&mut newer, "1.29.2", &waypoint);
    assert!(about(&newer.check(check), "HBONE").is_none());
}

#[test]
fn sidecars_meet_them_only_where_hbone_is_on() {
    let mut cluster = to("1.29.3");
    proxy(&mut cluster, "1.28.10", &[]);
    assert!(about(&cluster.check(check), "HBONE").is_none());
    ambient(&mut cluster, "1.28.10");
    let findings = cluster.check(check);
    let finding = about(&findings, "HBONE").unwrap();
    assert!(finding.fix.as_deref().unwrap().contains("1.29.5"));
}

#[test]
fn a_plain_cluster_meets_no_defect_of_1_30_0() {
    let mut cluster = to("1.30.0");
    proxy(&mut cluster, "1.29.6", &[]);
    cluster.object(networking(
        "DestinationRule",
        &json!({"trafficPolicy": {"loadBalancer": {"simple": "LEAST_REQUEST"}}}),
    ));
    cluster.object(networking("VirtualService", &json!({"hosts": ["a"]})));
    cluster.object(networking(
        "ServiceEntry",
        &json!({"hosts": ["a"], "resolution": "DNS"}),
    ));
    assert_eq!(titles(&cluster), Vec::<String>::new());
}

#[test]
fn objects_that_trigger_a_defect_are_named_and_others_are_not() {
    for (version, word, object) in [
        (
            "1.30.0",
            "ring-hash",
            networking(
                "DestinationRule",
                &json!({"subsets": [{"trafficPolicy": {"loadBalancer": {"consistentHash": {"useSourceIp": true}}}}]}),
            ),
        ),
        (
            "1.29.0",
            "DYNAMIC_DNS",
            networking("ServiceEntry", &json!({"resolution": "DYNAMIC_DNS"})),
        ),
        (
            "1.30.3",
            "empty workloadSelector",
            networking("ServiceEntry", &json!({"workloadSelector": {}})),
        ),
        (
            "1.30.2",
            "VirtualService",
            json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {
                "namespace": "shop", "name": "it", "annotations": {"argocd.argoproj.io/tracking-id": "x"}}, "spec": {}}),
        ),
        (
            "1.30.3",
            "remote secrets",
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {
                "namespace": "istio-system", "name": "istio-remote-secret-west",
                "labels": {"istio/multiCluster": "true"}}}),
        ),
        (
            "1.30.4",
            "statsFlushInterval",
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "istio-system", "name": "istio"},
                "data": {"mesh": "defaultConfig:\n  statsFlushInterval: 90s\n"}}),
        ),
    ] {
        let mut cluster = to(version);
        assert!(about(&cluster.check(check), word).is_none());
        cluster.object(object);
        let findings = cluster.check(check);
        assert!(about(&findings, word).is_some(), "{version} {word}");
    }
}

#[test]
fn gateways_share_a_workload_only_by_the_same_address() {
    let gateway = |name: &str, address: &str| {
        json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {
            "namespace": "shop", "name": name}, "spec": {"addresses": [{"type": "Hostname", "value": address}]}})
    };
    let mut cluster = to("1.26.0");
    cluster.object(gateway("a", "ingress.istio-system.svc.cluster.local"));
    assert!(cluster.check(check).is_empty());
    cluster.object(gateway("b", "ingress.istio-system.svc.cluster.local"));
    assert_eq!(cluster.codes(check), ["target-defect Block"]);
}

/// An istiod that sends dry-run policies to ztunnel.
fn sends_dry_runs(cluster: &mut Cluster) {
    cluster.object(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {
        "namespace": "istio-system", "name": "istiod"}, "spec": {"template": {
        "metadata": {"labels": {"app": "istiod"}}, "spec": {"containers": [{"name": "discovery", "env": [
            {"name": "AMBIENT_ENABLE_DRY_RUN_AUTHORIZATION_POLICY", "value": "true"}]}]}}}}));
}

#[test]
fn a_ztunnel_that_is_behind_meets_what_istiod_sends() {
    let policy = json!({"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": {
        "namespace": "shop", "name": "it", "annotations": {"istio.io/dry-run": "true"}}, "spec": {}});
    let is_told = |cluster: &Cluster| about(&cluster.check(check), "dry-run").is_some();
    let mut cluster = to("1.30.3");
    cluster.object(policy.clone());
    ambient(&mut cluster, "1.28.10");
    assert!(!is_told(&cluster), "istiod sends none unless it is told to");
    sends_dry_runs(&mut cluster);
    assert!(is_told(&cluster));
    // The step that brings it has a note of its own.
    cluster.source.version = Some("1.28.10".to_owned());
    assert!(!is_told(&cluster));
    let mut newer = to("1.30.3");
    newer.object(policy);
    sends_dry_runs(&mut newer);
    ambient(&mut newer, "1.29.6");
    assert!(!is_told(&newer));
}
