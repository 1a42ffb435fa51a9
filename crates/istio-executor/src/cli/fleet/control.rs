//! `refit fleet stop`, `resume`, `rollback`: a fleet is held and let go by its Jobs.

use clap::Args as ClapArgs;

use super::super::connection::block_on;
use super::super::{Error, Exit};
use super::Chosen;
use super::job::check;
use crate::cluster::Cluster;
use crate::fleet::control::{Change, again, back, make, resume, stop};
use crate::fleet::found::Found;
use crate::interruption::Interruption;
use crate::output;

/// The arguments of `refit fleet stop`.
#[derive(Debug, ClapArgs)]
pub(super) struct StopArgs {
    #[command(flatten)]
    fleet: Chosen,

    /// Skip the confirmation
    #[arg(short = 'y', long = "skip-confirmation")]
    yes: bool,
}

/// The arguments of `refit fleet resume`.
#[derive(Debug, ClapArgs)]
pub(super) struct ResumeArgs {
    /// Clusters that failed and are tried again; without one, the fleet is started or goes on
    clusters: Vec<String>,

    #[command(flatten)]
    fleet: Chosen,

    /// How many clusters may fail from now on
    #[arg(long, value_name = "N", conflicts_with = "clusters")]
    max_failures: Option<usize>,

    /// Skip the confirmation
    #[arg(short = 'y', long = "skip-confirmation")]
    yes: bool,
}

/// The arguments of `refit fleet rollback`.
#[derive(Debug, ClapArgs)]
pub(super) struct RollbackArgs {
    /// Clusters that are rolled back
    #[arg(required = true)]
    clusters: Vec<String>,

    #[command(flatten)]
    fleet: Chosen,

    /// Skip the confirmation
    #[arg(short = 'y', long = "skip-confirmation")]
    yes: bool,

    /// Arguments of refit rollback, after --
    #[arg(last = true, value_name = "ARGUMENTS")]
    arguments: Vec<String>,
}

pub(super) fn run_rollback(args: &RollbackArgs) -> Result<Exit, Error> {
    check("rollback", &args.arguments)?;
    changed(&args.fleet, args.yes, |found| {
        Ok(vec![back(found, &args.clusters, &args.arguments)?])
    })
}

pub(super) fn run_stop(args: &StopArgs) -> Result<Exit, Error> {
    changed(&args.fleet, args.yes, |found| Ok(stop(found)))
}

pub(super) fn run_resume(args: &ResumeArgs) -> Result<Exit, Error> {
    changed(&args.fleet, args.yes, |found| {
        if args.clusters.is_empty() {
            return resume(found, args.max_failures);
        }
        Ok(vec![again(found, &args.clusters)?])
    })
}

/// Shows what is to be written, asks, and writes it.
pub(super) fn changed(
    fleet: &Chosen,
    yes: bool,
    plan: impl Fn(&Found) -> Result<Vec<Change>, Error>,
) -> Result<Exit, Error> {
    if !yes {
        output::can_ask()?;
    }
    block_on(async {
        let cluster: Cluster = fleet.connect().await?;
        let interruption = Interruption::listen();
        let found = interruption.unless_asked(fleet.find(&cluster)).await?;
        let changes = plan(&found)?;
        if changes.is_empty() {
            output::note("there is nothing to do");
            return Ok(Exit::Done);
        }
        if !yes {
            for it in &changes {
                output::say(&it.words());
            }
            let question = format!("Change fleet {} in {}?", found.id, found.namespace);
            output::ask(&question, &interruption).await?;
        }
        make(&cluster, &changes).await?;
        Ok(Exit::Done)
    })
}
