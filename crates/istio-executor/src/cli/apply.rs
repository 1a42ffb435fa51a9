//! `refit apply`: performs a saved plan, or goes on with one that was begun.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args as ClapArgs;
use flate2::read::GzDecoder;
use istio_planner::outcome::{Outcome, Verdict};
use istio_planner::plan::Plan;
use serde_json::Value;

use super::check_images::CheckImages;
use super::connection::{Connection, ControlPlane, block_on};
use super::perform::Forward;
use super::upgrade::drifted;
use super::{Error, Exit};
use crate::cluster::Cluster;
use crate::interruption::Interruption;
use crate::journal::progress;
use crate::output;
use crate::rehearsal::rehearse;
use crate::run::resume::{self, genuine, unfinished, unfinished_restart};
use crate::run::{Ended, Predecessors, perform};

/// No plan unpacks to more.
const UNPACKED: u64 = 256 << 20;

/// The arguments of `refit apply`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// What refit plan --out wrote
    #[arg(required_unless_present = "resume", conflicts_with = "resume")]
    plan: Option<PathBuf>,

    /// Goes on with the plan that was begun on this cluster
    #[arg(long)]
    resume: bool,

    #[command(flatten)]
    plane: ControlPlane,

    /// The plan that another machine began and that is gone on with, as refit history names it
    #[arg(long, value_name = "ID", requires = "resume")]
    resume_from_cluster: Option<String>,

    /// Asks the API server what it says to each write, and changes nothing
    #[arg(long)]
    dry_run: bool,

    /// Performs a plan although evidence is missing (verdict unknown)
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    forward: Forward,

    #[command(flatten)]
    images: CheckImages,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let saved = args
        .plan
        .as_ref()
        .map(|it| read(it, args.force))
        .transpose()?;
    let options = args.forward.options()?;
    block_on(async {
        let cluster = Arc::new(args.connection.connect().await?);
        args.forward.perform.begin(&cluster);
        let interruption = Interruption::listen();
        let plan = if let Some(plan) = saved {
            plan
        } else {
            let folder = &options.folder;
            let found = async {
                match unfinished(&cluster, &args.plane.namespace, folder).await? {
                    Some(begun) => Ok(Some(begun)),
                    None => unfinished_restart(&cluster, &args.plane.namespace, folder).await,
                }
            };
            let begun = interruption.unless_asked(found).await?;
            let Some(begun) = begun else {
                output::note("nothing was begun here that is not done");
                return Ok(Exit::Done);
            };
            output::say(&resume::told(&begun, &cluster));
            if !args.dry_run {
                let named = args.resume_from_cluster.as_deref();
                resume::may_adopt(folder, &begun.plan.id, named)?;
            }
            begun.plan
        };
        interruption
            .unless_asked(resume::is_meant(&cluster, &plan))
            .await?;
        if args.dry_run {
            return rehearsed(&cluster, &plan).await;
        }
        if let Some(exit) = args
            .images
            .stops(&plan, &cluster, args.force, &interruption)
            .await?
        {
            return Ok(exit);
        }
        let none = Predecessors::new();
        match perform(&cluster, &plan, &options, &none, &interruption).await? {
            Ended::Done => Ok(Exit::Done),
            Ended::Drifted(error, records) => {
                let begun = !progress(&records).begun.is_empty();
                Err(drifted(&error, begun, &plan.target))
            }
        }
    })
}

async fn rehearsed(cluster: &Cluster, plan: &Plan) -> Result<Exit, Error> {
    let rehearsal = rehearse(cluster, plan, None).await?;
    if rehearsal.forbidden {
        return Err(Error::refused(
            "the API server was not asked: these rights only read (refit rbac prints those that perform)",
        ));
    }
    for line in rehearsal.lines() {
        output::print(&line)?;
    }
    output::note(&format!(
        "{} writes accepted, {} refused; nothing was changed",
        rehearsal.accepted,
        rehearsal.refused.len()
    ));
    Ok(if rehearsal.refused.is_empty() {
        Exit::Done
    } else {
        Exit::Refused
    })
}

/// Reads a plan, or the outcome that holds one.
pub(super) fn read(path: &Path, force: bool) -> Result<Plan, Error> {
    let name = path.display();
    let bytes = fs::read(path)
        .and_then(unpacked)
        .with_context(|| format!("cannot read {name}"))
        .map_err(Error::Usage)?;
    let value: Value = serde_json::from_slice(&bytes)
        .with_context(|| format!("{name} is no JSON"))
        .map_err(Error::Usage)?;
    if value.get("schema").is_none() {
        let plan = serde_json::from_value(value)
            .with_context(|| format!("{name} is no plan"))
            .map_err(Error::Usage)?;
        return genuine(plan);
    }
    if value["schema"] != istio_planner::outcome::SCHEMA {
        return Err(Error::usage(format!(
            "{name} is of schema {}, and this refit reads {}",
            value["schema"],
            istio_planner::outcome::SCHEMA
        )));
    }
    let outcome: Outcome = serde_json::from_value(value)
        .with_context(|| format!("{name} is no outcome"))
        .map_err(Error::Usage)?;
    if outcome.verdict == Verdict::Blocked && !outcome.plan.as_ref().is_some_and(|it| it.forced) {
        return Err(Error::Refused(anyhow::anyhow!(
            "the plan in {name} is blocked"
        )));
    }
    if outcome.verdict == Verdict::Unknown && !force {
        return Err(Error::Refused(anyhow::anyhow!(
            "the plan in {name} lacks evidence (verdict unknown): see its findings, or perform it all the same with --force"
        )));
    }
    let plan = outcome
        .plan
        .ok_or_else(|| Error::Refused(anyhow::anyhow!("{name} holds no plan")))?;
    genuine(plan)
}

/// A file may be packed with gzip, as in the ConfigMap of `refit job`.
fn unpacked(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut text = Vec::new();
    GzDecoder::new(bytes.as_slice())
        .take(UNPACKED)
        .read_to_end(&mut text)?;
    Ok(text)
}
