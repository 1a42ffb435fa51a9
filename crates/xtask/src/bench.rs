//! `cargo xtask bench`: size of the wasm module, rendering beside Helm, and a generated export of 10,000 injected pods,
//! natively, in Node and in Chromium: of programs built as they are handed out (profile `dist`).
//!
//! Each line says what was measured and the floor that holds for it; a missed floor fails. The table is kept in
//! `crates/xtask/bench.md`, with the machine and the day.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::test::report::show;
use crate::test::{CHROMIUM, tools};
use crate::{data, pkg, process, project};

mod anchors;
mod export;
mod fleet;
mod live;
mod rendering;

/// Floors and ceilings (issues 3 and 7 of the project).
const JSON_NATIVE: f64 = 500.0;
const YAML_NATIVE: f64 = 200.0;
const PEAK_NATIVE: u64 = 300 << 20;
/// Seconds and bytes of a plan with the charts of both releases (issue 5).
const WHOLE_NATIVE: f64 = 1.5;
const WHOLE_PEAK: u64 = 400 << 20;
/// Bytes of a plan of the same cluster where it is read live, without charts.
const LIVE_PEAK: u64 = 80 << 20;
/// Seconds.
const JSON_NODE: f64 = 2.0;
const JSON_CHROMIUM: f64 = 4.0;
/// The package replaces an instance that has grown above this, as soon as nothing uses it.
const GIVEN_BACK_ABOVE: u64 = 64 << 20;

const PODS: usize = 10_000;

/// What is measured is what is handed out.
const PROFILE: &str = "dist";

/// Prints a measurement: what, how much, the floor, and whether it holds.
type Line<'a> = dyn FnMut(&str, String, String, bool) + 'a;

/// What is measured, in its order.
const PARTS: [&str; 7] = [
    "module",
    "native",
    "anchors",
    "live",
    "fleet",
    "rendering",
    "hosts",
];

/// Runs the verb: all, which is written down, or the parts that are named.
pub(crate) fn run(args: &[String]) -> Result<()> {
    if let Some(unknown) = args.iter().find(|it| !PARTS.contains(&it.as_str())) {
        bail!("there is no part {unknown}; there are {}", PARTS.join(", "));
    }
    let wants = |part: &str| args.is_empty() || args.iter().any(|it| it == part);
    let folder = project::target().join("bench");
    fs::create_dir_all(&folder)?;
    let (json, yaml) = (folder.join("cluster.json"), folder.join("cluster.yaml"));
    export::write(PODS, &json, &yaml)?;

    let mut missed = 0;
    let mut table = String::new();
    let mut line = |name: &str, value: String, floor: String, holds: bool| {
        missed += usize::from(!holds);
        let note = if holds { "" } else { ", missed" };
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| {name} | {value} | {floor}{note} |");
        show(&format!(
            "{name:<32} {value:>12}  {floor:<24}{}\n",
            if holds { "" } else { "  MISSED" }
        ));
    };

    if wants("module") || wants("hosts") {
        pkg::build(pkg::Build::Full)?;
    }
    if wants("module") {
        let (raw, brotli) = pkg::sizes()?;
        line("wasm", format!("{} kB", raw / 1000), String::new(), true);
        line(
            "wasm, brotli",
            format!("{} kB", brotli / 1000),
            format!("≤ {} kB", pkg::MOST / 1000),
            brotli <= pkg::MOST,
        );
    }

    let refit = built(&["istio-executor"], "refit")?;
    if wants("native") {
        natives(&refit, &json, &yaml, &mut line)?;
    }
    if wants("anchors") {
        anchors::run(&refit, &json, &yaml, &mut line)?;
    }
    if wants("live") {
        live(&refit, &folder, &mut line)?;
    }
    if wants("fleet") {
        fleet::run(&refit, &folder, &mut line)?;
    }
    if wants("rendering") {
        rendering::run(&refit, &folder, &mut line)?;
    }
    if wants("hosts") {
        process::npm_ci(&project::root().join("tests"))?;
        hosts(&json, &yaml, &mut line)?;
    }
    if args.is_empty() {
        keep(&table)?;
    }
    if missed > 0 {
        bail!("{missed} floors were missed");
    }
    Ok(())
}

