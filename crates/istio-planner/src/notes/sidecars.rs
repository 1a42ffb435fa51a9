//! Facts about sidecars: how they are injected, and what their pods ask for.

use std::net::IpAddr;

use super::cluster::{Cluster, of_pod, of_workload};
use super::{Affects, Fact, Setting};
use serde_json::Value;

use crate::outcome::{Code, Level, Ref, Subject};
use istio_catalog::Version;

pub(super) const FACTS: &[Fact] = &[
    Fact {
        code: Code::DnsUpstreamRandom,
        since: &[(25, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Sidecars,
        title: "The agent's DNS asks one of the servers of resolv.conf at random, no longer the first",
        detail: "Where the servers do not know the same names, some questions now go to one that does not know the answer.",
        fix: "Let every server in the pods' resolv.conf know all names.",
        setting: None,
        source: "releasenotes/notes/random-dns-upstream-selection.yaml",
        reverses: false,
        evidence: |cluster| {
            let name = "ISTIO_META_DNS_CAPTURE";
            let on = cluster.proxy_metadata(name) == Some("true");
            let path = format!("defaultConfig.proxyMetadata.{name}");
            cluster
                .mesh_subject(&path)
                .filter(|_| on)
                .into_iter()
                .collect()
        },
    },
    Fact {
        code: Code::NativeSidecars,
        since: &[(27, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Sidecars,
        title: "Restarted pods get the proxy as a native sidecar, an init container that keeps running",
        detail: "Every node is at 1.33 or newer, so native sidecars are on by default. Webhooks, policies \
                 (of Kyverno, Gatekeeper and the like) and commands that look for istio-proxy among `containers` do not find it, and Jobs now end by themselves.",
        fix: "Check what else changes or watches pods (the webhooks that are named), or annotate pods with \
              sidecar.istio.io/nativeSidecar: \"false\".",
        setting: Some(Setting {
            path: "pilot.env.ENABLE_NATIVE_SIDECARS",
            old: "false",
        }),
        source: "releasenotes/notes/native-sidecar-default.yaml",
        reverses: true,
        evidence: native_nodes,
    },
    Fact {
        code: Code::NativeSidecarsMixedNodes,
        since: &[(27, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Sidecars,
        title: "Whether restarted pods get a native sidecar depends on the day",
        detail: "Native sidecars are on by default as soon as every node is at 1.33 or newer. Some are and some are not: \
                 pods injected before and after the last of these nodes is upgraded or removed differ, without any change \
                 of Istio.",
        fix: "Say which is meant: values.pilot.env.ENABLE_NATIVE_SIDECARS \"true\" or \"false\"; or upgrade the nodes first.",
        setting: Some(Setting {
            path: "pilot.env.ENABLE_NATIVE_SIDECARS",
            old: "false",
        }),
        source: "releasenotes/notes/native-sidecar-default.yaml",
        reverses: true,
        evidence: mixed_nodes,
    },
    Fact {
        code: Code::StartupProbe,
        since: &[(20, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Sidecars,
        title: "Sidecars have a startup probe, and slower readiness probes",
        detail: "A sidecar that does not start within ten minutes is ended. These pods tune the readiness probe, which \
                 now begins after the startup probe.",
        fix: "Take the annotations out, or disable values.global.proxy.startupProbe.enabled.",
        setting: None,
        source: "releasenotes/notes/startupProbe.yaml",
        reverses: true,
        evidence: |cluster| {
            ["initialDelaySeconds", "periodSeconds", "failureThreshold"]
                .iter()
                .flat_map(|it| {
                    cluster.annotated(&format!("readiness.status.sidecar.istio.io/{it}"), |_| true)
                })
                .collect()
        },
    },
    Fact {
        code: Code::CoreDumpAnnotation,
        since: &[(24, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Sidecars,
        title: "The annotation sidecar.istio.io/enableCoreDump has no effect",
        detail: "It is gone, together with the setting values.global.proxy.enableCoreDump.",
        fix: "See samples/proxy-coredump of the release for other ways.",
        setting: None,
        source: "releasenotes/notes/drop-coredump.yaml",
        reverses: false,
        evidence: |cluster| cluster.annotated("sidecar.istio.io/enableCoreDump", |it| it == "true"),
    },
    Fact {
        code: Code::DnsRespectsExclusions,
        since: &[(23, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Sidecars,
        title: "DNS traffic respects a pod's exclusions of outbound ports and addresses",
        detail: "Before, DNS was captured although an exclusion matched it. With an exclusion of port 53, or of the \
                 DNS service's address, the proxy no longer answers DNS for these pods.",
        fix: "Take port 53 and the DNS service's address out of the exclusions where DNS capture is wanted.",
        setting: None,
        source: "releasenotes/notes/retroactive-note-for-53949.yaml",
        reverses: true,
        evidence: excluded_dns,
    },
    Fact {
        code: Code::VirtualInterfacesAnnotation,
        since: &[(26, 5), (27, 2), (28, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Sidecars,
        title: "istio.io/reroute-virtual-interfaces wins over traffic.sidecar.istio.io/kubevirtInterfaces",
        detail: "The older annotation is deprecated since 1.25; before, both were used where both are set.",
        fix: "Keep istio.io/reroute-virtual-interfaces only.",
        setting: None,
        source: "releasenotes/notes/57662.yaml",
        reverses: false,
        evidence: |cluster| {
            cluster.annotated("traffic.sidecar.istio.io/kubevirtInterfaces", |_| true)
        },
    },
    Fact {
        code: Code::DeltaXds,
        since: &[(22, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::ControlPlane,
        title: "Proxies are configured by the delta protocol",
        detail: "The mesh says nothing about ISTIO_DELTA_XDS, so every new proxy uses it. Clients of istiod that are \
                 not Istio's proxies, and EnvoyFilters that depend on the state-of-the-world protocol, may notice.",
        fix: "Watch proxies' configuration after the upgrade.",
        setting: Some(Setting {
            path: "meshConfig.defaultConfig.proxyMetadata.ISTIO_DELTA_XDS",
            old: "false",
        }),
        source: "releasenotes/notes/delta-xds-default.yaml",
        reverses: true,
        evidence: |cluster| {
            let unset = cluster.proxy_metadata("ISTIO_DELTA_XDS").is_none();
            let clients = super::routing::envoy_filters(
                cluster,
                &["ads_config", "xds_cluster", "api_config_source"],
            );
            if unset { clients } else { Vec::new() }
        },
    },
    Fact {
        code: Code::BootstrapXds,
        since: &[(21, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Sidecars,
        title: "Patches to a proxy's bootstrap are not applied at its start by BOOTSTRAP_XDS_AGENT",
        detail: "The experiment is gone; EnvoyFilters that apply to BOOTSTRAP have no effect through it.",
        fix: "Use a custom bootstrap (sidecar.istio.io/bootstrapOverride) instead.",
        setting: None,
        source: "releasenotes/notes/bds-removal.yaml",
        reverses: false,
        evidence: |cluster| {
            let on = cluster.proxy_metadata("BOOTSTRAP_XDS_AGENT") == Some("true");
            if on {
                super::routing::envoy_filters(cluster, &["\"BOOTSTRAP\""])
            } else {
                Vec::new()
            }
        },
    },
    Fact {
        code: Code::FirstPartyJwt,
        since: &[(22, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Installation,
        title: "First-party tokens are no longer supported",
        detail: "values.global.jwtPolicy=first-party-jwt is gone: proxies use tokens bound to their pod alone.",
        fix: "Change to third-party-jwt before the upgrade, and restart the workloads.",
        setting: None,
        source: "releasenotes/notes/no-1p-jwt.yaml",
        reverses: false,
        evidence: |cluster| {
            let set = cluster.variable("JWT_POLICY") == Some("first-party-jwt");
            let field = "spec.template.spec.containers[name=discovery].env[name=JWT_POLICY]";
            let istiod = cluster.istiod().filter(|_| set);
            istiod
                .map(|it| it.subject(field).value("first-party-jwt"))
                .into_iter()
                .collect()
        },
    },
];

/// Names the nodes, if all are new enough for native sidecars and some pod has a classic one (domain §8.4).
/// The nodes that keep the others from deciding.
fn mixed_nodes(cluster: &Cluster) -> Vec<Subject> {
    let nodes = &cluster.snapshot.nodes;
    let versions = || nodes.values().map(|it| Version::parse_tag(&it.kubelet));
    let able = |it: &Version| (it.major, it.minor) >= (1, 33);
    // A version that cannot be read tells nothing.
    if versions().any(|it| it.is_none()) || !versions().flatten().any(|it| able(&it)) {
        return Vec::new();
    }
    let sidecars = cluster
        .snapshot
        .pods
        .values()
        .any(|it| it.annotations.contains_key("sidecar.istio.io/status"));
    if !sidecars {
        return Vec::new();
    }
    let old = nodes
        .iter()
        .filter(|it| Version::parse_tag(&it.1.kubelet).is_some_and(|it| !able(&it)));
    old.map(|(name, node)| {
        let reference = Ref {
            api_version: "v1".to_owned(),
            kind: "Node".to_owned(),
            namespace: None,
            name: name.clone(),
        };
        Subject::exported(reference, &node.origin)
            .field("status.nodeInfo.kubeletVersion")
            .value(node.kubelet.clone())
    })
    .collect()
}

fn native_nodes(cluster: &Cluster) -> Vec<Subject> {
    let nodes = &cluster.snapshot.nodes;
    let able = |kubelet: &str| {
        Version::parse_tag(kubelet).is_some_and(|it| (it.major, it.minor) >= (1, 33))
    };
    let classic = cluster.snapshot.pods.values().any(|pod| {
        let injected = pod.annotations.contains_key("sidecar.istio.io/status");
        injected
            && pod
                .containers
                .iter()
                .any(|it| it.name == "istio-proxy" && !it.init)
    });
    if nodes.is_empty() || !classic || !nodes.values().all(|it| able(&it.kubelet)) {
        return Vec::new();
    }
    let subject = |name: &String, kubelet: &str, origin| {
        let reference = Ref {
            api_version: "v1".to_owned(),
            kind: "Node".to_owned(),
            namespace: None,
            name: name.clone(),
        };
        Subject::exported(reference, origin)
            .field("status.nodeInfo.kubeletVersion")
            .value(kubelet)
    };
    let nodes = nodes
        .iter()
        .map(|(name, it)| subject(name, &it.kubelet, &it.origin));
    nodes.chain(other_webhooks(cluster)).collect()
}

/// Webhooks of others that change or look at the pods that are made: they meet the proxy among `initContainers`.
fn other_webhooks(cluster: &Cluster) -> Vec<Subject> {
    let mut found = Vec::new();
    for kind in [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ] {
        for item in cluster.objects("admissionregistration.k8s.io", kind) {
            for (index, webhook) in item.items("/webhooks").iter().enumerate() {
                let text = |pointer: &str| {
                    let value = webhook.pointer(pointer);
                    value.and_then(Value::as_str).unwrap_or_default()
                };
                let own = text("/name").ends_with("istio.io")
                    || text("/clientConfig/service/path").starts_with("/inject");
                if !own && is_for_pods(webhook) {
                    found.push(
                        item.subject(&format!("webhooks[{index}].name"))
                            .value(text("/name")),
                    );
                }
            }
        }
    }
    found
}

/// Whether a rule of a webhook names the creation of pods.
fn is_for_pods(webhook: &Value) -> bool {
    let rules = webhook.get("rules").and_then(Value::as_array);
    rules.into_iter().flatten().any(|rule| {
        let names = |key: &str, wanted: &[&str]| {
            let listed = rule.get(key).and_then(Value::as_array);
            let mut listed = listed.into_iter().flatten().filter_map(Value::as_str);
            listed.any(|it| wanted.contains(&it))
        };
        names("operations", &["CREATE", "*"])
            && names("apiGroups", &["", "*"])
            && names("resources", &["pods", "*", "*/*"])
    })
}

fn excluded_dns(cluster: &Cluster) -> Vec<Subject> {
    const PORTS: &str = "traffic.sidecar.istio.io/excludeOutboundPorts";
    const RANGES: &str = "traffic.sidecar.istio.io/excludeOutboundIPRanges";
    const CAPTURE: &str = "ISTIO_META_DNS_CAPTURE";
    let everywhere = cluster.proxy_metadata(CAPTURE) == Some("true");
    let servers: Vec<IpAddr> = cluster
        .objects("", "Service")
        .filter(|it| it.label("k8s-app") == Some("kube-dns"))
        .flat_map(|it| {
            it.texts("/spec/clusterIPs")
                .chain(it.text("/spec/clusterIP"))
        })
        .filter_map(|it| it.parse().ok())
        .collect();
    let port = |text: &str| text.split(',').any(|it| it.trim() == "53");
    let range = |text: &str| {
        text.split(',')
            .any(|it| servers.iter().any(|server| covers(it.trim(), *server)))
    };
    let mut found = Vec::new();
    let mut check = |annotations: &sorted::SortedMap<String, String>,
                     field: &str,
                     subject: &dyn Fn() -> Subject| {
        let here = annotations
            .get("proxy.istio.io/config")
            .is_some_and(|it| it.contains(CAPTURE));
        for (key, is_meant) in [(PORTS, &port as &dyn Fn(&str) -> bool), (RANGES, &range)] {
            if let Some(value) = annotations
                .get(key)
                .filter(|it| (everywhere || here) && is_meant(it))
            {
                found.push(
                    subject()
                        .field(format!("{field}metadata.annotations[{key}]"))
                        .value(value.as_str()),
                );
            }
        }
    };
    for it in cluster.workloads() {
        check(&it.template_annotations, "spec.template.", &|| {
            of_workload(it)
        });
    }
    for it in cluster.bare_pods() {
        check(&it.annotations, "", &|| of_pod(it));
    }
    found
}

/// Tells whether a range (`10.0.0.0/8`, or one address) holds an address.
fn covers(range: &str, address: IpAddr) -> bool {
    let (base, length) = match range.split_once('/') {
        Some((base, length)) => (base, length.parse::<u32>().ok()),
        None => (range, Some(128)),
    };
    let bits = |it: IpAddr| match it {
        IpAddr::V4(it) => (u128::from(u32::from(it)), 32),
        IpAddr::V6(it) => (u128::from(it), 128),
    };
    let (Ok(base), Some(length)) = (base.parse::<IpAddr>(), length) else {
        return false;
    };
    let ((base, width), (address, address_width)) = (bits(base), bits(address));
    let rest = width - length.min(width);
    width == address_width
        && base.checked_shr(rest).unwrap_or(0) == address.checked_shr(rest).unwrap_or(0)
}
