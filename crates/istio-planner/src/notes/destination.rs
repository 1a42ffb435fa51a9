//! Facts about `DestinationRules`.

use serde_json::Value;
use sorted::SortedMap;

use super::cluster::{Cluster, Item};
use super::{Affects, Fact, Setting};
use crate::outcome::{Code, Level, Subject};

pub(super) const FACTS: &[Fact] = &[
    Fact {
        code: Code::AutomaticSni,
        since: &[(21, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "TLS that a DestinationRule originates without `sni` sends the request's host as SNI",
        detail: "Before, no SNI was sent. A server that chooses its certificate by SNI may answer otherwise.",
        fix: "Set `sni` in the DestinationRule to what the server expects.",
        setting: Some(Setting {
            path: "pilot.env.ENABLE_AUTO_SNI",
            old: "false",
        }),
        source: "releasenotes/notes/enable-auto-sni.yaml",
        reverses: true,
        evidence: |cluster| originated_tls(cluster, |tls| is_empty(tls, "sni")),
    },
    Fact {
        code: Code::ServerCertificatesVerified,
        since: &[(21, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "TLS that a DestinationRule originates without a CA verifies the server with the system's CAs",
        detail: "Before, the server's certificate was not verified. Servers with a private CA are refused now.",
        fix: "Give `caCertificates` or `credentialName`, or set `insecureSkipVerify: true`.",
        setting: Some(Setting {
            path: "pilot.env.VERIFY_CERTIFICATE_AT_CLIENT",
            old: "false",
        }),
        source: "releasenotes/notes/enable-verify-certificate-at-client.yaml",
        reverses: true,
        evidence: |cluster| originated_tls(cluster, is_unverified),
    },
    Fact {
        code: Code::DestinationRuleTlsExternal,
        since: &[(24, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "For external services the TLS of a DestinationRule wins over that of the endpoint",
        detail: "Before, an endpoint that declares mutual TLS got it, whatever the DestinationRule said.",
        fix: "Check that the DestinationRule's `tls` is what every endpoint of the host expects.",
        setting: Some(Setting {
            path: "pilot.env.PREFER_DESTINATIONRULE_TLS_FOR_EXTERNAL_SERVICES",
            old: "false",
        }),
        source: "manifests/helm-profiles/compatibility-version-1.23.yaml",
        reverses: true,
        evidence: tls_for_external_services,
    },
    Fact {
        code: Code::DestinationRuleMerge,
        since: &[(24, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "DestinationRules of one host are merged only if they are exported to the same namespaces",
        detail: "Before, all of a namespace were merged, and the first one's `exportTo` held for all.",
        fix: "Put what belongs together into one DestinationRule, or give all the same `exportTo`.",
        setting: Some(Setting {
            path: "pilot.env.ENABLE_ENHANCED_DESTINATIONRULE_MERGE",
            old: "false",
        }),
        source: "manifests/helm-profiles/compatibility-version-1.23.yaml",
        reverses: true,
        evidence: differing_exports,
    },
    Fact {
        code: Code::CircuitBreakerMetrics,
        since: &[(29, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Telemetry,
        title: "Metrics of what remains until a circuit breaker opens are no longer kept",
        detail: "The gauges `remaining_cx`, `remaining_pending`, `remaining_rq` and `remaining_retries` stay at 0.",
        fix: "Look for them in dashboards and alerts.",
        setting: Some(Setting {
            path: "pilot.env.DISABLE_TRACK_REMAINING_CB_METRICS",
            old: "false",
        }),
        source: "releasenotes/notes/disable-track-remaining-cb-metrics.yaml",
        reverses: true,
        evidence: |cluster| policies(cluster, "connectionPool", |_| true),
    },
    Fact {
        code: Code::UnhealthyEndpointsSent,
        since: &[(31, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "Proxies get unhealthy endpoints too, unless `minHealthPercent` is set",
        detail: "Before, istiod left out endpoints that are not ready. Outlier detection now counts them.",
        fix: "Set `outlierDetection.minHealthPercent` where unready endpoints must never be sent.",
        setting: Some(Setting {
            path: "pilot.env.PILOT_AUTO_SEND_UNHEALTHY_ENDPOINTS",
            old: "false",
        }),
        source: "releasenotes/notes/60690.yaml",
        reverses: true,
        evidence: |cluster| {
            policies(cluster, "outlierDetection", |it| {
                it.get("minHealthPercent")
                    .and_then(Value::as_f64)
                    .unwrap_or_default()
                    <= 0.0
            })
        },
    },
];

fn rules<'a>(cluster: &Cluster<'a>) -> impl Iterator<Item = Item<'a>> {
    cluster.objects("networking.istio.io", "DestinationRule")
}

/// Returns the traffic policies of a `DestinationRule`, of its ports and of its subsets, with their paths.
fn traffic_policies<'a>(item: Item<'a>) -> Vec<(String, &'a Value)> {
    let mut policies = Vec::new();
    let mut add = |path: String, policy: Option<&'a Value>| {
        let Some(policy) = policy else { return };
        let ports = policy
            .get("portLevelSettings")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        policies.extend(
            ports
                .enumerate()
                .map(|(port, it)| (format!("{path}.portLevelSettings[{port}]"), it)),
        );
        policies.push((path, policy));
    };
    add(
        "spec.trafficPolicy".to_owned(),
        item.at("/spec/trafficPolicy"),
    );
    for (index, subset) in item.items("/spec/subsets").iter().enumerate() {
        add(
            format!("spec.subsets[{index}].trafficPolicy"),
            subset.get("trafficPolicy"),
        );
    }
    policies
}

/// Names the parts of traffic policies that satisfy a condition.
fn policies(cluster: &Cluster, part: &str, is_meant: impl Fn(&Value) -> bool) -> Vec<Subject> {
    let mut found = Vec::new();
    for item in rules(cluster) {
        for (path, policy) in traffic_policies(item) {
            if policy.get(part).is_some_and(&is_meant) {
                found.push(item.subject(&format!("{path}.{part}")));
            }
        }
    }
    found
}

fn is_empty(map: &Value, key: &str) -> bool {
    map.get(key)
        .and_then(Value::as_str)
        .is_none_or(str::is_empty)
}

/// As istioctl's own precheck has it (1.21:istioctl/pkg/precheck/precheck.go).
fn is_unverified(tls: &Value) -> bool {
    is_empty(tls, "caCertificates")
        && is_empty(tls, "credentialName")
        && tls.get("insecureSkipVerify").and_then(Value::as_bool) != Some(true)
}

/// Names the TLS settings that originate TLS (mode SIMPLE or MUTUAL) and satisfy a condition.
fn originated_tls(cluster: &Cluster, is_meant: impl Fn(&Value) -> bool) -> Vec<Subject> {
    policies(cluster, "tls", |tls| {
        matches!(
            tls.get("mode").and_then(Value::as_str),
            Some("SIMPLE" | "MUTUAL")
        ) && is_meant(tls)
    })
}

fn tls_for_external_services(cluster: &Cluster) -> Vec<Subject> {
    let entries = cluster.objects("networking.istio.io", "ServiceEntry");
    // Only endpoints that are workloads declare TLS of their own.
    let external = entries.filter(|it| {
        it.text("/spec/location") != Some("MESH_INTERNAL")
            && (it.map("/spec/workloadSelector").is_some()
                || !it.items("/spec/endpoints").is_empty())
    });
    let hosts: Vec<&str> = external.flat_map(|it| it.texts("/spec/hosts")).collect();
    let mut found = Vec::new();
    for item in rules(cluster).filter(|it| {
        it.text("/spec/host")
            .is_some_and(|host| hosts.contains(&host))
    }) {
        for (path, policy) in traffic_policies(item) {
            if policy.get("tls").is_some() {
                found.push(item.subject(&format!("{path}.tls")));
            }
        }
    }
    found
}

fn differing_exports(cluster: &Cluster) -> Vec<Subject> {
    let mut by_host: SortedMap<(&str, &str), Vec<Item>> = SortedMap::new();
    for item in rules(cluster).filter(|it| it.map("/spec/workloadSelector").is_none()) {
        if let Some(host) = item.text("/spec/host") {
            by_host
                .entry((item.namespace(), host))
                .or_default()
                .push(item);
        }
    }
    let exports = |it: &Item<'_>| -> Vec<String> {
        let mut names: Vec<String> = it.texts("/spec/exportTo").map(str::to_owned).collect();
        sorted::sort(&mut names);
        names
    };
    let differ = |items: &&Vec<Item>| {
        items
            .windows(2)
            .any(|it| exports(&it[0]) != exports(&it[1]))
    };
    by_host
        .values()
        .filter(differ)
        .flatten()
        .map(|it| it.subject("spec.exportTo"))
        .collect()
}
