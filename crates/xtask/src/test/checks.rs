//! The shared checks: programs beside the data that run the release build of `refit` over it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::report::{Report, Verdict, show};
use super::tools;
use crate::{data, process};

/// The checks that run always.
pub(crate) const CHECKS: [&str; 4] = ["golden", "corpus", "exports", "selection"];

/// Runs golden, corpus, exports, selection, and execute, which needs the control plane.
pub(crate) fn run(report: &mut Report, data: &Path, refit: &Path, plane: Option<&PathBuf>) {
    if !data::has(data, "checks") {
        for name in CHECKS {
            report.missing(name, "the data has no checks");
        }
        return;
    }
    let python = match tools::python() {
        Ok(python) => python,
        Err(why) => {
            for name in CHECKS {
                report.missing(name, &format!("{why:#}"));
            }
            return;
        }
    };
    let check = Check {
        python: &python,
        refit,
        data,
    };
    report.suite("golden", || check.run("golden", &["istio/golden"], &[]));
    report.suite("corpus", || {
        check.run(
            "corpus",
            &["istio/corpus"],
            &["--releases", "istio/releases"],
        )
    });
    report.suite("exports", || {
        check.run("exports", &["exports"], &["--releases", "istio/releases"])
    });
    report.suite("selection", || check.run("selection", &["selection"], &[]));
    match plane {
        Some(plane) => report.suite("execute", || check.execute(plane)),
        None => report.missing("execute", "no control plane"),
    }
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

    fn execute(&self, plane: &Path) -> Result<Verdict> {
        let mut command = self.command("execute");
        command
            .arg(self.data.join("exports"))
            .arg("--plane")
            .arg(plane)
            .env("KUBECTL", tools::kubectl_for_checks()?);
        command
            .arg("--releases")
            .arg(self.data.join("istio/releases"));
        Self::finish(&mut command)
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.python);
        command
            .arg(self.data.join("checks").join(format!("{name}.py")))
            .arg(self.refit);
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
