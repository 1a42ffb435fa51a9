//! `refit version`.

use clap::{Args as ClapArgs, ValueEnum};
use serde_json::json;

use super::{Error, Exit};
use crate::output;

/// The arguments of `refit version`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let version = env!("CARGO_PKG_VERSION");
    match args.output {
        Format::Text => output::print(&format!("refit {version}"))?,
        Format::Json => output::print(&json!({ "version": version }).to_string())?,
    }
    Ok(Exit::Done)
}
