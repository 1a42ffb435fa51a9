//! Carries out a plan: compares, writes down, acts once, writes down, waits. It decides nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use istio_planner::digest::relevant;
use istio_planner::outcome::Ref;
use istio_planner::plan::{Action, Plan, Step};
use k8s_openapi::jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use crate::cluster::{self, Cluster};
use crate::drift::Drift;
use crate::interruption::Interruption;
use crate::journal::copy::Copy;
use crate::journal::{self, Event, Journal, Next, Record, Scope, next, progress};
use crate::lease::Lease;
use crate::output::narrator::Narrator;
use crate::restart::{self, Renewal};
use crate::{apply, wait};

mod pace;
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
    #[error("stopped; the journal {journal} knows how far it came")]
    Interrupted {
        /// The journal's file.
        journal: String,
    },
    /// The plan is being put back.
    #[error("this plan is being put back: go on with `refit rollback`")]
    RollingBack,
    /// The plan was put back.
    #[error("this plan was put back: plan again")]
    RolledBack,
    /// No restart may ever begin.
    #[error("{0}")]
    Frozen(String),
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
    /// How long all steps may take.
    pub overall: Option<Duration>,
}

/// Everything that carrying out a plan takes.
pub struct Execution<'a> {
    /// Where.
    pub cluster: &'a Cluster,
    /// What.
    pub plan: &'a Plan,
    /// What has been done.
    pub journal: &'a mut Journal,
    /// The journal's copy in the cluster.
    pub copy: &'a Copy,
    /// The right to write.
    pub lease: &'a Lease,
    /// Who hears of it.
    pub narrator: &'a Narrator,
    /// Who may stop it.
    pub interruption: &'a Interruption,
    /// The plan that was given up for this one.
    pub instead_of: Option<String>,
    /// How long.
    pub limits: Limits,
}

/// One run: what is only known while it lasts.
struct Run<'r, 'a> {
    execution: &'r mut Execution<'a>,
    /// When everything has to be done.
    overall: Option<Instant>,
    /// Actions that began in this run: of all others it is not known whether they were done.
    fresh: BTreeSet<(String, usize)>,
}

impl Execution<'_> {
    /// Carries out what is left of the plan.
    pub async fn run(&mut self) -> Result<(), Error> {
        let state = progress(self.journal.records());
        if state.rolled_back {
            return Err(Error::RolledBack);
        }
        if state.rolling_back {
            return Err(Error::RollingBack);
        }
        if state.begun.is_empty() {
            self.check_all().await?;
        }
        let instead_of = self.instead_of.take();
        self.record(Event::RunBegan {
            by: self.lease.holder().to_owned(),
            restarts: self.limits.scope == Scope::All,
            instead_of,
        })?;
        self.copy_journal().await;
        let overall = self.limits.overall.map(|it| Instant::now() + it);
        self.cluster.until(overall);
        let journal = self.journal.path().display().to_string();
        let interruption = self.interruption;
        let mut run = Run {
            execution: self,
            overall,
            fresh: BTreeSet::new(),
        };
        let result = tokio::select! {
            result = run.steps() => result,
            () = interruption.demanded() => Err(Error::Interrupted { journal }),
        };
        self.cluster.until(None);
        let result = match result {
            Err(_) if self.lease.is_lost() => Err(Error::LeaseLost),
            result => result,
        };
        if let Err(error) = &result {
            let step = current_step(self.plan, self.journal.records(), self.limits.scope);
            let reason = crate::output::chain(error);
            // What stopped the run is to be told, not that it could not be written down.
            if let Err(second) = self.record(Event::Failed { step, reason }) {
                self.narrator
                    .line(&format!("! {}", crate::output::chain(&second)));
            } else {
                self.copy_journal().await;
            }
        }
        self.narrator.end();
        result
    }

    /// Compares every object before anything is written, so that a plan is refused as a whole.
    async fn check_all(&self) -> Result<(), Error> {
        let mut seen = Vec::new();
        let mut drifts = Vec::new();
        for action in self.plan.steps.iter().flat_map(|it| &it.actions) {
            let object = apply::object(action);
            if seen.contains(&object) || matches!(action, Action::Restart { .. }) {
                continue;
            }
            let live = self.cluster.get(&object).await?;
            drifts.extend(apply::check(action, live.as_ref()).err());
            seen.push(object);
        }
        if drifts.is_empty() {
            Ok(())
        } else {
            Err(Error::Drift(drifts))
        }
    }

    fn record(&mut self, event: Event) -> Result<(), Error> {
        let record = self.journal.append(event)?;
        self.narrator.tell(self.plan, record);
        Ok(())
    }

    /// The copy is a convenience: an upgrade does not stop for it.
    async fn copy_journal(&self) {
        if let Err(error) = self.copy.store(self.cluster, self.journal.records()).await {
            self.narrator.line(&format!(
                "! the journal's copy in the cluster is not up to date: {error}"
            ));
        }
    }
}

