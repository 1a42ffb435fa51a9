//! `refit status`: what runs, and how far an upgrade and a restart have come.

use std::fmt::Write as _;
use std::time::Duration;

use clap::Args as ClapArgs;
use istio_planner::outcome::Inventory;
use istio_planner::plan::{Action, Plan, Step};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::connection::{Connection, ControlPlane, block_on};
use super::format::{self, Format};
use super::{Error, Exit};
use crate::cluster::Cluster;
use crate::interruption::Interruption;
use crate::journal::copy::{self, Found};
use crate::journal::seal::Seal;
use crate::journal::{self, Progress, Verdict, progress, summary, to_the_second};
use crate::release::Places;
use crate::run::resume::plan_of;
use crate::{planning, snapshot};

mod way_back;

/// How long status waits before it looks again.
const WATCH: Duration = Duration::from_secs(5);

/// The arguments of `refit status`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    plane: ControlPlane,

    /// Look again and again, until Ctrl-C
    #[arg(long, conflicts_with = "rollback")]
    watch: bool,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,

    #[command(flatten)]
    back: way_back::WayBack,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    if let Some(exit) = way_back::of_files(&args.back, args.output)? {
        return Ok(exit);
    }
    block_on(async {
        let cluster = args.connection.connect().await?;
        if args.back.is_asked() {
            let namespace = &args.plane.namespace;
            return way_back::of_cluster(&args.back, &cluster, namespace, args.output).await;
        }
        let interruption = args.watch.then(Interruption::listen);
        loop {
            let look = look(&cluster, args);
            let Some(interruption) = &interruption else {
                look.await?;
                return Ok(Exit::Done);
            };
            tokio::select! {
                looked = look => looked?,
                () = interruption.asked() => return Ok(Exit::Done),
            }
            tokio::select! {
                () = tokio::time::sleep(WATCH) => {}
                () = interruption.asked() => return Ok(Exit::Done),
            }
        }
    })
}

/// Reads the cluster once, and prints what it is like.
async fn look(cluster: &Cluster, args: &Args) -> Result<(), Error> {
    let inventory = inventory(cluster).await?;
    let namespace = &args.plane.namespace;
    let upgrade = copy::load(cluster, namespace).await?;
    let restart = copy::load_restart(cluster, namespace).await?;
    let id = cluster.id().await?;
    let data = json!({
        "cluster": { "name": cluster.name(), "id": id },
        "inventory": inventory,
        "upgrade": upgrade.as_ref().map(document),
        "restart": restart.as_ref().map(document),
    });
    format::data(&data, args.output, || {
        let id = id
            .map(|it| format!(", kube-system {it}"))
            .unwrap_or_default();
        let name = cluster.name().unwrap_or("unknown");
        let mut lines = vec![format!("cluster: {name}{id}")];
        lines.extend(running(&inventory));
        for (what, found) in [("upgrade", upgrade), ("restart", restart)] {
            lines.extend(found.iter().flat_map(|it| told(what, it)));
        }
        lines.join("\n")
    })
}

/// The plan of a copy, as far as it is known.
fn plan(found: &Found) -> Option<Plan> {
    plan_of(found, &journal::folder(None)).ok()
}

/// An upgrade or a restart, for programs.
fn document(found: &Found) -> Value {
    let (plan, progress) = (plan(found), progress(&found.records));
    let steps = plan.as_ref().map(|it| {
        let done = it
            .steps
            .iter()
            .filter(|it| progress.ended.contains(it.id.as_str()));
        json!({ "done": done.count(), "all": steps_of(it, &progress).count() })
    });
    json!({
        "plan": found.plan_id,
        "id": found.short(),
        "state": state(&progress),
        "from": plan.as_ref().and_then(|it| it.source.clone()),
        "to": plan.as_ref().map(|it| it.target.clone()),
        "cluster": progress.cluster,
        "by": progress.began.map(|it| it.0),
        "began": progress.began.map(|it| it.1),
        "lastRecord": progress.last_at,
        "steps": steps,
        "workloads": plan.as_ref().map(|it| {
            let (done, all) = workloads(it, &progress);
            json!({ "done": done, "all": all })
        }),
        "gates": progress.judged.map(|it| json!({
            "step": it.step,
            "at": it.at,
            "verdict": it.verdict,
            "readings": it.readings,
        })),
        "secondsLeft": plan.as_ref().and_then(|it| left(it, &progress)),
        "sealed": found.seal == Seal::Genuine,
    })
}

