//! `cargo xtask bench`: size of the wasm module, and a generated export of 10,000 injected pods, natively and in Node.
//!
//! Each line says what was measured and the floor that holds for it; a missed floor fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use brotli::CompressorWriter;

use crate::test::report::show;
use crate::{pkg, process, project};

mod export;

/// Floors and ceilings (issues 3 and 7 of the project).
const WASM_BROTLI: u64 = 700_000;
const JSON_NATIVE: f64 = 400.0;
const YAML_NATIVE: f64 = 45.0;
const PEAK_NATIVE: u64 = 300 << 20;
const JSON_NODE: Duration = Duration::from_secs(2);

const PODS: usize = 10_000;

/// Runs the verb.
pub(crate) fn run(args: &[String]) -> Result<()> {
    ensure!(args.is_empty(), "unknown arguments: {}", args.join(" "));
    let folder = project::target().join("bench");
    fs::create_dir_all(&folder)?;
    let (json, yaml) = (folder.join("cluster.json"), folder.join("cluster.yaml"));
    export::write(PODS, &json, &yaml)?;

    let mut missed = 0;
    let mut line = |name: &str, value: String, floor: String, holds: bool| {
        missed += usize::from(!holds);
        show(&format!(
            "{name:<28} {value:>12}  {floor:<16}{}\n",
            if holds { "" } else { "  MISSED" }
        ));
    };

    pkg::build(pkg::Build::Full)?;
    let (raw, brotli) = sizes(&pkg::module())?;
    line("wasm", format!("{} kB", raw / 1000), String::new(), true);
    line(
        "wasm, brotli",
        format!("{} kB", brotli / 1000),
        format!("≤ {} kB", WASM_BROTLI / 1000),
        brotli <= WASM_BROTLI,
    );

    let refit = release_build()?;
    for (name, path, floor) in [
        ("native, JSON", &json, JSON_NATIVE),
        ("native, YAML", &yaml, YAML_NATIVE),
    ] {
        let measured = native(&refit, path)?;
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
    for (name, path, ceiling) in [
        ("Node, JSON", &json, Some(JSON_NODE)),
        ("Node, YAML", &yaml, None),
    ] {
        let time = node(path)?;
        let floor = ceiling.map_or_else(String::new, |it| format!("≤ {} s", it.as_secs()));
        line(
            name,
            format!("{:.2} s", time.as_secs_f64()),
            floor,
            ceiling.is_none_or(|it| time <= it),
        );
    }
    if missed > 0 {
        bail!("{missed} floors were missed");
    }
    Ok(())
}

/// Bytes of the module, as it is and as a server would send it.
fn sizes(module: &Path) -> Result<(u64, u64)> {
    let bytes = fs::read(module).context("pkg/dist has no module")?;
    let mut packed = Vec::new();
    let mut writer = CompressorWriter::new(&mut packed, 1 << 16, 11, 24);
    std::io::copy(&mut bytes.as_slice(), &mut writer)?;
    drop(writer);
    Ok((bytes.len() as u64, packed.len() as u64))
}

fn release_build() -> Result<PathBuf> {
    let args = [
        "build",
        "--release",
        "--quiet",
        "--locked",
        "--package",
        "istio-executor",
    ];
    process::run(process::cargo().current_dir(project::root()).args(args))?;
    Ok(project::target().join("release/refit"))
}

struct Measured {
    time: Duration,
    /// Bytes of resident memory at most.
    peak: u64,
}

/// Plans an export with the release build, three times, and keeps the fastest.
fn native(refit: &Path, export: &Path) -> Result<Measured> {
    let mut best: Option<Measured> = None;
    for _ in 0..3 {
        let start = Instant::now();
        let mut child = Command::new(refit)
            .args(["plan", "--to", "1.30.3", "-o", "json"])
            .arg(export)
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

/// Plans an export with the package in Node; the second of two runs in one process counts.
fn node(export: &Path) -> Result<Duration> {
    let script = project::root().join("tests/node/bench.mjs");
    let (ok, text) = process::output(Command::new("node").arg(script).arg(export))?;
    ensure!(ok, "the run in Node failed");
    Ok(Duration::from_secs_f64(
        text.trim()
            .parse::<f64>()
            .context("the run in Node told no time")?
            / 1000.0,
    ))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "files have fewer than 2^52 bytes"
)]
fn megabytes(path: &Path) -> Result<f64> {
    Ok(path.metadata()?.len() as f64 / 1e6)
}
