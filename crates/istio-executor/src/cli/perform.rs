//! What `upgrade`, `apply`, `rollback` and `restart` share: the journal, the lease, the words.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{Args as ClapArgs, ValueEnum};
use istio_planner::outcome::RestartHow;
use istio_planner::plan::{Action, Plan};

use super::Error;
use crate::cluster::{self, Cluster};
use crate::execution::{self, Execution, Limits};
use crate::interruption::Interruption;
use crate::journal::copy::{self, Copy, Found};
use crate::journal::{self, Journal, Reconciled, Record, Scope, progress, reconcile};
use crate::lease::{self, Lease};
use crate::output;
use crate::output::narrator::{Audience, Narrator};
use crate::output::stream::Stream;
use crate::rollback::Rollback;

/// Flags of everything that writes to a cluster.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Perform {
    /// How long a component may take to become ready
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub(super) readiness_timeout: Duration,

    /// How long everything may take
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    timeout: Option<Duration>,

    /// Puts back what was changed if a step fails
    #[arg(long)]
    rollback_on_failure: bool,

    /// Renews the proxies of workloads too
    #[arg(long)]
    pub(super) restart: bool,

    /// Folder of journals
    #[arg(long, value_name = "DIR")]
    pub(super) journal: Option<PathBuf>,

    /// How to tell what happens
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(super) output: Format,

    /// Who hears of it besides the terminal.
    #[arg(skip)]
    stream: Option<Arc<Stream>>,
}

/// How to tell what happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// Every record as a line of JSON.
    Json,
}

impl Perform {
    /// The same, told to those who listen to a stream too.
    pub(super) fn streamed(&self, stream: &Arc<Stream>) -> Self {
        Self {
            stream: Some(Arc::clone(stream)),
            ..self.clone()
        }
    }

    /// The same, renewing proxies.
    pub(super) fn with_restarts(&self) -> Self {
        Self {
            restart: true,
            ..self.clone()
        }
    }

    fn narrator(&self) -> Narrator {
        self.output.narrator().streamed(self.stream.clone())
    }
}

impl Format {
    pub(super) fn narrator(self) -> Narrator {
        Narrator::new(match self {
            Self::Json => Audience::Program,
            Self::Text if output::watched() => Audience::Terminal,
            Self::Text => Audience::Pipe,
        })
    }
}

/// How a plan ended.
pub(super) enum Ended {
    /// Everything in scope is done.
    Done,
    /// The cluster is not as planned. What was done until then comes with it.
    Drifted(execution::Error, Vec<Record>),
}

/// Plans that were given up for another, newest first, each with what was done of it.
pub(super) type Predecessors = Vec<(Plan, Vec<Record>)>;

/// Carries out a plan, or what is left of it, and says which workloads are to be renewed.
pub(super) async fn perform(
    cluster: &Arc<Cluster>,
    plan: &Plan,
    args: &Perform,
    predecessors: &Predecessors,
) -> Result<Ended, Error> {
    // The lease comes before everything that is read: only its holder may rely on it.
    let lease = take_lease(cluster, &plan.namespace).await?;
    let ended = with_lease(cluster, plan, args, predecessors, &lease).await;
    release(lease).await;
    if matches!(ended, Ok(Ended::Done)) && !args.restart && args.output == Format::Text {
        say_restarts(plan);
    }
    ended
}

