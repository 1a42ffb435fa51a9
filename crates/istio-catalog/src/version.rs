//! Versions: numeric compare, and image tags read as Istio reads them.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Endings of image tags that name a build of the same release, not another release.
const VARIANTS: &[&str] = &["distroless", "debug"];

/// A version: three numbers, and what follows them.
///
/// Two versions are equal, and are ordered, by their numbers alone: `1.30.3-distroless` equals `1.30.3`, and a release
/// candidate equals its release, as in Istio's own tools (domain §5.3, istio 1.31:operator/pkg/version/version.go).
#[derive(Debug, Clone, Default)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// The third number.
    pub patch: u32,
    /// What follows the first `-`, without it: `distroless`, `rc.0`, `rc.0-distroless`.
    pub suffix: Option<String>,
}

/// A minor release: all its patches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minor {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
}

/// A text that is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a version")]
pub struct NotAVersion(pub String);

impl Version {
    /// Makes a version without suffix.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            major,
            minor,
            patch,
            suffix: None,
        }
    }

    /// Reads the tag of an image, or any other text that holds one version and nothing else.
    ///
    /// A leading `release-` or `v` is passed over; missing numbers are 0, numbers beyond the third and build metadata
    /// are dropped. `None` for `latest`, digests, commit hashes (also those of digits only) and custom tags.
    pub fn parse_tag(tag: &str) -> Option<Self> {
        let tag = tag.strip_prefix("release-").unwrap_or(tag);
        let tag = tag.strip_prefix('v').unwrap_or(tag);
        let tag = tag.split_once('+').map_or(tag, |(tag, _)| tag);
        let (numbers, suffix) = match tag.split_once('-') {
            Some((numbers, suffix)) => (numbers, Some(suffix)),
            None => (tag, None),
        };
        if suffix.is_some_and(|it| !is_suffix(it)) {
            return None;
        }
        let numbers = numbers
            .split('.')
            .map(number)
            .collect::<Option<Vec<u32>>>()?;
        let (major, minor, patch) = match numbers[..] {
            [] | [_] => return None,
            [major, minor] => (major, minor, 0),
            [major, minor, patch, ..] => (major, minor, patch),
        };
        Some(Self {
            major,
            minor,
            patch,
            suffix: suffix.map(str::to_owned),
        })
    }

    /// Reads the release that a request names: three numbers and nothing beyond them but a pre-release, as `1.30.3` or
    /// `1.31.0-rc.0`; a leading `v` is passed over. A minor alone names no release.
    pub fn parse_release(text: &str) -> Option<Self> {
        let version = Self::parse_tag(text)?;
        let numbers = text.split(['-', '+']).next().unwrap_or_default();
        (numbers.split('.').count() == 3).then_some(version)
    }

    /// Returns the version in an image reference, `None` where it has no tag, or one that is not a version.
    ///
    /// `hub:5000/x/pilot:1.30.3-distroless@sha256:…` gives `1.30.3-distroless`.
    pub fn parse_image(image: &str) -> Option<Self> {
        let image = image.split_once('@').map_or(image, |(image, _)| image);
        let name = image.rsplit_once('/').map_or(image, |(_, name)| name);
        Self::parse_tag(name.split_once(':')?.1)
    }

    /// Returns the minor release that this version belongs to.
    pub const fn minor_release(&self) -> Minor {
        Minor {
            major: self.major,
            minor: self.minor,
        }
    }

    /// Returns the version without the suffix of an image variant; that of a pre-release stays.
    #[must_use]
    pub fn without_variant(&self) -> Self {
        let suffix = self.suffix.as_deref().and_then(|suffix| {
            VARIANTS
                .iter()
                .find_map(|variant| match suffix.strip_suffix(variant) {
                    Some("") => Some(None),
                    Some(rest) => rest.strip_suffix('-').map(Some),
                    None => None,
                })
                .unwrap_or(Some(suffix))
        });
        Self {
            suffix: suffix.map(str::to_owned),
            ..Self::new(self.major, self.minor, self.patch)
        }
    }

    /// Returns the variant of the image, `distroless` or `debug`.
    pub fn variant(&self) -> Option<&str> {
        let suffix = self.suffix.as_deref()?;
        let last = suffix.rsplit_once('-').map_or(suffix, |(_, last)| last);
        VARIANTS.contains(&last).then_some(last)
    }

    /// Returns the three numbers alone, which is how Istio's own tools write a tag as a version.
    #[must_use]
    pub fn numbers(&self) -> Self {
        Self::new(self.major, self.minor, self.patch)
    }
}

/// Reads a number of a version; leading zeros are read as istioctl reads them.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

/// Tells a pre-release as hashicorp/go-version accepts it: dotted parts of letters, digits and `-`.
fn is_suffix(text: &str) -> bool {
    let part = |it: &str| {
        !it.is_empty()
            && it
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'~'))
    };
    text.split('.').all(part)
}

impl Minor {
    /// Makes a minor release.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// Returns the minor release after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self::new(self.major, self.minor.saturating_add(1))
    }

    /// Returns the minor release before this one; `None` before `x.0`.
    pub fn previous(self) -> Option<Self> {
        Some(Self::new(self.major, self.minor.checked_sub(1)?))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch).cmp(&(other.major, other.minor, other.patch))
    }
}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.major, self.minor, self.patch).hash(state);
    }
}

impl From<&Version> for Minor {
    fn from(version: &Version) -> Self {
        version.minor_release()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        self.suffix
            .as_ref()
            .map_or(Ok(()), |suffix| write!(f, "-{suffix}"))
    }
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        Self::parse_tag(text).ok_or_else(|| NotAVersion(text.to_owned()))
    }
}

impl FromStr for Minor {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        text.split_once('.')
            .and_then(|(major, minor)| Some(Self::new(number(major)?, number(minor)?)))
            .ok_or_else(|| NotAVersion(text.to_owned()))
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl Serialize for Minor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Minor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
