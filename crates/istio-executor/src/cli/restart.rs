//! `refit restart`: renews the proxies of workloads that run old ones.

use std::sync::Arc;
use std::time::Duration;

use clap::Args as ClapArgs;
use istio_planner::dataplane::{Grouping, Share};
use istio_planner::order::pacing::{self, Pacing, Window};
use istio_planner::outcome::{Restart, RestartHow};
use istio_planner::plan::Plan;
use istio_planner::snapshot::Snapshot;
use k8s_openapi::jiff::Timestamp;

use super::connection::{AnyControlPlane, Connection, block_on};
use super::perform::{Ended, Format, Perform, Predecessors, duration, perform, unfinished_restart};
use super::target::Target;
use super::{Error, Exit};
use crate::cluster::{Cluster, name};
use crate::{output, planning, snapshot};

/// The arguments of `refit restart`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Only these workloads: KIND/NAMESPACE/NAME, KIND/NAMESPACE or a namespace
    pub(super) workloads: Vec<String>,

    #[command(flatten)]
    pub(super) connection: Connection,

    #[command(flatten)]
    pub(super) target: Target,

    #[command(flatten)]
    pub(super) perform: Perform,

    /// Workloads that are renewed at the same time: a number, or a percentage of all
    #[arg(long, value_name = "N|P%", default_value = "5")]
    pub(super) wave: Share,

    /// Renews workloads with the same value of this label together, instead of those of a namespace
    #[arg(long, value_name = "LABEL")]
    pub(super) by_label: Option<String>,

    /// Pause between two waves
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub(super) pause: Duration,

    /// Pods of one workload that may be away at the same time where they are renewed pod by pod: a number, or a percentage
    #[arg(long, value_name = "N|P%", default_value = "1")]
    pub(super) max_unavailable: Share,

    /// When no wave begins, in UTC: "Mon-Fri 08:00-18:00", "Sat,Sun", "22:00-06:00"; may be given more than once
    #[arg(long, value_name = "WINDOW", value_parser = window)]
    pub(super) freeze: Vec<String>,

    #[command(flatten)]
    pub(super) plane: AnyControlPlane,

    /// Does not ask
    #[arg(short = 'y', long = "skip-confirmation")]
    pub(super) yes: bool,

    /// Lists the workloads and renews none
    #[arg(long)]
    pub(super) dry_run: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    block_on(async {
        let cluster = Arc::new(args.connection.connect().await?);
        let namespace = args
            .plane
            .namespace
            .clone()
            .unwrap_or_else(|| "istio-system".to_owned());
        let folder = args.perform.journal.as_deref();
        if !args.dry_run
            && let Some(begun) = unfinished_restart(&cluster, &namespace, folder).await?
        {
            output::note("going on with the restart that was begun");
            return renew(&cluster, &begun.plan, args).await;
        }
        let Some(found) = propose(&cluster, args).await? else {
            return Ok(Exit::Done);
        };
        if args.dry_run {
            return Ok(Exit::Done);
        }
        if !args.yes && !output::confirm(&format!("Renew {} workloads?", found.todo.len())) {
            return Err(Error::Refused(anyhow::anyhow!(
                "cancelled, nothing was changed"
            )));
        }
        renew(&cluster, &plan(&found, namespace, args), args).await
    })
}

/// What a restart would renew.
pub(super) struct Stale {
    /// The version that runs.
    version: String,
    snapshot: Snapshot,
    /// The workloads that are to be renewed.
    pub(super) todo: Vec<Restart>,
}

/// Finds the workloads that are to be renewed and lists them; nothing where there are none.
pub(super) async fn propose(cluster: &Cluster, args: &Args) -> Result<Option<Stale>, Error> {
    let (version, snapshot, all) = stale(cluster, args).await?;
    let chosen: Vec<Restart> = all
        .into_iter()
        .filter(|it| is_chosen(it, &args.workloads))
        .collect();
    let (todo, left): (Vec<_>, Vec<_>) = chosen
        .into_iter()
        .partition(|it| !matches!(it.how, RestartHow::Auto | RestartHow::None));
    for it in &left {
        output::note(&format!(
            "{} is left alone ({})",
            name(&it.object),
            it.reason
        ));
    }
    if todo.is_empty() {
        output::note("no workload is to be renewed");
        return Ok(None);
    }
    for it in &todo {
        let line = format!("{} ({} pods, {})", name(&it.object), it.pods, it.reason);
        // Records are the only result that a program gets.
        match args.perform.output {
            Format::Text => output::print(&line)?,
            Format::Json => output::say(&line),
        }
    }
    Ok(Some(Stale {
        version,
        snapshot,
        todo,
    }))
}

async fn renew(cluster: &Arc<Cluster>, plan: &Plan, args: &Args) -> Result<Exit, Error> {
    let perform_args = args.perform.with_restarts();
    match perform(cluster, plan, &perform_args, &Predecessors::new()).await? {
        Ended::Done => Ok(Exit::Done),
        Ended::Drifted(error, _) => Err(Error::Refused(error.into())),
    }
}

/// The version that runs, and the workloads whose proxies are older.
async fn stale(cluster: &Cluster, args: &Args) -> Result<(String, Snapshot, Vec<Restart>), Error> {
    let request = istio_planner::Request {
        namespace: args.plane.namespace.clone(),
        ..Default::default()
    };
    let snapshot = snapshot::take(cluster, &istio_planner::required(&request)).await?;
    let first = planning::quietly(request.clone(), snapshot.clone(), &args.target.places());
    let Some(version) = first.source.version else {
        return Err(Error::Refused(anyhow::anyhow!(
            "no control plane was found whose version is known"
        )));
    };
    // Going to the version that runs already changes nothing but the proxies.
    let request = istio_planner::Request {
        to: version.clone(),
        force: true,
        ..request
    };
    let outcome = planning::plan(request, snapshot.clone(), &args.target.places(), None);
    Ok((version, snapshot, outcome.restarts))
}

fn is_chosen(restart: &Restart, chosen: &[String]) -> bool {
    let object = &restart.object;
    let namespace = object.namespace.as_deref().unwrap_or_default();
    chosen.is_empty()
        || chosen.iter().any(|it| {
            let parts: Vec<&str> = it.split('/').collect();
            match parts.as_slice() {
                [only] => *only == namespace,
                [kind, of] => kind.eq_ignore_ascii_case(&object.kind) && *of == namespace,
                [kind, of, name] => {
                    kind.eq_ignore_ascii_case(&object.kind)
                        && *of == namespace
                        && *name == object.name
                }
                _ => false,
            }
        })
}

/// Waves of workloads, each waited for before the next.
pub(super) fn plan(found: &Stale, namespace: String, args: &Args) -> Plan {
    let pacing = Pacing {
        grouping: match &args.by_label {
            Some(label) => Grouping::Label(label.clone()),
            None => Grouping::Namespace,
        },
        most: Some(args.wave),
        pause: u32::try_from(args.pause.as_secs()).unwrap_or(u32::MAX),
        at_once: Some(args.max_unavailable),
    };
    Plan {
        // Every run is its own: restarting again later is meant.
        id: format!("restart-{}", Timestamp::now().as_millisecond()),
        source: Some(found.version.clone()),
        target: found.version.clone(),
        direction: None,
        namespace,
        forced: false,
        freeze: args.freeze.clone(),
        steps: pacing::steps(&found.snapshot, &found.todo, &found.version, &pacing),
    }
}

/// A window as it was typed, if it is one.
fn window(text: &str) -> Result<String, String> {
    text.parse::<Window>().map(|_| text.to_owned())
}
