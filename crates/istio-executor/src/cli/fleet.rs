//! `refit fleet`: many clusters side by side, planned here and performed by Jobs of a management cluster.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use istio_planner::fleet::{self, Fleet};
use istio_planner::outcome::{Outcome, Verdict};
use istio_planner::report;
use k8s_openapi::jiff::Timestamp;
use regex_lite::Regex;

use super::connection::Connection;
use super::guide::Guide;
use super::plan::{day, private};
use super::request::{Accept, Prune, Request};
use super::suggest::{anything, versions};
use super::target::Target;
use super::{Error, Exit};
use crate::fleet::found::Found;
use crate::fleet::names::id;
use crate::fleet::{Common, Named, Source, plan};
use crate::{clock, cluster, output, release as releases};

mod control;
mod job;
mod release;
mod status;

/// What stands for a cluster's name in `-f` and `--set`.
const CLUSTER: &str = "{cluster}";

/// The arguments of `refit fleet`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Plans many clusters side by side, and says what only their exports together show
    Plan(Box<PlanArgs>),
    /// Prints Jobs that perform the plans of a fleet, wave after wave, from a management cluster
    ///
    /// For each wave an Indexed Job, with a pod for each cluster, that waits for its release; a Job that releases them; and
    /// the accounts and rights that both need there. A pod's exit code says what becomes of its cluster
    ///
    /// 0: it is done
    ///
    /// 1, or any that is not named here (137, 139, …): it is tried again, as often as --retries says; then it has failed
    ///
    /// 3, 4, 5, 6: it has failed, and is not tried again (drift, another cluster than planned for, another refit at work,
    /// evidence missing, a gate that failed)
    ///
    /// 126, 127, 128: the image cannot run refit; the wave ends, and no other begins
    ///
    /// 130, 143: stopped between two writes by SIGTERM (a drain, an eviction, refit fleet stop); another pod goes on from
    /// the journal in the cluster, and no attempt is counted
    ///
    /// The Job that releases ends with 0 when all waves are done, and with 3 when too many clusters are not: its annotation
    /// refit/stopped says which
    Job(job::Args),
    /// Shows how far the clusters of a fleet have come
    Status(status::Args),
    /// Starts a fleet, goes on with one that was stopped, or tries clusters again that failed
    Resume(control::ResumeArgs),
    /// Stops a fleet: no wave is released, and what is at work stops between two steps
    Stop(control::StopArgs),
    /// Rolls clusters of a fleet back to what they were before it
    Rollback(control::RollbackArgs),
    /// Releases the waves of a fleet; its Job runs this
    #[command(hide = true)]
    Release(release::Args),
}

/// Which fleet, and where its Jobs are.
#[derive(Debug, ClapArgs)]
struct Chosen {
    /// The fleet: its id, or the folder that refit fleet plan --out wrote; needed where the namespace has several
    #[arg(long, value_name = "ID|DIR")]
    fleet: Option<String>,

    /// The namespace of its Jobs in the management cluster
    #[arg(
        short = 'n',
        long = "namespace",
        default_value = "refit",
        value_name = "NAMESPACE"
    )]
    of_jobs: String,

    #[command(flatten)]
    connection: Connection,
}

impl Chosen {
    async fn connect(&self) -> Result<cluster::Cluster, Error> {
        self.connection.connect().await
    }

    fn kubeconfig(&self) -> Option<PathBuf> {
        self.connection.kubeconfig()
    }

    async fn find(&self, cluster: &cluster::Cluster) -> Result<Found, Error> {
        let id = match &self.fleet {
            Some(path) if Path::new(path).exists() => {
                Some(id(&job::Folder::read(Path::new(path))?.fleet))
            }
            other => other.clone(),
        };
        Found::find(cluster, &self.of_jobs, id.as_deref()).await
    }
}

#[derive(Debug, ClapArgs)]
struct PlanArgs {
    /// A folder or an archive for each cluster, or a folder that holds nothing but such; its name is the cluster's
    exports: Vec<PathBuf>,

    /// Reads the clusters of all contexts whose name matches, for example 'prod-*'
    #[arg(long, value_name = "PATTERN")]
    contexts: Option<String>,

    /// The kubeconfig file
    #[arg(short = 'c', long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// The version to go to, for example 1.30.3
    #[arg(long, value_name = "VERSION", value_parser = anything(versions), hide_possible_values = true)]
    to: Option<String>,

    #[command(flatten)]
    request: Request,

    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    prune: Prune,

    #[command(flatten)]
    accept: Accept,

    /// Today, for ends of support
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    as_of: Option<String>,

    #[command(flatten)]
    guide: Guide,

    /// Writes each cluster's outcome, which refit apply takes, and fleet.json into a folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Yaml,
    Markdown,
    /// One HTML file that holds everything and asks for nothing
    Html,
    #[value(help = "JUnit XML: a case for each cluster")]
    Junit,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    match &args.verb {
        Verb::Plan(args) => planned(args),
        Verb::Job(args) => job::run(args),
        Verb::Status(args) => status::run(args),
        Verb::Resume(args) => control::run_resume(args),
        Verb::Stop(args) => control::run_stop(args),
        Verb::Rollback(args) => control::run_rollback(args),
        Verb::Release(args) => release::run(args),
    }
}

