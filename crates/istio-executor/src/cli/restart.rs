//! `refit restart`: restarts the proxies of workloads that run old ones.

use std::sync::Arc;
use std::time::Duration;

use clap::Args as ClapArgs;
use istio_planner::dataplane::Share;
use istio_planner::order::pacing::Window;
use istio_planner::plan::Plan;

use super::connection::{AnyControlPlane, Connection, block_on};
use super::duration::duration;
use super::format::Format;
use super::gates::Watch;
use super::perform::Perform;
use super::target::Target;
use super::{Error, Exit};
use crate::cluster::{Cluster, name};
use crate::interruption::Interruption;
use crate::output;
use crate::release::Places;
use crate::run::restarts::{Stale, Wish};
use crate::run::resume::unfinished_restart;
use crate::run::{Ended, Options, Predecessors, perform};

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

    #[command(flatten)]
    watch: Watch,

    /// Workloads that are restarted at the same time: a number, or a percentage of all
    #[arg(long, value_name = "N|P%", default_value = "5")]
    wave: Share,

    /// Restarts workloads with the same value of this label together, instead of those of a namespace
    #[arg(long, value_name = "LABEL")]
    by_label: Option<String>,

    /// Pause between two waves
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pause: Duration,

    /// Pods of one workload that may be away at the same time where they are restarted pod by pod: a number, or a percentage
    #[arg(long, value_name = "N|P%", default_value = "1")]
    max_unavailable: Share,

    /// When no wave begins, in UTC: "Mon-Fri 08:00-18:00", "Sat,Sun", "22:00-06:00"; may be given more than once
    #[arg(long, value_name = "WINDOW", value_parser = window)]
    freeze: Vec<String>,

    #[command(flatten)]
    plane: AnyControlPlane,

    /// Skip the confirmation
    #[arg(short = 'y', long = "skip-confirmation")]
    yes: bool,

    /// Lists the workloads and restarts none
    #[arg(long)]
    dry_run: bool,
}

impl Args {
    fn wish(&self) -> Wish {
        Wish {
            namespace: self.plane.namespace.clone(),
            workloads: self.workloads.clone(),
            wave: self.wave,
            by_label: self.by_label.clone(),
            pause: self.pause,
            max_unavailable: self.max_unavailable,
            freeze: self.freeze.clone(),
        }
    }
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    if !args.yes && !args.dry_run {
        output::can_ask()?;
    }
    let wish = args.wish();
    let options = Options {
        gates: args.watch.gating()?,
        ..args.perform.options()
    };
    block_on(async {
        let cluster = Arc::new(args.connection.connect().await?);
        args.perform.begin(&cluster);
        let interruption = Interruption::listen();
        if !args.dry_run
            && let Some(begun) =
                unfinished_restart(&cluster, wish.namespace(), &options.folder).await?
        {
            output::note("going on with the restart that was begun");
            return renew(&cluster, &begun.plan, &options, &interruption).await;
        }
        let places = args.target.places();
        let proposed = propose(&cluster, &wish, &places, args.perform.output);
        let Some(found) = interruption.unless_asked(proposed).await? else {
            return Ok(Exit::Done);
        };
        if args.dry_run {
            return Ok(Exit::Done);
        }
        if !args.yes {
            let question = format!(
                "Restart {} workloads on {}?",
                found.todo.len(),
                cluster.name().unwrap_or("the cluster")
            );
            output::ask(&question, &interruption).await?;
        }
        renew(&cluster, &wish.plan(&found), &options, &interruption).await
    })
}

/// Finds the workloads that are to be restarted and lists them; nothing where there are none.
pub(super) async fn propose(
    cluster: &Cluster,
    wish: &Wish,
    places: &Places,
    format: Format,
) -> Result<Option<Stale>, Error> {
    let found = wish.find(cluster, places).await?;
    for it in &found.left {
        output::note(&format!(
            "{} is left alone ({})",
            name(&it.object),
            it.reason
        ));
    }
    if found.todo.is_empty() {
        output::note("no workload is to be restarted");
        return Ok(None);
    }
    for it in &found.todo {
        let line = format!("{} ({} pods, {})", name(&it.object), it.pods, it.reason);
        // Records are the only result that a program gets.
        format.say(&line)?;
    }
    Ok(Some(found))
}

async fn renew(
    cluster: &Arc<Cluster>,
    plan: &Plan,
    options: &Options,
    interruption: &Interruption,
) -> Result<Exit, Error> {
    match perform(cluster, plan, options, &Predecessors::new(), interruption).await? {
        Ended::Done => Ok(Exit::Done),
        Ended::Drifted(error, _) => Err(Error::Refused(error.into())),
    }
}

/// A window as it was typed, if it is one.
fn window(text: &str) -> Result<String, String> {
    text.parse::<Window>().map(|_| text.to_owned())
}
