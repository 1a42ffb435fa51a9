//! Facts that patches of several branches brought, or that stand for themselves.

use istio_catalog::Version;
use serde_json::Value;

use super::cluster::{Cluster, Item, of_workload};
use super::{Affects, Fact, listeners, references};
use crate::outcome::{Code, Level, Subject};
use crate::snapshot::Workload;

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
        code: Code::GatewaySecretsNeedGrant,
        since: &[(26, 5), (27, 2), (28, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Gateways,
        title: "Gateway API gateways get a Secret only of their own namespace and service account, or by a grant",
        detail: "A listener whose certificate lies elsewhere gets none, and does not serve, unless a ReferenceGrant \
                 allows it. Pods of a Gateway whose service account is not GATEWAY-CLASS, nor the one of the annotation \
                 gateway.istio.io/service-account, get none either.",
        fix: "Add a ReferenceGrant, or move the Secret beside the Gateway; name the service account of the pods in the \
              Gateway's annotation gateway.istio.io/service-account.",
        setting: None,
        source: "releasenotes/notes/verify-sa-for-gateway-secrets.yaml",
        reverses: false,
        evidence: references::certificates,
    },
    Fact {
        code: Code::IncompleteCacerts,
        since: &[(26, 1), (27, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "istiod does not start with an incomplete Secret cacerts",
        detail: "Before, it signed with a certificate authority of its own. The Secret is there; the export shows no \
                 complete list of its keys.",
        fix: "Check that it holds ca-cert.pem, ca-key.pem, root-cert.pem and cert-chain.pem, or tls.crt, tls.key and \
              ca.crt.",
        setting: None,
        source: "releasenotes/notes/check-cacerts-completeness.yaml",
        reverses: false,
        evidence: |cluster| {
            let secret = cluster.own("", "Secret", "cacerts");
            secret
                .filter(|it| !is_complete(*it))
                .map(|it| it.subject("data"))
                .into_iter()
                .collect()
        },
    },
    Fact {
        code: Code::BackendTlsFailsClosed,
        since: &[(29, 7), (30, 4), (31, 1)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Sidecars,
        title: "A BackendTLSPolicy whose certificate authority cannot be found refuses connections of sidecars",
        detail: "Before, sidecars sent without checking the certificate. istiod reads the first reference alone, and only a \
                 ConfigMap that holds a certificate (ca.crt); the export shows none of this name.",
        fix: "Let the first caCertificateRefs name a ConfigMap of the policy's namespace with the certificate under ca.crt.",
        setting: None,
        source: "releasenotes/notes",
        reverses: true,
        evidence: |cluster| {
            let policies = cluster.objects("gateway.networking.k8s.io", "BackendTLSPolicy");
            policies
                .filter_map(|it| references::unresolved_authority(cluster, it))
                .collect()
        },
    },
    Fact {
        code: Code::NftablesNotPinned,
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
        code: Code::JwksOfMetadataBlocked,
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
        code: Code::TlsMinimumDownstream,
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
        evidence: |cluster| {
            // That is what gateways and sidecars ask for anyway.
            let lowest = ["TLSV1_2", "TLS_AUTO"].map(Value::from);
            let path = "/tlsDefaults/minProtocolVersion";
            let set = cluster.mesh().pointer(path);
            if set.is_none_or(|it| lowest.contains(it)) {
                return Vec::new();
            }
            cluster.mesh_settings(&["tlsDefaults.minProtocolVersion"])
        },
    },
    Fact {
        code: Code::TlsRouteHostsLimited,
        since: &[(27, 9), (28, 6), (29, 2), (30, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Gateways,
        title: "Host names of a TLSRoute count only within those of its listener",
        detail: "A host name that is wider than its listener's matches only what both have in common, and one outside of \
                 it nothing.",
        fix: "Add the host name to a listener, or take it out of the route.",
        setting: None,
        source: "releasenotes/notes/fix-tls-route-hostname-bypass.yaml",
        reverses: true,
        evidence: listeners::hosts_beyond,
    },
    Fact {
        code: Code::CorsOriginsStricter,
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
            // An origin without a star, and the star alone, can be read in one way only.
            let is_pattern = |it: &str| it.len() > 1 && it.contains('*');
            let routes = cluster.objects("gateway.networking.k8s.io", "HTTPRoute");
            let origins = routes.flat_map(|it| it.strings("/spec/rules", &is_pattern));
            origins
                .filter(|it| {
                    let field = it.field.as_deref();
                    field.is_some_and(|it| it.contains(".allowOrigins["))
                })
                .collect()
        },
    },
    Fact {
        code: Code::RetryBudgetPercent,
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
        code: Code::LongProxyVersionRefused,
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
        code: Code::HostNetworkLeavesAmbient,
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
        code: Code::EmptySelectorTakesNone,
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
        code: Code::ListenerSetConflicts,
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
        evidence: listeners::conflicts,
    },
    Fact {
        code: Code::IstioCsrAlpn,
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
            let pinned = cluster.proxy_metadata("GRPC_ENFORCE_ALPN_ENABLED") == Some("false");
            agents
                .filter(|it| !pinned && !offers_alpn(it))
                .map(|it| of_workload(it).field("metadata.name"))
                .collect()
        },
    },
    Fact {
        code: Code::AmbientDnsOrder,
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
            if !cluster.is_ambient() {
                return Vec::new();
            }
            let on = cluster.cni_setting("AMBIENT_DNS_CAPTURE") == Some("true");
            let settings = cluster.cni_settings().filter(|_| on);
            let live = settings.map(|it| it.subject("data.AMBIENT_DNS_CAPTURE").value("true"));
            let asked = (cluster.said)("values.cni.ambient.dnsCapture");
            let asked = asked
                .into_iter()
                .filter(|it| it.value.as_ref().is_none_or(|it| *it != false));
            live.into_iter().chain(asked).take(1).collect()
        },
    },
    Fact {
        code: Code::AmbientInsidePods,
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
        code: Code::LogRotationFlagsGone,
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
        code: Code::UnhealthyNotTerminating,
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
        code: Code::InferencePoolVersion,
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

/// Whether a Secret shows every key that istiod reads of its own certificate authority
/// (`security/pkg/pki/ca`, `pilot/pkg/bootstrap/istio_ca.go`).
fn is_complete(secret: Item) -> bool {
    const FILES: [&[&str]; 2] = [
        &[
            "ca-cert.pem",
            "ca-key.pem",
            "cert-chain.pem",
            "root-cert.pem",
        ],
        &["ca.crt", "tls.crt", "tls.key"],
    ];
    let keys: Vec<&str> = secret.texts("/keys").collect();
    FILES.iter().any(|it| it.iter().all(|it| keys.contains(it)))
}

/// Whether every image of it is known to be newer than 0.12.0.
fn offers_alpn(agent: &Workload) -> bool {
    let tags = agent.template_containers.iter().map(|it| {
        let name = it.image.split('@').next().unwrap_or_default();
        let tag = name.rsplit_once(':')?.1;
        Version::parse_tag(tag.trim_start_matches('v'))
    });
    let mut tags = tags.peekable();
    tags.peek().is_some() && tags.all(|it| it.is_some_and(|it| it > Version::new(0, 12, 0)))
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
