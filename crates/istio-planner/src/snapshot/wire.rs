//! The parts of objects that are kept in small records, as they stand in an export.
//!
//! What is not named here is passed over without being built: managedFields, `env`, volumes, most of the status.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::{Value, json};

use super::authority_keys::AuthorityKeys;
use super::model::{
    Container, HostPort, Node, Origin, Owner, Placement, Pod, Room, Taint, Workload,
    installs_by_istioctl,
};
use super::room::Amount;
use super::source::TypeMeta;

/// Takes `null` for nothing: clients that are not Go write it.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

/// Something stands there; what it is does not matter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Present(pub(super) bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Option::<IgnoredAny>::deserialize(from).map(|it| Self(it.is_some()))
    }
}

/// Which entries of a map of strings are kept.
pub(super) trait Keep {
    fn keeps(key: &str) -> bool;
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct All;

impl Keep for All {
    fn keeps(_: &str) -> bool {
        true
    }
}

/// Annotations that rules read.
#[derive(Debug, Default)]
pub(super) struct Telling;

impl Keep for Telling {
    fn keeps(key: &str) -> bool {
        key.contains("istio.io")
            || key.contains("helm.sh/")
            || key.contains("kubernetes.io/config.")
            || key == "kubernetes.io/config"
    }
}

/// Annotations that tell an installer, or the cluster that a Secret gives access to.
#[derive(Debug, Default)]
pub(super) struct OfInstallers;

impl Keep for OfInstallers {
    fn keeps(key: &str) -> bool {
        ["istio", "helm.sh", "argoproj.io", "fluxcd.io"]
            .iter()
            .any(|it| key.contains(it))
    }
}

/// Strings by name, those that `K` keeps.
#[derive(Debug)]
struct Texts<K>(BTreeMap<String, String>, PhantomData<K>);

impl<K> Default for Texts<K> {
    fn default() -> Self {
        Self(BTreeMap::new(), PhantomData)
    }
}

impl<'de, K: Keep> Deserialize<'de> for Texts<K> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_option(TextsVisitor(PhantomData))
    }
}

struct TextsVisitor<K>(PhantomData<K>);

impl<'de, K: Keep> Visitor<'de> for TextsVisitor<K> {
    type Value = Texts<K>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("strings by name")
    }

    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Texts::default())
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Texts::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut kept = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            if K::keeps(&key) {
                kept.insert(key, map.next_value::<Option<String>>()?.unwrap_or_default());
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Texts(kept, PhantomData))
    }
}

/// `metadata` of an object that is kept in part.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, bound = "K: Keep")]
pub(super) struct Metadata<K: Keep = Telling> {
    #[serde(deserialize_with = "or_default")]
    pub(super) name: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) namespace: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) resource_version: String,
    labels: Texts<All>,
    annotations: Texts<K>,
    #[serde(deserialize_with = "or_default")]
    owner_references: Vec<OwnerReference>,
    deletion_timestamp: Present,
    pub(super) managed_fields: Present,
}

impl<K: Keep> Default for Metadata<K> {
    fn default() -> Self {
        Self {
            name: String::new(),
            namespace: String::new(),
            resource_version: String::new(),
            labels: Texts::default(),
            annotations: Texts::default(),
            owner_references: Vec::new(),
            deletion_timestamp: Present::default(),
            managed_fields: Present::default(),
        }
    }
}

impl<K: Keep> Metadata<K> {
    /// All labels.
    pub(super) fn labels(&self) -> &BTreeMap<String, String> {
        &self.labels.0
    }

    /// Whether Helm notes the release that it is of.
    pub(super) fn is_of_a_release(&self) -> bool {
        self.annotations.0.contains_key("meta.helm.sh/release-name")
    }

