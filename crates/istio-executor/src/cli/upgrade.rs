//! `refit upgrade`: snapshot, plan, show, ask, perform.

use std::sync::Arc;

use clap::Args as ClapArgs;
use istio_planner::outcome::{Outcome, Verdict};
use istio_planner::plan::{Action, Plan};

use super::connection::{Connection, block_on};
use super::perform::{Begun, Ended, Format, Perform, Predecessors, perform, unfinished};
use super::request::{Meant, Prune, Request};
use super::target::Target;
use super::{Error, Exit};
use crate::cluster::{self, Cluster};
use crate::journal::progress;
use crate::rehearsal::rehearse;
use crate::release::Places;
use crate::{apply, output, planning, snapshot};

/// How often a cluster that keeps changing is planned for again.
const REPLANS: usize = 3;

/// The arguments of `refit upgrade`. Flags of istioctl upgrade mean what they mean there.
#[derive(Debug, ClapArgs)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags are booleans, each of its own"
)]
pub(super) struct Args {
    /// The version to go to, for example 1.30.3
    #[arg(long, value_name = "VERSION")]
    to: String,

    #[command(flatten)]
    request: Request,

    #[command(flatten)]
    prune: Prune,

    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    perform: Perform,

    #[command(flatten)]
    meant: Meant,

    /// Does not ask
    #[arg(short = 'y', long = "skip-confirmation")]
    yes: bool,

    /// Goes on although a finding blocks
    #[arg(long)]
    force: bool,

    /// Shows the plan and what the API server says to it, and changes nothing
    #[arg(long)]
    dry_run: bool,

    /// Plans again afterwards and says what is not as asked for
    #[arg(long)]
    verify: bool,

    /// Plans again where the cluster changed since the plan was made
    #[arg(long)]
    replan: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    let request = istio_planner::Request {
        to: args.to.clone(),
        files: args.request.planner_files()?,
        sets: args.request.sets.clone(),
        revision: args.meant.revision.clone(),
        namespace: args.meant.plane.namespace.clone(),
        from: None,
        force: args.force,
        predicted: false,
        prune: args.prune.named.clone(),
        prune_orphans: args.prune.orphans,
    };
    block_on(async {
        let cluster = Arc::new(args.connection.connect().await?);
        if args.dry_run {
            return dry_run(&cluster, request, args).await;
        }
        let namespace = args
            .meant
            .plane
            .namespace
            .as_deref()
            .unwrap_or("istio-system");
        let folder = args.perform.journal.as_deref();
        // An upgrade that stopped half-way comes first: planning from such a state would take it for what the user had.
        let mut begun = unfinished(&cluster, namespace, folder).await?;
        let mut predecessors = Predecessors::new();
        for attempt in 1.. {
            let plan = match begun.take() {
                Some(begun) => go_on(begun, args)?,
                None => match propose(&cluster, &request, args).await? {
                    Proposal::Plan(plan) => *plan,
                    Proposal::End(exit) => return Ok(exit),
                },
            };
            match perform(&cluster, &plan, &args.perform, &predecessors).await? {
                Ended::Done => break,
                Ended::Drifted(error, records) if args.replan && attempt <= REPLANS => {
                    output::warning(&format!("{error}\nplanning again"));
                    // What was done of it has to be put back too, should it come to that.
                    if !progress(&records).begun.is_empty() {
                        predecessors.insert(0, (plan, records));
                    }
                }
                Ended::Drifted(error, _) => return Err(Error::Refused(error.into())),
            }
        }
        if args.verify {
            verify(&cluster, &request, args).await
        } else {
            Ok(Exit::Done)
        }
    })
}

/// What became of planning.
enum Proposal {
    /// The user wants it.
    Plan(Box<Plan>),
    /// There is nothing to perform.
    End(Exit),
}

/// Plans, shows, asks.
async fn propose(
    cluster: &Cluster,
    request: &istio_planner::Request,
    args: &Args,
) -> Result<Proposal, Error> {
    let outcome = plan(cluster, request, args).await?;
    if args.perform.output == Format::Text {
        output::print(&super::plan::text(&outcome, false))?;
    }
    let plan = match outcome.plan {
        Some(plan) if outcome.verdict == Verdict::Clear || args.force => plan,
        _ => return Ok(Proposal::End(exit(outcome.verdict))),
    };
    if !args.yes && !output::confirm(&format!("Proceed to Istio {}?", plan.target)) {
        return Err(cancelled());
    }
    Ok(Proposal::Plan(Box::new(plan)))
}