async fn with_lease(
    cluster: &Arc<Cluster>,
    plan: &Plan,
    args: &Perform,
    predecessors: &Predecessors,
    lease: &Lease,
) -> Result<Ended, Error> {
    let folder = journal::folder(args.journal.as_deref());
    let found = Copy::new(plan, &[]).present(cluster).await?;
    let predecessors = match &found {
        Some(found) if found.plan_id == plan.id => found.predecessors.clone(),
        Some(found)
            if progress(&found.records).is_open()
                && predecessors.iter().all(|it| it.0.id != found.plan_id) =>
        {
            return Err(Error::Refused(anyhow::anyhow!(
                "another plan ({}) was begun here and is not done: go on with `refit apply --resume`, or put it back with \
                 `refit rollback`",
                found.plan_id
            )));
        }
        _ => predecessors.clone(),
    };
    let copy = Copy::new(plan, &predecessors);
    let mut journal = Journal::open(&folder, &plan.id)?;
    save(&folder, plan)?;
    if let Some(found) = found.filter(|it| it.plan_id == plan.id) {
        journal.adopt(found.records)?;
    }
    let narrator = args.narrator();
    let interruption = Interruption::listen();
    let restarts = args.restart || plan.is_restart() || progress(journal.records()).restarts;
    let limits = Limits {
        scope: if restarts {
            Scope::All
        } else {
            Scope::WithoutRestarts
        },
        readiness: args.readiness_timeout,
        overall: args.timeout,
    };
    let result = Execution {
        cluster,
        plan,
        journal: &mut journal,
        copy: &copy,
        lease,
        narrator: &narrator,
        interruption: &interruption,
        instead_of: predecessors.first().map(|it| it.0.id.clone()),
        limits,
    }
    .run()
    .await;
    let begun = !progress(journal.records()).begun.is_empty();
    match result {
        Err(error) if args.rollback_on_failure && begun && error.is_failure() => {
            output::error(&output::chain(&error));
            let chain = Chain {
                cluster,
                lease,
                folder: &folder,
                narrate: &|| args.narrator(),
                readiness: args.readiness_timeout,
                interruption: &interruption,
            };
            chain
                .put_back(plan, journal, &predecessors)
                .await
                .map_err(|it| it.context("the upgrade failed, and so did putting it back"))?;
            Err(Error::Failed(anyhow::anyhow!(
                "the upgrade failed and was put back"
            )))
        }
        Err(error @ execution::Error::Drift(_)) => {
            Ok(Ended::Drifted(error, journal.records().to_vec()))
        }
        Err(
            error @ (execution::Error::RollingBack
            | execution::Error::RolledBack
            | execution::Error::LeaseLost),
        ) => Err(Error::Refused(error.into())),
        Err(error) => {
            let hint = format!(
                "go on with `refit apply --resume`, or put it back with `refit rollback` (journal {})",
                journal.path().display()
            );
            Err(Error::Failed(anyhow::Error::from(error).context(hint)))
        }
        Ok(()) => proxies(plan, journal.records()),
    }
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
    Err(Error::Failed(anyhow::anyhow!(
        "everything was done, and these do not run the proxy of {}:\n{}",
        plan.target,
        left.join("\n")
    )))
}

/// What putting a plan back, and those that it was made instead of, takes.
pub(super) struct Chain<'a> {
    pub(super) cluster: &'a Arc<Cluster>,
    pub(super) lease: &'a Lease,
    pub(super) folder: &'a Path,
    pub(super) narrate: &'a (dyn Fn() -> Narrator + Sync),
    pub(super) readiness: Duration,
    pub(super) interruption: &'a Interruption,
}

impl Chain<'_> {
    /// Puts a plan back, then the plan that was given up for it, and so on.
    pub(super) async fn put_back(
        &self,
        plan: &Plan,
        journal: Journal,
        predecessors: &[(Plan, Vec<Record>)],
    ) -> Result<(), Error> {
        let mut different = self.put_back_one(plan, journal, predecessors).await?;
        for (number, (plan, records)) in predecessors.iter().enumerate() {
            let mut journal = Journal::open(self.folder, &plan.id)?;
            save(self.folder, plan)?;
            journal.adopt(records.clone())?;
            let rest = predecessors.get(number + 1..).unwrap_or_default();
            different.extend(self.put_back_one(plan, journal, rest).await?);
        }
        if different.is_empty() {
            return Ok(());
        }
        Err(Error::Failed(anyhow::anyhow!(
            "everything was put back, and these are not as they were:\n{}",
            different.join("\n")
        )))
    }

    async fn put_back_one(
        &self,
        plan: &Plan,
        mut journal: Journal,
        predecessors: &[(Plan, Vec<Record>)],
    ) -> Result<Vec<String>, Error> {
        if progress(journal.records()).rolled_back {
            return Ok(Vec::new());
        }
        let (copy, narrator) = (Copy::new(plan, predecessors), (self.narrate)());
        let left = Rollback {
            cluster: self.cluster,
            plan,
            journal: &mut journal,
            copy: &copy,
            lease: self.lease,
            narrator: &narrator,
            interruption: self.interruption,
            readiness: self.readiness,
        }
        .run()
        .await?;
        for object in &left.stays {
            output::note(&format!(
                "{} stays: deleting it would delete its objects",
                cluster::name(object)
            ));
        }
        Ok(left
            .different
            .iter()
            .map(|(object, reason)| format!("  {}: {reason}", cluster::name(object)))
            .collect())
    }
}

/// A plan that was begun and is neither done nor put back.
pub(super) struct Begun {
    pub(super) plan: Plan,
    pub(super) records: Vec<Record>,
}

/// Returns the upgrade that was begun on this cluster and is neither done nor put back.
pub(super) async fn unfinished(
    cluster: &Cluster,
    namespace: &str,
    folder: Option<&Path>,
) -> Result<Option<Begun>, Error> {
    begun(copy::load(cluster, namespace).await?, folder)
}

/// Returns the restart that was begun on this cluster and is not done.
pub(super) async fn unfinished_restart(
    cluster: &Cluster,
    namespace: &str,
    folder: Option<&Path>,
) -> Result<Option<Begun>, Error> {
    begun(copy::load_restart(cluster, namespace).await?, folder)
}

