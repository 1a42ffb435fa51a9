//! Facts that neither an archive nor `cargo xtask facts` tells: kept by hand in `data/kept.json`, which names their
//! sources.

use std::sync::LazyLock;

use serde::Deserialize;
use sorted::SortedMap;

use crate::{Minor, Version};

/// Which Kubernetes versions a release runs on. Absent bounds are not published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KubernetesBounds {
    /// The oldest that istioctl accepts without a warning (`MinK8SVersion`).
    pub code_minimum: Option<Minor>,
    /// The oldest that the release is documented for.
    pub minimum: Option<Minor>,
    /// The newest that the release is documented for.
    pub maximum: Option<Minor>,
}

/// A Gateway API CRD bundle that some releases pass over.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GatewayApiLimit {
    /// The name of the CRD.
    pub crd: String,
    /// Bundles older than this are passed over.
    #[serde(default)]
    pub minimum: Option<Version>,
    /// Bundles newer than this are passed over.
    #[serde(default)]
    pub maximum: Option<Version>,
    /// The first version that has the limit.
    pub since: Version,
    /// The first version that has it no more.
    #[serde(default)]
    pub before: Option<Version>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Kept {
    /// Where the facts were read; for the reader of the file.
    #[serde(rename = "sources")]
    _sources: SortedMap<String, String>,
    /// The oldest Kubernetes that istioctl of a minor accepts without a warning.
    pub(crate) kubernetes_minimum: SortedMap<Minor, Minor>,
    pub(crate) gateway_api: Vec<GatewayApiLimit>,
    pub(crate) unread_variables: SortedMap<Minor, Vec<String>>,
}

pub(crate) static KEPT: LazyLock<Kept> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/kept.json"))
        .expect("data/kept.json is read by this crate's tests")
});
