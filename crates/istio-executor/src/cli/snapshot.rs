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

    /// Exit with 0 although kinds are missing that a plan reads
    #[arg(long)]
    allow_missing: bool,

    /// Prints the lines that read the same with kubectl, and reads nothing
    #[arg(long)]
    print_kubectl: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let requirement = istio_planner::required(&istio_planner::Request::default());
    if args.print_kubectl {
        output::print(&requirement.commands.lines().join("\n"))?;
        return Ok(Exit::Done);
    }
    let saved = block_on(async {
        let cluster = args.connection.connect().await?;
        Ok(snapshot::save(&cluster, &requirement, &args.output).await?)
    })?;
    let path = args.output.display();
    if saved.missing.is_empty() {
        output::note(&format!("{} files written to {path}", saved.files));
        return Ok(Exit::Done);
    }
    let kinds: Vec<&str> = saved.missing.iter().map(|it| it.kind.as_str()).collect();
    output::warning(&format!(
        "{} files written to {path}; not read: {}. A plan will call what depends on them unknown. `refit rbac --read-only` \
         prints the role that reads them",
        saved.files,
        kinds.join(", ")
    ));
    Ok(if args.allow_missing {
        Exit::Done
    } else {
        Exit::Unknown
    })
}
