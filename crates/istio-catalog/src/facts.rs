//! What is known of releases beyond their archives: dates, support, registries, signing keys and bulletins.
//!
//! The document is written by `cargo xtask facts FOLDER`; a newer one can be brought with `--facts FILE`.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use sorted::SortedMap;

use crate::bulletin::Bulletin;
use crate::kept::{KEPT, KubernetesBounds};
use crate::registry::{HubRange, Outage, Registry, SigningKey};
use crate::{Catalog, Minor, Version};

/// The version of the document's format.
pub const API_VERSION: &str = "refit.dev/facts/v1";

/// Facts of releases beyond their archives. Days are `YYYY-MM-DD`, so that the order of texts is the order of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Facts {
    /// The version of this format.
    pub api_version: String,
    /// The day of each release, candidates not among them.
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, String>")
    )]
    pub releases: SortedMap<Version, String>,
    /// What each minor release is documented for.
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, Support>")
    )]
    pub support: SortedMap<Minor, Support>,
    /// The Gateway API that each minor release is built with.
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, String>")
    )]
    pub gateway_api: SortedMap<Minor, String>,
    /// The registry that releases are stamped with.
    pub hubs: Vec<HubRange>,
    /// Where images, charts and archives of releases lie, and which of these places end.
    pub registries: Vec<Registry>,
    /// Announced days on which places that end are switched off.
    pub outages: Vec<Outage>,
    /// The keys that sign the images of releases.
    pub signing_keys: Vec<SigningKey>,
    /// Security bulletins, oldest first.
    pub bulletins: Vec<Bulletin>,
    /// Fixes that patches brought, by the first release of each minor that has them.
    #[serde(default)]
    pub fixes: Vec<Correction>,
}

/// A fix that a release note tells of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Correction {
    /// The note: `releasenotes/notes/NOTE.yaml` in upstream's repository.
    pub note: String,
    /// What it is about, as the note says: `traffic-management`, `security`, …
    pub area: String,
    /// The first release of each minor that has it.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub first: Vec<Version>,
}

impl Correction {
    /// Tells whether a version has it; `None` where nothing is known of its minor.
    pub fn is_in(&self, version: &Version) -> Option<bool> {
        let minor = version.minor_release();
        let first = self.first.iter().find(|it| it.minor_release() == minor)?;
        Some(first <= version)
    }
}

/// What a minor release is documented for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Support {
    /// The last day of support; absent where it is not published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// The oldest Kubernetes.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub kubernetes_minimum: Minor,
    /// The newest Kubernetes.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub kubernetes_maximum: Minor,
}

/// When the support of a minor release ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndOfLife {
    /// `YYYY-MM-DD`.
    pub date: String,
    /// Published; else six weeks after the release of the second minor that follows, which is upstream's rule.
    pub published: bool,
}

/// Why a document of facts is refused.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// It is not such a document.
    #[error("it holds no facts of releases: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// Another format.
    #[error("its format is {0:?}, and this build reads {API_VERSION:?}")]
    Version(String),
    /// It is older than what is known already.
    #[error(
        "its newest fact is of {theirs}, and this build's is of {ours}: older facts replace no newer ones"
    )]
    Older {
        /// The newest day of the document.
        theirs: String,
        /// The newest day that is known already.
        ours: String,
    },
}

static FACTS: LazyLock<Facts> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/facts.json"))
        .expect("data/facts.json is read by this crate's tests")
});