    fn controller(&self) -> Option<Owner> {
        let it = self
            .owner_references
            .iter()
            .find(|it| it.controller == Some(true))?;
        Some(Owner {
            api_version: it.api_version.clone(),
            kind: it.kind.clone(),
            name: it.name.clone(),
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OwnerReference {
    api_version: String,
    kind: String,
    name: String,
    controller: Option<bool>,
}

/// Any object's `metadata`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AnyObject {
    #[serde(deserialize_with = "or_default")]
    pub(super) metadata: Metadata,
}

/// What an export says of a kind that it lacks.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MissingObject {
    #[serde(deserialize_with = "or_default")]
    pub(super) metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    pub(super) reason: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) code: Option<u16>,
}

/// A list whose items were not cut out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListObject {
    #[serde(deserialize_with = "or_default")]
    pub(super) metadata: Metadata,
    pub(super) items: Items,
}

/// The `items` of such a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Items {
    /// There are none.
    #[default]
    Absent,
    /// `null`, as kubectl writes an empty list.
    Null,
    /// No sequence.
    Other,
}

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let found = Option::<IgnoredAny>::deserialize(from)?;
        Ok(found.map_or(Self::Null, |_| Self::Other))
    }
}

/// A Secret without its data; of the mesh's own certificate authority the names of its keys.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SecretObject {
    #[serde(deserialize_with = "or_default")]
    pub(super) metadata: Metadata<OfInstallers>,
    #[serde(rename = "type", deserialize_with = "or_default")]
    kind: String,
    data: AuthorityKeys,
}

impl SecretObject {
    /// Returns what of a Secret may be kept.
    pub(super) fn into_value(self, meta: &TypeMeta) -> Value {
        let metadata = self.metadata;
        let keys = match metadata.name.as_str() {
            "cacerts" => self.data.0,
            _ => Vec::new(),
        };
        let mut value = json!({
            "apiVersion": meta.api_version,
            "kind": meta.kind,
            "metadata": {
                "name": metadata.name,
                "namespace": metadata.namespace,
                "resourceVersion": metadata.resource_version,
                "labels": metadata.labels.0,
                "annotations": metadata.annotations.0,
            },
            "type": self.kind,
        });
        if let Some(object) = value.as_object_mut().filter(|_| !keys.is_empty()) {
            object.insert("keys".to_owned(), json!(keys));
        }
        value
    }
}

