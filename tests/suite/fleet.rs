//! Many clusters side by side: each says what its own plan says, and none stops the others.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use istio_planner::plan::Plan;
use serde_json::{Value, json};

use crate::suite::data::istio_data;
use crate::suite::product::refit;

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(refit())
        .args(arguments)
        .current_dir(folder)
        .env("XDG_CACHE_HOME", folder)
        .env("KUBECONFIG", folder.join("kubeconfig"))
        .env_remove("REFIT_ISTIO_DATA")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[track_caller]
fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|it| panic!("{it}: {}", text(&output.stderr)))
}

/// A folder with a link to the export of a golden case for each cluster.
fn clusters(cases: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let fleet = folder.path().join("fleet");
    fs::create_dir(&fleet).unwrap();
    for (name, case) in cases {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("golden")
            .join(case);
        symlink(golden.join("export"), fleet.join(name)).unwrap();
    }
    folder
}

const CASES: [(&str, &str); 3] = [
    ("eu-1", "clear-upgrade"),
    ("eu-2", "version-skew"),
    ("us-1", "sample"),
];

#[test]
fn each_cluster_is_told_in_every_form_and_the_heaviest_verdict_decides() {
    let folder = clusters(&CASES);
    for form in ["text", "json", "yaml", "markdown", "html", "junit"] {
        let it = run(
            folder.path(),
            &[
                "fleet",
                "plan",
                "fleet",
                "--to",
                "1.30.3",
                "--offline",
                "-o",
                form,
            ],
        );
        assert_eq!(it.status.code(), Some(3), "{}", text(&it.stderr));
        for (name, _) in CASES {
            assert!(
                text(&it.stdout).contains(name),
                "{form}: {}",
                text(&it.stdout)
            );
        }
    }
    let clear = run(
        folder.path(),
        &[
            "fleet",
            "plan",
            "fleet/eu-1",
            "fleet/us-1",
            "--to",
            "1.30.3",
            "--offline",
        ],
    );
    assert_eq!(clear.status.code(), Some(4), "{}", text(&clear.stdout));
    // A release that is not there is said once, whatever number of clusters asks for it.
    let said = text(&clear.stderr)
        .matches("going on without Istio 1.30.3")
        .count();
    assert_eq!(said, 1, "{}", text(&clear.stderr));
}

#[test]
fn a_cluster_that_cannot_be_read_stops_nobody() {
    let folder = clusters(&CASES);
    let broken = folder.path().join("fleet/broken");
    fs::create_dir(&broken).unwrap();
    fs::write(broken.join("pods.yaml"), "kind: [").unwrap();
    let it = run(
        folder.path(),
        &[
            "fleet",
            "plan",
            "fleet",
            "--to",
            "1.30.3",
            "--offline",
            "-o",
            "json",
        ],
    );
    let fleet = json(&it);
    assert_eq!(it.status.code(), Some(3));
    let clusters = fleet["clusters"].as_array().unwrap();
    assert_eq!(clusters.len(), 4);
    assert_eq!(clusters[0]["name"], "broken");
    let error = clusters[0]["error"].as_str().unwrap();
    assert!(error.contains("fleet/broken/pods.yaml:1"), "{error}");
    assert!(clusters[1]["summary"].is_object());
}

#[test]
fn each_cluster_has_its_own_request_and_its_own_outcome() {
    let folder = clusters(&CASES);
    let requests = folder.path().join("requests");
    fs::create_dir(&requests).unwrap();
    for (name, sampling) in [("eu-1", "11"), ("us-1", "12")] {
        let text = format!("spec:\n  values:\n    pilot:\n      traceSampling: {sampling}\n");
        fs::write(requests.join(format!("{name}.yaml")), text).unwrap();
    }
    let asked = [
        "-f",
        "requests/{cluster}.yaml",
        "--set",
        "values.global.multiCluster.clusterName={cluster}",
    ];
    let all = [
        "fleet",
        "plan",
        "fleet",
        "--to",
        "1.30.3",
        "--offline",
        "--out",
        "plans",
        "-o",
        "json",
    ];
    let it = run(folder.path(), &[all.as_slice(), &asked].concat());
    let fleet = json(&it);
    // The one without a file of its own says so.
    let error = fleet["clusters"][1]["error"].as_str().unwrap();
    assert!(error.contains("requests/eu-2.yaml"), "{error}");
    for (at, name) in [(0, "eu-1"), (2, "us-1")] {
        let cluster = &fleet["clusters"][at];
        assert_eq!(cluster["name"], name);
        let written = fs::read_to_string(
            folder
                .path()
                .join("plans")
                .join(cluster["file"].as_str().unwrap()),
        );
        let request = format!("requests/{name}.yaml");
        let set = format!("values.global.multiCluster.clusterName={name}");
        let export = format!("fleet/{name}");
        let alone = [
            "plan",
            &export,
            "--to",
            "1.30.3",
            "--offline",
            "--predicted",
            "-f",
            &request,
            "--set",
            &set,
            "-o",
            "json",
        ];
        assert_eq!(
            written.unwrap(),
            text(&run(folder.path(), &alone).stdout),
            "{name}"
        );
    }
    let again: Value =
        serde_json::from_slice(&fs::read(folder.path().join("plans/fleet.json")).unwrap()).unwrap();
    assert_eq!(again, fleet);
}

