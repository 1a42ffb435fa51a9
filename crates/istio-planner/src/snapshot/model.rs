//! What of a cluster's export is kept.
//!
//! Pods, `ReplicaSet`s and nodes are many, so they are kept as small typed records; objects that a release renders, or
//! that a rule reads, are kept whole. Secrets keep their metadata alone.

use serde_json::Value;
use sorted::{SortedMap, SortedSet};

use crate::outcome::Ref;

/// Where an object stood in the export.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The file as the user named it (a member of an archive as `archive!member`).
    pub file: String,
    /// From 1; 0 where the format does not tell.
    pub line: u32,
    /// From 1; 0 where the format does not tell.
    pub column: u32,
}

/// An object kept whole.
#[derive(Debug, Clone)]
pub struct Object {
    /// As exported; Secrets without `data` and `stringData`.
    pub value: Value,
    /// Where it stood.
    pub origin: Origin,
}

/// The controller of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// For example `apps/v1`.
    pub api_version: String,
    /// For example `ReplicaSet`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// A container of a pod or a pod template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// As written in the spec.
    pub image: String,
    /// In `initContainers`.
    pub init: bool,
    /// `restartPolicy: Always` in `initContainers`: a native sidecar.
    pub restart_always: bool,
}

/// Whether a text runs istioctl so that it installs: a command, or a script.
pub(crate) fn installs_by_istioctl(text: &str) -> bool {
    const READS: [&str; 2] = ["verify-install", "uninstall"];
    const WRITES: [&str; 4] = ["install", "upgrade", "manifest", "operator init"];
    let mut text = text.to_owned();
    for it in READS {
        text = text.replace(it, "");
    }
    let mut calls = text.split("istioctl").skip(1);
    calls.any(|call| {
        let line = call.split(['\n', ';', '|']).next().unwrap_or_default();
        WRITES.iter().any(|it| line.contains(it))
    })
}

/// What a pod asks of a node, or what a node has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Room {
    /// In thousandths of a core, rounded up.
    pub cpu: i64,
    /// In bytes.
    pub memory: i64,
}

/// A port of the node that a pod takes for itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostPort {
    /// Its number.
    pub port: u32,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
}

/// Where the pods of a template may run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Placement {
    /// `affinity`, as written; null where there is none.
    pub affinity: Value,
    /// `nodeSelector`.
    pub node_selector: SortedMap<String, String>,
    /// `tolerations`, as written.
    pub tolerations: Vec<Value>,
    /// `topologySpreadConstraints`, as written.
    pub spread: Vec<Value>,
    /// Host ports of its containers; on the host network, all their ports.
    pub host_ports: Vec<HostPort>,
    /// Names of the `PersistentVolumeClaims` that it mounts.
    pub claims: Vec<String>,
    /// `resources` of its containers and init containers, as written.
    pub resources: Vec<Value>,
    /// `priorityClassName`.
    pub priority_class: Option<String>,
}

/// A taint of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value; empty where there is none.
    pub value: String,
    /// `NoSchedule`, `NoExecute` or `PreferNoSchedule`.
    pub effect: String,
}

/// A pod.
#[derive(Debug, Clone, Default)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// All labels.
    pub labels: SortedMap<String, String>,
    /// Those whose key contains `istio.io` or `kubernetes.io/config`.
    pub annotations: SortedMap<String, String>,
    /// The owner reference with `controller: true`.
    pub owner: Option<Owner>,
    /// Containers and init containers.
    pub containers: Vec<Container>,
    /// What the scheduler counts for it.
    pub requests: Room,
    /// `spec.hostNetwork`.
    pub host_network: bool,
    /// `status.phase`.
    pub phase: String,
    /// Condition Ready.
    pub ready: bool,
    /// How often its containers were started again, those together.
    pub container_restarts: u32,
    /// Containers whose last end was for memory.
    pub killed_for_memory: Vec<String>,
    /// `spec.nodeName`.
    pub node: Option<String>,
    /// `metadata.deletionTimestamp` is set.
    pub deleting: bool,
    /// Where it stood.
    pub origin: Origin,
}