/// Reading and planning by the package, in Node and in a browser.
fn hosts(json: &Path, yaml: &Path, line: &mut Line<'_>) -> Result<()> {
    let hosts: [(&str, &str, Option<f64>, Option<f64>); 2] = [
        ("Node", "tests/node/bench.mjs", Some(JSON_NODE), None),
        (
            "Chromium",
            "tests/browser/bench.mjs",
            Some(JSON_CHROMIUM),
            None,
        ),
    ];
    for (host, path, json_ceiling, yaml_ceiling) in hosts {
        for (format, export, ceiling) in
            [("JSON", json, json_ceiling), ("YAML", yaml, yaml_ceiling)]
        {
            let measured = script(path, export)?;
            line(
                &format!("{host}, {format}"),
                format!("{:.2} s", measured.ms / 1000.0),
                ceiling.map_or_else(String::new, |it| format!("≤ {it} s")),
                ceiling.is_none_or(|it| measured.ms <= it * 1000.0),
            );
            if let Some((held, left)) = measured.held.zip(measured.left) {
                line(
                    &format!("{host}, {format}, memory"),
                    format!("{} MiB", held >> 20),
                    format!("then {} MiB", left >> 20),
                    held < GIVEN_BACK_ABOVE || left < held / 2,
                );
            }
        }
    }
    Ok(())
}

