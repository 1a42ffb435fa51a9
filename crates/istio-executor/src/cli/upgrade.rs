//! `refit upgrade`: snapshot, plan, show, ask, perform.

use std::sync::Arc;

use clap::Args as ClapArgs;
use istio_planner::outcome::{Outcome, Verdict};
use istio_planner::plan::{Action, Plan};
use sha2::{Digest, Sha256};

use super::check_images::CheckImages;
use super::connection::{Connection, block_on};
use super::format::{self, Format};
use super::perform::Forward;
use super::request::{Accept, Meant, Prune, Request};
use super::target::{Rendered, Target};
use super::{Error, Exit};
use crate::cluster::{self, Cluster};
use crate::interruption::Interruption;
use crate::journal::progress;
use crate::rehearsal::rehearse;
use crate::release::Places;
use crate::run::effect::has_effect;
use crate::run::resume::{self, Begun, unfinished};
use crate::run::{Ended, Options, Predecessors, forward, perform};
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
    accept: Accept,

    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    rendered: Rendered,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    forward: Forward,

    #[command(flatten)]
    images: CheckImages,

    #[command(flatten)]
    meant: Meant,

    /// Skip the confirmation
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

    /// The upgrade that another machine began and that is gone on with unasked (with -y), as refit history names it
    #[arg(long, value_name = "ID")]
    resume_from_cluster: Option<String>,

    /// Plans again where the cluster changed since the plan was made
    #[arg(long)]
    replan: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    if !args.yes && !args.dry_run {
        output::can_ask()?;
    }
    if args.rendered.reads_standard_input() {
        return Err(Error::usage(
            "standard input is where refit upgrade asks, and it may plan again: name a file with --rendered",
        ));
    }
    let places = args.rendered.places(&args.target);
    places
        .check(&args.to)
        .map_err(|it| Error::Usage(it.into()))?;
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
        accept: args.accept.all()?,
    };
    let options = args.forward.options()?;
    block_on(async {
        let cluster = Arc::new(args.connection.connect().await?);
        args.forward.perform.begin(&cluster);
        let interruption = Interruption::listen();
        if args.dry_run {
            return interruption
                .unless_asked(dry_run(&cluster, request, args))
                .await;
        }
        let namespace = args
            .meant
            .plane
            .namespace
            .as_deref()
            .unwrap_or("istio-system");
        let options = Options {
            request: Some(digest(&request)?),
            ..options
        };
        // An upgrade that stopped half-way comes first: planning from such a state would take it for what the user had.
        let found = unfinished(&cluster, namespace, &options.folder);
        let mut begun = interruption.unless_asked(found).await?;
        let mut predecessors = Predecessors::new();
        for attempt in 1.. {
            let plan = match begun.take() {
                Some(begun) => go_on(begun, &cluster, args, &interruption).await?,
                None => propose(&cluster, &request, args, &interruption).await?,
            };
            let plan = match plan {
                Proposal::Plan(plan) => *plan,
                Proposal::End(exit) => return Ok(exit),
            };
            match perform(&cluster, &plan, &options, &predecessors, &interruption).await? {
                Ended::Done => break,
                Ended::Drifted(error, records) if args.replan && attempt <= REPLANS => {
                    output::warning(&format!("{error}\nplanning again"));
                    // What was done of it has to be put back too, should it come to that.
                    if !progress(&records).begun.is_empty() {
                        predecessors.insert(0, (plan, records));
                    }
                }
                Ended::Drifted(error, records) => {
                    return Err(drifted(
                        &error,
                        !progress(&records).begun.is_empty(),
                        &args.to,
                    ));
                }
            }
        }
        if args.verify {
            interruption
                .unless_asked(verify(&cluster, &request, args))
                .await
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
    interruption: &Interruption,
) -> Result<Proposal, Error> {
    let outcome = interruption
        .unless_asked(plan(cluster, request, args))
        .await?;
    let name = cluster.name().unwrap_or("the cluster");
    if args.forward.perform.output == Format::Text {
        output::styled(&headed(cluster, &outcome))?;
    }
    let effect = has_effect(&outcome, args.forward.restart);
    let plan = match outcome.plan {
        Some(plan) if outcome.verdict == Verdict::Clear || args.force => plan,
        _ => return Ok(Proposal::End(exit(outcome.verdict))),
    };
    if !effect {
        output::note(&format!(
            "No changes: {name} is as asked for; nothing was written"
        ));
        return Ok(Proposal::End(Exit::Done));
    }
    if let Some(exit) = args
        .images
        .stops(&plan, cluster, args.force, interruption)
        .await?
    {
        return Ok(Proposal::End(exit));
    }
    if !args.yes {
        let question = format!("Proceed to Istio {} on {name}?", plan.target);
        output::ask(&question, interruption).await?;
    }
    Ok(Proposal::Plan(Box::new(plan)))
}

/// The plan in words, below the cluster that it is for.
pub(super) fn headed(cluster: &Cluster, outcome: &Outcome) -> String {
    let id = outcome.plan.as_ref().and_then(|it| it.cluster.as_deref());
    let id = id
        .map(|it| format!(", kube-system {it}"))
        .unwrap_or_default();
    format!(
        "Cluster: {}{id}\n\n{}",
        istio_planner::report::shown(cluster.name().unwrap_or("unknown")),
        super::plan::text(outcome, false)
    )
}

/// The SHA-256 of a request, by which history tells one from another.
pub(super) fn digest(request: &istio_planner::Request) -> Result<String, Error> {
    let text = serde_json::to_vec(request)?;
    let digest = Sha256::digest(text);
    Ok(digest.iter().fold(String::new(), |mut all, it| {
        use std::fmt::Write as _;
        let _ = write!(all, "{it:02x}");
        all
    }))
}

/// The cluster is not as planned, and what comes next.
pub(super) fn drifted(error: &forward::Error, begun: bool, to: &str) -> Error {
    let next = if begun {
        format!(
            "go on from the cluster as it is with `refit upgrade --to {to} --replan`, or roll back with `refit rollback`"
        )
    } else {
        format!("plan again from the cluster as it is: `refit upgrade --to {to}`")
    };
    Error::refused(format!("{error}\n{next}"))
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
    format::data(&outcome, args.forward.perform.output, || {
        headed(cluster, &outcome)
    })?;
    let Some(plan) = &outcome.plan else {
        return Ok(exit(outcome.verdict));
    };
    let rehearsal = rehearse(cluster, plan, Some(&outcome)).await?;
    if rehearsal.forbidden {
        output::note(
            "the API server was not asked: these rights only read (refit rbac prints those that perform); nothing was changed",
        );
        return Ok(exit(outcome.verdict));
    }
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

/// Goes on with what was begun, if that is what was asked for.
async fn go_on(
    begun: Begun,
    cluster: &Cluster,
    args: &Args,
    interruption: &Interruption,
) -> Result<Proposal, Error> {
    let words = resume::told(&begun, cluster);
    let plan = resumable(begun, &args.to)?;
    output::say(&words);
    if let Some(exit) = args
        .images
        .stops(&plan, cluster, args.force, interruption)
        .await?
    {
        return Ok(Proposal::End(exit));
    }
    if args.yes {
        let folder = args.forward.perform.folder();
        resume::may_adopt(&folder, &plan.id, args.resume_from_cluster.as_deref())?;
    } else {
        output::ask("Go on with it? (refit abandon gives it up)", interruption).await?;
    }
    output::note(&format!(
        "going on with the upgrade to Istio {} that was begun",
        plan.target
    ));
    Ok(Proposal::Plan(Box::new(plan)))
}

/// Returns the plan that was begun, if going on with it leads to the version that is asked for.
pub(super) fn resumable(begun: Begun, to: &str) -> Result<Plan, Error> {
    let plan = begun.plan;
    if progress(&begun.records).rolling_back {
        return Err(Error::Refused(anyhow::anyhow!(
            "an upgrade to Istio {} is being rolled back: go on with `refit rollback`",
            plan.target
        )));
    }
    if plan.target != to.trim_start_matches('v') {
        return Err(Error::Refused(anyhow::anyhow!(
            "an upgrade to Istio {} was begun and is not done: go on with `refit apply --resume`, or roll it back with \
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
    outcome(cluster, request, &args.rendered.places(&args.target)).await
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
