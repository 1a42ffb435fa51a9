//! Reading beside the fastest readers that registries carry: orjson, rapidyaml, and V8 in Node.
//!
//! They parse bytes that are in memory already; refit starts, reads the file, and keeps what a plan needs. All is CPU time.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::Line;
use super::rendering::{milliseconds, time};
use crate::process;
use crate::test::tools;

const SCRIPT: &str = include_str!("anchors.py");

/// The best of three, in milliseconds.
const V8: &str = "\
const text = require('fs').readFileSync(process.argv[1], 'utf8');
let best = Infinity;
for (let i = 0; i < 3; i++) {
  const start = process.cpuUsage();
  JSON.parse(text);
  const took = process.cpuUsage(start);
  best = Math.min(best, (took.user + took.system) / 1000);
}
console.log(best);";

/// Reading takes at most so much of the CPU that the fastest readers take.
const SHARE: f64 = 0.5;

/// Seconds.
#[derive(Debug, Deserialize)]
struct Readers {
    orjson: f64,
    rapidyaml: f64,
}

/// Measures; one line each.
pub(super) fn run(refit: &Path, json: &Path, yaml: &Path, line: &mut Line<'_>) -> Result<()> {
    let python = tools::fast_readers()?;
    let (ok, text) = process::output(Command::new(python).args(["-c", SCRIPT]).args([json, yaml]))?;
    ensure!(ok, "the readers of PyPI failed");
    let readers: Readers =
        serde_json::from_str(&text).context("the readers of PyPI told nothing")?;
    let (ok, text) = process::output(Command::new("node").args(["-e", V8]).arg(json))?;
    ensure!(ok, "V8 did not read the export");
    let v8: f64 = text.trim().parse()?;
    for (export, name, reader, theirs) in [
        (json, "JSON", "orjson", readers.orjson * 1000.0),
        (json, "JSON", "V8", v8),
        (yaml, "YAML", "rapidyaml", readers.rapidyaml * 1000.0),
    ] {
        let ours = time(3, || {
            let mut command = Command::new(refit);
            // Which injector a pod gets: the whole export is read for it, and nothing planned.
            command
                .args(["check-inject", "--namespace-labels", "a=b"])
                .arg(export);
            command
        })?;
        line(
            &format!("{name} export, {reader} and refit"),
            format!("{theirs:.0} and {:.0} ms CPU", milliseconds(ours)),
            format!("{:.2} of it, ≤ {SHARE}", milliseconds(ours) / theirs),
            milliseconds(ours) <= theirs * SHARE,
        );
    }
    Ok(())
}
