//! `metric-renamed`: rules, monitors and dashboards that read metrics which the target does not have.
//!
//! Which names a release registers is told by its code (`monitoring.NewSum`, `NewGauge`, `NewDistribution` in istio/istio,
//! branch by branch).

use serde_json::Value;
use sorted::SortedMap;

use super::{Situation, count, enumerate};
use crate::outcome::{Finding, Level, Subject};
use crate::rules::Code;
use crate::rules::Explanation;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "PrometheusRules, monitors or dashboards read metrics that the source has, and that the target no longer has or \
              calls otherwise.",
    why: "An alert on a metric that is not there never fires, and says nothing about it; a panel shows no data. What watches \
          the upgrade should not go blind in it.",
    settle: "Read the metric that took its place, for a while beside the old one, or remove the rule.",
    source: "istio/istio, branches release-1.6 to release-1.31: metrics that the code registers; \
             1.29:releasenotes/notes/disable-track-remaining-cb-metrics.yaml",
    link: Some("https://istio.io/latest/docs/reference/commands/pilot-discovery/#metrics"),
};

/// Metrics that went together.
struct Gone {
    names: &'static [&'static str],
    /// The first minor without them.
    since: u32,
    /// What took their place.
    instead: &'static str,
}

/// In the order of the releases.
const GONE: &[Gone] = &[
    Gone {
        names: &["pilot_rds_expired_nonce"],
        since: 7,
        instead: "`pilot_xds_expired_nonce`",
    },
    Gone {
        names: &[
            "pilot_xds_eds_instances",
            "pilot_xds_eds_all_locality_endpoints",
            "pilot_conflict_outbound_listener_tcp_over_current_thrift",
        ],
        since: 7,
        instead: "nothing",
    },
    Gone {
        names: &[
            "istio_request_duration_seconds",
            "istio_response_duration_seconds",
        ],
        since: 8,
        instead: "`istio_request_duration_milliseconds`",
    },
    Gone {
        names: &[
            "mixer_runtime_dispatches_total",
            "mixer_runtime_dispatch_duration_seconds",
            "mixer_config_attributes_total",
            "mixer_config_adapter_info_configs_total",
            "mixer_dispatcher_destinations_per_request",
        ],
        since: 8,
        instead: "the proxies' own metrics: Mixer is gone",
    },
    Gone {
        names: &[
            "istio_mcp_clients_total",
            "istio_mcp_message_sizes_bytes",
            "istio_mcp_reconnections",
            "istio_mcp_recv_failures_total",
            "istio_mcp_request_acks_total",
            "istio_mcp_request_nacks_total",
            "istio_mcp_send_failures_total",
            "dns_tls_pending",
            "dns_tls_req",
        ],
        since: 9,
        instead: "nothing",
    },
    Gone {
        names: &["pilot_k8s_object_errors", "pilot_total_k8s_object_errors"],
        since: 10,
        instead: "`controller_sync_errors_total`",
    },
    Gone {
        names: &["pilot_invalid_out_listeners"],
        since: 11,
        instead: "nothing",
    },
    Gone {
        names: &["pilot_total_envoy_filter"],
        since: 12,
        instead: "`pilot_envoy_filter_status`",
    },
    Gone {
        names: &[
            "istio_agent_total_active_connections",
            "istio_agent_total_push_errors",
            "istio_agent_total_pushes",
            "istio_agent_total_secret_update_failures",
            "istio_agent_total_stale_connections",
        ],
        since: 14,
        instead: "`istio_agent_cert_expiry_seconds` for certificates, and nothing for the rest",
    },
    Gone {
        names: &[
            "pilot_xds_delayed_pushes_total",
            "pilot_xds_delayed_push_timeouts_total",
        ],
        since: 16,
        instead: "`pilot_proxy_convergence_time` and `pilot_proxy_queue_time`",
    },
    Gone {
        names: &[
            "pilot_conflict_outbound_listener_http_over_current_tcp",
            "pilot_conflict_outbound_listener_tcp_over_current_http",
        ],
        since: 19,
        instead: "`pilot_conflict_outbound_listener_tcp_over_current_tcp`; the other conflicts no longer happen",
    },
    Gone {
        names: &[
            "cr_deletion_total",
            "cr_merge_failure_total",
            "cr_validation_error_total",
            "get_cr_error_total",
            "legacy_path_translation_total",
            "manifest_patch_error_total",
            "manifest_render_error_total",
            "owned_resource_total",
            "reconcile_request_total",
            "render_manifest_total",
            "resource_creation_total",
            "resource_deletion_total",
            "resource_prune_total",
            "resource_update_total",
        ],
        since: 24,
        instead: "nothing: the in-cluster operator is gone",
    },
    Gone {
        names: &["ambient_istiod_managed_clusters"],
        since: 30,
        instead: "`istiod_managed_clusters`",
    },
    Gone {
        names: &["ambient_remote_cluster_sync_timeouts_total"],
        since: 30,
        instead: "`remote_cluster_sync_timeouts_total`",
    },
];

/// What circuit breakers have left: proxies count it only where `DISABLE_TRACK_REMAINING_CB_METRICS` of istiod says so.
const REMAINING: Gone = Gone {
    names: &[],
    since: 29,
    instead: "the same with `values.pilot.env.DISABLE_TRACK_REMAINING_CB_METRICS=true`, or the gauges of what is open",
};

