//! Facts about the ambient data plane: CNI agent, ztunnel, waypoints.

use istio_catalog::ComponentName;
use sorted::SortedSet;

use serde_json::Value;

use super::cluster::{Cluster, Item, of_workload};
use super::{Affects, Fact, Setting};
use crate::outcome::{Code, Level, Subject};

/// Says what data plane a namespace or pod is in.
const DATA_PLANE: &str = "istio.io/dataplane-mode";

pub(super) const FACTS: &[Fact] = &[
    Fact {
        code: Code::WaypointAttachment,
        since: &[(22, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Ambient,
        title: "Waypoints serve what names them by istio.io/use-waypoint",
        detail: "Before, a waypoint served its whole namespace, or the service account that it named. These serve \
                 nothing until something names them.",
        fix: "Label namespaces, Services or pods with istio.io/use-waypoint.",
        setting: None,
        source: "releasenotes/notes/49700.yaml",
        reverses: true,
        evidence: unattached_waypoints,
    },
    Fact {
        code: Code::AmbientRedirectionAnnotation,
        since: &[(22, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Ambient,
        title: "ambient.istio.io/redirection: disabled no longer keeps a pod out of the mesh",
        detail: "The annotation is the agent's status. These pods will be captured.",
        fix: "Label the pods istio.io/dataplane-mode: none.",
        setting: None,
        source: "releasenotes/notes/50804.yaml",
        reverses: false,
        evidence: |cluster| {
            cluster.annotated("ambient.istio.io/redirection", |it| it == "disabled")
        },
    },
    Fact {
        code: Code::AmbientDnsCapture,
        since: &[(25, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Ambient,
        title: "ztunnel answers the DNS requests of ambient pods",
        detail: "New pods get it at once; running ones keep their DNS until they restart, or until the agent \
                 reconciles their rules.",
        fix: "Restart ambient workloads after the upgrade, or set values.cni.ambient.dnsCapture=false.",
        setting: Some(Setting {
            path: "cni.ambient.dnsCapture",
            old: "false",
        }),
        source: "releasenotes/notes/ambient-dns-on.yaml",
        reverses: true,
        evidence: |cluster| off(cluster, "AMBIENT_DNS_CAPTURE"),
    },
    Fact {
        code: Code::IptablesReconciled,
        since: &[(29, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Ambient,
        title: "A starting CNI agent brings the redirection rules of running pods up to date",
        detail: "Rules inside running pods are rewritten where they differ, which may reach long-lived connections.",
        fix: "Plan the roll-out of the CNI agent for a quiet hour.",
        setting: Some(Setting {
            path: "cni.ambient.reconcileIptablesOnStartup",
            old: "false",
        }),
        source: "releasenotes/notes/reconcile-iptables-default-true.yaml",
        reverses: true,
        evidence: |cluster| off(cluster, "AMBIENT_RECONCILE_POD_RULES_ON_STARTUP"),
    },
    Fact {
        code: Code::ExcludedNamespacesLeave,
        since: &[(30, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Ambient,
        title: "The CNI agent takes pods of excluded namespaces out of the mesh",
        detail: "Before, only the plug-in looked at excludeNamespaces, and the agent enrolled ambient pods of these \
                 namespaces all the same. They will be sent plain traffic and lose their identity.",
        fix: "Take the namespaces out of values.cni.excludeNamespaces, or their ambient labels away.",
        setting: None,
        source: "releasenotes/notes/59295.yaml",
        reverses: true,
        evidence: excluded_namespaces,
    },
    Fact {
        code: Code::AmbientGatewaysExcluded,
        since: &[(25, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Gateways,
        title: "Gateways of the installation stay out of the ambient data plane",
        detail: "They carry istio.io/dataplane-mode: none. Before, one in an ambient namespace was captured too.",
        fix: "Expect their own traffic to bypass ztunnel.",
        setting: None,
        source: "releasenotes/notes/54825.yaml",
        reverses: true,
        evidence: gateways_in_ambient,
    },
    Fact {
        code: Code::CniOwnNetwork,
        since: &[(26, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Ambient,
        title: "The CNI agent no longer uses the host's network",
        detail: "Its pods get addresses of their own, so the NetworkPolicies of its namespace hold for it.",
        fix: "Let the agent reach the API server and be reached by its node through these policies.",
        setting: Some(Setting {
            path: "cni.ambient.shareHostNetworkNamespace",
            old: "true",
        }),
        source: "releasenotes/notes/54726.yaml",
        reverses: true,
        evidence: agent_under_policies,
    },
    Fact {
        code: Code::CniUnprivileged,
        since: &[(24, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Ambient,
        title: "The CNI agent runs with single capabilities, not privileged",
        detail: "Policies that admit or watch it by `privileged` see another Pod specification.",
        fix: "Check admission policies for NET_ADMIN, NET_RAW, SYS_PTRACE, SYS_ADMIN and DAC_OVERRIDE.",
        setting: None,
        source: "releasenotes/notes/52558.yaml",
        reverses: true,
        evidence: |cluster| {
            let agents = cluster
                .objects("apps", "DaemonSet")
                .filter(|it| it.name() == "istio-cni-node");
            let privileged = |it: &Value| {
                it.pointer("/securityContext/privileged")
                    .and_then(Value::as_bool)
                    == Some(true)
            };
            agents
                .filter(|it| it.items("/spec/template/spec/containers").iter().any(privileged))
                .map(|it| it.subject("spec.template.spec.containers[name=install-cni].securityContext.privileged").value(true))
                .collect()
        },
    },
    Fact {
        code: Code::CniFileMode,
        since: &[(30, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Ambient,
        title: "CNI configuration files are readable by root alone",
        detail: "Their mode is 0600, before it was 0644. Tools that read them as another user no longer can.",
        fix: "Set values.cni.env.CNI_CONF_GROUP_READ=true where a group has to read them.",
        setting: None,
        source: "releasenotes/notes/59075.yaml",
        reverses: true,
        evidence: |cluster| {
            cluster
                .daemon_sets("istio-cni-node")
                .map(|it| of_workload(it).field("metadata.name"))
                .collect()
        },
    },
    Fact {
        code: Code::ZtunnelNames,
        since: &[(25, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Ambient,
        title: "Objects of the ztunnel chart are named after its Helm release in 1.25",
        detail: "The name changes, so all ztunnels are replaced at once. 1.26 names them ztunnel again.",
        fix: "Set resourceName to the name that runs now.",
        setting: None,
        source: "releasenotes/notes/ztunnel-helm-chart.yaml",
        reverses: false,
        evidence: renamed_ztunnels,
    },
    Fact {
        code: Code::ZtunnelNamesFixed,
        since: &[(26, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Ambient,
        title: "Objects of the ztunnel chart are named ztunnel again",
        detail: "A DaemonSet of another name stays behind, or is replaced at once.",
        fix: "Set resourceName to the name that runs now.",
        setting: None,
        source: "releasenotes/notes/ztunnel-helm-chart-revert.yaml",
        reverses: false,
        evidence: |cluster| {
            let other = cluster
                .daemon_sets("ztunnel")
                .filter(|it| it.name != "ztunnel");
            other
                .map(|it| of_workload(it).field("metadata.name"))
                .collect()
        },
    },
    Fact {
        code: Code::DryRunPoliciesAmbient,
        since: &[(29, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Ambient,
        title: "istiod may send dry-run policies to ztunnel, and an older ztunnel enforces them",
        detail: "AMBIENT_ENABLE_DRY_RUN_AUTHORIZATION_POLICY is on. ztunnels before 1.29 do not know that a policy is \
                 a dry run.",
        fix: "Turn it on only after every ztunnel is at 1.29.",
        setting: None,
        source: "releasenotes/notes/authz-dry-run-ambient.yaml",
        reverses: true,
        evidence: |cluster| {
            const NAME: &str = "AMBIENT_ENABLE_DRY_RUN_AUTHORIZATION_POLICY";
            let asked = (cluster.said)(&format!("values.pilot.env.{NAME}"));
            let asked = asked.iter().filter_map(|it| it.value.as_ref());
            let on = cluster.variable(NAME) == Some("true")
                || asked.into_iter().any(|it| *it == true || *it == "true");
            let on = on && cluster.is_ambient();
            let policies = cluster
                .objects("security.istio.io", "AuthorizationPolicy")
                .filter(|_| on);
            let dry = policies.filter(|it| it.annotation("istio.io/dry-run") == Some("true"));
            dry.map(|it| {
                it.subject("metadata.annotations[istio.io/dry-run]")
                    .value("true")
            })
            .collect()
        },
    },
    Fact {
        code: Code::MultiNetworkIngress,
        since: &[(29, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Ambient,
        title: "Ingress gateways of an ambient mesh reach exposed services of other networks",
        detail: "Before, they used only those of their own network. Requests may now leave it.",
        fix: "Check which services are global, and what crossing networks costs.",
        setting: Some(Setting {
            path: "pilot.env.AMBIENT_ENABLE_MULTI_NETWORK_INGRESS",
            old: "false",
        }),
        source: "releasenotes/notes/ambient-ingress-remotes.yaml",
        reverses: true,
        evidence: |cluster| {
            let gateways = cluster
                .objects("gateway.networking.k8s.io", "Gateway")
                .filter(|_| cluster.is_ambient());
            let bridges =
                gateways.filter(|it| it.text("/spec/gatewayClassName") == Some("istio-east-west"));
            bridges
                .map(|it| it.subject("spec.gatewayClassName").value("istio-east-west"))
                .collect()
        },
    },
    Fact {
        code: Code::WorkloadRequestsLarger,
        since: &[(29, 7), (30, 4), (31, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Ambient,
        title: "A ztunnel that reconnects sends larger requests than istiod accepts in big meshes",
        detail: "It names every workload with its version. From about 40,000 workloads on, the request exceeds \
                 istiod's limit of 4 MiB, and ztunnel reconnects without end.",
        fix: "Raise ISTIO_GPRC_MAXRECVMSGSIZE on istiod, for example to 33554432.",
        setting: Some(Setting {
            path: "pilot.env.ISTIO_GPRC_MAXRECVMSGSIZE",
            old: "4194304",
        }),
        source: "releasenotes/notes/wds-reconnect-version-skip.yaml",
        reverses: false,
        evidence: |cluster| {
            let entries = cluster
                .objects("networking.istio.io", "WorkloadEntry")
                .count();
            let big = cluster.snapshot.pods.len() + entries > 40_000;
            let ztunnels = cluster.daemon_sets("ztunnel").filter(|_| big);
            ztunnels
                .map(|it| of_workload(it).field("metadata.name"))
                .collect()
        },
    },
];

fn waypoints<'a>(cluster: &Cluster<'a>) -> impl Iterator<Item = Item<'a>> {
    let gateways = cluster.objects("gateway.networking.k8s.io", "Gateway");
    gateways.filter(|it| it.text("/spec/gatewayClassName") == Some("istio-waypoint"))
}

fn unattached_waypoints(cluster: &Cluster) -> Vec<Subject> {
    const USE: &str = "istio.io/use-waypoint";
    let named = |kind| cluster.objects("", kind).filter_map(|it| it.label(USE));
    let pods = cluster
        .snapshot
        .pods
        .values()
        .filter_map(|it| it.labels.get(USE).map(String::as_str));
    let used: SortedSet<&str> = named("Namespace")
        .chain(named("Service"))
        .chain(pods)
        .collect();
    let idle = waypoints(cluster).filter(|it| !used.contains(&it.name()));
    idle.map(|it| it.subject("spec.gatewayClassName").value("istio-waypoint"))
        .collect()
}

/// Names the agent's settings if ambient is on and a switch is off or missing.
fn off(cluster: &Cluster, switch: &str) -> Vec<Subject> {
    let settings = cluster
        .cni_settings()
        .filter(|it| it.text("/data/AMBIENT_ENABLED") == Some("true"));
    let off = settings.filter(|it| it.text(&format!("/data/{switch}")) != Some("true"));
    off.map(|it| it.subject(&format!("data.{switch}")))
        .into_iter()
        .collect()
}

fn excluded_namespaces(cluster: &Cluster) -> Vec<Subject> {
    if !cluster.is_ambient() {
        return Vec::new();
    }
    let excluded = cluster
        .cni_setting("EXCLUDE_NAMESPACES")
        .unwrap_or_default();
    let excluded: Vec<&str> = excluded
        .split(',')
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .collect();
    let labelled = cluster
        .objects("", "Namespace")
        .filter(|it| it.label(DATA_PLANE) == Some("ambient"));
    let field = format!("metadata.labels[{DATA_PLANE}]");
    let namespaces = labelled
        .filter(|it| excluded.contains(&it.name()))
        .map(|it| it.subject(&field).value("ambient"));
    let workloads = cluster
        .workloads()
        .filter(|it| {
            it.template_labels
                .get(DATA_PLANE)
                .is_some_and(|it| it == "ambient")
        })
        .filter(|it| excluded.contains(&it.namespace.as_str()))
        .map(|it| {
            of_workload(it)
                .field(format!("spec.template.{field}"))
                .value("ambient")
        });
    namespaces.chain(workloads).collect()
}

fn gateways_in_ambient(cluster: &Cluster) -> Vec<Subject> {
    let ambient = |namespace: &str| {
        let mut namespaces = cluster.objects("", "Namespace");
        namespaces.any(|it| it.name() == namespace && it.label(DATA_PLANE) == Some("ambient"))
    };
    let gateways = cluster.workloads().filter(|it| {
        let component = it.labels.get("operator.istio.io/component");
        let component = component.and_then(|it| ComponentName::parse(it));
        component.is_some_and(ComponentName::is_list)
            && !it.template_labels.contains_key(DATA_PLANE)
    });
    gateways
        .filter(|it| ambient(&it.namespace))
        .map(|it| of_workload(it).field("metadata.namespace"))
        .collect()
}

fn agent_under_policies(cluster: &Cluster) -> Vec<Subject> {
    let agents: Vec<_> = cluster
        .daemon_sets("istio-cni-node")
        .filter(|it| it.template_host_network)
        .collect();
    let policies = cluster.objects("networking.k8s.io", "NetworkPolicy");
    let hold = policies.filter(|it| agents.iter().any(|agent| agent.namespace == it.namespace()));
    hold.map(|it| it.subject("spec.podSelector")).collect()
}

/// Names ztunnels that a Helm release of another name owns.
fn renamed_ztunnels(cluster: &Cluster) -> Vec<Subject> {
    const RELEASE: &str = "meta.helm.sh/release-name";
    let sets = cluster
        .objects("apps", "DaemonSet")
        .filter(|it| it.name() == "ztunnel");
    sets.filter_map(|it| {
        let release = it
            .annotation(RELEASE)
            .filter(|release| *release != "ztunnel")?;
        Some(
            it.subject(&format!("metadata.annotations[{RELEASE}]"))
                .value(release),
        )
    })
    .collect()
}
