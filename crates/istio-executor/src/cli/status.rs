//! `refit status`: what runs, and how far an upgrade and a restart have come.

use clap::{Args as ClapArgs, ValueEnum};
use istio_planner::outcome::Inventory;
use istio_planner::plan::Plan;
use serde_json::json;

use super::connection::{Connection, ControlPlane, block_on};
use super::perform::plan_of;
use super::{Error, Exit};
use crate::cluster::Cluster;
use crate::journal::copy::{self, Found};
use crate::journal::progress;
use crate::release::Places;
use crate::{output, planning, snapshot};

/// The arguments of `refit status`.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    plane: ControlPlane,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(super) fn run(args: &Args) -> Result<Exit, Error> {
    block_on(async {
        let cluster = args.connection.connect().await?;
        let inventory = inventory(&cluster).await?;
        let namespace = &args.plane.namespace;
        let upgrade = copy::load(&cluster, namespace).await?;
        let restart = copy::load_restart(&cluster, namespace).await?;
        match args.output {
            Format::Json => {
                let of = |it: &Found| json!({ "plan": it.plan_id, "state": state(it) });
                let document = json!({
                    "inventory": inventory,
                    "upgrade": upgrade.as_ref().map(of),
                    "restart": restart.as_ref().map(of),
                });
                output::print(&serde_json::to_string_pretty(&document)?)?;
            }
            Format::Text => {
                let mut lines = running(&inventory);
                for (what, found) in [("upgrade", upgrade), ("restart", restart)] {
                    let Some(found) = found else { continue };
                    lines.push(format!("\nlast {what}: {}", state(&found)));
                    if let Ok(plan) = plan_of(&found, None) {
                        lines.extend(steps(&plan, &found));
                    }
                }
                output::print(&lines.join("\n"))?;
            }
        }
        Ok(Exit::Done)
    })
}

/// What runs, as a plan finds it. No release is needed for that.
async fn inventory(cluster: &Cluster) -> Result<Inventory, Error> {
    let request = istio_planner::Request::default();
    let snapshot = snapshot::take(cluster, &istio_planner::required(&request)).await?;
    let places = Places {
        offline: true,
        ..Places::default()
    };
    Ok(planning::quietly(request, snapshot, &places).inventory)
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

fn state(found: &Found) -> String {
    let progress = progress(&found.records);
    if progress.rolled_back {
        "put back".to_owned()
    } else if progress.rolling_back {
        "being put back".to_owned()
    } else if progress.finished {
        "done".to_owned()
    } else {
        progress
            .failure
            .map_or_else(|| "begun".to_owned(), |it| format!("stopped: {it}"))
    }
}

fn steps(plan: &Plan, found: &Found) -> Vec<String> {
    let progress = progress(&found.records);
    plan.steps
        .iter()
        // An upgrade that is done has left the rest of the data plane to `refit restart`.
        .filter(|it| !progress.finished || progress.begun.contains(it.id.as_str()))
        .map(|it| {
            let id = it.id.as_str();
            let mark = if progress.ended.contains(id) {
                "✓"
            } else if progress.begun.contains(id) {
                "…"
            } else {
                " "
            };
            format!("  {mark} {}", it.title)
        })
        .collect()
}
