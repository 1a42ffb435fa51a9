//! The Jobs of a fleet, as the management cluster has them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::jobs::{AGAIN, BACK, FLEET, PART, RELEASE, WAVE};
use super::state::Work;
use crate::cluster::{Cluster, Selection};
use crate::error::Error;

/// The Jobs of one fleet.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The fleet's id.
    pub id: String,
    /// Their namespace.
    pub namespace: String,
    /// The one that releases.
    pub release: Option<Value>,
    /// Those of waves, in their order, and those of clusters that were tried again or rolled back, oldest first.
    pub jobs: Vec<Job>,
}

/// A Job of clusters.
#[derive(Debug, Clone)]
pub struct Job {
    /// What it is.
    pub part: Part,
    /// As the API server has it.
    pub object: Value,
    /// What it says.
    pub work: Work,
}

/// What a Job does to its clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Its wave.
    Wave,
    /// Once more what a wave did not do.
    Again,
    /// The way back.
    Back,
}

impl Found {
    /// Finds the fleet that is named, or the only one that is there.
    pub async fn find(cluster: &Cluster, namespace: &str, id: Option<&str>) -> Result<Self, Error> {
        let kind = cluster.kind("batch/v1", "Job").await?;
        let selection = Selection {
            namespace: Some(namespace),
            labels: Some(FLEET),
            metadata_only: false,
        };
        let mut fleets: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for job in cluster.list_all(&kind, &selection).await? {
            let of = job["metadata"]["labels"][FLEET].as_str();
            fleets
                .entry(of.unwrap_or_default().to_owned())
                .or_default()
                .push(job);
        }
        let names: Vec<String> = fleets.keys().cloned().collect();
        let id = match (id, names.as_slice()) {
            (Some(id), _) => id.to_owned(),
            (None, [one]) => one.clone(),
            (None, []) => {
                return Err(Error::usage(format!(
                    "there is no fleet in {namespace}\nhint: refit fleet job PLANS … | kubectl apply -f -"
                )));
            }
            (None, _) => {
                return Err(Error::usage(format!(
                    "there are several fleets in {namespace}\nhint: --fleet with one of {}",
                    names.join(", ")
                )));
            }
        };
        let Some(jobs) = fleets.remove(&id) else {
            return Err(Error::usage(format!(
                "there is no fleet {id} in {namespace}"
            )));
        };
        Ok(Self::of(&id, namespace, jobs))
    }

    /// Sorts the Jobs of a fleet.
    pub fn of(id: &str, namespace: &str, objects: Vec<Value>) -> Self {
        let mut found = Self {
            id: id.to_owned(),
            namespace: namespace.to_owned(),
            ..Self::default()
        };
        for object in objects {
            let part = match object["metadata"]["labels"][PART].as_str() {
                Some(RELEASE) => {
                    found.release = Some(object);
                    continue;
                }
                Some(WAVE) => Part::Wave,
                Some(AGAIN) => Part::Again,
                Some(BACK) => Part::Back,
                _ => continue,
            };
            let work = Work::of(&object);
            found.jobs.push(Job { part, object, work });
        }
        // Waves come before all others: only they are made together.
        found.jobs.sort_by_key(|it| {
            let made = it.object["metadata"]["creationTimestamp"].as_str();
            let is_other = it.part != Part::Wave;
            let made = made.filter(|_| is_other).unwrap_or_default().to_owned();
            (is_other, it.work.wave, made, it.work.job.clone())
        });
        found
    }

    /// The Jobs of waves.
    pub fn waves(&self) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(|it| it.part == Part::Wave)
    }

    /// The wave of each cluster, in the fleet's order.
    pub fn clusters(&self) -> Vec<(&str, usize)> {
        let of = |it: &Job| it.work.wave;
        self.waves()
            .flat_map(|it| {
                it.work
                    .clusters
                    .iter()
                    .map(move |name| (name.as_str(), of(it)))
            })
            .collect()
    }

    /// The last Job that has a cluster, and its index there.
    pub fn last(&self, cluster: &str) -> Option<(&Job, usize)> {
        self.jobs.iter().rev().find_map(|it| {
            let index = it.work.clusters.iter().position(|name| name == cluster)?;
            Some((it, index))
        })
    }

    /// Clusters of a wave that it did not do, and that a later Job has done.
    pub fn settled(&self, wave: &Work) -> BTreeSet<String> {
        let later: BTreeSet<&str> = self
            .jobs
            .iter()
            .filter(|it| it.part == Part::Again)
            .flat_map(|it| {
                let done = it.work.done.iter();
                done.filter_map(|at| it.work.clusters.get(*at).map(String::as_str))
            })
            .collect();
        let missing = wave.missing();
        let settled = missing.into_iter().filter(|it| later.contains(it));
        settled
            .map(str::to_owned)
            .chain(wave.settled.iter().cloned())
            .collect()
    }

    /// The value of a flag of the Job that releases.
    pub fn flag(&self, name: &str) -> Option<&str> {
        let job = self.release.as_ref()?;
        let args = job["spec"]["template"]["spec"]["containers"][0]["args"].as_array()?;
        let at = args.iter().position(|it| it == name)?;
        args.get(at + 1)?.as_str()
    }

    /// The number of the next Job of a part that is not of waves.
    pub fn number(&self, part: &str) -> usize {
        let prefix = super::jobs::name(&self.id, &format!("{part}-"));
        let numbers = self.jobs.iter().filter_map(|it| {
            let number = it.work.job.strip_prefix(&prefix)?;
            number.parse::<usize>().ok()
        });
        numbers.max().unwrap_or_default() + 1
    }
}