/// An upgrade or a restart, for people.
fn told(what: &str, found: &Found) -> Vec<String> {
    let progress = progress(&found.records);
    let mut lines = vec![format!("\nlast {what}: {}", state(&progress))];
    match found.seal {
        Seal::Genuine => {}
        Seal::Unknown => {
            lines.push("  (these rights do not tell whether refit wrote this)".to_owned());
        }
        Seal::Broken => {
            lines.push("  ! refit did not write this: its seal does not fit".to_owned());
        }
    }
    let Some(plan) = plan(found) else {
        return lines;
    };
    let (by, at) = progress.began.unwrap_or(("nobody", "no time"));
    let from = plan.source.as_deref().unwrap_or("unknown");
    lines.push(format!(
        "  {}: {from} → {}, begun by {by} at {}",
        found.short(),
        plan.target,
        to_the_second(at)
    ));
    let steps: Vec<_> = steps_of(&plan, &progress).collect();
    let ended = steps
        .iter()
        .filter(|it| progress.ended.contains(it.id.as_str()))
        .count();
    let mut line = format!("  {ended} of {} steps", steps.len());
    let (done, all) = workloads(&plan, &progress);
    if all > 0 && (done > 0 || progress.restarts) {
        let _ = write!(line, ", {done} of {all} workloads");
    }
    if let Some(seconds) = left(&plan, &progress) {
        let _ = write!(line, ", about {} min left", seconds.div_ceil(60));
    }
    lines.push(line);
    lines.extend(steps.into_iter().map(|it| {
        let id = it.id.as_str();
        let mark = if progress.ended.contains(id) {
            "✓"
        } else if progress.begun.contains(id) {
            "…"
        } else {
            " "
        };
        format!("  {mark} {}", it.title)
    }));
    lines.extend(gates(&progress));
    lines
}

/// What gates said last: how many hold, and each that does not.
fn gates(progress: &Progress<'_>) -> Vec<String> {
    let Some(judged) = &progress.judged else {
        return Vec::new();
    };
    let mut lines = vec![format!(
        "  gates after {}, {}: {}",
        judged.step,
        to_the_second(judged.at),
        summary(judged.readings)
    )];
    for it in judged.readings {
        let mark = match it.verdict {
            Verdict::Fails => "!",
            Verdict::Unknown => "?",
            Verdict::Holds | Verdict::NotJudged => continue,
        };
        lines.push(format!("  {mark} {}", it.words()));
    }
    lines
}

/// The steps that count: an upgrade that is done has left the rest of the data plane to `refit restart`.
fn steps_of<'a>(plan: &'a Plan, progress: &Progress<'_>) -> impl Iterator<Item = &'a Step> {
    plan.steps.iter().filter(move |it| {
        progress.begun.contains(it.id.as_str())
            || !progress.finished && (progress.restarts || plan.is_restart() || !it.is_restart())
    })
}

/// How many workloads were restarted, and how many there are.
fn workloads(plan: &Plan, progress: &Progress<'_>) -> (usize, usize) {
    let (mut done, mut all) = (0, 0);
    for step in &plan.steps {
        for (number, action) in step.actions.iter().enumerate() {
            if matches!(action, Action::Restart { .. }) {
                all += 1;
                done += usize::from(
                    progress
                        .actions_ended
                        .contains_key(&(step.id.as_str(), number)),
                );
            }
        }
    }
    (done, all)
}

/// Seconds that are left, if the other steps take as long as those took that are done; nothing where that says nothing.
fn left(plan: &Plan, progress: &Progress<'_>) -> Option<u64> {
    let (_, began) = progress.began?;
    let is_open = progress.is_open() && !progress.rolling_back;
    let all = steps_of(plan, progress).count();
    let done = progress.ended.len();
    if !is_open || done == 0 || done >= all {
        return None;
    }
    let last = progress.ended_at.values().max()?;
    let [began, last] = [began, last].map(|it| it.parse::<Timestamp>().ok());
    let took = u64::try_from(last?.duration_since(began?).as_secs()).ok()?;
    Some(took * u64::try_from(all - done).ok()? / u64::try_from(done).ok()?)
}

