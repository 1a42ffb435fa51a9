//! Where releases lie: registries of images, repositories of charts, and which of these places end.

use serde::{Deserialize, Serialize};

use crate::Version;

/// The registry that a range of releases is stamped with, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HubRange {
    /// The first version.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub from: Version,
    /// The last version.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub to: Version,
    /// For example `docker.io/istio`.
    pub hub: String,
}

/// What a place holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// Images.
    Images,
    /// Charts.
    Charts,
    /// Release archives.
    Artifacts,
}

/// A place from which releases are pulled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Registry {
    /// For example `gcr.io/istio-release`, or a URL.
    pub place: String,
    /// What it holds.
    pub holds: Place,
    /// When it ends; absent where no end is announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Ending>,
}

/// When a place ends. Where only the month is announced, `from` is its first day and `by` the day after its last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ending {
    /// From this day on it may be gone.
    pub from: String,
    /// From this day on it is gone.
    pub by: String,
}

/// An announced time in which places are switched off, in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Outage {
    /// `YYYY-MM-DDThh:mmZ`.
    pub start: String,
    /// `YYYY-MM-DDThh:mmZ`.
    pub end: String,
    /// The places that are switched off.
    pub places: Vec<String>,
}

/// The key that signs releases from one version on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SigningKey {
    /// The first version that it signs.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub from: Version,
    /// Where the key is published.
    pub key: String,
}

/// How a place stands on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State<'a> {
    /// No end is announced.
    Lives,
    /// Its end is announced and lies ahead.
    WillEnd(&'a Ending),
    /// An announced outage touches the day.
    Out(&'a Outage),
    /// Its end is announced for these days.
    MayBeGone(&'a Ending),
    /// It is gone.
    Gone(&'a Ending),
}

impl HubRange {
    /// Tells whether a version is in the range.
    pub fn contains(&self, version: &Version) -> bool {
        self.from <= *version && *version <= self.to
    }
}

impl Registry {
    /// Tells whether an image, or a registry, lies in the place.
    pub fn covers(&self, image: &str) -> bool {
        image
            .strip_prefix(self.place.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':', '@']))
    }

    /// Returns how the place stands on a day (`YYYY-MM-DD`); without a day, what is announced.
    pub fn state<'a>(&'a self, day: Option<&str>, outages: &'a [Outage]) -> State<'a> {
        let Some(ending) = &self.ends else {
            return State::Lives;
        };
        let Some(day) = day else {
            return State::WillEnd(ending);
        };
        if day >= ending.by.as_str() {
            return State::Gone(ending);
        }
        let touches = |it: &&Outage| {
            it.places.contains(&self.place) && it.start_day() <= day && day <= it.end_day()
        };
        if let Some(outage) = outages.iter().find(touches) {
            return State::Out(outage);
        }
        if day >= ending.from.as_str() {
            return State::MayBeGone(ending);
        }
        State::WillEnd(ending)
    }
}

impl Outage {
    /// The day on which it begins.
    pub fn start_day(&self) -> &str {
        self.start.split('T').next().unwrap_or_default()
    }

    /// The day on which it ends.
    pub fn end_day(&self) -> &str {
        self.end.split('T').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
