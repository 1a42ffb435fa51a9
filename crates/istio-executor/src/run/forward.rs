//! Carries out a plan: compares, writes down, acts once, writes down, waits. It decides nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use istio_planner::digest::relevant;
use istio_planner::outcome::Ref;
use istio_planner::plan::{Action, Plan, Step};
use serde_json::Value;
use tokio::time::Instant;

use super::Work;
use crate::clock;
use crate::cluster;
use crate::drift::Drift;
use crate::journal::{self, Event, Next, Position, Record, Scope, Verdict, next, progress};
use crate::restart::{self, Renewal};
use crate::{apply, fields, wait};

mod gates;
mod pace;
mod settling;
mod waits;

/// Why a plan was not carried out to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cluster is no longer as planned; nothing was written since this was seen.
    #[error("{}", list(_0))]
    Drift(Vec<Drift>),
    /// An action failed.
    #[error("step {step}")]
    Action {
        /// The step.
        step: String,
        /// The cause.
        source: Box<apply::Error>,
    },
    /// A wait failed.
    #[error("step {step}")]
    Wait {
        /// The step.
        step: String,
        /// The cause.
        source: Box<wait::Error>,
    },
    /// The overall time is over.
    #[error("step {step} did not begin: the time for all steps is over")]
    Late {
        /// The step.
        step: String,
    },
    /// The lease is another's.
    #[error("the lease was lost: another refit may be at work")]
    LeaseLost,
    /// The user stopped it.
    #[error("interrupted")]
    Interrupted,
    /// The plan is being put back.
    #[error("this plan is being put back: go on with `refit rollback`")]
    RollingBack,
    /// The plan was put back.
    #[error("this plan was put back: plan again")]
    RolledBack,
    /// The plan was given up.
    #[error("this plan was given up: plan again, or roll it back with `refit rollback`")]
    GivenUp,
    /// Gates do not hold.
    #[error("{words}")]
    Gates {
        /// Whether they fail, or say nothing.
        verdict: Verdict,
        /// Which, and why.
        words: String,
    },
    /// No restart may ever begin.
    #[error("{0}")]
    Frozen(String),
    /// The journal's copy in the cluster was refused, so nothing was written.
    #[error(
        "the journal's copy in the cluster was refused, so nothing was written (--journal local goes on without one)"
    )]
    Copy(#[source] cluster::Error),
    /// The cluster.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] journal::Error),
}

impl Error {
    /// Whether a step failed after something was written, so that putting it back is what `--rollback-on-failure` means.
    pub fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::Action { .. } | Self::Wait { .. } | Self::Late { .. } | Self::Drift(_)
        )
    }
}

fn list(drifts: &[Drift]) -> String {
    let lines: Vec<String> = drifts.iter().map(ToString::to_string).collect();
    format!(
        "the cluster is not as planned; nothing more was written\n{}",
        lines.join("\n")
    )
}

/// How long things may take, and what is left out.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Which steps.
    pub scope: Scope,
    /// How long the waits of one step may take.
    pub readiness: Duration,
    /// When everything has to be over.
    pub overall: Option<Instant>,
}

/// Carrying out a plan.
pub(crate) struct Execution<'w, 'a> {
    /// The plan, and what has been done of it.
    pub(crate) work: &'w mut Work<'a>,
    /// The plan that was given up for this one.
    pub(crate) instead_of: Option<String>,
    /// How long.
    pub(crate) limits: Limits,
}

/// One run: what is only known while it lasts.
struct Run<'r, 'w, 'a> {
    execution: &'r mut Execution<'w, 'a>,
    /// When everything has to be done.
    overall: Option<Instant>,
    /// Where it stands.
    position: Position<'a>,
    /// Actions that began in this run: of all others it is not known whether they were done.
    fresh: BTreeSet<(String, usize)>,
}

impl Execution<'_, '_> {
    /// Carries out what is left of the plan.
    pub(crate) async fn run(&mut self) -> Result<(), Error> {
        let state = progress(self.work.journal.records());
        if state.rolled_back {
            return Err(Error::RolledBack);
        }
        if state.rolling_back {
            return Err(Error::RollingBack);
        }
        if state.given_up_by.is_some() {
            return Err(Error::GivenUp);
        }
        if state.begun.is_empty() {
            self.check_all().await?;
        }
        let instead_of = self.instead_of.take();
        self.record(Event::RunBegan {
            by: self.work.session.lease.holder(),
            cluster: self.work.writer().name().map(str::to_owned),
            cluster_id: self.work.session.cluster_id.clone(),
            request: self.work.session.options.request.clone(),
            restarts: self.limits.scope == Scope::All,
            instead_of,
        })?;
        self.work.store_copy().await.map_err(Error::Copy)?;
        let overall = self.limits.overall;
        let interruption = self.work.session.interruption;
        let mut position = Position::new(self.work.plan, self.limits.scope);
        position.take(self.work.journal.records());
        let mut run = Run {
            execution: self,
            overall,
            position,
            fresh: BTreeSet::new(),
        };
        let result = tokio::select! {
            biased;
            result = run.steps() => result,
            () = interruption.demanded() => Err(Error::Interrupted),
        };
        let result = match result {
            Err(_) if self.work.session.lease.is_lost() => Err(Error::LeaseLost),
            result => result,
        };
        if let Err(error) = &result {
            self.work.session.grace();
            let step = current_step(
                self.work.plan,
                self.work.journal.records(),
                self.limits.scope,
            );
            let reason = crate::output::chain(error);
            // What stopped the run is to be told, not that it could not be written down.
            if let Err(second) = self.record(Event::Failed { step, reason }) {
                self.work
                    .narrator
                    .line(&format!("! {}", crate::output::chain(&second)));
            } else {
                self.work.try_store_copy().await;
            }
        }
        self.work.narrator.end();
        result
    }

