//! What every code means, why it matters, how to settle it, and where that comes from: `refit explain CODE`.

use std::fmt;

use serde::Serialize;

use crate::outcome::{Code, Level};
use crate::{notes, rules};

pub use crate::rules::Explanation;

/// Returns what a code means.
pub fn explain(code: Code) -> Option<Explanation> {
    rules::explanation(code).or_else(|| notes::explanation(code))
}

/// A code in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "border.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// For example `version-skew`.
    pub code: Code,
    /// The weight that its findings have by default.
    pub level: Weight,
    /// What it says, in a sentence.
    pub title: &'static str,
}

/// Returns all codes: of findings in the order of the contract, then of notes.
pub fn catalogue() -> Vec<Entry> {
    let entry = |code: Code| {
        Some(Entry {
            code,
            level: rules::level(code).map_or(Weight::Note, Weight::from),
            title: explain(code)?.meaning,
        })
    };
    Code::ALL.iter().copied().filter_map(entry).collect()
}

/// The weight that findings of a code have unless the cluster says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "border.ts"))]
#[serde(rename_all = "camelCase")]
pub enum Weight {
    /// As [`Level::Block`].
    Block,
    /// As [`Level::Unknown`].
    Unknown,
    /// As [`Level::Warn`].
    Warn,
    /// As [`Level::Info`].
    Info,
    /// Behaviour that changes between releases.
    Note,
}

impl From<Level> for Weight {
    fn from(level: Level) -> Self {
        match level {
            Level::Block => Self::Block,
            Level::Unknown => Self::Unknown,
            Level::Warn => Self::Warn,
            Level::Info => Self::Info,
        }
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Block => "block",
            Self::Unknown => "unknown",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Note => "note",
        })
    }
}

/// A code and its explanation, as programs read them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "types",
    derive(ts_rs::TS),
    ts(export_to = "border.ts", rename = "Explanation")
)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// The code in a line.
    #[serde(flatten)]
    pub entry: Entry,
    /// Why it matters.
    pub why: &'static str,
    /// How to settle it.
    pub settle: &'static str,
    /// Where the rule comes from.
    pub source: &'static str,
    /// Where to read more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    pub link: Option<&'static str>,
}

impl Explained {
    /// Explains an entry of the catalogue; `None` where its code is none.
    pub fn read(entry: Entry) -> Option<Self> {
        let it = explain(entry.code)?;
        Some(Self {
            entry,
            why: it.why,
            settle: it.settle,
            source: it.source,
            link: it.link,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::explain;
    use crate::outcome::Code;

    #[test]
    fn every_code_is_explained() {
        for code in Code::ALL {
            let it = explain(*code).unwrap_or_else(|| panic!("{code} is not explained"));
            assert!(!it.source.is_empty(), "{code}");
            if code.is_note() {
                continue;
            }
            for text in [it.meaning, it.why, it.settle] {
                assert!(text.ends_with('.') && text.len() > 20, "{code}: {text}");
            }
        }
        assert_eq!(super::catalogue().len(), Code::ALL.len());
    }
}
