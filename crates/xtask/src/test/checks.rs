//! The shared checks: programs beside the data that run `refit` over it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Result, bail};

use super::report::{Report, Verdict, show};
use super::tools;
use crate::{data, process, project};

/// The checks, the longest first: so the last ones end at about the same time.
pub(super) const CHECKS: [&str; 10] = [
    "execute",
    "registries",
    "corpus",
    "images",
    "exports",
    "golden",
    "reports",
    "golden-old",
    "selection",
    "facts",
];

/// Control planes at the same time; each takes 0.9 GiB, and most of its time is waiting.
const AT_ONCE: usize = 7;

/// Runs one check; `execute` makes real upgrades, each on a control plane of its own.
pub(super) fn run(
    report: &mut Report,
    name: &str,
    data: &Path,
    refit: &Path,
    plane: Option<&Path>,
) {
    if !report.wants(name) {
        return;
    }
    let python = match python(data) {
        Ok(python) => python,
        Err(why) => return report.missing(name, &why),
    };
    let check = Check {
        python: &python,
        refit,
        data,
    };
    let releases = ["--releases", "istio/releases"];
    match (name, plane) {
        ("execute", None) => report.missing(name, "no control plane"),
        ("execute", Some(plane)) => report.suite(name, || check.execute(plane)),
        ("golden" | "golden-old", _) => report.suite(name, || {
            check.run("golden", &[&format!("istio/{name}")], &[])
        }),
        ("corpus", _) => report.suite(name, || check.run(name, &["istio/corpus"], &releases)),
        ("exports" | "reports", _) => report.suite(name, || check.run(name, &[name], &releases)),
        ("selection", _) => report.suite(name, || check.run(name, &[name], &[])),
        _ => report.suite(name, || check.oracle(name)),
    }
}

/// The Python that runs the checks, or why they cannot run.
fn python(data: &Path) -> Result<PathBuf, String> {
    if !data::has(data, "checks") {
        return Err("the data has no checks".to_owned());
    }
    tools::python().map_err(|why| format!("{why:#}"))
}

struct Check<'a> {
    python: &'a Path,
    refit: &'a Path,
    data: &'a Path,
}

impl Check<'_> {
    /// Runs `checks/NAME.py REFIT FOLDER OPTIONS`, folders relative to the data; its last line is the count.
    fn run(&self, name: &str, folders: &[&str], options: &[&str]) -> Result<Verdict> {
        let mut command = self.command(name);
        command.args(folders.iter().map(|it| self.data.join(it)));
        for pair in options.chunks(2) {
            if let [option, folder] = pair {
                command.arg(option).arg(self.data.join(folder));
            }
        }
        Self::finish(&mut command)
    }

    /// Runs `tests/oracles/facts/NAME.py REFIT DATA`, which reads the data by other means than the product does.
    fn oracle(&self, name: &str) -> Result<Verdict> {
        let script = project::root().join(format!("tests/oracles/facts/{name}.py"));
        let mut command = self.python_with(&script);
        Self::finish(command.arg(self.data))
    }

    /// Every export that has an `after`, upgraded on a control plane of its own. A cluster without istiod spends most of
    /// its time in waiting for pods that no webhook lets in, so several go at once.
    fn execute(&self, plane: &Path) -> Result<Verdict> {
        let exports = self.data.join("exports");
        let mut names: Vec<String> = std::fs::read_dir(&exports)?
            .filter_map(Result::ok)
            .filter(|it| it.path().join("after.tar.gz").is_file())
            .map(|it| it.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        let kubectl = tools::kubectl_for_checks()?;
        let run = |part: &[String]| -> Result<(bool, String)> {
            let mut command = self.command("execute");
            command
                .arg(&exports)
                .args(part)
                .arg("--plane")
                .arg(plane)
                .arg("--releases")
                .arg(self.data.join("istio/releases"))
                .env("KUBECTL", &kubectl);
            process::output(&mut command)
        };
        let parts = names.chunks(names.len().div_ceil(AT_ONCE).max(1));
        let ended: Vec<_> = thread::scope(|scope| {
            let run = &run;
            let running: Vec<_> = parts.map(|it| scope.spawn(move || run(it))).collect();
            running
                .into_iter()
                .map(|it| it.join().unwrap_or_else(|_| bail!("a check panicked")))
                .collect::<Result<_>>()
        })?;
        let (mut equal, mut all) = (0, 0);
        for (ok, text) in &ended {
            let counts: Vec<u32> = text
                .lines()
                .last()
                .unwrap_or_default()
                .split_whitespace()
                .filter_map(|it| it.parse().ok())
                .collect();
            if let [one, of] = counts.as_slice() {
                (equal, all) = (equal + one, all + of);
            }
            if !ok {
                show(text);
            }
        }
        let counts = format!(
            "execute: {equal} of {all} objects of {} clusters",
            names.len()
        );
        Ok(if ended.iter().all(|it| it.0) && all > 0 {
            Verdict::Passed(Some(counts))
        } else {
            Verdict::Failed(counts)
        })
    }

    fn command(&self, name: &str) -> Command {
        self.python_with(&self.data.join("checks").join(format!("{name}.py")))
    }

    fn python_with(&self, script: &Path) -> Command {
        let mut command = Command::new(self.python);
        command.arg(script).arg(self.refit);
        command
            .env("REFIT_ISTIO_DATA", self.data)
            .env("RELEASES_DIR", self.data.join("istio/releases"));
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    fn finish(command: &mut Command) -> Result<Verdict> {
        let (ok, text) = process::output(command)?;
        let last = text.lines().last().unwrap_or("no output").to_owned();
        if !ok {
            show(&text);
            return Ok(Verdict::Failed(last));
        }
        Ok(Verdict::Passed(Some(last)))
    }
}
