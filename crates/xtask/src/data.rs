//! `cargo xtask data`: Istio's releases for the tests, where no folder with them is given.
//!
//! Looked for in `REFIT_ISTIO_DATA`, then in `../shared`, then in `target/istio-data`, where this verb puts them.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

use crate::project;

const DOWNLOADS: &str = "https://github.com/istio/istio/releases/download";

/// An official archive has about 30 MB; this is the most that is read.
const LIMIT: u64 = 200 << 20;

/// The newest patch of every minor that the catalogue knows, and one older patch for upgrades within a minor.
const VERSIONS: [&str; 27] = [
    "1.6.14",
    "1.7.8",
    "1.8.6",
    "1.9.9",
    "1.10.6",
    "1.11.8",
    "1.12.9",
    "1.13.9",
    "1.14.6",
    "1.15.7",
    "1.16.7",
    "1.17.8",
    "1.18.7",
    "1.19.10",
    "1.20.8",
    "1.21.6",
    "1.22.8",
    "1.23.6",
    "1.24.6",
    "1.25.5",
    "1.26.8",
    "1.27.9",
    "1.28.10",
    "1.29.6",
    "1.30.0",
    "1.30.3",
    "1.31.0-rc.0",
];

/// Runs the verb.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let folder = downloaded().join("istio/releases");
    fs::create_dir_all(&folder)?;
    let all: Vec<String> = VERSIONS.iter().map(ToString::to_string).collect();
    for version in if args.is_empty() { &all } else { args } {
        let path = folder.join(format!("istio-{version}.tar.gz"));
        if !path.exists() {
            let archive =
                download(version).with_context(|| format!("cannot get Istio {version}"))?;
            fs::write(&path, archive)?;
        }
    }
    Ok(())
}

/// The folder that holds `istio/releases`, and, in full, the shared checks; `None` where there is none.
pub(crate) fn folder() -> Option<PathBuf> {
    let given = env::var_os("REFIT_ISTIO_DATA").map(PathBuf::from);
    let beside = project::root().join("../shared");
    given
        .into_iter()
        .chain([beside, downloaded()])
        .find(|it| it.join("istio/releases").is_dir())
        .map(|it| it.canonicalize().unwrap_or(it))
}

/// Whether a folder of [`folder`] has a part of the shared data, for example `exports`.
pub(crate) fn has(folder: &Path, part: &str) -> bool {
    folder.join(part).is_dir()
}

fn downloaded() -> PathBuf {
    project::root().join("target/istio-data")
}

fn download(version: &str) -> Result<Vec<u8>> {
    let name = format!("istio-{version}-linux-amd64.tar.gz");
    let archive = get(&format!("{DOWNLOADS}/{version}/{name}"))?;
    let sums = String::from_utf8(get(&format!("{DOWNLOADS}/{version}/{name}.sha256"))?)?;
    let expected = sums.split_whitespace().next().unwrap_or_default();
    let found = Sha256::digest(&archive)
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a string cannot fail");
            text
        });
    ensure!(
        found == expected,
        "{name} has the sum {found}, its release says {expected}"
    );
    Ok(archive)
}

fn get(url: &str) -> Result<Vec<u8>> {
    let mut response = ureq::get(url)
        .call()
        .with_context(|| format!("cannot download {url}"))?;
    let mut bytes = Vec::new();
    response
        .body_mut()
        .as_reader()
        .take(LIMIT)
        .read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        bail!("{url} is empty");
    }
    Ok(bytes)
}
