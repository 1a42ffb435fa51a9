//! One run of the executor: forward along a plan, back from it, on from where another run stopped.
//!
//! Everything here has the lease ([`Session`]). What a run knows beside it is the plan, its journal, and who hears of it
//! ([`Work`]): forward and back share it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use istio_planner::outcome::RestartHow;
use istio_planner::plan::{Action, Plan};
use tokio::time::Instant;

use crate::cluster::{self, Cluster, Writer};
use crate::error::Error;
use crate::gate::{Gating, OnFailure};
use crate::interruption::{GRACE, Interruption};
use crate::journal::copy::{self, Copy};
use crate::journal::seal::Key;
use crate::journal::{self, Event, Journal, Record, Scope, progress};
use crate::lease::{self, Lease};
use crate::output;
use crate::output::narrator::{Audience, Narrator};
use crate::output::notifier::Notifier;
use crate::output::stream::Stream;

pub mod back;
mod chain;
pub mod effect;
pub mod forward;
pub mod restarts;
pub mod resume;
pub mod store;
pub mod verify;

pub(crate) use chain::put_back;
use forward::{Execution, Limits};

/// How a run goes about it.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long a component may take to become ready.
    pub readiness: Duration,
    /// The journal is kept on this machine only.
    pub local: bool,
    /// The digest of the request that was planned for.
    pub request: Option<String>,
    /// Put back what was changed if a step fails.
    pub rollback_on_failure: bool,
    /// Restart workloads too.
    pub restarts: bool,
    /// The folder of journals.
    pub folder: PathBuf,
    /// For whom it is told.
    pub audience: Audience,
    /// Who hears of it besides.
    pub stream: Option<Arc<Stream>>,
    /// The webhook that hears of it.
    pub notifier: Option<Arc<Notifier>>,
    /// What has to hold after each wave.
    pub gates: Gating,
}

impl Options {
    fn narrator(&self) -> Narrator {
        Narrator::new(self.audience)
            .streamed(self.stream.clone())
            .notifying(self.notifier.clone())
    }
}

/// What every run has: the lease, and with it the right to write; who may stop it; how it goes about it.
pub(crate) struct Session<'a> {
    lease: &'a Lease,
    interruption: &'a Interruption,
    /// The uid of the namespace `kube-system`, where it may be read.
    cluster_id: Option<String>,
    /// Seals the journal's copy; nothing where there is to be none.
    key: Option<Key>,
    options: &'a Options,
}

impl<'a> Session<'a> {
    /// Begins: from here on it is known which cluster it is, and the journal's copy can be sealed.
    pub(crate) async fn open(
        lease: &'a Lease,
        namespace: &str,
        interruption: &'a Interruption,
        options: &'a Options,
    ) -> Result<Self, Error> {
        let writer = lease.writer();
        let key = if options.local {
            None
        } else {
            let key = Key::ensure(writer, namespace).await.map_err(|error| {
                Error::from(anyhow::Error::from(error).context(
                    "the key that seals the journal in the cluster is neither read nor made (`refit rbac` grants it; --journal local goes on without a copy there)",
                ))
            })?;
            Some(key)
        };
        Ok(Self {
            lease,
            interruption,
            cluster_id: writer.id().await?,
            key,
            options,
        })
    }

    /// Keeps what stands where the copy of another upgrade is going to stand.
    pub(crate) async fn keep_other(&self, plan: &Plan) -> Result<(), Error> {
        let writer = self.lease.writer();
        if self.key.is_none() || plan.is_restart() {
            return Ok(());
        }
        if let Some(found) = copy::load(writer, &plan.namespace).await?
            && found.plan_id != plan.id
        {
            copy::keep(writer, &plan.namespace, &found).await?;
        }
        Ok(())
    }

