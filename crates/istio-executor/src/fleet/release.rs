//! Releases the waves of a fleet, one when the one before it is done and soaked, and none after too many failures.
//!
//! It keeps nothing: one that is started in the place of another reads the Jobs and goes on.

use std::time::Duration;

use istio_planner::outcome::Ref;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::jobs::{self, RELEASE, RELEASED, STOPPED};
use super::state::{Next, Work, clusters, next};
use crate::cluster::{Changes, Cluster, JobWriter};
use crate::error::Error;
use crate::interruption::Interruption;
use crate::{clock, output};

/// Whose waves are released, and how.
#[derive(Debug, Clone)]
pub struct Order {
    /// The fleet's id.
    pub id: String,
    /// The namespace of its Jobs.
    pub namespace: String,
    /// How many waves there are.
    pub waves: usize,
    /// How long a wave is watched before the next.
    pub soak: Duration,
    /// How many clusters may fail.
    pub may_fail: usize,
}

/// Releases wave after wave, until all are done.
///
/// # Errors
///
/// [`Error::Refused`] where too many clusters are not done, with the reason in an annotation of its own Job.
pub async fn release(
    cluster: &Cluster,
    order: &Order,
    interruption: &Interruption,
) -> Result<(), Error> {
    let writer = JobWriter::new(cluster);
    let names: Vec<Ref> = (1..=order.waves)
        .map(|it| reference(&order.namespace, &jobs::wave_name(&order.id, it)))
        .collect();
    let mut changes = Changes::default();
    for it in &names {
        changes.object(cluster, it).await?;
    }
    let mut told = None;
    loop {
        let mut waves = Vec::new();
        for it in &names {
            let job = cluster.get(it).await?;
            let job = job.ok_or_else(|| {
                Error::refused(format!("Job {}/{} is gone", order.namespace, it.name))
            })?;
            waves.push(Work::of(&job));
        }
        let next = next(&waves, order.may_fail, order.soak, clock::now());
        if told.as_ref() != Some(&next) {
            output::note(&words(&next, &waves));
        }
        let until = match &next {
            Next::Release(at, may_fail) => {
                let wave = &waves[*at];
                let patch = released(*may_fail.min(&wave.clusters.len()));
                writer.patch(&names[*at], &patch).await?;
                continue;
            }
            Next::Stop(why) => {
                let own = reference(&order.namespace, &jobs::name(&order.id, RELEASE));
                let patch = json!({ "metadata": { "annotations": { (STOPPED): why } } });
                writer.patch(&own, &patch).await?;
                return Err(Error::refused(why));
            }
            Next::Done => return Ok(()),
            Next::Wait(_) => None,
            Next::Soak(_, until) => Some(*until),
        };
        told = Some(next);
        let deadline = deadline(until);
        tokio::select! {
            biased;
            () = interruption.asked() => return Err(Error::Interrupted(anyhow::anyhow!(
                "stopped; what is released goes on, and whoever releases next goes on from the Jobs"
            ))),
            () = changes.next(deadline) => {}
        }
    }
}

/// What lets a wave go.
fn released(may_fail: usize) -> Value {
    json!({
        "metadata": { "annotations": { (RELEASED): clock::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string() } },
        "spec": { "suspend": false, "maxFailedIndexes": may_fail },
    })
}

/// The reference of a Job.
pub fn reference(namespace: &str, name: &str) -> Ref {
    Ref {
        api_version: "batch/v1".to_owned(),
        kind: "Job".to_owned(),
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
    }
}

/// When the clock has it; far away where nothing is to be waited for but a change.
fn deadline(until: Option<Timestamp>) -> Instant {
    const FAR: Duration = Duration::from_hours(1);
    let left = until.map(|it| Duration::try_from(it.duration_since(clock::now())));
    let left = left.map_or(FAR, |it| it.unwrap_or_default().min(FAR));
    Instant::now() + left
}

fn words(next: &Next, waves: &[Work]) -> String {
    let wave = |at: &usize| {
        let it = &waves[*at];
        format!(
            "wave {} of {} ({})",
            it.wave,
            waves.len(),
            clusters(it.clusters.len())
        )
    };
    match next {
        Next::Release(at, _) => format!("{} is released", wave(at)),
        Next::Wait(at) => format!("{} is at work", wave(at)),
        Next::Soak(at, until) => {
            let until = until.strftime("%Y-%m-%dT%H:%M:%SZ");
            format!("{} is done, the next is released at {until}", wave(at))
        }
        Next::Stop(why) => why.clone(),
        Next::Done => format!("all waves are done: {}", waves.len()),
    }
}