impl Facts {
    /// Returns the facts that this crate carries.
    pub fn embedded() -> &'static Self {
        &FACTS
    }

    /// Reads a document of facts that replaces the embedded ones: of the same format, and not older.
    pub fn newer(text: &str) -> Result<Self, FactsError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Header {
            api_version: String,
        }
        let header: Header = serde_json::from_str(text)?;
        if header.api_version != API_VERSION {
            return Err(FactsError::Version(header.api_version));
        }
        let facts: Self = serde_json::from_str(text)?;
        let (theirs, ours) = (facts.newest_day(), Self::embedded().newest_day());
        if theirs < ours {
            let (theirs, ours) = (theirs.to_owned(), ours.to_owned());
            return Err(FactsError::Older { theirs, ours });
        }
        Ok(facts)
    }

    /// Returns the day of the newest fact: a release or a bulletin.
    pub fn newest_day(&self) -> &str {
        let releases = self.releases.values().map(String::as_str);
        let bulletins = self.bulletins.iter().map(|it| it.published.as_str());
        releases.chain(bulletins).max().unwrap_or_default()
    }

    /// Returns the day on which a version was released; `None` for candidates and releases that are not known.
    pub fn released(&self, version: &Version) -> Option<&str> {
        let (known, day) = self.releases.get_key_value(version)?;
        (known.suffix == version.without_variant().suffix).then_some(day.as_str())
    }

    /// Returns the newest release of a minor with its day; `None` where there is none yet. With a day, releases of
    /// later days do not exist.
    pub fn newest_patch(&self, minor: Minor, as_of: Option<&str>) -> Option<(&Version, &str)> {
        self.patches(minor, as_of).next()
    }

    /// Returns the newest release of a minor that no bulletin with a fix hits, else its newest one. With a day, releases
    /// of later days do not exist.
    pub fn safest_patch(&self, minor: Minor, as_of: Option<&str>) -> Option<&Version> {
        let mut patches = self.patches(minor, as_of);
        let is_hit = |it: &Version| self.bulletins_of(it).next().is_some();
        let safe = patches.find(|(it, _)| !is_hit(it));
        safe.or_else(|| self.newest_patch(minor, as_of))
            .map(|(it, _)| it)
    }

    /// Returns the releases of a minor up to a day, newest first.
    fn patches(&self, minor: Minor, as_of: Option<&str>) -> impl Iterator<Item = (&Version, &str)> {
        let first = Version::new(minor.major, minor.minor, 0);
        let beyond = Version::new(minor.major, minor.minor.saturating_add(1), 0);
        self.releases
            .range(first..beyond)
            .rev()
            .map(|(version, day)| (version, day.as_str()))
            .filter(move |(_, day)| as_of.is_none_or(|as_of| *day <= as_of))
    }

    /// Returns the newest release.
    pub fn newest_release(&self) -> Option<&Version> {
        self.releases.keys().next_back()
    }

    /// Returns when the support of a minor ends; `None` where neither a day nor what the rule needs is known.
    pub fn end_of_life(&self, minor: Minor) -> Option<EndOfLife> {
        let published = self.support.get(&minor).and_then(|it| it.end.clone());
        if let Some(date) = published {
            return Some(EndOfLife {
                date,
                published: true,
            });
        }
        let second = minor.next().next();
        let first = Version::new(second.major, second.minor, 0);
        let date = six_weeks_after(self.releases.get(&first)?)?;
        Some(EndOfLife {
            date,
            published: false,
        })
    }

    /// Returns which Kubernetes versions a minor runs on.
    pub fn kubernetes(&self, minor: Minor) -> KubernetesBounds {
        let support = self.support.get(&minor);
        KubernetesBounds {
            code_minimum: KEPT.kubernetes_minimum.get(&minor).copied(),
            minimum: support.map(|it| it.kubernetes_minimum),
            maximum: support.map(|it| it.kubernetes_maximum),
        }
    }

    /// Returns the registry that a release takes its images from unless it is told another: by its own charts, else by
    /// what is documented.
    pub fn hub<'a>(&'a self, version: &Version) -> Option<&'a str> {
        let catalog = Catalog::embedded();
        if catalog.is_exact(version) {
            return catalog.release(version)?.hub();
        }
        let text = version.without_variant().to_string();
        let exact = self
            .hubs
            .iter()
            .find(|it| it.from.to_string() == text && it.to.to_string() == text);
        let within = || self.hubs.iter().rfind(|it| it.contains(version));
        exact.or_else(within).map(|it| it.hub.as_str())
    }

    /// Tells whether a registry is what a release stamps on its own charts: then nobody chose it.
    pub fn is_stamp(&self, version: &Version, hub: &str) -> bool {
        self.hub(version) == Some(hub)
    }

    /// Returns what is known of the place that an image, or a registry, lies in: `gcr.io/istio-release/pilot:1.29.6`.
    pub fn registry(&self, image: &str) -> Option<&Registry> {
        let image = match image.strip_prefix("index.docker.io/") {
            Some(rest) => Cow::Owned(format!("docker.io/{rest}")),
            None if image.starts_with("istio/") => Cow::Owned(format!("docker.io/{image}")),
            None => Cow::Borrowed(image),
        };
        self.registries.iter().find(|it| it.covers(&image))
    }

    /// Returns the key that signs the images of a release.
    pub fn signing_key(&self, version: &Version) -> Option<&SigningKey> {
        self.signing_keys.iter().rfind(|it| it.from <= *version)
    }

    /// Returns the bulletins that hit a version, oldest first; those whose ranges are prose are not among them.
    pub fn bulletins_of<'a>(&'a self, version: &'a Version) -> impl Iterator<Item = &'a Bulletin> {
        self.bulletins.iter().filter(|it| it.hits(version))
    }

    /// Returns the bulletins that hit `from` and not `to`: what the step settles.
    pub fn bulletins_fixed<'a>(
        &'a self,
        from: &'a Version,
        to: &'a Version,
    ) -> impl Iterator<Item = &'a Bulletin> {
        self.bulletins_of(from).filter(|it| !it.hits(to))
    }

    /// Returns the bulletins whose ranges are prose, so that no version tells whether they hit it.
    pub fn bulletins_in_prose(&self) -> impl Iterator<Item = &Bulletin> {
        self.bulletins.iter().filter(|it| it.affected.is_empty())
    }

    /// Returns the fixes that `from` has and `to` has not: of a patch that is newer than the first one of a newer minor.
    pub fn fixes_missing<'a>(
        &'a self,
        from: &'a Version,
        to: &'a Version,
    ) -> impl Iterator<Item = &'a Correction> {
        self.fixes
            .iter()
            .filter(|it| it.is_in(from) == Some(true) && it.is_in(to) == Some(false))
    }

    /// Returns the newest release of the minor of `version`, or of the nearest minor after it, that a bulletin does not
    /// hit.
    pub fn fix_of(&self, bulletin: &Bulletin, version: &Version) -> Option<&Version> {
        let minors = self
            .support
            .keys()
            .filter(|it| **it >= version.minor_release());
        minors
            .filter_map(|it| self.newest_patch(*it, None))
            .map(|(newest, _)| newest)
            .find(|newest| !bulletin.hits(newest) && *newest > version)
    }
}

