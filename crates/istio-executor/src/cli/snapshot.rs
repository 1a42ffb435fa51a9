//! `refit snapshot`: reads from the cluster what a plan needs.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::connection::{Connection, block_on};
use super::{Error, Exit};
use crate::{output, snapshot};

/// The arguments of `refit snapshot`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(flatten)]
    connection: Connection,

    /// A folder, or an archive if it ends in .tar.gz
    #[arg(
        short,
        long,
        value_name = "DIR|FILE.tar.gz",
        default_value = "export.tar.gz"
    )]
    output: PathBuf,

    /// Prints the lines that read the same with kubectl, and reads nothing
    #[arg(long)]
    print_kubectl: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let requirement = istio_planner::required(&istio_planner::Request::default());
    if args.print_kubectl {
        output::print(&requirement.commands.join("\n"))?;
        return Ok(Exit::Done);
    }
    let files = block_on(async {
        let cluster = args.connection.connect().await?;
        Ok(snapshot::save(&cluster, &requirement, &args.output).await?)
    })?;
    output::note(&format!(
        "{files} kinds written to {}",
        args.output.display()
    ));
    Ok(Exit::Done)
}
