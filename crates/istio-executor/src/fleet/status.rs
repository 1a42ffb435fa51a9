//! How far a fleet has come, as a document.

use std::collections::BTreeMap;

use istio_planner::report;
use k8s_openapi::jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::found::{Found, Job, Part};
use super::jobs::{RELEASE, STOPPED, TARGET};
use super::state::{Work, clusters};

/// The value of [`Status::schema`].
pub const SCHEMA: &str = "refit.fleet-status/v1";

/// How far a fleet has come, by its Jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The fleet's id.
    pub id: String,
    /// The namespace of its Jobs.
    pub namespace: String,
    /// The version that it goes to, where its Jobs say so.
    pub target: Option<String>,
    /// What it does.
    pub state: FleetState,
    /// Why no further wave is released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// In their order.
    pub waves: Vec<Wave>,
    /// In the fleet's order.
    pub clusters: Vec<Cluster>,
}

/// What a fleet does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FleetState {
    /// It was never started.
    Waiting,
    /// Waves are released one after the other.
    Working,
    /// It was stopped, and `refit fleet resume` goes on.
    Held,
    /// Too many clusters are not done.
    Stopped,
    /// All waves are done.
    Done,
}

/// A wave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Wave {
    /// From 1.
    pub number: usize,
    /// Its Job.
    pub job: String,
    /// What it does.
    pub state: WaveState,
    /// How many clusters it has.
    pub clusters: usize,
    /// How many of them it has done.
    pub done: usize,
    /// How many of them have failed.
    pub failed: usize,
    /// When it was released, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<String>,
    /// When it ended, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
}

/// What a wave does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaveState {
    /// It waits for its release.
    Waiting,
    /// It is at work.
    Working,
    /// It was released, and is held.
    Held,
    /// It has ended, and all of its clusters are done.
    Done,
    /// It has ended, and not all of them are.
    Failed,
}

/// A cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cluster {
    /// As the fleet calls it.
    pub name: String,
    /// Its wave, from 1.
    pub wave: usize,
    /// How far it came.
    pub state: ClusterState,
    /// The last Job that has it.
    pub job: String,
    /// Since when: when its pod began, or ended, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Its last pod in that Job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// How many pods that Job has made for it, as far as they are still there.
    pub pods: usize,
    /// The exit code of the last pod that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// What a pod waits for that does not start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// What the journal in the cluster itself says, where it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<String>,
}

/// How far a cluster has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterState {
    /// Its wave was not released, or has not come to it yet.
    Waiting,
    /// A pod is at work.
    Working,
    /// It was stopped, and goes on when its Job does.
    Held,
    /// It is done.
    Done,
    /// It has failed.
    Failed,
    /// Its Job ended without it: begun or not, it has to be tried again.
    Unfinished,
    /// It is being rolled back.
    RollingBack,
    /// It was rolled back.
    RolledBack,
}

impl ClusterState {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Working => "at work",
            Self::Held => "held",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unfinished => "unfinished",
            Self::RollingBack => "rolling back",
            Self::RolledBack => "rolled back",
        }
    }
}

/// The pods of a Job's index.
#[derive(Debug, Clone, Default)]
struct Pods<'a> {
    all: usize,
    last: Option<&'a Value>,
    exit_code: Option<i64>,
}

/// Puts together what the Jobs and the pods of a fleet say.
pub fn status(found: &Found, pods: &[Value]) -> Status {
    let pods = by_index(pods);
    let release = found.release.as_ref();
    let annotation = |name: &str| {
        let text = release?["metadata"]["annotations"][name].as_str();
        text.map(str::to_owned)
    };
    let clusters = found.clusters();
    let clusters = clusters
        .into_iter()
        .filter_map(|(name, wave)| {
            let (job, index) = found.last(name)?;
            Some(cluster(name, wave, job, index, &pods))
        })
        .collect();
    let waves: Vec<Wave> = found.waves().map(|it| wave(&it.work)).collect();
    let why = annotation(STOPPED);
    Status {
        schema: SCHEMA.to_owned(),
        id: found.id.clone(),
        namespace: found.namespace.clone(),
        target: annotation(TARGET),
        state: state(release, &waves),
        why,
        waves,
        clusters,
    }
}