/// Returns the day six weeks after another, both `YYYY-MM-DD`.
fn six_weeks_after(date: &str) -> Option<String> {
    let mut parts = date.split('-').map(str::parse::<u32>);
    let (mut year, mut month, mut day) = (
        parts.next()?.ok()?,
        parts.next()?.ok()?,
        parts.next()?.ok()? + 42,
    );
    while day > days(year, month) {
        day -= days(year, month);
        (year, month) = if month == 12 {
            (year + 1, 1)
        } else {
            (year, month + 1)
        };
    }
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

const fn days(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the number of days from one day to another, both `YYYY-MM-DD`; negative where it lies before.
pub fn days_between(from: &str, to: &str) -> Option<i64> {
    Some(ordinal(to)? - ordinal(from)?)
}

/// The day's number in the Gregorian calendar.
fn ordinal(date: &str) -> Option<i64> {
    let mut parts = date.split('-').map(str::parse::<i64>);
    let (year, month, day) = (
        parts.next()?.ok()?,
        parts.next()?.ok()?,
        parts.next()?.ok()?,
    );
    // Years begin in March, so that the leap day is the last.
    let (year, month) = if month < 3 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(365 * year + leaps + (153 * month + 2) / 5 + day)
}

#[cfg(test)]
mod tests;