/// Shows the plan, and what the API server says to each of its writes.
async fn dry_run(
    cluster: &Cluster,
    request: istio_planner::Request,
    args: &Args,
) -> Result<Exit, Error> {
    let request = istio_planner::Request {
        predicted: true,
        ..request
    };
    let outcome = plan(cluster, &request, args).await?;
    match args.perform.output {
        Format::Text => output::print(&super::plan::text(&outcome, false))?,
        Format::Json => output::print(&serde_json::to_string_pretty(&outcome)?)?,
    }
    let Some(plan) = &outcome.plan else {
        return Ok(exit(outcome.verdict));
    };
    let rehearsal = rehearse(cluster, plan, Some(&outcome)).await?;
    for line in rehearsal.lines() {
        output::warning(&line);
    }
    output::note(&format!(
        "the API server was asked about each write: {} accepted, {} refused, {} not asked; nothing was changed",
        rehearsal.accepted,
        rehearsal.refused.len(),
        rehearsal.unasked.len()
    ));
    if rehearsal.refused.is_empty() {
        Ok(exit(outcome.verdict))
    } else {
        Ok(Exit::Refused)
    }
}

pub(super) fn cancelled() -> Error {
    Error::Refused(anyhow::anyhow!("cancelled, nothing was changed"))
}

/// Goes on with what was begun, if that is what was asked for.
fn go_on(begun: Begun, args: &Args) -> Result<Plan, Error> {
    let plan = resumable(begun, &args.to)?;
    let question = format!(
        "An upgrade to Istio {} was begun and is not done. Go on with it?",
        plan.target
    );
    if !args.yes && !output::confirm(&question) {
        return Err(cancelled());
    }
    output::note(&format!(
        "going on with the upgrade to Istio {} that was begun",
        plan.target
    ));
    Ok(plan)
}

/// Returns the plan that was begun, if going on with it leads to the version that is asked for.
pub(super) fn resumable(begun: Begun, to: &str) -> Result<Plan, Error> {
    let plan = begun.plan;
    if progress(&begun.records).rolling_back {
        return Err(Error::Refused(anyhow::anyhow!(
            "an upgrade to Istio {} is being put back: go on with `refit rollback`",
            plan.target
        )));
    }
    if plan.target != to.trim_start_matches('v') {
        return Err(Error::Refused(anyhow::anyhow!(
            "an upgrade to Istio {} was begun and is not done: go on with `refit apply --resume`, or put it back with \
             `refit rollback`",
            plan.target
        )));
    }
    Ok(plan)
}

async fn plan(
    cluster: &Cluster,
    request: &istio_planner::Request,
    args: &Args,
) -> Result<Outcome, Error> {
    outcome(cluster, request, &args.target.places()).await
}

/// Reads the cluster as it is now, and plans.
pub(super) async fn outcome(
    cluster: &Cluster,
    request: &istio_planner::Request,
    places: &Places,
) -> Result<Outcome, Error> {
    let snapshot = snapshot::take(cluster, &istio_planner::required(request)).await?;
    Ok(planning::plan(request.clone(), snapshot, places, None))
}

/// Plans once more and asks the API server what each write would change now: nothing, after an upgrade.
///
/// The plan's writes are asked about, not its list of changes: that one tells what istioctl would do, and a write here
/// leaves a validating webhook's policy alone (domain §11, F-7).
async fn verify(
    cluster: &Cluster,
    request: &istio_planner::Request,
    args: &Args,
) -> Result<Exit, Error> {
    let request = istio_planner::Request {
        force: true,
        ..request.clone()
    };
    let Some(plan) = plan(cluster, &request, args).await?.plan else {
        return Err(Error::Failed(anyhow::anyhow!(
            "nothing can be planned any more, so nothing is verified"
        )));
    };
    let mut left = 0;
    for action in plan.steps.iter().flat_map(|it| &it.actions) {
        if matches!(action, Action::Restart { .. }) {
            continue;
        }
        let object = apply::object(action);
        let live = cluster.get(&object).await?;
        if !apply::is_done(cluster, action, None, live.as_ref()).await? {
            output::warning(&format!("{} is not as asked for", cluster::name(&object)));
            left += 1;
        }
    }
    if left > 0 {
        return Err(Error::Failed(anyhow::anyhow!(
            "{left} objects are not as asked for"
        )));
    }
    output::note("verified: everything is as asked for");
    Ok(Exit::Done)
}

fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Clear => Exit::Done,
        Verdict::Blocked => Exit::Refused,
        Verdict::Unknown => Exit::Unknown,
    }
}