/// Writes the table down, for the next one to be compared with.
fn keep(table: &str) -> Result<()> {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor
        .lines()
        .find_map(|it| it.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown", |it| it.1);
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (_, day) = process::output(Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
    let text = format!(
        "# What `cargo xtask bench` measured\n\n{}: {processor}, {cores} cores. \
         Seconds of a shared machine mean little; what stands side by side was measured in one run.\n\n\
         | what | measured | floor |\n|---|---|---|\n{table}",
        day.trim()
    );
    fs::write(project::root().join("crates/xtask/bench.md"), text)?;
    Ok(())
}

/// Reading and planning by refit itself.
fn natives(refit: &Path, json: &Path, yaml: &Path, line: &mut Line<'_>) -> Result<()> {
    for (name, path, floor) in [
        ("native, reading JSON", json, JSON_NATIVE),
        ("native, reading YAML", yaml, YAML_NATIVE),
    ] {
        // Which injector a pod gets: the whole export is read for it, and nothing planned.
        let reading = ["check-inject", "--namespace-labels", "a=b"];
        let measured = native(refit, path, &reading.map(OsStr::new))?;
        let speed = megabytes(path)? / measured.time.as_secs_f64();
        line(
            name,
            format!("{speed:.0} MB/s"),
            format!("≥ {floor:.0} MB/s"),
            speed >= floor,
        );
        let mib = measured.peak >> 20;
        line(
            &format!("{name}, peak"),
            format!("{mib} MiB"),
            "≤ 300 MiB".to_owned(),
            measured.peak <= PEAK_NATIVE,
        );
    }
    if let Some(data) = data::folder() {
        let releases = data.join("istio/releases");
        let plan = planning(&releases);
        let measured = native(refit, json, &plan)?;
        line(
            "native, whole plan",
            format!("{:.2} s", measured.time.as_secs_f64()),
            format!("≤ {WHOLE_NATIVE} s"),
            measured.time.as_secs_f64() <= WHOLE_NATIVE,
        );
        line(
            "native, whole plan, peak",
            format!("{} MiB", measured.peak >> 20),
            format!("≤ {} MiB", WHOLE_PEAK >> 20),
            measured.peak <= WHOLE_PEAK,
        );
    }
    Ok(())
}

/// Plans of the same cluster as an API server hands it out: of what it holds, and with the charts of both releases.
fn live(refit: &Path, folder: &Path, line: &mut Line<'_>) -> Result<()> {
    let config = live::serve(PODS, folder)?;
    let none = folder.join("no-releases");
    fs::create_dir_all(&none)?;
    let releases = data::folder().map(|it| it.join("istio/releases"));
    let places = [
        ("live plan", Some(none), Some(LIVE_PEAK)),
        ("whole live plan", releases, None),
    ];
    for (name, releases, ceiling) in places {
        let Some(releases) = releases else { continue };
        let plan = [planning(&releases), vec![OsStr::new("--kubeconfig")]].concat();
        let measured = native(refit, &config, &plan)?;
        line(
            &format!("native, {name}"),
            format!("{:.2} s", measured.time.as_secs_f64()),
            String::new(),
            true,
        );
        line(
            &format!("native, {name}, peak"),
            format!("{} MiB", measured.peak >> 20),
            ceiling.map_or_else(String::new, |it| format!("≤ {} MiB", it >> 20)),
            ceiling.is_none_or(|it| measured.peak <= it),
        );
    }
    Ok(())
}

/// The arguments of a plan with these releases, and no others.
fn planning(releases: &Path) -> Vec<&OsStr> {
    let plan = [
        "plan",
        "--offline",
        "--to",
        "1.30.3",
        "-o",
        "json",
        "--releases",
    ];
    let plan = plan.into_iter().map(OsStr::new);
    plan.chain([releases.as_os_str()]).collect()
}

/// Builds a program of a package as it is handed out, and returns where it is.
fn built(what: &[&str], program: &str) -> Result<PathBuf> {
    let mut build = process::cargo();
    build
        .current_dir(project::root())
        .args([
            "build",
            "--profile",
            PROFILE,
            "--quiet",
            "--locked",
            "--package",
        ])
        .args(what);
    process::run(&mut build)?;
    Ok(project::target().join(PROFILE).join(program))
}

struct Measured {
    time: Duration,
    /// Bytes of resident memory at most.
    peak: u64,
}

/// Runs refit over an export, three times, and keeps the fastest.
fn native(refit: &Path, export: &Path, args: &[&OsStr]) -> Result<Measured> {
    let mut best: Option<Measured> = None;
    for _ in 0..3 {
        let start = Instant::now();
        let mut child = Command::new(refit)
            .args(args)
            .arg(export)
            // Releases are those that are named.
            .env_remove("REFIT_ISTIO_DATA")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let peak = watch(&mut child)?;
        let time = start.elapsed();
        if best.as_ref().is_none_or(|it| time < it.time) {
            best = Some(Measured { time, peak });
        }
    }
    best.context("nothing was measured")
}

/// Waits for a process and returns its peak memory, as Linux tells it while the process lives.
fn watch(child: &mut Child) -> Result<u64> {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let kilobytes = text.lines().find_map(|it| {
            it.strip_prefix("VmHWM:")?
                .trim()
                .strip_suffix(" kB")?
                .parse()
                .ok()
        });
        peak = peak.max(kilobytes.unwrap_or(0_u64) * 1024);
        thread::sleep(Duration::from_millis(2));
    }
    Ok(peak)
}

/// What a host of the package measured.
#[derive(Debug, Deserialize)]
struct Host {
    /// The second of two runs in one process.
    ms: f64,
    /// Bytes while the cluster was open, and after it was closed.
    held: Option<u64>,
    left: Option<u64>,
}

/// Plans an export with a script of the tests.
fn script(path: &str, export: &Path) -> Result<Host> {
    let script = project::root().join(path);
    let mut command = Command::new("node");
    command.arg(script).arg(export);
    if path.contains("browser") {
        let chromium = tools::chromium(&CHROMIUM).map_err(anyhow::Error::msg)?;
        command.env("CHROMIUM", chromium);
    }
    let (ok, text) = process::output(&mut command)?;
    ensure!(ok, "{path} failed");
    serde_json::from_str(&text).with_context(|| format!("{path} told nothing: {text}"))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "files have fewer than 2^52 bytes"
)]
fn megabytes(path: &Path) -> Result<f64> {
    Ok(path.metadata()?.len() as f64 / 1e6)
}
