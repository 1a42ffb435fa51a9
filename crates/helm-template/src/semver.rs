//! Versions and constraints by the rules of Masterminds/semver v3.4.

use std::cmp::Ordering;
use std::fmt;
use std::sync::LazyLock;

use regex_lite::{Captures, Regex};

#[cfg(test)]
mod tests;

/// A version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) major: u64,
    pub(crate) minor: u64,
    pub(crate) patch: u64,
    pub(crate) prerelease: String,
    pub(crate) metadata: String,
    /// As it was written.
    pub(crate) original: String,
}

const LOOSE: &str = r"v?([0-9]+)(\.[0-9]+)?(\.[0-9]+)?(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?";

impl Version {
    /// Reads a version; minor and patch may be missing, a `v` may stand before it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(&format!("^{LOOSE}$")).expect("the pattern is constant and valid")
        });
        let Some(found) = PATTERN.captures(text) else {
            return Err("invalid semantic version".to_owned());
        };
        let part = |at| found.get(at).map_or("", |it| it.as_str());
        let prerelease = part(5);
        // Numbers in a prerelease have no leading zeros (`validatePrerelease`).
        if prerelease.split('.').any(|it| {
            it.len() > 1 && it.starts_with('0') && it.bytes().all(|it| it.is_ascii_digit())
        }) {
            return Err("version segment starts with 0".to_owned());
        }
        Ok(Self {
            major: segment(part(1))?,
            minor: segment(part(2))?,
            patch: segment(part(3))?,
            prerelease: prerelease.to_owned(),
            metadata: part(8).to_owned(),
            original: text.to_owned(),
        })
    }

    /// Compares by precedence; metadata does not count.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| compare_prerelease(&self.prerelease, &other.prerelease))
    }

    fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        change(&mut next);
        next.prerelease.clear();
        next.metadata.clear();
        let prefix = if self.original.starts_with('v') {
            "v"
        } else {
            ""
        };
        next.original = format!("{prefix}{next}");
        next
    }

    pub(crate) fn next_major(&self) -> Self {
        self.changed(|it| {
            it.major = it.major.wrapping_add(1);
            it.minor = 0;
            it.patch = 0;
        })
    }

    pub(crate) fn next_minor(&self) -> Self {
        self.changed(|it| {
            it.minor = it.minor.wrapping_add(1);
            it.patch = 0;
        })
    }

    /// Returns the next patch; of a prerelease, the release itself.
    pub(crate) fn next_patch(&self) -> Self {
        self.changed(|it| {
            if it.prerelease.is_empty() {
                it.patch = it.patch.wrapping_add(1);
            }
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

fn segment(text: &str) -> Result<u64, String> {
    let digits = text.trim_start_matches('.');
    if digits.is_empty() {
        return Ok(0);
    }
    digits.parse().map_err(|_| {
        format!(
            "error parsing version segment: strconv.ParseUint: parsing {}: value out of range",
            crate::gotmpl::quote::quote(digits)
        )
    })
}

fn compare_prerelease(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let mut left = a.split('.');
    let mut right = b.split('.');
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) if a == b => Ordering::Equal,
            (Some(a), Some(b)) => match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

const PARTIAL: &str = r"v?([0-9|x|X|\*]+)(\.[0-9|x|X|\*]+)?(\.[0-9|x|X|\*]+)?(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?";
const OPERATORS: &str = r"=||!=|>|<|>=|=>|<=|=<|~|~>|\^";

struct Patterns {
    one: Regex,
    range: Regex,
    find: Regex,
    valid: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let regex = |text: String| Regex::new(&text).expect("the pattern is constant and valid");
    Patterns {
        one: regex(format!(r"^\s*({OPERATORS})\s*({PARTIAL})\s*$")),
        range: regex(format!(r"\s*({PARTIAL})\s+-\s+({PARTIAL})\s*")),
        find: regex(format!(r"({OPERATORS})\s*({PARTIAL})")),
        valid: regex(format!(
            r"^(\s*({OPERATORS})\s*({PARTIAL})\s*)((?:\s+|,\s*)({OPERATORS})\s*({PARTIAL})\s*)*$"
        )),
    }
});

/// Tells whether a version meets a constraint, such as `>=1.21-0 <1.30 || ~2`.
pub(crate) fn satisfies(constraint: &str, version: &str) -> Result<bool, String> {
    let alternatives = parse_constraints(constraint)?;
    let version = Version::parse(version)?;
    Ok(alternatives.iter().any(|all| {
        // A prerelease is only considered where the constraint names one.
        let prereleases = all.iter().any(|it| !it.version.prerelease.is_empty());
        all.iter().all(|it| it.check(&version, prereleases))
    }))
}

fn parse_constraints(text: &str) -> Result<Vec<Vec<Constraint>>, String> {
    let mut rewritten = text.to_owned();
    for range in PATTERNS.range.captures_iter(text) {
        let part = |at| range.get(at).map_or("", |it| it.as_str());
        rewritten = rewritten.replacen(part(0), &format!(">= {}, <= {} ", part(1), part(11)), 1);
    }
    rewritten
        .split("||")
        .map(|all| {
            if !PATTERNS.valid.is_match(all) {
                return Err(format!("improper constraint: {all}"));
            }
            PATTERNS
                .find
                .find_iter(all)
                .map(|it| Constraint::parse(it.as_str()))
                .collect()
        })
        .collect()
}

struct Constraint {
    operator: String,
    version: Version,
    /// Something was left out or `x`.
    dirty: bool,
    minor_dirty: bool,
    patch_dirty: bool,
}

impl Constraint {
    fn parse(text: &str) -> Result<Self, String> {
        let Some(found) = PATTERNS.one.captures(text) else {
            return Err(format!("improper constraint: {text}"));
        };
        let part = |at| captured(&found, at);
        let open = |it: &str| matches!(it.trim_start_matches('.'), "" | "x" | "X" | "*");
        let mut written = part(2).to_owned();
        let mut dirty = true;
        let mut minor_dirty = false;
        let mut patch_dirty = false;
        if open(part(3)) {
            written = format!("0.0.0{}", part(6));
        } else if open(part(4)) {
            minor_dirty = true;
            written = format!("{}.0.0{}", part(3), part(6));
        } else if open(part(5)) {
            patch_dirty = true;
            written = format!("{}{}.0{}", part(3), part(4), part(6));
        } else {
            dirty = false;
        }
        let version = Version::parse(&written).map_err(|_| "constraint parser error".to_owned())?;
        Ok(Self {
            operator: part(1).to_owned(),
            version,
            dirty,
            minor_dirty,
            patch_dirty,
        })
    }

    fn check(&self, version: &Version, prereleases: bool) -> bool {
        if !version.prerelease.is_empty() && !prereleases {
            return false;
        }
        let order = version.compare(&self.version);
        match self.operator.as_str() {
            "!=" => self.differs(version),
            ">" => self.greater(version),
            "<" => order == Ordering::Less,
            ">=" | "=>" => order != Ordering::Less,
            "<=" | "=<" => self.less_or_equal(version),
            "~" | "~>" => self.tilde(version),
            "^" => self.caret(version),
            _ if self.dirty => self.tilde(version),
            _ => order == Ordering::Equal,
        }
    }

    fn differs(&self, version: &Version) -> bool {
        let own = &self.version;
        if self.dirty {
            if own.major != version.major {
                return true;
            }
            if own.minor != version.minor && !self.minor_dirty {
                return true;
            }
            if self.minor_dirty {
                return false;
            }
            if own.patch != version.patch && !self.patch_dirty {
                return true;
            }
            if self.patch_dirty {
                return (!version.prerelease.is_empty() || !own.prerelease.is_empty())
                    && compare_prerelease(&version.prerelease, &own.prerelease) != Ordering::Equal;
            }
        }
        version.compare(own) != Ordering::Equal
    }

    fn greater(&self, version: &Version) -> bool {
        let own = &self.version;
        if self.dirty {
            if version.major != own.major {
                return version.major > own.major;
            }
            if self.minor_dirty {
                return false;
            }
            if self.patch_dirty {
                return version.minor > own.minor;
            }
        }
        version.compare(own) == Ordering::Greater
    }

    fn less_or_equal(&self, version: &Version) -> bool {
        let own = &self.version;
        if !self.dirty {
            return version.compare(own) != Ordering::Greater;
        }
        version.major <= own.major
            && !(version.major == own.major && version.minor > own.minor && !self.minor_dirty)
    }

    fn tilde(&self, version: &Version) -> bool {
        let own = &self.version;
        if version.compare(own) == Ordering::Less {
            return false;
        }
        // `~0.0.0` and `*` mean anything.
        if own.major == 0
            && own.minor == 0
            && own.patch == 0
            && !self.minor_dirty
            && !self.patch_dirty
        {
            return true;
        }
        version.major == own.major && (version.minor == own.minor || self.minor_dirty)
    }

    fn caret(&self, version: &Version) -> bool {
        let own = &self.version;
        if version.compare(own) == Ordering::Less {
            return false;
        }
        if own.major > 0 || self.minor_dirty {
            return version.major == own.major;
        }
        if version.major > 0 {
            return false;
        }
        if own.minor > 0 || self.patch_dirty {
            return version.minor == own.minor;
        }
        version.minor == 0 && version.patch == own.patch
    }
}

fn captured<'a>(found: &Captures<'a>, at: usize) -> &'a str {
    found.get(at).map_or("", |it| it.as_str())
}
