//! What every code means, why it matters, how to settle it, and where that comes from: `refit explain CODE`.

use crate::rules::Code;

pub use crate::rules::Explanation;

/// Returns what a code, or the code of a note, means; `None` for a name that is no code.
pub fn explain(code: &str) -> Option<Explanation> {
    Code::parse(code)
        .map(Code::explanation)
        .or_else(|| crate::notes::explanation(code))
}

#[cfg(test)]
mod tests {
    use super::explain;
    use crate::rules::Code;

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
