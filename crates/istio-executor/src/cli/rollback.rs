//! `refit rollback`: puts back what an upgrade changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args as ClapArgs;
use istio_planner::plan::Plan;

use super::apply::read;
use super::connection::{Connection, ControlPlane, block_on};
use super::format::Format;
use super::perform::Perform;
use super::{Error, Exit};
use crate::cluster::Cluster;
use crate::interruption::Interruption;
use crate::journal::copy::{self, Found};
use crate::journal::{Journal, Record, progress};
use crate::lease::Lease;
use crate::output;
use crate::run::back::preview::{self, Preview};
use crate::run::resume::{self, plan_of};
use crate::run::store::kept_plan;
use crate::run::{self, Predecessors, Session, Work, release, take_lease};

/// The arguments of `refit rollback`.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Args {
    /// The upgrade to put back, as refit history names it; without one, the last
    id: Option<String>,

    /// The plan of the upgrade to put back, wherever it was begun: a file that refit plan --out wrote
    #[arg(long, value_name = "FILE", conflicts_with_all = ["id", "resume_from_cluster"])]
    plan: Option<PathBuf>,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    plane: ControlPlane,

    #[command(flatten)]
    perform: Perform,

    /// Show what goes back, ask the API server about it, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Skip the confirmation
    #[arg(short = 'y', long = "skip-confirmation")]
    yes: bool,

    /// The upgrade that another machine ran and that is put back unasked (with -y), as refit history names it
    #[arg(long, value_name = "ID")]
    resume_from_cluster: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    if !args.yes && !args.dry_run {
        output::can_ask()?;
    }
    let args = &args.named()?;
    block_on(async {
        let cluster = Arc::new(args.connection.connect().await?);
        args.perform.begin(&cluster);
        let interruption = Interruption::listen();
        if args.plan.is_some() && !interruption.unless_asked(was_begun(&cluster, args)).await? {
            output::note("nothing of this plan was done here");
            return Ok(Exit::Done);
        }
        if args.dry_run {
            return interruption.unless_asked(dry_run(&cluster, args)).await;
        }
        let namespace = &args.plane.namespace;
        let lease = interruption
            .unless_asked(take_lease(&cluster, namespace))
            .await?;
        let ended = put_back(args, &lease, &interruption).await;
        release(lease).await;
        ended
    })
}

impl Args {
    /// Whoever has the plan has named its upgrade, and where its control plane is.
    fn named(&self) -> Result<Self, Error> {
        let Some(path) = &self.plan else {
            return Ok(self.clone());
        };
        let plan = read(path, true)?;
        Ok(Self {
            id: Some(plan.id.clone()),
            resume_from_cluster: Some(plan.id),
            plane: ControlPlane {
                namespace: plan.namespace,
            },
            ..self.clone()
        })
    }
}

/// Whether the cluster, or this machine, has a journal of the upgrade that is named.
async fn was_begun(cluster: &Cluster, args: &Args) -> Result<bool, Error> {
    let id = args.id.as_deref().unwrap_or_default();
    let all = copy::history(cluster, &args.plane.namespace).await?;
    let is_kept = all.iter().any(|it| it.plan_id == id);
    Ok(is_kept || !Journal::peek(&args.perform.folder(), id)?.is_empty())
}

/// An upgrade that is to be put back.
struct Chosen {
    plan: Plan,
    records: Vec<Record>,
    predecessors: Predecessors,
}

impl Chosen {
    fn is_done(&self) -> bool {
        let done = |records: &[Record]| progress(records).rolled_back;
        done(&self.records) && self.predecessors.iter().all(|it| done(&it.1))
    }

    /// What becomes of every object, the last plan's first.
    async fn preview(&self, cluster: &Cluster) -> Result<Vec<Preview>, Error> {
        let mut all = preview::preview(cluster, &self.plan, &self.records).await?;
        for (plan, records) in &self.predecessors {
            all.extend(preview::preview(cluster, plan, records).await?);
        }
        Ok(all)
    }
}

/// Finds the upgrade that is meant.
async fn choose(cluster: &Cluster, args: &Args, folder: &Path) -> Result<Chosen, Error> {
    let namespace = &args.plane.namespace;
    // The last one is read by its name: it must not be taken for none where it cannot be read.
    let last = copy::load(cluster, namespace).await?;
    let Some(id) = &args.id else {
        let Some(found) = last else {
            return Err(Error::usage(format!(
                "refit has upgraded nothing in {namespace}"
            )));
        };
        return chosen(found, namespace, folder);
    };
    let all = copy::history(cluster, namespace).await?;
    let mut matching = all.iter().filter(|it| it.plan_id.starts_with(id.as_str()));
    let Some(found) = matching.next() else {
        // This machine may know what the cluster has forgotten.
        if let Some(open) = all.iter().find(|it| stands_in_the_way(it)) {
            return Err(in_the_way(open, id));
        }
        let plan = kept_plan(folder, id)?;
        let records = Journal::peek(folder, &plan.id)?;
        return Ok(Chosen {
            plan,
            records,
            predecessors: Predecessors::new(),
        });
    };
    if let Some(other) = matching.next() {
        return Err(Error::usage(format!(
            "{id} is not enough to tell {} from {}",
            found.short(),
            other.short()
        )));
    }
    let later = all
        .iter()
        .take_while(|it| it.plan_id != found.plan_id)
        .find(|it| stands_in_the_way(it));
    match later {
        Some(later) => Err(in_the_way(later, id)),
        None => chosen(found.clone(), namespace, folder),
    }
}

