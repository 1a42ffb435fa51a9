//! Requests recovered from real clusters' exports (shared/exports): each reproduces its installation.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test's own support code"
)]

use std::fs::File;
use std::path::PathBuf;

use istio_planner::customisation::{Recovery, recover};
use istio_planner::needs::releases;
use istio_planner::snapshot::SnapshotReader;
use istio_planner::{Input, Request};

fn data() -> PathBuf {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    std::env::var_os("REFIT_ISTIO_DATA").map_or(beside, PathBuf::from)
}

/// Recovers from a scenario's export; `None` where the data is not found.
fn recovered(scenario: &str) -> Option<Recovery> {
    let folder = data().join("exports").join(scenario);
    let Ok(export) = File::open(folder.join("export.tar.gz")) else {
        println!("skipped: no {}", folder.display());
        return None;
    };
    let mut reader = SnapshotReader::new();
    reader.read("export.tar.gz", export).unwrap();
    let mut input = Input {
        snapshot: reader.finish().unwrap(),
        ..Input::default()
    };
    let archives = data().join("istio/releases");
    input.releases = releases(&Request::default(), &input.snapshot)
        .iter()
        .filter_map(|it| File::open(archives.join(format!("istio-{it}.tar.gz"))).ok())
        .map(|it| istio_render::Release::from_tar_gz(it).unwrap())
        .collect();
    recover(&input)
}

/// What is not reproduced though istioctl set it.
fn missing(recovery: &Recovery) -> Vec<String> {
    recovery
        .unexplained
        .iter()
        .flat_map(|it| {
            it.fields
                .iter()
                .filter(|it| it.owner.is_none())
                .map(|field| format!("{}: {}", it.object.name, field.path))
        })
        .collect()
}

#[test]
fn default_and_ambient_installations_need_a_profile_alone() {
    for (scenario, profile) in [
        ("default-1.29-to-1.30", "default"),
        ("ambient-1.29-to-1.30", "ambient"),
    ] {
        let Some(recovery) = recovered(scenario) else {
            return;
        };
        assert!(recovery.compared);
        assert_eq!(
            recovery.operator["spec"],
            serde_json::json!({"profile": profile}),
            "{scenario}"
        );
        assert_eq!(missing(&recovery), [""; 0], "{scenario}");
    }
}

#[test]
fn a_customised_installation_is_recovered_from_record_and_objects() {
    let Some(recovery) = recovered("customised-demo-partial-request") else {
        return;
    };
    let spec = &recovery.operator["spec"];
    assert_eq!(recovery.operator["metadata"]["name"], "production");
    assert_eq!(spec["profile"], "demo");
    assert_eq!(spec["values"]["pilot"]["traceSampling"], 10);
    assert_eq!(
        spec["components"]["pilot"]["k8s"]["env"][0]["name"],
        "PILOT_STATUS_BURST"
    );
    let gateways = spec["components"]["ingressGateways"].as_array().unwrap();
    let names: Vec<_> = gateways
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["internal-ingressgateway", "istio-ingressgateway"]);
    assert_eq!(gateways[1]["k8s"]["service"]["ports"][3]["port"], 3306);
    // What has no setting of its own is said by an overlay again.
    assert_eq!(
        gateways[0]["k8s"]["overlays"][0]["patches"][0]["path"],
        "spec.template.spec.terminationGracePeriodSeconds"
    );
    assert_eq!(missing(&recovery), [""; 0]);
}

#[test]
fn the_record_of_1_20_holds_everything() {
    let Some(recovery) = recovered("old-1.20-to-1.21") else {
        return;
    };
    assert_eq!(
        recovery.operator["spec"]["values"]["pilot"]["keepaliveMaxServerConnectionAge"],
        "45m"
    );
    assert_eq!(missing(&recovery), [""; 0]);
}

#[test]
fn edits_by_others_are_proposed_where_an_apply_would_revert_them() {
    let Some(recovery) = recovered("live-edits") else {
        return;
    };
    let spec = &recovery.operator["spec"];
    let text = recovery.yaml();
    assert_eq!(spec["values"]["pilot"]["autoscaleMin"], 2);
    let k8s = &spec["components"]["pilot"]["k8s"];
    assert_eq!(
        k8s["hpaSpec"],
        serde_json::json!({"minReplicas": 3, "maxReplicas": 9})
    );
    assert_eq!(k8s["podDisruptionBudget"]["minAvailable"], 2);
    let edit = "components.pilot.k8s.podDisruptionBudget.minAvailable";
    let edit = recovery.edits.iter().find(|it| it.0 == edit);
    assert_eq!(edit.map(|it| it.1.as_str()), Some("argocd-controller"));
    assert!(text.contains("set by kubectl-edit: without it an apply reverts that"));
    // The record of values knows nothing of this edit, so a setting would change that too.
    let mesh = &k8s["overlays"][0]["patches"][0]["value"]["mesh"];
    assert!(mesh.as_str().unwrap().contains("REGISTRY_ONLY"), "{text}");
    // istiod's own writes are no edits.
    assert!(text.contains("# Set by others than istioctl:"));
    assert!(text.contains("(pilot-discovery)"));
    assert_eq!(missing(&recovery), [""; 0]);
}

#[test]
fn an_export_without_managed_fields_is_recovered_too() {
    let Some(recovery) = recovered("without-managed-fields") else {
        return;
    };
    assert!(recovery.compared);
    assert_eq!(missing(&recovery), [""; 0], "{}", recovery.yaml());
    println!("{}", recovery.yaml());
}