/// What runs, as a plan finds it. No release is needed for that.
async fn inventory(cluster: &Cluster) -> Result<Inventory, Error> {
    let request = istio_planner::Request::default();
    let snapshot = snapshot::take(cluster, &istio_planner::required(&request)).await?;
    let places = Places {
        offline: true,
        ..Places::default()
    };
    let input = planning::quietly(request, snapshot, &places);
    Ok(istio_planner::plan(&input).inventory)
}

/// What runs, a line each.
fn running(inventory: &Inventory) -> Vec<String> {
    let unknown = |it: &Option<String>| it.clone().unwrap_or_else(|| "unknown".to_owned());
    let mut lines: Vec<String> = inventory
        .components
        .iter()
        .map(|it| {
            format!(
                "{:<16} {:<12} {}/{} ({} pods)",
                it.component,
                unknown(&it.version),
                it.namespace,
                it.name,
                it.pods
            )
        })
        .collect();
    lines.extend(inventory.proxies.iter().map(|it| {
        let kind = if it.native == Some(true) {
            "native sidecars"
        } else {
            "sidecars"
        };
        format!("{kind:<16} {:<12} {} pods", unknown(&it.version), it.pods)
    }));
    lines.extend(inventory.gateway_proxies.iter().map(|it| {
        format!(
            "{:<16} {:<12} {} pods",
            "gateway proxies",
            unknown(&it.version),
            it.pods
        )
    }));
    if lines.is_empty() {
        lines.push("no Istio runs here".to_owned());
    }
    lines
}

/// How far an upgrade has come, in words.
pub(super) fn state(progress: &Progress<'_>) -> String {
    if progress.rolled_back {
        "rolled back".to_owned()
    } else if progress.rolling_back {
        "being rolled back".to_owned()
    } else if let Some(by) = progress.given_up_by {
        format!("given up by {by}")
    } else if progress.finished {
        "done".to_owned()
    } else if let Some(judged) = progress.held() {
        let why = if judged.verdict == Verdict::Fails {
            "do not hold"
        } else {
            "say nothing"
        };
        format!("held by its gates, which {why} after {}", judged.step)
    } else {
        progress
            .failure
            .map_or_else(|| "begun".to_owned(), |it| format!("stopped: {it}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Event, Record};

    fn plan() -> Plan {
        let step = |id: &str| Step {
            id: id.to_owned(),
            title: String::new(),
            component: None,
            actions: Vec::new(),
            waits: Vec::new(),
            pause: 0,
        };
        Plan {
            id: "p".to_owned(),
            source: None,
            target: "1.30.3".to_owned(),
            direction: None,
            cluster: None,
            namespace: "n".to_owned(),
            forced: false,
            freeze: Vec::new(),
            steps: ["a", "b", "c"].map(step).to_vec(),
        }
    }

    #[test]
    fn the_time_that_is_left_is_told_from_what_was_done() {
        let record = |at: &str, event: Event| Record::new("p", at.to_owned(), event);
        let began = Event::RunBegan {
            by: "a@b".to_owned(),
            cluster: None,
            cluster_id: None,
            request: None,
            restarts: false,
            instead_of: None,
        };
        let step = "a".to_owned();
        let mut records = vec![record("2026-01-01T00:00:00Z", began)];
        assert_eq!(left(&plan(), &progress(&records)), None);
        records.push(record(
            "2026-01-01T00:00:00Z",
            Event::StepBegan { step: step.clone() },
        ));
        records.push(record("2026-01-01T00:01:00Z", Event::StepEnded { step }));
        assert_eq!(left(&plan(), &progress(&records)), Some(120));
        records.push(record("2026-01-01T00:01:00Z", Event::Finished));
        assert_eq!(left(&plan(), &progress(&records)), None);
    }
}
