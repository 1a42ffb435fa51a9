use serde_json::{Value, json};

use super::NotShipped;
use crate::{Catalog, Minor};

fn defaults(
    minor: u32,
    profile: &str,
    platform: Option<&str>,
    compatibility: Option<u32>,
    pointer: &str,
) -> Value {
    let release = Catalog::embedded().minor(Minor::new(1, minor)).unwrap();
    let compatibility = compatibility.map(|it| Minor::new(1, it));
    let defaults = release
        .effective_defaults(profile, platform, compatibility)
        .unwrap();
    let (component, pointer) = pointer.split_once('/').unwrap();
    defaults[component]
        .pointer(&format!("/{pointer}"))
        .cloned()
        .unwrap_or(Value::Null)
}

#[test]
fn every_profile_of_every_release_has_defaults() {
    for release in Catalog::embedded().releases() {
        for profile in release.profiles() {
            assert!(
                release.effective_defaults(profile, None, None).is_ok(),
                "{} {profile}",
                release.minor()
            );
        }
        for version in release.compatibility_versions() {
            assert!(
                release
                    .effective_defaults("default", None, Some(version))
                    .is_ok()
            );
        }
        for platform in release.platforms() {
            assert!(
                release
                    .effective_defaults("default", Some(platform), None)
                    .is_ok()
            );
        }
    }
}

#[test]
fn a_setting_has_one_place_whatever_the_chart_s_layout_is() {
    for minor in [12, 20, 21, 23, 24, 30] {
        assert_eq!(
            defaults(minor, "default", None, None, "Pilot/pilot/autoscaleMin"),
            json!(1),
            "1.{minor}"
        );
        assert_ne!(
            defaults(minor, "default", None, None, "Cni/cni/cniBinDir"),
            Value::Null,
            "1.{minor}"
        );
        assert_ne!(
            defaults(
                minor,
                "default",
                None,
                None,
                "IngressGateways/gateways/istio-ingressgateway/ports"
            ),
            Value::Null,
            "1.{minor}"
        );
    }
}

#[test]
fn a_profile_lies_over_the_chart() {
    for minor in [21, 24, 30] {
        assert_eq!(
            defaults(minor, "demo", None, None, "Pilot/pilot/traceSampling"),
            json!(100),
            "1.{minor}"
        );
        assert_eq!(
            defaults(minor, "demo", None, None, "Pilot/meshConfig/accessLogFile"),
            json!("/dev/stdout")
        );
    }
    assert_eq!(
        defaults(30, "ambient", None, None, "Cni/cni/ambient/enabled"),
        json!(true)
    );
    assert_eq!(
        defaults(
            30,
            "ambient",
            None,
            None,
            "Pilot/pilot/env/PILOT_ENABLE_AMBIENT"
        ),
        json!("true")
    );
}

#[test]
fn ztunnel_takes_the_globals_of_a_profile() {
    assert_eq!(
        defaults(30, "ambient", None, None, "Ztunnel/ztunnel/variant"),
        json!("distroless")
    );
    assert_eq!(
        defaults(30, "default", None, None, "Ztunnel/ztunnel/variant"),
        json!("")
    );
    assert_eq!(
        defaults(30, "ambient", None, None, "Pilot/pilot/variant"),
        json!("")
    );
}

#[test]
fn a_compatibility_version_brings_old_values_back() {
    let on_startup = "Cni/cni/ambient/reconcileIptablesOnStartup";
    assert_eq!(defaults(30, "default", None, None, on_startup), json!(true));
    assert_eq!(
        defaults(30, "default", None, Some(28), on_startup),
        json!(false)
    );
    assert_eq!(
        defaults(30, "default", None, Some(29), on_startup),
        json!(true)
    );
    let pick = "Pilot/pilot/env/PILOT_SIDECAR_PICK_BEST_SERVICE_NAMESPACE";
    assert_eq!(defaults(30, "default", None, None, pick), Value::Null);
    assert_eq!(
        defaults(30, "default", None, Some(29), pick),
        json!("false")
    );
}

#[test]
fn a_platform_lies_over_profile_and_compatibility() {
    assert_eq!(
        defaults(30, "default", Some("k3s"), None, "Cni/cni/cniBinDir"),
        json!("/var/lib/rancher/k3s/data/cni")
    );
    assert_eq!(
        defaults(30, "openshift", None, None, "Cni/cni/provider"),
        json!("multus")
    );
    assert_eq!(
        defaults(30, "openshift", None, None, "Pilot/pilot/cni/enabled"),
        json!(true)
    );
    assert_eq!(
        defaults(30, "openshift", None, None, "Pilot/cni"),
        Value::Null
    );
}

#[test]
fn what_is_not_shipped_is_refused() {
    let release = Catalog::embedded().minor(Minor::new(1, 30)).unwrap();
    let refusal = |profile, platform, compatibility| {
        release
            .effective_defaults(profile, platform, compatibility)
            .err()
    };
    assert_eq!(refusal("external", None, None), Some(NotShipped::Profile));
    assert_eq!(
        refusal("default", Some("aks"), None),
        Some(NotShipped::Platform)
    );
    assert_eq!(
        refusal("default", None, Some(Minor::new(1, 24))),
        Some(NotShipped::CompatibilityVersion)
    );
    assert_eq!(
        refusal("default", None, Some(Minor::new(1, 30))),
        Some(NotShipped::CompatibilityVersion)
    );
}

#[test]
fn shipped_compatibility_versions_are_listed_oldest_first() {
    let versions = |minor| {
        let release = Catalog::embedded().minor(Minor::new(1, minor)).unwrap();
        release
            .compatibility_versions()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(versions(20), [""; 0]);
    assert_eq!(versions(21), ["1.20"]);
    assert_eq!(
        versions(31),
        ["1.25", "1.26", "1.27", "1.28", "1.29", "1.30"]
    );
}

#[test]
fn variables_that_nothing_reads_are_known() {
    let unread = |minor| {
        Catalog::embedded()
            .minor(Minor::new(1, minor))
            .unwrap()
            .is_unread("PILOT_SPAWN_UPSTREAM_SPAN_FOR_GATEWAY")
    };
    assert!(unread(31) && !unread(30));
}
