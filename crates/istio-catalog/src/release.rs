//! A release: what its archive holds, and what is known of its minor besides.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sorted::SortedMap;

use crate::kept::KEPT;
use crate::{ComponentName, Minor, Version};

/// Facts of one release, taken from its archive.
#[derive(Debug, Clone)]
pub struct Release {
    pub(crate) archive: Archive,
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
    pub charts: SortedMap<String, Value>,
    /// Files that a chart lays over its own defaults; the same in every chart.
    pub overlays: Overlays,
    /// `spec` of `profiles/NAME.yaml`, by name.
    pub profiles: SortedMap<String, Value>,
    /// The ztunnel chart takes `global` of a profile as its own settings (1.24 and newer).
    pub ztunnel_takes_globals: bool,
}

/// Files that a chart lays over its own defaults (`files/profile-*.yaml`, 1.21 and newer; domain §1.6).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Overlays {
    /// Chosen by `values.profile`.
    pub profile: SortedMap<String, Value>,
    /// Chosen by `values.compatibilityVersion`.
    pub compatibility: SortedMap<String, Value>,
    /// Chosen by `values.global.platform`.
    pub platform: SortedMap<String, Value>,
}

impl Release {
    /// Returns which release this is.
    pub fn version(&self) -> &Version {
        &self.archive.version
    }

    /// Returns the registry that its images come from: of its charts, else of its default profile.
    pub fn hub(&self) -> Option<&str> {
        let pilot = self.archive.charts.get(ComponentName::Pilot.as_str());
        let profile = || self.archive.profiles.get("default")?.get("hub");
        pilot
            .and_then(|it| it.pointer("/global/hub"))
            .or_else(profile)?
            .as_str()
    }

    /// Returns what is kept of its archive.
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Returns which minor release this is.
    pub fn minor(&self) -> Minor {
        self.archive.version.minor_release()
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
        sorted::sort(&mut versions);
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
        let unread = KEPT.unread_variables.get(&self.minor());
        unread.is_some_and(|it| it.iter().any(|it| it == variable))
    }

    /// Returns the components whose charts it ships.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.archive.charts.keys().map(String::as_str)
    }
}
