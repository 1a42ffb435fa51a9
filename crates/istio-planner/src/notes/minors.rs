//! Smaller changes of minor releases and their patches that reach the objects of some clusters.

use serde_json::Value;

use super::cluster::{Cluster, of_pod};
use super::{Affects, Fact, Setting};
use crate::inventory::{Role, is_active, role};
use crate::outcome::{Code, Level, Subject};

pub(super) const FACTS: &[Fact] = &[
    Fact {
        code: Code::LocalityWithoutService,
        since: &[(20, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Sidecars,
        title: "Load balancing by locality holds for workloads without a Service too",
        detail: "Before, a proxy whose pod no Service selects sent to all places alike. The mesh balances by locality, and \
                 these pods have no Service.",
        fix: "Check that the places that they send to from now on bear the load.",
        setting: None,
        source: "releasenotes/notes/locality-service.yaml",
        reverses: true,
        evidence: workloads_without_service,
    },
    Fact {
        code: Code::PortNamesInZtunnel,
        since: &[(26, 5), (27, 2), (28, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Ambient,
        title: "ztunnel finds the port of a ServiceEntry's workload by the name of the container's port",
        detail: "Before, it sent to the number of the ServiceEntry's port, also where the selected pods have a port of that \
                 name with another number.",
        fix: "Set targetPort where the number is meant.",
        setting: None,
        source: "releasenotes/notes/57713.yaml",
        reverses: true,
        evidence: |cluster| {
            let is_ambient = cluster.is_ambient();
            let entries = cluster
                .objects("networking.istio.io", "ServiceEntry")
                .filter(|it| is_ambient && it.map("/spec/workloadSelector/labels").is_some());
            let mut found = Vec::new();
            for entry in entries {
                for (at, port) in entry.items("/spec/ports").iter().enumerate() {
                    if port.get("targetPort").is_none() {
                        found.push(entry.subject(&format!("spec.ports[{at}]")));
                    }
                }
            }
            found
        },
    },
    Fact {
        code: Code::ControlCharactersRefused,
        since: &[(27, 6), (28, 4), (29, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::Sidecars,
        title: "Annotations that set a proxy's resources are refused where they hold line breaks or control characters",
        detail: "The injector refuses pods with such an annotation, so that they do not start.",
        fix: "Write the quantity alone, for example 100m.",
        setting: None,
        source: "releasenotes/notes/58889-annotation-validation.yaml",
        reverses: false,
        evidence: |cluster| {
            const KEYS: [&str; 4] = [
                "proxyCPU",
                "proxyCPULimit",
                "proxyMemory",
                "proxyMemoryLimit",
            ];
            let keys = KEYS.map(|it| format!("sidecar.istio.io/{it}"));
            keys.iter()
                .flat_map(|it| cluster.annotated(it, |it| it.chars().any(char::is_control)))
                .collect()
        },
    },
    Fact {
        code: Code::WaypointsReachNetworks,
        since: &[(28, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Ambient,
        title: "Waypoints send to other networks too",
        detail: "Before, they knew the workloads of their own network alone. Multi-network is on for the ambient data plane.",
        fix: "Check that the east-west gateways bear the traffic.",
        setting: None,
        source: "releasenotes/notes/57537.yaml",
        reverses: true,
        evidence: |cluster| {
            let on = cluster.variable("AMBIENT_ENABLE_MULTI_NETWORK") == Some("true");
            let waypoints = cluster
                .objects("gateway.networking.k8s.io", "Gateway")
                .filter(|it| on && it.text("/spec/gatewayClassName") == Some("istio-waypoint"));
            waypoints
                .map(|it| it.subject("spec.gatewayClassName"))
                .collect()
        },
    },
    Fact {
        code: Code::ConnectionsPerEventBound,
        since: &[(28, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::Sidecars,
        title: "Listeners of sidecars that bind to their ports accept one connection for each socket event",
        detail: "Before, only gateways and intercepted listeners did. It shows where many connections are opened at once.",
        fix: "Measure proxies that take many new connections, or set MAX_CONNECTIONS_PER_SOCKET_EVENT_LOOP to \"0\".",
        setting: Some(Setting {
            path: "pilot.env.MAX_CONNECTIONS_PER_SOCKET_EVENT_LOOP",
            old: "0",
        }),
        source: "releasenotes/notes/max-socket-events-sidecar.yaml",
        reverses: true,
        evidence: bound_listeners,
    },
    Fact {
        code: Code::IstiodMemoryTarget,
        since: &[(29, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::ControlPlane,
        title: "istiod collects garbage from 90 % of its memory limit on, no longer from all of it",
        detail: "It works more on memory shortly below the limit, and is killed less. istiod has a memory limit here.",
        fix: "Leave it, or choose another share with the variable AUTOMEMLIMIT.",
        setting: None,
        source: "releasenotes/notes/gomemlimit-90-percent.yaml",
        reverses: false,
        evidence: |cluster| {
            let decided = ["GOMEMLIMIT", "AUTOMEMLIMIT"]
                .iter()
                .any(|it| cluster.variable(it).is_some());
            let istiod = cluster.istiod().filter(|_| !decided);
            let field = "spec.template.spec.containers[name=discovery].resources.limits.memory";
            istiod
                .filter(|it| {
                    let containers = it.items("/spec/template/spec/containers");
                    containers
                        .iter()
                        .any(|it| it.pointer("/resources/limits/memory").is_some())
                })
                .map(|it| it.subject(field))
                .into_iter()
                .collect()
        },
    },
    Fact {
        code: Code::DebugOfOwnNamespace,
        since: &[(28, 7), (29, 3), (30, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::ControlPlane,
        title: "Debug data over xDS is of the caller's own namespace alone",
        detail: "Tools outside the control plane's namespace that ask istiod over xDS for the state of all proxies see those \
                 of their own namespace.",
        fix: "Let them run in the control plane's namespace.",
        setting: None,
        source: "releasenotes/notes/statusgen-xds-namespace.yaml",
        reverses: true,
        evidence: super::security::debug_readers,
    },
];

/// Workloads with a sidecar whose pods no Service selects, where a destination is balanced by locality.
fn workloads_without_service(cluster: &Cluster) -> Vec<Subject> {
    let by_locality = cluster.mesh().pointer("/localityLbSetting").is_some()
        || cluster
            .objects("networking.istio.io", "DestinationRule")
            .any(|it| it.mentions("/spec", &["\"localityLbSetting\""]));
    if !by_locality {
        return Vec::new();
    }
    let services: Vec<_> = cluster
        .objects("", "Service")
        .filter_map(|it| Some((it.namespace(), it.map("/spec/selector")?)))
        .collect();
    let pods = cluster.snapshot.pods.values();
    let lone = pods.filter(|pod| is_active(pod) && role(pod) == Role::Sidecar);
    let lone = lone.filter(|pod| {
        !services.iter().any(|(namespace, selector)| {
            pod.namespace == *namespace
                && selector
                    .iter()
                    .all(|(key, it)| pod.labels.get(key).map(String::as_str) == it.as_str())
        })
    });
    lone.map(|it| of_pod(it).field("metadata.labels")).collect()
}

/// Sidecars with listeners that bind to their ports: interception is off for them, or for the mesh.
fn bound_listeners(cluster: &Cluster) -> Vec<Subject> {
    let mut found = Vec::new();
    let mode = cluster
        .mesh()
        .pointer("/defaultConfig/interceptionMode")
        .and_then(Value::as_str);
    if mode == Some("NONE") {
        found.extend(cluster.mesh_subject("defaultConfig.interceptionMode"));
    }
    for sidecar in cluster.objects("networking.istio.io", "Sidecar") {
        for part in ["ingress", "egress"] {
            let listeners = sidecar.items(&format!("/spec/{part}"));
            for (at, listener) in listeners.iter().enumerate() {
                if listener.get("captureMode").and_then(Value::as_str) == Some("NONE") {
                    let field = format!("spec.{part}[{at}].captureMode");
                    found.push(sidecar.subject(&field).value("NONE"));
                }
            }
        }
    }
    let key = "sidecar.istio.io/interceptionMode";
    found.extend(cluster.annotated(key, |it| it == "NONE"));
    found
}
