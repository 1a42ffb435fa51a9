//! `refit rollback`: puts back what an upgrade changed.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args as ClapArgs;

use super::connection::{Connection, block_on};
use super::perform::{Format, plan_of, put_back};
use super::{Error, Exit};
use crate::journal::{self, Journal, copy, progress};
use crate::output;

/// The arguments of `refit rollback`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(flatten)]
    connection: Connection,

    /// The namespace of the control plane
    #[arg(
        short = 'i',
        long = "istio-namespace",
        alias = "istioNamespace",
        default_value = "istio-system"
    )]
    namespace: String,

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
        let Some(found) = copy::load(&cluster, &args.namespace).await? else {
            return Err(Error::usage(format!(
                "refit has upgraded nothing in {}",
                args.namespace
            )));
        };
        let plan = plan_of(&found, args.journal.as_deref())?;
        let mut journal = Journal::open(&journal::folder(args.journal.as_deref()), &plan.id)?;
        if journal.records().is_empty() {
            journal.adopt(found.records)?;
        }
        if progress(journal.records()).rolled_back {
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
        put_back(&cluster, &plan, &mut journal, args.output).await?;
        Ok(Exit::Done)
    })
}
