//! An outcome in words: text for a terminal, a page or a pipe, Markdown for a ticket, JSON for programs.
//!
//! Every face prints these words; none makes its own. Colour is an argument, plain is the default.

mod changes;
mod markdown;
mod redacted;
mod sarif;
mod text;
mod unified;
mod words;

pub use markdown::Markdown;
pub use redacted::redacted;
pub use sarif::sarif;
pub use text::{Colours, Text};
pub use unified::Unified;
pub use words::{headline, situation, verdict};

use crate::outcome::Outcome;

/// Writes an outcome as the one document that programs read: JSON, indented by two, with a final newline.
///
/// # Panics
///
/// Never: an outcome is plain data whose keys are strings.
pub fn json(outcome: &Outcome) -> String {
    let mut text = serde_json::to_string_pretty(outcome).expect("plain data with string keys");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
