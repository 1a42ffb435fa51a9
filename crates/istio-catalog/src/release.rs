//! A minor release: what its newest archive holds, and what is known of it besides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::facts::{EndOfLife, Facts, KubernetesBounds};
use crate::{Minor, Version};

/// Facts of one minor release, taken from the archive of its newest patch.
#[derive(Debug, Clone)]
pub struct Release {
    pub(crate) archive: Archive,
    pub(crate) facts: &'static Facts,
}

/// What of a release archive is kept; written by `cargo xtask catalog`.
///
/// Values are plain data: comments, templates and CRDs are not kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Archive {
    /// The version of the archive.
    pub version: Version,
    /// `values.yaml` of each component's chart, by component; without the key that wraps it since 1.21.
    pub charts: BTreeMap<String, Value>,
    /// Files that a chart lays over its own defaults; the same in every chart.
    pub overlays: Overlays,
    /// `spec` of `profiles/NAME.yaml`, by name.
    pub profiles: BTreeMap<String, Value>,
    /// The ztunnel chart takes `global` of a profile as its own settings (1.24 and newer).
    pub ztunnel_takes_globals: bool,
}

/// Files that a chart lays over its own defaults (`files/profile-*.yaml`, 1.21 and newer; domain §1.6).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Overlays {
    /// Chosen by `values.profile`.
    pub profile: BTreeMap<String, Value>,
    /// Chosen by `values.compatibilityVersion`.
    pub compatibility: BTreeMap<String, Value>,
    /// Chosen by `values.global.platform`.
    pub platform: BTreeMap<String, Value>,
}

impl Release {
    /// Returns which minor release this is.
    pub fn minor(&self) -> Minor {
        self.archive.version.minor_release()
    }

    /// Returns the newest patch that the catalogue knows.
    pub fn newest_patch(&self) -> &Version {
        &self.archive.version
    }

    /// Returns the names of its profiles.
    pub fn profiles(&self) -> impl Iterator<Item = &str> {
        self.archive.profiles.keys().map(String::as_str)
    }

    /// Returns `spec` of a profile, merged over that of the default profile (domain §1.2).
    ///
    /// Lists of gateways are replaced whole since 1.24 and merged by name before. `None` for a profile that the
    /// release does not ship.
    pub fn profile(&self, name: &str) -> Option<Value> {
        let default = self.archive.profiles.get("default")?;
        let mut spec = default.clone();
        if name != "default" && !name.is_empty() {
            let named = self.archive.profiles.get(name)?;
            if self.minor() < Minor::new(1, 24) {
                crate::defaults::merge_by_name(&mut spec, named);
            } else {
                crate::defaults::merge(&mut spec, named);
            }
        }
        Some(spec)
    }

    /// Returns the compatibility versions that its charts ship, oldest first; none before 1.21.
    pub fn compatibility_versions(&self) -> Vec<Minor> {
        let mut versions: Vec<Minor> = self
            .archive
            .overlays
            .compatibility
            .keys()
            .filter_map(|it| it.parse().ok())
            .collect();
        versions.sort();
        versions
    }

    /// Returns what a compatibility version sets: a tree of values as written in the charts' own file.
    pub fn compatibility_settings(&self, version: Minor) -> Option<&Value> {
        self.archive
            .overlays
            .compatibility
            .get(&version.to_string())
    }

    /// Returns the platforms that `values.global.platform` may name; none before 1.24.
    pub fn platforms(&self) -> impl Iterator<Item = &str> {
        self.archive.overlays.platform.keys().map(String::as_str)
    }

    /// Tells whether a compatibility version of this release sets an environment variable that its binaries no longer
    /// read, so that setting it does not bring the old behaviour back (domain §11, F-20).
    pub fn is_unread(&self, variable: &str) -> bool {
        let unread = self.facts.unread_variables.get(&self.minor());
        unread.is_some_and(|it| it.iter().any(|it| it == variable))
    }

    /// Returns which Kubernetes versions it runs on (domain §10).
    pub fn kubernetes_bounds(&self) -> KubernetesBounds {
        self.facts
            .kubernetes
            .get(&self.minor())
            .copied()
            .unwrap_or_default()
    }

    /// Returns when its support ends; `None` where that is not known yet.
    pub fn end_of_life(&self) -> Option<EndOfLife> {
        self.facts.end_of_life(self.minor())
    }

    /// Returns when its first patch was tagged, as `YYYY-MM-DD`.
    pub fn tagged(&self) -> Option<&str> {
        self.facts.tagged.get(&self.minor()).map(String::as_str)
    }

    /// Returns the components whose charts it ships.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.archive.charts.keys().map(String::as_str)
    }
}
