//! What every code means, why it matters, how to settle it, and where that comes from: `refit explain CODE`.

mod table;

use std::fmt;

use crate::finding::Code;

pub(crate) use table::explanation;

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

/// Returns what a code, or the code of a note, means; `None` for a name that is no code.
pub fn explain(code: &str) -> Option<Explanation> {
    Code::parse(code)
        .map(explanation)
        .or_else(|| crate::notes::explanation(code))
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

#[cfg(test)]
mod tests {
    use super::explain;
    use crate::finding::Code;

    #[test]
    fn every_code_is_explained_in_full_sentences() {
        for code in Code::ALL {
            let it = explain(code.as_str()).expect("each code is explained");
            for text in [it.meaning, it.why, it.settle] {
                assert!(
                    text.ends_with('.') && text.len() > 20,
                    "{}: {text}",
                    code.as_str()
                );
            }
            assert!(!it.source.is_empty());
        }
    }

    #[test]
    fn a_name_that_is_no_code_is_not_explained() {
        assert_eq!(explain("no-such-code"), None);
    }
}
