//! Settings that were variables of istiod's or the proxy's environment, and that a release no longer reads.

use istio_catalog::Version;

use super::Context;
use super::cluster::Cluster;
use crate::outcome::{Code, Finding, Level, Subject};
use crate::rules::Explanation;

/// The code of these findings.
pub(super) const CODE: Code = Code::VariableUnread;

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
    ("AUTO_RELOAD_PLUGIN_CERTS", 20),
    ("BOOTSTRAP_XDS_AGENT", 21),
    ("BYPASS_OVERLOAD_MANAGER_FOR_STATIC_LISTENERS", 27),
    ("CENTRAL_ISTIOD", 9),
    ("ENABLE_ADMIN_ENDPOINTS", 10),
    ("ENABLE_AUTO_SNI", 26),
    ("ENABLE_DEFERRED_CLUSTER_CREATION", 26),
    ("ENABLE_DEFERRED_STATS_CREATION", 27),
    ("ENABLE_DELIMITED_STATS_TAG_REGEX", 26),
    ("ENABLE_ENHANCED_RESOURCE_SCOPING", 25),
    ("ENABLE_EXTERNAL_NAME_ALIAS", 24),
    ("ENABLE_INBOUND_RETRY_POLICY", 27),
    ("ENABLE_INGRESS_GATEWAY_SDS", 9),
    ("ENABLE_LEGACY_FSGROUP_INJECTION", 19),
    ("ENABLE_LEGACY_LB_ALGORITHM_DEFAULT", 19),
    ("ENABLE_MCS_AUTOEXPORT", 12),
    ("ENABLE_OPTIMIZED_CONFIG_REBUILD", 23),
    ("ENABLE_OTEL_BUILTIN_RESOURCE_LABELS", 23),
    ("ENABLE_RESOLUTION_NONE_TARGET_PORT", 25),
    ("ENABLE_WASM_TELEMETRY", 19),
    ("EXCLUDE_UNSAFE_503_FROM_DEFAULT_RETRY", 27),
    ("INGRESS_GATEWAY_FALLBACK_SECRET", 9),
    ("INITIAL_BACKOFF_MSEC", 9),
    ("ISTIOD_ADDR", 7),
    ("ISTIOD_ENABLE_SDS_SERVER", 11),
    ("ISTIO_AGENT_DUAL_STACK", 20),
    ("ISTIO_ENABLE_OPTIMIZED_SERVICE_PUSH", 23),
    ("ISTIO_GATEWAY_STRIP_HOST_PORT", 18),
    ("ISTIO_INBOUND_TPROXY_MARK", 11),
    ("ISTIO_METADATA_DISCOVERY", 19),
    ("LOCAL_XDS_GENERATOR", 9),
    ("LOCAL_XDS_GENERATOR_CONFIG_SAVE_PATH", 9),
    ("METRIC_GRACEFUL_DELETION_INTERVAL", 28),
    ("METRIC_ROTATION_INTERVAL", 28),
    ("NATIVE_METADATA_EXCHANGE", 22),
    (
        "PERSIST_OLDEST_FIRST_HEURISTIC_FOR_VIRTUAL_SERVICE_HOST_MATCHING",
        24,
    ),
    ("PILOT_ALLOW_METADATA_CERTS_DR_MUTUAL_TLS", 11),
    ("PILOT_CERT_DIR", 7),
    ("PILOT_DEBUG_ADSZ_CONFIG", 8),
    ("PILOT_DISTRIBUTION_HISTORY_RETENTION", 23),
    ("PILOT_ENABLED_SERVICE_APIS", 12),
    ("PILOT_ENABLE_AMBIENT_CONTROLLERS", 22),
    ("PILOT_ENABLE_CONFIG_DISTRIBUTION_TRACKING", 23),
    ("PILOT_ENABLE_CRD_VALIDATION", 10),
    ("PILOT_ENABLE_DESTINATION_RULE_INHERITANCE", 20),
    ("PILOT_ENABLE_FLOW_CONTROL", 15),
    ("PILOT_ENABLE_HBONE", 22),
    ("PILOT_ENABLE_HEADLESS_SERVICE_POD_LISTENERS", 22),
    ("PILOT_ENABLE_INBOUND_PASSTHROUGH", 21),
    ("PILOT_ENABLE_INCREMENTAL_MCP", 9),
    ("PILOT_ENABLE_ISTIO_TAGS", 24),
    ("PILOT_ENABLE_LEGACY_AUTO_PASSTHROUGH", 19),
    ("PILOT_ENABLE_LEGACY_ISTIO_MUTUAL_CREDENTIAL_NAME", 24),
    ("PILOT_ENABLE_LOOP_BLOCKER", 10),
    ("PILOT_ENABLE_MCS_SERVICEEXPORT", 11),
    ("PILOT_ENABLE_PROTOCOL_SNIFFING_FOR_INBOUND", 19),
    ("PILOT_ENABLE_PROTOCOL_SNIFFING_FOR_OUTBOUND", 19),
    ("PILOT_ENABLE_STATUS", 24),
    ("PILOT_ENABLE_TCP_METADATA_EXCHANGE", 9),
    ("PILOT_ENABLE_THRIFT_FILTER", 10),
    ("PILOT_ENABLE_VIRTUAL_SERVICE_DELEGATE", 14),
    ("PILOT_FLOW_CONTROL_TIMEOUT", 15),
    ("PILOT_HTTP_DELAYED_CLOSE_TIMEOUT", 12),
    ("PILOT_INBOUND_PROTOCOL_DETECTION_TIMEOUT", 19),
    ("PILOT_INITIAL_FETCH_TIMEOUT", 10),
    ("PILOT_LEGACY_INGRESS_BEHAVIOR", 19),
    ("PILOT_PARTIAL_FULL_PUSHES", 19),
    ("PILOT_SIDECAR_ENABLE_INBOUND_TLS_V2", 10),
    ("PILOT_SPAWN_UPSTREAM_SPAN_FOR_GATEWAY", 31),
    ("PILOT_STATUS_BURST", 27),
    ("PILOT_STATUS_QPS", 27),
    ("PILOT_STATUS_UPDATE_INTERVAL", 27),
    ("PILOT_USE_ENDPOINT_SLICE", 19),
    ("PILOT_USE_TARGET_PORT_FOR_GATEWAY_ROUTES", 12),
    ("PILOT_XDS_SEND_TIMEOUT", 22),
    ("PLUGINS", 8),
    ("PRIORITIZED_LEADER_ELECTION", 19),
    ("PROXY_XDS_DEBUG_VIA_AGENT", 25),
    ("PROXY_XDS_DEBUG_VIA_AGENT_PORT", 25),
    ("PROXY_XDS_VIA_AGENT", 24),
    ("REQUIRE_3P_TOKEN", 24),
    ("REWRITE_TCP_PROBES", 19),
    ("SECRET_ROTATION_CHECK_INTERVAL", 9),
    ("SECRET_WATCHER_RESYNC_PERIOD", 9),
    ("SIDECAR_IGNORE_PORT_IN_HOST_MATCH", 19),
    ("SKIP_PARSE_TOKEN", 8),
    ("SPIFFE_BUNDLE_ENDPOINTS", 24),
    ("STACKDRIVER_AUDIT_LOG", 23),
    ("STALED_CONNECTION_RECYCLE_RUN_INTERVAL", 9),
    ("TELEMETRY_USE_NATIVE_STATS", 17),
    ("TERMINATION_DRAIN_DURATION_SECONDS", 10),
    ("USE_EXTERNAL_WORKLOAD_SDS", 23),
    ("USE_TOKEN_FOR_CSR", 9),
    ("VALIDATION_ENABLED", 10),
    ("VERIFY_CERTIFICATE_AT_CLIENT", 24),
    ("VERIFY_SDS_CERTIFICATE", 22),
    ("XDS_LOCAL", 9),
    ("XDS_SAVE", 8),
    ("XDS_UPSTREAM", 9),
];

