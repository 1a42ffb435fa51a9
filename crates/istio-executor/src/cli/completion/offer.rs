//! What is offered for each flag: the names that a kubeconfig and the cluster have now, files by their ending, versions,
//! profiles, fields of an `IstioOperator`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Arg, Command};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter};
use istio_catalog::{Catalog, Minor};
use istio_render::{KnownField, known_fields};
use serde_json::Value;

use crate::cli::connection::block_on;
use crate::cli::explain;
use crate::cluster::{Cluster, Connection, Selection};

/// How long a cluster may take to answer: who types does not wait longer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Kinds of workloads that are restarted.
const WORKLOADS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

/// Adds to each flag of a command what it offers. `words` is the line so far: the cluster that it names is asked.
pub(super) fn offering(command: Command, words: &[OsString]) -> Command {
    let connection = connection(words);
    within(command, &connection, &mut Vec::new())
}

fn within(mut command: Command, connection: &Connection, path: &mut Vec<String>) -> Command {
    let verbs: Vec<String> = command
        .get_subcommands()
        .map(|it| it.get_name().to_owned())
        .collect();
    for verb in verbs {
        command = command.mut_subcommand(&verb, |it| {
            path.push(verb.clone());
            let it = within(it, connection, path);
            path.pop();
            it.mut_args(|arg| offered(&verb, arg, connection))
        });
    }
    command
}

fn offered(verb: &str, arg: Arg, connection: &Connection) -> Arg {
    let name = arg.get_long().unwrap_or(arg.get_id().as_str()).to_owned();
    let known = |all: fn() -> Vec<CompletionCandidate>| {
        ArgValueCompleter::new(move |current: &OsStr| beginning(current, all()))
    };
    let cluster = connection.clone();
    let completer = match (verb, name.as_str()) {
        (_, "context") => {
            ArgValueCompleter::new(move |it: &OsStr| beginning(it, named(cluster.contexts())))
        }
        (_, "istio-namespace" | "namespace") => {
            ArgValueCompleter::new(move |it: &OsStr| beginning(it, named(namespaces(&cluster))))
        }
        ("restart", "workloads") => {
            ArgValueCompleter::new(move |it: &OsStr| workloads(&cluster, it))
        }
        ("template", "set") => return arg,
        (_, "set") => ArgValueCompleter::new(fields),
        (_, "accept") => known(codes),
        (_, "to" | "from") if arg.get_long().is_some() => known(versions),
        ("dump", "profile") | ("diff", "from" | "to") => known(profiles),
        (_, "filename" | "values" | "rendered" | "rendered-source") => {
            files(&["yaml", "yml", "json"])
        }
        (_, "facts" | "out") | ("apply" | "job", "plan") => files(&["json"]),
        (_, "manifests") => files(&["gz", "tgz", "tar"]),
        (_, "releases" | "page") | ("template", "chart") => {
            ArgValueCompleter::new(PathCompleter::dir())
        }
        ("recover", "output") => files(&["yaml", "yml"]),
        ("snapshot", "output") => files(&["gz", "tgz"]),
        (_, "kubeconfig" | "files") => ArgValueCompleter::new(PathCompleter::any()),
        _ => return arg,
    };
    arg.add(completer)
}

/// Files with one of these endings, and folders on the way to them.
fn files(endings: &'static [&'static str]) -> ArgValueCompleter {
    let fits = move |path: &Path| {
        let ending = path.extension().and_then(OsStr::to_str);
        ending.is_some_and(|it| endings.contains(&it))
    };
    ArgValueCompleter::new(PathCompleter::any().filter(fits))
}

/// Those that begin as what was typed.
fn beginning(current: &OsStr, all: Vec<CompletionCandidate>) -> Vec<CompletionCandidate> {
    let typed = current.to_string_lossy().into_owned();
    let fits = |it: &CompletionCandidate| it.get_value().to_string_lossy().starts_with(&typed);
    all.into_iter().filter(fits).collect()
}

fn named(names: Vec<String>) -> Vec<CompletionCandidate> {
    names.into_iter().map(CompletionCandidate::new).collect()
}

fn codes() -> Vec<CompletionCandidate> {
    let all = explain::all().into_iter();
    all.map(|it| CompletionCandidate::new(it.code).help(Some(it.words.meaning.into())))
        .collect()
}

/// The newest first.
fn versions() -> Vec<CompletionCandidate> {
    let all: Vec<String> = Catalog::embedded()
        .patches()
        .map(ToString::to_string)
        .collect();
    let numbered = all.into_iter().rev().enumerate();
    numbered
        .map(|(place, it)| CompletionCandidate::new(it).display_order(Some(place)))
        .collect()
}

/// `demo`, and `demo@1.30` for each minor.
fn profiles() -> Vec<CompletionCandidate> {
    let mut all = Vec::new();
    for release in Catalog::embedded().releases() {
        let minor: Minor = release.minor();
        for name in release.profiles() {
            all.push(name.to_owned());
            all.push(format!("{name}@{minor}"));
        }
    }
    all.sort();
    all.dedup();
    named(all)
}

