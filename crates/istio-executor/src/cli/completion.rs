//! `refit completion`: completion scripts for shells.

use clap::{Args as ClapArgs, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Error, Exit};
use crate::output;

/// The arguments of `refit completion`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The shell to complete for
    shell: Shell,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut super::help::dressed(Cli::command()),
        "refit",
        &mut script,
    );
    output::print_bytes(&script)?;
    Ok(Exit::Done)
}