/// A Pod.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PodObject {
    #[serde(deserialize_with = "or_default")]
    pub(super) metadata: Metadata,
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
struct TemplateSpec {
    #[serde(deserialize_with = "or_default")]
    containers: Vec<TemplateContainer>,
    #[serde(deserialize_with = "or_default")]
    init_containers: Vec<TemplateContainer>,
    #[serde(deserialize_with = "or_default")]
    host_network: bool,
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
    fn runs_istioctl(&self) -> bool {
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
    fn runs_istioctl(&self) -> bool {
        self.containers
            .iter()
            .chain(&self.init_containers)
            .any(TemplateContainer::runs_istioctl)
    }

    fn placement(&mut self) -> Placement {
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

    fn containers(self) -> Vec<Container> {
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
struct Status {
    #[serde(deserialize_with = "or_default")]
    phase: String,
    #[serde(deserialize_with = "or_default")]
    conditions: Vec<Condition>,
    #[serde(deserialize_with = "or_default")]
    container_statuses: Vec<ContainerStatus>,
    replicas: Option<i64>,
    node_info: Option<NodeInfo>,
    allocatable: Texts<All>,
}

impl Status {
    fn is(&self, condition: &str) -> bool {
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
struct NodeInfo {
    kubelet_version: String,
}

impl PodObject {
    /// Returns the record that is kept.
    pub(super) fn into_pod(self, origin: Origin) -> Pod {
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

/// A Node.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeObject {
    #[serde(deserialize_with = "or_default")]
    pub(super) metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: NodeSpec,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeSpec {
    #[serde(deserialize_with = "or_default")]
    taints: Vec<TaintObject>,
    #[serde(deserialize_with = "or_default")]
    unschedulable: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TaintObject {
    key: String,
    value: Option<String>,
    effect: String,
}

impl NodeObject {
    /// Returns the record that is kept.
    pub(super) fn into_node(self, origin: Origin) -> Node {
        let kubelet = self.status.node_info.unwrap_or_default().kubelet_version;
        let taints = self.spec.taints.into_iter().map(|it| Taint {
            key: it.key,
            value: it.value.unwrap_or_default(),
            effect: it.effect,
        });
        Node {
            name: self.metadata.name,
            kubelet: without_v(&kubelet),
            allocatable: self.status.allocatable.0,
            labels: self.metadata.labels.0,
            taints: taints.collect(),
            unschedulable: self.spec.unschedulable,
            origin,
        }
    }
}

/// Returns a version without the leading `v`.
pub(super) fn without_v(version: &str) -> String {
    version.strip_prefix('v').unwrap_or(version).to_owned()
}

/// An object that makes pods.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WorkloadObject {
    #[serde(deserialize_with = "or_default")]
    pub(super) metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: WorkloadSpec,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WorkloadSpec {
    replicas: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    paused: bool,
    #[serde(deserialize_with = "or_default")]
    suspend: bool,
    #[serde(deserialize_with = "or_default")]
    selector: Selector,
    #[serde(deserialize_with = "or_default")]
    template: Template,
    job_template: Option<Box<JobTemplate>>,
    #[serde(deserialize_with = "or_default")]
    strategy: Strategy,
    update_strategy: Option<Strategy>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Selector {
    match_labels: Texts<All>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Template {
    #[serde(deserialize_with = "or_default")]
    metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: TemplateSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JobTemplate {
    #[serde(deserialize_with = "or_default")]
    spec: JobSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JobSpec {
    #[serde(deserialize_with = "or_default")]
    template: Template,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Strategy {
    #[serde(rename = "type")]
    kind: Option<String>,
    rolling_update: Option<RollingUpdate>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RollingUpdate {
    #[serde(deserialize_with = "or_default")]
    partition: i64,
    max_surge: Option<Value>,
    max_unavailable: Option<Value>,
}

impl WorkloadObject {
    /// A ReplicaSet of an older template, which has no pods left.
    pub(super) fn is_spent(&self) -> bool {
        self.spec.replicas == Some(0) && self.status.replicas.unwrap_or(0) == 0
    }

    /// Returns the record that is kept.
    pub(super) fn into_workload(self, meta: TypeMeta, origin: Origin) -> Workload {
        let owner = self.metadata.controller();
        let meta_kind = meta.kind.clone();
        let finished = self.status.is("Complete") || self.status.is("Failed");
        let spec = self.spec;
        let template = spec
            .job_template
            .map_or(spec.template, |it| it.spec.template);
        let strategy = spec.update_strategy.unwrap_or(spec.strategy);
        // A ReplicaSet's template is that of its owner.
        let mut template = if meta.kind == "ReplicaSet" && owner.is_some() {
            Template::default()
        } else {
            template
        };
        let rolling = strategy.rolling_update.unwrap_or_default();
        Workload {
            api_version: meta.api_version,
            kind: meta.kind,
            namespace: self.metadata.namespace,
            name: self.metadata.name,
            labels: self.metadata.labels.0,
            annotations: self.metadata.annotations.0,
            owner,
            replicas: spec.replicas.unwrap_or(1),
            selector: spec.selector.match_labels.0,
            template_labels: template.metadata.labels.0,
            template_annotations: template.metadata.annotations.0,
            template_host_network: template.spec.host_network,
            runs_istioctl: template.spec.runs_istioctl(),
            placement: template.spec.placement(),
            max_surge: rolling.max_surge,
            max_unavailable: rolling.max_unavailable,
            template_containers: template.spec.containers(),
            paused: spec.paused,
            strategy: strategy.kind,
            partition: rolling.partition,
            finished,
            suspended: spec.suspend && meta_kind == "CronJob",
            origin,
        }
    }
}

/// Reads a workload that is to be; `None` for what is no workload.
pub(crate) fn workload(value: &Value) -> Option<Workload> {
    let text = |key: &str| value.get(key)?.as_str().map(str::to_owned);
    let meta = TypeMeta {
        api_version: text("apiVersion")?,
        kind: text("kind")?,
    };
    let read = WorkloadObject::deserialize(value).ok()?;
    Some(read.into_workload(meta, Origin::default()))
}

/// What `kubectl version -o json` prints.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct VersionObject {
    pub(super) server_version: Option<GitVersion>,
    pub(super) client_version: Present,
}

/// A version of a Kubernetes program.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct GitVersion {
    pub(super) git_version: String,
}
