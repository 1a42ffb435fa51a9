//! How far a fleet has come, read off its Jobs: there is no other state.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::jobs;

/// A Job of a fleet's clusters, as the API server has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Work {
    /// The Job's name.
    pub job: String,
    /// Its wave, from 1; 0 where it is of none.
    pub wave: usize,
    /// Its clusters, by index.
    pub clusters: Vec<String>,
    /// Whether it is held.
    pub suspended: bool,
    /// When it was released.
    pub released: Option<Timestamp>,
    /// When it began.
    pub began: Option<Timestamp>,
    /// When and how it ended.
    pub ended: Option<End>,
    /// Clusters that are done.
    pub done: BTreeSet<usize>,
    /// Clusters that failed.
    pub failed: BTreeSet<usize>,
    /// Clusters that it did not do, and that are done by now.
    pub settled: BTreeSet<String>,
    /// Pods that run.
    pub active: u64,
}

/// How a Job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// When.
    pub at: Timestamp,
    /// Why it failed, as the Job controller has it; `None` where it did not.
    pub reason: Option<String>,
}

/// What is to be done about a fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Release a wave (its place), of which so many clusters may fail.
    Release(usize, usize),
    /// A wave is at work.
    Wait(usize),
    /// A wave is done, and watched until then.
    Soak(usize, Timestamp),
    /// No further wave may be released.
    Stop(String),
    /// All waves are done.
    Done,
}

impl Work {
    /// Reads a Job.
    pub fn of(job: &Value) -> Self {
        let metadata = &job["metadata"];
        let annotation = |it: &str| metadata["annotations"][it].as_str();
        let status = &job["status"];
        let settled = annotation(jobs::SETTLED).unwrap_or("[]");
        Self {
            job: metadata["name"].as_str().unwrap_or_default().to_owned(),
            wave: annotation(jobs::NUMBER)
                .and_then(|it| it.parse().ok())
                .unwrap_or_default(),
            clusters: jobs::clusters(job),
            suspended: job["spec"]["suspend"] == true,
            released: annotation(jobs::RELEASED).and_then(|it| it.parse().ok()),
            began: time(&status["startTime"]),
            ended: end(status),
            done: indexes(status["completedIndexes"].as_str().unwrap_or_default()),
            failed: indexes(status["failedIndexes"].as_str().unwrap_or_default()),
            settled: serde_json::from_str(settled).unwrap_or_default(),
            active: status["active"].as_u64().unwrap_or_default(),
        }
    }

    /// Whether it was ever let go.
    pub fn has_begun(&self) -> bool {
        self.released.is_some() || self.began.is_some() || !self.suspended || self.ended.is_some()
    }

    /// Clusters of it that are not done: those that failed, and once it has ended all others that it did not do.
    pub fn missing(&self) -> Vec<&str> {
        let open = |index: usize, name: &str| {
            !self.done.contains(&index)
                && !self.settled.contains(name)
                && (self.ended.is_some() || self.failed.contains(&index))
        };
        let all = self.clusters.iter().enumerate();
        all.filter(|(index, it)| open(*index, it))
            .map(|it| it.1.as_str())
            .collect()
    }
}

/// Says what is to be done next. `waves` are in their order, `may_fail` counts clusters of the whole fleet.
///
/// It is the same for whoever asks, as often as they ask: all that it is told by stands in the Jobs.
pub fn next(waves: &[Work], may_fail: usize, soak: Duration, now: Timestamp) -> Next {
    let mut missing: Vec<&str> = Vec::new();
    let mut soaked: Option<(usize, Timestamp)> = None;
    for (at, wave) in waves.iter().enumerate() {
        missing.extend(wave.missing());
        if missing.len() > may_fail {
            return Next::Stop(too_many(&missing, may_fail));
        }
        if let Some(end) = &wave.ended {
            if end.reason.as_deref() == Some(UNUSABLE) && !wave.missing().is_empty() {
                return Next::Stop(format!(
                    "wave {}: the image cannot run refit (see the pods of {})",
                    wave.wave, wave.job
                ));
            }
            let soak = SignedDuration::try_from(soak).unwrap_or(SignedDuration::MAX);
            let until = end.at.checked_add(soak).unwrap_or(Timestamp::MAX);
            soaked = Some((at, until));
            continue;
        }
        if wave.has_begun() {
            return Next::Wait(at);
        }
        return match soaked {
            Some((before, until)) if now < until => Next::Soak(before, until),
            _ => Next::Release(at, may_fail - missing.len()),
        };
    }
    Next::Done
}

/// The Job controller's reason for a Job that ended by an exit code (`FailJob`).
const UNUSABLE: &str = "PodFailurePolicy";

fn too_many(missing: &[&str], may_fail: usize) -> String {
    const SHOWN: usize = 10;
    let mut names = missing
        .iter()
        .take(SHOWN)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    if missing.len() > SHOWN {
        names.push_str(", …");
    }
    format!(
        "{} not done ({names}), and {may_fail} may be (--max-failures)",
        clusters(missing.len())
    )
}

/// `1 cluster`, `2 clusters`.
pub fn clusters(number: usize) -> String {
    match number {
        1 => "1 cluster".to_owned(),
        _ => format!("{number} clusters"),
    }
}

fn end(status: &Value) -> Option<End> {
    let conditions = status["conditions"].as_array()?;
    let of = |kind: &str| {
        conditions
            .iter()
            .find(|it| it["type"] == kind && it["status"] == "True")
    };
    let (condition, failed) = match (of("Complete"), of("Failed")) {
        (Some(it), _) => (it, false),
        (None, Some(it)) => (it, true),
        (None, None) => return None,
    };
    Some(End {
        at: time(&condition["lastTransitionTime"])?,
        reason: failed.then(|| condition["reason"].as_str().unwrap_or("Failed").to_owned()),
    })
}

pub(super) fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// Reads `0,3-5`.
fn indexes(text: &str) -> BTreeSet<usize> {
    let part = |it: &str| -> Option<std::ops::RangeInclusive<usize>> {
        let (first, last) = it.split_once('-').unwrap_or((it, it));
        let (first, last) = (first.parse().ok()?, last.parse::<usize>().ok()?);
        Some(first..=last.min(first + jobs::MOST))
    };
    text.split(',').filter_map(part).flatten().collect()
}

#[cfg(test)]
mod tests;
