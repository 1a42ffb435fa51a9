//! `cargo xtask www`: the page, as static files in `www/dist`.
//!
//! Where Istio's data is found, the gallery gets real clusters and the releases that they need; `--releases DIR` adds
//! more releases. Data is copied when the page is built, and is never a part of the repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{data, pkg, process, project};

mod archive;

/// A real cluster of the gallery.
struct Sample {
    /// The folder in `exports/`.
    name: &'static str,
    title: &'static str,
    about: &'static str,
}

/// What the gallery shows, the most telling first.
const GALLERY: [Sample; 9] = [
    Sample {
        name: "default-1.29-to-1.30",
        title: "An upgrade, step by step",
        about: "1.29 to 1.30 with every kind of workload: objects, restarts, steps",
    },
    Sample {
        name: "customised-demo-partial-request",
        title: "Settings reverted",
        about: "The request forgot part of what was installed",
    },
    Sample {
        name: "live-edits",
        title: "Edited by others",
        about: "kubectl, an autoscaler and a GitOps controller changed what istioctl made",
    },
    Sample {
        name: "ambient-1.29-to-1.30",
        title: "Ambient mesh",
        about: "CNI, ztunnel, a waypoint and a Gateway API gateway",
    },
    Sample {
        name: "skew-1.26-to-1.30",
        title: "Four minors at once",
        about: "1.26 to 1.30: blocked, with the way drawn",
    },
    Sample {
        name: "downgrade-1.30-to-1.29",
        title: "Back by one minor",
        about: "A downgrade after every workload was restarted",
    },
    Sample {
        name: "helm",
        title: "Installed by Helm",
        about: "Something else owns what would be applied",
    },
    Sample {
        name: "incomplete-export",
        title: "Half an export",
        about: "Pods and services only: what stays unknown, and how to get it",
    },
    Sample {
        name: "old-1.20-to-1.21",
        title: "An old mesh",
        about: "1.20 to 1.21: what the older releases left behind",
    },
];

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
        add_releases(Path::new(folder), |_| true)?;
    }
    Ok(())
}

/// Builds `www/dist` with the package that is in `pkg/dist`, and fills the gallery where data is found.
pub(crate) fn build() -> Result<()> {
    let www = project::root().join("www");
    process::npm_ci(&www)?;
    process::run(
        Command::new("npm")
            .current_dir(&www)
            .args(["run", "--silent", "build"]),
    )?;
    match data::folder() {
        Some(data) => add_gallery(&data),
        None => Ok(()),
    }
}

/// Puts real clusters beside the page, where it looks for `samples/index.json`, and their releases.
fn add_gallery(data: &Path) -> Result<()> {
    let out = project::root().join("www/dist/samples");
    fs::create_dir_all(&out)?;
    let mut samples = Vec::new();
    let mut needed = BTreeSet::new();
    for sample in &GALLERY {
        let folder = data.join("exports").join(sample.name);
        let archive = folder.join("export.tar.gz");
        let Ok(expected) = fs::read_to_string(folder.join("expected.json")) else {
            continue;
        };
        let expected: Value = serde_json::from_str(&expected)
            .with_context(|| format!("{}: expected.json", sample.name))?;
        let export = format!("{}.tar.gz", sample.name);
        fs::copy(&archive, out.join(&export))
            .with_context(|| format!("cannot copy {}", archive.display()))?;
        let request = match request_file(&expected) {
            Some(path) => {
                let name = format!("{}.yaml", sample.name);
                fs::copy(folder.join(path), out.join(&name))?;
                Some(name)
            }
            None => None,
        };
        for version in [
            &expected["target"],
            &expected["source"]["version"],
            &expected["source"],
        ] {
            needed.extend(version.as_str().map(str::to_owned));
        }
        needed.extend(sources(&expected));
        samples.push(json!({
            "name": sample.name,
            "title": sample.title,
            "about": sample.about,
            "to": expected["target"],
            "verdict": expected["verdict"],
            "export": export,
            "request": request,
        }));
    }
    fs::write(
        out.join("index.json"),
        json!({ "samples": samples }).to_string(),
    )?;
    add_releases(&data.join("istio/releases"), |it| needed.contains(it))
}

/// The file behind `-f` of a scenario's arguments.
fn request_file(expected: &Value) -> Option<&str> {
    let args = expected["args"].as_array()?;
    let at = args.iter().position(|it| it == "-f")?;
    args.get(at + 1)?.as_str()
}

/// The versions of the control planes that run.
fn sources(expected: &Value) -> Vec<String> {
    let planes = expected["inventory"]["controlPlanes"].as_array();
    let versions = planes.into_iter().flatten().map(|it| &it["version"]);
    versions
        .filter_map(|it| it.as_str().map(str::to_owned))
        .collect()
}

/// Puts release archives (`istio-VERSION.tar.gz`) beside the page, cut to what a plan reads, where it looks for
/// `releases/index.json`.
fn add_releases(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<()> {
    let out = project::root().join("www/dist/releases");
    fs::create_dir_all(&out)?;
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|it| it.to_str())
            .unwrap_or_default();
        if let Some(version) = version(name).filter(|it| wanted(it)) {
            archive::cut(&path, &out.join(format!("istio-{version}.tar.gz")))
                .with_context(|| format!("cannot pack {}", path.display()))?;
        }
    }
    let mut versions: Vec<String> = fs::read_dir(&out)?
        .filter_map(|it| it.ok()?.file_name().into_string().ok())
        .filter_map(|it| version(&it).map(str::to_owned))
        .collect();
    versions.sort();
    fs::write(
        out.join("index.json"),
        json!({ "versions": versions }).to_string(),
    )?;
    Ok(())
}

/// `1.30.3` of `istio-1.30.3.tar.gz`, and of the names under which Istio publishes archives.
fn version(name: &str) -> Option<&str> {
    let stem = name.strip_prefix("istio-")?.strip_suffix(".tar.gz")?;
    let platform = ["-linux", "-osx", "-win"]
        .iter()
        .find_map(|it| stem.find(it));
    Some(platform.map_or(stem, |at| &stem[..at]))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_told_from_any_name_of_an_archive() {
        assert_eq!(version("istio-1.30.3.tar.gz"), Some("1.30.3"));
        assert_eq!(version("istio-1.30.3-linux-amd64.tar.gz"), Some("1.30.3"));
        assert_eq!(
            version("istio-1.31.0-rc.0-osx-arm64.tar.gz"),
            Some("1.31.0-rc.0")
        );
        assert_eq!(version("index.json"), None);
    }
}