fn planned(args: &PlanArgs) -> Result<Exit, Error> {
    let places = args.target.places();
    let Some(to) = args.to.clone().or_else(|| releases::names(&places)) else {
        return Err(Error::usage(
            "missing --to VERSION\nhint: for example --to 1.30.3",
        ));
    };
    places.check(&to).map_err(|it| Error::Usage(it.into()))?;
    if args.request.reads_standard_input() {
        return Err(Error::usage(
            "a fleet cannot read its request from standard input\nhint: write -f FILE, or -f 'requests/{cluster}.yaml' for a file of each cluster",
        ));
    }
    let accept = args.accept.all()?;
    let clusters = args.clusters()?;
    let files = args
        .out
        .as_deref()
        .map(|it| Files::new(it, &clusters))
        .transpose()?;
    let request = |name: &str| {
        let own = args.request.replaced(CLUSTER, name);
        Ok(istio_planner::Request {
            to: to.clone(),
            files: own.planner_files()?,
            sets: own.sets,
            predicted: files.is_some(),
            prune: args.prune.named.clone(),
            prune_orphans: args.prune.orphans,
            accept: accept.clone(),
            ..istio_planner::Request::default()
        })
    };
    let take = |name: &str, outcome: Outcome| match &files {
        Some(files) => files.write(name, &outcome).map(Some),
        None => Ok(None),
    };
    let common = Common {
        request: &request,
        take: &take,
        places: &places,
        as_of: args.as_of.as_deref(),
    };
    let fleet = fleet::fleet(&to, &plan(&clusters, &common));
    if let Some(files) = &files {
        files.finish(&fleet)?;
    }
    print(&fleet, args)?;
    Ok(match fleet.verdict {
        Verdict::Clear => Exit::Done,
        Verdict::Blocked => Exit::Refused,
        Verdict::Unknown => Exit::Unknown,
    })
}

fn print(fleet: &Fleet, args: &PlanArgs) -> Result<(), Error> {
    let text = match args.output {
        Format::Text => {
            let coloured = output::coloured();
            let text = fleet::Text {
                fleet,
                age: &ago,
                colours: if coloured {
                    report::Colours::ANSI
                } else {
                    report::Colours::PLAIN
                },
                width: output::pager::width(),
            };
            output::pager::print(&args.guide.linked(text.to_string()), true)?;
            return Ok(());
        }
        Format::Json => {
            output::json_text(&serde_json::to_string_pretty(fleet)?)?;
            return Ok(());
        }
        Format::Yaml => serde_yaml::to_string(fleet)?,
        Format::Markdown => fleet::markdown(fleet, &ago),
        Format::Html => fleet::html(fleet, &ago),
        Format::Junit => fleet::junit(fleet),
    };
    output::data(&text)?;
    Ok(())
}

/// How long ago a time was, in its largest unit.
fn ago(time: &str) -> String {
    let Ok(time) = time.parse::<Timestamp>() else {
        return String::new();
    };
    let minutes = (clock::now().as_second() - time.as_second()) / 60;
    match minutes {
        ..1 => "now".to_owned(),
        1..120 => format!("{minutes}m ago"),
        120..2880 => format!("{}h ago", minutes / 60),
        _ => format!("{}d ago", minutes / 1440),
    }
}

impl PlanArgs {
    /// All clusters, in the order in which they were named, then by context.
    fn clusters(&self) -> Result<Vec<Named>, Error> {
        let mut clusters = Vec::new();
        for path in &self.exports {
            if !path.exists() {
                return Err(Error::usage(format!("{} is not there", path.display())));
            }
            let several = members(path).unwrap_or_else(|| vec![path.clone()]);
            clusters.extend(several.into_iter().map(|path| Named {
                name: name(&path),
                source: Source::Export(path),
            }));
        }
        tell_apart(&mut clusters);
        if let Some(pattern) = &self.contexts {
            clusters.extend(self.live(pattern)?);
        }
        if clusters.is_empty() {
            return Err(Error::usage(
                "no clusters are named\nhint: refit fleet plan clusters/* --to 1.30.3, or --contexts 'prod-*'",
            ));
        }
        Ok(clusters)
    }

    fn live(&self, pattern: &str) -> Result<Vec<Named>, Error> {
        let of = |context: Option<String>| cluster::Connection {
            kubeconfig: self.kubeconfig.clone(),
            context,
        };
        let contexts = of(None).contexts();
        let matching = matching(pattern)?;
        let found: Vec<Named> = contexts
            .iter()
            .filter(|it| matching.is_match(it))
            .map(|it| Named {
                name: it.clone(),
                source: Source::Live(of(Some(it.clone()))),
            })
            .collect();
        if found.is_empty() {
            let known = if contexts.is_empty() {
                "the kubeconfig has none".to_owned()
            } else {
                format!("there are {}", contexts.join(", "))
            };
            return Err(Error::usage(format!(
                "no context matches {pattern}: {known}"
            )));
        }
        Ok(found)
    }
}

