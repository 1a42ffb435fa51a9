//! `refit plan`: what an upgrade would do, from what the cluster exported.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args as ClapArgs, ValueEnum};
use istio_planner::outcome::{Outcome, Verdict};
use istio_planner::report;
use istio_planner::snapshot::{Snapshot, SnapshotReader};
use k8s_openapi::jiff::civil::Date;

use super::request::{Meant, Prune, Request};
use super::target::Target;
use super::{Error, Exit};
use crate::run::effect::has_effect;
use crate::{diagnostic, export, output, planning};

/// What `--sample` plans.
const SAMPLE: [(&str, &str); 2] = [
    (
        "sample/cluster.yaml",
        include_str!("../../../../tests/golden/sample/export/cluster.yaml"),
    ),
    (
        "sample/version.json",
        include_str!("../../../../tests/golden/sample/export/version.json"),
    ),
];

/// Where `--sample` goes to, unless `--to` says otherwise.
const SAMPLE_TARGET: &str = "1.30.3";

/// The arguments of `refit plan`.
#[derive(Debug, ClapArgs)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags are booleans, each of its own"
)]
pub(super) struct Args {
    /// What the cluster exported: files, folders, archives; - is standard input. Without any, what to run is printed
    files: Vec<PathBuf>,

    /// The version to go to, for example 1.30.3
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,

    #[command(flatten)]
    request: Request,

    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    meant: Meant,

    #[command(flatten)]
    prune: Prune,

    /// The version that runs, where the export does not tell
    #[arg(long, value_name = "VERSION")]
    from: Option<String>,

    /// Writes a plan although a finding blocks; hides nothing
    #[arg(long)]
    force: bool,

    /// Adds every object as the API server would store it
    #[arg(long)]
    predicted: bool,

    /// Exits with 2 where a clear plan changes something
    #[arg(long)]
    detailed_exitcode: bool,

    /// Today, for ends of support
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    as_of: Option<String>,

    /// Saves the plan for refit apply
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Plans a small cluster of our own, to see what a plan looks like
    #[arg(long, conflicts_with = "files")]
    sample: bool,

    /// Prints every field that changes
    #[arg(long)]
    full: bool,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Yaml,
    Diff,
    Markdown,
    Sarif,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let default = args.sample.then(|| SAMPLE_TARGET.to_owned());
    let Some(to) = args.to.clone().or(default) else {
        return Err(Error::usage("to which version? For example --to 1.30.3"));
    };
    let mut request = istio_planner::Request {
        to,
        files: Vec::new(),
        sets: args.request.sets.clone(),
        revision: args.meant.revision.clone(),
        namespace: args.meant.plane.namespace.clone(),
        from: args.from.clone(),
        force: args.force,
        predicted: args.predicted || args.out.is_some() || args.output == Format::Diff,
        prune: args.prune.named.clone(),
        prune_orphans: args.prune.orphans,
    };
    let standard_input = args.files.iter().filter(|it| it.as_os_str() == "-").count()
        + usize::from(args.request.reads_standard_input());
    if standard_input > 1 {
        return Err(Error::usage("standard input (-) is named more than once"));
    }
    let places = args.target.places();
    places
        .check(&request.to)
        .map_err(|it| Error::Usage(it.into()))?;
    if args.files.is_empty() && !args.sample {
        let commands = istio_planner::required(&request).commands.join("\n");
        return Err(Error::usage(format!(
            "what does the cluster hold? Export it, then name the files:\n\n{commands}\n"
        )));
    }
    request.files = args.request.planner_files()?;
    let snapshot = if args.sample {
        sample()
    } else {
        export::read(&args.files)
    };
    let snapshot = snapshot.map_err(|it| Error::Usage(it.into()))?;
    let input = planning::input(request, snapshot, &places, args.as_of.clone());
    let mut outcome = istio_planner::plan(&input);
    if let Some(path) = &args.out {
        fs::write(path, report::json(&outcome))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let exit = exit(&outcome, args.detailed_exitcode);
    if args.output == Format::Diff {
        let (outcome, snapshot) = (&outcome, &input.snapshot);
        output::print(&report::Unified { outcome, snapshot }.to_string())?;
        return Ok(exit);
    }
    if !args.predicted && args.out.is_some() {
        outcome
            .changes
            .iter_mut()
            .for_each(|it| it.predicted = None);
    }
    output::print(&match args.output {
        Format::Text => text(&outcome, args.full) + &diagnostic::snippets(&outcome, &input.request),
        Format::Json => report::json(&outcome),
        Format::Yaml => in_order(&outcome)?,
        Format::Markdown => report::Markdown { outcome: &outcome }.to_string(),
        Format::Sarif => report::sarif(&outcome),
        Format::Diff => String::new(),
    })?;
    Ok(exit)
}

/// The outcome as YAML, its keys in the document's own order.
fn in_order(outcome: &Outcome) -> Result<String, Error> {
    let text = serde_yaml::to_string(outcome).context("cannot write YAML");
    text.map_err(Error::Failed)
}

/// A day, which every `as_of` is compared with as text.
pub(super) fn day(text: &str) -> Result<String, String> {
    let read = text.parse::<Date>().ok().map(|it| it.to_string());
    read.filter(|it| it == text)
        .ok_or_else(|| "expected a day of the calendar as YYYY-MM-DD".to_owned())
}

/// A small cluster of our own, one of the golden cases.
fn sample() -> Result<Snapshot, export::Error> {
    let mut reader = SnapshotReader::new();
    for (name, text) in SAMPLE {
        reader.read(name, text.as_bytes())?;
    }
    Ok(reader.finish()?)
}

/// The outcome in words, in colour where a terminal shows it.
pub(super) fn text(outcome: &Outcome, full: bool) -> String {
    let colours = if output::coloured() {
        report::Colours::ANSI
    } else {
        report::Colours::PLAIN
    };
    report::Text {
        outcome,
        colours,
        full,
    }
    .to_string()
}

/// The exit code says what the verdict is, whatever is printed.
fn exit(outcome: &Outcome, detailed: bool) -> Exit {
    match outcome.verdict {
        Verdict::Blocked => Exit::Refused,
        Verdict::Unknown => Exit::Unknown,
        Verdict::Clear if detailed && has_effect(outcome, false) => Exit::Changes,
        Verdict::Clear => Exit::Done,
    }
}
