//! `cargo xtask docs`: the manual in `docs/manual`, as refit itself writes it. The suite `rust` holds it against the program.

use anyhow::{Result, ensure};

use crate::{process, project};

/// Where the pages stand.
const FOLDER: &str = "docs/manual";

/// Runs the verb.
pub(crate) fn run(args: &[String]) -> Result<()> {
    ensure!(args.is_empty(), "usage: cargo xtask docs");
    let folder = project::root().join(FOLDER);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    process::run(
        process::cargo()
            .current_dir(project::root())
            .args(["run", "--quiet", "--locked", "--package", "istio-executor"])
            .args(["--", "manual", "--markdown"])
            .arg(folder),
    )
}
