//! Pods, as they stand in an export.

use serde::Deserialize;
use serde_json::Value;

use super::super::model::{
    Container, HostPort, Origin, Placement, Pod, Room, installs_by_istioctl,
};
use super::super::room::Amount;
use super::{All, Metadata, Texts, or_default};

/// A Pod.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::snapshot) struct PodObject {
    #[serde(deserialize_with = "or_default")]
    pub(in crate::snapshot) metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: PodSpec,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    #[serde(deserialize_with = "or_default")]
    containers: Vec<ContainerObject>,
    #[serde(deserialize_with = "or_default")]
    init_containers: Vec<ContainerObject>,
    #[serde(deserialize_with = "or_default")]
    host_network: bool,
    node_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct VolumeObject {
    persistent_volume_claim: Option<ClaimObject>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ClaimObject {
    claim_name: String,
}

/// The pod of a template, with what tells where it may run.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TemplateSpec {
    #[serde(deserialize_with = "or_default")]
    containers: Vec<TemplateContainer>,
    #[serde(deserialize_with = "or_default")]
    init_containers: Vec<TemplateContainer>,
    #[serde(deserialize_with = "or_default")]
    pub(super) host_network: bool,
    #[serde(deserialize_with = "or_default")]
    volumes: Vec<VolumeObject>,
    affinity: Value,
    node_selector: Texts<All>,
    #[serde(deserialize_with = "or_default")]
    tolerations: Vec<Value>,
    #[serde(deserialize_with = "or_default")]
    topology_spread_constraints: Vec<Value>,
    priority_class_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TemplateContainer {
    name: String,
    image: String,
    restart_policy: Option<String>,
    resources: Value,
    #[serde(deserialize_with = "or_default")]
    command: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    args: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    ports: Vec<PortObject>,
}

impl TemplateContainer {
    /// Whether it installs by istioctl: its command says so, or it is a program for that and its command says nothing else.
    pub(super) fn runs_istioctl(&self) -> bool {
        const READS: [&str; 8] = [
            "analyze",
            "proxy-status",
            "proxy-config",
            "bug-report",
            "version",
            "verify-install",
            "precheck",
            "uninstall",
        ];
        let words = [self.command.as_slice(), &self.args].concat().join(" ");
        let image = self.image.rsplit('/').next().unwrap_or_default();
        let named = [self.name.as_str(), image]
            .iter()
            .any(|it| it.contains("istioctl") || it.contains("istio-installer"));
        installs_by_istioctl(&words) || named && !READS.iter().any(|it| words.contains(it))
    }
}

impl TemplateSpec {
    pub(super) fn runs_istioctl(&self) -> bool {
        self.containers
            .iter()
            .chain(&self.init_containers)
            .any(TemplateContainer::runs_istioctl)
    }

    pub(super) fn placement(&mut self) -> Placement {
        let ports = self.containers.iter().flat_map(|it| &it.ports);
        let all = self.containers.iter().chain(&self.init_containers);
        Placement {
            host_ports: host_ports(ports, self.host_network),
            resources: all.map(|it| it.resources.clone()).collect(),
            affinity: std::mem::take(&mut self.affinity),
            node_selector: std::mem::take(&mut self.node_selector.0),
            tolerations: std::mem::take(&mut self.tolerations),
            spread: std::mem::take(&mut self.topology_spread_constraints),
            claims: claims(&self.volumes),
            priority_class: self.priority_class_name.take(),
        }
    }

    pub(super) fn containers(self) -> Vec<Container> {
        let init = self.init_containers.into_iter().map(|it| (true, it));
        let all = init.chain(self.containers.into_iter().map(|it| (false, it)));
        all.map(|(init, it)| container(it.name, it.image, init, it.restart_policy.as_deref()))
            .collect()
    }
}

fn container(name: String, image: String, init: bool, restart: Option<&str>) -> Container {
    Container {
        name,
        image,
        init,
        restart_always: init && restart == Some("Always"),
    }
}

/// The ports of the node that containers take; on the host network, all that they name.
fn host_ports<'a>(
    ports: impl Iterator<Item = &'a PortObject>,
    host_network: bool,
) -> Vec<HostPort> {
    ports
        .filter_map(|it| {
            let whole = it.container_port.filter(|_| host_network);
            Some(HostPort {
                port: it.host_port.filter(|it| *it > 0).or(whole)?,
                protocol: it.protocol.clone().unwrap_or_else(|| "TCP".to_owned()),
            })
        })
        .collect()
}