/// A pattern in which `*` stands for any text and `?` for one character.
fn matching(pattern: &str) -> Result<Regex, Error> {
    let escaped = regex_lite::escape(pattern)
        .replace("\\*", ".*")
        .replace("\\?", ".");
    Regex::new(&format!("^(?:{escaped})$"))
        .map_err(|it| Error::usage(format!("{pattern} is no pattern of names: {it}")))
}

/// The clusters of a folder that holds nothing but folders and archives; `None` where it is an export itself.
fn members(path: &Path) -> Option<Vec<PathBuf>> {
    const ARCHIVES: [&str; 4] = [".tar.gz", ".tgz", ".tar", ".zip"];
    let entries = fs::read_dir(path).ok()?.filter_map(Result::ok);
    let mut paths: Vec<PathBuf> = entries
        .filter(|it| !it.file_name().to_string_lossy().starts_with('.'))
        .map(|it| it.path())
        .collect();
    paths.sort();
    let is_one = |it: &PathBuf| {
        let name = it.to_string_lossy().to_ascii_lowercase();
        it.is_dir() || ARCHIVES.iter().any(|end| name.ends_with(end))
    };
    let is_file = |it: &PathBuf| {
        let name = it.to_string_lossy().to_ascii_lowercase();
        [".yaml", ".yml", ".json", ".gz", ".xz"]
            .iter()
            .any(|end| name.ends_with(end))
            && !is_one(it)
    };
    let exports = paths.iter().any(is_file);
    paths.retain(is_one);
    (!exports && !paths.is_empty()).then_some(paths)
}

/// The name of a folder or an archive, without its ending.
fn name(path: &Path) -> String {
    // Of `.` and `..` the folder's own name is meant; a link keeps its own.
    let whole = match path.file_name() {
        Some(_) => path.to_owned(),
        None => path.canonicalize().unwrap_or_else(|_| path.to_owned()),
    };
    let name = whole
        .file_name()
        .unwrap_or(whole.as_os_str())
        .to_string_lossy();
    let mut name = name.as_ref();
    if !path.is_dir() {
        for ending in [
            ".gz", ".xz", ".tgz", ".tar", ".zip", ".yaml", ".yml", ".json",
        ] {
            name = name.strip_suffix(ending).unwrap_or(name);
        }
    }
    output::line(name)
}

/// Tells clusters of one name apart: by the folders that they lie in (`eu/export.tar.gz` is `eu`), else by their whole
/// paths, and by a number where those are one, too.
fn tell_apart(clusters: &mut [Named]) {
    for call in [folder_of, |it: &Path| Some(shown(it))] {
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for it in clusters.iter() {
            *times.entry(it.name.clone()).or_default() += 1;
        }
        let twice = clusters
            .iter_mut()
            .filter(|it| times.get(&it.name) > Some(&1));
        for it in twice {
            if let Source::Export(path) = &it.source {
                it.name = call(path).unwrap_or_else(|| it.name.clone());
            }
        }
    }
    let mut taken: Vec<String> = Vec::new();
    for it in clusters {
        let name = it.name.clone();
        let mut number = 1;
        while taken.contains(&it.name) {
            number += 1;
            it.name = format!("{name} ({number})");
        }
        taken.push(it.name.clone());
    }
}

fn folder_of(path: &Path) -> Option<String> {
    let folder = path.parent()?.file_name()?;
    Some(output::line(&folder.to_string_lossy()))
}

/// A path as it is told: a line, whatever it holds.
fn shown(path: &Path) -> String {
    output::line(&path.to_string_lossy())
}

/// Where the outcomes go.
struct Files<'a> {
    folder: &'a Path,
    /// By cluster.
    names: BTreeMap<String, String>,
}

impl<'a> Files<'a> {
    /// Makes the folder, and a file name for each cluster.
    fn new(folder: &'a Path, clusters: &[Named]) -> Result<Self, Error> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let mut names = BTreeMap::new();
        let mut taken = vec!["fleet.json".to_owned()];
        for it in clusters {
            let plain = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
            let stem: String = it
                .name
                .chars()
                .map(|it| if plain(it) { it } else { '_' })
                .collect();
            let stem = stem.trim_start_matches('.');
            let mut file = format!("{stem}.json");
            let mut number = 1;
            while taken.contains(&file) {
                number += 1;
                file = format!("{stem}-{number}.json");
            }
            taken.push(file.clone());
            names.insert(it.name.clone(), file);
        }
        Ok(Self { folder, names })
    }

    fn write(&self, cluster: &str, outcome: &Outcome) -> Result<String, Error> {
        let file = self.names.get(cluster).cloned().unwrap_or_default();
        self.put(&file, &report::json(outcome))?;
        Ok(file)
    }

    fn finish(&self, fleet: &Fleet) -> Result<(), Error> {
        self.put("fleet.json", &(serde_json::to_string_pretty(fleet)? + "\n"))
    }

    fn put(&self, file: &str, text: &str) -> Result<(), Error> {
        let path = self.folder.join(file);
        // What a plan writes may hold credentials.
        private(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
