//! `refit bulletins`: the security bulletins between two versions.

use clap::Args as ClapArgs;
use istio_catalog::{Bulletin, Facts, Version};
use serde::Serialize;

use super::format::{self, Format};
use super::target::Known;
use super::{Error, Exit};
use crate::output;

/// The arguments of `refit bulletins`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The version that runs
    #[arg(long, value_name = "VERSION", value_parser = version)]
    from: Version,

    /// The version to go to; without it, what hits the first is listed
    #[arg(long, value_name = "VERSION", value_parser = version)]
    to: Option<Version>,

    #[command(flatten)]
    known: Known,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

/// Bulletins between two versions.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Between<'a> {
    from: String,
    to: Option<String>,
    /// Hit the first and not the second.
    fixed: Vec<&'a Bulletin>,
    /// Hit the second; without one, the first.
    open: Vec<&'a Bulletin>,
    /// Say in prose what they hit.
    unknown: Vec<&'a Bulletin>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let facts = args.known.facts();
    let last = args.to.as_ref().unwrap_or(&args.from);
    let between = Between {
        from: args.from.to_string(),
        to: args.to.as_ref().map(ToString::to_string),
        fixed: facts.bulletins_fixed(&args.from, last).collect(),
        open: facts.bulletins_of(last).collect(),
        unknown: facts.bulletins_in_prose().collect(),
    };
    if facts.released(last).is_none() {
        output::note(&format!(
            "{last} is no release that is known; it is judged by the ranges of the bulletins alone"
        ));
    }
    format::data(&between, args.output, || text(&between, facts, last))?;
    Ok(Exit::Done)
}

fn text(between: &Between, facts: &Facts, last: &Version) -> String {
    let mut lines = Vec::new();
    if let Some(to) = &between.to {
        lines.push(format!(
            "Settled from {} to {to}: {}",
            between.from,
            between.fixed.len()
        ));
        lines.extend(between.fixed.iter().map(|it| line(it, None)));
    }
    lines.push(format!("Open in {last}: {}", between.open.len()));
    for bulletin in &between.open {
        let fix = facts.fix_of(bulletin, last);
        let fix = fix.map_or_else(
            || "settled in no release of a minor from this one on".to_owned(),
            |it| format!("settled in {it}"),
        );
        lines.push(line(bulletin, Some(&fix)));
    }
    lines.push(format!(
        "Not to be told by the version: {}",
        between.unknown.len()
    ));
    lines.extend(between.unknown.iter().map(|it| line(it, None)));
    lines.join("\n")
}

fn line(bulletin: &Bulletin, more: Option<&str>) -> String {
    let mut parts = vec![bulletin.component.join(", ")];
    let score = bulletin.cvss.iter().filter(|it| *it != "N/A");
    parts.extend(score.map(|it| format!("CVSS {it}")));
    parts.extend(more.map(str::to_owned));
    parts.extend(bulletin.needs.iter().map(|it| format!("needs {it}")));
    format!(
        "  {} {}  {}",
        bulletin.id,
        bulletin.published,
        parts.join("; ")
    )
}

/// Three numbers, or a candidate.
fn version(text: &str) -> Result<Version, String> {
    Version::parse_release(text).ok_or_else(|| "expected a release, for example 1.30.3".to_owned())
}
