//! `refit upgrade`: snapshot, plan, show, ask, perform.

use std::sync::Arc;

use clap::Args as ClapArgs;
use istio_planner::outcome::{Outcome, Verdict};
use istio_planner::plan::{Action, Plan};

use super::connection::{Connection, block_on};
use super::perform::{Ended, Format, Perform, perform, unfinished};
use super::request::{Prune, Request};
use super::target::Target;
use super::{Error, Exit};
use crate::cluster::{self, Cluster};
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

    /// The namespace of the control plane
    #[arg(
        short = 'i',
        long = "istio-namespace",
        alias = "istioNamespace",
        value_name = "NAMESPACE"
    )]
    namespace: Option<String>,

    /// The revision that is asked for
    #[arg(short, long)]
    revision: Option<String>,

    /// Does not ask
    #[arg(short = 'y', long = "skip-confirmation")]
    yes: bool,

    /// Goes on although a finding blocks
    #[arg(long)]
    force: bool,

    /// Shows the plan and changes nothing
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
        revision: args.revision.clone(),
        namespace: args.namespace.clone(),
        from: None,
        force: args.force,
        predicted: false,
        prune: args.prune.named.clone(),
        prune_orphans: args.prune.orphans,
    };
    block_on(async {
        let cluster = Arc::new(args.connection.connect().await?);
        let namespace = args.namespace.as_deref().unwrap_or("istio-system");
        if !args.dry_run
            && let Some((plan, _)) =
                unfinished(&cluster, namespace, args.perform.journal.as_deref()).await?
        {
            return go_on(&cluster, &plan, args).await;
        }
        for attempt in 1.. {
            let outcome = plan(&cluster, &request, args).await?;
            if args.perform.output == Format::Text || args.dry_run {
                output::print(&super::plan::text(&outcome, false))?;
            }
            let plan = match outcome.plan {
                _ if args.dry_run => return Ok(exit(outcome.verdict)),
                Some(plan) if outcome.verdict == Verdict::Clear || args.force => plan,
                _ => return Ok(exit(outcome.verdict)),
            };
            if !args.yes && !output::confirm(&format!("Proceed to Istio {}?", plan.target)) {
                return Err(Error::Refused(anyhow::anyhow!(
                    "cancelled, nothing was changed"
                )));
            }
            match perform(&cluster, &plan, &args.perform).await? {
                Ended::Done => break,
                Ended::Drifted(error) if args.replan && attempt <= REPLANS => {
                    output::warning(&format!("{error}\nplanning again"));
                }
                Ended::Drifted(error) => return Err(Error::Refused(error.into())),
            }
        }
        if args.verify {
            verify(&cluster, &request, args).await
        } else {
            Ok(Exit::Done)
        }
    })
}

/// An upgrade that stopped half-way comes first: planning from such a state would take it for what the user had.
async fn go_on(cluster: &Arc<Cluster>, plan: &Plan, args: &Args) -> Result<Exit, Error> {
    let question = format!(
        "An upgrade to Istio {} was begun and is not done. Go on with it?",
        plan.target
    );
    if plan.target != args.to.trim_start_matches('v') {
        return Err(Error::Refused(anyhow::anyhow!(
            "an upgrade to Istio {} was begun and is not done: go on with `refit apply --resume`, or put it back with \
             `refit rollback`",
            plan.target
        )));
    }
    if !args.yes && !output::confirm(&question) {
        return Err(Error::Refused(anyhow::anyhow!(
            "cancelled, nothing was changed"
        )));
    }
    output::note(&format!(
        "going on with the upgrade to Istio {} that was begun",
        plan.target
    ));
    match perform(cluster, plan, &args.perform).await? {
        Ended::Done => Ok(Exit::Done),
        Ended::Drifted(error) => Err(Error::Refused(error.into())),
    }
}

async fn plan(
    cluster: &Cluster,
    request: &istio_planner::Request,
    args: &Args,
) -> Result<Outcome, Error> {
    let snapshot = snapshot::take(cluster, &istio_planner::required(request)).await?;
    Ok(planning::plan(
        request.clone(),
        snapshot,
        &args.target.places(),
        None,
    ))
}

/// Plans once more and asks the API server what each write would change now: nothing, after an upgrade.
///
/// The plan's writes are asked about, not its list of changes: that one tells what istioctl would do, and a write here
/// leaves a validating webhook's policy alone (domain.md F-7).
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