/// Whether an upgrade changed something that is not put back: what was before it is not reached past it.
fn stands_in_the_way(found: &Found) -> bool {
    let progress = progress(&found.records);
    !progress.begun.is_empty() && !progress.rolled_back
}

fn in_the_way(later: &Found, id: &str) -> Error {
    Error::refused(format!(
        "the upgrade {0} came after {id}, and is to be rolled back first: `refit rollback {0}`",
        later.short()
    ))
}

fn chosen(found: Found, namespace: &str, folder: &Path) -> Result<Chosen, Error> {
    resume::sealed(&found, namespace)?;
    let plan = plan_of(&found, folder)?;
    resume::belongs(&plan, &found.records)?;
    for (plan, records) in &found.predecessors {
        resume::belongs(plan, records)?;
    }
    Ok(Chosen {
        plan,
        records: found.records,
        predecessors: found.predecessors,
    })
}

/// What rolling back the last upgrade would do to every object; nothing where none can be rolled back.
pub(super) async fn previews(
    cluster: &Cluster,
    found: &Found,
    namespace: &str,
    folder: &Path,
) -> Result<Vec<Preview>, Error> {
    let chosen = chosen(found.clone(), namespace, folder)?;
    chosen.preview(cluster).await
}

fn show(previews: &[Preview], format: Format) -> Result<(), Error> {
    let lines: Vec<String> = previews.iter().flat_map(Preview::lines).collect();
    let text = if lines.is_empty() {
        "every object is as it was before the upgrade".to_owned()
    } else {
        lines.join("\n")
    };
    // Records are the only result that a program gets.
    format.say(&text)
}

/// Shows what goes back, and what the API server says to it.
async fn dry_run(cluster: &Cluster, args: &Args) -> Result<Exit, Error> {
    let chosen = choose(cluster, args, &args.perform.folder()).await?;
    let previews = chosen.preview(cluster).await?;
    show(&previews, args.perform.output)?;
    let mut refused = 0;
    for preview in &previews {
        if let Some(words) = preview.rehearse(cluster).await? {
            let name = crate::cluster::name(&preview.object);
            output::warning(&format!("{name} would be refused: {words}"));
            refused += 1;
        }
    }
    output::note(&format!(
        "the API server was asked about each object: {} accepted, {refused} refused; nothing was changed",
        previews.len() - refused
    ));
    Ok(if refused == 0 {
        Exit::Done
    } else {
        Exit::Refused
    })
}

async fn put_back(args: &Args, lease: &Lease, interruption: &Interruption) -> Result<Exit, Error> {
    let options = args.perform.options();
    let folder = &options.folder;
    let cluster = lease.writer();
    let mut chosen = interruption
        .unless_asked(choose(cluster, args, folder))
        .await?;
    resume::is_meant(cluster, &chosen.plan).await?;
    if args.yes {
        resume::may_adopt(folder, &chosen.plan.id, args.resume_from_cluster.as_deref())?;
    }
    let mut journal = Journal::open(folder, &chosen.plan.id)?;
    journal.adopt(std::mem::take(&mut chosen.records))?;
    resume::belongs(&chosen.plan, journal.records())?;
    chosen.records = journal.records().to_vec();
    if chosen.is_done() {
        output::note("it is rolled back already");
        return Ok(Exit::Done);
    }
    let previews = interruption.unless_asked(chosen.preview(cluster)).await?;
    show(&previews, args.perform.output)?;
    if !args.yes {
        let plan = &chosen.plan;
        let source = plan.source.as_deref().unwrap_or("what was before");
        let question = format!(
            "Roll {} back to {source}, from {}?",
            cluster.name().unwrap_or("the cluster"),
            plan.target
        );
        output::ask(&question, interruption).await?;
    }
    let session = Session::open(lease, &chosen.plan.namespace, interruption, &options).await?;
    session.keep_other(&chosen.plan).await?;
    let work = Work::new(&session, &chosen.plan, journal, &chosen.predecessors);
    run::put_back(work, &chosen.predecessors).await?;
    Ok(Exit::Done)
}
