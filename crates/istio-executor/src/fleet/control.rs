//! Stopping a fleet, going on with it, and doing some of its clusters once more: all by its Jobs.

use std::time::Duration;

use istio_planner::outcome::Ref;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::found::{Found, Job, Part};
use super::jobs::{self, AGAIN, BACK, RELEASE, SETTLED};
use super::release::reference;
use super::state::{Next, Work, next};
use crate::clock;
use crate::cluster::{Changes, Cluster, JobWriter};
use crate::error::Error;
use crate::output;

/// How long the one that releases may take to end.
const END: Duration = Duration::from_mins(2);

/// What is written.
#[derive(Debug, Clone)]
pub enum Change {
    /// A Job is held, or let go.
    Suspend(Ref, bool),
    /// Clusters of a wave are settled.
    Settle(Ref, Vec<String>),
    /// A Job that has ended is made again.
    Replace(Value, Option<String>),
    /// A new Job.
    Create(Value),
}

impl Change {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Suspend(job, true) => format!("hold Job {}", job.name),
            Self::Suspend(job, false) => format!("let Job {} go", job.name),
            Self::Settle(job, names) => {
                format!("{} of {}: done by now", names.join(", "), job.name)
            }
            Self::Replace(job, _) => format!("start Job {} again", text(&job["metadata"]["name"])),
            Self::Create(job) => format!(
                "make Job {} for {}",
                text(&job["metadata"]["name"]),
                jobs::clusters(job).join(", ")
            ),
        }
    }
}

/// Makes the changes, in their order.
pub async fn make(cluster: &Cluster, changes: &[Change]) -> Result<(), Error> {
    let writer = JobWriter::new(cluster);
    for change in changes {
        match change {
            Change::Suspend(job, suspend) => {
                let patch = json!({ "spec": { "suspend": suspend } });
                writer.patch(job, &patch).await?;
                if *suspend && job.name.ends_with(RELEASE) {
                    ended(cluster, job).await?;
                }
            }
            Change::Settle(job, names) => {
                let names = json!(names).to_string();
                let patch = json!({ "metadata": { "annotations": { (SETTLED): names } } });
                writer.patch(job, &patch).await?;
            }
            Change::Replace(job, uid) => {
                let old = crate::cluster::reference(job);
                writer.delete(&old, uid.as_deref()).await?;
                writer.create(job).await?;
            }
            Change::Create(job) => {
                writer.create(job).await?;
            }
        }
        output::say(&format!("✓ {}", change.words()));
    }
    Ok(())
}

/// Waits until a Job that is held has no pod any more: what releases waves must not do it after they are held.
async fn ended(cluster: &Cluster, job: &Ref) -> Result<(), Error> {
    let mut changes = Changes::default();
    changes.object(cluster, job).await?;
    let end = Instant::now() + END;
    loop {
        let live = cluster.get(job).await?.unwrap_or_default();
        let count = |name: &str| live["status"][name].as_u64().unwrap_or_default();
        if count("active") + count("terminating") == 0 {
            return Ok(());
        }
        if Instant::now() >= end {
            return Err(Error::failed(format!(
                "the pod of Job {} does not end",
                job.name
            )));
        }
        changes.next(end).await;
    }
}

/// What holds a fleet: first what releases, then what is at work.
pub fn stop(found: &Found) -> Vec<Change> {
    let mut changes = Vec::new();
    let held = |it: &Work| it.suspended || it.ended.is_some();
    if let Some(job) = &found.release
        && !held(&Work::of(job))
    {
        changes.push(Change::Suspend(crate::cluster::reference(job), true));
    }
    let open = found.jobs.iter().filter(|it| !held(&it.work));
    changes.extend(open.map(|it| Change::Suspend(of(found, it), true)));
    changes
}