    /// Time for what is left to do where everything has to end.
    fn grace(&self) {
        let end = Instant::now() + GRACE;
        let writer = self.lease.writer();
        let over = writer.deadline().is_some_and(|it| it < end);
        if over || self.interruption.is_asked() {
            writer.until(Some(end));
        }
    }
}

/// A plan in a session: its journal, the journal's copy in the cluster, and who hears of it.
pub(crate) struct Work<'a> {
    session: &'a Session<'a>,
    plan: &'a Plan,
    journal: Journal,
    copy: Copy,
    narrator: Narrator,
}

impl<'a> Work<'a> {
    /// Takes up a plan that was made after `predecessors` were given up (newest first).
    pub(crate) fn new(
        session: &'a Session<'a>,
        plan: &'a Plan,
        journal: Journal,
        predecessors: &[(Plan, Vec<Record>)],
    ) -> Self {
        Self {
            session,
            plan,
            journal,
            copy: Copy::new(plan, predecessors),
            narrator: session.options.narrator(),
        }
    }

    /// Takes up what was begun.
    pub(crate) fn begun(session: &'a Session<'a>, begun: &'a resume::Begun) -> Result<Self, Error> {
        let folder = &session.options.folder;
        let mut journal = Journal::open(folder, &begun.plan.id)?;
        store::save(folder, &begun.plan)?;
        journal.adopt(begun.records.clone())?;
        Ok(Self::new(
            session,
            &begun.plan,
            journal,
            &begun.predecessors,
        ))
    }

    /// Writes down that nothing goes on with the plan any more.
    pub(crate) async fn give_up(&mut self) -> Result<(), Error> {
        let by = self.session.lease.holder();
        self.record(Event::GivenUp { by })?;
        Ok(self.store_copy().await?)
    }

    fn writer(&self) -> &'a Writer {
        self.session.lease.writer()
    }

    /// Writes down what happens and tells it.
    fn record(&mut self, event: Event) -> Result<(), journal::Error> {
        let record = self.journal.append(event)?;
        self.narrator.tell(self.plan, record);
        Ok(())
    }

    /// Brings the copy up to date; there is none where that is what was asked for.
    async fn store_copy(&mut self) -> Result<(), cluster::Error> {
        let Some(key) = &self.session.key else {
            return Ok(());
        };
        let (writer, records) = (self.session.lease.writer(), self.journal.records());
        self.copy.store(writer, records, key).await
    }

    /// The same where nothing depends on it: what was done is done.
    async fn try_store_copy(&mut self) {
        if let Err(error) = self.store_copy().await {
            self.narrator.line(&format!(
                "! the journal's copy in the cluster is not up to date: {}",
                output::chain(&error)
            ));
        }
    }
}

/// How a plan ended.
pub(crate) enum Ended {
    /// Everything in scope is done.
    Done,
    /// The cluster is not as planned. What was done until then comes with it.
    Drifted(forward::Error, Vec<Record>),
}

/// Plans that were given up for another, newest first, each with what was done of it.
pub(crate) type Predecessors = Vec<(Plan, Vec<Record>)>;

/// Carries out a plan, or what is left of it, and says which workloads are still to be restarted.
pub(crate) async fn perform(
    cluster: &Arc<Cluster>,
    plan: &Plan,
    options: &Options,
    predecessors: &Predecessors,
    interruption: &Interruption,
) -> Result<Ended, Error> {
    interruption
        .unless_asked(resume::is_meant(cluster, plan))
        .await?;
    // The lease comes before everything that is read: only its holder may rely on it.
    let lease = interruption
        .unless_asked(take_lease(cluster, &plan.namespace))
        .await?;
    let ended = with_lease(plan, options, predecessors, interruption, &lease).await;
    release(lease).await;
    if matches!(ended, Ok(Ended::Done))
        && !options.restarts
        && !matches!(options.audience, Audience::Program(_))
    {
        say_restarts(plan);
    }
    ended
}

