//! Facts about `VirtualServices`, Services and how requests are routed.

use serde_json::Value;
use sorted::SortedSet;

use super::cluster::{Cluster, Item};
use super::{Affects, Fact, Setting};
use crate::outcome::{Code, Level, Subject};

pub(super) const FACTS: &[Fact] = &[
    Fact {
        code: Code::ExternalNameAlias,
        since: &[(21, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "ExternalName Services are aliases of the Service they name",
        detail: "Before, each was a service of its own, reached at the external name. Now routes and policies of the \
                 name that it points to apply, and those of the ExternalName Service do not.",
        fix: "Move VirtualServices, DestinationRules and policies of these Services to the names they point to, or \
              use ServiceEntries.",
        setting: Some(Setting {
            path: "pilot.env.ENABLE_EXTERNAL_NAME_ALIAS",
            old: "false",
        }),
        source: "releasenotes/notes/external-name-on.yaml",
        reverses: true,
        evidence: external_names,
    },
    Fact {
        code: Code::OverlappingWildcardHosts,
        since: &[(18, 7), (19, 6), (20, 2), (21, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "Of VirtualServices whose wildcard hosts overlap, the most specific one wins",
        detail: "Before, the oldest one won, whatever its host.",
        fix: "Check which of these VirtualServices is meant to serve the hosts that both match.",
        setting: Some(Setting {
            path: "pilot.env.PERSIST_OLDEST_FIRST_HEURISTIC_FOR_VIRTUAL_SERVICE_HOST_MATCHING",
            old: "true",
        }),
        source: "releasenotes/notes/45415-overlapping-wildcards.yaml",
        reverses: true,
        evidence: overlapping_wildcards,
    },
    Fact {
        code: Code::DefaultRetryWithout503,
        since: &[(24, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::ControlPlane,
        title: "The default retry policy no longer retries on 503",
        detail: "Routes that give attempts but no `retryOn` use the default conditions; before, those held 503.",
        fix: "Name the conditions in `retryOn` where a retry on 503 is wanted.",
        setting: Some(Setting {
            path: "pilot.env.EXCLUDE_UNSAFE_503_FROM_DEFAULT_RETRY",
            old: "false",
        }),
        source: "releasenotes/notes/50506.yaml",
        reverses: true,
        evidence: retries_by_default,
    },
    Fact {
        code: Code::InboundRetryPolicy,
        since: &[(24, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Sidecars,
        title: "Inbound routes retry requests that were reset before they reached the service",
        detail: "EnvoyFilters that change the retry policy of inbound routes now meet one that is there already.",
        fix: "Check that these EnvoyFilters still give the retry policy that is meant.",
        setting: Some(Setting {
            path: "pilot.env.ENABLE_INBOUND_RETRY_POLICY",
            old: "false",
        }),
        source: "manifests/helm-profiles/compatibility-version-1.23.yaml",
        reverses: true,
        evidence: |cluster| envoy_filters(cluster, &["retry_policy"]),
    },
    Fact {
        code: Code::TrafficDistributionZone,
        since: &[(27, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::ControlPlane,
        title: "PreferClose looks at the zone alone, no longer at the subzone",
        detail: "Traffic of these Services may spread over more endpoints than before.",
        fix: "Use a DestinationRule with localityLbSetting where subzones matter.",
        setting: None,
        source: "releasenotes/notes/55848.yaml",
        reverses: true,
        evidence: prefer_close,
    },
    Fact {
        code: Code::MirrorHostSuffix,
        since: &[(28, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "Mirrored requests keep their host, without the suffix -shadow",
        detail: "What receives mirrored requests may tell them by that suffix.",
        fix: "Tell mirrored requests apart by the destination they are sent to.",
        setting: Some(Setting {
            path: "pilot.env.DISABLE_SHADOW_HOST_SUFFIX",
            old: "false",
        }),
        source: "releasenotes/notes/57530.yaml",
        reverses: true,
        evidence: mirrors,
    },
    Fact {
        code: Code::InternalHeaders,
        since: &[(25, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Gateways,
        title: "No address counts as internal any more, so internal x-envoy headers are removed",
        detail: "Before Envoy 1.33 all private addresses counted as internal, and x-envoy headers from them were kept.",
        fix: "Set meshNetworks with the mesh's ranges and ENABLE_HCM_INTERNAL_NETWORKS=true on istiod.",
        setting: None,
        source: "releasenotes/notes/53402.yaml",
        reverses: true,
        evidence: internal_headers,
    },
    Fact {
        code: Code::FilterOrder,
        since: &[(20, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "Network filters stand in one order everywhere",
        detail: "Inbound TCP puts metadata exchange before authentication; TCP gateways put statistics after \
                 authorization, and custom authorization before authentication. An EnvoyFilter that inserts relative \
                 to another filter may end up elsewhere.",
        fix: "Check where the filters that these EnvoyFilters insert stand after the upgrade.",
        setting: None,
        source: "releasenotes/notes/filter-order.yaml",
        reverses: true,
        evidence: relative_network_filters,
    },
    Fact {
        code: Code::EnvoyFiltersGone,
        since: &[(20, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "The filters forward_downstream_sni, tcp_cluster_rewrite and sni_verifier are gone from the proxy",
        detail: "A proxy refuses configuration that names a filter it does not have.",
        fix: "Remove them from these EnvoyFilters before the upgrade.",
        setting: None,
        source: "releasenotes/notes/envoy-filter-removal.yaml",
        reverses: false,
        evidence: |cluster| {
            envoy_filters(
                cluster,
                &[
                    "forward_downstream_sni",
                    "tcp_cluster_rewrite",
                    "sni_verifier",
                ],
            )
        },
    },
    Fact {
        code: Code::ConnectionsPerEvent,
        since: &[(26, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Sidecars,
        title: "Listeners accept one connection for each socket event",
        detail: "An EnvoyFilter that sets the same limit on listeners now overrides a default.",
        fix: "Check that these EnvoyFilters are still wanted.",
        setting: None,
        source: "releasenotes/notes/max-socket-events.yaml",
        reverses: false,
        evidence: |cluster| envoy_filters(cluster, &["max_connections_to_accept_per_socket_event"]),
    },
];

/// Names the `EnvoyFilters` in which one of these words stands.
pub(super) fn envoy_filters(cluster: &Cluster, words: &[&str]) -> Vec<Subject> {
    let filters = cluster.objects("networking.istio.io", "EnvoyFilter");
    filters
        .filter(|it| it.mentions("/spec", words))
        .map(|it| it.subject("spec.configPatches"))
        .collect()
}

fn external_names(cluster: &Cluster) -> Vec<Subject> {
    let services = cluster.objects("", "Service");
    let external = services.filter(|it| it.text("/spec/type") == Some("ExternalName"));
    external
        .map(|it| it.subject("spec.type").value("ExternalName"))
        .collect()
}

fn virtual_services<'a>(cluster: &Cluster<'a>) -> impl Iterator<Item = Item<'a>> {
    cluster.objects("networking.istio.io", "VirtualService")
}

/// A wildcard host of a `VirtualService`.
struct Wildcard<'a> {
    item: Item<'a>,
    index: usize,
    host: &'a str,
    /// What follows the `*`.
    suffix: &'a str,
    /// `mesh`, or `NAMESPACE/NAME`.
    gateways: SortedSet<String>,
}

fn wildcards(item: Item<'_>) -> impl Iterator<Item = Wildcard<'_>> {
    let full = |it: &str| {
        if it == "mesh" || it.contains('/') {
            it.to_owned()
        } else {
            format!("{}/{it}", item.namespace())
        }
    };
    let mut gateways: SortedSet<String> = item.texts("/spec/gateways").map(full).collect();
    if gateways.is_empty() {
        gateways.insert("mesh".to_owned());
    }
    item.texts("/spec/hosts")
        .enumerate()
        .filter_map(move |(index, host)| {
            Some(Wildcard {
                item,
                index,
                host,
                suffix: host.strip_prefix('*')?,
                gateways: gateways.clone(),
            })
        })
}

fn overlapping_wildcards(cluster: &Cluster) -> Vec<Subject> {
    let all: Vec<Wildcard> = virtual_services(cluster).flat_map(wildcards).collect();
    let overlaps = |a: &Wildcard, b: &Wildcard| {
        a.suffix != b.suffix
            && (a.suffix.ends_with(b.suffix) || b.suffix.ends_with(a.suffix))
            && !a.gateways.is_disjoint(&b.gateways)
            && a.item.reference != b.item.reference
    };
    let hit = all.iter().filter(|a| all.iter().any(|b| overlaps(a, b)));
    hit.map(|it| {
        it.item
            .subject(&format!("spec.hosts[{}]", it.index))
            .value(it.host)
    })
    .collect()
}

/// Names the HTTP routes of `VirtualServices` that satisfy a condition.
fn http_routes(cluster: &Cluster, field: &str, is_meant: impl Fn(&Value) -> bool) -> Vec<Subject> {
    let mut found = Vec::new();
    for item in virtual_services(cluster) {
        for (index, route) in item.items("/spec/http").iter().enumerate() {
            if is_meant(route) {
                found.push(item.subject(&format!("spec.http[{index}].{field}")));
            }
        }
    }
    found
}

fn retries_by_default(cluster: &Cluster) -> Vec<Subject> {
    let conditions = |retries: &Value| {
        retries
            .get("retryOn")
            .and_then(Value::as_str)
            .is_some_and(|it| !it.is_empty())
    };
    let attempts = |retries: &Value| retries.get("attempts").and_then(Value::as_i64) != Some(0);
    http_routes(cluster, "retries", |route| {
        route
            .get("retries")
            .is_some_and(|it| attempts(it) && !conditions(it))
    })
}

fn mirrors(cluster: &Cluster) -> Vec<Subject> {
    let has = |route: &Value, key: &str| route.get(key).is_some_and(|it| !it.is_null());
    let mut found = http_routes(cluster, "mirror", |it| has(it, "mirror"));
    found.extend(http_routes(cluster, "mirrors", |it| has(it, "mirrors")));
    for item in cluster.objects("gateway.networking.k8s.io", "HTTPRoute") {
        if item.mentions("/spec/rules", &["\"RequestMirror\""]) {
            found.push(item.subject("spec.rules"));
        }
    }
    found
}

fn prefer_close(cluster: &Cluster) -> Vec<Subject> {
    const ANNOTATION: &str = "networking.istio.io/traffic-distribution";
    let services = cluster.objects("", "Service");
    services
        .filter_map(|it| {
            let spec = it
                .text("/spec/trafficDistribution")
                .map(|value| ("spec.trafficDistribution".to_owned(), value));
            let note = it
                .annotation(ANNOTATION)
                .map(|value| (format!("metadata.annotations[{ANNOTATION}]"), value));
            let (field, value) = spec.or(note).filter(|(_, value)| *value == "PreferClose")?;
            Some(it.subject(&field).value(value))
        })
        .collect()
}

fn internal_headers(cluster: &Cluster) -> Vec<Subject> {
    if cluster.variable("ENABLE_HCM_INTERNAL_NETWORKS") == Some("true") {
        return Vec::new();
    }
    let mut found = envoy_filters(
        cluster,
        &["use_remote_address", "internal_address_config", "x-envoy-"],
    );
    let routes = virtual_services(cluster).filter(|it| it.mentions("/spec/http", &["\"x-envoy-"]));
    found.extend(routes.map(|it| it.subject("spec.http")));
    found
}

fn relative_network_filters(cluster: &Cluster) -> Vec<Subject> {
    let mut found = Vec::new();
    for item in cluster.objects("networking.istio.io", "EnvoyFilter") {
        for (index, patch) in item.items("/spec/configPatches").iter().enumerate() {
            let text = |pointer| patch.pointer(pointer).and_then(Value::as_str);
            let relative = text("/patch/operation").filter(|it| it.starts_with("INSERT_"));
            if let (Some("NETWORK_FILTER"), Some(operation)) = (text("/applyTo"), relative) {
                found.push(
                    item.subject(&format!("spec.configPatches[{index}].patch.operation"))
                        .value(operation),
                );
            }
        }
    }
    found
}
