//! `cargo xtask test`: every suite, in two lanes beside each other, and a line for each at the end.
//!
//! One dev build serves the Rust tests, the shared checks and the control plane, one wasm build Node, browser and page, and
//! what waits much goes beside what computes: that is what lets a cold machine with two cores get through.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail, ensure};

use crate::{data, fuzz, notices, pkg, process, project, sbom, www};

mod checks;
mod distribution;
mod lanes;
mod node;
pub(crate) mod report;
pub(crate) mod tools;

pub(crate) use report::Missing;
use report::{Report, Verdict};

/// Where Debian puts it, and what other systems call it.
pub(crate) const CHROMIUM: [&str; 4] = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/snap/bin/chromium",
];

/// All suites, and what is made for them, in their order.
const SUITES: [&str; 26] = [
    "format",
    "lints",
    "build",
    "plane",
    "rust",
    "package",
    "scripts",
    "page",
    "supply",
    "dist",
    "wasi",
    "growth",
    "node",
    "browser",
    "speed",
    "golden",
    "golden-old",
    "corpus",
    "exports",
    "selection",
    "reports",
    "facts",
    "images",
    "registries",
    "execute",
    "fuzz",
];

/// Runs the verb. Under `CI=true` nothing may be missing.
pub(crate) fn run(args: &[String]) -> Result<()> {
    run_with(
        args,
        if project::is_ci() {
            Missing::Fails
        } else {
            Missing::Skips
        },
    )
}

/// Runs every suite, or those that are named; `missing` tells what becomes of one that lacks a tool or data.
pub(crate) fn run_with(args: &[String], missing: Missing) -> Result<()> {
    let long = args.iter().any(|it| it == "--long");
    let only: Vec<String> = args.iter().filter(|it| *it != "--long").cloned().collect();
    if let Some(unknown) = only.iter().find(|it| !SUITES.contains(&it.as_str())) {
        bail!(
            "there is no suite {unknown}; there are {}",
            SUITES.join(", ")
        );
    }
    // It takes hours, so it runs where it is asked for.
    let fuzzes = long || only.iter().any(|it| it == "fuzz");
    let data = data::folder();
    let mut report = Report::new(missing, only);

    lanes::run(&mut report, long, data.as_deref());
    if fuzzes {
        report.suite("fuzz", || {
            fuzz::run_targets(&[], fuzz::MINUTES).map(|()| Verdict::Passed(None))
        });
    }
    report.finish()
}

/// The package and what its tests need; what a server sends of it has its limit.
fn package() -> Result<Verdict> {
    pkg::build(pkg::Build::Full)?;
    process::npm_ci(&project::root().join("tests"))?;
    let (_, sent) = pkg::sizes()?;
    ensure!(
        sent <= pkg::MOST,
        "a server sends {sent} bytes for the module, more than {}",
        pkg::MOST
    );
    Ok(Verdict::Passed(Some(format!("{} kB sent", sent / 1000))))
}

fn cargo(args: &[&str]) -> Result<Verdict> {
    process::run(process::cargo().current_dir(project::root()).args(args))?;
    Ok(Verdict::Passed(None))
}

/// What all of the workspace is tested with; this program was built before, with features of its own.
const TESTED: [&str; 6] = [
    "--workspace",
    "--exclude",
    "xtask",
    "--locked",
    // Tests end refit in the middle of things.
    "--features",
    "istio-executor/crash-points",
];

/// Everything that `cargo test` runs, and `refit`, in one build; without its symbols, which valgrind would read as often as it
/// counts.
fn build(refit: &Path) -> Result<Verdict> {
    let targets = ["--tests", "--examples", "--bin", "refit"];
    cargo(&[&["build", "--quiet"], &TESTED[..], &targets].concat())?;
    let built = project::target().join("debug/refit");
    std::fs::create_dir_all(refit.parent().unwrap_or(refit))?;
    let mut strip = Command::new("strip");
    strip.arg("-o").arg(refit).arg(&built);
    if process::run(&mut strip).is_err() {
        std::fs::copy(&built, refit)?;
    }
    Ok(Verdict::Passed(None))
}

