//! Security bulletins.

use serde::{Deserialize, Serialize};

use crate::Version;

/// A security bulletin of Istio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bulletin {
    /// For example `ISTIO-SECURITY-2026-006`.
    pub id: String,
    /// The day of its publication.
    pub published: String,
    /// The vulnerabilities that it speaks of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cves: Vec<String>,
    /// Its score, as published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cvss: Option<String>,
    /// The versions that it hits. Empty where its ranges are prose: then no version tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected: Vec<Affected>,
    /// The releases that settle it.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed: Vec<Version>,
    /// What is vulnerable: `istiod`, `proxy`, `cni`, …
    pub component: Vec<String>,
    /// What has to be so for a cluster to be hit, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
    /// Objects of which any lets a cluster be hit. Empty: every cluster may be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<Precondition>,
}

/// A range of versions, both ends included; without a beginning every older version is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Affected {
    /// The first version.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Version>,
    /// The last version.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Version>,
    /// The first version that is in it no more.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Version>,
}

/// An object that lets a cluster be hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Precondition {
    /// Its kind, `MeshConfig`, or `istiod env` for a variable of istiod.
    pub kind: String,
    /// The field that decides; lists are written `rules[]`. Without it the object alone decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The value that decides; without it any does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Affected {
    /// Tells whether a version is in the range.
    pub fn contains(&self, version: &Version) -> bool {
        self.from.as_ref().is_none_or(|it| it <= version)
            && self.to.as_ref().is_none_or(|it| version <= it)
            && self.before.as_ref().is_none_or(|it| version < it)
    }
}

impl Bulletin {
    /// Tells whether a version is among those that it hits.
    pub fn hits(&self, version: &Version) -> bool {
        self.affected.iter().any(|it| it.contains(version))
    }

    /// Returns its page.
    pub fn link(&self) -> String {
        let id = self.id.to_lowercase();
        format!("https://istio.io/latest/news/security/{id}/")
    }
}
