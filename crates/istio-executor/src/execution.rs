//! Carries out a plan: compares, writes down, acts once, writes down, waits. It decides nothing.

use std::time::Duration;

use istio_planner::outcome::Ref;
use istio_planner::plan::{Action, Plan, Step};
use k8s_openapi::jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use crate::cluster::{self, Cluster};
use crate::drift::Drift;
use crate::journal::copy::Copy;
use crate::journal::{self, Event, Journal, Next, Record, Scope, next, progress};
use crate::lease::Lease;
use crate::output::narrator::Narrator;
use crate::restart::Renewal;
use crate::{apply, wait};

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
    #[error("this plan is being rolled back (or was): plan again")]
    RollingBack,
    /// The cluster.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] journal::Error),
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
    /// How long.
    pub limits: Limits,
}

impl Execution<'_> {
    /// Carries out what is left of the plan.
    pub async fn run(&mut self) -> Result<(), Error> {
        let state = progress(self.journal.records());
        if state.rolling_back {
            return Err(Error::RollingBack);
        }
        if state.begun.is_empty() {
            self.check_all().await?;
        }
        self.record(Event::RunBegan {
            by: self.lease.holder().to_owned(),
        })?;
        self.copy_journal().await;
        let journal = self.journal.path().display().to_string();
        let result = tokio::select! {
            result = self.steps() => result,
            () = interruption() => Err(Error::Interrupted { journal }),
        };
        if let Err(error) = &result {
            let step = current_step(self.plan, self.journal.records(), self.limits.scope);
            let reason = crate::output::chain(error);
            self.record(Event::Failed { step, reason })?;
            self.copy_journal().await;
        }
        self.narrator.end();
        result
    }

    async fn steps(&mut self) -> Result<(), Error> {
        let began = Instant::now();
        let overall = self.limits.overall.map(|it| began + it);
        loop {
            match next(self.plan, self.journal.records(), self.limits.scope) {
                Next::Done => {
                    if !progress(self.journal.records()).finished {
                        self.record(Event::Finished)?;
                        self.copy_journal().await;
                    }
                    return Ok(());
                }
                Next::Begin(step) => {
                    if overall.is_some_and(|it| Instant::now() >= it) {
                        return Err(Error::Late {
                            step: step.id.clone(),
                        });
                    }
                    self.record(Event::StepBegan {
                        step: step.id.clone(),
                    })?;
                }
                Next::Act {
                    step,
                    action,
                    begun,
                } => self.act(step, action, begun.as_deref(), overall).await?,
                Next::Wait(step) => {
                    self.wait(step, overall).await?;
                    self.record(Event::StepEnded {
                        step: step.id.clone(),
                    })?;
                    self.copy_journal().await;
                }
            }
        }
    }

    /// Does one action: reads, compares, records, writes, records.
    async fn act(
        &mut self,
        step: &Step,
        number: usize,
        begun: Option<&Record>,
        overall: Option<Instant>,
    ) -> Result<(), Error> {
        let action = &step.actions[number];
        let failed = |source| Error::Action {
            step: step.id.clone(),
            source: Box::new(source),
        };
        let object = apply::object(action);
        let live = self.cluster.get(&object).await?;
        if !self.lease.is_held() {
            return Err(Error::LeaseLost);
        }
        let (former, mut mark) = match begun.map(|it| &it.event) {
            Some(Event::ActionBegan { former, mark, .. }) => (former.clone(), mark.clone()),
            _ => (live.clone(), None),
        };
        if begun.is_some()
            && apply::is_done(self.cluster, action, former.as_ref(), live.as_ref())
                .await
                .map_err(failed)?
        {
            let digest = live.as_ref().map(istio_planner::digest::digest);
            let ended = Event::ActionEnded {
                step: step.id.clone(),
                action: number,
                digest,
                changed: true,
            };
            return self.record(ended);
        }
        let half_done =
            begun.is_some() && matches!(action, Action::Replace { .. }) && live.is_none();
        if !half_done && !self.is_our_own(step, number, &object, live.as_ref()) {
            apply::check(action, live.as_ref()).map_err(|it| Error::Drift(vec![it]))?;
        }
        if begun.is_none() {
            if let Action::Restart { .. } = action {
                mark = Some(Timestamp::now().to_string());
            }
            let (former, omitted) = keepable(action, former);
            self.record(Event::ActionBegan {
                step: step.id.clone(),
                action: number,
                object: object.clone(),
                former,
                omitted,
                mark: mark.clone(),
            })?;
        }
        let name = cluster::name(&object);
        let report = |reason: &str| self.narrator.waiting(&name, reason);
        let renewal = Renewal {
            mark: mark.as_deref().unwrap_or_default(),
            deadline: self.deadline(overall),
            report: &report,
        };
        let done = match apply::perform(self.cluster, action, live.as_ref(), &renewal).await {
            Ok(done) => done,
            Err(apply::Error::Drift(drift)) => return Err(Error::Drift(vec![drift])),
            Err(error) => return Err(failed(error)),
        };
        self.record(Event::ActionEnded {
            step: step.id.clone(),
            action: number,
            digest: done.digest,
            changed: done.changed,
        })
    }

    /// Whether the object is as an earlier action of this plan left it: the plan's expectation is older than that.
    fn is_our_own(&self, step: &Step, number: usize, object: &Ref, live: Option<&Value>) -> bool {
        let ended = progress(self.journal.records()).actions_ended;
        let live = live.map(istio_planner::digest::digest);
        self.plan
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

    async fn wait(&mut self, step: &Step, overall: Option<Instant>) -> Result<(), Error> {
        let deadline = self.deadline(overall);
        for condition in &step.waits {
            let object = wait::object(condition);
            let name = cluster::name(object);
            let mut report = |reason: &str| self.narrator.waiting(&name, reason);
            let ended = wait::until(self.cluster, condition, deadline, &mut report)
                .await
                .map_err(|source| Error::Wait {
                    step: step.id.clone(),
                    source: Box::new(source),
                })?;
            if let wait::Ended::GivenUp(reason) = ended {
                let (step, object) = (step.id.clone(), object.clone());
                self.record(Event::WaitGivenUp {
                    step,
                    object,
                    reason,
                })?;
            }
            if !self.lease.is_held() {
                return Err(Error::LeaseLost);
            }
        }
        Ok(())
    }

    fn deadline(&self, overall: Option<Instant>) -> Instant {
        let deadline = Instant::now() + self.limits.readiness;
        overall.map_or(deadline, |it| deadline.min(it))
    }

    /// Compares every object before anything is written, so that a plan is refused as a whole.
    async fn check_all(&self) -> Result<(), Error> {
        let mut seen = Vec::new();
        let mut drifts = Vec::new();
        for action in self.plan.steps.iter().flat_map(|it| &it.actions) {
            let object = apply::object(action);
            if seen.contains(&object) {
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

/// What of a former object may be written down. A restart is not put back; Secrets' data stay in the cluster.
fn keepable(action: &Action, former: Option<Value>) -> (Option<Value>, bool) {
    match (action, former) {
        (Action::Restart { .. }, _) => (None, true),
        (_, Some(former)) if former["kind"] == "Secret" => (None, true),
        (_, former) => (former, false),
    }
}

fn current_step(plan: &Plan, records: &[Record], scope: Scope) -> String {
    match next(plan, records, scope) {
        Next::Begin(step) | Next::Act { step, .. } | Next::Wait(step) => step.id.clone(),
        Next::Done => String::new(),
    }
}

/// Ends when the user, or the system, asks this process to end.
async fn interruption() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
