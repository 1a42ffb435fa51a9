//! `cargo xtask www`: the page, as static files in `www/dist`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::{pkg, process, project};

/// Runs the verb.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let mut build = pkg::Build::Full;
    let mut releases = None;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--quick" => build = pkg::Build::Quick,
            "--releases" => releases = Some(args.next().context("--releases needs a folder")?),
            _ => bail!("unknown argument: {arg}"),
        }
    }
    pkg::build(build)?;
    self::build()?;
    if let Some(folder) = releases {
        add_releases(Path::new(folder))?;
    }
    Ok(())
}

/// Builds `www/dist` with the package that is in `pkg/dist`.
pub(crate) fn build() -> Result<()> {
    let www = project::root().join("www");
    process::npm_ci(&www)?;
    process::run(
        Command::new("npm")
            .current_dir(&www)
            .args(["run", "--silent", "build"]),
    )
}

/// Puts release archives (`istio-VERSION.tar.gz`) beside the page, where it looks for `releases/index.json`.
fn add_releases(folder: &Path) -> Result<()> {
    let out = project::root().join("www/dist/releases");
    fs::create_dir_all(&out)?;
    let mut versions = Vec::new();
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|it| it.to_str())
            .unwrap_or_default();
        if let Some(version) = name
            .strip_prefix("istio-")
            .and_then(|it| it.strip_suffix(".tar.gz"))
        {
            fs::copy(&path, out.join(name))?;
            versions.push(version.to_owned());
        }
    }
    versions.sort();
    fs::write(
        out.join("index.json"),
        json!({ "versions": versions }).to_string(),
    )?;
    Ok(())
}
