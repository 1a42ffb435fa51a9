//! Facts that patches of several branches brought, or that stand for themselves.

use serde_json::Value;

use super::cluster::{Cluster, Item, of_workload};
use super::{Affects, Fact};
use crate::outcome::{Level, Subject};

/// Addresses at which clouds and Kubernetes answer with credentials.
const METADATA: &[&str] = &[
    "169.254.",
    "metadata.google.internal",
    "metadata.internal",
    "100.100.100.200",
    "[fd00:ec2::254]",
    "[fe80:",
];

pub(super) const FACTS: &[Fact] = &[
    Fact {
        id: "gateway-secrets-need-grant",
        since: &[(26, 5), (27, 2), (28, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Gateways,
        title: "Gateway API gateways get a Secret only of their own namespace and service account, or by a grant",
        detail: "A listener whose certificate lies elsewhere gets none, and does not serve, unless a ReferenceGrant \
                 allows it.",
        fix: "Add a ReferenceGrant, or move the Secret beside the Gateway.",
        setting: None,
        source: "releasenotes/notes/verify-sa-for-gateway-secrets.yaml",
        reverses: false,
        evidence: certificates,
    },
    Fact {
        id: "incomplete-cacerts",
        since: &[(26, 1), (27, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "istiod does not start with an incomplete Secret cacerts",
        detail: "Before, it signed with a certificate authority of its own. The Secret is there; its contents are not in \
                 an export.",
        fix: "Check that it holds ca-cert.pem, ca-key.pem, root-cert.pem and cert-chain.pem, or tls.crt, tls.key and \
              ca.crt.",
        setting: None,
        source: "releasenotes/notes/check-cacerts-completeness.yaml",
        reverses: false,
        evidence: |cluster| {
            let secret = cluster.own("", "Secret", "cacerts");
            secret.map(|it| it.subject("data")).into_iter().collect()
        },
    },
    Fact {
        id: "backend-tls-fails-closed",
        since: &[(29, 7), (30, 4), (31, 1)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Sidecars,
        title: "A BackendTLSPolicy whose certificate authority cannot be found refuses connections of sidecars",
        detail: "Before, sidecars sent without checking the certificate.",
        fix: "Check that each caCertificateRefs of these policies names an object that is there.",
        setting: None,
        source: "releasenotes/notes",
        reverses: true,
        evidence: |cluster| {
            let policies = cluster.objects("gateway.networking.k8s.io", "BackendTLSPolicy");
            policies
                .filter(|it| !it.items("/spec/validation/caCertificateRefs").is_empty())
                .map(|it| it.subject("spec.validation.caCertificateRefs"))
                .collect()
        },
    },
    Fact {
        id: "nftables-not-pinned",
        since: &[(29, 7), (30, 4), (31, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Installation,
        title: "The images bring the newest nftables of their base, no longer 1.1.1",
        detail: "Where nodes have an old nft of their own, it may crash on rules that the newer one wrote.",
        fix: "Bring nftables of the nodes up to date, or go on with iptables.",
        setting: None,
        source: "releasenotes/notes/58492.yaml",
        reverses: false,
        evidence: |cluster| {
            let on = cluster.cni_setting("NATIVE_NFTABLES") == Some("true");
            let settings = cluster.cni_settings().filter(|_| on);
            settings
                .map(|it| it.subject("data.NATIVE_NFTABLES").value("true"))
                .into_iter()
                .collect()
        },
    },
    Fact {
        id: "jwks-of-metadata-blocked",
        since: &[(29, 7), (31, 1)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "istiod fetches no keys from link-local and metadata addresses",
        detail: "Requests with tokens of these issuers are refused, since their keys are not known.",
        fix: "Serve the keys at another address, or write them into the policy (jwks).",
        setting: None,
        source: "releasenotes/notes/jwks-ssrf-default-block.yaml",
        reverses: true,
        evidence: |cluster| {
            let policies = cluster.objects("security.istio.io", "RequestAuthentication");
            let mut found = Vec::new();
            for policy in policies {
                for (at, rule) in policy.items("/spec/jwtRules").iter().enumerate() {
                    let uri = rule.get("jwksUri").and_then(Value::as_str);
                    if let Some(uri) = uri.filter(|it| is_metadata(it)) {
                        let field = format!("spec.jwtRules[{at}].jwksUri");
                        found.push(policy.subject(&field).value(uri));
                    }
                }
            }
            found
        },
    },
    Fact {
        id: "tls-minimum-downstream",
        since: &[(27, 6), (28, 4), (29, 1), (30, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Gateways,
        title: "meshConfig.tlsDefaults.minProtocolVersion takes effect for what clients connect with",
        detail: "Before, it had none there. Clients with an older version of TLS are refused.",
        fix: "Check which versions the clients of the gateways speak.",
        setting: None,
        source: "releasenotes/notes/58912.yaml",
        reverses: true,
        evidence: |cluster| cluster.mesh_settings(&["tlsDefaults.minProtocolVersion"]),
    },
    Fact {
        id: "tls-route-hosts-limited",
        since: &[(27, 9), (28, 6), (29, 2), (30, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Gateways,
        title: "Host names of a TLSRoute count only within those of its listener",
        detail: "A route with a host name outside of its listener's no longer gets that traffic.",
        fix: "Add the host name to a listener.",
        setting: None,
        source: "releasenotes/notes/fix-tls-route-hostname-bypass.yaml",
        reverses: true,
        evidence: |cluster| {
            let routes = cluster.objects("gateway.networking.k8s.io", "TLSRoute");
            routes
                .filter(|it| !it.items("/spec/hostnames").is_empty())
                .map(|it| it.subject("spec.hostnames"))
                .collect()
        },
    },
    Fact {
        id: "cors-origins-stricter",
        since: &[(28, 6), (29, 1), (30, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Gateways,
        title: "Origins of CORS filters in HTTPRoutes are read more strictly",
        detail: "Patterns that matched more than the specification says match no more.",
        fix: "Check the origins of these filters: a star stands for one or more labels of a host alone.",
        setting: None,
        source: "releasenotes/notes/59026.yaml",
        reverses: true,
        evidence: |cluster| {
            let routes = cluster.objects("gateway.networking.k8s.io", "HTTPRoute");
            routes
                .filter(|it| it.mentions("/spec", &["\"allowOrigins\""]))
                .map(|it| it.subject("spec.rules"))
                .collect()
        },
    },
    Fact {
        id: "retry-budget-percent",
        since: &[(28, 6), (29, 2), (30, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "A retryBudget without percent allows 20 % of the requests, no longer 0.2 %",
        detail: "Many more retries may be under way at once.",
        fix: "Write the percentage that is meant.",
        setting: None,
        source: "releasenotes/notes/retry-budget-percent.yaml",
        reverses: true,
        evidence: |cluster| {
            let rules = cluster.objects("networking.istio.io", "DestinationRule");
            rules
                .filter(|it| it.at("/spec").is_some_and(has_budget_without_percent))
                .map(|it| it.subject("spec.trafficPolicy.retryBudget"))
                .collect()
        },
    },
    Fact {
        id: "long-proxy-version-refused",
        since: &[(29, 7), (30, 4), (31, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "EnvoyFilters with a proxyVersion of more than 1024 characters are refused",
        detail: "istiod passes over them, so what they change stands as without them.",
        fix: "Shorten the expression.",
        setting: None,
        source: "releasenotes/notes/envoyfilter-proxyversion-length.yaml",
        reverses: false,
        evidence: |cluster| {
            let mut found = Vec::new();
            for filter in cluster.objects("networking.istio.io", "EnvoyFilter") {
                for (at, patch) in filter.items("/spec/configPatches").iter().enumerate() {
                    let version = patch.pointer("/match/proxy/proxyVersion");
                    if version
                        .and_then(Value::as_str)
                        .is_some_and(|it| it.len() > 1024)
                    {
                        let field = format!("spec.configPatches[{at}].match.proxy.proxyVersion");
                        found.push(filter.subject(&field));
                    }
                }
            }
            found
        },
    },
    Fact {
        id: "host-network-leaves-ambient",
        since: &[(29, 7), (30, 4), (31, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Ambient,
        title: "Pods on the host's network are no longer enrolled in ambient",
        detail: "Traffic to and from them is plain; policies that ask for mTLS refuse it.",
        fix: "Take them off the host's network, or let policies allow them.",
        setting: None,
        source: "releasenotes/notes/61168.yaml",
        reverses: true,
        evidence: |cluster| {
            let enrolled: Vec<&str> = cluster
                .objects("", "Namespace")
                .filter(|it| it.label("istio.io/dataplane-mode") == Some("ambient"))
                .map(Item::name)
                .collect();
            let workloads = cluster
                .workloads()
                .filter(|it| it.template_host_network && enrolled.contains(&it.namespace.as_str()));
            workloads
                .map(|it| of_workload(it).field("spec.template.spec.hostNetwork"))
                .collect()
        },
    },
    Fact {
        id: "empty-selector-takes-none",
        since: &[(30, 5), (31, 1)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "A ServiceEntry with an empty workloadSelector takes in no workload",
        detail: "Before, it took in every workload of its namespace.",
        fix: "Select the workloads that are meant by their labels.",
        setting: None,
        source: "releasenotes/notes",
        reverses: true,
        evidence: empty_selectors,
    },
    Fact {
        id: "listener-set-conflicts",
        since: &[(30, 4), (31, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Gateways,
        title: "Listeners of ListenerSets that conflict with others are refused",
        detail: "Before, both were served. The older one stays.",
        fix: "Give each listener a port and host name of its own.",
        setting: None,
        source: "releasenotes/notes/listenerset-conflict-resolution.yaml",
        reverses: true,
        evidence: |cluster| {
            let sets = cluster
                .objects("gateway.networking.k8s.io", "ListenerSet")
                .chain(cluster.objects("gateway.networking.x-k8s.io", "XListenerSet"));
            sets.map(|it| it.subject("spec.listeners")).collect()
        },
    },
    Fact {
        id: "istio-csr-alpn",
        since: &[(24, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Sidecars,
        title: "Proxies refuse an istio-csr of 0.12.0 or older, which offers no ALPN",
        detail: "They get no certificates, and do not become ready.",
        fix: "Bring istio-csr up to date first, or set proxyMetadata GRPC_ENFORCE_ALPN_ENABLED to \"false\".",
        setting: None,
        source: "releasenotes/notes",
        reverses: false,
        evidence: |cluster| {
            let agents = cluster
                .workloads()
                .filter(|it| it.kind == "Deployment" && it.name.contains("istio-csr"));
            agents
                .map(|it| of_workload(it).field("metadata.name"))
                .collect()
        },
    },
    Fact {
        id: "ambient-dns-order",
        since: &[(24, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Ambient,
        title: "ztunnel captures DNS of pods that the CNI agent of 1.24 has set up",
        detail: "Pods that an older agent enrolled lose their DNS once ztunnel is new.",
        fix: "Bring the CNI agent up first, restart the enrolled pods, then ztunnel.",
        setting: None,
        source: "releasenotes/notes",
        reverses: false,
        evidence: |cluster| {
            let on = cluster.cni_setting("AMBIENT_DNS_CAPTURE") == Some("true");
            let settings = cluster
                .cni_settings()
                .filter(|_| on && cluster.is_ambient());
            settings
                .map(|it| it.subject("data.AMBIENT_DNS_CAPTURE").value("true"))
                .into_iter()
                .collect()
        },
    },
    Fact {
        id: "ambient-inside-pods",
        since: &[(21, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Ambient,
        title: "Traffic of ambient pods is redirected inside the pod, no longer on the node",
        detail: "Pods that 1.20 enrolled are not redirected by the new agent.",
        fix: "Restart the enrolled pods after the upgrade.",
        setting: None,
        source: "releasenotes/notes/48253.yaml",
        reverses: false,
        evidence: |cluster| {
            let ztunnels = cluster.daemon_sets("ztunnel");
            ztunnels
                .map(|it| of_workload(it).field("metadata.name"))
                .collect()
        },
    },
    Fact {
        id: "log-rotation-flags-gone",
        since: &[(24, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "istiod knows no --log_rotate flags",
        detail: "With one of them in its arguments it does not start.",
        fix: "Take them out of the request's overlays.",
        setting: None,
        source: "releasenotes/notes/drop-log-rotate.yaml",
        reverses: false,
        evidence: |cluster| {
            let istiod = cluster.istiod();
            istiod
                .map(|it| {
                    it.strings("/spec/template/spec/containers", &|it| {
                        it.starts_with("--log_rotate")
                    })
                })
                .unwrap_or_default()
        },
    },
    Fact {
        id: "unhealthy-not-terminating",
        since: &[(25, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::ControlPlane,
        title: "PILOT_SEND_UNHEALTHY_ENDPOINTS no longer sends endpoints that are going down",
        detail: "Only those that are not ready are sent beside the ready ones.",
        fix: "Set the label or annotation of persistent sessions where traffic to pods that go down is meant.",
        setting: None,
        source: "releasenotes/notes/endpoint-termination.yaml",
        reverses: false,
        evidence: |cluster| {
            let name = "PILOT_SEND_UNHEALTHY_ENDPOINTS";
            let istiod = cluster
                .istiod()
                .filter(|_| cluster.variable(name) == Some("true"));
            let field = format!("spec.template.spec.containers[name=discovery].env[name={name}]");
            istiod
                .map(|it| it.subject(&field).value("true"))
                .into_iter()
                .collect()
        },
    },
    Fact {
        id: "inference-pool-version",
        since: &[(28, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Gateways,
        title: "InferencePools of the experimental group are not read",
        detail: "The group is inference.networking.k8s.io now, and portNumber of the endpoint picker is port.number.",
        fix: "Apply the pools in the new group before the upgrade.",
        setting: None,
        source: "releasenotes/notes/57219-final.yaml",
        reverses: false,
        evidence: |cluster| {
            let pools = cluster.objects("inference.networking.x-k8s.io", "InferencePool");
            pools.map(|it| it.subject("apiVersion")).collect()
        },
    },
];

/// Listeners whose certificates lie in another namespace than the Gateway.
fn certificates(cluster: &Cluster) -> Vec<Subject> {
    let gateways = cluster
        .objects("gateway.networking.k8s.io", "Gateway")
        .filter(|it| {
            it.text("/spec/gatewayClassName")
                .is_some_and(|it| it.starts_with("istio"))
        });
    let mut found = Vec::new();
    for gateway in gateways {
        for (at, listener) in gateway.items("/spec/listeners").iter().enumerate() {
            let references = listener.pointer("/tls/certificateRefs");
            let references = references.and_then(Value::as_array).into_iter().flatten();
            let foreign = references
                .filter_map(|it| it.get("namespace")?.as_str())
                .find(|namespace| *namespace != gateway.namespace());
            if let Some(namespace) = foreign.filter(|it| !is_granted(cluster, gateway, it)) {
                let field = format!("spec.listeners[{at}].tls.certificateRefs");
                found.push(gateway.subject(&field).value(namespace));
            }
        }
    }
    found
}

/// Whether a grant lets Gateways of a namespace read Secrets of another.
fn is_granted(cluster: &Cluster, gateway: Item, namespace: &str) -> bool {
    let grants = cluster.objects("gateway.networking.k8s.io", "ReferenceGrant");
    grants
        .filter(|it| it.namespace() == namespace)
        .any(|grant| {
            let from = grant.items("/spec/from").iter().any(|it| {
                let text = |key: &str| it.get(key).and_then(Value::as_str);
                text("kind") == Some("Gateway") && text("namespace") == Some(gateway.namespace())
            });
            let to = grant
                .items("/spec/to")
                .iter()
                .any(|it| it.get("kind").and_then(Value::as_str) == Some("Secret"));
            from && to
        })
}

fn is_metadata(uri: &str) -> bool {
    let host = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    METADATA.iter().any(|it| host.starts_with(it))
}

fn has_budget_without_percent(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, it)| {
            (key == "retryBudget" && it.is_object() && it.get("percent").is_none())
                || has_budget_without_percent(it)
        }),
        Value::Array(list) => list.iter().any(has_budget_without_percent),
        _ => false,
    }
}

/// `ServiceEntries` whose selector selects nothing in particular.
fn empty_selectors(cluster: &Cluster) -> Vec<Subject> {
    let entries = cluster.objects("networking.istio.io", "ServiceEntry");
    entries
        .filter(|it| {
            it.at("/spec/workloadSelector").is_some()
                && it.map("/spec/workloadSelector/labels").is_none()
        })
        .map(|it| it.subject("spec.workloadSelector"))
        .collect()
}
