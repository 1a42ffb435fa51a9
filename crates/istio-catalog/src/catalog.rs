//! All releases together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{LazyLock, OnceLock};

use serde_json::Value;

use crate::delta::Delta;
use crate::kept::{GatewayApiLimit, KEPT};
use crate::{Minor, Release, Version};

/// What the archives of every release hold.
///
/// Nothing is decoded before it is asked for; each patch is decoded once.
#[derive(Debug)]
pub struct Catalog {
    /// The patches of each minor, oldest first.
    minors: BTreeMap<Minor, Vec<Entry>>,
}

/// A patch, as `build.rs` packed it.
#[derive(Debug)]
struct Entry {
    version: Version,
    /// For the first patch of a minor what differs from the first of the minor after it, for others what differs from
    /// the patch before.
    delta: &'static str,
    release: OnceLock<Release>,
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
static DATA: &str = include_str!(concat!(env!("OUT_DIR"), "/releases.txt"));

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let mut minors: BTreeMap<Minor, Vec<Entry>> = BTreeMap::new();
    for line in DATA.lines() {
        let (version, delta) = line.split_once('\t').expect("build.rs wrote it");
        let version: Version = version.parse().expect("build.rs wrote it");
        minors
            .entry(version.minor_release())
            .or_default()
            .push(Entry {
                version,
                delta,
                release: OnceLock::new(),
            });
    }
    Catalog { minors }
});

impl Catalog {
    /// Returns the catalogue that this crate carries. The first call lists its patches and decodes none.
    pub fn embedded() -> &'static Self {
        &CATALOG
    }

    /// Returns what the archive of a release holds, or that of the nearest patch of its minor: the newest known one
    /// before it, else the oldest known one. `None` where no patch of the minor is known.
    ///
    /// [`Release::version`] tells which patch it is, [`Catalog::is_exact`] whether it is the very one.
    pub fn release(&self, version: &Version) -> Option<&Release> {
        let entries = self.minors.get(&version.minor_release())?;
        let at = entries
            .iter()
            .rposition(|it| it.version <= *version)
            .unwrap_or(0);
        Some(self.decoded(entries, at))
    }

    /// Tells whether the archive of the very release is known, also whether it is the candidate or the release.
    pub fn is_exact(&self, version: &Version) -> bool {
        self.nearest(version)
            .is_some_and(|it| it.to_string() == version.without_variant().to_string())
    }

    /// Returns the patch that [`Catalog::release`] gives for a version, without decoding anything.
    pub fn nearest(&self, version: &Version) -> Option<&Version> {
        let entries = self.minors.get(&version.minor_release())?;
        let known = entries.iter().rfind(|it| it.version <= *version);
        known.or_else(|| entries.first()).map(|it| &it.version)
    }

    /// Returns what the newest known archive of a minor release holds.
    pub fn minor(&self, minor: Minor) -> Option<&Release> {
        let entries = self.minors.get(&minor)?;
        Some(self.decoded(entries, entries.len() - 1))
    }

    /// Returns the newest known release of each minor, oldest first.
    pub fn releases(&self) -> impl DoubleEndedIterator<Item = &Release> {
        self.minors
            .values()
            .map(|entries| self.decoded(entries, entries.len() - 1))
    }

    /// Returns every patch whose archive is known, oldest first.
    pub fn patches(&self) -> impl DoubleEndedIterator<Item = &Version> {
        self.minors.values().flatten().map(|it| &it.version)
    }

    /// Returns all minor releases, oldest first.
    pub fn minors(&self) -> impl DoubleEndedIterator<Item = Minor> {
        self.minors.keys().copied()
    }

    /// Returns the newest release whose archive is known and that is no candidate.
    pub fn newest_stable(&self) -> Option<&Version> {
        self.patches()
            .rfind(|it| it.without_variant().suffix.is_none())
    }

    /// Returns which Gateway API CRD bundles a version passes over.
    pub fn gateway_api_limits<'a>(
        &self,
        version: &'a Version,
    ) -> impl Iterator<Item = &'a GatewayApiLimit> {
        let applies = |it: &&GatewayApiLimit| {
            it.since <= *version && it.before.as_ref().is_none_or(|before| *version < *before)
        };
        KEPT.gateway_api.iter().filter(applies)
    }

    /// Returns the settings that the charts of `from` have defaults for, and those of `to` do not, sorted.
    ///
    /// Components that one of the two does not ship are passed over, and so is `meshConfig`, which has a schema of its
    /// own. Empty where the catalogue lacks one of them.
    pub fn removed_settings(&self, from: &Version, to: &Version) -> Vec<RemovedSetting> {
        let defaults = |version: &Version| {
            self.release(version)?
                .effective_defaults("default", None, None)
                .ok()
        };
        let (Some(from), Some(to)) = (defaults(from), defaults(to)) else {
            return Vec::new();
        };
        let mut removed = BTreeSet::new();
        for (component, from) in &from {
            if let Some(to) = to.get(component) {
                missing("values", from, to, &mut |path| {
                    let moved_to = KEPT.moved.get(&path).cloned();
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

    /// Decodes a patch: the newest minor's first patch, changed into that of each minor down to this one, and then by
    /// each patch up to this one.
    fn decoded<'a>(&'a self, entries: &'a [Entry], at: usize) -> &'a Release {
        let wanted = &entries[at];
        wanted.release.get_or_init(|| {
            let minor = wanted.version.minor_release();
            let newer = self.minors.range(minor.next()..).rev();
            let first = newer.filter_map(|(_, entries)| entries.first());
            let mut document = Value::Null;
            for entry in first.chain(&entries[..=at]) {
                let delta: Delta = serde_json::from_str(entry.delta).expect("build.rs wrote it");
                delta.apply_owned(&mut document);
            }
            let archive = serde_json::from_value(document)
                .expect("this crate's tests decode every patch of data/");
            Release { archive }
        })
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
