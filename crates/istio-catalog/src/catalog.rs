//! All releases together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::Value;

use crate::delta::Delta;
use crate::facts::{FACTS, GatewayApiLimit};
use crate::{Minor, Release, Version};

/// The facts of every release.
#[derive(Debug)]
pub struct Catalog {
    releases: BTreeMap<Minor, Release>,
}

/// A setting that the charts of one release know and those of another do not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RemovedSetting {
    /// The component, for example `Pilot`.
    pub component: String,
    /// The path, for example `values.pilot.configSource`; a whole tree that is gone is one entry.
    pub path: String,
    /// Where it stands now, for those that moved.
    pub moved_to: Option<String>,
}

/// Written by `build.rs` from the files of `data/`.
static DATA: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/releases.deflate"));

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let text = miniz_oxide::inflate::decompress_to_vec(DATA).expect("build.rs compressed it");
    let deltas: Vec<Delta> = serde_json::from_slice(&text).expect("build.rs wrote it");
    let mut document = Value::Null;
    let releases = deltas.iter().map(|delta| {
        delta.apply(&mut document);
        let archive = serde_json::from_value(document.clone())
            .expect("this crate's tests read every file of data/");
        let release = Release {
            archive,
            facts: &FACTS,
        };
        (release.minor(), release)
    });
    Catalog {
        releases: releases.collect(),
    }
});

impl Catalog {
    /// Returns the catalogue that this crate carries. The first call unpacks it.
    pub fn embedded() -> &'static Self {
        &CATALOG
    }

    /// Returns the facts of a minor release, `None` where the catalogue has none.
    pub fn release(&self, minor: impl Into<Minor>) -> Option<&Release> {
        self.releases.get(&minor.into())
    }

    /// Returns all releases, oldest first.
    pub fn releases(&self) -> impl DoubleEndedIterator<Item = &Release> {
        self.releases.values()
    }

    /// Returns all minor releases, oldest first.
    pub fn minors(&self) -> impl DoubleEndedIterator<Item = Minor> {
        self.releases.keys().copied()
    }

    /// Returns the newest patch of a minor release that the catalogue knows.
    pub fn newest_patch(&self, minor: impl Into<Minor>) -> Option<&Version> {
        self.release(minor).map(Release::newest_patch)
    }

    /// Returns which Gateway API CRD bundles a version passes over (domain §6.2).
    pub fn gateway_api_limits<'a>(
        &self,
        version: &'a Version,
    ) -> impl Iterator<Item = &'a GatewayApiLimit> {
        let applies = |it: &&GatewayApiLimit| {
            it.since <= *version && it.before.as_ref().is_none_or(|before| *version < *before)
        };
        FACTS.gateway_api.iter().filter(applies)
    }

    /// Returns the settings that the charts of `from` have defaults for, and those of `to` do not, sorted.
    ///
    /// Components that one of the two does not ship are passed over, and so is `meshConfig`, which has a schema of its
    /// own. Empty where the catalogue lacks one of them.
    pub fn removed_settings(
        &self,
        from: impl Into<Minor>,
        to: impl Into<Minor>,
    ) -> Vec<RemovedSetting> {
        let defaults = |minor: Minor| {
            self.release(minor)?
                .effective_defaults("default", None, None)
                .ok()
        };
        let (Some(from), Some(to)) = (defaults(from.into()), defaults(to.into())) else {
            return Vec::new();
        };
        let mut removed = BTreeSet::new();
        for (component, from) in &from {
            if let Some(to) = to.get(component) {
                missing("values", from, to, &mut |path| {
                    let moved_to = FACTS.moved.get(&path).cloned();
                    removed.insert(RemovedSetting {
                        component: component.clone(),
                        path,
                        moved_to,
                    });
                });
            }
        }
        removed.into_iter().collect()
    }
}

/// Calls `each` with the path of every key of `from` that `to` lacks.
fn missing(path: &str, from: &Value, to: &Value, each: &mut impl FnMut(String)) {
    // An empty map in the newer release takes any key: its settings became free.
    let (Value::Object(from), Value::Object(to)) = (from, to) else {
        return;
    };
    if to.is_empty() {
        return;
    }
    for (key, from) in from.iter().filter(|(key, _)| *key != "meshConfig") {
        let path = format!("{path}.{}", key.replace('.', "\\."));
        match to.get(key) {
            Some(to) => missing(&path, from, to, each),
            None => each(path),
        }
    }
}

#[cfg(test)]
mod tests;
