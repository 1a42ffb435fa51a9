//! Facts about gateways and the Gateway API.

use serde_json::Value;

use super::cluster::{Cluster, Item};
use super::{Affects, Fact, Setting};
use crate::outcome::{Code, Level, Subject};

const API: &str = "gateway.networking.k8s.io";
const OLD_LABEL: &str = "istio.io/gateway-name";
const NEW_LABEL: &str = "gateway.networking.k8s.io/gateway-name";
const NETWORK: &str = "topology.istio.io/network";

pub(super) const FACTS: &[Fact] = &[
    Fact {
        code: Code::GatewayNameLabelChanges,
        since: &[(21, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Gateways,
        title: "Pods of Gateway API gateways carry gateway.networking.k8s.io/gateway-name",
        detail: "The label istio.io/gateway-name stays beside it until 1.24. These objects select by it.",
        fix: "Change the selectors to gateway.networking.k8s.io/gateway-name after the upgrade.",
        setting: None,
        source: "releasenotes/notes/gateway-infra-gep.yaml",
        reverses: false,
        evidence: |cluster| selecting(cluster, OLD_LABEL),
    },
    Fact {
        code: Code::GatewayNameLabelGone,
        since: &[(24, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Gateways,
        title: "Pods of Gateway API gateways no longer carry istio.io/gateway-name",
        detail: "What selects by the old label selects nothing: policies no longer apply, Services have no endpoints.",
        fix: "Change the selectors to gateway.networking.k8s.io/gateway-name before the upgrade.",
        setting: None,
        source: "releasenotes/notes/52049.yaml",
        reverses: false,
        evidence: |cluster| selecting(cluster, OLD_LABEL),
    },
    Fact {
        code: Code::GatewayAttributesCopied,
        since: &[(27, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Gateways,
        title: "Deployments of Gateway API gateways take over labels and annotations of the Gateway",
        detail: "These Gateways have some, which their Deployments and pods will carry from now on.",
        fix: "Put what the pods shall carry into spec.infrastructure.",
        setting: Some(Setting {
            path: "pilot.env.PILOT_ENABLE_GATEWAY_API_COPY_LABELS_ANNOTATIONS",
            old: "false",
        }),
        source: "releasenotes/notes/55746.yaml",
        reverses: true,
        evidence: with_attributes,
    },
    Fact {
        code: Code::MultiNetworkGateways,
        since: &[(23, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Gateways,
        title: "Gateway API gateways with the label topology.istio.io/network join networks",
        detail: "istiod sends traffic of other networks through these Gateways.",
        fix: "Take the label away from Gateways that are no way into their network.",
        setting: Some(Setting {
            path: "pilot.env.PILOT_MULTI_NETWORK_DISCOVER_GATEWAY_API",
            old: "false",
        }),
        source: "pilot/pkg/features/pilot.go",
        reverses: true,
        evidence: |cluster| {
            let labelled = cluster
                .objects(API, "Gateway")
                .filter(|it| it.label(NETWORK).is_some());
            labelled
                .map(|it| it.subject(&format!("metadata.labels[{NETWORK}]")))
                .collect()
        },
    },
    Fact {
        code: Code::StrictGatewayMerging,
        since: &[(31, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Gateways,
        title: "Istio Gateways no longer configure Gateway API gateways of other namespaces",
        detail: "These Gateways select pods that a Gateway API gateway of another namespace made.",
        fix: "Move the Gateway into the namespace of the pods, or make it a Gateway of the Gateway API.",
        setting: Some(Setting {
            path: "pilot.env.PILOT_ENABLE_STRICT_GATEWAY_MERGING",
            old: "false",
        }),
        source: "manifests/helm-profiles/compatibility-version-1.30.yaml",
        reverses: true,
        evidence: merged_across_namespaces,
    },
    Fact {
        code: Code::TlsListeners,
        since: &[(30, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Gateways,
        title: "Listeners with protocol TLS are served",
        detail: "Before, they were served only with PILOT_ENABLE_ALPHA_GATEWAY_API. These begin to take connections.",
        fix: "Check that these listeners and their TLSRoutes are meant to be open.",
        setting: None,
        source: "releasenotes/notes/tls-protocol-gateway-no-alpha-gate.yaml",
        reverses: true,
        evidence: tls_listeners,
    },
    Fact {
        code: Code::BackendTlsPolicyAlphaGone,
        since: &[(28, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Gateways,
        title: "Only BackendTLSPolicies of v1 are read, and without the switch for alpha APIs",
        detail: "Those of v1alpha3 are ignored. With a CRD that serves v1 these policies take effect, even if they \
                 were ignored until now.",
        fix: "Install Gateway API 1.4 or newer, and check what these policies demand.",
        setting: None,
        source: "releasenotes/notes/gtw-140.yaml",
        reverses: true,
        evidence: |cluster| {
            let policies = cluster.objects(API, "BackendTLSPolicy");
            policies
                .map(|it| {
                    it.subject("apiVersion")
                        .value(it.reference.api_version.as_str())
                })
                .collect()
        },
    },
    Fact {
        code: Code::InferencePoolAlphaGone,
        since: &[(28, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Gateways,
        title: "Only InferencePools of inference.networking.k8s.io/v1 are read",
        detail: "Those of the alpha API are ignored, and routes to them lead nowhere. In v1 the picker's port has to \
                 be given.",
        fix: "Install the CRD of v1 and make these pools again.",
        setting: None,
        source: "releasenotes/notes/57219.yaml",
        reverses: false,
        evidence: |cluster| {
            let pools = cluster.objects("inference.networking.x-k8s.io", "InferencePool");
            pools
                .map(|it| {
                    it.subject("apiVersion")
                        .value(it.reference.api_version.as_str())
                })
                .collect()
        },
    },
    Fact {
        code: Code::GatewayAgentsEncrypted,
        since: &[(31, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Gateways,
        title: "Gateways of the class agentgateway speak mutual TLS with sidecars",
        detail: "Before, they spoke plain text, and policies that demand mutual TLS refused them.",
        fix: "Check policies that tell callers by identity.",
        setting: None,
        source: "releasenotes/notes/agw-mesh-backend-mtls.yaml",
        reverses: true,
        evidence: |cluster| {
            let gateways = cluster.objects(API, "Gateway");
            let agents = gateways.filter(|it| {
                it.text("/spec/gatewayClassName")
                    .is_some_and(|it| it.contains("agentgateway"))
            });
            agents
                .map(|it| it.subject("spec.gatewayClassName"))
                .collect()
        },
    },
];

/// Names what selects pods by a label: Istio's objects, Services, `NetworkPolicies` and budgets.
///
/// Services that istiod itself made for a gateway keep their selector, and are passed over.
fn selecting(cluster: &Cluster, label: &str) -> Vec<Subject> {
    const OWN: &str = "gateway.istio.io/managed";
    type Place = (
        &'static [&'static str],
        &'static str,
        &'static str,
        &'static str,
    );
    let places: [Place; 6] = [
        (&["Service"], "", "/spec/selector", "spec.selector"),
        (
            &["NetworkPolicy"],
            "networking.k8s.io",
            "/spec/podSelector/matchLabels",
            "spec.podSelector.matchLabels",
        ),
        (
            &["PodDisruptionBudget"],
            "policy",
            "/spec/selector/matchLabels",
            "spec.selector.matchLabels",
        ),
        (
            &[
                "AuthorizationPolicy",
                "RequestAuthentication",
                "PeerAuthentication",
            ],
            "security.istio.io",
            "/spec/selector/matchLabels",
            "spec.selector.matchLabels",
        ),
        (
            &["Gateway"],
            "networking.istio.io",
            "/spec/selector",
            "spec.selector",
        ),
        (
            &["EnvoyFilter"],
            "networking.istio.io",
            "/spec/workloadSelector/labels",
            "spec.workloadSelector.labels",
        ),
    ];
    let more: [Place; 2] = [
        (
            &["Telemetry"],
            "telemetry.istio.io",
            "/spec/selector/matchLabels",
            "spec.selector.matchLabels",
        ),
        (
            &["WasmPlugin"],
            "extensions.istio.io",
            "/spec/selector/matchLabels",
            "spec.selector.matchLabels",
        ),
    ];
    let mut found = Vec::new();
    for (kinds, group, pointer, field) in places.into_iter().chain(more) {
        for item in kinds.iter().flat_map(|kind| cluster.objects(group, kind)) {
            let selects = item.at(pointer).is_some_and(|it| it.get(label).is_some());
            if selects && item.label(OWN).is_none() {
                found.push(item.subject(&format!("{field}[{label}]")));
            }
        }
    }
    found
}

fn with_attributes(cluster: &Cluster) -> Vec<Subject> {
    let attributes = |item: &Item, pointer: &str| {
        let keys = item.map(pointer).into_iter().flat_map(|it| it.keys());
        keys.filter(|it| {
            !it.contains("kubectl.kubernetes.io")
                && !it.contains("istio.io")
                && !it.contains("helm.sh")
        })
        .count()
    };
    let gateways = cluster
        .objects(API, "Gateway")
        .filter(|it| it.at("/spec/infrastructure").is_none());
    let mut found = Vec::new();
    for item in gateways {
        for part in ["labels", "annotations"] {
            if attributes(&item, &format!("/metadata/{part}")) > 0 {
                found.push(item.subject(&format!("metadata.{part}")));
            }
        }
    }
    found
}

fn merged_across_namespaces(cluster: &Cluster) -> Vec<Subject> {
    let managed: Vec<_> = cluster
        .snapshot
        .pods
        .values()
        .filter(|it| it.labels.contains_key(NEW_LABEL))
        .collect();
    let gateways = cluster.objects("networking.istio.io", "Gateway");
    let meant = gateways.filter(|item| {
        let Some(selector) = item.map("/spec/selector") else {
            return false;
        };
        managed
            .iter()
            .filter(|pod| pod.namespace != item.namespace())
            .any(|pod| {
                selector
                    .iter()
                    .all(|(key, value)| pod.labels.get(key).map(String::as_str) == value.as_str())
            })
    });
    meant.map(|it| it.subject("spec.selector")).collect()
}

fn tls_listeners(cluster: &Cluster) -> Vec<Subject> {
    if cluster.variable("PILOT_ENABLE_ALPHA_GATEWAY_API") == Some("true") {
        return Vec::new();
    }
    let mut found = Vec::new();
    for item in cluster.objects(API, "Gateway") {
        for (index, listener) in item.items("/spec/listeners").iter().enumerate() {
            if listener.get("protocol").and_then(Value::as_str) == Some("TLS") {
                found.push(
                    item.subject(&format!("spec.listeners[{index}].protocol"))
                        .value("TLS"),
                );
            }
        }
    }
    found
}