fn state(release: Option<&Value>, waves: &[Wave]) -> FleetState {
    let released = release.map(Work::of).unwrap_or_default();
    if let Some(end) = &released.ended {
        return match end.reason {
            None => FleetState::Done,
            Some(_) => FleetState::Stopped,
        };
    }
    let begun = waves.iter().any(|it| it.state != WaveState::Waiting);
    match (released.suspended, begun) {
        (false, _) => FleetState::Working,
        (true, false) => FleetState::Waiting,
        (true, true) => FleetState::Held,
    }
}

fn wave(work: &Work) -> Wave {
    let state = match &work.ended {
        Some(_) if work.missing().is_empty() => WaveState::Done,
        Some(_) => WaveState::Failed,
        None if !work.has_begun() => WaveState::Waiting,
        None if work.suspended => WaveState::Held,
        None => WaveState::Working,
    };
    Wave {
        number: work.wave,
        job: work.job.clone(),
        state,
        clusters: work.clusters.len(),
        done: work.done.len(),
        failed: work.failed.len(),
        released: work.released.or(work.began).map(told),
        ended: work.ended.as_ref().map(|it| told(it.at)),
    }
}

fn cluster(
    name: &str,
    wave: usize,
    job: &Job,
    index: usize,
    pods: &BTreeMap<(String, usize), Pods<'_>>,
) -> Cluster {
    let work = &job.work;
    let key = (work.job.clone(), index);
    let pods = pods.get(&key).cloned().unwrap_or_default();
    let last = pods.last.unwrap_or(&Value::Null);
    let phase = last["status"]["phase"].as_str().unwrap_or_default();
    let runs = phase == "Running";
    let back = job.part == Part::Back;
    let state = if work.done.contains(&index) {
        if back {
            ClusterState::RolledBack
        } else {
            ClusterState::Done
        }
    } else if work.settled.contains(name) {
        ClusterState::Done
    } else if work.failed.contains(&index) {
        ClusterState::Failed
    } else if work.ended.is_some() {
        ClusterState::Unfinished
    } else if !work.has_begun() {
        ClusterState::Waiting
    } else if work.suspended {
        if pods.all > 0 {
            ClusterState::Held
        } else {
            ClusterState::Waiting
        }
    } else if runs && back {
        ClusterState::RollingBack
    } else if runs {
        ClusterState::Working
    } else {
        ClusterState::Waiting
    };
    let container = &last["status"]["containerStatuses"][0]["state"];
    let since = container["terminated"]["finishedAt"]
        .as_str()
        .or(container["running"]["startedAt"].as_str())
        .or(last["status"]["startTime"].as_str());
    let waiting = &container["waiting"];
    let waits_for = waiting["reason"].as_str().map(|reason| {
        let message = waiting["message"].as_str().unwrap_or_default();
        crate::output::cut(&format!("{reason} {message}"), 160)
    });
    Cluster {
        name: name.to_owned(),
        wave,
        state,
        job: work.job.clone(),
        since: since.map(str::to_owned),
        pod: last["metadata"]["name"].as_str().map(str::to_owned),
        pods: pods.all,
        exit_code: pods.exit_code,
        waits_for,
        journal: None,
    }
}

/// The pods of each index of each Job.
fn by_index(pods: &[Value]) -> BTreeMap<(String, usize), Pods<'_>> {
    let mut all: BTreeMap<(String, usize), Pods<'_>> = BTreeMap::new();
    let made = |it: &Value| {
        it["metadata"]["creationTimestamp"]
            .as_str()
            .map(str::to_owned)
    };
    for pod in pods {
        let metadata = &pod["metadata"];
        let job = metadata["labels"]["batch.kubernetes.io/job-name"].as_str();
        let index = metadata["annotations"]["batch.kubernetes.io/job-completion-index"].as_str();
        let (Some(job), Some(Ok(index))) = (job, index.map(str::parse)) else {
            continue;
        };
        let of = all.entry((job.to_owned(), index)).or_default();
        of.all += 1;
        let code = &pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"];
        let is_later = of.last.is_none_or(|last| made(last) <= made(pod));
        if is_later {
            of.last = Some(pod);
        }
        if let Some(code) = code.as_i64().filter(|_| is_later || of.exit_code.is_none()) {
            of.exit_code = Some(code);
        }
    }
    all
}

