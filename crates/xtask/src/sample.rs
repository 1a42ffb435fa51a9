//! `cargo xtask sample`: what the two releases render for the cluster of `refit plan --sample`, which the binary and the
//! page hold so that the sample is whole without a network. `--check` compares it with what stands there.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use istio_planner::desired::Desired;
use istio_planner::diff::{Consent, diff};
use istio_planner::snapshot::{Snapshot, SnapshotReader};
use istio_render::{Options, Release};
use serde_json::Value;

use crate::{data, project};

/// The golden case that is the sample, relative to the repository's root.
const SAMPLE: &str = "tests/golden/sample";

/// From where, to where.
const VERSIONS: [&str; 2] = ["1.29.6", "1.30.3"];

/// Runs the verb.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let check = match args {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => bail!("usage: cargo xtask sample [--check]"),
    };
    let data = data::folder().context("no releases: run `cargo xtask data`")?;
    all(&data, check)
}

/// Writes, or compares, what each release renders.
pub(crate) fn all(data: &Path, check: bool) -> Result<()> {
    let snapshot = snapshot()?;
    for version in VERSIONS {
        let text = rendered(&snapshot, data, version)?;
        let path = project::root()
            .join(SAMPLE)
            .join(format!("rendered/istio-{version}.yaml.gz"));
        if check {
            let mut found = String::new();
            let file = fs::File::open(&path).with_context(|| path.display().to_string())?;
            GzDecoder::new(file).read_to_string(&mut found)?;
            ensure!(
                found == text,
                "{} is not what the release renders: run `cargo xtask sample`",
                path.display()
            );
            continue;
        }
        fs::create_dir_all(path.parent().context("it has a folder")?)?;
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(text.as_bytes())?;
        fs::write(&path, packed.finish()?)?;
    }
    Ok(())
}

fn snapshot() -> Result<Snapshot> {
    let mut reader = SnapshotReader::new();
    for name in ["cluster.yaml", "version.json"] {
        let path: PathBuf = project::root().join(SAMPLE).join("export").join(name);
        reader.read(name, fs::File::open(&path)?)?;
    }
    Ok(reader.finish()?)
}

/// What istioctl of a release would apply here without any request, component by component, and then the webhooks of
/// the default tag, which it makes from what the cluster holds.
fn rendered(snapshot: &Snapshot, data: &Path, version: &str) -> Result<String> {
    let archive = data.join(format!("istio/releases/istio-{version}.tar.gz"));
    let file = fs::File::open(&archive).with_context(|| archive.display().to_string())?;
    let release = Release::from_tar_gz(std::io::BufReader::new(file))?;
    let options = Options {
        kubernetes: snapshot.server_version.as_ref().map(|it| format!("v{it}")),
        ..Options::default()
    };
    let Ok(rendering) = istio_render::render(&release, &options) else {
        bail!("{version} does not render the empty request");
    };
    let desired = Desired::new(&release, &rendering);
    let nothing = Consent {
        named: &[],
        orphans: false,
    };
    let tag = diff(snapshot, &desired, nothing, false).tag_writes;
    let is_of_tag = |it: &&Value| {
        let labels = it.pointer("/metadata/labels");
        labels
            .is_some_and(|it| it["install.operator.istio.io/owning-resource-not-pruned"] == "true")
    };
    let mut text = String::new();
    let objects = rendering.components.iter().flat_map(|it| &it.objects);
    for object in objects.chain(tag.iter().map(|it| &it.manifest).filter(is_of_tag)) {
        text.push_str(&kube_yaml::to_string(object));
        text.push_str("---\n");
    }
    Ok(text)
}