    /// Compares every object before anything is written, so that a plan is refused as a whole.
    async fn check_all(&self) -> Result<(), Error> {
        let mut seen = BTreeSet::new();
        let mut drifts = Vec::new();
        for action in self.work.plan.steps.iter().flat_map(|it| &it.actions) {
            let object = apply::object(action);
            if matches!(action, Action::Restart { .. }) || seen.contains(&object) {
                continue;
            }
            let live = self.work.writer().get(&object).await?;
            drifts.extend(apply::check(action, live.as_ref()).err());
            seen.insert(object);
        }
        if drifts.is_empty() {
            Ok(())
        } else {
            Err(Error::Drift(drifts))
        }
    }

    fn record(&mut self, event: Event) -> Result<(), Error> {
        Ok(self.work.record(event)?)
    }
}

impl Run<'_, '_, '_> {
    async fn steps(&mut self) -> Result<(), Error> {
        self.measure().await?;
        loop {
            if self.execution.work.session.interruption.is_asked() {
                return Err(Error::Interrupted);
            }
            match self.position.next(self.execution.work.journal.records()) {
                Next::Done => {
                    if !self.position.is_finished() {
                        self.record(Event::Finished)?;
                        self.execution.work.try_store_copy().await;
                    }
                    return Ok(());
                }
                Next::Begin(step) => {
                    self.hold(step).await?;
                    self.record(Event::StepBegan {
                        step: step.id.clone(),
                    })?;
                    self.prepare(step).await?;
                }
                Next::Act {
                    step, begun: None, ..
                } => self.prepare(step).await?,
                Next::Act {
                    step,
                    action,
                    begun: Some(begun),
                } => self.act(step, action, &begun).await?,
                Next::Wait(step) => {
                    self.wait(step).await?;
                    self.watch(step).await?;
                    self.record(Event::StepEnded {
                        step: step.id.clone(),
                    })?;
                    self.execution.work.try_store_copy().await;
                }
            }
        }
    }

    /// Waits until a step may begin.
    async fn hold(&mut self, step: &Step) -> Result<(), Error> {
        let mut told = None;
        loop {
            if self.overall.is_some_and(|it| Instant::now() >= it) {
                return Err(Error::Late {
                    step: step.id.clone(),
                });
            }
            let before = self.position.last_ended();
            let held = pace::hold(self.execution.work.plan, step, before, clock::now())
                .map_err(Error::Frozen)?;
            let Some(held) = held else { return Ok(()) };
            let reason = format!("{}, until {}", held.reason, held.until);
            if told.as_ref() != Some(&reason) {
                self.record(Event::Held {
                    step: step.id.clone(),
                    reason: reason.clone(),
                })?;
                told = Some(reason);
            }
            let left = held.until.duration_since(clock::now());
            let left = Duration::try_from(left).unwrap_or_default();
            let until = Instant::now() + left;
            let interruption = self.execution.work.session.interruption;
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(self.overall.map_or(until, |it| it.min(until))) => {}
                () = interruption.asked() => return Err(Error::Interrupted),
            }
        }
    }

    /// Writes down what all objects of a step are before the first of them is written, here and in the cluster: whoever
    /// comes after can tell what was done, and put it back.
    async fn prepare(&mut self, step: &Step) -> Result<(), Error> {
        let cluster = self.execution.work.writer();
        for (number, action) in step.actions.iter().enumerate() {
            if self.position.has_begun(step, number) {
                continue;
            }
            let object = apply::object(action);
            let (mut mark, mut pods) = (None, Vec::new());
            let (former, omitted) = match action {
                // A restart is not put back.
                Action::Restart { how, .. } => {
                    mark = Some(clock::now().to_string());
                    pods = restart::to_renew(cluster, &object, *how).await?;
                    (None, true)
                }
                Action::Ensure { .. }
                | Action::Apply { .. }
                | Action::Replace { .. }
                | Action::Patch { .. }
                | Action::Delete { .. } => keepable(cluster.get(&object).await?),
            };
            self.record(Event::ActionBegan {
                step: step.id.clone(),
                action: number,
                object,
                former,
                omitted,
                mark,
                pods,
            })?;
            self.fresh.insert((step.id.clone(), number));
        }
        self.execution
            .work
            .store_copy()
            .await
            .map_err(Error::Copy)?;
        Ok(())
    }

    /// Does one action: reads, compares, writes, records.
    async fn act(&mut self, step: &Step, number: usize, begun: &Record) -> Result<(), Error> {
        let action = &step.actions[number];
        let failed = |source| Error::Action {
            step: step.id.clone(),
            source: Box::new(source),
        };
        let Event::ActionBegan {
            object,
            former,
            mark,
            pods,
            ..
        } = &begun.event
        else {
            return Ok(());
        };
        let cluster = self.execution.work.writer();
        let live = cluster.get(object).await?;
        let again = !self.fresh.contains(&(step.id.clone(), number));
        if again
            && apply::is_done(cluster, action, former.as_ref(), live.as_ref())
                .await
                .map_err(failed)?
        {
            let done = apply::Done {
                digest: live.as_ref().map(|it| relevant(it, None)),
                changed: true,
                stored: live,
            };
            return self.ended(step, number, former.as_ref(), done);
        }
        let half_done = again && is_half_done(action, former.as_ref(), live.as_ref());
        if !half_done && !self.is_our_own(step, number, object, live.as_ref()) {
            apply::check(action, live.as_ref()).map_err(|it| Error::Drift(vec![it]))?;
        }
        let name = cluster::name(object);
        let narrator = &self.execution.work.narrator;
        let report = |reason: &str| narrator.waiting(&name, reason);
        let at_once = match action {
            Action::Restart { at_once, .. } => at_once.unwrap_or(1),
            _ => 1,
        };
        let renewal = Renewal {
            mark: mark.as_deref().unwrap_or_default(),
            pods,
            patience: self.execution.limits.readiness,
            deadline: self.overall,
            at_once: usize::try_from(at_once).unwrap_or(1),
            report: &report,
        };
        let work = apply::perform(cluster, action, live.as_ref(), &renewal);
        let done = if matches!(action, Action::Restart { .. }) {
            // It may take long, and stopping between two pods leaves nothing half-written.
            let interruption = self.execution.work.session.interruption;
            tokio::select! {
                biased;
                done = work => done,
                () = interruption.asked() => return Err(Error::Interrupted),
            }
        } else {
            work.await
        };
        match done {
            Ok(done) => self.ended(step, number, former.as_ref(), done),
            Err(apply::Error::Drift(drift)) => Err(Error::Drift(vec![drift])),
            // One workload that cannot be restarted must not keep all others from it.
            Err(apply::Error::Restart(
                error @ (restart::Error::Gone { .. } | restart::Error::Paused { .. }),
            )) => self.record(Event::ActionSkipped {
                step: step.id.clone(),
                action: number,
                reason: error.to_string(),
            }),
            Err(error) => Err(failed(error)),
        }
    }

    fn ended(
        &mut self,
        step: &Step,
        action: usize,
        former: Option<&Value>,
        done: apply::Done,
    ) -> Result<(), Error> {
        // Of a Secret there is no former, and so nothing is told of what is stored either.
        let stored = former.zip(done.stored).map(|(former, stored)| {
            fields::patch(&without_status(former), &without_status(&stored))
        });
        self.record(Event::ActionEnded {
            step: step.id.clone(),
            action,
            digest: done.digest,
            changed: done.changed,
            stored,
        })
    }

    /// Whether the object is as an earlier action of this plan left it: the plan's expectation is older than that.
    fn is_our_own(&self, step: &Step, number: usize, object: &Ref, live: Option<&Value>) -> bool {
        let live = live.map(|it| relevant(it, None));
        let records = self.execution.work.journal.records();
        self.position
            .before(step, number, object, records)
            .any(|it| matches!(&it.event, Event::ActionEnded { digest, .. } if *digest == live))
    }

    fn deadline(&self, most: Duration) -> Instant {
        let deadline = Instant::now() + most;
        self.overall.map_or(deadline, |it| deadline.min(it))
    }

    fn record(&mut self, event: Event) -> Result<(), Error> {
        self.execution.record(event)?;
        self.position.take(self.execution.work.journal.records());
        Ok(())
    }
}

/// Whether a replacement was stopped between its deletion and its making.
fn is_half_done(action: &Action, former: Option<&Value>, live: Option<&Value>) -> bool {
    let going = |live: &Value| {
        cluster::is_going(live)
            && former.is_some_and(|it| it["metadata"]["uid"] == live["metadata"]["uid"])
    };
    match action {
        Action::Replace { .. } => live.is_none_or(going),
        Action::Delete { .. } => live.is_some_and(going),
        Action::Ensure { .. }
        | Action::Apply { .. }
        | Action::Patch { .. }
        | Action::Restart { .. } => false,
    }
}

/// An object without what controllers report of it.
fn without_status(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
    }
    object
}

/// What of a former object may be written down: Secrets' data stay in the cluster.
fn keepable(former: Option<Value>) -> (Option<Value>, bool) {
    match former {
        Some(former) if former["kind"] == "Secret" => (None, true),
        former => (former, false),
    }
}

fn current_step(plan: &Plan, records: &[Record], scope: Scope) -> String {
    match next(plan, records, scope) {
        Next::Begin(step) | Next::Act { step, .. } | Next::Wait(step) => step.id.clone(),
        Next::Done => String::new(),
    }
}
