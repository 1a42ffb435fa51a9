//! Reads from the cluster exactly what a plan needs.

use std::io;
use std::path::Path;

use istio_planner::input::Requirement;
use istio_planner::snapshot::{EXPORT, ReadError, Snapshot};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::cluster::{self, Cluster, Kind, Selection, Turn};
use crate::output::{self, narrator::Reading};

mod sink;

use sink::{Archive, Folder, Sink};

/// The groups of the kinds that are needed by name: others (metrics, custom ones) have kinds of the same names.
pub(crate) const BUILT_IN: [&str; 10] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "discovery.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
];

/// Why a snapshot could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A request failed.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// What the API server sent could not be read.
    #[error(transparent)]
    Content(#[from] ReadError),
    /// Whoever takes what is read takes no more: it says why itself.
    #[error("what was read is not taken any more")]
    Ended,
    /// The disk.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: String,
        /// The cause.
        source: io::Error,
    },
}

/// A kind that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Its plural and its group, for example `deployments.apps`.
    pub kind: String,
    /// Why, in the server's words.
    pub reason: String,
    /// The HTTP status of the refusal; 403 is a missing right.
    pub code: Option<u16>,
}

/// Reads what is needed into `sink`, file by file, and returns what was not read.
///
/// Every kind is read page by page, and a page is gone before the one after the next is asked for. Of Secrets the API
/// server is asked for metadata only. A kind that may not be read, or that its server does not hand out, is left out and
/// said, and stands in the export as that: the planner says what it lacks.
async fn read(
    cluster: &Cluster,
    requirement: &Requirement,
    progress: &Reading,
    sink: &mut Sink<'_>,
) -> Result<Vec<Missing>, Error> {
    let mut missing = Vec::new();
    let version = cluster.version().await?;
    sink.file("version.json", &json!({ "serverVersion": version }))
        .await?;
    for kind in kinds(&cluster.served().await?, requirement) {
        match list(cluster, &kind, progress, sink).await {
            Ok(()) => {}
            // Who may not read anything (401) is told so by the error.
            Err(Error::Cluster(error)) if matches!(error.code(), Some(403..=405 | 500..=599)) => {
                // Nothing is planned by Secrets: who keeps them from refit does well.
                if kind.kind == "Secret" {
                    continue;
                }
                let words = output::line(&output::chain(&error));
                progress.suspend(|| {
                    output::warning(&format!("{} are left out: {words}", kind.plural));
                });
                missing.push(Missing {
                    kind: dotted(&kind),
                    reason: words,
                    code: error.code(),
                });
            }
            Err(error) => return Err(error),
        }
    }
    if !missing.is_empty() {
        let items: Vec<Value> = missing
            .iter()
            .map(|it| {
                json!({
                    "apiVersion": EXPORT,
                    "kind": "Missing",
                    "metadata": { "name": it.kind },
                    "reason": it.reason,
                    "code": it.code,
                })
            })
            .collect();
        let list = json!({ "apiVersion": EXPORT, "kind": "MissingList", "items": items });
        sink.file("missing.json", &list).await?;
    }
    Ok(missing)
}

/// Reads one kind. What its first page does not give is not begun, so that nothing half stands in the export.
async fn list(
    cluster: &Cluster,
    kind: &Kind,
    progress: &Reading,
    sink: &mut Sink<'_>,
) -> Result<(), Error> {
    let selection = Selection {
        metadata_only: kind.kind == "Secret",
        ..Selection::default()
    };
    let name = format!("{}.json", dotted(kind));
    loop {
        let mut page = cluster.page(kind, &selection, &Turn::default()).await?;
        // An empty list tells that there is none, which is other than not having looked.
        sink.begin(&name).await?;
        let head = format!(
            "{{\"apiVersion\":{},\"kind\":{},\"items\":[",
            json!(kind.api_version),
            json!(format!("{}List", kind.kind))
        );
        sink.piece(head.into_bytes()).await?;
        let mut number = 0;
        let expired = loop {
            let turn = page.next();
            number += page.number;
            progress.tell(&kind.plural, number);
            sink.items(page.items()).await?;
            let Some(turn) = turn else { break false };
            sink.taken().await?;
            match cluster.page(kind, &selection, &turn).await {
                Ok(next) => page = next,
                // The pages took longer than the server remembers: once more from the start.
                Err(error) if error.is_expired() && sink.begins_again() => break true,
                Err(error) => return Err(error.into()),
            }
            if page.number > 0 && number > 0 {
                sink.piece(b",".to_vec()).await?;
            }
        };
        if !expired {
            sink.piece(b"]}".to_vec()).await?;
            return sink.end().await;
        }
    }
}