fn told(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl Status {
    /// The same with those clusters first that have failed or are at work, for a screen that has no room for all.
    #[must_use]
    pub fn urgent_first(&self) -> Self {
        let mut first = self.clone();
        first.clusters.sort_by_key(|it| match it.state {
            ClusterState::Failed | ClusterState::Unfinished => 0,
            ClusterState::Working | ClusterState::RollingBack | ClusterState::Held => 1,
            ClusterState::Waiting => 2,
            ClusterState::Done | ClusterState::RolledBack => 3,
        });
        first
    }

    /// In words: a line for each wave, a line for each cluster.
    pub fn lines(&self) -> Vec<String> {
        let to = self.target.as_ref().map(|it| format!(" → {it}"));
        let state = match self.state {
            FleetState::Waiting => "waits: refit fleet resume starts it",
            FleetState::Working => "at work",
            FleetState::Held => "held: refit fleet resume goes on",
            FleetState::Stopped => "stopped",
            FleetState::Done => "done",
        };
        let mut lines = vec![format!(
            "fleet {}{}: {state}",
            self.id,
            to.unwrap_or_default()
        )];
        lines.extend(self.why.iter().map(|it| format!("  {it}")));
        let empty = String::new;
        let mut rows = vec![["wave", "state", "done", "failed", "since"].map(str::to_owned)];
        rows.extend(self.waves.iter().map(|it| {
            let state = match it.state {
                WaveState::Waiting => "waiting",
                WaveState::Working => "at work",
                WaveState::Held => "held",
                WaveState::Done => "done",
                WaveState::Failed => "not all done",
            };
            [
                it.number.to_string(),
                state.to_owned(),
                format!("{} of {}", it.done, clusters(it.clusters)),
                it.failed.to_string(),
                it.ended
                    .clone()
                    .or(it.released.clone())
                    .unwrap_or_else(empty),
            ]
        }));
        lines.push(String::new());
        lines.extend(table(&rows));
        let mut rows = vec![["cluster", "wave", "state", "since", "pods", ""].map(str::to_owned)];
        rows.extend(self.clusters.iter().map(|it| {
            let mut more: Vec<String> = Vec::new();
            let code = it.exit_code.filter(|code| *code != 0);
            more.extend(code.map(|code| format!("exit code {code}")));
            more.extend(it.waits_for.clone());
            more.extend(it.journal.clone());
            [
                it.name.clone(),
                it.wave.to_string(),
                it.state.words().to_owned(),
                it.since.clone().unwrap_or_else(empty),
                it.pods.to_string(),
                more.join("; "),
            ]
        }));
        lines.push(String::new());
        lines.extend(table(&rows));
        lines
    }

    /// Whether nothing moves any more.
    pub fn is_over(&self) -> bool {
        matches!(self.state, FleetState::Done | FleetState::Stopped)
    }
}

/// Columns, as wide as they have to be.
fn table<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let width = |at: usize| {
        let widths = rows.iter().map(|it| report::shown(&it[at]).chars().count());
        widths.max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths);
        let cells: Vec<String> = cells
            .map(|(it, width)| format!("{:<width$}", report::shown(it)))
            .collect();
        format!("  {}", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// The label that all pods of a fleet's clusters have.
pub fn of_clusters(id: &str) -> String {
    format!(
        "{}={id},{}!={RELEASE}",
        super::jobs::FLEET,
        super::jobs::PART
    )
}

#[cfg(test)]
mod tests;
