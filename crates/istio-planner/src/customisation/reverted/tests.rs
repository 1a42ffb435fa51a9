use istio_catalog::{Catalog, Minor};
use serde_json::{Value, json};

use super::{After, reverted};
use crate::customisation::{Installation, Setting};
use crate::outcome::Subject;

/// Paths that a request to 1.30 would revert, given what is installed over the default profile.
#[track_caller]
fn check(installed: &[(&str, Value)], user: &Value, expected: &[&str]) {
    let setting = |(path, value): &(&str, Value)| {
        Setting::new(
            path.split('.').map(str::to_owned).collect(),
            value.clone(),
            Subject::default(),
        )
    };
    let installation = Installation {
        profile: "default".to_owned(),
        settings: installed.iter().map(setting).collect(),
        evidence: Subject::default(),
    };
    let after = After {
        user: user.clone(),
        rendering: None,
        told: true,
        profile: user
            .get("profile")
            .and_then(Value::as_str)
            .unwrap_or("default")
            .to_owned(),
        release: Catalog::embedded().minor(Minor::new(1, 30)),
    };
    let seen: Vec<_> = reverted(&installation, &after)
        .into_iter()
        .map(|it| it.path)
        .collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_setting_that_the_request_lacks_or_changes_is_reverted() {
    let installed = [
        ("values.pilot.traceSampling", json!(10)),
        ("values.pilot.autoscaleMin", json!(2)),
    ];
    check(
        &installed,
        &json!({"values": {"pilot": {"autoscaleMin": 3}}}),
        &["values.pilot.autoscaleMin", "values.pilot.traceSampling"],
    );
}

#[test]
fn a_setting_that_the_request_repeats_is_kept() {
    check(
        &[("values.pilot.traceSampling", json!(10))],
        &json!({"values": {"pilot": {"traceSampling": 10.0}}}),
        &[],
    );
}

#[test]
fn mesh_configuration_may_stand_in_both_places() {
    let installed = [(
        "meshConfig.outboundTrafficPolicy.mode",
        json!("REGISTRY_ONLY"),
    )];
    let mesh = json!({"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}});
    check(&installed, &json!({"values": {"meshConfig": mesh}}), &[]);
    check(&installed, &json!({"meshConfig": mesh}), &[]);
    check(
        &installed,
        &json!({}),
        &["meshConfig.outboundTrafficPolicy.mode"],
    );
}

#[test]
fn false_in_the_mesh_configuration_is_a_setting() {
    check(
        &[("meshConfig.enablePrometheusMerge", json!(false))],
        &json!({}),
        &["meshConfig.enablePrometheusMerge"],
    );
}

#[test]
fn a_setting_that_is_the_targets_default_anyway_is_kept() {
    check(
        &[
            ("values.pilot.autoscaleMin", json!(1)),
            ("values.global.proxy.privileged", json!(false)),
        ],
        &json!({}),
        &[],
    );
}

#[test]
fn scale_may_be_said_in_kubernetes_words() {
    let user = json!({"components": {"pilot": {"k8s": {"hpaSpec": {"minReplicas": 2}}}}});
    check(&[("values.pilot.autoscaleMin", json!(2))], &user, &[]);
}

#[test]
fn another_profile_is_told_by_name() {
    check(&[], &json!({"profile": "demo"}), &["profile"]);
}
