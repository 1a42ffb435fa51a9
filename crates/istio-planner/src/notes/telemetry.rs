//! Facts about metrics, traces and logs.

use serde_json::Value;

use super::cluster::{Cluster, of_workload};
use super::{Affects, Fact, Setting};
use crate::outcome::{Code, Level, Subject};

pub(super) const FACTS: &[Fact] = &[
    Fact {
        code: Code::DefaultTracing,
        since: &[(22, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Telemetry,
        title: "Traces are no longer sent to zipkin in the control plane's namespace by default",
        detail: "The Service is there, and neither the mesh nor a Telemetry object says where traces go.",
        fix: "Name the tracing provider in meshConfig.extensionProviders and in a Telemetry object.",
        setting: Some(Setting {
            path: "meshConfig.defaultConfig.tracing.zipkin.address",
            old: "zipkin.istio-system:9411",
        }),
        source: "releasenotes/notes/drop-default-tracing.yaml",
        reverses: true,
        evidence: default_tracing,
    },
    Fact {
        code: Code::TelemetryExpressions,
        since: &[(24, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Telemetry,
        title: "Expressions use Envoy's own attributes, no longer those of the Wasm extensions",
        detail: "Peers are in filter_state.downstream_peer and filter_state.upstream_peer, the node in xds.node. \
                 Expressions with the old names no longer match.",
        fix: "Rewrite the expressions; `has(filter_state.downstream_peer) ? … : …` serves both while proxies are mixed.",
        setting: None,
        source: "releasenotes/notes/telemetry-cel.yaml",
        reverses: true,
        evidence: old_attributes,
    },
    Fact {
        code: Code::TelemetryFiltersGone,
        since: &[(21, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Telemetry,
        title: "Telemetry is no longer made by EnvoyFilters of the installation",
        detail: "These are left over from older releases: new proxies do not match them, and nothing deletes them.",
        fix: "Delete them once no proxy of their version runs.",
        setting: None,
        source: "releasenotes/notes/drop-telemetry-envoyfilter.yaml",
        reverses: false,
        evidence: |cluster| {
            let prefixes = [
                "stats-filter-",
                "tcp-stats-filter-",
                "metadata-exchange-",
                "tcp-metadata-exchange-",
                "stackdriver-filter-",
            ];
            let filters = cluster.objects("networking.istio.io", "EnvoyFilter");
            let own = filters.filter(|it| it.namespace() == cluster.namespace);
            own.filter(|it| prefixes.iter().any(|prefix| it.name().starts_with(prefix)))
                .map(|it| it.subject("metadata.name"))
                .collect()
        },
    },
    Fact {
        code: Code::OpencensusProviderGone,
        since: &[(23, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Telemetry,
        title: "Extension providers of OpenCensus are gone",
        detail: "istiod no longer configures them, so these providers send nothing.",
        fix: "Use an OpenTelemetry provider.",
        setting: None,
        source: "releasenotes/notes/51078.yaml",
        reverses: false,
        evidence: |cluster| providers(cluster, &["opencensus"], &[]),
    },
    Fact {
        code: Code::OpencensusGone,
        since: &[(25, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Telemetry,
        title: "OpenCensus tracing is gone",
        detail: "Envoy no longer has it, so the agent gets nothing.",
        fix: "Use an OpenTelemetry provider.",
        setting: None,
        source: "releasenotes/notes/opencensus-removal.yaml",
        reverses: false,
        evidence: |cluster| providers(cluster, &[], &["defaultConfig.tracing.openCensusAgent"]),
    },
    Fact {
        code: Code::LightstepGone,
        since: &[(27, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Telemetry,
        title: "Lightstep tracing is gone",
        detail: "These providers send nothing.",
        fix: "Use an OpenTelemetry provider.",
        setting: None,
        source: "releasenotes/notes/54002.yaml",
        reverses: false,
        evidence: |cluster| {
            providers(
                cluster,
                &["lightstep"],
                &["defaultConfig.tracing.lightstep"],
            )
        },
    },
    Fact {
        code: Code::StackdriverGone,
        since: &[(23, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Telemetry,
        title: "Stackdriver metrics and logs are gone",
        detail: "istiod no longer configures them, so these providers send nothing.",
        fix: "Use OpenTelemetry, or the cloud's own collectors.",
        setting: None,
        source: "releasenotes/notes/51044.yaml",
        reverses: false,
        evidence: |cluster| {
            let mut found = providers(
                cluster,
                &["stackdriver"],
                &["defaultConfig.tracing.stackdriver"],
            );
            found.extend(by_default(cluster, "stackdriver"));
            found
        },
    },
    Fact {
        code: Code::StatsTagPatterns,
        since: &[(23, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Telemetry,
        title: "Names of metrics are cut into tags by delimiters",
        detail: "Own tags that these settings add to metrics may come out otherwise.",
        fix: "Compare the metrics of a restarted proxy with those before.",
        setting: Some(Setting {
            path: "pilot.env.ENABLE_DELIMITED_STATS_TAG_REGEX",
            old: "false",
        }),
        source: "manifests/helm-profiles/compatibility-version-1.22.yaml",
        reverses: true,
        evidence: |cluster| {
            let mut found = cluster.mesh_settings(&["defaultConfig.extraStatTags"]);
            found.extend(cluster.annotated("sidecar.istio.io/extraStatTags", |_| true));
            found
        },
    },
    Fact {
        code: Code::DeferredClusters,
        since: &[(23, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Telemetry,
        title: "Proxies make clusters only when a request needs them",
        detail: "Metrics of clusters that were never used are missing. These settings ask for such metrics.",
        fix: "Let alerts and dashboards take a missing series for 0.",
        setting: Some(Setting {
            path: "meshConfig.defaultConfig.proxyMetadata.ENABLE_DEFERRED_CLUSTER_CREATION",
            old: "false",
        }),
        source: "manifests/helm-profiles/compatibility-version-1.22.yaml",
        reverses: true,
        evidence: chosen_metrics,
    },
    Fact {
        code: Code::DeferredMetrics,
        since: &[(24, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Telemetry,
        title: "Proxies make some metrics only when they are used",
        detail: "Series that would be 0 are missing. These settings ask for such metrics.",
        fix: "Let alerts and dashboards take a missing series for 0.",
        setting: Some(Setting {
            path: "meshConfig.defaultConfig.proxyMetadata.ENABLE_DEFERRED_STATS_CREATION",
            old: "false",
        }),
        source: "manifests/helm-profiles/compatibility-version-1.23.yaml",
        reverses: true,
        evidence: chosen_metrics,
    },
    Fact {
        code: Code::StatsCompressionAnnotation,
        since: &[(29, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Telemetry,
        title: "The annotation sidecar.istio.io/statsCompression has no effect",
        detail: "Compression of the metrics endpoint is on by default, as the scraper accepts it.",
        fix: "Set statsCompression in the annotation proxy.istio.io/config, or for the mesh.",
        setting: None,
        source: "releasenotes/notes/48051.yaml",
        reverses: false,
        evidence: |cluster| cluster.annotated("sidecar.istio.io/statsCompression", |_| true),
    },
    Fact {
        code: Code::UpstreamSpanForGateway,
        since: &[(28, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Telemetry,
        title: "Gateways make a span of their own for each request they send on",
        detail: "Traces get one more span at every gateway.",
        fix: "Expect more spans; check sampling and quotas of the tracing backend.",
        setting: Some(Setting {
            path: "pilot.env.PILOT_SPAWN_UPSTREAM_SPAN_FOR_GATEWAY",
            old: "false",
        }),
        source: "releasenotes/notes/spawn-upstream-span-for-gateway.yaml",
        reverses: true,
        evidence: |cluster| {
            let telemetry = cluster.objects("telemetry.istio.io", "Telemetry");
            telemetry
                .filter(|it| !it.items("/spec/tracing").is_empty())
                .map(|it| it.subject("spec.tracing"))
                .collect()
        },
    },
    Fact {
        code: Code::JsonLogOrder,
        since: &[(22, 3), (23, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Telemetry,
        title: "Keys of JSON access logs have no stable order",
        detail: "Log pipelines that read them by position, not by key, break.",
        fix: "Read access logs by key.",
        setting: None,
        source: "releasenotes/notes/48882.yaml",
        reverses: false,
        evidence: |cluster| {
            let json = cluster
                .mesh()
                .get("accessLogEncoding")
                .and_then(Value::as_str)
                == Some("JSON");
            json.then(|| cluster.mesh_subject("accessLogEncoding"))
                .flatten()
                .into_iter()
                .collect()
        },
    },
    Fact {
        code: Code::GrafanaDashboards,
        since: &[(25, 0), (27, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Telemetry,
        title: "Istio's dashboards have fixed identifiers and need Grafana 7.2 or newer",
        detail: "Links between dashboards of different releases do not lead anywhere.",
        fix: "Install the dashboards of the new release after the upgrade.",
        setting: None,
        source: "releasenotes/notes/50124.yaml",
        reverses: false,
        evidence: |cluster| {
            let grafana = cluster
                .workloads()
                .filter(|it| it.namespace == cluster.namespace && it.name == "grafana");
            grafana
                .map(|it| of_workload(it).field("metadata.name"))
                .collect()
        },
    },
];

fn default_tracing(cluster: &Cluster) -> Vec<Subject> {
    let mesh = cluster.mesh();
    // Releases before 1.22 write their own default into the mesh.
    let tracing = mesh.pointer("/defaultConfig/tracing");
    let other = tracing.is_some_and(|it| {
        let address = it.pointer("/zipkin/address").and_then(Value::as_str);
        let others = it
            .as_object()
            .into_iter()
            .flatten()
            .any(|(key, _)| key != "zipkin" && key != "sampling");
        others
            || address.is_some_and(|it| !it.starts_with(&format!("zipkin.{}", cluster.namespace)))
    });
    let telemetry = cluster
        .objects("telemetry.istio.io", "Telemetry")
        .any(|it| it.mentions("/spec/tracing", &["\"providers\""]));
    let provider = mesh
        .pointer("/defaultProviders/tracing")
        .and_then(Value::as_array)
        .is_some_and(|it| !it.is_empty());
    let off = mesh.get("enableTracing").and_then(Value::as_bool) == Some(false);
    if other || telemetry || provider || off {
        return Vec::new();
    }
    cluster
        .own("", "Service", "zipkin")
        .map(|it| it.subject("metadata.name"))
        .into_iter()
        .collect()
}

/// Attributes of the Wasm extensions, in expressions that are not yet qualified.
fn is_old_attribute(text: &str) -> bool {
    let words = |it: &str| {
        it.split(|it: char| !(it.is_alphanumeric() || "_.[]\"".contains(it)))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let mut words = words(text).into_iter();
    words.any(|it| {
        [
            "node.",
            "wasm.",
            "istio_",
            "upstream_peer.",
            "downstream_peer.",
        ]
        .iter()
        .any(|old| it.starts_with(old))
            || it.contains("filter_state[\"wasm.downstream_peer")
            || it.contains("filter_state[\"wasm.upstream_peer")
    })
}

fn old_attributes(cluster: &Cluster) -> Vec<Subject> {
    let mut found = Vec::new();
    for item in cluster.objects("telemetry.istio.io", "Telemetry") {
        // Only expressions: a filter's, and the values of tags.
        for subject in item.strings("/spec", &is_old_attribute) {
            let field = subject.field.as_deref().unwrap_or_default();
            if field.ends_with(".expression") || field.contains(".tagOverrides.") {
                found.push(subject);
            }
        }
    }
    for item in cluster.objects("networking.istio.io", "EnvoyFilter") {
        found.extend(item.strings("/spec", &|it| {
            it.contains("wasm.downstream_peer") || it.contains("wasm.upstream_peer")
        }));
    }
    found
}

/// Names the extension providers of some kinds, and other places of the `MeshConfig`.
fn providers(cluster: &Cluster, kinds: &[&str], paths: &[&str]) -> Vec<Subject> {
    let mut found = cluster.mesh_settings(paths);
    let providers = cluster
        .mesh()
        .get("extensionProviders")
        .and_then(Value::as_array);
    for (index, provider) in providers.into_iter().flatten().enumerate() {
        for kind in kinds.iter().filter(|it| provider.get(**it).is_some()) {
            found.extend(cluster.mesh_subject(&format!("extensionProviders[{index}].{kind}")));
        }
    }
    found
}

/// Names the places of `defaultProviders` that name a provider, where the charts write those that are built in.
fn by_default(cluster: &Cluster, provider: &str) -> Vec<Subject> {
    let defaults = cluster
        .mesh()
        .get("defaultProviders")
        .and_then(Value::as_object);
    defaults
        .into_iter()
        .flatten()
        .filter(|(_, list)| {
            let list = list.as_array();
            list.is_some_and(|it| it.iter().any(|it| it == provider))
        })
        .filter_map(|(kind, _)| cluster.mesh_subject(&format!("defaultProviders.{kind}")))
        .collect()
}

/// Names the settings that choose which metrics proxies keep.
fn chosen_metrics(cluster: &Cluster) -> Vec<Subject> {
    let mut found = cluster.mesh_settings(&["defaultConfig.proxyStatsMatcher"]);
    for it in [
        "statsInclusionPrefixes",
        "statsInclusionSuffixes",
        "statsInclusionRegexps",
    ] {
        found.extend(cluster.annotated(&format!("sidecar.istio.io/{it}"), |_| true));
    }
    found
}
