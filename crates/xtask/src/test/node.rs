//! `node --test`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::report::{self, Verdict};
use crate::{data, process, project};

/// Files at the same time: their tests wait for browsers and for other programs, and another suite runs beside them.
const AT_ONCE: u32 = 2;

/// What measures time, which no test beside it may take.
const ALONE: &str = "speed.test.mjs";

/// What Node counts.
#[derive(Debug, Default)]
struct Counts {
    passed: u32,
    failed: u32,
    skipped: u32,
}

/// Runs the files of `tests/FOLDER`, but for the one that measures time.
pub(super) fn run(folder: &str, env: &[(&str, PathBuf)]) -> Result<Verdict> {
    counted(folder, env, false)
}

/// Runs the file of `tests/FOLDER` that measures time.
pub(super) fn timed(folder: &str, env: &[(&str, PathBuf)]) -> Result<Verdict> {
    counted(folder, env, true)
}

fn counted(folder: &str, env: &[(&str, PathBuf)], is_timed: bool) -> Result<Verdict> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(project::root().join("tests").join(folder))?
        .filter_map(|it| it.ok().map(|it| it.path()))
        .filter(|it| it.to_string_lossy().ends_with(".test.mjs"))
        .filter(|it| it.ends_with(ALONE) == is_timed)
        .collect();
    files.sort();
    let mut counts = Counts::default();
    let ok = counts.add(&files, env)?;
    Ok(counts.verdict(ok))
}

impl Counts {
    /// Runs some files and counts their tests; whether all went well.
    fn add(&mut self, files: &[PathBuf], env: &[(&str, PathBuf)]) -> Result<bool> {
        let mut command = Command::new("node");
        command
            .current_dir(project::root())
            .args(["--test", "--test-reporter=tap"])
            .arg(format!("--test-concurrency={AT_ONCE}"))
            .args(files);
        if let Some(data) = data::folder() {
            command.env("REFIT_ISTIO_DATA", data);
        }
        command.envs(env.iter().map(|(name, path)| (name, path)));
        let (ok, text) = process::output(&mut command)?;
        if !ok {
            report::show(&text);
        }
        for (name, count) in text
            .lines()
            .filter_map(|it| it.strip_prefix("# ")?.split_once(' '))
        {
            let count = count.trim().parse().unwrap_or(0);
            match name {
                "pass" => self.passed += count,
                "fail" => self.failed += count,
                "skipped" => self.skipped += count,
                _ => {}
            }
        }
        Ok(ok)
    }

    /// What they came to; under CI nothing may be skipped.
    fn verdict(&self, ok: bool) -> Verdict {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        if !ok {
            let all = passed + failed + skipped;
            return Verdict::Failed(format!("{failed} of {all} tests failed"));
        }
        match skipped {
            0 => Verdict::Passed(Some(format!("{passed} tests"))),
            _ if project::is_ci() => Verdict::Failed(format!("{skipped} tests were skipped")),
            _ => Verdict::Passed(Some(format!("{passed} tests, {skipped} skipped"))),
        }
    }
}