/// What clippy finds is a mistake.
fn lints() -> Result<Verdict> {
    cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--locked",
        "--",
        "-D",
        "warnings",
    ])
}

/// `cargo fmt`, and `rustfmt` for the rules: their modules stand in a table, which `cargo fmt` does not look into.
fn format() -> Result<Verdict> {
    cargo(&["fmt", "--all", "--check"])?;
    let folder = project::root().join("crates/istio-planner/src/rules");
    let mut command = Command::new("rustfmt");
    command.args(["--edition", "2024", "--check"]);
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "rs") {
            command.arg(path);
        }
    }
    process::run(&mut command)?;
    Ok(Verdict::Passed(None))
}

/// TypeScript and JavaScript: written as prettier writes them, and without what oxlint holds for a mistake.
fn scripts() -> Result<Verdict> {
    const PLACES: [&str; 7] = [
        "pkg/src",
        "pkg/examples",
        "www/src",
        "www/vite.config.ts",
        "tests/browser",
        "tests/dist",
        "tests/node",
    ];
    let tests = project::root().join("tests");
    let tool = |program: &str, options: &[&str]| {
        process::run(
            Command::new("node")
                .current_dir(project::root())
                .arg(tests.join("node_modules").join(program))
                .args(options)
                .args(PLACES),
        )
    };
    tool(
        "prettier/bin/prettier.cjs",
        &[
            "--config=tests/prettier.json",
            "--ignore-path=tests/prettier.ignore",
            "--log-level=warn",
            "--check",
        ],
    )?;
    tool(
        "oxlint/bin/oxlint",
        &["--config=tests/oxlint.json", "--deny-warnings", "--quiet"],
    )?;
    Ok(Verdict::Passed(None))
}

/// What is handed out: the licenses of what others made are written down, what it is made of is told as CycloneDX's own
/// schema has it, and nothing of the machine that built it is in it. `--long` builds module and page another time.
fn supply(long: bool) -> Result<Verdict> {
    notices::check()?;
    let written = sbom::write()?;
    let python = tools::cyclonedx()?;
    for path in &written {
        process::run(Command::new(&python).args(["-c", sbom::VALIDATE]).arg(path))?;
    }
    let mut built = vec![pkg::module()];
    built.extend(files(&project::root().join("www/dist"))?);
    built.extend(files(&project::root().join("pkg/dist"))?);
    told_nothing_of_here(&built)?;
    if long {
        let read = |built: &[PathBuf]| -> Result<Vec<Vec<u8>>> {
            built.iter().map(|it| Ok(std::fs::read(it)?)).collect()
        };
        let before = read(&built)?;
        pkg::forget()?;
        pkg::build(pkg::Build::Full)?;
        www::build()?;
        ensure!(
            before == read(&built)?,
            "module or page, built a second time, have other bytes"
        );
    }
    Ok(Verdict::Passed(Some(format!("{} files", built.len()))))
}

/// All files below a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Fails where a file holds a path of this machine: it would have other bytes on another one.
fn told_nothing_of_here(built: &[PathBuf]) -> Result<()> {
    for place in [project::root(), project::target(), process::cargo_home()] {
        let place = place.to_string_lossy().into_owned();
        for path in built {
            let bytes = std::fs::read(path)?;
            let tells = bytes.windows(place.len()).any(|it| it == place.as_bytes());
            ensure!(!tells, "{} holds the path {place}", path.display());
        }
    }
    Ok(())
}

/// Istio's definitions as a file, which `kube-apply` tries its merges on.
fn definitions(data: &Path) -> Option<PathBuf> {
    const FILE: &str = "istio-1.30.3/manifests/charts/base/files/crd-all.gen.yaml";
    let mut command = Command::new("tar");
    let archive = data.join("istio/releases/istio-1.30.3.tar.gz");
    command.arg("-xzOf").arg(archive).arg(FILE);
    let (fine, text) = process::output(&mut command).ok()?;
    let path = project::target().join("definitions.yaml");
    (fine && std::fs::write(&path, text).is_ok()).then_some(path)
}

