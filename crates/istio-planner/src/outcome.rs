//! The document that every face prints: `refit.outcome/v1` (its schema is `pkg/schema/outcome.json`).
//!
//! Plain data with public fields, in the document's own order. Nothing here decides anything.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sorted::SortedMap;

use crate::edit::{Edit, Fix};
use crate::plan::Plan;

mod code;
mod finding;
mod reference;
mod restart;

pub use code::Code;
pub(crate) use code::codes;
pub(crate) use finding::sort;
pub use restart::{Restart, RestartHow, RestartReason};

/// The value of [`Outcome::schema`].
pub const SCHEMA: &str = "refit.outcome/v1";

/// Everything a plan says about one cluster and one request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Whether the request can be carried out in place.
    pub verdict: Verdict,
    /// Where the request leads, seen from the source version.
    pub direction: Option<Direction>,
    /// What runs now.
    pub source: Source,
    /// What is asked for.
    pub target: Target,
    /// What was rendered with, and its digest; empty where neither release was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "types", ts(optional, as = "Option<Vec<Charts>>"))]
    pub charts: Vec<Charts>,
    /// Versions from source to target, one minor at a time; both ends included.
    pub hops: Vec<String>,
    /// What each hop of a way over several minors meets; empty where source and target are adjacent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "types", ts(optional, as = "Option<Vec<Hop>>"))]
    pub path: Vec<Hop>,
    /// Who installed what runs now.
    pub installers: Vec<Installer>,
    /// What runs now, component by component.
    pub inventory: Inventory,
    /// What was found, most severe first.
    pub findings: Vec<Finding>,
    /// Defaults that differ between source and target.
    pub defaults: Vec<DefaultChange>,
    /// Settings of the installation that the request would revert.
    pub reverted: Vec<Reverted>,
    /// What the apply does to each object.
    pub changes: Vec<Change>,
    /// Workloads whose proxies stay old until they are restarted.
    pub restarts: Vec<Restart>,
    /// Behaviour facts that apply to this cluster.
    pub notes: Vec<Finding>,
    /// What an executor performs; `null` when blocked and not forced.
    pub plan: Option<Plan>,
}

/// Whether the request can be carried out in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Nothing stands against it.
    Clear,
    /// A finding of level block stands against it.
    Blocked,
    /// Evidence is missing behind which a block could hide.
    Unknown,
}

/// Where the request leads, seen from the source version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// To a newer minor.
    Upgrade,
    /// To an older minor.
    Downgrade,
    /// To another patch of the same minor.
    Patch,
    /// To the very same version.
    Same,
}

/// What runs now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// `null` when no evidence gives it.
    pub version: Option<String>,
    /// Where the version was read.
    pub evidence: Vec<Subject>,
}

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// For example `1.30.3`.
    pub version: Option<String>,
    /// For example `default`.
    pub profile: String,
}

/// A release's charts, or what they rendered already, that a plan was made with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Charts {
    /// For example `1.30.3`.
    pub version: String,
    /// SHA-256 of their content, the same for a folder and an archive of the same files.
    pub sha256: String,
    /// They were rendered already, by somebody else.
    pub rendered: bool,
}

/// One hop of a way over several minors. Each is planned for itself; this says what it will meet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Hop {
    /// For example `1.28.10`.
    pub from: String,
    /// For example `1.29.6`.
    pub to: String,
    /// The Kubernetes versions that `to` is documented for; `null` where they are not known.
    pub kubernetes: Option<KubernetesRange>,
    /// What stands against this hop in the cluster as it is now.
    pub findings: Vec<Finding>,
    /// Behaviour facts of this hop that apply to the cluster.
    pub notes: Vec<Finding>,
    /// Pods by proxy version that have to be restarted after this hop, before the next one.
    pub restart: SortedMap<String, u32>,
}

/// The Kubernetes versions that a release is documented for, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct KubernetesRange {
    /// For example `1.31`.
    pub minimum: String,
    /// For example `1.35`.
    pub maximum: String,
}

/// A reference to an object of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Ref {
    /// For example `apps/v1`.
    pub api_version: String,
    /// For example `Deployment`.
    pub kind: String,
    /// Absent for objects of the whole cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub namespace: Option<String>,
    /// The object's name.
    pub name: String,
}

/// What a finding is about: an object, or a place in a file, or both (an object and where the export holds it).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
// ts-rs cannot flatten an `Option`.
#[cfg_attr(
    feature = "types",
    ts(
        type = "Partial<Ref> & { file?: string, line?: number, column?: number, field?: string, value?: unknown }"
    )
)]
pub struct Subject {
    /// The object, its keys written flat; absent for a place in a request's file.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub object: Option<Ref>,
    /// The file as it was named by the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub file: Option<String>,
    /// From 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub line: Option<u32>,
    /// From 1, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub column: Option<u32>,
    /// The path inside the object or file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub field: Option<String>,
    /// What stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional, type = "unknown"))]
    pub value: Option<Value>,
}

/// Who installed a part of the mesh.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Installer {
    /// Which it is.
    pub kind: InstallerKind,
    /// Who it is, where the kind does not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub name: Option<String>,
    /// The components it installed.
    pub covers: Vec<String>,
    /// What tells it.
    pub evidence: Vec<Subject>,
}

/// The kinds of installers told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub enum InstallerKind {
    /// `istioctl install` or `upgrade`.
    Istioctl,
    /// Helm releases.
    Helm,
    /// The in-cluster `IstioOperator` controller of 1.23 and older.
    Operator,
    /// The Sail operator, and `OpenShift` Service Mesh 3.
    Sail,
    /// A vendor's managed mesh.
    Managed,
    /// Rendered manifests applied by hand.
    Manifests,
    /// Argo CD.
    Argocd,
    /// Flux.
    Flux,
    /// Somebody else, whom `name` names.
    Other,
    /// The export does not tell.
    Unknown,
}