/// Endings that Prometheus adds to a histogram's name, and that clients add to a counter's.
const ENDINGS: [&str; 4] = ["_bucket", "_sum", "_count", "_total"];

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let (Some(from), Some(to)) = (situation.from, situation.to) else {
        return Vec::new();
    };
    if to < from {
        return Vec::new();
    }
    let mut found: SortedMap<String, &'static Gone> = SortedMap::new();
    let mut subjects = Vec::new();
    for (object, kept) in &situation.snapshot.objects {
        let root = match object.kind.as_str() {
            "PrometheusRule" | "ServiceMonitor" | "PodMonitor" => "/spec",
            "ConfigMap" => "/data",
            _ => continue,
        };
        let Some(value) = kept.value.pointer(root) else {
            continue;
        };
        let before = subjects.len();
        strings(value, root.trim_start_matches('/'), &mut |path, text| {
            for name in words(text) {
                if let Some(gone) =
                    gone(name).filter(|it| from.minor < it.since && it.since <= to.minor)
                {
                    found.insert(name.to_owned(), gone);
                    let subject = Subject::kept(object, kept).field(path).value(name);
                    if !subjects.contains(&subject) && subjects.len() < before + 5 {
                        subjects.push(subject);
                    }
                }
            }
        });
    }
    if found.is_empty() {
        return Vec::new();
    }
    let names: Vec<_> = found.keys().map(|it| format!("`{it}`")).collect();
    let ways: Vec<_> = found
        .iter()
        .map(|(name, gone)| format!("`{name}` is gone since 1.{}: {}", gone.since, gone.instead))
        .collect();
    let mut objects: Vec<_> = subjects
        .iter()
        .filter_map(|it| it.object.as_ref())
        .map(|it| format!("{} {}", it.kind, it.name))
        .collect();
    objects.dedup();
    let finding = Finding::new(
        Code::MetricRenamed,
        Level::Warn,
        format!(
            "{} of rules and dashboards {} not there in {to}",
            count(found.len(), "metric"),
            if found.len() == 1 { "is" } else { "are" }
        ),
        format!(
            "{} read {}: alerts on them never fire, and panels show no data",
            enumerate(&objects),
            enumerate(&names)
        ),
    );
    vec![
        finding
            .about(subjects)
            .fix(format!("Read instead: {}", ways.join("; "))),
    ]
}

fn gone(word: &str) -> Option<&'static Gone> {
    let listed = |name: &str| GONE.iter().find(|it| it.names.contains(&name));
    let stem = || ENDINGS.iter().find_map(|it| listed(word.strip_suffix(it)?));
    let remaining =
        word.starts_with("envoy_cluster_circuit_breakers_") && word.contains("_remaining_");
    listed(word)
        .or_else(stem)
        .or_else(|| remaining.then_some(&REMAINING))
}

/// Words as names of metrics are written.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|it: char| !(it.is_ascii_alphanumeric() || it == '_' || it == ':'))
        .filter(|it| it.contains('_'))
}

/// Calls with path and text of every string.
fn strings(value: &Value, path: &str, each: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) => each(path, text),
        Value::Array(list) => {
            for (index, it) in list.iter().enumerate() {
                strings(it, &format!("{path}[{index}]"), each);
            }
        }
        Value::Object(map) => {
            for (key, it) in map {
                strings(it, &format!("{path}.{key}"), each);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;
    use crate::rules::fixture::Cluster;

    fn of(from: &str, to: &str, expression: &str) -> Vec<String> {
        let mut cluster = Cluster::new();
        cluster.source.version = Some(from.to_owned());
        cluster.request.to = to.to_owned();
        cluster.object(json!({
            "apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule",
            "metadata": {"name": "istio", "namespace": "monitoring"},
            "spec": {"groups": [{"rules": [{"alert": "A", "expr": expression}]}]},
        }));
        cluster.codes(check)
    }

    #[test]
    fn a_rule_on_a_metric_that_goes_is_told() {
        let conflict = "rate(pilot_conflict_outbound_listener_tcp_over_current_http[5m]) > 0";
        assert_eq!(of("1.18.7", "1.19.10", conflict), ["metric-renamed Warn"]);
        assert!(of("1.19.10", "1.20.8", conflict).is_empty());
        assert!(of("1.18.7", "1.19.10", "sum(pilot_xds_pushes)").is_empty());
        let remaining = "envoy_cluster_circuit_breakers_default_remaining_cx < 5";
        assert_eq!(of("1.28.10", "1.29.6", remaining), ["metric-renamed Warn"]);
    }

    #[test]
    fn a_longer_name_is_another_metric() {
        assert!(of("1.29.6", "1.30.3", "my_ambient_istiod_managed_clusters").is_empty());
        assert_eq!(
            of("1.29.6", "1.30.3", "ambient_istiod_managed_clusters > 1").len(),
            1
        );
    }

    #[test]
    fn dashboards_in_config_maps_are_read() {
        let mut cluster = Cluster::new();
        cluster.object(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "dash", "namespace": "istio-system"},
            "data": {"d.json": "{\"expr\": \"sum(ambient_remote_cluster_sync_timeouts_total)\"}"},
        }));
        assert_eq!(cluster.codes(check), ["metric-renamed Warn"]);
    }
}