/// A workload that makes pods: Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob, Argo Rollout.
#[expect(clippy::struct_excessive_bools, reason = "as the API has them")]
#[derive(Debug, Clone, Default)]
pub struct Workload {
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: SortedMap<String, String>,
    /// Its annotations whose key contains `istio.io` or `helm.sh`.
    pub annotations: SortedMap<String, String>,
    /// The owner reference with `controller: true`.
    pub owner: Option<Owner>,
    /// `spec.replicas`, 1 where it is absent and the kind has it.
    pub replicas: i64,
    /// `spec.selector.matchLabels`.
    pub selector: SortedMap<String, String>,
    /// Labels of the pod template.
    pub template_labels: SortedMap<String, String>,
    /// Annotations of the pod template whose key contains `istio.io`.
    pub template_annotations: SortedMap<String, String>,
    /// Containers and init containers of the pod template.
    pub template_containers: Vec<Container>,
    /// `hostNetwork` of the pod template.
    pub template_host_network: bool,
    /// Where the pods of the template may run.
    pub placement: Placement,
    /// `spec.strategy.rollingUpdate.maxSurge`, or that of `updateStrategy`.
    pub max_surge: Option<Value>,
    /// `spec.strategy.rollingUpdate.maxUnavailable`, or that of `updateStrategy`.
    pub max_unavailable: Option<Value>,
    /// `spec.paused`.
    pub paused: bool,
    /// `spec.strategy.type` or `spec.updateStrategy.type`.
    pub strategy: Option<String>,
    /// `spec.updateStrategy.rollingUpdate.partition`.
    pub partition: i64,
    /// A Job that has completed or failed.
    pub finished: bool,
    /// A CronJob that makes no Jobs for now.
    pub suspended: bool,
    /// A container installs by istioctl, as its name, image or command tells; the command itself is not kept.
    pub runs_istioctl: bool,
    /// Where it stood.
    pub origin: Origin,
}

/// A node.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// `status.nodeInfo.kubeletVersion` without the leading `v`.
    pub kubelet: String,
    /// `status.allocatable`, as written.
    pub allocatable: SortedMap<String, String>,
    /// All labels.
    pub labels: SortedMap<String, String>,
    /// `spec.taints`.
    pub taints: Vec<Taint>,
    /// `spec.unschedulable`.
    pub unschedulable: bool,
    /// Where it stood.
    pub origin: Origin,
}

/// The same object twice, with different resourceVersions: an export taken in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The object.
    pub object: Ref,
    /// Where each stood, in the order of reading; the newer one (by resourceVersion) is kept.
    pub origins: Vec<Origin>,
}

/// A file that holds no objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// The file as it was found (a member of an archive as `archive!member`).
    pub file: String,
    /// What it is, for example `a picture (PNG)`.
    pub what: String,
}

/// The API version of what an export says of itself: `refit snapshot` writes there what it could not read.
pub const EXPORT: &str = "refit.export/v1";

/// A kind that the export says it does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status with which the server refused it, where the export holds it; 403 is a missing right.
    pub code: Option<u16>,
    /// Why, in the server's words.
    pub reason: String,
    /// Where the export says so.
    pub origin: Origin,
}

/// All that is kept of an export.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// `serverVersion.gitVersion` of `kubectl version -o json`, without the leading `v`.
    /// The oldest of [`Snapshot::server_versions`].
    pub server_version: Option<String>,
    /// Every version of the server that was read, and where it stood first; more than one is an export of two servers.
    pub server_versions: SortedMap<String, Origin>,
    /// The uid of the namespace `kube-system`, which is made once, with its cluster, and where it stood first; more than
    /// one is an export of several clusters.
    pub clusters: SortedMap<String, Origin>,
    /// Objects kept whole, by reference.
    pub objects: SortedMap<Ref, Object>,
    /// By namespace and name.
    pub pods: SortedMap<(String, String), Pod>,
    /// By kind, namespace and name.
    pub workloads: SortedMap<(String, String, String), Workload>,
    /// By name.
    pub nodes: SortedMap<String, Node>,
    /// `ConfigMaps` that hold the certificate of an authority, by namespace and name.
    pub authorities: SortedSet<(String, String)>,
    /// How many objects of each kind (`apps/v1/Deployment`) were read: what is absent here was not exported.
    pub kinds: SortedMap<String, usize>,
    /// Objects that stood more than once and differed.
    pub conflicts: Vec<Conflict>,
    /// Files that nobody named and that hold no objects, in the order of reading; of very many the first thousand.
    pub passed_over: Vec<PassedOver>,
    /// Kinds that whoever exported could not read, as `kubectl` names them (`replicasets.apps`).
    pub refused: SortedMap<String, Refused>,
    /// Some object that the API server stores with managedFields has them.
    pub managed_fields: bool,
}
