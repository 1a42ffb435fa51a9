//! How far a plan has come: a fold over its journal.

use std::collections::{BTreeMap, BTreeSet};

use istio_planner::outcome::Ref;

use super::{Event, Measure, Reading, Record, Verdict};

/// What gates said of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged<'a> {
    /// The step.
    pub step: &'a str,
    /// When, in RFC 3339.
    pub at: &'a str,
    /// The heaviest of all.
    pub verdict: Verdict,
    /// What each said.
    pub readings: &'a [Reading],
}

/// How far a plan has come.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a record that was or was not seen"
)]
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress<'a> {
    /// Steps that have begun.
    pub begun: BTreeSet<&'a str>,
    /// Steps that have ended.
    pub ended: BTreeSet<&'a str>,
    /// The first record of every action that began, by step and number.
    pub actions_begun: BTreeMap<(&'a str, usize), &'a Record>,
    /// The last record of every action that ended or was left out, by step and number.
    pub actions_ended: BTreeMap<(&'a str, usize), &'a Record>,
    /// When each step ended, in RFC 3339.
    pub ended_at: BTreeMap<&'a str, &'a str>,
    /// Locks that were taken away, by step.
    pub locks_taken: BTreeSet<&'a str>,
    /// Objects of waits that were given up, with the reason.
    pub given_up: Vec<(&'a str, &'a Ref, &'a str)>,
    /// Pods of workloads are restarted too.
    pub restarts: bool,
    /// The plan that was given up for this one.
    pub instead_of: Option<&'a str>,
    /// Actions whose objects are put back.
    pub restored: BTreeSet<(&'a str, usize)>,
    /// A rollback has begun: nothing goes forward any more.
    pub rolling_back: bool,
    /// A rollback has ended.
    pub rolled_back: bool,
    /// Everything in scope was done.
    pub finished: bool,
    /// Somebody gave it up.
    pub given_up_by: Option<&'a str>,
    /// The first run: who, when.
    pub began: Option<(&'a str, &'a str)>,
    /// The cluster, as a person knows it.
    pub cluster: Option<&'a str>,
    /// The digest of the request.
    pub request: Option<&'a str>,
    /// When the last thing happened.
    pub last_at: Option<&'a str>,
    /// Why the last run stopped.
    pub failure: Option<&'a str>,
    /// What waves are judged by, and when it was measured, in RFC 3339.
    pub baseline: Option<(&'a str, &'a [Measure])>,
    /// What gates said last.
    pub judged: Option<Judged<'a>>,
    /// When the last run began, in RFC 3339.
    pub run_began_at: Option<&'a str>,
    /// When each step began for the first time, in RFC 3339.
    pub begun_at: BTreeMap<&'a str, &'a str>,
}

impl Progress<'_> {
    /// Whether something was begun that is neither done, nor put back, nor given up.
    pub fn is_open(&self) -> bool {
        !self.begun.is_empty() && !self.finished && !self.rolled_back && self.given_up_by.is_none()
    }

    /// What gates said that the last run stopped for.
    pub fn held(&self) -> Option<&Judged<'_>> {
        let judged = self.judged.as_ref()?;
        (self.failure.is_some() && !judged.verdict.is_good()).then_some(judged)
    }
}

/// Folds a journal.
pub fn progress(records: &[Record]) -> Progress<'_> {
    let mut progress = Progress::default();
    for record in records {
        progress.last_at = Some(&record.at);
        match &record.event {
            Event::RunBegan {
                by,
                restarts,
                instead_of,
                cluster,
                request,
                ..
            } => {
                progress.began.get_or_insert((by, &record.at));
                progress.cluster = progress.cluster.or(cluster.as_deref());
                progress.request = progress.request.or(request.as_deref());
                progress.failure = None;
                progress.judged = None;
                progress.run_began_at = Some(&record.at);
                progress.restarts |= restarts;
                if let Some(plan) = instead_of {
                    progress.instead_of = Some(plan);
                }
            }
            Event::StepBegan { step } => {
                progress.begun.insert(step);
                progress.begun_at.entry(step).or_insert(&record.at);
            }
            Event::BaselineTaken { measures } => {
                progress.baseline = Some((&record.at, measures));
            }
            Event::Judged {
                step,
                verdict,
                readings,
            } => {
                progress.judged = Some(Judged {
                    step,
                    at: &record.at,
                    verdict: *verdict,
                    readings,
                });
            }
            // The first attempt saw the object as it was before the plan.
            Event::ActionBegan { step, action, .. } => {
                progress
                    .actions_begun
                    .entry((step, *action))
                    .or_insert(record);
            }
            Event::ActionEnded { step, action, .. } | Event::ActionSkipped { step, action, .. } => {
                progress.actions_ended.insert((step, *action), record);
            }
            Event::LockTaken { step, .. } => {
                progress.locks_taken.insert(step);
            }
            Event::StepEnded { step } => {
                progress.ended.insert(step);
                progress.ended_at.insert(step, &record.at);
            }
            Event::Failed { reason, .. } => progress.failure = Some(reason),
            Event::Finished => progress.finished = true,
            Event::GivenUp { by } => progress.given_up_by = Some(by),
            Event::RollbackBegan => progress.rolling_back = true,
            Event::Restored { step, action } => {
                progress.restored.insert((step, *action));
            }
            Event::RolledBack => progress.rolled_back = true,
            Event::WaitGivenUp {
                step,
                object,
                reason,
            } => progress.given_up.push((step, object, reason)),
            Event::Held { .. } | Event::NotRestored { .. } => {}
        }
    }
    progress
}