impl Run<'_, '_> {
    async fn steps(&mut self) -> Result<(), Error> {
        loop {
            if self.execution.interruption.is_asked() {
                return Err(self.interrupted());
            }
            let plan = self.execution.plan;
            let scope = self.execution.limits.scope;
            match next(plan, self.execution.journal.records(), scope) {
                Next::Done => {
                    if !progress(self.execution.journal.records()).finished {
                        self.record(Event::Finished)?;
                        self.execution.copy_journal().await;
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
                    self.record(Event::StepEnded {
                        step: step.id.clone(),
                    })?;
                    self.execution.copy_journal().await;
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
            let progress = progress(self.execution.journal.records());
            let held = pace::hold(self.execution.plan, step, &progress, Timestamp::now())
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
            let left = held.until.duration_since(Timestamp::now());
            let left = Duration::try_from(left).unwrap_or_default();
            let until = Instant::now() + left;
            let interruption = self.execution.interruption;
            tokio::select! {
                () = tokio::time::sleep_until(self.overall.map_or(until, |it| it.min(until))) => {}
                () = interruption.asked() => return Err(self.interrupted()),
            }
        }
    }

    /// Writes down what all objects of a step are before the first of them is written, here and in the cluster: whoever
    /// comes after can tell what was done, and put it back.
    async fn prepare(&mut self, step: &Step) -> Result<(), Error> {
        let cluster = self.execution.cluster;
        for (number, action) in step.actions.iter().enumerate() {
            let begun = progress(self.execution.journal.records())
                .actions_begun
                .contains_key(&(step.id.as_str(), number));
            if begun {
                continue;
            }
            let object = apply::object(action);
            let (mut mark, mut pods) = (None, Vec::new());
            let (former, omitted) = match action {
                // A restart is not put back.
                Action::Restart { how, .. } => {
                    mark = Some(Timestamp::now().to_string());
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
        self.execution.copy_journal().await;
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
        let cluster = self.execution.cluster;
        let live = cluster.get(object).await?;
        let again = !self.fresh.contains(&(step.id.clone(), number));
        if again
            && apply::is_done(cluster, action, former.as_ref(), live.as_ref())
                .await
                .map_err(failed)?
        {
            let digest = live.as_ref().map(|it| relevant(it, None));
            return self.ended(step, number, digest, true);
        }
        let half_done = again && is_half_done(action, former.as_ref(), live.as_ref());
        if !half_done && !self.is_our_own(step, number, object, live.as_ref()) {
            apply::check(action, live.as_ref()).map_err(|it| Error::Drift(vec![it]))?;
        }
        let name = cluster::name(object);
        let narrator = self.execution.narrator;
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
            let interruption = self.execution.interruption;
            tokio::select! {
                done = work => done,
                () = interruption.asked() => return Err(self.interrupted()),
            }
        } else {
            work.await
        };
        match done {
            Ok(done) => self.ended(step, number, done.digest, done.changed),
            Err(apply::Error::Drift(drift)) => Err(Error::Drift(vec![drift])),
            // One workload that cannot be renewed must not keep all others from it.
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
        digest: Option<String>,
        changed: bool,
    ) -> Result<(), Error> {
        self.record(Event::ActionEnded {
            step: step.id.clone(),
            action,
            digest,
            changed,
        })
    }

    /// Whether the object is as an earlier action of this plan left it: the plan's expectation is older than that.
    fn is_our_own(&self, step: &Step, number: usize, object: &Ref, live: Option<&Value>) -> bool {
        let ended = progress(self.execution.journal.records()).actions_ended;
        let live = live.map(|it| relevant(it, None));
        self.execution
            .plan
            .steps
            .iter()
            .flat_map(|it| {
                it.actions
                    .iter()
                    .enumerate()
                    .map(move |(index, action)| (it, index, action))
            })
            .take_while(|(it, index, _)| !(it.id == step.id && *index == number))
            .filter(|(_, _, action)| apply::object(action) == *object)
            .filter_map(|(it, index, _)| ended.get(&(it.id.as_str(), index)))
            .any(|it| matches!(&it.event, Event::ActionEnded { digest, .. } if *digest == live))
    }

    fn deadline(&self, most: Duration) -> Instant {
        let deadline = Instant::now() + most;
        self.overall.map_or(deadline, |it| deadline.min(it))
    }

    fn interrupted(&self) -> Error {
        Error::Interrupted {
            journal: self.execution.journal.path().display().to_string(),
        }
    }

    fn record(&mut self, event: Event) -> Result<(), Error> {
        self.execution.record(event)
    }
}

/// Whether a replacement was stopped between its deletion and its making.
fn is_half_done(action: &Action, former: Option<&Value>, live: Option<&Value>) -> bool {
    let going = |live: &Value| {
        live["metadata"]["deletionTimestamp"].is_string()
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
