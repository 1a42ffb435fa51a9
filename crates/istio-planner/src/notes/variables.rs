//! Settings that were variables of istiod's or the proxy's environment, and that a release no longer reads.

use istio_catalog::Version;

use super::cluster::Cluster;
use crate::outcome::{Finding, Level};
use crate::rules::Explanation;

/// The code of these findings.
pub(super) const CODE: &str = "variable-unread";

/// What they mean.
pub(super) const EXPLANATION: Explanation = Explanation {
    meaning: "A variable of istiod's or the proxies' environment is set, and the target no longer reads it",
    why: "The behaviour that it chose is gone, or is the only one left. Nothing else would say so.",
    settle: "Check that the mesh does without it, then take it out of the request.",
    source: "the Go files of istio/istio at every tag 1.N.0",
    link: None,
};

/// Variables, and the first minor whose code does not name them: found in the Go files of every `1.N.0`.
const REMOVED: &[(&str, u32)] = &[
    ("BOOTSTRAP_XDS_AGENT", 21),
    ("BYPASS_OVERLOAD_MANAGER_FOR_STATIC_LISTENERS", 27),
    ("ENABLE_AUTO_SNI", 26),
    ("ENABLE_DEFERRED_CLUSTER_CREATION", 26),
    ("ENABLE_DEFERRED_STATS_CREATION", 27),
    ("ENABLE_DELIMITED_STATS_TAG_REGEX", 26),
    ("ENABLE_ENHANCED_RESOURCE_SCOPING", 25),
    ("ENABLE_EXTERNAL_NAME_ALIAS", 24),
    ("ENABLE_INBOUND_RETRY_POLICY", 27),
    ("ENABLE_OPTIMIZED_CONFIG_REBUILD", 23),
    ("ENABLE_OTEL_BUILTIN_RESOURCE_LABELS", 23),
    ("ENABLE_RESOLUTION_NONE_TARGET_PORT", 25),
    ("EXCLUDE_UNSAFE_503_FROM_DEFAULT_RETRY", 27),
    ("ISTIO_ENABLE_OPTIMIZED_SERVICE_PUSH", 23),
    ("METRIC_GRACEFUL_DELETION_INTERVAL", 28),
    ("METRIC_ROTATION_INTERVAL", 28),
    ("NATIVE_METADATA_EXCHANGE", 22),
    (
        "PERSIST_OLDEST_FIRST_HEURISTIC_FOR_VIRTUAL_SERVICE_HOST_MATCHING",
        24,
    ),
    ("PILOT_DISTRIBUTION_HISTORY_RETENTION", 23),
    ("PILOT_ENABLE_AMBIENT_CONTROLLERS", 22),
    ("PILOT_ENABLE_CONFIG_DISTRIBUTION_TRACKING", 23),
    ("PILOT_ENABLE_DESTINATION_RULE_INHERITANCE", 20),
    ("PILOT_ENABLE_HBONE", 22),
    ("PILOT_ENABLE_HEADLESS_SERVICE_POD_LISTENERS", 22),
    ("PILOT_ENABLE_INBOUND_PASSTHROUGH", 21),
    ("PILOT_ENABLE_STATUS", 24),
    ("PILOT_SPAWN_UPSTREAM_SPAN_FOR_GATEWAY", 31),
    ("PILOT_STATUS_BURST", 27),
    ("PILOT_STATUS_QPS", 27),
    ("PILOT_STATUS_UPDATE_INTERVAL", 27),
    ("PILOT_XDS_SEND_TIMEOUT", 22),
    ("PROXY_XDS_DEBUG_VIA_AGENT", 25),
    ("REQUIRE_3P_TOKEN", 24),
    ("STACKDRIVER_AUDIT_LOG", 23),
    ("USE_EXTERNAL_WORKLOAD_SDS", 23),
    ("VERIFY_CERTIFICATE_AT_CLIENT", 24),
    ("VERIFY_SDS_CERTIFICATE", 22),
];

/// Tells whether a version no longer reads a variable.
pub(super) fn is_removed(name: &str, version: &Version) -> bool {
    REMOVED
        .iter()
        .any(|it| it.0 == name && it.1 <= version.minor)
}

/// Returns a finding for every variable that is set now and that the target, unlike the source, does not read.
pub(super) fn findings(cluster: &Cluster, source: &Version, target: &Version) -> Vec<Finding> {
    let lost = REMOVED
        .iter()
        .filter(|it| source.minor < it.1 && it.1 <= target.minor);
    lost.filter_map(|(name, minor)| finding(cluster, name, *minor))
        .collect()
}

fn finding(cluster: &Cluster, name: &str, minor: u32) -> Option<Finding> {
    let istiod = cluster
        .istiod()
        .zip(cluster.variable(name))
        .map(|(istiod, value)| {
            istiod
                .subject(&format!(
                    "spec.template.spec.containers[name=discovery].env[name={name}]"
                ))
                .value(value)
        });
    let proxy = cluster.proxy_metadata(name).and_then(|value| {
        Some(
            cluster
                .mesh_subject(&format!("defaultConfig.proxyMetadata.{name}"))?
                .value(value),
        )
    });
    let subjects: Vec<_> = istiod.into_iter().chain(proxy).collect();
    (!subjects.is_empty()).then(|| Finding {
        code: CODE.to_owned(),
        level: Level::Warn,
        title: format!("{name} has no effect from 1.{minor} on"),
        detail: format!(
            "The variable is set now. 1.{minor} no longer reads it, so the behaviour that it chose is gone, or fixed."
        ),
        subjects,
        fix: Some(format!("Check that the mesh does without {name}, then take it out of the request.")),
        fixes: Vec::new(),
        link: Some(format!("https://istio.io/latest/news/releases/1.{minor}.x/announcing-1.{minor}/change-notes/")),
        accepted: None,
    })
}
