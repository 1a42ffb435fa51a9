//! `refit rollback`: puts back what an upgrade changed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args as ClapArgs;

use super::connection::{Connection, ControlPlane, block_on};
use super::perform::{Chain, Format, duration, kept_plan, plan_of, release, take_lease};
use super::{Error, Exit};
use crate::cluster::Cluster;
use crate::interruption::Interruption;
use crate::journal::{self, Journal, Record, copy, progress};
use crate::lease::Lease;
use crate::output;

/// The arguments of `refit rollback`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    plane: ControlPlane,

    /// The plan to put back, where it is not the last one; its journal has to be on this machine
    #[arg(long, value_name = "ID")]
    plan: Option<String>,

    /// How long a component that was put back may take to become ready
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    readiness_timeout: Duration,

    /// Does not ask
    #[arg(short = 'y', long = "skip-confirmation")]
    yes: bool,

    /// Folder of journals
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,

    /// How to tell what happens
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    block_on(async {
        let cluster = Arc::new(args.connection.connect().await?);
        let lease = take_lease(&cluster, &args.plane.namespace).await?;
        let ended = put_back(&cluster, args, &lease).await;
        release(lease).await;
        ended
    })
}

async fn put_back(cluster: &Arc<Cluster>, args: &Args, lease: &Lease) -> Result<Exit, Error> {
    let folder = journal::folder(args.journal.as_deref());
    let found = copy::load(cluster, &args.plane.namespace).await?;
    let (plan, copied, predecessors) = match (found, &args.plan) {
        (Some(found), plan) if plan.as_ref().is_none_or(|it| *it == found.plan_id) => {
            let plan = plan_of(&found, args.journal.as_deref())?;
            (plan, found.records, found.predecessors)
        }
        (Some(found), Some(id)) if progress(&found.records).is_open() => {
            return Err(Error::Refused(anyhow::anyhow!(
                "the plan {} was begun after {id} and is not done: it has to be put back first",
                found.plan_id
            )));
        }
        (_, Some(id)) => (kept_plan(&folder, id)?, Vec::new(), Vec::new()),
        (_, None) => {
            return Err(Error::usage(format!(
                "refit has upgraded nothing in {}",
                args.plane.namespace
            )));
        }
    };
    let mut journal = Journal::open(&folder, &plan.id)?;
    journal.adopt(copied)?;
    let done = |records: &[Record]| progress(records).rolled_back;
    if done(journal.records()) && predecessors.iter().all(|it| done(&it.1)) {
        output::note("it is put back already");
        return Ok(Exit::Done);
    }
    let source = plan.source.as_deref().unwrap_or("what was before");
    let question = format!("Put back {source}, which was upgraded to {}?", plan.target);
    if !args.yes && !output::confirm(&question) {
        return Err(Error::Refused(anyhow::anyhow!(
            "cancelled, nothing was changed"
        )));
    }
    let interruption = Interruption::listen();
    Chain {
        cluster,
        lease,
        folder: &folder,
        narrate: &|| args.output.narrator(),
        readiness: args.readiness_timeout,
        interruption: &interruption,
    }
    .put_back(&plan, journal, &predecessors)
    .await?;
    Ok(Exit::Done)
}
