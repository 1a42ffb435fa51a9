//! Fleets: the Jobs that `refit fleet job` prints, worked off by the real Job controller, with pods that the fake kubelet runs
//! as processes of this machine.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::cluster::{Cluster, How, Run, finish};
use super::plans::{apply, config_map, plan, step};
use crate::suite::product::refit;

mod upgrades;

/// The image of the clusters' pods, and that of the one that releases waves.
const STUB: &str = "example.org/stub:1";
const REFIT: &str = "example.org/refit:1";

/// Starts a management cluster that runs `stub` for the clusters and refit itself for what releases; nothing where there is
/// no plane, or no root to mount as a node does.
fn management(stub: &Path) -> Option<Cluster> {
    let id = Command::new("id").arg("-u").output().unwrap();
    if id.stdout != b"0\n" {
        assert!(
            std::env::var_os("CI").is_none_or(|it| it != "true"),
            "root is needed, to mount as a node does"
        );
        eprintln!("skipped: root is needed, to mount as a node does");
        return None;
    }
    let stub = format!("{STUB}={}", stub.display());
    let refit = format!("{REFIT}={}", refit().display());
    let cluster = Cluster::start(&["--run", &stub, "--run", &refit])?;
    cluster.namespace("refit");
    Some(cluster)
}

/// A fleet whose pods end as a table says, and what they did.
struct Table {
    folder: tempfile::TempDir,
    /// Where the pods write: all of them see the machine's `/dev`.
    shared: tempfile::TempDir,
}

/// What a pod of a cluster did.
#[derive(Debug, PartialEq, Eq)]
enum Did {
    Began(String),
    Ended(String, u8),
}

impl Table {
    /// Clusters by name, with the exit codes of their pods, the last of which is the last.
    fn new(clusters: &[(String, &str)], takes: &str) -> Self {
        let it = Self {
            folder: tempfile::tempdir().unwrap(),
            shared: tempfile::tempdir_in("/dev/shm").unwrap(),
        };
        let script = format!(
            "#!/bin/sh\n\
             set -- $(cat /kubeconfig/config); name=$1; log={}/log\n\
             test -s /plan/plan.json.gz && test \"$(ls /kubeconfig)\" = config || exit 126\n\
             trap 'echo \"- $name 130\" >> $log; exit 130' TERM\n\
             echo \"+ $name\" >> $log\n\
             sleep {takes} & wait $!\n\
             shift $(grep -c \"^+ $name$\" $log)\n\
             echo \"- $name ${{1:-0}}\" >> $log; exit ${{1:-0}}\n",
            it.shared.path().display()
        );
        fs::write(it.stub(), script).unwrap();
        fs::set_permissions(it.stub(), fs::Permissions::from_mode(0o755)).unwrap();
        it.fleet(clusters);
        it
    }

    fn stub(&self) -> PathBuf {
        self.folder.path().join("stub")
    }

    /// What `refit fleet plan --out` would write for such clusters, and their Secrets.
    fn fleet(&self, clusters: &[(String, &str)]) {
        let actions = vec![apply(None, &config_map("n", "a", "1"))];
        let plan = plan("n", vec![step("one", actions, vec![])]);
        let one = serde_json::to_string(&plan).unwrap();
        let names: Vec<&str> = clusters.iter().map(|it| it.0.as_str()).collect();
        fleet(self.folder.path(), &names, |_| one.clone());
        let secrets: Vec<Value> = clusters
            .iter()
            .map(|(name, codes)| secret(name, format!("{name} {codes}").as_bytes()))
            .collect();
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": secrets });
        fs::write(self.folder.path().join("secrets.json"), list.to_string()).unwrap();
    }

    /// Makes the Secrets, and the Jobs as refit prints them.
    fn apply(&self, cluster: &Cluster, arguments: &[&str]) -> String {
        let secrets = fs::read_to_string(self.folder.path().join("secrets.json")).unwrap();
        cluster.done(&["create", "-f", "-"], Some(&secrets));
        apply_fleet(cluster, self.folder.path(), STUB, arguments)
    }

