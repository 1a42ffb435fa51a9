//! A release's charts and profiles, and which release they are of.

use std::io::{ErrorKind, Read};
use std::sync::OnceLock;

use semver::Version;
use sha2::{Digest, Sha256};
use sorted::{SortedMap, SortedSet};

use crate::{Manifests, ManifestsError};

mod reader;

pub use reader::ReleaseReader;

/// A release's charts and profiles (`manifests/`).
#[derive(Debug, Clone)]
pub struct Release {
    files: SortedMap<String, Vec<u8>>,
    version: Version,
    stamped: bool,
    /// In the place of files.
    manifests: Option<Manifests>,
    /// Of the content, once it was asked for.
    digest: OnceLock<String>,
    origin: Option<String>,
}

impl Release {
    /// Loads a release from files, paths relative to `manifests/` (`charts/base/Chart.yaml`, `profiles/default.yaml`).
    pub fn from_files(files: SortedMap<String, Vec<u8>>) -> Self {
        Self::new(files, None)
    }

    /// Reads an official archive (or one of the folder `manifests` alone) as a stream, keeping `manifests/` only.
    ///
    /// # Errors
    ///
    /// When the bytes are no gzipped tar, end early, hold no charts, or hold more than a release can.
    pub fn from_tar_gz(mut archive: impl Read) -> std::io::Result<Self> {
        let mut reader = ReleaseReader::new();
        let mut chunk = vec![0; 64 << 10];
        loop {
            match archive.read(&mut chunk) {
                Ok(0) => return reader.finish(),
                Ok(length) => reader.push(chunk.get(..length).unwrap_or_default())?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn new(files: SortedMap<String, Vec<u8>>, version: Option<Version>) -> Self {
        let version = version.or_else(|| stamped_version(&files));
        Self {
            stamped: version.is_some(),
            version: version.unwrap_or_else(|| estimated_version(&files)),
            digest: OnceLock::new(),
            files,
            manifests: None,
            origin: None,
        }
    }

    /// Takes what a release rendered already in the place of its charts: whatever is asked for, this is rendered.
    pub fn from_manifests(manifests: Manifests, version: Version) -> Self {
        Self {
            files: SortedMap::new(),
            version,
            stamped: true,
            digest: OnceLock::new(),
            manifests: Some(manifests),
            origin: None,
        }
    }

    /// Notes where it was found, in words for its user.
    #[must_use]
    pub fn found(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// Where it was found.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// SHA-256 of its content as hexadecimal digits: the same for a release's folder and its archive.
    pub fn digest(&self) -> &str {
        let files = || {
            let files = self.files.iter();
            digest(files.flat_map(|(path, bytes)| [path.as_bytes(), bytes]))
        };
        let rendered = self.manifests.as_ref();
        self.digest
            .get_or_init(|| rendered.map_or_else(files, |it| digest([it.text()])))
    }

    /// Reads what a release rendered already, by a release that it names.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or no object says of which release it is.
    pub fn read_manifests(name: &str, bytes: &[u8]) -> Result<Self, ManifestsError> {
        let manifests = Manifests::read(name, bytes)?;
        let version = manifests.version().cloned();
        let version = version.ok_or_else(|| ManifestsError::VersionUnknown {
            name: name.to_owned(),
        })?;
        Ok(Self::from_manifests(manifests, version))
    }

    /// Whether it holds what was rendered already, and no charts.
    pub fn is_rendered(&self) -> bool {
        self.manifests.is_some()
    }

    /// Whether webhooks of the default tag can be made, or stand in what was rendered already.
    pub fn has_tag(&self) -> bool {
        self.manifests
            .as_ref()
            .is_none_or(|it| !it.tag().is_empty())
    }

    pub(crate) fn manifests(&self) -> Option<&Manifests> {
        self.manifests.as_ref()
    }

    /// Returns the release with one empty definition in the place of those of its resources.
    ///
    /// They are most of what there is to render; who renders often and asks for other objects is better off without.
    #[must_use]
    pub fn without_definitions(&self) -> Self {
        let mut release = Self {
            digest: OnceLock::new(),
            ..self.clone()
        };
        for (path, bytes) in &mut release.files {
            let below = path.strip_prefix("charts/base/").unwrap_or_default();
            if below.starts_with("crds/") || below.ends_with("crd-all.gen.yaml") {
                DEFINITION.as_bytes().clone_into(bytes);
            }
        }
        release
    }

    /// The version that the archive is stamped with; of an unstamped tree the first of its minor, found by its features.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Whether the version is written in the files; if not, [`Release::version`] is an estimate.
    pub fn is_stamped(&self) -> bool {
        self.stamped
    }

    /// The version whose rules apply: an unstamped tree counts as the newest patch of its minor.
    pub(crate) fn rules(&self) -> Version {
        let patch = if self.stamped {
            self.version.patch
        } else {
            u64::MAX
        };
        Version::new(self.version.major, self.version.minor, patch)
    }

    /// All files, by their paths below `manifests/`.
    pub fn files(&self) -> &SortedMap<String, Vec<u8>> {
        &self.files
    }

    /// Names of the profiles, sorted.
    pub fn profiles(&self) -> Vec<&str> {
        let named = |it: &'_ String| {
            it.strip_prefix("profiles/")
                .and_then(|it| it.strip_suffix(".yaml"))
                .map(str::len)
        };
        self.files
            .keys()
            .filter(|it| named(it).is_some())
            .map(|it| &it["profiles/".len()..it.len() - ".yaml".len()])
            .collect()
    }

    /// Versions for which this release's charts carry a compatibility profile (`1.29`), oldest first.
    pub fn compatibility_versions(&self) -> Vec<String> {
        compatibility_minors(&self.files)
            .into_iter()
            .map(|minor| format!("1.{minor}"))
            .collect()
    }

    /// The lowest Kubernetes version that this release's istioctl supports, `v1.32.0`.
    ///
    /// It is the version that charts see where no cluster is known (domain §3.1, §10).
    pub fn minimum_kubernetes(&self) -> String {
        let minor = match self.version.minor {
            ..=8 => 16,
            9..=12 => 17,
            13..=15 => 19,
            16 => 22,
            17 => 23,
            18 => 24,
            19..=20 => 25,
            21..=23 => 26,
            24 => 28,
            25..=27 => 29,
            28..=29 => 30,
            30.. => 32,
        };
        format!("v1.{minor}.0")
    }

    /// The files below a folder of `manifests/`, paths relative to it.
    pub(crate) fn folder(&self, folder: &str) -> SortedMap<String, Vec<u8>> {
        let prefix = format!("{folder}/");
        let below = self
            .files
            .range(prefix.clone()..)
            .take_while(|(path, _)| path.starts_with(&prefix));
        below
            .map(|(path, bytes)| (path[prefix.len()..].to_owned(), bytes.clone()))
            .collect()
    }

    /// The text of a file, when it is there and is text.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files
            .get(path)
            .and_then(|it| std::str::from_utf8(it).ok())
    }
}

/// SHA-256 of parts, each with its length before it.
fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut sum = Sha256::new();
    for part in parts {
        sum.update((part.len() as u64).to_be_bytes());
        sum.update(part);
    }
    format!("{:x}", sum.finalize())
}

/// A definition of nothing.
const DEFINITION: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: nothing.istio.io
";

/// The part of an archive's path below `manifests/`, which may be the root or below one folder.
fn in_manifests(path: &str) -> Option<&str> {
    if path.starts_with("charts/") || path.starts_with("profiles/") {
        return Some(path);
    }
    path.strip_prefix("manifests/").or_else(|| {
        path.split_once('/')
            .and_then(|(_, rest)| rest.strip_prefix("manifests/"))
    })
}

/// The value of the first line `name: value`, whatever its indentation.
fn field(bytes: &[u8], name: &str) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text
        .lines()
        .map(|line| line.trim_start().trim_start_matches("- "));
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

/// Takes a text for a version of Istio, unless it is one that only an unstamped tree has (`1.0.0`, `latest`).
fn stamped(text: Option<&str>) -> Option<Version> {
    Version::parse(text?.trim_start_matches('v'))
        .ok()
        .filter(|it| it.major == 1 && it.minor >= 4)
}

fn stamped_version(files: &SortedMap<String, Vec<u8>>) -> Option<Version> {
    let places = [
        ("profiles/default.yaml", "tag"),
        ("charts/base/Chart.yaml", "version"),
        ("charts/base/Chart.yaml", "appVersion"),
        ("charts/istio-control/istio-discovery/Chart.yaml", "version"),
        ("charts/istio-control/istio-discovery/values.yaml", "tag"),
    ];
    places
        .into_iter()
        .find_map(|(path, name)| stamped(field(files.get(path)?, name).as_deref()))
}

/// Tells the minor of an unstamped tree by what its files have that the minor before had not.
fn estimated_version(files: &SortedMap<String, Vec<u8>>) -> Version {
    // Each minor from 1.22 on ships the compatibility profile of the one before it.
    if let Some(newest) = compatibility_minors(files).last() {
        return Version::new(1, newest + 1, 0);
    }
    let has = |path: &str| files.contains_key(path);
    let minor = if has("charts/ztunnel/Chart.yaml") {
        if has("charts/base/files/profile-demo.yaml") {
            21
        } else {
            20
        }
    } else if has("charts/gateway/Chart.yaml") {
        16
    } else if has("charts/istiod-remote/Chart.yaml") || has("charts/istio-cni/Chart.yaml") {
        12
    } else {
        8
    };
    Version::new(1, minor, 0)
}

fn compatibility_minors(files: &SortedMap<String, Vec<u8>>) -> SortedSet<u64> {
    let named = |path: &String| {
        let (_, name) = path.rsplit_once("/files/")?;
        name.strip_prefix("profile-compatibility-version-1.")?
            .strip_suffix(".yaml")?
            .parse()
            .ok()
    };
    files.keys().filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(entries: &[(&str, &str)]) -> SortedMap<String, Vec<u8>> {
        entries
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn a_stamped_tree_says_its_version() {
        let release = Release::from_files(files(&[(
            "profiles/default.yaml",
            "spec:\n  hub: h\n  tag: 1.30.3\n",
        )]));
        assert_eq!(release.version(), &Version::new(1, 30, 3));
        assert!(release.is_stamped());
        assert_eq!(release.profiles(), ["default"]);
        assert_eq!(release.minimum_kubernetes(), "v1.32.0");
    }

    #[test]
    fn an_unstamped_tree_is_known_by_its_compatibility_profiles() {
        let release = Release::from_files(files(&[
            ("profiles/default.yaml", "spec:\n  tag: latest\n"),
            (
                "charts/base/files/profile-compatibility-version-1.9.yaml",
                "",
            ),
            (
                "charts/base/files/profile-compatibility-version-1.27.yaml",
                "",
            ),
        ]));
        assert_eq!(release.version(), &Version::new(1, 28, 0));
        assert!(!release.is_stamped());
    }

    #[test]
    fn an_archive_without_charts_is_refused() {
        assert!(Release::from_tar_gz(&b"no gzip"[..]).is_err());
    }
}