async fn with_lease(
    plan: &Plan,
    options: &Options,
    predecessors: &Predecessors,
    interruption: &Interruption,
    lease: &Lease,
) -> Result<Ended, Error> {
    let writer = lease.writer();
    let session = Session::open(lease, &plan.namespace, interruption, options).await?;
    let found = Copy::new(plan, &[]).present(writer).await?;
    let predecessors = match &found {
        Some(found) if found.plan_id == plan.id => {
            resume::sealed(found, &plan.namespace)?;
            found.predecessors.clone()
        }
        Some(found)
            if progress(&found.records).is_open()
                && predecessors.iter().all(|it| it.0.id != found.plan_id) =>
        {
            return Err(Error::refused(format!(
                "another plan ({}) was begun here and is not done: go on with `refit apply --resume`, or roll it back with \
                 `refit rollback`",
                found.plan_id
            )));
        }
        _ => predecessors.clone(),
    };
    let mut journal = Journal::open(&options.folder, &plan.id)?;
    store::save(&options.folder, plan)?;
    if let Err(error) = store::prune(&options.folder) {
        tracing::debug!(%error, "old journals are not pruned");
    }
    match found {
        Some(found) if found.plan_id == plan.id => journal.adopt(found.records)?,
        // What was done before can still be rolled back after this one.
        Some(found)
            if session.key.is_some()
                && !plan.is_restart()
                && predecessors.iter().all(|it| it.0.id != found.plan_id) =>
        {
            copy::keep(writer, &plan.namespace, &found).await?;
        }
        _ => {}
    }
    resume::belongs(plan, journal.records())?;
    keeps_gates(options, journal.records())?;
    let restarts = options.restarts || plan.is_restart() || progress(journal.records()).restarts;
    let limits = Limits {
        scope: if restarts {
            Scope::All
        } else {
            Scope::WithoutRestarts
        },
        readiness: options.readiness,
        overall: writer.deadline(),
    };
    let mut work = Work::new(&session, plan, journal, &predecessors);
    let result = Execution {
        work: &mut work,
        instead_of: predecessors.first().map(|it| it.0.id.clone()),
        limits,
    }
    .run()
    .await;
    let begun = !progress(work.journal.records()).begun.is_empty();
    match result {
        Err(error)
            if begun
                && (options.rollback_on_failure && error.is_failure()
                    || goes_back(plan, options, &error)) =>
        {
            output::error(&output::chain(&error));
            // The time for everything was the upgrade's: putting it back takes its own.
            writer.until(None);
            put_back(work, &predecessors)
                .await
                .map_err(|it| it.context("the upgrade failed, and so did rolling it back"))?;
            Err(Error::failed("the upgrade failed and was rolled back"))
        }
        Err(error @ forward::Error::Drift(_)) => {
            Ok(Ended::Drifted(error, work.journal.records().to_vec()))
        }
        Err(
            error @ (forward::Error::RollingBack
            | forward::Error::RolledBack
            | forward::Error::GivenUp
            | forward::Error::LeaseLost),
        ) => Err(Error::Refused(error.into())),
        Err(error) => Err(stopped(&work, plan, options, &error)),
        Ok(()) => proxies(plan, work.journal.records()),
    }
}

/// Refuses to go on without gates with what was begun with them, unless somebody says so.
fn keeps_gates(options: &Options, records: &[Record]) -> Result<(), Error> {
    match options.gates {
        Gating::Absent if progress(records).baseline.is_some() => Err(Error::refused(
            "this was begun with gates: give them again (--prometheus), or go on without them by --without-gates",
        )),
        Gating::Absent | Gating::Left | Gating::By(_) => Ok(()),
    }
}

