//! `refit version`.

use clap::Args as ClapArgs;
use serde_json::json;

use super::format::{Format, written};
use super::{Error, Exit};
use crate::output;

/// The arguments of `refit version`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,

    /// Print the licenses of what others made and this program holds
    #[arg(long, conflicts_with = "output")]
    licenses: bool,
}

/// `cargo xtask notices` writes them.
const NOTICES: &str = include_str!("../../data/notices.txt");

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    if args.licenses {
        output::pager::print(NOTICES, true)?;
        return Ok(Exit::Done);
    }
    let version = env!("CARGO_PKG_VERSION");
    let document = json!({ "version": version });
    output::print(&match args.output {
        // A line, as ever.
        Format::Json => document.to_string(),
        format => written(&document, format)?.unwrap_or_else(|| format!("refit {version}")),
    })?;
    Ok(Exit::Done)
}