/// What lets a fleet go on: clusters that are done by now are settled, what was begun goes on, and then what releases.
///
/// # Errors
///
/// [`Error::Refused`] where it would stop at once: too many clusters are not done.
pub fn resume(found: &Found, may_fail: Option<usize>) -> Result<Vec<Change>, Error> {
    let mut changes = Vec::new();
    let mut waves = Vec::new();
    for it in found.waves() {
        let settled = found.settled(&it.work);
        if settled != it.work.settled {
            let names = settled.iter().cloned().collect();
            changes.push(Change::Settle(of(found, it), names));
        }
        waves.push(Work {
            settled,
            ..it.work.clone()
        });
    }
    let said = |flag: &str| found.flag(flag)?.parse::<usize>().ok();
    let allowed = may_fail
        .or_else(|| said("--max-failures"))
        .unwrap_or_default();
    if let Next::Stop(why) = next(&waves, allowed, Duration::ZERO, clock::now()) {
        return Err(Error::refused(format!(
            "{why}\nhint: refit fleet status says what became of them; refit fleet resume CLUSTER … tries them again, --max-failures N goes on without them"
        )));
    }
    let held = found.jobs.iter().filter(|it| {
        it.work.suspended
            && it.work.ended.is_none()
            && (it.work.has_begun() || it.part != Part::Wave)
    });
    changes.extend(held.map(|it| Change::Suspend(of(found, it), false)));
    let Some(release) = &found.release else {
        return Err(Error::refused(format!(
            "the Job that releases the waves of fleet {} is gone\nhint: refit fleet job PLANS … | kubectl apply -f -",
            found.id
        )));
    };
    let work = Work::of(release);
    let is_done = work.ended.as_ref().is_some_and(|it| it.reason.is_none());
    let differs = may_fail.is_some_and(|it| said("--max-failures") != Some(it));
    if is_done {
        return Ok(changes);
    }
    if work.ended.is_some() || differs {
        let mut job = jobs::made_again(release);
        job["spec"]["suspend"] = json!(false);
        let args = &mut job["spec"]["template"]["spec"]["containers"][0]["args"];
        let args = args.as_array_mut();
        if let (Some(args), Some(number)) = (args, may_fail)
            && let Some(at) = args.iter().position(|it| it == "--max-failures")
            && let Some(value) = args.get_mut(at + 1)
        {
            *value = json!(number.to_string());
        }
        let uid = release["metadata"]["uid"].as_str().map(str::to_owned);
        changes.push(Change::Replace(job, uid));
    } else if work.suspended {
        changes.push(Change::Suspend(crate::cluster::reference(release), false));
    }
    Ok(changes)
}

/// A Job that tries clusters again which were not done.
pub fn again(found: &Found, names: &[String]) -> Result<Change, Error> {
    let mut chosen = Vec::new();
    for name in names {
        let (job, index) = last(found, name)?;
        let work = &job.work;
        if job.part == Part::Back {
            return Err(Error::refused(format!(
                "{name} was rolled back, or is being so"
            )));
        }
        if work.done.contains(&index) || work.settled.contains(name) {
            return Err(Error::refused(format!("{name} is done")));
        }
        if work.ended.is_none() && !work.failed.contains(&index) {
            return Err(Error::refused(format!(
                "{name} has not failed: it is the business of Job {}",
                work.job
            )));
        }
        chosen.push((&job.object, index));
    }
    made(found, AGAIN, &chosen, None)
}

/// A Job that rolls clusters back, with these arguments of `refit rollback`.
pub fn back(found: &Found, names: &[String], arguments: &[String]) -> Result<Change, Error> {
    let arguments = jobs::rolling_back(arguments);
    let mut chosen = Vec::new();
    for name in names {
        let (job, index) = last(found, name)?;
        let work = &job.work;
        let is_over = work.done.contains(&index) || work.failed.contains(&index);
        if !is_over && work.ended.is_none() && !work.suspended {
            return Err(Error::refused(format!(
                "{name} is the business of Job {}\nhint: refit fleet stop",
                work.job
            )));
        }
        if !work.has_begun() {
            return Err(Error::refused(format!("{name} was never begun")));
        }
        chosen.push((&job.object, index));
    }
    made(found, BACK, &chosen, Some(arguments))
}

fn made(
    found: &Found,
    part: &str,
    chosen: &[(&Value, usize)],
    arguments: Option<Vec<String>>,
) -> Result<Change, Error> {
    let number = found.number(part);
    jobs::again(&found.id, (part, number), chosen, arguments)
        .map(Change::Create)
        .ok_or_else(|| Error::usage("no cluster is named"))
}

fn last<'a>(found: &'a Found, name: &str) -> Result<(&'a Job, usize), Error> {
    found.last(name).ok_or_else(|| {
        let known: Vec<&str> = found.clusters().iter().map(|it| it.0).collect();
        Error::usage(format!(
            "fleet {} has no cluster {name}: there are {}",
            found.id,
            output::cut(&known.join(", "), 400)
        ))
    })
}

fn of(found: &Found, job: &Job) -> Ref {
    reference(&found.namespace, &job.work.job)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests;