/// Tells whether a version no longer reads a variable.
pub(super) fn is_removed(name: &str, version: &Version) -> bool {
    REMOVED
        .iter()
        .any(|it| it.0 == name && it.1 <= version.minor)
}

/// Returns a finding for every variable that is set now, or by the request, and that the target, unlike the source, does
/// not read.
pub(super) fn findings(
    cluster: &Cluster,
    source: &Version,
    target: &Version,
    context: &Context,
) -> Vec<Finding> {
    let lost = REMOVED
        .iter()
        .filter(|it| source.minor < it.1 && it.1 <= target.minor);
    lost.filter_map(|(name, minor)| finding(cluster, name, *minor, context))
        .collect()
}

fn finding(cluster: &Cluster, name: &str, minor: u32, context: &Context) -> Option<Finding> {
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
    let mut subjects: Vec<_> = istiod.into_iter().chain(proxy).collect();
    let is_set_now = !subjects.is_empty();
    if !is_set_now {
        subjects = asked_for(name, context);
    }
    let set = if is_set_now {
        "is set now"
    } else {
        "is set by the request"
    };
    (!subjects.is_empty()).then(|| Finding {
        code: CODE,
        level: Level::Warn,
        title: format!("{name} has no effect from 1.{minor} on"),
        detail: format!(
            "The variable {set}. 1.{minor} no longer reads it, so the behaviour that it chose is gone, or fixed."
        ),
        subjects,
        fix: Some(format!("Check that the mesh does without {name}, then take it out of the request.")),
        fixes: Vec::new(),
        instead: None,
        link: Some(format!("https://istio.io/latest/news/releases/1.{minor}.x/announcing-1.{minor}/change-notes/")),
        accepted: None,
    })
}

/// Where the request sets it for istiod, or for the proxies.
fn asked_for(name: &str, context: &Context) -> Vec<Subject> {
    const ROOTS: [&str; 2] = ["values.pilot.env", "meshConfig.defaultConfig.proxyMetadata"];
    let paths = ROOTS.iter().map(|root| format!("{root}.{name}"));
    let set = paths.filter(|it| (context.pinned)(it));
    set.flat_map(|path| match (context.said)(&path) {
        places if places.is_empty() => vec![Subject::default().field(format!("spec.{path}"))],
        places => places,
    })
    .collect()
}
