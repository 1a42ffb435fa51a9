//! All releases together.

use std::sync::{LazyLock, OnceLock};

use serde_json::Value;
use sorted::SortedMap;

use crate::delta::Delta;
use crate::kept::{GatewayApiLimit, KEPT};
use crate::{Minor, Release, Version};

/// What the archives of every release hold.
///
/// Nothing is decoded before it is asked for; each patch is decoded once.
#[derive(Debug)]
pub struct Catalog {
    /// The patches of each minor, oldest first.
    minors: SortedMap<Minor, Vec<Entry>>,
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

/// Written by `build.rs` from the files of `data/`.
static DATA: &str = include_str!(concat!(env!("OUT_DIR"), "/releases.txt"));

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let mut minors: SortedMap<Minor, Vec<Entry>> = SortedMap::new();
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

#[cfg(test)]
mod tests;
