//! Variables of istiod that a request gives to proxies, which do not read them.

use serde_json::Value;

use crate::outcome::{Finding, Level, Subject};
use crate::rules::Code;
use crate::rules::{Situation, count, enumerate, text};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let Some(desired) = situation.desired else {
        return Vec::new();
    };
    let spec = desired.rendering.user.get("spec").unwrap_or(&Value::Null);
    let mut found: Vec<(String, Subject)> = Vec::new();
    for root in [&["meshConfig"][..], &["values", "meshConfig"]] {
        let keys = [root, &["defaultConfig", "proxyMetadata"]].concat();
        let metadata = crate::defaults::tree::get(spec, &keys).and_then(Value::as_object);
        for name in metadata.into_iter().flatten().map(|it| it.0.as_str()) {
            if is_of_istiod(name) {
                let keys = [keys.as_slice(), &[name]].concat();
                let place = situation.documents.place_of(&keys);
                let field = format!("spec.{}", keys.join("."));
                found.push((name.to_owned(), place.unwrap_or_default().field(field)));
            }
        }
    }
    for kind in ["ingressGateways", "egressGateways"] {
        let gateways = spec
            .pointer(&format!("/components/{kind}"))
            .and_then(Value::as_array);
        for (index, gateway) in gateways.into_iter().flatten().enumerate() {
            let variables = gateway.pointer("/k8s/env").and_then(Value::as_array);
            for name in variables
                .into_iter()
                .flatten()
                .filter_map(|it| text(it, "/name"))
            {
                if is_of_istiod(name) {
                    let field = format!("spec.components.{kind}[{index}].k8s.env[name={name}]");
                    let place = situation.documents.place_of(&["components", kind]);
                    found.push((name.to_owned(), place.unwrap_or_default().field(field)));
                }
            }
        }
    }
    if found.is_empty() {
        return Vec::new();
    }
    let names: Vec<_> = found.iter().map(|it| it.0.as_str()).collect();
    let finding = Finding::new(
        Code::SettingWithoutEffect,
        Level::Warn,
        format!(
            "The request gives proxies {} of istiod's, which {} not read by them",
            count(found.len(), "variable"),
            if found.len() == 1 { "is" } else { "are" }
        ),
        format!(
            "{} {} read by istiod alone; in a proxy's environment nothing reads {}",
            enumerate(&names),
            if found.len() == 1 { "is" } else { "are" },
            if found.len() == 1 { "it" } else { "them" },
        ),
    );
    let first = names.first().copied().unwrap_or_default().to_owned();
    vec![
        finding
            .about(found.into_iter().map(|it| it.1))
            .fix(format!("Set it for istiod: `values.pilot.env.{first}`")),
    ]
}

fn is_of_istiod(name: &str) -> bool {
    OF_ISTIOD.binary_search(&name).is_ok()
}

