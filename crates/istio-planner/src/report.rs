//! An outcome in words: text for a terminal, a page or a pipe, Markdown for a ticket, HTML as a file of its own, JSON for programs.
//!
//! Every face prints these words; none makes its own. Colour and width are arguments, plain is the default. What a
//! person reads passes through [`shown`].

mod agenda;
mod changes;
mod colours;
pub(crate) mod html;
pub(crate) mod junit;
pub(crate) mod markdown;
mod outline;
pub(crate) mod page;
mod redacted;
mod sarif;
mod shown;
mod text;
mod unified;
pub(crate) mod words;

pub use agenda::{Agenda, Choice, State, agenda};
pub use colours::Colours;
pub use html::html;
pub use junit::{Case, End, junit, suite};
pub use markdown::Markdown;
pub use redacted::redacted;
pub use sarif::sarif;
pub use shown::{shown, shown_json};
pub use text::{Text, WIDTH};
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