fn claims(volumes: &[VolumeObject]) -> Vec<String> {
    volumes
        .iter()
        .filter_map(|it| Some(it.persistent_volume_claim.as_ref()?.claim_name.clone()))
        .collect()
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContainerObject {
    name: String,
    image: String,
    restart_policy: Option<String>,
    #[serde(deserialize_with = "or_default")]
    resources: Resources,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PortObject {
    container_port: Option<u32>,
    host_port: Option<u32>,
    protocol: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Resources {
    #[serde(deserialize_with = "or_default")]
    requests: Requests,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Requests {
    cpu: Amount,
    memory: Amount,
}

impl PodSpec {
    /// What the scheduler counts for a pod.
    fn requests(&self) -> Room {
        let of = |it: &ContainerObject| Room {
            cpu: it.resources.requests.cpu.thousandths(),
            memory: it.resources.requests.memory.whole(),
        };
        let init = self
            .init_containers
            .iter()
            .map(|it| (of(it), it.restart_policy.as_deref() == Some("Always")));
        Room::of_pod(init, self.containers.iter().map(of))
    }

    fn containers(self) -> Vec<Container> {
        let init = self.init_containers.into_iter().map(|it| (true, it));
        let all = init.chain(self.containers.into_iter().map(|it| (false, it)));
        all.map(|(init, it)| container(it.name, it.image, init, it.restart_policy.as_deref()))
            .collect()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Status {
    #[serde(deserialize_with = "or_default")]
    phase: String,
    #[serde(deserialize_with = "or_default")]
    conditions: Vec<Condition>,
    #[serde(deserialize_with = "or_default")]
    container_statuses: Vec<ContainerStatus>,
    pub(super) replicas: Option<i64>,
    pub(super) node_info: Option<NodeInfo>,
    pub(super) allocatable: Texts<All>,
}

impl Status {
    pub(super) fn is(&self, condition: &str) -> bool {
        self.conditions
            .iter()
            .any(|it| it.kind == condition && it.status == "True")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContainerStatus {
    #[serde(deserialize_with = "or_default")]
    name: String,
    #[serde(deserialize_with = "or_default")]
    restart_count: u32,
    #[serde(deserialize_with = "or_default")]
    state: ContainerState,
    #[serde(deserialize_with = "or_default")]
    last_state: ContainerState,
}

impl ContainerStatus {
    /// The kernel ended it, now or the last time, for memory.
    fn killed_for_memory(&self) -> bool {
        [&self.state, &self.last_state]
            .iter()
            .any(|it| it.terminated.reason == "OOMKilled")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerState {
    #[serde(deserialize_with = "or_default")]
    terminated: Terminated,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Terminated {
    #[serde(deserialize_with = "or_default")]
    reason: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct NodeInfo {
    pub(super) kubelet_version: String,
}

impl PodObject {
    /// Returns the record that is kept.
    pub(in crate::snapshot) fn into_pod(self, origin: Origin) -> Pod {
        let owner = self.metadata.controller();
        let ready = self.status.is("Ready");
        let statuses = &self.status.container_statuses;
        Pod {
            container_restarts: statuses.iter().map(|it| it.restart_count).sum(),
            killed_for_memory: statuses
                .iter()
                .filter(|it| it.killed_for_memory())
                .map(|it| it.name.clone())
                .collect(),
            requests: self.spec.requests(),
            namespace: self.metadata.namespace,
            name: self.metadata.name,
            labels: self.metadata.labels.0,
            annotations: self.metadata.annotations.0,
            owner,
            host_network: self.spec.host_network,
            node: self.spec.node_name.clone(),
            containers: self.spec.containers(),
            phase: self.status.phase,
            ready,
            deleting: self.metadata.deletion_timestamp.0,
            origin,
        }
    }
}
