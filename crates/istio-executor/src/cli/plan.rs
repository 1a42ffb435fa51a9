//! `refit plan`: what an upgrade would do, from what the cluster exported.

mod diff;

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args as ClapArgs, ValueEnum};
use istio_planner::outcome::{ChangeClass, Outcome, Verdict};
use istio_planner::report;
use istio_planner::snapshot::{Snapshot, SnapshotReader};

use super::request::Request;
use super::target::Target;
use super::{Error, Exit};
use crate::{export, output, planning};

/// What `--sample` plans.
const SAMPLE: [(&str, &str); 2] = [
    (
        "sample/cluster.yaml",
        include_str!("../../../../tests/golden/clear-upgrade/export/cluster.yaml"),
    ),
    (
        "sample/version.json",
        include_str!("../../../../tests/golden/clear-upgrade/export/version.json"),
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
    /// What the cluster exported: files, folders, .tar.gz; - is standard input. Without any, what to run is printed
    files: Vec<PathBuf>,

    /// The version to go to, for example 1.30.3
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,

    #[command(flatten)]
    request: Request,

    #[command(flatten)]
    target: Target,

    /// The revision that is asked for
    #[arg(short, long)]
    revision: Option<String>,

    /// The namespace of the control plane, where the cluster holds several
    #[arg(
        short = 'i',
        long = "istio-namespace",
        alias = "istioNamespace",
        value_name = "NAMESPACE"
    )]
    namespace: Option<String>,

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
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<String>,

    /// Saves the plan for refit apply
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Plans a small made-up cluster, to see what a plan looks like
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
    let request = istio_planner::Request {
        to,
        files: args.request.planner_files()?,
        sets: args.request.sets.clone(),
        revision: args.revision.clone(),
        namespace: args.namespace.clone(),
        from: args.from.clone(),
        force: args.force,
        predicted: args.predicted || args.out.is_some(),
    };
    if args.files.is_empty() && !args.sample {
        let commands = istio_planner::required(&request).commands.join("\n");
        return Err(Error::usage(format!(
            "what does the cluster hold? Export it, then name the files:\n\n{commands}\n"
        )));
    }
    let snapshot = if args.sample {
        sample()
    } else {
        export::read(&args.files)
    };
    let snapshot = snapshot.map_err(|it| Error::Usage(it.into()))?;
    let outcome = planning::plan(request, snapshot, &args.target.places(), args.as_of.clone());
    if let Some(path) = &args.out {
        fs::write(path, report::json(&outcome))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    output::print(&show(&outcome, args))?;
    Ok(exit(&outcome, args.detailed_exitcode))
}

fn show(outcome: &Outcome, args: &Args) -> String {
    let value = || serde_json::to_value(outcome).expect("plain data with string keys");
    match args.output {
        Format::Text => text(outcome, args.full),
        Format::Json => report::json(outcome),
        Format::Yaml => kube_yaml::to_string(&value()),
        Format::Diff => diff::show(outcome),
        Format::Markdown => report::Markdown { outcome }.to_string(),
        Format::Sarif => report::sarif(outcome),
    }
}

/// A made-up cluster of the project's own golden cases.
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
        Verdict::Clear if detailed && outcome.changes.iter().any(|it| is_change(it.class)) => {
            Exit::Changes
        }
        Verdict::Clear => Exit::Done,
    }
}

/// Whether performing the plan changes this object.
fn is_change(class: ChangeClass) -> bool {
    match class {
        ChangeClass::Create
        | ChangeClass::Change
        | ChangeClass::Replace
        | ChangeClass::TakeOver
        | ChangeClass::Delete => true,
        ChangeClass::Orphan | ChangeClass::Unchanged => false,
    }
}
