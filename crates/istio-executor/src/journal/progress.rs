//! How far a plan has come: a fold over its journal.

use std::collections::{BTreeMap, BTreeSet};

use istio_planner::plan::{Action, Plan, Step};

use super::{Event, Record};

/// Which steps are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    All,
    /// All but those that only renew pods.
    WithoutRestarts,
}

impl Scope {
    fn contains(self, step: &Step) -> bool {
        match self {
            Self::All => true,
            Self::WithoutRestarts => {
                step.actions.is_empty()
                    || !step
                        .actions
                        .iter()
                        .all(|it| matches!(it, Action::Restart { .. }))
            }
        }
    }
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next<'a> {
    /// Write this down as begun: a step.
    Begin(&'a Step),
    /// An action of a step. If `begun` holds its record, it may have been done already.
    Act {
        /// The step.
        step: &'a Step,
        /// From 0, in the step.
        action: usize,
        /// The record of an earlier attempt.
        begun: Option<Box<Record>>,
    },
    /// All actions of a step are done: its waits are next.
    Wait(&'a Step),
    /// Nothing is left.
    Done,
}

/// How far a plan has come.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress<'a> {
    /// Steps that have begun.
    pub begun: BTreeSet<&'a str>,
    /// Steps that have ended.
    pub ended: BTreeSet<&'a str>,
    /// The first record of every action that began, by step and number.
    pub actions_begun: BTreeMap<(&'a str, usize), &'a Record>,
    /// The last record of every action that ended, by step and number.
    pub actions_ended: BTreeMap<(&'a str, usize), &'a Record>,
    /// Actions whose objects are put back.
    pub restored: BTreeSet<(&'a str, usize)>,
    /// A rollback has begun: nothing goes forward any more.
    pub rolling_back: bool,
    /// A rollback has ended.
    pub rolled_back: bool,
    /// Everything in scope was done.
    pub finished: bool,
    /// Why the last run stopped.
    pub failure: Option<&'a str>,
}

/// Folds a journal.
pub fn progress(records: &[Record]) -> Progress<'_> {
    let mut progress = Progress::default();
    for record in records {
        match &record.event {
            Event::RunBegan { .. } => progress.failure = None,
            Event::StepBegan { step } => {
                progress.begun.insert(step);
            }
            // The first attempt saw the object as it was before the plan.
            Event::ActionBegan { step, action, .. } => {
                progress
                    .actions_begun
                    .entry((step, *action))
                    .or_insert(record);
            }
            Event::ActionEnded { step, action, .. } => {
                progress.actions_ended.insert((step, *action), record);
            }
            Event::StepEnded { step } => {
                progress.ended.insert(step);
            }
            Event::Failed { reason, .. } => progress.failure = Some(reason),
            Event::Finished => progress.finished = true,
            Event::RollbackBegan => progress.rolling_back = true,
            Event::Restored { step, action } => {
                progress.restored.insert((step, *action));
            }
            Event::RolledBack => progress.rolled_back = true,
            Event::WaitGivenUp { .. } => {}
        }
    }
    progress
}

/// Returns what is to be done next: a pure function of the plan and its journal.
pub fn next<'a>(plan: &'a Plan, records: &[Record], scope: Scope) -> Next<'a> {
    let progress = progress(records);
    for step in plan.steps.iter().filter(|it| scope.contains(it)) {
        if progress.ended.contains(step.id.as_str()) {
            continue;
        }
        if !progress.begun.contains(step.id.as_str()) {
            return Next::Begin(step);
        }
        let open = (0..step.actions.len()).find(|it| {
            !progress
                .actions_ended
                .contains_key(&(step.id.as_str(), *it))
        });
        return match open {
            Some(action) => {
                let begun = progress.actions_begun.get(&(step.id.as_str(), action));
                Next::Act {
                    step,
                    action,
                    begun: begun.map(|it| Box::new((*it).clone())),
                }
            }
            None => Next::Wait(step),
        };
    }
    Next::Done
}
