//! `refit restart`: renews the proxies of workloads that run old ones.

use std::sync::Arc;

use clap::Args as ClapArgs;
use istio_planner::outcome::{Restart, RestartHow};
use istio_planner::plan::{Action, Plan, Step, Wait};
use k8s_openapi::jiff::Timestamp;

use super::connection::{Connection, block_on};
use super::perform::{Ended, Perform, perform};
use super::target::Target;
use super::{Error, Exit};
use crate::cluster::{Cluster, name};
use crate::{output, planning, snapshot};

/// The arguments of `refit restart`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Only these workloads: KIND/NAMESPACE/NAME, KIND/NAMESPACE or a namespace
    workloads: Vec<String>,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    perform: Perform,

    /// Workloads that are renewed at the same time
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    wave: u16,

    /// The namespace of the control plane, where the cluster holds several
    #[arg(
        short = 'i',
        long = "istio-namespace",
        alias = "istioNamespace",
        value_name = "NAMESPACE"
    )]
    namespace: Option<String>,

    /// Does not ask
    #[arg(short = 'y', long = "skip-confirmation")]
    yes: bool,

    /// Lists the workloads and renews none
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    block_on(async {
        let cluster = Arc::new(args.connection.connect().await?);
        let (version, all) = stale(&cluster, args).await?;
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
            return Ok(Exit::Done);
        }
        for it in &todo {
            output::print(&format!(
                "{} ({} pods, {})",
                name(&it.object),
                it.pods,
                it.reason
            ))?;
        }
        if args.dry_run {
            return Ok(Exit::Done);
        }
        if !args.yes && !output::confirm(&format!("Renew {} workloads?", todo.len())) {
            return Err(Error::Refused(anyhow::anyhow!(
                "cancelled, nothing was changed"
            )));
        }
        let namespace = args
            .namespace
            .clone()
            .unwrap_or_else(|| "istio-system".to_owned());
        let plan = plan(&version, namespace, &todo, usize::from(args.wave));
        match perform(&cluster, &plan, &args.perform.with_restarts()).await? {
            Ended::Done => Ok(Exit::Done),
            Ended::Drifted(error) => Err(Error::Refused(error.into())),
        }
    })
}

/// The version that runs, and the workloads whose proxies are older.
async fn stale(cluster: &Cluster, args: &Args) -> Result<(String, Vec<Restart>), Error> {
    let request = istio_planner::Request {
        namespace: args.namespace.clone(),
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
    let outcome = planning::plan(request, snapshot, &args.target.places(), None);
    Ok((version, outcome.restarts))
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
fn plan(version: &str, namespace: String, todo: &[Restart], wave: usize) -> Plan {
    let steps = todo
        .chunks(wave)
        .enumerate()
        .map(|(number, chunk)| Step {
            id: format!("restart-{}", number + 1),
            title: format!(
                "Renew the proxies of {} workloads (wave {})",
                chunk.len(),
                number + 1
            ),
            component: None,
            actions: chunk
                .iter()
                .map(|it| Action::Restart {
                    object: it.object.clone(),
                    how: it.how,
                    pods: it.pods,
                    to: it.to.clone(),
                })
                .collect(),
            waits: chunk.iter().filter_map(wait).collect(),
        })
        .collect();
    Plan {
        // Every run is its own: restarting again later is meant.
        id: format!("restart-{}", Timestamp::now().as_millisecond()),
        source: Some(version.to_owned()),
        target: version.to_owned(),
        direction: None,
        namespace,
        forced: false,
        steps,
    }
}

fn wait(restart: &Restart) -> Option<Wait> {
    let object = restart.object.clone();
    match object.kind.as_str() {
        "Deployment" => Some(Wait::Deployment { object }),
        "DaemonSet" => Some(Wait::DaemonSet { object }),
        "StatefulSet" => Some(Wait::StatefulSet { object }),
        _ => None,
    }
}
