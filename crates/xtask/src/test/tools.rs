//! What suites need beside cargo and npm: Chromium, the Go programs, Python with `PyYAML`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{process, project};

/// Finds Chromium (`CHROMIUM` first), or installs Debian's where that is allowed. The error says what to install.
pub(crate) fn chromium(places: &[&str]) -> Result<PathBuf, String> {
    let find = || {
        std::env::var_os("CHROMIUM")
            .map(PathBuf::from)
            .into_iter()
            .chain(places.iter().map(PathBuf::from))
            .find(|it| it.is_file())
    };
    if let Some(found) = find() {
        return Ok(found);
    }
    let missing = "no Chromium: install Debian's package `chromium`, or set CHROMIUM";
    if !process::is_there("apt-get", "--version") || !is_root() {
        return Err(missing.to_owned());
    }
    let install = "apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core";
    process::run(
        Command::new("sh")
            .args(["-c", install])
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(std::io::stderr()),
    )
    .map_err(|it| format!("{missing} ({it})"))?;
    find().ok_or_else(|| missing.to_owned())
}

/// Builds `tests/control-plane` once for its sources; `None` where the sources are not there.
pub(crate) fn control_plane() -> Result<Option<PathBuf>> {
    let sources = project::root().join("tests/control-plane");
    go_program(&sources, "testplane", |out| {
        let mut build = Command::new("./build.sh");
        build.arg(out);
        build
    })
}

/// A Python that has `PyYAML`: the system's, else an environment of our own under the target folder.
pub(crate) fn python() -> Result<PathBuf> {
    let has_yaml = |python: &Path| {
        let mut probe = Command::new(python);
        probe
            .args(["-c", "import yaml"])
            .stderr(std::process::Stdio::null());
        probe.status().is_ok_and(|it| it.success())
    };
    let system = PathBuf::from("python3");
    if has_yaml(&system) {
        return Ok(system);
    }
    let own = project::target().join("python");
    let python = own.join("bin/python");
    if !has_yaml(&python) {
        process::run(Command::new("python3").args(["-m", "venv"]).arg(&own))
            .context("python3 with venv is needed")?;
        process::run(Command::new(&python).args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "PyYAML==6.0.3",
        ]))?;
    }
    Ok(python)
}

/// Builds a Go program into the target folder unless it is there and newer than its sources.
fn go_program(
    sources: &Path,
    name: &str,
    build: impl FnOnce(&Path) -> Command,
) -> Result<Option<PathBuf>> {
    if !sources.join("go.mod").is_file() {
        return Ok(None);
    }
    let out = project::target().join("go").join(name);
    if !is_newer(&out, sources)? {
        ensure!(process::is_there("go", "version"), "no Go: install Go 1.26");
        fs::create_dir_all(project::target().join("go"))?;
        process::run(build(&out).current_dir(sources).stdout(std::io::stderr()))?;
    }
    Ok(Some(out))
}

/// Whether a file is newer than every file of a folder.
fn is_newer(file: &Path, folder: &Path) -> Result<bool> {
    let Ok(made) = file.metadata().and_then(|it| it.modified()) else {
        return Ok(false);
    };
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if entry.metadata()?.modified()? > made {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn is_root() -> bool {
    process::output(Command::new("id").arg("-u")).is_ok_and(|(_, text)| text.trim() == "0")
}