#[test]
fn a_slip_is_said_with_what_would_be_right() {
    let folder = clusters(&CASES);
    for (arguments, words) in [
        (["fleet", "plan"].as_slice(), "missing --to"),
        (
            &["fleet", "plan", "--to", "1.30.3"],
            "no clusters are named",
        ),
        (
            &["fleet", "plan", "nowhere", "--to", "1.30.3"],
            "nowhere is not there",
        ),
        (
            &["fleet", "plan", "fleet", "--to", "1.30.3", "-f", "-"],
            "standard input",
        ),
        (
            &["fleet", "plan", "--contexts", "prod-*", "--to", "1.30.3"],
            "no context matches prod-*",
        ),
    ] {
        let it = run(folder.path(), arguments);
        assert_eq!(it.status.code(), Some(1), "{arguments:?}");
        assert!(
            text(&it.stderr).contains(words),
            "{arguments:?}: {}",
            text(&it.stderr)
        );
    }
}

/// The real exports: what the fleet says of each is what `refit plan` says of it alone, byte by byte.
#[test]
fn real_clusters_say_what_they_say_alone() {
    let Some(data) = istio_data() else { return };
    let exports: Vec<PathBuf> = [
        "default-1.29-to-1.30",
        "ambient-1.29-to-1.30",
        "live-edits",
        "helm",
        "incomplete-export",
    ]
    .iter()
    .map(|it| data.join("exports").join(it).join("export.tar.gz"))
    .filter(|it| it.is_file())
    .collect();
    assert!(exports.len() > 1, "the exports are there");
    let folder = tempfile::tempdir().unwrap();
    let releases = data.join("istio/releases");
    let common = [
        "--to",
        "1.30.3",
        "--releases",
        releases.to_str().unwrap(),
        "--offline",
        "--as-of",
        "2026-11-29",
    ];
    let paths: Vec<&str> = exports.iter().map(|it| it.to_str().unwrap()).collect();
    let all = [
        ["fleet", "plan"].as_slice(),
        &paths,
        &common,
        &["--out", "plans", "-o", "json"],
    ]
    .concat();
    let fleet = json(&run(folder.path(), &all));
    for (cluster, path) in fleet["clusters"].as_array().unwrap().iter().zip(&paths) {
        let alone = [
            ["plan", path, "--predicted", "-o", "json"].as_slice(),
            &common,
        ]
        .concat();
        let alone = run(folder.path(), &alone);
        let outcome = json(&alone);
        let file = folder
            .path()
            .join("plans")
            .join(cluster["file"].as_str().unwrap());
        assert_eq!(
            fs::read_to_string(file).unwrap(),
            text(&alone.stdout),
            "{path}"
        );
        assert_eq!(cluster["summary"]["verdict"], outcome["verdict"], "{path}");
        assert_eq!(cluster["summary"]["plan"], outcome["plan"]["id"], "{path}");
        assert!(
            cluster["exported"].as_str().unwrap().starts_with("20"),
            "{path}"
        );
    }
    // One cluster exported twice is told by its own uid.
    let twice = [
        ["fleet", "plan"].as_slice(),
        &[paths[0], paths[0]],
        &common,
        &["-o", "json"],
    ]
    .concat();
    let fleet = json(&run(folder.path(), &twice));
    assert_eq!(fleet["findings"][0]["code"], "fleet-same-cluster");
}

