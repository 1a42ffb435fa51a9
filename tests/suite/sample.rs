//! What the two releases render for the cluster of `refit plan --sample`, which the binary and the page hold so that the
//! sample is whole without a network. `UPDATE_EXPECT=1` writes it again.

use std::env;
use std::fs;
use std::io::{BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use istio_planner::desired::Desired;
use istio_planner::diff::{Consent, diff};
use istio_planner::snapshot::{Snapshot, SnapshotReader};
use istio_render::{Options, Release};
use serde_json::Value;

use crate::suite::data::istio_data;

/// From where, to where.
const VERSIONS: [&str; 2] = ["1.29.6", "1.30.3"];

#[test]
fn the_sample_holds_what_its_releases_render() {
    let Some(data) = istio_data() else { return };
    let snapshot = snapshot();
    for version in VERSIONS {
        let text = rendered(&snapshot, &data, version);
        let path = sample().join(format!("rendered/istio-{version}.yaml.gz"));
        if env::var_os("UPDATE_EXPECT").is_some() {
            let mut packed = GzEncoder::new(Vec::new(), Compression::best());
            packed.write_all(text.as_bytes()).unwrap();
            fs::write(&path, packed.finish().unwrap()).unwrap();
        }
        let mut found = String::new();
        let packed = fs::File::open(&path).unwrap();
        GzDecoder::new(packed).read_to_string(&mut found).unwrap();
        assert!(
            found == text,
            "{} is not what the release renders: UPDATE_EXPECT=1 writes it",
            path.display()
        );
    }
}

/// The golden case that is the sample.
fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/sample")
}

fn snapshot() -> Snapshot {
    let mut reader = SnapshotReader::new();
    for name in ["cluster.yaml", "version.json"] {
        let file = fs::File::open(sample().join("export").join(name)).unwrap();
        reader.read(name, file).unwrap();
    }
    reader.finish().unwrap()
}

/// What istioctl of a release would apply here without any request, component by component, and then the webhooks of
/// the default tag, which it makes from what the cluster holds.
fn rendered(snapshot: &Snapshot, data: &Path, version: &str) -> String {
    let archive = data.join(format!("istio/releases/istio-{version}.tar.gz"));
    let file = fs::File::open(archive).unwrap();
    let release = Release::from_tar_gz(BufReader::new(file)).unwrap();
    let options = Options {
        kubernetes: snapshot.server_version.as_ref().map(|it| format!("v{it}")),
        ..Options::default()
    };
    let rendering = istio_render::render(&release, &options).unwrap();
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
    let objects = rendering.components.iter().flat_map(|it| &it.objects);
    let written = objects.chain(tag.iter().map(|it| &*it.manifest).filter(is_of_tag));
    written.fold(String::new(), |text, object| {
        text + &kube_yaml::to_string(object) + "---\n"
    })
}