fn begun(found: Option<Found>, folder: Option<&Path>) -> Result<Option<Begun>, Error> {
    let Some(mut found) = found else {
        return Ok(None);
    };
    // The end of a run may stand in the file only: its copy failed, or the machine was lost in between.
    let file = Journal::peek(&journal::folder(folder), &found.plan_id)?;
    if matches!(
        reconcile(&file, found.records.clone()),
        Some(Reconciled::Behind)
    ) {
        found.records = file;
    }
    if !progress(&found.records).is_open() {
        return Ok(None);
    }
    Ok(Some(Begun {
        plan: plan_of(&found, folder)?,
        records: found.records,
    }))
}

/// Returns the plan of a copy: as the copy holds it, else as this machine kept it.
pub(super) fn plan_of(found: &Found, folder: Option<&Path>) -> Result<Plan, Error> {
    let plan = match &found.plan {
        Some(plan) => plan.clone(),
        None => kept_plan(&journal::folder(folder), &found.plan_id)?,
    };
    genuine(plan)
}

/// Reads the plan that this machine kept.
pub(super) fn kept_plan(folder: &Path, id: &str) -> Result<Plan, Error> {
    let is_name = |it: char| it.is_ascii_alphanumeric() || it == '-';
    if id.is_empty() || !id.chars().all(is_name) {
        return Err(Error::usage(format!("{id:?} is no plan's id")));
    }
    let path = folder.join(format!("{id}.plan.json"));
    let text = fs::read_to_string(&path)
        .with_context(|| format!("the plan {id} is not in the cluster, and not on this machine"))?;
    let plan =
        serde_json::from_str(&text).with_context(|| format!("{} is no plan", path.display()))?;
    genuine(plan)
}

/// Refuses a plan that was changed after it was made: what it expects would not be what was looked at.
pub(super) fn genuine(plan: Plan) -> Result<Plan, Error> {
    // A plan of restarts relies on nothing that it looked at; each run is its own, so its name is a time.
    if plan.is_sealed() || plan.is_restart() && plan.id.starts_with("restart-") {
        return Ok(plan);
    }
    Err(Error::Refused(anyhow::anyhow!(
        "the plan {} was changed after it was made: its id does not fit its content; plan again",
        plan.id
    )))
}

/// Keeps the plan beside its journal, whole or not at all.
fn save(folder: &Path, plan: &Plan) -> Result<(), Error> {
    let path = folder.join(format!("{}.plan.json", plan.id));
    if path.exists() {
        return Ok(());
    }
    let failed = || format!("cannot write {}", path.display());
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    file.write_all(&serde_json::to_vec(plan)?)
        .and_then(|()| file.as_file().sync_all())
        .with_context(failed)?;
    file.persist(&path).with_context(failed)?;
    Ok(())
}

pub(super) async fn take_lease(cluster: &Arc<Cluster>, namespace: &str) -> Result<Lease, Error> {
    Lease::take(cluster, namespace)
        .await
        .map_err(|error| match error {
            lease::Error::Held { .. } => Error::Refused(error.into()),
            lease::Error::Cluster(_) => Error::Failed(error.into()),
        })
}

/// A lease that is not given back runs out by itself.
pub(super) async fn release(lease: Lease) {
    if let Err(error) = lease.release().await {
        output::warning(&format!(
            "the lease is not given back, it runs out in seconds: {error}"
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
        "\nThese workloads keep their old proxies until their pods are renewed (refit restart):",
    );
    for (object, pods) in restarts {
        output::say(&format!(
            "  {} ({pods} {})",
            cluster::name(object),
            if *pods == 1 { "pod" } else { "pods" }
        ));
    }
}

/// `90s`, `5m`, `1h30m`, as Go writes durations; a bare number counts seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let wrong = || format!("{text:?} is no duration (for example 90s, 5m, 1h30m)");
    let (mut total, mut number) = (Duration::ZERO, String::new());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c.is_ascii_digit() {
            number.push(c);
            rest = &rest[1..];
            continue;
        }
        let end = rest
            .find(|it: char| it.is_ascii_digit())
            .unwrap_or(rest.len());
        let count: u32 = number.parse().map_err(|_| wrong())?;
        let unit = match &rest[..end] {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_mins(1),
            "h" => Duration::from_hours(1),
            _ => return Err(wrong()),
        };
        total = unit
            .checked_mul(count)
            .and_then(|it| total.checked_add(it))
            .ok_or_else(wrong)?;
        number.clear();
        rest = &rest[end..];
    }
    if number.is_empty() && !text.is_empty() {
        Ok(total)
    } else {
        Err(wrong())
    }
}