/// What runs now, component by component.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Inventory {
    /// The server and its nodes.
    pub kubernetes: Kubernetes,
    /// Every control plane.
    pub control_planes: Vec<ControlPlane>,
    /// Every component that runs pods, istiod first.
    pub components: Vec<ComponentVersion>,
    /// Sidecars by version and revision.
    pub proxies: Vec<ProxyCount>,
    /// Pods that are only a proxy.
    pub gateway_proxies: Vec<ProxyCount>,
}

/// Versions of the Kubernetes server and nodes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Kubernetes {
    /// Without the leading `v`; `null` when not exported.
    pub server: Option<String>,
    /// Nodes by kubelet version.
    pub nodes: SortedMap<String, u32>,
}

/// One control plane.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct ControlPlane {
    /// Where istiod runs.
    pub namespace: String,
    /// `default` for an installation without revision.
    pub revision: String,
    /// `null` when unknown.
    pub version: Option<String>,
    /// Running istiod pods.
    pub replicas: u32,
    /// Tags that lead to this revision.
    pub tags: Vec<String>,
}

/// A component that runs pods.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct ComponentVersion {
    /// `Pilot`, `IngressGateways`, `EgressGateways`, `Cni`, `Ztunnel`, `Base`, `Gateway` or `Waypoint`.
    pub component: String,
    /// Its namespace.
    pub namespace: String,
    /// The workload's name.
    pub name: String,
    /// `null` when unknown.
    pub version: Option<String>,
    /// Its pods.
    pub pods: u32,
}

/// Proxies of one version.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct ProxyCount {
    /// `null` when unknown.
    pub version: Option<String>,
    /// The revision that injected them.
    pub revision: Option<String>,
    /// How many pods.
    pub pods: u32,
    /// A native sidecar (an init container that keeps running); absent for gateways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub native: Option<bool>,
}

/// How much a finding weighs. The order is the order of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// The request must not be carried out.
    Block,
    /// Evidence is missing.
    Unknown,
    /// Worth a decision.
    Warn,
    /// Good to know.
    Info,
}

/// Something found about the request in this cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Stable, kebab-case; `refit explain` knows it.
    pub code: Code,
    /// How much it weighs.
    pub level: Level,
    /// One sentence without full stop.
    pub title: String,
    /// Why, in this cluster.
    pub detail: String,
    /// What it is about, sorted.
    pub subjects: Vec<Subject>,
    /// What to do.
    pub fix: Option<String>,
    /// Edits of the request's file, each of which settles it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "types", ts(as = "Option<Vec<Fix>>", optional))]
    pub fixes: Vec<Fix>,
    /// The version to go to instead, which settles it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub instead: Option<String>,
    /// Where to read more.
    pub link: Option<String>,
    /// Why somebody has decided to go on with it; then it does not decide the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub accepted: Option<String>,
}

/// A default that differs between source and target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct DefaultChange {
    /// For example `Pilot`.
    pub component: String,
    /// For example `values.pilot.env.X`.
    pub path: String,
    /// Absent when the source has no such default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional, type = "unknown"))]
    pub from: Option<Value>,
    /// Absent when the target has no such default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional, type = "unknown"))]
    pub to: Option<Value>,
    /// What the target's own values file says of the setting, where its charts were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub about: Option<String>,
    /// The request, or what is recovered from the cluster, sets this path.
    pub pinned: bool,
    /// The one setting that keeps the old behaviour.
    pub keep: Option<String>,
    /// Why there is none, a clause without full stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub unkept: Option<String>,
    /// The same as an edit of the request's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub edit: Option<Edit>,
}

/// A setting of the installation that the request would revert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Reverted {
    /// For example `values.pilot.traceSampling`.
    pub path: String,
    /// What is set now.
    #[cfg_attr(feature = "types", ts(type = "unknown"))]
    pub live: Value,
    /// What the request sets; absent when it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional, type = "unknown"))]
    pub request: Option<Value>,
    /// The target's default, which it falls back to where the request says nothing; absent when there is none, or it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional, type = "unknown"))]
    pub default: Option<Value>,
    /// Where the live value was read.
    pub evidence: Vec<Subject>,
}

/// What the apply does to one object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The object.
    pub object: Ref,
    /// The component that renders it, or rendered it.
    pub component: String,
    /// What happens.
    pub class: ChangeClass,
    /// The fields that change.
    pub fields: Vec<FieldChange>,
    /// The object as the API server would store it; only with `--predicted` and in saved plans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional, type = "unknown"))]
    pub predicted: Option<Value>,
}

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "kebab-case")]
pub enum ChangeClass {
    /// It is not there yet.
    Create,
    /// Fields change.
    Change,
    /// An immutable field changes: delete and create.
    Replace,
    /// Fields that others own change.
    TakeOver,
    /// The plan deletes it.
    Delete,
    /// istioctl would leave it behind.
    Orphan,
    /// Stored as it is.
    Unchanged,
}

/// One field that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// The path, list elements by their key: `spec.template.spec.containers[name=discovery].image`.
    pub path: String,
    /// Absent when the field is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional, type = "unknown"))]
    pub from: Option<Value>,
    /// Absent when the field goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional, type = "unknown"))]
    pub to: Option<Value>,
    /// Who else owns it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub owner: Option<String>,
}
