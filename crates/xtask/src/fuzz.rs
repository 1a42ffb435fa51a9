//! `cargo xtask fuzz [TARGET…] [--minutes N]`: the targets of `tests/fuzz`, one after the other.
//!
//! Seeds are made from Istio's own releases and random requests, where there is data; what was found before
//! (`tests/fuzz/regressions`) is always among them. What crashes is left in `tests/fuzz/artifacts`.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;
use serde_json::Value;

use crate::{data, process, project};

/// A target and the words that its inputs are made of.
const TARGETS: [(&str, &str); 6] = [
    ("yaml", "yaml"),
    ("parser", "templates"),
    ("executor", "templates"),
    ("values", "yaml"),
    ("sets", "yaml"),
    ("overlays", "yaml"),
];

/// As `refit_tests::fuzzing` takes an input apart.
const SEPARATOR: &str = "\n====\n";

/// Seeds are short: long ones slow every run that grows from them.
const LONGEST_SEED: usize = 8 << 10;

/// Minutes of each target, where none are given.
pub(crate) const MINUTES: u32 = 30;

/// Runs the verb.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let mut minutes = MINUTES;
    let mut only = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--minutes" {
            let given = args.next().context("--minutes wants a number")?;
            minutes = given.parse().context("--minutes wants a number")?;
        } else {
            ensure!(
                TARGETS.iter().any(|it| it.0 == arg),
                "there is no target {arg}"
            );
            only.push(arg.as_str());
        }
    }
    run_targets(&only, minutes)
}

/// Runs the named targets, or all where none is named, for so many minutes each. An input that makes one panic, or run for
/// more than ten seconds, is an error that names it.
pub(crate) fn run_targets(only: &[&str], minutes: u32) -> Result<()> {
    if !process::is_there("cargo-fuzz", "--version") {
        process::run(process::cargo().args(["install", "cargo-fuzz", "--locked", "--quiet"]))?;
    }
    let folder = project::root().join("tests/fuzz");
    let corpora = project::target().join("fuzz-corpus");
    let mut failed = Vec::new();
    for (target, words) in TARGETS {
        if !only.is_empty() && !only.contains(&target) {
            continue;
        }
        let corpus = corpora.join(target);
        fs::create_dir_all(&corpus)?;
        if let Some(data) = data::folder() {
            seed(target, &data, &corpus)?;
        }
        let mut command = Command::new("cargo-fuzz");
        // The coverage that libFuzzer follows is behind unstable flags; no sanitizer, since nothing here is unsafe.
        command
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_DIR", project::target().join("fuzz"))
            .args(["fuzz", "run", "--sanitizer", "none", "--fuzz-dir"])
            .arg(&folder)
            .arg(target)
            .arg(&corpus);
        let regressions = folder.join("regressions").join(target);
        if regressions.is_dir() {
            command.arg(regressions);
        }
        command
            .arg("--")
            .arg(format!("-max_total_time={}", minutes * 60))
            .arg(format!(
                "-dict={}",
                folder.join(format!("dictionaries/{words}.dict")).display()
            ))
            .args(["-timeout=10", "-rss_limit_mb=4096", "-print_final_stats=1"]);
        if process::run(&mut command).is_err() {
            failed.push(target);
        }
    }
    if !failed.is_empty() {
        bail!(
            "{} failed; the inputs are in tests/fuzz/artifacts",
            failed.join(", ")
        );
    }
    Ok(())
}

/// Writes what a target starts from.
fn seed(target: &str, data: &Path, corpus: &Path) -> Result<()> {
    let mut seeds: Vec<String> = Vec::new();
    match target {
        "yaml" => {
            seeds.extend(charts(data, |path| path.ends_with("/values.yaml"))?);
            seeds.extend(requests(data)?.into_iter().flat_map(|it| it.files));
        }
        "parser" => seeds.extend(charts(data, |path| path.contains("/templates/"))?),
        "executor" => {
            let templates = charts(data, |path| path.contains("/templates/"))?;
            seeds.extend(templates.iter().map(|it| actions(it)));
        }
        "values" => seeds.extend(charts(data, |path| path.ends_with("/values.yaml"))?),
        "sets" => {
            for it in requests(data)? {
                let (files, sets) = (
                    it.files.join(
                        "
---
",
                    ),
                    it.sets.join(
                        "
",
                    ),
                );
                seeds.push(format!("{files}{SEPARATOR}{sets}"));
            }
        }
        "overlays" => seeds.extend(requests(data)?.into_iter().map(|it| it.patches)),
        _ => {}
    }
    seeds.retain(|it| !it.trim().is_empty() && it.len() <= LONGEST_SEED);
    for (number, text) in seeds.iter().enumerate() {
        fs::write(corpus.join(format!("seed-{number}")), text)?;
    }
    Ok(())
}

/// Files of the newest release's charts.
fn charts(data: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let path = data.join("istio/releases/istio-1.30.3.tar.gz");
    let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut archive = tar::Archive::new(GzDecoder::new(file));
    let mut found = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        if wanted(&entry.path()?.to_string_lossy()) {
            let mut text = String::new();
            if entry.read_to_string(&mut text).is_ok() {
                found.push(text);
            }
        }
    }
    Ok(found)
}

/// The insides of a template's actions that stand on one line, without those that open or close a block.
fn actions(template: &str) -> String {
    let inside = template.split("{{").skip(1).filter_map(|it| {
        let text = it.split_once("}}")?.0.trim_matches(['-', ' ']);
        let word = text.split(' ').next().unwrap_or_default();
        let opens = ["if", "else", "end", "range", "with", "define", "block"].contains(&word);
        (!opens && !text.contains('\n')).then_some(text)
    });
    inside.collect::<Vec<_>>().join("\n")
}

/// A random request of the shared data.
struct Request {
    files: Vec<String>,
    sets: Vec<String>,
    /// Overlay patches, `path=value` a line.
    patches: String,
}

fn requests(data: &Path) -> Result<Vec<Request>> {
    let path: PathBuf = data.join("istio/corpus/1.30.3/cases.jsonl.gz");
    let Ok(file) = File::open(path) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for line in BufReader::new(GzDecoder::new(file)).lines() {
        let case: Value = serde_json::from_str(&line?)?;
        let texts = |field: &str| -> Vec<String> {
            let list = case[field].as_array().into_iter().flatten();
            list.filter_map(|it| it.as_str().map(str::to_owned))
                .collect()
        };
        let files = texts("files");
        let sets = texts("args")
            .into_iter()
            .filter(|it| !it.starts_with('-'))
            .collect();
        let patches: Vec<_> = files.iter().flat_map(|it| patches(it)).collect();
        found.push(Request {
            patches: patches.join(
                "
",
            ),
            files,
            sets,
        });
    }
    Ok(found)
}

/// The patches of a file, `path=value` each.
fn patches(file: &str) -> Vec<String> {
    fn walk(value: &Value, found: &mut Vec<String>) {
        if let (Some(path), Some(value)) = (value["path"].as_str(), value.get("value")) {
            found.push(format!("{path}={value}"));
        }
        match value {
            Value::Array(items) => items.iter().for_each(|it| walk(it, found)),
            Value::Object(map) => map.values().for_each(|it| walk(it, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(&kube_yaml::from_str(file).unwrap_or_default(), &mut found);
    found
}
