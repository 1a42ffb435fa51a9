//! How a verb prints what it found: in words for people, as JSON or YAML for programs.

use clap::ValueEnum;
use serde::Serialize;

use super::Error;
use crate::output;
use crate::output::narrator::{Audience, Notation};

/// How to print a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
    Yaml,
}

impl Format {
    /// Who hears what happens while it happens: of a program that is all it gets.
    pub(super) fn audience(self) -> Audience {
        match self {
            Self::Json => Audience::Program(Notation::Json),
            Self::Yaml => Audience::Program(Notation::Yaml),
            Self::Text if output::watched() => Audience::Terminal,
            Self::Text => Audience::Pipe,
        }
    }

    /// Prints words that only people need, in refit's colours: where a program gets records as its one result, to standard error.
    pub(super) fn say(self, text: &str) -> Result<(), Error> {
        match self {
            Self::Text => output::styled(text)?,
            Self::Json | Self::Yaml => output::say_styled(text),
        }
        Ok(())
    }
}

/// Writes a value for a program, its keys in the document's own order; nothing where it is words that are asked for.
pub(super) fn written(value: &impl Serialize, format: Format) -> Result<Option<String>, Error> {
    Ok(match format {
        Format::Text => None,
        Format::Json => Some(serde_json::to_string_pretty(value)?),
        Format::Yaml => Some(serde_yaml::to_string(value)?),
    })
}

/// Prints a value for a program, or the words for people.
pub(super) fn data(
    value: &impl Serialize,
    format: Format,
    text: impl FnOnce() -> String,
) -> Result<(), Error> {
    match written(value, format)? {
        Some(data) if format == Format::Json => output::json_text(&data)?,
        Some(data) => output::data(&data)?,
        None => output::styled(&text())?,
    }
    Ok(())
}
