use std::fmt::Write;

use expect_test::{Expect, expect};
use istio_catalog::Version;
use serde_json::Value;

use super::default_changes;

/// What is chosen: profile and compatibility version.
type Choice<'a> = (&'a str, Option<&'a str>);

#[track_caller]
fn check(from: &str, to: &str, (profile, compatibility): Choice<'_>, expected: &Expect) {
    let version = |it: &str| it.parse::<Version>().unwrap();
    let mut text = String::new();
    for it in default_changes(
        &version(from),
        &version(to),
        profile,
        None,
        compatibility,
        &|_| false,
    ) {
        let value =
            |it: &Option<Value>| it.as_ref().map_or("absent".to_owned(), ToString::to_string);
        let keep = it.keep.map_or(String::new(), |it| format!(", keep: {it}"));
        writeln!(
            text,
            "{} {}: {} -> {}{keep}",
            it.component,
            it.path,
            value(&it.from),
            value(&it.to)
        )
        .unwrap();
    }
    expected.assert_eq(&text);
}

#[test]
fn behaviour_that_a_compatibility_version_keeps_is_a_default_change() {
    check(
        "1.29.6",
        "1.30.3",
        ("default", None),
        &expect![[r#"
            Base values.global.enableReaderRBAC: absent -> true, keep: values.global.enableReaderRBAC=false
            Cni values.cni.useAppArmorAnnotation: absent -> true, keep: values.cni.useAppArmorAnnotation=false
            Pilot values.global.hub: "docker.io/istio" -> "registry.istio.io/release", keep: values.global.hub=docker.io/istio
            Pilot values.pilot.env.PILOT_SIDECAR_PICK_BEST_SERVICE_NAMESPACE: "false" -> absent, keep: compatibilityVersion: "1.29"
            Pilot values.pilot.taint.name: absent -> "cni.istio.io/not-ready"
        "#]],
    );
}

#[test]
fn a_chart_s_default_that_a_compatibility_version_restores_is_kept_by_it() {
    check(
        "1.28.10",
        "1.29.6",
        ("default", None),
        &expect![[r#"
        Cni values.cni.ambient.reconcileIptablesOnStartup: false -> true, keep: compatibilityVersion: "1.28"
        Cni values.cni.terminationGracePeriodSeconds: absent -> 30
        Pilot values.pilot.env.DISABLE_TRACK_REMAINING_CB_METRICS: "false" -> absent, keep: compatibilityVersion: "1.28"
    "#]],
    );
}

#[test]
fn the_source_as_compatibility_version_leaves_only_the_charts_changes() {
    check(
        "1.29.6",
        "1.30.3",
        ("default", Some("1.29")),
        &expect![[r#"
            Base values.global.enableReaderRBAC: absent -> true, keep: values.global.enableReaderRBAC=false
            Cni values.cni.useAppArmorAnnotation: absent -> true, keep: values.cni.useAppArmorAnnotation=false
            Pilot values.global.hub: "docker.io/istio" -> "registry.istio.io/release", keep: values.global.hub=docker.io/istio
            Pilot values.pilot.taint.name: absent -> "cni.istio.io/not-ready"
        "#]],
    );
}

#[test]
fn an_older_compatibility_version_keeps_what_the_source_already_changed() {
    check(
        "1.29.6",
        "1.30.3",
        ("default", Some("1.28")),
        &expect![[r#"
            Base values.global.enableReaderRBAC: absent -> true, keep: values.global.enableReaderRBAC=false
            Cni values.cni.useAppArmorAnnotation: absent -> true, keep: values.cni.useAppArmorAnnotation=false
            Pilot values.global.hub: "docker.io/istio" -> "registry.istio.io/release", keep: values.global.hub=docker.io/istio
            Pilot values.pilot.taint.name: absent -> "cni.istio.io/not-ready"
        "#]],
    );
}

#[test]
fn a_downgrade_brings_the_old_behaviour_back() {
    check(
        "1.30.3",
        "1.29.6",
        ("default", None),
        &expect![[r#"
            Base values.global.enableReaderRBAC: true -> absent
            Cni values.cni.useAppArmorAnnotation: true -> absent
            Pilot values.global.hub: "registry.istio.io/release" -> "docker.io/istio"
            Pilot values.pilot.env.PILOT_SIDECAR_PICK_BEST_SERVICE_NAMESPACE: absent -> "false"
            Pilot values.pilot.taint.name: "cni.istio.io/not-ready" -> absent
        "#]],
    );
}

#[test]
fn profiles_of_old_releases_are_compared_with_charts_of_new_ones() {
    check(
        "1.20.8",
        "1.21.6",
        ("default", None),
        &expect![[r#"
        Cni values.cni.ambient.redirectMode: "iptables" -> absent
        Cni values.cni.privileged: false -> true, keep: values.cni.privileged=false
        Cni values.cni.repair.deletePods: true -> false, keep: values.cni.repair.deletePods=true
        Cni values.cni.repair.repairPods: false -> true, keep: values.cni.repair.repairPods=false
        Pilot values.pilot.env.ENABLE_AUTO_SNI: "false" -> absent, keep: compatibilityVersion: "1.20"
        Pilot values.pilot.env.ENABLE_EXTERNAL_NAME_ALIAS: "false" -> absent, keep: compatibilityVersion: "1.20"
        Pilot values.pilot.env.PERSIST_OLDEST_FIRST_HEURISTIC_FOR_VIRTUAL_SERVICE_HOST_MATCHING: "true" -> absent, keep: compatibilityVersion: "1.20"
        Pilot values.pilot.env.VERIFY_CERTIFICATE_AT_CLIENT: "false" -> absent, keep: compatibilityVersion: "1.20"
        Pilot values.telemetry.v2.accessLogPolicy.logWindowDuration: "43200s" -> absent
        Ztunnel values.ztunnel.logLevel: absent -> "info"
        Ztunnel values.ztunnel.redirectMode: "iptables" -> absent
    "#]],
    );
}

#[test]
fn a_setting_of_the_target_s_chart_keeps_what_no_compatibility_version_does() {
    check(
        "1.21.6",
        "1.22.8",
        ("demo", None),
        &expect![[r#"
            Cni values.cni.excludeNamespaces: ["istio-system","kube-system"] -> ["kube-system"]
            Cni values.cni.privileged: true -> absent
            Pilot values.global.jwtPolicy: "third-party-jwt" -> absent
            Pilot values.global.proxy.tracer: "zipkin" -> "none", keep: values.global.proxy.tracer=zipkin
            Pilot values.istio_cni.provider: absent -> "default"
            Pilot values.meshConfig.defaultConfig.proxyMetadata.ISTIO_DELTA_XDS: "false" -> absent, keep: compatibilityVersion: "1.21"
            Pilot values.meshConfig.defaultConfig.tracing.zipkin.address: "zipkin.istio-system:9411" -> absent, keep: compatibilityVersion: "1.21"
            Pilot values.meshConfig.extensionProviders: [{"envoyOtelAls":{"port":4317,"service":"opentelemetry-collector.istio-system.svc.cluster.local"},"name":"otel"},{"name":"skywalking","skywalking":{"port":11800,"service":"tracing.istio-system.svc.cluster.local"}},{"name":"otel-tracing","opentelemetry":{"port":4317,"service":"opentelemetry-collector.otel-collector.svc.cluster.local"}}] -> [{"envoyOtelAls":{"port":4317,"service":"opentelemetry-collector.observability.svc.cluster.local"},"name":"otel"},{"name":"skywalking","skywalking":{"port":11800,"service":"tracing.istio-system.svc.cluster.local"}},{"name":"otel-tracing","opentelemetry":{"port":4317,"service":"opentelemetry-collector.observability.svc.cluster.local"}}]
            Pilot values.pilot.cni.provider: absent -> "default"
            Pilot values.pilot.env.ENABLE_ENHANCED_RESOURCE_SCOPING: "false" -> absent, keep: compatibilityVersion: "1.21"
            Pilot values.pilot.env.ENABLE_RESOLUTION_NONE_TARGET_PORT: "false" -> absent, keep: compatibilityVersion: "1.21"
            Ztunnel values.ztunnel.meshConfig.defaultConfig.proxyMetadata.ISTIO_DELTA_XDS: "false" -> absent, keep: compatibilityVersion: "1.21"
            Ztunnel values.ztunnel.resources.requests.cpu: "500m" -> "200m", keep: values.ztunnel.resources.requests.cpu=500m
            Ztunnel values.ztunnel.resources.requests.memory: "2048Mi" -> "512Mi", keep: values.ztunnel.resources.requests.memory=2048Mi
        "#]],
    );
}

#[test]
fn a_variable_that_nothing_reads_keeps_nothing() {
    check(
        "1.30.3",
        "1.31.0-rc.0",
        ("ambient", None),
        &expect![[r#"
            Pilot values.global.hub: "registry.istio.io/release" -> "docker.io/istio"
            Pilot values.pilot.env.PILOT_AUTO_SEND_UNHEALTHY_ENDPOINTS: "false" -> absent, keep: compatibilityVersion: "1.30"
            Pilot values.pilot.env.PILOT_ENABLE_STRICT_GATEWAY_MERGING: "false" -> absent, keep: compatibilityVersion: "1.30"
            Pilot values.pilot.env.PILOT_SPAWN_UPSTREAM_SPAN_FOR_GATEWAY: "false" -> absent
        "#]],
    );
}

#[test]
fn a_component_that_a_profile_enables_is_a_change() {
    check(
        "1.23.6",
        "1.24.6",
        ("remote", None),
        &expect![[r#"
            Base components.base.enabled: false -> true, keep: components.base.enabled=false
            Base values.base.enableCRDTemplates: false -> true, keep: values.base.enableCRDTemplates=false
            IstiodRemote components.istiodRemote.enabled: true -> absent
            Pilot components.pilot.enabled: false -> true, keep: components.pilot.enabled=false
            Pilot values.global.autoscalingv2API: true -> absent
            Pilot values.global.omitSidecarInjectorConfigMap: false -> true, keep: values.global.omitSidecarInjectorConfigMap=false
            Pilot values.global.waypoint.resources.limits.cpu: absent -> "2"
            Pilot values.global.waypoint.resources.limits.memory: absent -> "1Gi"
            Pilot values.global.waypoint.resources.requests.cpu: absent -> "100m"
            Pilot values.global.waypoint.resources.requests.memory: absent -> "128Mi"
            Pilot values.istio_cni.chained: true -> absent
            Pilot values.istio_cni.provider: "default" -> absent
            Pilot values.istiodRemote.enabled: absent -> true, keep: values.istiodRemote.enabled=false
            Pilot values.meshConfig.defaultConfig.proxyMetadata.BYPASS_OVERLOAD_MANAGER_FOR_STATIC_LISTENERS: "false" -> absent, keep: compatibilityVersion: "1.23"
            Pilot values.meshConfig.defaultConfig.proxyMetadata.ENABLE_DEFERRED_STATS_CREATION: "false" -> absent, keep: compatibilityVersion: "1.23"
            Pilot values.pilot.configMap: true -> false, keep: values.pilot.configMap=true
            Pilot values.pilot.env.ENABLE_ENHANCED_DESTINATIONRULE_MERGE: "false" -> absent, keep: compatibilityVersion: "1.23"
            Pilot values.pilot.env.ENABLE_INBOUND_RETRY_POLICY: "false" -> absent, keep: compatibilityVersion: "1.23"
            Pilot values.pilot.env.EXCLUDE_UNSAFE_503_FROM_DEFAULT_RETRY: "false" -> absent, keep: compatibilityVersion: "1.23"
            Pilot values.pilot.env.PILOT_UNIFIED_SIDECAR_SCOPE: "false" -> absent, keep: compatibilityVersion: "1.23"
            Pilot values.pilot.env.PREFER_DESTINATIONRULE_TLS_FOR_EXTERNAL_SERVICES: "false" -> absent, keep: compatibilityVersion: "1.23"
            Pilot values.telemetry.enabled: true -> false, keep: values.telemetry.enabled=true
            Ztunnel values.ztunnel.meshConfig.defaultConfig.proxyMetadata.BYPASS_OVERLOAD_MANAGER_FOR_STATIC_LISTENERS: "false" -> absent, keep: compatibilityVersion: "1.23"
            Ztunnel values.ztunnel.meshConfig.defaultConfig.proxyMetadata.ENABLE_DEFERRED_STATS_CREATION: "false" -> absent, keep: compatibilityVersion: "1.23"
        "#]],
    );
}

#[test]
fn what_the_request_sets_is_pinned() {
    let version = |it: &str| it.parse::<Version>().unwrap();
    let pinned = |path: &str| path == "values.cni.ambient.reconcileIptablesOnStartup";
    let changes = default_changes(
        &version("1.28.10"),
        &version("1.29.6"),
        "default",
        None,
        None,
        &pinned,
    );
    let pinned: Vec<&str> = changes
        .iter()
        .filter(|it| it.pinned)
        .map(|it| it.path.as_str())
        .collect();
    assert_eq!(pinned, ["values.cni.ambient.reconcileIptablesOnStartup"]);
}

#[test]
fn a_patch_changes_what_its_own_charts_do() {
    check(
        "1.30.0",
        "1.30.3",
        ("default", None),
        &expect![[r#"
        Pilot values.pilot.taint.name: absent -> "cni.istio.io/not-ready"
    "#]],
    );
}

#[test]
fn unknown_releases_and_profiles_are_no_error() {
    check("1.29.6", "1.99.0", ("default", None), &expect![]);
    let version = |it: &str| it.parse::<Version>().unwrap();
    assert!(
        !default_changes(
            &version("1.28.0"),
            &version("1.29.0"),
            "mine",
            Some("moon"),
            Some("x"),
            &|_| false
        )
        .is_empty()
    );
}
