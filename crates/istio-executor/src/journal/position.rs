//! Where a run stands in its plan: fed record by record, so that what comes next costs the same however many there were.

use std::collections::BTreeMap;

use istio_planner::outcome::Ref;
use istio_planner::plan::{Plan, Step};
use k8s_openapi::jiff::Timestamp;

use super::{Event, Record};
use crate::apply;

/// Which steps are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    All,
    /// All but those that only restart pods.
    WithoutRestarts,
}

impl Scope {
    fn contains(self, step: &Step) -> bool {
        match self {
            Self::All => true,
            Self::WithoutRestarts => !step.is_restart(),
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

/// What the records say of an action, by their places.
#[derive(Debug, Clone, Copy, Default)]
struct Acted {
    /// The first that it began: that attempt saw the object as it was before the plan.
    began: Option<usize>,
    /// The last that it ended.
    ended: Option<usize>,
    skipped: bool,
}

/// What the records say of a step.
#[derive(Debug, Clone)]
struct Stepped<'a> {
    step: &'a Step,
    begun: bool,
    ended: bool,
    actions: Vec<Acted>,
    /// All actions before this one have ended.
    open: usize,
}

/// Where a run stands in its plan.
#[derive(Debug, Clone)]
pub struct Position<'a> {
    scope: Scope,
    steps: Vec<Stepped<'a>>,
    /// Places of steps, by id.
    ids: BTreeMap<&'a str, usize>,
    /// Actions on each object, in the plan's order.
    objects: BTreeMap<Ref, Vec<(usize, usize)>>,
    /// All steps in scope before this one have ended.
    open: usize,
    /// Records that were taken in.
    taken: usize,
    finished: bool,
    last_ended: Option<Timestamp>,
}

impl<'a> Position<'a> {
    /// Stands at the beginning of a plan.
    pub fn new(plan: &'a Plan, scope: Scope) -> Self {
        let mut objects: BTreeMap<Ref, Vec<(usize, usize)>> = BTreeMap::new();
        for (place, step) in plan.steps.iter().enumerate() {
            for (number, action) in step.actions.iter().enumerate() {
                let key = apply::object(action);
                objects.entry(key).or_default().push((place, number));
            }
        }
        let stepped = |step: &'a Step| Stepped {
            step,
            begun: false,
            ended: false,
            actions: vec![Acted::default(); step.actions.len()],
            open: 0,
        };
        Self {
            scope,
            steps: plan.steps.iter().map(stepped).collect(),
            ids: plan
                .steps
                .iter()
                .map(|it| it.id.as_str())
                .zip(0..)
                .collect(),
            objects,
            open: 0,
            taken: 0,
            finished: false,
            last_ended: None,
        }
    }

    /// Takes in what a journal, which is only ever appended to, holds beyond what was taken in before.
    pub fn take(&mut self, records: &[Record]) {
        for (place, record) in records.iter().enumerate().skip(self.taken) {
            self.take_one(place, record);
        }
        self.taken = records.len();
    }

    fn take_one(&mut self, place: usize, record: &Record) {
        match &record.event {
            Event::StepBegan { step } => {
                if let Some(it) = self.step(step) {
                    it.begun = true;
                }
            }
            Event::ActionBegan { step, action, .. } => {
                if let Some(it) = self.action(step, *action) {
                    it.began.get_or_insert(place);
                }
            }
            Event::ActionEnded { step, action, .. } => {
                if let Some(it) = self.action(step, *action) {
                    it.ended = Some(place);
                }
            }
            Event::ActionSkipped { step, action, .. } => {
                if let Some(it) = self.action(step, *action) {
                    (it.ended, it.skipped) = (Some(place), true);
                }
            }
            Event::StepEnded { step } => {
                if let Some(it) = self.step(step) {
                    it.ended = true;
                }
                self.last_ended = self.last_ended.max(record.at.parse().ok());
            }
            Event::Finished => self.finished = true,
            Event::RunBegan { .. }
            | Event::WaitGivenUp { .. }
            | Event::LockTaken { .. }
            | Event::Held { .. }
            | Event::BaselineTaken { .. }
            | Event::Judged { .. }
            | Event::Failed { .. }
            | Event::GivenUp { .. }
            | Event::RollbackBegan
            | Event::Restored { .. }
            | Event::NotRestored { .. }
            | Event::RolledBack => {}
        }
    }

    fn step(&mut self, id: &str) -> Option<&mut Stepped<'a>> {
        let place = *self.ids.get(id)?;
        self.steps.get_mut(place)
    }

    fn action(&mut self, step: &str, number: usize) -> Option<&mut Acted> {
        self.step(step)?.actions.get_mut(number)
    }

    /// Returns what is to be done next. `records` are those that were taken in.
    pub fn next(&mut self, records: &[Record]) -> Next<'a> {
        while let Some(it) = self.steps.get_mut(self.open) {
            if it.ended || !self.scope.contains(it.step) {
                self.open += 1;
                continue;
            }
            let step = it.step;
            if !it.begun {
                return Next::Begin(step);
            }
            while it.actions.get(it.open).is_some_and(|it| it.ended.is_some()) {
                it.open += 1;
            }
            let Some(acted) = it.actions.get(it.open) else {
                return Next::Wait(step);
            };
            let begun = acted.began.and_then(|it| records.get(it));
            return Next::Act {
                step,
                action: it.open,
                begun: begun.cloned().map(Box::new),
            };
        }
        Next::Done
    }

    /// Whether an action of a step was begun.
    pub fn has_begun(&self, step: &Step, number: usize) -> bool {
        let place = self.ids.get(step.id.as_str());
        place
            .and_then(|it| self.steps[*it].actions.get(number))
            .is_some_and(|it| it.began.is_some())
    }

    /// The records by which earlier actions on the same object ended, in the plan's order. `records` are those that were
    /// taken in.
    pub fn before<'r>(
        &self,
        step: &Step,
        number: usize,
        object: &Ref,
        records: &'r [Record],
    ) -> impl Iterator<Item = &'r Record> {
        let this = self.ids.get(step.id.as_str()).map(|it| (*it, number));
        let all = self.objects.get(object).into_iter().flatten();
        all.take_while(move |it| Some(**it) != this)
            .filter_map(|(step, number)| self.steps[*step].actions[*number].ended)
            .filter_map(|it| records.get(it))
    }

    /// Whether an action on an object was left out.
    pub fn is_skipped(&self, object: &Ref) -> bool {
        let all = self.objects.get(object).into_iter().flatten();
        all.copied()
            .any(|(step, number)| self.steps[step].actions[number].skipped)
    }

    /// Whether everything in scope was done before.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// When a step ended last.
    pub fn last_ended(&self) -> Option<Timestamp> {
        self.last_ended
    }
}

/// Returns what is to be done next: a pure function of the plan and its journal.
pub fn next<'a>(plan: &'a Plan, records: &[Record], scope: Scope) -> Next<'a> {
    let mut position = Position::new(plan, scope);
    position.take(records);
    position.next(records)
}