/// Why a run stopped, and the ways on from there.
fn stopped(work: &Work<'_>, plan: &Plan, options: &Options, error: &forward::Error) -> Error {
    let begun = !progress(work.journal.records()).begun.is_empty();
    let held = matches!(error, forward::Error::Gates { .. });
    let mut words = output::chain(error);
    if begun {
        words = format!("{words}\n{}", ways_on(work, plan, options));
    }
    words.push_str(match (held, begun) {
        (true, true) => "; --without-gates goes on without them",
        (true, false) => "\nnothing was changed",
        (false, _) => "",
    });
    let words = anyhow::anyhow!("{words}");
    match error {
        forward::Error::Interrupted => Error::Interrupted(words),
        _ if held => Error::Held(words),
        _ => Error::Failed(words),
    }
}

/// Whether what was done is put back because a gate failed. Restarted pods stay as they are, so of a plan of restarts alone
/// nothing would be.
fn goes_back(plan: &Plan, options: &Options, error: &forward::Error) -> bool {
    let Gating::By(gates) = &options.gates else {
        return false;
    };
    let fails = matches!(
        error,
        forward::Error::Gates {
            verdict: journal::Verdict::Fails,
            ..
        }
    );
    fails && gates.on_failure == OnFailure::Rollback && !plan.is_restart()
}

/// How to go on with what was begun, or put it back. What is only on this machine is named: the cluster does not know it.
fn ways_on(work: &Work<'_>, plan: &Plan, options: &Options) -> String {
    let journal = work.journal.path();
    if options.local {
        return format!(
            "go on with `refit apply {} --journal local`, or roll it back with `refit rollback {} --journal local` (journal {})",
            journal.with_extension("plan.json").display(),
            copy::short(&plan.id),
            journal.display()
        );
    }
    format!(
        "go on with `refit apply --resume`, or roll it back with `refit rollback` (journal {})",
        journal.display()
    )
}

/// Tells which pods still run another proxy than they should after all restarts.
fn proxies(plan: &Plan, records: &[Record]) -> Result<Ended, Error> {
    let state = progress(records);
    let checked = |step: &str| {
        plan.steps
            .iter()
            .any(|it| it.id == step && it.is_restart() && it.actions.is_empty())
    };
    let mut left: Vec<String> = state
        .given_up
        .iter()
        .filter(|(step, ..)| checked(step))
        .map(|(_, object, reason)| format!("  {}: {reason}", cluster::name(object)))
        .collect();
    left.sort();
    left.dedup();
    if left.is_empty() {
        return Ok(Ended::Done);
    }
    Err(Error::failed(format!(
        "everything was done, and these do not run the proxy of {}:\n{}",
        plan.target,
        left.join("\n")
    )))
}

/// Takes the lease of the control plane in a namespace.
pub(crate) async fn take_lease(cluster: &Arc<Cluster>, namespace: &str) -> Result<Lease, Error> {
    Lease::take(cluster, namespace)
        .await
        .map_err(|error| match error {
            lease::Error::Held { .. } => Error::Refused(error.into()),
            lease::Error::Cluster(_) => Error::Failed(error.into()),
        })
}

/// Gives the lease back. One that is not given back runs out by itself.
pub(crate) async fn release(lease: Lease) {
    if let Err(error) = lease.release().await {
        output::warning(&format!(
            "the lease is not given back, it runs out in seconds: {}",
            output::chain(&error)
        ));
    }
}

/// Says which workloads still run old proxies.
fn say_restarts(plan: &Plan) {
    let restarts: Vec<_> = plan
        .steps
        .iter()
        .flat_map(|it| &it.actions)
        .filter_map(|it| match it {
            Action::Restart {
                object, how, pods, ..
            } if !matches!(how, RestartHow::Auto | RestartHow::None) => Some((object, pods)),
            _ => None,
        })
        .collect();
    if restarts.is_empty() {
        return;
    }
    output::say(
        "\nThese workloads keep their old proxies until their pods are restarted (refit restart):",
    );
    for (object, pods) in restarts {
        output::say(&format!(
            "  {} ({pods} {})",
            cluster::name(object),
            if *pods == 1 { "pod" } else { "pods" }
        ));
    }
}