/// Tests at the same time: those of the control plane wait most of their time, and each that has a plane of its own takes
/// 0.9 GiB.
const THREADS: &str = "4";

/// `cargo test`, its lines counted. Suites that need the control plane find it by `TESTPLANE`.
fn rust(long: bool, plane: Option<&PathBuf>, refit: Option<&PathBuf>) -> Result<Verdict> {
    let mut env: Vec<(&str, PathBuf)> = tools::oracles()?;
    env.push(("RUST_TEST_THREADS", THREADS.into()));
    if let Some(data) = data::folder() {
        env.extend(definitions(&data).map(|it| ("KUBE_APPLY_CRDS", it)));
        env.push(("REFIT_ISTIO_DATA", data));
    }
    if let Some(plane) = plane {
        env.extend(before(plane)?);
    }
    // A test says itself what it cannot show without it.
    let _ = tools::valgrind();
    if let Some(refit) = refit.filter(|it| it.is_file()) {
        env.push(("REFIT", refit.to_owned()));
        env.push(("REFIT_IMAGE", distribution::image(long, refit)?));
    }
    if long {
        env.push(("REFIT_LONG", "1".into()));
        // More sequences of writes against the library of Kubernetes itself.
        env.push(("REFIT_CASES", "5000".into()));
    }
    let workspace = [&TESTED[..], &["--", "--skip", GROWTH]].concat();
    let own = ["--package", "xtask", "--locked"];
    cargo_test(&[&workspace, &own], &env)
}

/// What tests before a control plane find by the environment.
fn before(plane: &Path) -> Result<[(&'static str, PathBuf); 3]> {
    Ok([
        ("TESTPLANE", plane.to_owned()),
        ("KUBECTL", tools::kubectl_for_checks()?),
        ("REFIT_PYTHON", tools::python()?),
    ])
}

/// The test of growth, whose counter is made beside the others.
const GROWTH: &str = "growth::ten_times";

/// How work grows with an export, counted in the WASI file.
fn growth(wasi: &Path) -> Result<Verdict> {
    let suite = [&TESTED[..], &["--test", "suite", GROWTH]].concat();
    let env = [
        ("REFIT_WASI", wasi.to_owned()),
        ("WASMTIME_PYTHON", tools::wasmtime()?),
    ];
    cargo_test(&[&suite], &env)
}

/// Runs `cargo test` with each of these arguments, and counts its tests.
fn cargo_test(runs: &[&[&str]], env: &[(&str, PathBuf)]) -> Result<Verdict> {
    let (mut ok, mut text) = (true, String::new());
    for what in runs {
        let mut command = process::cargo();
        command
            .current_dir(project::root())
            .args(["test", "--no-fail-fast"])
            .args(*what)
            .envs(env.iter().map(|(name, value)| (name, value)));
        let (fine, told) = process::output(&mut command)?;
        ok &= fine;
        text += &told;
    }
    let (mut passed, mut failed, mut ignored) = (0_u32, 0_u32, 0_u32);
    for line in text.lines() {
        if let Some(counts) = line.strip_prefix("test result: ") {
            passed += count(counts, " passed");
            failed += count(counts, " failed");
            ignored += count(counts, " ignored");
        }
    }
    let ignored = if ignored == 0 {
        String::new()
    } else {
        format!(", {ignored} ignored")
    };
    let counts = format!("{passed} tests{ignored}");
    if !ok {
        report::show(&text);
        return Ok(Verdict::Failed(format!("{failed} of {counts} failed")));
    }
    ensure!(passed > 0, "cargo ran no test");
    Ok(Verdict::Passed(Some(counts)))
}

/// The number before a word in a line of counts.
fn count(counts: &str, word: &str) -> u32 {
    let before = counts.split(word).next().unwrap_or_default();
    before
        .rsplit([' ', ';'])
        .next()
        .and_then(|it| it.parse().ok())
        .unwrap_or(0)
}
