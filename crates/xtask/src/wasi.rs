//! `cargo xtask wasi`: the planner as one WASI file, for hosts that are not JavaScript.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::{pkg, process, project};

const TARGET: &str = "wasm32-wasip1";

/// Runs the verb.
pub(crate) fn run(args: &[String]) -> Result<()> {
    ensure!(args.is_empty(), "unknown arguments: {}", args.join(" "));
    let file = build()?;
    writeln!(std::io::stdout(), "{}", file.display())?;
    Ok(())
}

/// Builds the file and returns it.
pub(crate) fn build() -> Result<PathBuf> {
    pkg::add_target(TARGET)?;
    process::run(process::cargo_for(TARGET).args([
        "build",
        "--quiet",
        "--locked",
        "--package",
        "istio-planner-wasi",
        "--target",
        TARGET,
        "--profile",
        "wasm",
    ]))?;
    let file = project::target()
        .join(TARGET)
        .join("wasm/istio-planner-wasi.wasm");
    ensure!(file.is_file(), "cargo wrote no {}", file.display());
    Ok(file)
}
