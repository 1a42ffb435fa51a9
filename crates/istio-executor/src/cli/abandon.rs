//! `refit abandon`: gives up an upgrade that was begun, and leaves the cluster as it is.

use std::sync::Arc;

use clap::Args as ClapArgs;

use super::connection::{Connection, ControlPlane, block_on};
use super::perform::Perform;
use super::{Error, Exit};
use crate::interruption::Interruption;
use crate::journal::progress;
use crate::lease::Lease;
use crate::output;
use crate::run::resume::{self, unfinished};
use crate::run::{Session, Work, release, take_lease};

/// The arguments of `refit abandon`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    plane: ControlPlane,

    #[command(flatten)]
    perform: Perform,

    /// Skip the confirmation
    #[arg(short = 'y', long = "skip-confirmation")]
    yes: bool,

    /// The upgrade that another machine ran and that is given up unasked (with -y), as refit history names it
    #[arg(long, value_name = "ID")]
    resume_from_cluster: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    if !args.yes {
        output::can_ask()?;
    }
    block_on(async {
        let cluster = Arc::new(args.connection.connect().await?);
        args.perform.begin(&cluster);
        let interruption = Interruption::listen();
        let lease = interruption
            .unless_asked(take_lease(&cluster, &args.plane.namespace))
            .await?;
        let ended = give_up(args, &lease, &interruption).await;
        release(lease).await;
        ended
    })
}

async fn give_up(args: &Args, lease: &Lease, interruption: &Interruption) -> Result<Exit, Error> {
    let options = args.perform.options();
    let namespace = &args.plane.namespace;
    let begun = unfinished(lease.writer(), namespace, &options.folder).await?;
    let Some(begun) = begun else {
        output::note("nothing was begun here that is not done");
        return Ok(Exit::Done);
    };
    if progress(&begun.records).rolling_back {
        return Err(Error::refused(
            "the upgrade is being rolled back: go on with `refit rollback`",
        ));
    }
    output::say(&resume::told(&begun, lease.writer()));
    if args.yes {
        let named = args.resume_from_cluster.as_deref();
        resume::may_adopt(&options.folder, &begun.plan.id, named)?;
    } else {
        output::ask(
            "Give it up, and leave the cluster as it is now?",
            interruption,
        )
        .await?;
    }
    let session = Session::open(lease, namespace, interruption, &options).await?;
    Work::begun(&session, &begun)?.give_up().await?;
    output::note("it is given up: `refit rollback` still puts back what it changed");
    Ok(Exit::Done)
}
