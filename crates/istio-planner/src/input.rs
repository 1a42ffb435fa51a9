//! What a plan is made from: the request as typed, the cluster as exported, the releases it needs.

mod asked;
mod documents;
mod meant;
mod requirement;

use istio_catalog::Facts;
use serde::{Deserialize, Serialize};

use crate::snapshot::Snapshot;

pub(crate) use asked::{Asked, Said};
pub(crate) use documents::{Documents, place};
pub(crate) use meant::{Meant, meant, source, source_version};
pub(crate) use requirement::KINDS;
pub use requirement::{Commands, Requirement, required};

/// What a user asks for, as typed. Nothing in it is checked yet: a wrong request becomes a finding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "input.ts"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The version to go to, for example `1.30.3`.
    pub to: String,
    /// `IstioOperator` files in order, comma lists split and standard input read by the caller.
    #[serde(default)]
    pub files: Vec<RequestFile>,
    /// `--set` flags in order, as typed (`values.pilot.traceSampling=10`).
    #[serde(default)]
    pub sets: Vec<String>,
    /// `--revision`; `default` and the empty string mean none, as for istioctl.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub revision: Option<String>,
    /// The namespace of the control plane that is meant, where the cluster holds several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub namespace: Option<String>,
    /// The version that runs, where the user knows what the export does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub from: Option<String>,
    /// Write a plan although a finding blocks. It never hides a finding.
    #[serde(default)]
    pub force: bool,
    /// Fill in `changes[].predicted`.
    #[serde(default)]
    pub predicted: bool,
    /// Objects that the target does not render any more and that are to be deleted: `KIND/NAME`, or
    /// `KIND/NAMESPACE/NAME`.
    #[serde(default)]
    pub prune: Vec<String>,
    /// Delete every such object but Services of type `LoadBalancer`, Deployments of gateways, and definitions, which are
    /// deleted by name only.
    #[serde(default)]
    pub prune_orphans: bool,
    /// Findings that somebody has decided on: they stay, and no longer decide the verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "types", ts(optional, as = "Option<Vec<Acceptance>>"))]
    pub accept: Vec<Acceptance>,
}

/// A decision on findings of one code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "input.ts"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Acceptance {
    /// The code, for example `istiod-single-replica`.
    pub code: String,
    /// Only findings that are about this object alone: `KIND/NAME` or `KIND/NAMESPACE/NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub object: Option<String>,
    /// Why, for those who read the plan.
    pub reason: String,
    /// The last day on which it holds, as `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub until: Option<String>,
}

/// An `IstioOperator` file of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "input.ts"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestFile {
    /// As the user named it; `-` is standard input.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Everything that a plan depends on.
#[derive(Debug, Clone, Default)]
pub struct Input {
    /// What is asked for.
    pub request: Request,
    /// The cluster.
    pub snapshot: Snapshot,
    /// The releases that were found, in any order: the target's, the source's, either or none. See [`crate::needs::releases`].
    pub releases: Vec<istio_render::Release>,
    /// Today as `YYYY-MM-DD`; without it nothing is said about ends of support.
    pub as_of: Option<String>,
    /// What is known of releases beyond their archives, where the user brought newer facts than this build has.
    pub facts: Option<Facts>,
}

impl Input {
    /// Returns what is known of releases beyond their archives.
    pub fn known(&self) -> &Facts {
        self.facts.as_ref().unwrap_or_else(|| Facts::embedded())
    }
}