/// A kind's plural with its group: `deployments.apps`.
fn dotted(kind: &Kind) -> String {
    match kind.group() {
        "" => kind.plural.clone(),
        group => format!("{}.{group}", kind.plural),
    }
}

/// How often a snapshot begins again that took longer than the server remembers.
const TRIES: usize = 3;

/// Reads the cluster into a snapshot. A page is read while the next one is asked for.
pub async fn take(cluster: &Cluster, requirement: &Requirement) -> Result<Snapshot, Error> {
    let progress = Reading::new();
    let mut tries = 1;
    loop {
        let (sender, pieces) = mpsc::channel(1);
        let reading = tokio::task::spawn_blocking(move || sink::read_all(pieces));
        let mut sink = Sink::Reader(sender);
        let read = read(cluster, requirement, &progress, &mut sink).await;
        drop(sink);
        let snapshot = match reading.await {
            Ok(snapshot) => snapshot,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        match read {
            Err(Error::Cluster(error)) if error.is_expired() && tries < TRIES => tries += 1,
            Ok(_) | Err(Error::Ended) => return Ok(snapshot?),
            Err(error) => return Err(error),
        }
    }
}

/// What became of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// How many files it has.
    pub files: usize,
    /// What it lacks.
    pub missing: Vec<Missing>,
}

/// Reads the cluster into a folder, or into an archive where the path ends in `.tar.gz` or `.tgz`.
pub async fn save(
    cluster: &Cluster,
    requirement: &Requirement,
    path: &Path,
) -> Result<Saved, Error> {
    let failed = |source| Error::Write {
        path: path.display().to_string(),
        source,
    };
    let name = path.to_string_lossy();
    let progress = Reading::new();
    if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
        let file = std::fs::File::create(path).map_err(failed)?;
        return pack(cluster, requirement, &progress, &name, file).await;
    }
    std::fs::create_dir_all(path).map_err(failed)?;
    let mut sink = Sink::Folder(Folder::new(path));
    let missing = read(cluster, requirement, &progress, &mut sink).await?;
    Ok(Saved {
        files: sink.files(),
        missing,
    })
}

/// Reads the cluster into an archive, which errors call `name`, and returns what it holds.
pub async fn pack(
    cluster: &Cluster,
    requirement: &Requirement,
    progress: &Reading,
    name: &str,
    out: impl io::Write + Send,
) -> Result<Saved, Error> {
    let mut sink = Sink::Archive(Archive::new(name, Box::new(out)));
    let missing = read(cluster, requirement, progress, &mut sink).await?;
    let files = sink.files();
    sink.finish()?;
    Ok(Saved { files, missing })
}

/// The kinds that are needed and served: each once, in the order of their groups.
fn kinds(served: &[Kind], requirement: &Requirement) -> Vec<Kind> {
    let wanted = |kind: &&Kind| {
        let group = kind.group();
        let listable = kind.verbs.iter().any(|it| it == "list");
        let of_group = requirement
            .groups
            .iter()
            .any(|it| group == *it || group.ends_with(&format!(".{it}")));
        let extra = ["secrets", "customresourcedefinitions"];
        let named = requirement
            .kinds
            .iter()
            .chain(&extra)
            .any(|it| *it == kind.plural);
        listable && (of_group || named && BUILT_IN.contains(&group))
    };
    served.iter().filter(wanted).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(api_version: &str, plural: &str) -> Kind {
        Kind {
            api_version: api_version.to_owned(),
            kind: plural.to_owned(),
            plural: plural.to_owned(),
            namespaced: true,
            verbs: vec!["list".to_owned()],
        }
    }

    #[test]
    fn needed_kinds_are_read_and_others_are_not() {
        let served = [
            kind("v1", "pods"),
            kind("v1", "events"),
            kind("apps/v1", "deployments"),
            kind("example.com/v1", "pods"),
            kind("networking.istio.io/v1", "gateways"),
            kind("metrics.k8s.io/v1beta1", "pods"),
        ];
        let requirement = istio_planner::required(&istio_planner::Request::default());
        let got: Vec<_> = kinds(&served, &requirement)
            .into_iter()
            .map(|it| it.api_version + "/" + &it.plural)
            .collect();
        assert_eq!(
            got,
            [
                "v1/pods",
                "apps/v1/deployments",
                "networking.istio.io/v1/gateways"
            ]
        );
    }
}
