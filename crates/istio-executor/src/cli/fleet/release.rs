//! `refit fleet release`: what the Job of a fleet runs that lets its waves go.

use std::time::Duration;

use clap::Args as ClapArgs;

use super::super::connection::{Connection, block_on};
use super::super::duration::duration;
use super::super::{Error, Exit};
use crate::fleet::release::{Order, release};
use crate::interruption::Interruption;

/// The arguments of `refit fleet release`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The fleet, as refit fleet status names it
    fleet: String,

    /// How many waves it has
    #[arg(long, value_name = "N")]
    waves: usize,

    /// How long a wave is watched after its end before the next is released
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    soak: Duration,

    /// How many clusters may fail
    #[arg(long, value_name = "N", default_value_t = 0)]
    max_failures: usize,

    /// The namespace in the management cluster
    #[arg(short, long, default_value = "refit")]
    namespace: String,

    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    block_on(async {
        let cluster = args.connection.connect().await?;
        let interruption = Interruption::listen();
        let order = Order {
            id: args.fleet.clone(),
            namespace: args.namespace.clone(),
            waves: args.waves,
            soak: args.soak,
            may_fail: args.max_failures,
        };
        release(&cluster, &order, &interruption).await?;
        Ok(Exit::Done)
    })
}
