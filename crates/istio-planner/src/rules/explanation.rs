//! What every code means, why it matters, how to settle it, and where that comes from.

use std::fmt;

/// What a code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// What it says.
    pub meaning: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// How to settle it.
    pub settle: &'static str,
    /// Where the rule comes from: source code as `version:path:lines`, or a document.
    pub source: &'static str,
    /// Where to read more.
    pub link: Option<&'static str>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.meaning)?;
        writeln!(f, "Why it matters: {}\n", self.why)?;
        writeln!(f, "How to settle it: {}\n", self.settle)?;
        writeln!(f, "Source: {}", self.source)?;
        self.link.map_or(Ok(()), |it| writeln!(f, "See: {it}"))
    }
}
