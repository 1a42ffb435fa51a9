//! Plans of many clusters side by side: memory of two, and CPU for each cluster as for one alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::rendering::{quiet, time};
use super::{Line, export, watch};
use crate::data;

const CLUSTERS: u32 = 300;

const PODS: usize = 1_000;

/// What two clusters take, and a little for what is kept of each.
const MEMORY_OF_TWO: f64 = 1.25;

/// CPU for each cluster against one alone, its start included.
const CPU_OF_ONE: f64 = 1.1;

/// Measures; one line each.
pub(super) fn run(refit: &Path, folder: &Path, line: &mut Line<'_>) -> Result<()> {
    let (json, yaml) = (folder.join("member.json"), folder.join("member.yaml"));
    export::write(PODS, &json, &yaml)?;
    let data =
        data::folder().context("no Istio data: set REFIT_ISTIO_DATA, or `cargo xtask data`")?;
    // The charts of both releases are a large part of it, and read once.
    let releases = data.join("istio/releases");
    let taken = |count| measured(refit, &releases, &members(folder, &json, count)?);
    let (one, two, all) = (taken(1)?, taken(2)?, taken(CLUSTERS)?);
    let share = |part: f64, of: f64| if of > 0.0 { part / of } else { 0.0 };
    let memory = share(all.peak, two.peak);
    line(
        "fleet of 300 clusters, peak",
        format!("{:.0} MiB", all.peak),
        format!("{memory:.2} of two, ≤ {MEMORY_OF_TWO}"),
        memory <= MEMORY_OF_TWO,
    );
    let each = (all.cpu / CLUSTERS).as_secs_f64();
    let cpu = share(each, one.cpu.as_secs_f64());
    line(
        "fleet of 300 clusters, each",
        format!("{:.0} ms CPU", each * 1000.0),
        format!("{cpu:.2} of one alone, ≤ {CPU_OF_ONE}"),
        cpu <= CPU_OF_ONE,
    );
    Ok(())
}

/// A folder with a folder for each cluster, all with the same file.
fn members(folder: &Path, json: &Path, count: u32) -> Result<PathBuf> {
    let fleet = folder.join(format!("fleet-{count}"));
    if fleet.exists() {
        fs::remove_dir_all(&fleet)?;
    }
    for number in 0..count {
        let member = fleet.join(format!("cluster-{number}"));
        fs::create_dir_all(&member)?;
        fs::hard_link(json, member.join("cluster.json"))?;
    }
    Ok(fleet)
}

struct Measured {
    cpu: Duration,
    /// MiB of resident memory at most.
    peak: f64,
}

fn measured(refit: &Path, releases: &Path, fleet: &Path) -> Result<Measured> {
    let command = || {
        let mut command = Command::new(refit);
        let flags = ["fleet", "plan", "--offline", "--to", "1.30.3", "-o", "json"];
        command.args(flags).arg("--releases").arg(releases);
        command.arg(fleet);
        command
    };
    let peak = watch(&mut quiet(command()).spawn()?)?;
    Ok(Measured {
        cpu: time(1, command)?,
        #[expect(clippy::cast_precision_loss, reason = "no process takes 2^52 bytes")]
        peak: (peak >> 10) as f64 / 1024.0,
    })
}