    fn did(&self) -> Vec<Did> {
        let text = fs::read_to_string(self.shared.path().join("log")).unwrap_or_default();
        let did = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["+", name] => Did::Began((*name).to_owned()),
                ["-", name, code] => Did::Ended((*name).to_owned(), code.parse().unwrap()),
                _ => panic!("{line}"),
            }
        };
        text.lines().map(did).collect()
    }

    /// How often each cluster was begun.
    fn attempts(&self) -> BTreeMap<String, usize> {
        let mut attempts = BTreeMap::new();
        for it in self.did() {
            if let Did::Began(name) = it {
                *attempts.entry(name).or_default() += 1;
            }
        }
        attempts
    }

    /// How many pods were at work at the same time at most, and now.
    fn width(&self) -> (usize, usize) {
        let (mut now, mut most) = (0, 0);
        for it in self.did() {
            match it {
                Did::Began(_) => now += 1,
                Did::Ended(..) => now -= 1,
            }
            most = most.max(now);
        }
        (most, now)
    }

    fn await_that(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        await_that(what, || holds(self));
    }
}

#[track_caller]
fn await_that(what: &str, holds: impl Fn() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < Duration::from_mins(2), "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Writes a fleet of clear clusters, and the plan of each.
fn fleet(folder: &Path, names: &[&str], plan: impl Fn(&str) -> String) {
    let clusters: Vec<Value> = names
        .iter()
        .map(|name| {
            let file = format!("{name}.json");
            fs::write(folder.join(&file), plan(name)).unwrap();
            json!({
                "name": name,
                "file": file,
                "summary": {
                    "verdict": "clear", "direction": "upgrade", "source": "1.29.6", "target": "1.30.3",
                    "plan": name, "decide": 0, "lost": 0, "byHand": 0, "changes": 1, "workloads": 0, "pods": 0,
                    "role": "primary", "findings": [],
                },
            })
        })
        .collect();
    let fleet = json!({
        "schema": "refit.fleet/v1", "target": "1.30.3", "verdict": "clear", "clusters": clusters,
        "meshes": [], "findings": [],
    });
    fs::write(folder.join("fleet.json"), fleet.to_string()).unwrap();
}

fn secret(name: &str, content: &[u8]) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "namespace": "refit", "name": format!("kubeconfig-{name}") },
        "data": { "kubeconfig": BASE64_STANDARD.encode(content) },
    })
}

/// Applies what `refit fleet job` prints, with refit itself as the one that releases; returns the fleet's id.
fn apply_fleet(cluster: &Cluster, folder: &Path, image: &str, arguments: &[&str]) -> String {
    let printed = Command::new(refit())
        .args(["fleet", "job"])
        .arg(folder)
        .args([
            "--image",
            image,
            "--kubeconfig-secret",
            "kubeconfig-{cluster}",
        ])
        .args(arguments)
        .output()
        .unwrap();
    let told = String::from_utf8(printed.stderr).unwrap();
    assert!(printed.status.success(), "{told}");
    let text = String::from_utf8(printed.stdout).unwrap();
    let releases = |it: &&str| it.contains("kind: Job\n") && it.contains("refit/part: release\n");
    let document = text.split("---\n").find(releases).unwrap();
    let text = text.replace(document, &document.replace(image, REFIT));
    cluster.done(&["create", "-f", "-"], Some(&text));
    let id = told.split("the fleet ").nth(1).unwrap();
    id.split(' ').next().unwrap().to_owned()
}

/// Runs a verb of fleets as administrator.
fn run(cluster: &Cluster, arguments: &[&str]) -> Run {
    let how = How {
        kubeconfig: Some(cluster.kubeconfig()),
        ..How::default()
    };
    let mut all = vec!["fleet"];
    all.extend(arguments);
    finish(cluster.begin_as(how, &all))
}