/// `values.pilot.` and then its fields, as the newest stable release knows them; a field that is complete ends with `=`.
fn fields(current: &OsStr) -> Vec<CompletionCandidate> {
    let typed = current.to_string_lossy();
    let newest = Catalog::embedded().newest_stable().map(ToString::to_string);
    let Some(version) = newest.and_then(|it| semver::Version::parse(&it).ok()) else {
        return Vec::new();
    };
    if let Some((path, _)) = typed.split_once('=') {
        let mut keys = keys(path);
        let last = keys.pop();
        let field = known_fields(&version, &keys)
            .into_iter()
            .find(|it| Some(it.name.as_str()) == last);
        let values = field.map(|it| it.values).unwrap_or_default();
        let all = values.iter().map(|it| format!("{path}={it}")).collect();
        return beginning(current, named(all));
    }
    let (before, _) = typed.rsplit_once('.').unwrap_or(("", ""));
    let mut all = below(&version, before);
    all.retain(|it| it.starts_with(&*typed));
    // A shell takes a single offer for the whole word: where it is an object, what is in it is offered too.
    while let [only] = all.as_slice()
        && let Some(object) = only.strip_suffix('.')
    {
        all = below(&version, object);
    }
    named(all)
}

/// The fields at a path, as they are typed.
fn below(version: &semver::Version, path: &str) -> Vec<String> {
    let glue = if path.is_empty() { "" } else { "." };
    let written = |it: KnownField| {
        let end = if it.kind == "object" { "." } else { "=" };
        format!("{path}{glue}{}{end}", it.name)
    };
    let fields = known_fields(version, &keys(path));
    fields.into_iter().map(written).collect()
}

/// The keys of a path of `--set`, which begins below `spec`.
fn keys(path: &str) -> Vec<&str> {
    let own = path.split('.').filter(|it| !it.is_empty());
    std::iter::once("spec").chain(own).collect()
}

fn namespaces(connection: &Connection) -> Vec<String> {
    names(connection, "v1", "Namespace", None)
}

/// `KIND/`, then `KIND/NAMESPACE/`, then what is there; a namespace alone means all of it.
fn workloads(connection: &Connection, current: &OsStr) -> Vec<CompletionCandidate> {
    let typed = current.to_string_lossy().into_owned();
    let parts: Vec<&str> = typed.split('/').collect();
    let all: Vec<String> = match parts.as_slice() {
        [kind, _] => namespaces(connection)
            .iter()
            .map(|it| format!("{kind}/{it}/"))
            .collect(),
        [kind, namespace, _] => WORKLOADS
            .iter()
            .find(|it| it.eq_ignore_ascii_case(kind))
            .map(|it| names(connection, "apps/v1", it, Some(namespace)))
            .unwrap_or_default()
            .iter()
            .map(|it| format!("{kind}/{namespace}/{it}"))
            .collect(),
        _ => {
            let kinds = WORKLOADS.iter().map(|it| format!("{it}/"));
            kinds.chain(namespaces(connection)).collect()
        }
    };
    beginning(current, named(all))
}

/// Names of objects, as far as the cluster tells them in time; nothing where it does not.
fn names(
    connection: &Connection,
    version: &str,
    kind: &str,
    namespace: Option<&str>,
) -> Vec<String> {
    let asked = async {
        let cluster = Cluster::connect(connection).await?;
        let kind = cluster.kind(version, kind).await?;
        let selection = Selection {
            namespace,
            metadata_only: true,
            ..Selection::default()
        };
        Ok(cluster.list_all(&kind, &selection).await?)
    };
    let answer = block_on(async {
        let answer = tokio::time::timeout(PATIENCE, asked).await;
        answer.unwrap_or_else(|_| Ok(Vec::new()))
    });
    let name = |it: &Value| Some(it["metadata"]["name"].as_str()?.to_owned());
    answer.unwrap_or_default().iter().filter_map(name).collect()
}

/// The cluster that a line names.
fn connection(words: &[OsString]) -> Connection {
    let words: Vec<_> = words.iter().map(|it| it.to_string_lossy()).collect();
    let value = |names: [&str; 2]| {
        let mut found = None;
        for (at, word) in words.iter().enumerate() {
            let (flag, own) = match word.split_once('=') {
                Some((flag, value)) => (flag, Some(value.to_owned())),
                None => (word.as_ref(), None),
            };
            if names.contains(&flag) {
                found = own.or_else(|| words.get(at + 1).map(ToString::to_string));
            }
        }
        found.filter(|it| !it.is_empty())
    };
    Connection {
        kubeconfig: value(["--kubeconfig", "-c"]).map(PathBuf::from),
        // What is being typed is none yet.
        context: value(["--context", "--context"]),
    }
}
