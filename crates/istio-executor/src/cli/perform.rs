//! What `upgrade`, `apply`, `rollback` and `restart` share: the journal, the lease, the words.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{Args as ClapArgs, ValueEnum};
use istio_planner::outcome::RestartHow;
use istio_planner::plan::{Action, Plan};

use super::Error;
use crate::cluster::{self, Cluster};
use crate::execution::{self, Execution, Limits};
use crate::journal::copy::{self, Copy, Found};
use crate::journal::{self, Journal, Scope, progress};
use crate::lease::{self, Lease};
use crate::output;
use crate::output::narrator::{Audience, Narrator};
use crate::rollback::{self, Rollback};

/// Flags of everything that writes to a cluster.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Perform {
    /// How long a component may take to become ready
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    readiness_timeout: Duration,

    /// How long everything may take
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    timeout: Option<Duration>,

    /// Puts back what was changed if a step fails
    #[arg(long)]
    rollback_on_failure: bool,

    /// Renews the proxies of workloads too
    #[arg(long)]
    restart: bool,

    /// Folder of journals
    #[arg(long, value_name = "DIR")]
    pub(super) journal: Option<PathBuf>,

    /// How to tell what happens
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(super) output: Format,
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
    /// The same, renewing proxies.
    pub(super) fn with_restarts(&self) -> Self {
        Self {
            restart: true,
            ..self.clone()
        }
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
    /// The cluster is not as planned.
    Drifted(execution::Error),
}

/// Carries out a plan, or what is left of it, and says which workloads are to be renewed.
pub(super) async fn perform(
    cluster: &Arc<Cluster>,
    plan: &Plan,
    args: &Perform,
) -> Result<Ended, Error> {
    let folder = journal::folder(args.journal.as_deref());
    let copy = Copy::new(plan);
    let mut journal = Journal::open(&folder, &plan.id)?;
    save(&folder, plan)?;
    if journal.records().is_empty()
        && let Some(found) = copy::load(cluster, &plan.namespace)
            .await?
            .filter(|it| it.plan_id == plan.id)
    {
        journal.adopt(found.records)?;
    }
    let lease = take_lease(cluster, &plan.namespace).await?;
    let narrator = args.output.narrator();
    let scope = if args.restart {
        Scope::All
    } else {
        Scope::WithoutRestarts
    };
    let limits = Limits {
        scope,
        readiness: args.readiness_timeout,
        overall: args.timeout,
    };
    let result = Execution {
        cluster,
        plan,
        journal: &mut journal,
        copy: &copy,
        lease: &lease,
        narrator: &narrator,
        limits,
    }
    .run()
    .await;
    let result = match result {
        Err(error)
            if args.rollback_on_failure && !matches!(error, execution::Error::RollingBack) =>
        {
            output::error(&output::chain(&error));
            Rollback {
                cluster,
                plan,
                journal: &mut journal,
                copy: &copy,
                lease: &lease,
                narrator: &narrator,
            }
            .run()
            .await
            .context("the upgrade failed, and so did putting it back")?;
            Err(Error::Failed(anyhow::anyhow!(
                "the upgrade failed and was put back"
            )))
        }
        Err(error @ execution::Error::Drift(_)) => Ok(Ended::Drifted(error)),
        Err(error @ (execution::Error::RollingBack | execution::Error::LeaseLost)) => {
            Err(Error::Refused(error.into()))
        }
        Err(error) => {
            let hint = format!(
                "go on with `refit apply --resume`, or put it back with `refit rollback` (journal {})",
                journal.path().display()
            );
            Err(Error::Failed(anyhow::Error::from(error).context(hint)))
        }
        Ok(()) => Ok(Ended::Done),
    };
    release(lease, cluster).await;
    if matches!(result, Ok(Ended::Done)) && !args.restart && args.output == Format::Text {
        say_restarts(plan);
    }
    result
}

/// Puts back what a plan changed.
pub(super) async fn put_back(
    cluster: &Arc<Cluster>,
    plan: &Plan,
    journal: &mut Journal,
    format: Format,
) -> Result<(), Error> {
    let lease = take_lease(cluster, &plan.namespace).await?;
    let (copy, narrator) = (Copy::new(plan), format.narrator());
    let result = Rollback {
        cluster,
        plan,
        journal,
        copy: &copy,
        lease: &lease,
        narrator: &narrator,
    }
    .run()
    .await;
    release(lease, cluster).await;
    result?;
    for object in rollback::stays(plan, journal.records()) {
        output::note(&format!(
            "{} stays: deleting it would delete its objects",
            cluster::name(&object)
        ));
    }
    Ok(())
}

/// Returns the plan that was begun on this cluster and is neither done nor put back.
pub(super) async fn unfinished(
    cluster: &Cluster,
    namespace: &str,
    folder: Option<&std::path::Path>,
) -> Result<Option<(Plan, Found)>, Error> {
    let Some(found) = copy::load(cluster, namespace).await? else {
        return Ok(None);
    };
    let state = progress(&found.records);
    if state.finished || state.rolled_back || state.begun.is_empty() {
        return Ok(None);
    }
    let plan = plan_of(&found, folder)?;
    Ok(Some((plan, found)))
}

/// Returns the plan of a copy: as the copy holds it, else as this machine kept it.
pub(super) fn plan_of(found: &Found, folder: Option<&std::path::Path>) -> Result<Plan, Error> {
    if let Some(plan) = &found.plan {
        return Ok(plan.clone());
    }
    let path = journal::folder(folder).join(format!("{}.plan.json", found.plan_id));
    let text = fs::read_to_string(&path).with_context(|| {
        format!(
            "the plan {} is not in the cluster, and not on this machine",
            found.plan_id
        )
    })?;
    Ok(serde_json::from_str(&text).with_context(|| format!("{} is no plan", path.display()))?)
}

/// Keeps the plan beside its journal.
fn save(folder: &std::path::Path, plan: &Plan) -> Result<(), Error> {
    let path = folder.join(format!("{}.plan.json", plan.id));
    if !path.exists() {
        fs::write(&path, serde_json::to_vec(plan)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

async fn take_lease(cluster: &Arc<Cluster>, namespace: &str) -> Result<Lease, Error> {
    Lease::take(cluster, namespace)
        .await
        .map_err(|error| match error {
            lease::Error::Held { .. } => Error::Refused(error.into()),
            lease::Error::Cluster(_) => Error::Failed(error.into()),
        })
}

/// A lease that is not given back runs out by itself.
async fn release(lease: Lease, cluster: &Cluster) {
    if let Err(error) = lease.release(cluster).await {
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