/// A fleet of three as `refit fleet plan --out` wrote it: a primary, the remote one that it serves, and one of its own.
fn planned(verdicts: [&str; 3]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let names = ["remote", "primary", "EU_other"];
    let clusters: Vec<Value> = names
        .iter()
        .zip(verdicts)
        .map(|(name, verdict)| {
            json!({
                "name": name, "file": format!("{name}.json"),
                "summary": {
                    "verdict": verdict, "direction": "upgrade", "source": "1.29.6", "target": "1.30.3",
                    "plan": name, "decide": 0, "lost": 0, "byHand": 0, "changes": 1, "workloads": 0, "pods": 0,
                    "role": "primary", "findings": [],
                },
            })
        })
        .collect();
    let fleet = json!({
        "schema": "refit.fleet/v1", "target": "1.30.3", "verdict": "clear", "clusters": clusters, "findings": [],
        "meshes": [{ "order": [["primary"], ["remote"]] }],
    });
    fs::write(folder.path().join("fleet.json"), fleet.to_string()).unwrap();
    let plan = Plan {
        id: String::new(),
        source: None,
        target: "1.30.3".to_owned(),
        direction: None,
        cluster: None,
        namespace: "istio-system".to_owned(),
        forced: false,
        freeze: Vec::new(),
        steps: Vec::new(),
    }
    .sealed();
    for name in names {
        let file = folder.path().join(format!("{name}.json"));
        fs::write(file, serde_json::to_vec(&plan).unwrap()).unwrap();
    }
    folder
}

const JOB: [&str; 7] = [
    "fleet",
    "job",
    ".",
    "--image",
    "i",
    "--kubeconfig-secret",
    "kubeconfig-{cluster}",
];

/// The clusters of each wave, as the Jobs have them.
fn waves(output: &Output) -> Vec<String> {
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let all = text(&output.stdout).lines();
    all.filter_map(|it| it.trim().strip_prefix("refit/clusters: "))
        .map(|it| it.trim_matches('\'').to_owned())
        .collect()
}

#[test]
fn the_jobs_of_a_fleet_put_primaries_before_those_that_they_serve() {
    let folder = planned(["clear"; 3]);
    let of = |more: &[&str]| run(folder.path(), &[JOB.as_slice(), more].concat());
    assert_eq!(
        waves(&of(&["--waves", "1,rest"])),
        [r#"["primary"]"#, r#"["remote","EU_other"]"#]
    );
    let rest = of(&["--waves", "rest", "--", "--restart"]);
    assert_eq!(waves(&rest), [r#"["primary","EU_other"]"#, r#"["remote"]"#]);
    assert!(text(&rest.stderr).contains("1 wave more than asked for"));
    let printed = text(&rest.stdout);
    assert!(printed.contains("- --restart"), "{printed}");
    assert!(printed.contains("name: kubeconfig-primary"), "{printed}");
    // The same folder has the same name, whatever the waves are.
    let name = |it: &Output| text(&it.stderr).split("the fleet ").nth(1).unwrap()[..10].to_owned();
    assert_eq!(name(&rest), name(&of(&[])));
}

#[test]
fn only_plans_that_may_be_performed_become_jobs() {
    let blocked = planned(["clear", "blocked", "clear"]);
    let it = run(blocked.path(), &JOB);
    assert_eq!(it.status.code(), Some(3), "{}", text(&it.stderr));
    assert!(text(&it.stderr).contains("1 cluster blocked: primary"));
    // Who would have to wait for it for ever stays too.
    let it = run(
        blocked.path(),
        &[JOB.as_slice(), &["--skip-blocked"]].concat(),
    );
    assert_eq!(waves(&it), [r#"["EU_other"]"#]);
    assert!(text(&it.stderr).contains("left out: remote (has to wait"));
    let unknown = planned(["clear", "clear", "unknown"]);
    let it = run(unknown.path(), &JOB);
    assert_eq!(it.status.code(), Some(3), "{}", text(&it.stderr));
    assert!(text(&it.stderr).contains("EU_other"));
    let it = run(unknown.path(), &[JOB.as_slice(), &["--force"]].concat());
    assert_eq!(it.status.code(), Some(0), "{}", text(&it.stderr));
    let folder = planned(["clear"; 3]);
    for (more, words) in [
        (
            ["--waves", "1"].as_slice(),
            "the waves leave 2 clusters out",
        ),
        (&["--", "--nowhere"], "refit apply does not take"),
        (&["-n", "No"], "is no name"),
        (
            &["--kubeconfig-secret", "K-{cluster}"],
            "is no name of a Secret",
        ),
    ] {
        let it = run(folder.path(), &[JOB.as_slice(), more].concat());
        assert_eq!(it.status.code(), Some(1), "{more:?}");
        assert!(text(&it.stderr).contains(words), "{}", text(&it.stderr));
    }
    fs::write(folder.path().join("secrets.yaml"), "primary: its-own\n").unwrap();
    let named = run(
        folder.path(),
        &[JOB.as_slice(), &["--kubeconfig-secrets", "secrets.yaml"]].concat(),
    );
    let printed = text(&named.stdout);
    assert!(printed.contains("name: its-own") && printed.contains("name: kubeconfig-remote"));
}
