use std::fs::File;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::check;
use crate::rendering;
use crate::rules::fixture::Cluster;
use istio_render::Release;

fn release(version: &str) -> Option<Release> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let data = std::env::var_os("REFIT_ISTIO_DATA").map_or(beside, PathBuf::from);
    let archive = data.join(format!("istio/releases/istio-{version}.tar.gz"));
    let archive = File::open(archive).ok()?;
    Some(Release::from_tar_gz(archive).unwrap())
}

/// What is said of a request; `None` without release archives.
fn said(from: &str, to: &str, spec: &Value) -> Option<Vec<(String, String)>> {
    let mut cluster = Cluster::new();
    cluster.source.version = Some(from.to_owned());
    cluster.request.to = to.to_owned();
    cluster.file(&kube_yaml::to_string(&json!({
        "apiVersion": "install.istio.io/v1alpha1", "kind": "IstioOperator", "spec": spec,
    })));
    cluster.releases = vec![release(from)?, release(to)?];
    let options = rendering::options(&cluster.request, &cluster.inventory.kubernetes);
    cluster.rendering = Some(istio_render::render(&cluster.releases[1], &options).unwrap());
    let findings = cluster.check(check);
    Some(
        findings
            .into_iter()
            .map(|it| (it.title, it.fix.unwrap_or_default()))
            .collect(),
    )
}

#[test]
fn a_value_that_moved_is_told_with_its_new_place() {
    let spec = json!({"values": {"istio_cni": {"enabled": true}, "pilot": {"traceSampling": 5}}});
    let Some(said) = said("1.23.6", "1.24.6", &spec) else {
        println!("skipped: no shared/istio/releases");
        return;
    };
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].0.contains("values.istio_cni.enabled"));
    assert!(said[0].1.contains("values.pilot.cni.enabled"));
}

#[test]
fn a_value_that_is_still_read_is_not() {
    let spec = json!({"values": {"pilot": {"cni": {"enabled": true}}, "global": {"proxy": {"logLevel": "info"}}}});
    let Some(said) = said("1.24.6", "1.25.5", &spec) else {
        println!("skipped: no shared/istio/releases");
        return;
    };
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn a_value_that_never_did_anything_is_not_this_upgrades_matter() {
    let spec = json!({"values": {"istio_cni": {"enabled": true}}});
    let Some(said) = said("1.29.6", "1.30.3", &spec) else {
        println!("skipped: no shared/istio/releases");
        return;
    };
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn a_variable_of_istiod_in_the_proxies_environment_is_told() {
    let of = |name: &str| {
        let spec = json!({"meshConfig": {"defaultConfig": {"proxyMetadata": {name: "true"}}}});
        said("1.29.6", "1.30.3", &spec)
    };
    let Some(istiods) = of("PILOT_ENABLE_ALPN_FILTER") else {
        println!("skipped: no shared/istio/releases");
        return;
    };
    assert!(
        istiods[0]
            .1
            .contains("values.pilot.env.PILOT_ENABLE_ALPN_FILTER")
    );
    assert!(of("ISTIO_META_DNS_CAPTURE").unwrap().is_empty());
}

#[test]
fn so_is_a_setting_of_a_component() {
    // 1.29 renders a budget only where values ask for more than one pod.
    let k8s = json!({"hpaSpec": {"minReplicas": 2}, "podDisruptionBudget": {"minAvailable": 2}, "nodeSelector": {"a": "b"}});
    let spec = json!({"components": {
        "pilot": {"k8s": k8s}, "ingressGateways": [{"name": "istio-ingressgateway", "enabled": true, "k8s": k8s}],
    }});
    let Some(before) = said("1.28.10", "1.29.6", &spec) else {
        println!("skipped: no shared/istio/releases");
        return;
    };
    let titles: Vec<_> = before.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Istio 1.29.6 accepts components.ingressGateways[0].k8s.podDisruptionBudget.minAvailable and does not read it",
            "Istio 1.29.6 accepts components.pilot.k8s.podDisruptionBudget.minAvailable and does not read it",
        ]
    );
    assert!(before[1].1.contains("values.pilot.autoscaleMin"));
    assert!(said("1.27.9", "1.28.10", &spec).unwrap().is_empty());
}
