//! The npm package, ready to be published with provenance: npm packs it, and writes no time of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::Release;
use crate::{process, project};

/// What of the package's folder goes in, beside what `package.json` is asked for.
const FILES: [&str; 6] = [
    "dist",
    "schema",
    "examples",
    "NOTICES.txt",
    "README.md",
    "package.json",
];

/// Packs `pkg` into a folder. npm's provenance wants the repository in `package.json`.
pub(super) fn pack(release: &Release, out: &Path) -> Result<()> {
    let staging = tempfile::tempdir()?;
    let folder = staging.path();
    for name in FILES {
        copy(&project::root().join("pkg").join(name), &folder.join(name))?;
    }
    fs::copy(project::root().join("LICENSE"), folder.join("LICENSE"))?;
    let repository = &release.repository;
    process::run(Command::new("npm").current_dir(folder).args([
        "pkg",
        "set",
        "repository.type=git",
        &format!("repository.url=git+{repository}.git"),
        "repository.directory=pkg",
        &format!("homepage={repository}#readme"),
    ]))?;
    process::run(
        Command::new("npm")
            .current_dir(folder)
            .args(["pack", "--silent", "--ignore-scripts", "--pack-destination"])
            .arg(out.canonicalize()?)
            .stdout(std::io::stderr()),
    )
}

/// Copies a file, or a folder with what is in it; npm leaves out what it never packs.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let about = || from.display().to_string();
    if !from.is_dir() {
        fs::copy(from, to).with_context(about)?;
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(about)? {
        let entry = entry?;
        if entry.file_name() != "node_modules" {
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
