//! `refit apply`: performs a saved plan, or goes on with one that was begun.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args as ClapArgs;
use istio_planner::outcome::{Outcome, Verdict};
use istio_planner::plan::Plan;
use serde_json::Value;

use super::connection::{Connection, block_on};
use super::perform::{Ended, Perform, perform, unfinished};
use super::{Error, Exit};
use crate::output;

/// The arguments of `refit apply`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// What refit plan --out wrote
    #[arg(required_unless_present = "resume", conflicts_with = "resume")]
    plan: Option<PathBuf>,

    /// Goes on with the plan that was begun on this cluster
    #[arg(long)]
    resume: bool,

    /// The namespace of the control plane, to find the plan that was begun
    #[arg(
        short = 'i',
        long = "istio-namespace",
        alias = "istioNamespace",
        default_value = "istio-system"
    )]
    namespace: String,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    perform: Perform,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let saved = args.plan.as_ref().map(read).transpose()?;
    block_on(async {
        let cluster = Arc::new(args.connection.connect().await?);
        let plan = if let Some(plan) = saved {
            plan
        } else {
            let folder = args.perform.journal.as_deref();
            let Some((plan, _)) = unfinished(&cluster, &args.namespace, folder).await? else {
                output::note("nothing was begun here that is not done");
                return Ok(Exit::Done);
            };
            plan
        };
        match perform(&cluster, &plan, &args.perform).await? {
            Ended::Done => Ok(Exit::Done),
            Ended::Drifted(error) => Err(Error::Refused(error.into())),
        }
    })
}

/// Reads a plan, or the outcome that holds one.
fn read(path: &PathBuf) -> Result<Plan, Error> {
    let name = path.display();
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read {name}"))
        .map_err(Error::Usage)?;
    let value: Value = serde_json::from_str(&text)
        .with_context(|| format!("{name} is no JSON"))
        .map_err(Error::Usage)?;
    if value.get("schema").is_none() {
        return serde_json::from_value(value)
            .with_context(|| format!("{name} is no plan"))
            .map_err(Error::Usage);
    }
    let outcome: Outcome = serde_json::from_value(value)
        .with_context(|| format!("{name} is no outcome"))
        .map_err(Error::Usage)?;
    if outcome.verdict == Verdict::Blocked && !outcome.plan.as_ref().is_some_and(|it| it.forced) {
        return Err(Error::Refused(anyhow::anyhow!(
            "the plan in {name} is blocked"
        )));
    }
    outcome
        .plan
        .ok_or_else(|| Error::Refused(anyhow::anyhow!("{name} holds no plan")))
}