#[track_caller]
fn status(cluster: &Cluster, id: &str) -> Value {
    let run = run(cluster, &["status", "--fleet", id, "-o", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

/// The clusters in a state.
fn in_state(status: &Value, state: &str) -> Vec<String> {
    let all = status["clusters"].as_array().unwrap();
    all.iter()
        .filter(|it| it["state"] == state)
        .map(|it| it["name"].as_str().unwrap().to_owned())
        .collect()
}

fn job(cluster: &Cluster, id: &str, part: &str) -> Value {
    let name = format!("refit-fleet-{id}-{part}");
    cluster.get("job", "refit", &name).unwrap()
}

fn ended(cluster: &Cluster, id: &str, part: &str) -> Option<String> {
    let job = job(cluster, id, part);
    let conditions = job["status"]["conditions"].as_array().cloned();
    let conditions = conditions.unwrap_or_default();
    let over = |it: &&Value| ["Complete", "Failed"].contains(&it["type"].as_str().unwrap());
    Some(
        conditions.iter().find(over)?["type"]
            .as_str()
            .unwrap()
            .to_owned(),
    )
}

#[test]
fn three_hundred_clusters_go_in_waves_of_their_width_past_retries_failures_and_a_controller_that_dies()
 {
    const WIDTH: usize = 20;
    let clusters: Vec<(String, &str)> = (0..300)
        .map(|it| {
            let codes = match it {
                5 => "1 0",
                10 => "3",
                11 => "130 0",
                50 => "1 1",
                _ => "0",
            };
            (format!("c{it:03}"), codes)
        })
        .collect();
    let table = Table::new(&clusters, "0.2");
    let Some(cluster) = management(&table.stub()) else {
        return;
    };
    let width = WIDTH.to_string();
    let id = table.apply(
        &cluster,
        &[
            "--waves",
            "1,10%,rest",
            "--parallel",
            &width,
            "--max-failures",
            "1%",
            "--retries",
            "1",
            "--soak",
            "2s",
        ],
    );
    assert_eq!(status(&cluster, &id)["state"], "waiting");
    assert!(table.did().is_empty(), "nothing begins by itself");
    let start = run(&cluster, &["resume", "-y"]);
    assert_eq!(start.code, Some(0), "{}", start.stderr);
    // In the middle of the last wave it is held: what is at work stops, and nothing else begins.
    table.await_that("the last wave begins", |it| it.attempts().len() > 100);
    let stop = run(&cluster, &["stop", "-y"]);
    assert_eq!(stop.code, Some(0), "{}", stop.stderr);
    table.await_that("all stop", |it| it.width().1 == 0);
    await_that("no pod is left", || {
        job(&cluster, &id, "wave-3")["status"]["active"]
            .as_u64()
            .is_none_or(|it| it == 0)
    });
    let held = table.did().len();
    assert_eq!(status(&cluster, &id)["state"], "held");
    let go = run(&cluster, &["resume", "-y"]);
    assert_eq!(go.code, Some(0), "{}", go.stderr);
    table.await_that("it goes on", |it| it.did().len() > held);
    cluster.bounce("controllers", "3s");
    await_that("all waves end", || {
        ended(&cluster, &id, "release").is_some()
    });
    assert_eq!(ended(&cluster, &id, "release").as_deref(), Some("Complete"));

    let attempts = table.attempts();
    assert_eq!(attempts.len(), 300);
    for (name, times) in [("c005", 2), ("c010", 1), ("c011", 2)] {
        assert_eq!(attempts[name], times, "{name}");
    }
    let status = status(&cluster, &id);
    assert_eq!(status["state"], "done");
    assert_eq!(in_state(&status, "failed"), ["c010", "c050"]);
    assert_eq!(in_state(&status, "done").len(), 298);
    let (most, now) = table.width();
    assert!((2..=WIDTH).contains(&most) && now == 0, "{most}");
    // No cluster of a wave before all of the one before have ended.
    let did = table.did();
    let place = |it: &Did| did.iter().position(|other| other == it).unwrap();
    let last = |names: &[(String, &str)]| {
        let of = |it: &Did| matches!(it, Did::Ended(name, _) if names.iter().any(|other| other.0 == *name));
        did.iter().rposition(of).unwrap()
    };
    for (wave, next) in [
        (&clusters[..1], &clusters[1..31]),
        (&clusters[1..31], &clusters[31..]),
    ] {
        let first = next.iter().map(|it| place(&Did::Began(it.0.clone()))).min();
        assert!(last(wave) < first.unwrap());
    }
}

#[test]
fn after_too_many_failures_no_wave_is_released_until_they_are_settled() {
    let names = ["a1", "b1", "b2", "b3", "b4", "b5", "b6", "c1", "c2"];
    let clusters: Vec<(String, &str)> = names
        .iter()
        .map(|it| {
            let codes = match *it {
                "b1" | "b2" => "3 0",
                _ => "0",
            };
            ((*it).to_owned(), codes)
        })
        .collect();
    let table = Table::new(&clusters, "0.5");
    let Some(cluster) = management(&table.stub()) else {
        return;
    };
    let id = table.apply(
        &cluster,
        &[
            "--waves",
            "1,6,rest",
            "--parallel",
            "2",
            "--max-failures",
            "1",
        ],
    );
    run(&cluster, &["resume", "-y"]);
    await_that("it stops", || ended(&cluster, &id, "release").is_some());
    assert_eq!(ended(&cluster, &id, "release").as_deref(), Some("Failed"));
    let told = status(&cluster, &id);
    assert_eq!(told["state"], "stopped");
    let why = told["why"].as_str().unwrap();
    assert!(why.contains("b1, b2"), "{why}");
    assert_eq!(in_state(&told, "failed"), ["b1", "b2"]);
    assert_eq!(in_state(&told, "waiting"), ["c1", "c2"]);
    await_that("the wave ends", || ended(&cluster, &id, "wave-2").is_some());
    let refused = run(&cluster, &["resume", "-y"]);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    // Those that were not done are, one by one, and then the fleet goes on.
    let told = status(&cluster, &id);
    let mut missing = in_state(&told, "failed");
    missing.extend(in_state(&told, "unfinished"));
    let mut again = vec!["resume", "-y"];
    again.extend(missing.iter().map(String::as_str));
    let run_again = run(&cluster, &again);
    assert_eq!(run_again.code, Some(0), "{}", run_again.stderr);
    await_that("they end", || ended(&cluster, &id, "again-1").is_some());
    let go = run(&cluster, &["resume", "-y"]);
    assert_eq!(go.code, Some(0), "{}", go.stderr);
    await_that("all waves end", || {
        ended(&cluster, &id, "release").as_deref() == Some("Complete")
    });
    let told = status(&cluster, &id);
    assert_eq!(told["state"], "done");
    assert_eq!(in_state(&told, "done").len(), names.len());
    assert_eq!(table.attempts()["b1"], 2);
}

/// A file of a Go module, which stays where Go keeps it; nothing where there is no Go.
fn of_module(module: &str, file: &str) -> Option<PathBuf> {
    let told = Command::new("go")
        .args(["mod", "download", "-json", module])
        .output();
    let folder = told.ok().filter(|it| it.status.success()).and_then(|it| {
        let told: Value = serde_json::from_slice(&it.stdout).unwrap();
        told["Dir"].as_str().map(PathBuf::from)
    });
    assert!(
        folder.is_some() || std::env::var_os("CI").is_none_or(|it| it != "true"),
        "Go cannot download {module}"
    );
    if folder.is_none() {
        eprintln!("skipped: Go cannot download {module}");
    }
    Some(folder?.join(file))
}

#[test]
fn argo_and_open_cluster_management_take_what_is_printed_for_them() {
    let workflows = of_module(
        "github.com/argoproj/argo-workflows/v4@v4.0.5",
        "manifests/base/crds/full/argoproj.io_workflows.yaml",
    );
    let works = of_module(
        "open-cluster-management.io/api@v1.0.0",
        "work/v1/0000_00_work.open-cluster-management.io_manifestworks.crd.yaml",
    );
    let (Some(workflows), Some(works)) = (workflows, works) else {
        return;
    };
    let [workflows, works] = [&workflows, &works].map(|it| it.to_str().unwrap());
    let Some(cluster) = Cluster::start(&["--crds", workflows, "--crds", works]) else {
        return;
    };
    let names: Vec<(String, &str)> = ["hub", "eu-1", "eu-2"]
        .map(|it| (it.to_owned(), "0"))
        .into();
    let table = Table::new(&names, "0");
    for namespace in ["refit", "hub", "eu-1", "eu-2"] {
        cluster.namespace(namespace);
    }
    for (form, more, kind, number) in [
        ("argo", ["--soak", "30m"].as_slice(), "kind: Workflow\n", 1),
        ("ocm", &[], "kind: ManifestWork\n", 3),
    ] {
        let printed = Command::new(refit())
            .args(["fleet", "job", "-o", form, "--image", STUB])
            .args(["--kubeconfig-secret", "kubeconfig-{cluster}"])
            .args(more)
            .arg(table.folder.path())
            .args(["--", "--restart"])
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&printed.stderr);
        assert!(printed.status.success(), "{told}");
        let text = String::from_utf8(printed.stdout).unwrap();
        assert_eq!(text.matches(kind).count(), number, "{text}");
        let take = [
            "apply",
            "--server-side",
            "--dry-run=server",
            "--validate=strict",
            "-f",
            "-",
        ];
        let taken = cluster.done(&take, Some(&text));
        assert!(taken.lines().count() >= number, "{taken}");
        // What they do not know they would refuse.
        let wrong = text
            .replace("  labels:\n", "  labelz:\n")
            .replace("parallelism:", "paralelism:");
        let wrong = wrong.replace("resourceIdentifier:", "resourceIdentifir:");
        assert!(!cluster.kubectl(&take, Some(&wrong)).status.success());
    }
}
