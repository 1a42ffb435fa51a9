//! Reads from the cluster exactly what a plan needs.

use std::io;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use istio_planner::input::Requirement;
use istio_planner::snapshot::{EXPORT, ReadError, Snapshot, SnapshotReader};
use serde_json::{Value, json};

use crate::cluster::{self, Cluster, Kind, Selection};
use crate::output::{self, narrator::Reading};

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

/// Hands what is read to `take`, a name and a document at a time, and returns what was not read.
///
/// Every kind is read page by page. Of Secrets the API server is asked for metadata only. A kind that may not be read, or
/// that its server does not hand out, is left out and said, and stands in the export as that: the planner says what it
/// lacks.
pub async fn read(
    cluster: &Cluster,
    requirement: &Requirement,
    progress: &Reading,
    take: &mut (dyn FnMut(&str, &Value) -> Result<(), Error> + Send),
) -> Result<Vec<Missing>, Error> {
    let mut missing = Vec::new();
    let version = cluster.version().await?;
    take("version.json", &json!({ "serverVersion": version }))?;
    for kind in kinds(&cluster.served().await?, requirement) {
        let selection = Selection {
            metadata_only: kind.kind == "Secret",
            ..Selection::default()
        };
        let listed = cluster
            .list(&kind, &selection, &mut |count| {
                progress.tell(&kind.plural, count);
            })
            .await;
        let items = match listed {
            Ok(items) => items,
            // Who may not read anything (401) is told so by the error.
            Err(error) if matches!(error.code(), Some(403..=405 | 500..=599)) => {
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
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let name = format!("{}.json", dotted(&kind));
        // An empty list tells that there is none, which is other than not having looked.
        let list = json!({
            "apiVersion": kind.api_version,
            "kind": format!("{}List", kind.kind),
            "items": items,
        });
        take(&name, &list)?;
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
        take(
            "missing.json",
            &json!({ "apiVersion": EXPORT, "kind": "MissingList", "items": items }),
        )?;
    }
    Ok(missing)
}

/// A kind's plural with its group: `deployments.apps`.
fn dotted(kind: &Kind) -> String {
    match kind.group() {
        "" => kind.plural.clone(),
        group => format!("{}.{group}", kind.plural),
    }
}

/// Reads the cluster into a snapshot.
pub async fn take(cluster: &Cluster, requirement: &Requirement) -> Result<Snapshot, Error> {
    let mut reader = SnapshotReader::new();
    read(
        cluster,
        requirement,
        &Reading::new(),
        &mut |name, document| Ok(reader.read(name, document.to_string().as_bytes())?),
    )
    .await?;
    Ok(reader.finish()?)
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
    let mut files = 0;
    let missing = read(cluster, requirement, &progress, &mut |name, document| {
        let file = path.join(name);
        let failed = |source| Error::Write {
            path: file.display().to_string(),
            source,
        };
        files += 1;
        std::fs::write(&file, document.to_string()).map_err(failed)
    })
    .await?;
    Ok(Saved { files, missing })
}

/// Reads the cluster into an archive, which errors call `name`, and returns what it holds.
pub async fn pack(
    cluster: &Cluster,
    requirement: &Requirement,
    progress: &Reading,
    name: &str,
    out: impl io::Write + Send,
) -> Result<Saved, Error> {
    let failed = |source| Error::Write {
        path: name.to_owned(),
        source,
    };
    let mut files = 0;
    let mut archive = tar::Builder::new(GzEncoder::new(out, Compression::default()));
    let missing = read(cluster, requirement, progress, &mut |name, document| {
        let text = document.to_string();
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        files += 1;
        archive
            .append_data(&mut header, format!("export/{name}"), text.as_bytes())
            .map_err(failed)
    })
    .await?;
    archive
        .into_inner()
        .and_then(GzEncoder::finish)
        .map_err(failed)?;
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
