//! No finding without cause: on clusters of shared/exports where nothing is wrong the plan warns of exactly what
//! `expected.json` demands, and blocks nothing.

use std::fs::File;
use std::path::PathBuf;

use istio_planner::outcome::Level;
use istio_planner::snapshot::SnapshotReader;
use istio_planner::{Input, Request, RequestFile};
use serde_json::Value;
use sorted::SortedSet;

/// Clusters as an upgrade likes to find them.
const CLEAN: [&str; 3] = [
    "ambient-1.29-to-1.30",
    "default-1.28-to-1.29",
    "default-1.29-to-1.30",
];

/// What is true of the releases themselves, or of every gateway with one pod; the expectations are older than these rules.
const OF_RELEASES: &[&str] = &[
    "istiod-rolls-gateways",
    "registry-ends",
    "security-open",
    "security-until-restart",
    "target-defect",
];

#[test]
fn clean_clusters_get_the_expected_warnings_and_no_others() {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let data = std::env::var_os("REFIT_ISTIO_DATA").map_or(beside, PathBuf::from);
    for scenario in CLEAN {
        let folder = data.join("exports").join(scenario);
        let Ok(export) = File::open(folder.join("export.tar.gz")) else {
            println!("skipped: no {}", folder.display());
            continue;
        };
        let expected: Value =
            serde_json::from_reader(File::open(folder.join("expected.json")).unwrap()).unwrap();
        let args = expected["args"].as_array().unwrap();
        let args: Vec<_> = args.iter().filter_map(Value::as_str).collect();
        let after = |flag: &str| {
            let at = args.iter().position(|it| *it == flag);
            at.map(|it| args[it + 1].to_owned())
        };
        let to = after("--to").unwrap();
        let sets: Vec<_> = args
            .iter()
            .enumerate()
            .filter(|it| *it.1 == "--set")
            .map(|it| args[it.0 + 1].to_owned())
            .collect();
        let files = after("-f").map(|name| RequestFile {
            text: std::fs::read_to_string(folder.join(&name)).unwrap(),
            name,
        });
        let mut reader = SnapshotReader::new();
        reader.read("export.tar.gz", export).unwrap();
        let source = expected["source"].as_str().unwrap();
        let releases = [source, &to].map(|it| {
            let archive = data.join(format!("istio/releases/istio-{it}.tar.gz"));
            istio_render::Release::from_tar_gz(File::open(archive).unwrap()).unwrap()
        });
        let input = Input {
            request: Request {
                to,
                sets,
                files: files.into_iter().collect(),
                ..Request::default()
            },
            snapshot: reader.finish().unwrap(),
            releases: releases.into(),
            as_of: after("--as-of"),
            facts: None,
        };
        let outcome = istio_planner::plan(&input);
        let found: SortedSet<_> = outcome
            .findings
            .iter()
            .filter(|it| it.level != Level::Info)
            .map(|it| it.code.as_str())
            .filter(|it| !OF_RELEASES.contains(it))
            .collect();
        let must = expected["findings"]["must"].as_array().unwrap();
        let must: SortedSet<_> = must.iter().filter_map(Value::as_str).collect();
        assert_eq!(found, must, "{scenario}");
    }
}