/// Variables that pilot/pkg/features registers and that neither the agent nor what it is built from reads
/// (release-1.24 and release-1.30 of istio/istio), sorted.
const OF_ISTIOD: &[&str] = &[
    "AMBIENT_SCOPED_ADDRESS_PUSHES",
    "CA_TRUSTED_NODE_ACCOUNTS",
    "DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES",
    "DISABLE_SHADOW_HOST_SUFFIX",
    "DISABLE_TRACK_REMAINING_CB_METRICS",
    "ENABLE_100_CONTINUE_HEADERS",
    "ENABLE_AUTO_SNI",
    "ENABLE_CA_SERVER",
    "ENABLE_CLUSTER_TRUST_BUNDLE_API",
    "ENABLE_DEBUG_ENDPOINT_AUTH",
    "ENABLE_DEBUG_ON_HTTP",
    "ENABLE_ENHANCED_DESTINATIONRULE_MERGE",
    "ENABLE_GATEWAY_API_INFERENCE_EXTENSION",
    "ENABLE_GATEWAY_API_MANUAL_DEPLOYMENT",
    "ENABLE_HCM_INTERNAL_NETWORKS",
    "ENABLE_INBOUND_RETRY_POLICY",
    "ENABLE_LAYERED_WAYPOINT_AUTHORIZATION_POLICIES",
    "ENABLE_LAZY_SIDECAR_EVALUATION",
    "ENABLE_LEADER_ELECTION",
    "ENABLE_LOCALITY_WEIGHTED_LB_CONFIG",
    "ENABLE_MCS_AUTO_EXPORT",
    "ENABLE_MCS_CLUSTER_LOCAL",
    "ENABLE_MCS_HOST",
    "ENABLE_MCS_SERVICE_DISCOVERY",
    "ENABLE_MULTICLUSTER_HEADLESS",
    "ENABLE_NATIVE_SIDECARS",
    "ENABLE_PROXY_FIND_POD_BY_IP",
    "ENABLE_SELECTOR_BASED_K8S_GATEWAY_POLICY",
    "ENABLE_TLS_ON_SIDECAR_INGRESS",
    "ENABLE_VTPROTOBUF",
    "ENABLE_WILDCARD_HOST_SERVICE_ENTRIES_FOR_TLS",
    "ENABLE_XDS_API_GENERATOR_AUTH",
    "EXCLUDE_UNSAFE_503_FROM_DEFAULT_RETRY",
    "INJECTION_WEBHOOK_CONFIG_NAME",
    "ISTIOD_CUSTOM_HOST",
    "ISTIO_ENABLE_CONTROLLER_QUEUE_METRICS",
    "ISTIO_ENABLE_IPV4_OUTBOUND_LISTENER_FOR_IPV6_CLUSTERS",
    "ISTIO_MULTIROOT_MESH",
    "ISTIO_WORKLOAD_ENTRY_VALIDATE_IDENTITY",
    "JWKS_RESOLVER_INSECURE_SKIP_VERIFY",
    "LABEL_CANONICAL_SERVICES_FOR_MESH_EXTERNAL_SERVICE_ENTRIES",
    "MAX_CONNECTIONS_PER_SOCKET_EVENT_LOOP",
    "METRIC_GRACEFUL_DELETION_INTERVAL",
    "METRIC_ROTATION_INTERVAL",
    "PILOT_ALLOW_SIDECAR_SERVICE_INBOUND_LISTENER_MERGE",
    "PILOT_ANALYSIS_INTERVAL",
    "PILOT_CA_CERT_CONFIGMAP",
    "PILOT_CONVERT_SIDECAR_SCOPE_CONCURRENCY",
    "PILOT_CRL_CONFIGMAP",
    "PILOT_DEBOUNCE_AFTER",
    "PILOT_DEBOUNCE_MAX",
    "PILOT_DISABLE_MX_ALPN",
    "PILOT_DNS_CARES_UDP_MAX_QUERIES",
    "PILOT_DNS_JITTER_DURATION",
    "PILOT_DRAINING_LABEL",
    "PILOT_ENABLE_ABSOLUTE_FQDN_VHOST_DOMAIN",
    "PILOT_ENABLE_AGENTGATEWAY",
    "PILOT_ENABLE_ALPN_FILTER",
    "PILOT_ENABLE_AMBIENT",
    "PILOT_ENABLE_CDS_CACHE",
    "PILOT_ENABLE_EDS_DEBOUNCE",
    "PILOT_ENABLE_EDS_FOR_HEADLESS_SERVICES",
    "PILOT_ENABLE_GATEWAY_API",
    "PILOT_ENABLE_GATEWAY_API_COPY_LABELS_ANNOTATIONS",
    "PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER",
    "PILOT_ENABLE_GATEWAY_API_GATEWAYCLASS_CONTROLLER",
    "PILOT_ENABLE_GATEWAY_API_STATUS",
    "PILOT_ENABLE_K8S_SELECT_WORKLOAD_ENTRIES",
    "PILOT_ENABLE_METADATA_EXCHANGE",
    "PILOT_ENABLE_MONGO_FILTER",
    "PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS",
    "PILOT_ENABLE_MYSQL_FILTER",
    "PILOT_ENABLE_NODE_UNTAINT_CONTROLLERS",
    "PILOT_ENABLE_PERSISTENT_SESSION_FILTER",
    "PILOT_ENABLE_RDS_CACHE",
    "PILOT_ENABLE_REDIS_FILTER",
    "PILOT_ENABLE_ROUTE_COLLAPSE_OPTIMIZATION",
    "PILOT_ENABLE_SERVICEENTRY_SELECT_PODS",
    "PILOT_ENABLE_TELEMETRY_LABEL",
    "PILOT_ENABLE_WORKLOAD_ENTRY_AUTOREGISTRATION",
    "PILOT_ENABLE_WORKLOAD_ENTRY_HEALTHCHECKS",
    "PILOT_ENABLE_XDS_CACHE",
    "PILOT_ENABLE_XDS_IDENTITY_CHECK",
    "PILOT_ENDPOINT_TELEMETRY_LABEL",
    "PILOT_ENVOY_FILTER_STATS",
    "PILOT_FILTER_GATEWAY_CLUSTER_CONFIG",
    "PILOT_GATEWAY_API_CONTROLLER_NAME",
    "PILOT_GATEWAY_API_DEFAULT_GATEWAYCLASS_NAME",
    "PILOT_GATEWAY_TRANSPORT_SOCKET_CONNECT_TIMEOUT",
    "PILOT_HTTP10",
    "PILOT_INSECURE_MULTICLUSTER_KUBECONFIG_OPTIONS",
    "PILOT_IP_AUTOALLOCATE_IPV4_PREFIX",
    "PILOT_IP_AUTOALLOCATE_IPV6_PREFIX",
    "PILOT_JWT_ENABLE_REMOTE_JWKS",
    "PILOT_JWT_PUB_KEY_REFRESH_INTERVAL",
    "PILOT_MAX_REQUESTS_PER_SECOND",
    "PILOT_MULTI_NETWORK_DISCOVER_GATEWAY_API",
    "PILOT_MX_ADDITIONAL_LABELS",
    "PILOT_NODE_UNTAINT_CONTROLLERS_TAINT_NAME",
    "PILOT_PERSISTENT_SESSION_HEADER_LABEL",
    "PILOT_PERSISTENT_SESSION_LABEL",
    "PILOT_PUSH_THROTTLE",
    "PILOT_SEND_UNHEALTHY_ENDPOINTS",
    "PILOT_SIDECAR_PICK_BEST_SERVICE_NAMESPACE",
    "PILOT_SIDECAR_USE_REMOTE_ADDRESS",
    "PILOT_SKIP_VALIDATE_TRUST_DOMAIN",
    "PILOT_SPAWN_UPSTREAM_SPAN_FOR_GATEWAY",
    "PILOT_STATUS_BURST",
    "PILOT_STATUS_MAX_WORKERS",
    "PILOT_STATUS_QPS",
    "PILOT_STATUS_UPDATE_INTERVAL",
    "PILOT_TRACE_SAMPLING",
    "PILOT_UNIFIED_SIDECAR_SCOPE",
    "PILOT_WORKLOAD_ENTRY_GRACE_PERIOD",
    "PILOT_XDS_CACHE_INDEX_CLEAR_INTERVAL",
    "PILOT_XDS_CACHE_SIZE",
    "PILOT_XDS_CACHE_STATS",
    "PREFER_DESTINATIONRULE_TLS_FOR_EXTERNAL_SERVICES",
    "TRUSTED_GATEWAY_CIDR",
    "UNSAFE_ENABLE_ADMIN_ENDPOINTS",
    "USE_CACERTS_FOR_SELF_SIGNED_CA",
    "VALIDATION_WEBHOOK_CONFIG_NAME",
];

#[cfg(test)]
mod tests {
    use super::OF_ISTIOD;

    #[test]
    fn the_table_is_sorted() {
        assert!(OF_ISTIOD.is_sorted());
    }
}
