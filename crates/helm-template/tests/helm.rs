//! Compares with the program `helm`, whose path the environment names in `HELM`: what `helm template` prints.

use std::path::Path;
use std::process::Command;

use helm_template::{Capabilities, Chart, Release, manifest, render};
use serde_json::json;

#[path = "oracle/istio.rs"]
mod istio;

#[test]
fn charts_of_istio_are_printed_as_by_helm() {
    let Some(helm) = std::env::var_os("HELM") else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "HELM is not set"
        );
        eprintln!("not compared: HELM is not set");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let mut differences = Vec::new();
    for version in ["1.12.9", "1.20.8", "1.30.3"] {
        for (name, files) in istio::charts(version) {
            let chart_folder = folder.path().join(version).join(&name);
            for (path, text) in &files {
                let path = chart_folder.join(path);
                std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("made");
                std::fs::write(path, text).expect("written");
            }
            let theirs = Command::new(&helm)
                .args([
                    "template",
                    "istio",
                    "--namespace",
                    "istio-system",
                    "--include-crds",
                ])
                .arg("--kube-version=v1.32.0")
                .arg(&chart_folder)
                .output()
                .expect("helm runs");
            let files = files
                .into_iter()
                .map(|(path, text)| (path, text.into_bytes()))
                .collect();
            let release = Release {
                name: "istio".to_owned(),
                namespace: "istio-system".to_owned(),
                is_upgrade: false,
                is_install: true,
                revision: 1,
            };
            let capabilities = Capabilities {
                kube_version: "v1.32.0".to_owned(),
                api_versions: Capabilities::default_api_versions(),
            };
            let options = manifest::PrintOptions {
                include_crds: true,
                ..manifest::PrintOptions::default()
            };
            let ours = Chart::from_files(files)
                .and_then(|chart| render(&chart, &json!({}), &release, &capabilities))
                .and_then(|rendered| manifest::print(&rendered, options));
            match ours {
                Ok(ours) if theirs.status.success() => {
                    let theirs = String::from_utf8_lossy(&theirs.stdout);
                    if ours != theirs {
                        let line = ours.lines().zip(theirs.lines()).position(|(a, b)| a != b);
                        differences.push(format!("{version} {name}: line {line:?}"));
                    }
                }
                Ok(_) => differences.push(format!(
                    "{version} {name}: only Helm refuses: {}",
                    String::from_utf8_lossy(&theirs.stderr)
                )),
                Err(error) => {
                    if theirs.status.success() {
                        differences.push(format!("{version} {name}: only we refuse: {error}"));
                    }
                }
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
