//! Workloads whose proxies stay old until their pods are restarted.

use std::fmt;

use serde::{Deserialize, Serialize};
use sorted::SortedMap;

use super::Ref;

/// A workload whose proxies stay old until its pods are restarted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Restart {
    /// The workload that owns the pods.
    pub object: Ref,
    /// Its pods.
    pub pods: u32,
    /// Its proxies by version; `none` for pods without one, `unknown` where no evidence tells.
    pub proxies: SortedMap<String, u32>,
    /// The version that new pods would get.
    pub to: Option<String>,
    /// How it can be restarted.
    pub how: RestartHow,
    /// Why.
    pub reason: RestartReason,
}

/// Why a workload is listed among the restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "kebab-case")]
pub enum RestartReason {
    /// Its proxy is of another version.
    StaleImage,
    /// An annotation, or its template, pins its proxy's image.
    PinnedImage,
    /// Its template holds the proxy, injected by hand.
    KubeInject,
    /// Its sidecar becomes a native one, or ceases to be.
    NativeSidecar,
    /// It would get a proxy.
    MissingProxy,
    /// It would lose its proxy.
    WouldLoseProxy,
}

impl RestartReason {
    /// Why, in words, without a subject's name: `its proxy is of another version`.
    pub fn words(self) -> &'static str {
        match self {
            Self::StaleImage => "its proxy is of another version",
            Self::PinnedImage => "its proxy's image is pinned",
            Self::KubeInject => "its template holds the proxy, injected by hand",
            Self::NativeSidecar => "its sidecar becomes a native one, or ceases to be",
            Self::MissingProxy => "it would get a proxy",
            Self::WouldLoseProxy => "it would lose its proxy",
        }
    }
}

impl fmt::Display for RestartReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// How a workload's proxies can be restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "kebab-case")]
pub enum RestartHow {
    /// `kubectl rollout restart`.
    Rollout,
    /// Its pods are deleted one by one.
    DeletePods,
    /// Its pods are evicted, budgets respected.
    Evict,
    /// istiod, or the apply itself, rolls it.
    Auto,
    /// Not by a restart, or a restart would harm.
    None,
}
