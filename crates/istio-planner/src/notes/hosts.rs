//! Facts about `ServiceEntries`, Sidecars, `WorkloadEntries` and which objects give a host.

use serde_json::Value;
use sorted::{SortedMap, SortedSet};

use super::cluster::{Cluster, Item};
use super::{Affects, Fact, Setting};
use crate::dataplane::{namespace_labels, selector::matches};
use crate::outcome::{Code, Level, Subject};

pub(super) const FACTS: &[Fact] = &[
    Fact {
        code: Code::ServiceEntryTargetPort,
        since: &[(22, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "ServiceEntries with resolution NONE send to `targetPort`",
        detail: "Before, `targetPort` was ignored, and requests went to the port they were sent to.",
        fix: "Take `targetPort` out where the port of the request is meant.",
        setting: Some(Setting {
            path: "pilot.env.ENABLE_RESOLUTION_NONE_TARGET_PORT",
            old: "false",
        }),
        source: "releasenotes/notes/targetPort-service-entry.yaml",
        reverses: true,
        evidence: target_ports,
    },
    Fact {
        code: Code::DiscoverySelectorsScope,
        since: &[(22, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "Discovery selectors hold for Istio's own objects and for the root certificate too",
        detail: "Before, they chose only Services, endpoints and pods. Now VirtualServices, DestinationRules, policies \
                 and the like of namespaces that are not selected are ignored, and these get no istio-ca-root-cert.",
        fix: "Select every namespace that holds configuration of the mesh.",
        setting: Some(Setting {
            path: "pilot.env.ENABLE_ENHANCED_RESOURCE_SCOPING",
            old: "false",
        }),
        source: "releasenotes/notes/enable-enhanced-scope.yaml",
        reverses: true,
        evidence: not_selected,
    },
    Fact {
        code: Code::SidecarScopeConflicts,
        since: &[(24, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Sidecars,
        title: "With and without a Sidecar object, the same service is chosen for a host that several give",
        detail: "With a Sidecar, a Kubernetes Service now wins over a ServiceEntry of another namespace, unless one of \
                 the proxy's own namespace gives the host. Before, any could win.",
        fix: "Give each host once, or check which of these is chosen.",
        setting: Some(Setting {
            path: "pilot.env.PILOT_UNIFIED_SIDECAR_SCOPE",
            old: "false",
        }),
        source: "releasenotes/notes/sidecar-scope-unit.yaml",
        reverses: true,
        evidence: |cluster| {
            let scoped = cluster
                .objects("networking.istio.io", "Sidecar")
                .next()
                .is_some();
            if scoped {
                shared_hosts(cluster)
            } else {
                Vec::new()
            }
        },
    },
    Fact {
        code: Code::SidecarBestServiceNamespace,
        since: &[(30, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Sidecars,
        title: "Of the namespaces that give a host, sidecars prefer that of the Kubernetes Service, then the oldest",
        detail: "Before, the first one in the alphabet that the proxy sees was chosen.",
        fix: "Give each host once, or check which of these is chosen.",
        setting: Some(Setting {
            path: "pilot.env.PILOT_SIDECAR_PICK_BEST_SERVICE_NAMESPACE",
            old: "false",
        }),
        source: "releasenotes/notes/sidecar-pick-best-service-namespace.yaml",
        reverses: true,
        evidence: shared_hosts,
    },
    Fact {
        code: Code::ServiceEntryAddresses,
        since: &[(25, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::ControlPlane,
        title: "istiod allocates addresses to ServiceEntries without one and writes them into their status",
        detail: "Proxies use them only where they capture DNS. Tools that compare these objects will see the status.",
        fix: "Expect `status.addresses` in these objects; with DNS capture, clients get these addresses.",
        setting: Some(Setting {
            path: "pilot.env.PILOT_ENABLE_IP_AUTOALLOCATE",
            old: "false",
        }),
        source: "releasenotes/notes/ip-allocation-v2-default.yaml",
        reverses: true,
        evidence: without_addresses,
    },
    Fact {
        code: Code::DnsAutoAllocationDeprecated,
        since: &[(25, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Sidecars,
        title: "ISTIO_META_DNS_AUTO_ALLOCATE is deprecated",
        detail: "Addresses of ServiceEntries are now allocated by istiod, for every proxy the same.",
        fix: "Take it out of the proxies' settings after the upgrade.",
        setting: None,
        source: "releasenotes/notes/54690.yaml",
        reverses: false,
        evidence: |cluster| {
            let path = "defaultConfig.proxyMetadata.ISTIO_META_DNS_AUTO_ALLOCATE";
            cluster.mesh_settings(&[path])
        },
    },
    Fact {
        code: Code::WorkloadEntryTunnelLabel,
        since: &[(29, 6), (30, 3), (31, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::ControlPlane,
        title: "Auto-registered WorkloadEntries say that they take HBONE",
        detail: "Only those registered from now on. These were registered before, so they are reached in plain text \
                 where a tunnel would be possible.",
        fix: "Let the workloads register again, or label their WorkloadEntries networking.istio.io/tunnel=http.",
        setting: None,
        source: "releasenotes/notes/60788.yaml",
        reverses: false,
        evidence: unlabelled_workload_entries,
    },
    Fact {
        code: Code::ServiceEntryPassthroughAmbient,
        since: &[(28, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Ambient,
        title: "ztunnel passes requests to ServiceEntries with resolution NONE through to the address called",
        detail: "Before, they failed for want of a healthy upstream. Until ztunnel is upgraded too, it refuses this \
                 configuration, and behaves as if the ServiceEntry were not there or had not changed.",
        fix: "Upgrade ztunnel soon after istiod.",
        setting: None,
        source: "releasenotes/notes/57656.yaml",
        reverses: true,
        evidence: |cluster| {
            let entries = cluster
                .objects("networking.istio.io", "ServiceEntry")
                .filter(|_| cluster.is_ambient());
            let passed = entries.filter(|it| has_no_resolution(*it));
            passed
                .map(|it| it.subject("spec.resolution").value("NONE"))
                .collect()
        },
    },
];

fn has_no_resolution(entry: Item) -> bool {
    entry.text("/spec/resolution").is_none_or(|it| it == "NONE")
}

fn target_ports(cluster: &Cluster) -> Vec<Subject> {
    let mut found = Vec::new();
    for item in cluster
        .objects("networking.istio.io", "ServiceEntry")
        .filter(|it| has_no_resolution(*it))
    {
        for (index, port) in item.items("/spec/ports").iter().enumerate() {
            let number = |key: &str| port.get(key).and_then(Value::as_u64).filter(|it| *it != 0);
            if let Some(target) = number("targetPort").filter(|it| Some(*it) != number("number")) {
                found.push(
                    item.subject(&format!("spec.ports[{index}].targetPort"))
                        .value(target),
                );
            }
        }
    }
    found
}

/// Names the `ServiceEntries` (and Services beside them) that give a host which another namespace gives too.
fn shared_hosts(cluster: &Cluster) -> Vec<Subject> {
    let mut by_host: SortedMap<&str, Vec<(Item, String)>> = SortedMap::new();
    for item in cluster.objects("networking.istio.io", "ServiceEntry") {
        for (index, host) in item.texts("/spec/hosts").enumerate() {
            by_host
                .entry(host)
                .or_default()
                .push((item, format!("spec.hosts[{index}]")));
        }
    }
    let services = cluster.objects("", "Service");
    let of_name: SortedMap<_, _> = services
        .map(|it| ((it.namespace(), it.name()), it))
        .collect();
    for (host, givers) in &mut by_host {
        let mut parts = host.split('.');
        if let (Some(name), Some(namespace), Some("svc")) =
            (parts.next(), parts.next(), parts.next())
        {
            let services = of_name.get(&(namespace, name));
            let named = services.into_iter().copied();
            givers.extend(named.map(|it| (it, "metadata.name".to_owned())));
        }
    }
    let shared = |givers: &&Vec<(Item, String)>| {
        let namespaces: SortedSet<&str> = givers.iter().map(|it| it.0.namespace()).collect();
        namespaces.len() > 1
    };
    by_host
        .values()
        .filter(shared)
        .flatten()
        .map(|(item, field)| item.subject(field))
        .collect()
}

fn without_addresses(cluster: &Cluster) -> Vec<Subject> {
    let entries = cluster.objects("networking.istio.io", "ServiceEntry");
    let meant = entries.filter(|it| {
        !has_no_resolution(*it)
            && it.items("/spec/addresses").is_empty()
            && it.texts("/spec/hosts").any(|host| !host.starts_with('*'))
            && it.label("networking.istio.io/enable-autoallocate-ip") != Some("false")
    });
    meant.map(|it| it.subject("spec.addresses")).collect()
}

fn unlabelled_workload_entries(cluster: &Cluster) -> Vec<Subject> {
    const REGISTERED: &str = "istio.io/autoRegistrationGroup";
    let entries = cluster.objects("networking.istio.io", "WorkloadEntry");
    let meant = entries.filter(|it| {
        it.annotation(REGISTERED).is_some() && it.label("networking.istio.io/tunnel").is_none()
    });
    meant
        .map(|it| it.subject("metadata.labels[networking.istio.io/tunnel]"))
        .collect()
}

/// Istio's objects in namespaces that no discovery selector selects (1.22:pkg/kube/namespace/filter.go).
fn not_selected(cluster: &Cluster) -> Vec<Subject> {
    const GROUPS: [&str; 4] = [
        "networking.istio.io",
        "security.istio.io",
        "telemetry.istio.io",
        "extensions.istio.io",
    ];
    let selectors = cluster
        .mesh()
        .get("discoverySelectors")
        .and_then(Value::as_array);
    let Some(selectors) = selectors.filter(|it| !it.is_empty()) else {
        return Vec::new();
    };
    let selected = |namespace: &str| {
        // A namespace that is not in the export cannot be judged.
        namespace_labels(cluster.snapshot, namespace)
            .is_none_or(|labels| selectors.iter().any(|it| matches(Some(it), &labels)))
    };
    let mut found: Vec<_> = cluster
        .snapshot
        .objects
        .iter()
        .filter(|(object, _)| {
            let group = object.api_version.split('/').next().unwrap_or_default();
            GROUPS.contains(&group)
        })
        .filter(|(object, _)| object.namespace.as_deref().is_some_and(|it| !selected(it)))
        .map(|(object, kept)| Subject::kept(object, kept).field("metadata.namespace"))
        .collect();
    if !found.is_empty() {
        found.extend(cluster.mesh_subject("discoverySelectors"));
    }
    found
}
