//! `refit plan`: what an upgrade would do, from what the cluster exported.

use std::fs;
use std::io::{self, Write as _};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args as ClapArgs, ValueEnum};
use istio_planner::credentials;
use istio_planner::outcome::{ChangeClass, Outcome, Verdict};
use istio_planner::report;
use istio_planner::snapshot::{Snapshot, SnapshotReader};
use istio_render::Release;
use k8s_openapi::jiff::civil::Date;

use super::connection::{Connection, block_on};
use super::guide::Guide;
use super::request::{Accept, Meant, Prune, Request};
use super::suggest::{anything, versions};
use super::target::{Rendered, Target};
use super::{Error, Exit};
use crate::run::effect::has_effect;
use crate::{diagnostic, export, output, planning, release, snapshot};

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

/// What the releases of the sample render for it; `tests/suite/sample.rs` writes this.
const RENDERED: [(&str, &[u8]); 2] = [
    (
        "1.29.6",
        include_bytes!("../../../../tests/golden/sample/rendered/istio-1.29.6.yaml.gz"),
    ),
    (
        SAMPLE_TARGET,
        include_bytes!("../../../../tests/golden/sample/rendered/istio-1.30.3.yaml.gz"),
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
    /// What the cluster exported: files, folders, archives; - is standard input. Without any, the cluster itself is read
    files: Vec<PathBuf>,

    #[command(flatten)]
    connection: Connection,

    /// The version to go to, for example 1.30.3
    #[arg(long, value_name = "VERSION", value_parser = anything(versions), hide_possible_values = true)]
    to: Option<String>,

    #[command(flatten)]
    request: Request,

    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    rendered: Rendered,

    #[command(flatten)]
    meant: Meant,

    #[command(flatten)]
    prune: Prune,

    #[command(flatten)]
    accept: Accept,

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

    /// Prints every finding, subject and field in full
    #[arg(long)]
    full: bool,

    #[command(flatten)]
    guide: Guide,

    /// Prints on the terminal at once, without $PAGER
    #[arg(long)]
    no_pager: bool,

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
    #[value(help = "JUnit XML: a case for each finding")]
    Junit,
    /// A line for each object that changes
    Name,
    #[value(help = "One HTML file that holds everything and asks for nothing")]
    Html,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let standard_input = args.files.iter().filter(|it| it.as_os_str() == "-").count()
        + usize::from(args.request.reads_standard_input())
        + usize::from(args.rendered.reads_standard_input());
    if standard_input > 1 {
        return Err(Error::usage("standard input (-) is named more than once"));
    }
    let places = args.rendered.places(&args.target);
    let default = args.sample.then(|| SAMPLE_TARGET.to_owned());
    let Some(to) = args
        .to
        .clone()
        .or(default)
        .or_else(|| release::names(&places))
    else {
        return Err(Error::usage(
            "missing --to VERSION\nhint: for example --to 1.30.3",
        ));
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
        accept: args.accept.all()?,
    };
    places
        .check(&request.to)
        .map_err(|it| Error::Usage(it.into()))?;
    request.files = args.request.planner_files()?;
    let snapshot = if args.sample {
        sample().map_err(|it| Error::Usage(it.into()))?
    } else if args.files.is_empty() {
        live(args, &request)?
    } else {
        export::read(&args.files).map_err(|it| Error::Usage(it.into()))?
    };
    let releases = if args.is_whole_sample() {
        rendered_sample()?
    } else {
        planning::releases(&request, &snapshot, &places)
    };
    // The program ends with what it prints: nobody waits until all of a cluster is taken apart.
    let input = planning::with(request, snapshot, releases, &places, args.as_of.clone());
    let input = ManuallyDrop::new(input);
    let mut outcome = ManuallyDrop::new(istio_planner::plan(&input));
    if let Some(path) = &args.out {
        // What the plan writes may hold credentials.
        private(path, &report::json(&outcome))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let exit = exit(&outcome, args.detailed_exitcode);
    if args.output == Format::Diff {
        let (outcome, snapshot) = (&outcome, &input.snapshot);
        output::data(&report::Unified { outcome, snapshot }.to_string())?;
        return Ok(exit);
    }
    if !args.predicted && args.out.is_some() {
        outcome
            .changes
            .iter_mut()
            .for_each(|it| it.predicted = None);
    }
    let text = match args.output {
        Format::Text => {
            let beside = charts(&input.releases, &outcome);
            let next = args.next(&outcome);
            let text = report::Text {
                beside: &beside,
                next: next.as_deref(),
                full: args.full,
                ..words(&outcome)
            };
            let text = text.to_string() + &diagnostic::snippets(&outcome, &input.request);
            output::pager::print(&args.guide.linked(text), !args.no_pager)?;
            return Ok(exit);
        }
        Format::Json => {
            output::json_text(&report::json(&outcome))?;
            return Ok(exit);
        }
        Format::Yaml => serde_yaml::to_string(&*outcome)?,
        Format::Markdown => report::Markdown { outcome: &outcome }.to_string(),
        Format::Sarif => {
            output::json_text(&report::sarif(&outcome))?;
            return Ok(exit);
        }
        Format::Junit => report::junit(&outcome),
        Format::Name => names(&outcome),
        Format::Html => {
            let command = args.performing(&outcome).unwrap_or_default();
            report::html(&outcome, &command)
        }
        Format::Diff => String::new(),
    };
    output::data(&text)?;
    Ok(exit)
}

/// Writes a file that only its owner reads, where it is new.
pub(super) fn private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// Objects that change, as kubectl names them.
fn names(outcome: &Outcome) -> String {
    let changes = outcome
        .changes
        .iter()
        .filter(|it| !matches!(it.class, ChangeClass::Orphan | ChangeClass::Unchanged));
    let mut text = String::new();
    for it in changes {
        let object = &it.object;
        let group = object.api_version.split_once('/').map(|it| it.0);
        let kind = object.kind.to_lowercase();
        let kind = group.map_or(kind.clone(), |group| format!("{kind}.{group}"));
        let namespace = object.namespace.as_deref();
        let namespace = namespace.map_or(String::new(), |it| format!("{it}/"));
        text.push_str(
            &report::shown(&format!("{kind}/{namespace}{}", object.name)).replace('\n', " "),
        );
        text.push('\n');
    }
    text
}

/// Where what was rendered came from, a line for each release.
pub(super) fn charts(releases: &[Release], outcome: &Outcome) -> Vec<String> {
    let mut all = Vec::new();
    for used in &outcome.charts {
        let release = releases.iter().find(|it| it.digest() == used.sha256);
        let origin = release.and_then(Release::origin).unwrap_or("an archive");
        let what = if used.rendered { "manifests" } else { "charts" };
        let digest = used.sha256.get(..8).unwrap_or(&used.sha256);
        all.push((origin, format!("{} (sha256 {digest})", used.version), what));
    }
    // One place for both is said once.
    match all.as_slice() {
        [(a, first, what), (b, second, _)] if a == b => {
            vec![format!("{what} from {a}: {first}, {second}")]
        }
        all => {
            let line = |(origin, version, what): &(&str, String, &str)| {
                format!("{what} from {origin}: {version}")
            };
            all.iter().map(line).collect()
        }
    }
}

impl Args {
    /// The command that comes after the plan.
    fn next(&self, outcome: &Outcome) -> Option<String> {
        let to = outcome.target.version.as_deref()?;
        if outcome.verdict == Verdict::Blocked {
            let first = outcome.findings.first().map(|it| it.code);
            return first
                .map(|code| format!("refit explain {code}, settle what blocks, and plan again"));
        }
        if outcome.verdict == Verdict::Unknown {
            return Some("give what is missing, and plan again".to_owned());
        }
        if self.sample {
            return Some(format!(
                "refit plan --to {to}, for the cluster that kubectl talks to"
            ));
        }
        self.performing(outcome)
    }

    /// The command that performs the plan, if there is one to perform.
    fn performing(&self, outcome: &Outcome) -> Option<String> {
        let to = outcome.target.version.as_deref()?;
        if outcome.verdict != Verdict::Clear || self.sample {
            return None;
        }
        if let Some(path) = &self.out {
            return Some(format!("refit apply {}", path.display()));
        }
        let mut command = format!("refit upgrade --to {to}");
        for flag in self.request.flags() {
            command = format!("{command} {flag}");
        }
        // A report is handed on; who runs the command has the credential.
        let hidden = credentials::hidden_text(&command, &mut |_| {});
        Some(hidden.unwrap_or(command))
    }

    /// Whether the sample is asked for as it is, so that what comes with this build is all there is to it.
    fn is_whole_sample(&self) -> bool {
        let places = self.rendered.places(&self.target);
        self.sample
            && self
                .to
                .as_deref()
                .is_none_or(|it| it.trim_start_matches('v') == SAMPLE_TARGET)
            && self.request.is_empty()
            && self.meant.revision.as_deref().is_none_or(str::is_empty)
            && places.manifests.is_none()
            && places.releases.is_none()
            && places.rendered.is_none()
            && places.rendered_source.is_none()
    }
}

/// What both releases render for the sample.
fn rendered_sample() -> Result<Vec<Release>, Error> {
    let mut releases = Vec::new();
    for (version, bytes) in RENDERED {
        let name = format!("istio-{version}.yaml.gz");
        let release = Release::read_manifests(&name, bytes).context("the sample is damaged")?;
        releases.push(release.found("this build"));
    }
    Ok(releases)
}

/// A day, which every `as_of` is compared with as text.
pub(super) fn day(text: &str) -> Result<String, String> {
    let read = text.parse::<Date>().ok().map(|it| it.to_string());
    read.filter(|it| it == text)
        .ok_or_else(|| "expected a day of the calendar as YYYY-MM-DD".to_owned())
}

/// The cluster as it is now. Kinds that may not be listed are said, and stay unknown.
fn live(args: &Args, request: &istio_planner::Request) -> Result<Snapshot, Error> {
    let read = block_on(async {
        let cluster = args.connection.connect().await?;
        Ok(snapshot::take(&cluster, &istio_planner::required(request)).await?)
    });
    read.map_err(|it| {
        it.context("no files are named, so the cluster itself was to be read, and that failed")
    })
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
    report::Text {
        full,
        ..words(outcome)
    }
    .to_string()
}

fn words(outcome: &Outcome) -> report::Text<'_> {
    report::Text {
        colours: if output::coloured() {
            report::Colours::ANSI
        } else {
            report::Colours::PLAIN
        },
        width: output::pager::width(),
        ..report::Text::plain(outcome)
    }
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
