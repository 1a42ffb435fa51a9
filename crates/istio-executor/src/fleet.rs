//! Several clusters at once: each is read and planned for itself, as many at a time as there are cores.
//!
//! They are performed by Jobs of a management cluster: [`waves`] says which cluster goes when, [`jobs`] what is made for
//! that, [`state`] how far it came and what is next, [`mod@release`] does it, [`found`], [`mod@status`] and [`control`] are for
//! those who ask. [`argo`] and [`ocm`] print the same for other engines.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::SystemTime;

use istio_planner::fleet::Member;
use istio_planner::outcome::Outcome;
use istio_planner::snapshot::Snapshot;
use istio_planner::{Request, needs};
use istio_render::Release;
use k8s_openapi::jiff::Timestamp;

use crate::release::Places;
use crate::{clock, cluster, error, export, output, planning, snapshot};

pub mod argo;
pub mod control;
pub mod found;
pub mod jobs;
pub mod names;
pub mod ocm;
pub mod release;
pub mod state;
pub mod status;
pub mod waves;

/// Where a cluster is read from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A folder, an archive or a file.
    Export(PathBuf),
    /// The cluster itself.
    Live(cluster::Connection),
}

/// A cluster of a fleet.
#[derive(Debug, Clone)]
pub struct Named {
    /// What it is called.
    pub name: String,
    /// Where it is read from.
    pub source: Source,
}

/// Takes an outcome by its cluster's name, and says in which file it put it.
pub type Take<'a> = &'a (dyn Fn(&str, Outcome) -> Result<Option<String>, error::Error> + Sync);

/// What every cluster is planned with.
pub struct Common<'a> {
    /// Makes the request of a cluster by its name.
    pub request: &'a (dyn Fn(&str) -> Result<Request, error::Error> + Sync),
    /// What becomes of the outcomes.
    pub take: Take<'a>,
    /// Where releases are looked for.
    pub places: &'a Places,
    /// Today, where it is not today.
    pub as_of: Option<&'a str>,
}

/// Plans all clusters; the result is in their order, and one that fails does not stop the others.
pub fn plan(clusters: &[Named], common: &Common<'_>) -> Vec<Member> {
    let releases = Releases::default();
    let next = AtomicUsize::new(0);
    let done: Mutex<BTreeMap<usize, Member>> = Mutex::default();
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..cores.min(clusters.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(cluster) = clusters.get(at) else {
                        return;
                    };
                    let member = member(cluster, common, &releases);
                    if let Ok(mut done) = done.lock() {
                        done.insert(at, member);
                    }
                }
            });
        }
    });
    done.into_inner()
        .unwrap_or_default()
        .into_values()
        .collect()
}

fn member(cluster: &Named, common: &Common<'_>, releases: &Releases) -> Member {
    let planned = || -> Result<Member, error::Error> {
        let request = (common.request)(&cluster.name)?;
        let (snapshot, exported) = read(&cluster.source, &request)?;
        let releases = releases.of(&request, &snapshot, common.places);
        let as_of = common.as_of.map(str::to_owned);
        let input = planning::with(request, snapshot, releases, common.places, as_of);
        let outcome = istio_planner::plan(&input);
        let member = Member::planned(&cluster.name, &input, &outcome).exported(exported);
        let file = (common.take)(&cluster.name, outcome)?;
        Ok(member.file(file))
    };
    planned().unwrap_or_else(|it| Member::failed(&cluster.name, output::line(&it.words())))
}

/// Reads a cluster, and says when its export was written.
fn read(source: &Source, request: &Request) -> Result<(Snapshot, Option<String>), error::Error> {
    match source {
        Source::Export(path) => {
            let snapshot = export::read_quietly(std::slice::from_ref(path))
                .map_err(|it| error::Error::Usage(it.into()))?;
            Ok((snapshot, newest(path).and_then(told)))
        }
        Source::Live(connection) => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let snapshot = runtime.block_on(async {
                let cluster = cluster::Cluster::connect(connection).await?;
                Ok::<_, error::Error>(
                    snapshot::take(&cluster, &istio_planner::required(request)).await?,
                )
            })?;
            Ok((snapshot, told(clock::system())))
        }
    }
}

/// When the newest file of an export was written.
fn newest(path: &Path) -> Option<SystemTime> {
    let metadata = fs::metadata(path).ok()?;
    if !metadata.is_dir() {
        return metadata.modified().ok();
    }
    let entries = fs::read_dir(path).ok()?.filter_map(Result::ok);
    let times = entries.filter_map(|it| {
        // What a link leads to may lead back.
        let kind = it.file_type().ok()?;
        let hidden = it.file_name().to_string_lossy().starts_with('.');
        (!hidden && !kind.is_symlink()).then(|| newest(&it.path()))?
    });
    times.max()
}

fn told(time: SystemTime) -> Option<String> {
    let time = Timestamp::try_from(time).ok()?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// Releases by version, each read once for all clusters; one that was not found is said once.
#[derive(Default)]
struct Releases(Mutex<BTreeMap<String, Option<Release>>>);

impl Releases {
    fn of(&self, request: &Request, snapshot: &Snapshot, places: &Places) -> Vec<Release> {
        let Ok(mut known) = self.0.lock() else {
            return Vec::new();
        };
        let target = request.to.trim_start_matches('v');
        let mut find = |version: String| {
            let place = || Places {
                // `--manifests` names the target.
                manifests: places.manifests.clone().filter(|_| version == target),
                ..places.clone()
            };
            let found = known.entry(version.clone()).or_insert_with(|| {
                crate::release::find(&version, &place())
                    .inspect_err(|it| {
                        let why = output::chain(it);
                        output::warning(&format!("going on without Istio {version}: {why}"));
                    })
                    .ok()
            });
            found.clone()
        };
        let versions = needs::releases(request, snapshot);
        versions.into_iter().filter_map(&mut find).collect()
    }
}

#[cfg(test)]
mod tests;
