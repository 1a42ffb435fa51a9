//! Recovery from random installations: `IstioOperator`s of shared/istio/corpus are "installed" as the planner predicts
//! that the API server stores them, the request is recovered from that export, and has to give the same objects.
//!
//! A part in every run; all with `REFIT_CASES` (see `cargo xtask test --long`).

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test's own support code"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use istio_planner::customisation::recover;
use istio_planner::desired::Desired;
use istio_planner::diff::{Consent, DiffOutcome, WriteHow, diff};
use istio_planner::outcome::{Change, ChangeClass};
use istio_planner::ownership::Apply;
use istio_planner::schema::Schemas;
use istio_planner::snapshot::{Snapshot, SnapshotReader};
use istio_planner::{Input, Request};
use istio_render::{OperatorFile, Options, Release};
use serde_json::{Value, json};

/// Cases of each release in an ordinary run.
const SAMPLE: usize = 3;

/// The server that all of them are installed on.
const KUBERNETES: &str = "v1.33.1";

/// Of a hundred installations, how many are reproduced whole at least. What was measured, not what is wanted (99): the
/// test lists what differs in the rest.
const REPRODUCED: usize = 60;

#[test]
fn random_installations_are_recovered() {
    let Some(data) = data() else {
        println!("skipped: no shared/istio/corpus");
        return;
    };
    let long = std::env::var_os("REFIT_CASES").is_some();
    let only = std::env::var("REFIT_CASE").ok();
    let (mut installed, mut reproduced, mut objects, mut equal) = (0, 0, 0, 0);
    let mut reasons: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for version in ["1.24.6", "1.26.8", "1.28.10", "1.30.3"] {
        let release = release(&data, version);
        let cases: Vec<_> = cases(&data, version)
            .into_iter()
            .filter(|it| it.get("objects").is_some())
            .filter(|it| only.as_ref().is_none_or(|only| it["name"] == only.as_str()))
            .collect();
        let step = if long || only.is_some() {
            1
        } else {
            cases.len().div_ceil(SAMPLE)
        };
        for case in cases.iter().step_by(step) {
            let Some(installation) = Installation::of(&release, case) else {
                continue;
            };
            // Without an istiod there is nothing to upgrade.
            let Some(changes) = installation.recovered(&release) else {
                continue;
            };
            installed += 1;
            objects += changes.len();
            let wrong: Vec<_> = changes
                .iter()
                .filter(|it| it.class != ChangeClass::Unchanged)
                .collect();
            equal += changes.len() - wrong.len();
            reproduced += usize::from(wrong.is_empty());
            for change in wrong {
                let name = case["name"].as_str().unwrap().to_owned();
                reasons.entry(said(change)).or_default().insert(name);
            }
        }
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|it| std::cmp::Reverse(it.1.len()));
    for (reason, cases) in reasons.iter().take(60) {
        println!(
            "{} {reason} {:?}",
            cases.len(),
            cases.iter().take(4).collect::<Vec<_>>()
        );
    }
    println!("recovered: {reproduced} of {installed} installations, {equal} of {objects} objects");
    assert!(installed > 0);
    assert!(
        reproduced * 100 >= installed * REPRODUCED,
        "{reproduced} of {installed} installations are reproduced"
    );
}

/// A difference in a few words.
fn said(change: &Change) -> String {
    let paths: Vec<_> = change
        .fields
        .iter()
        .map(|it| it.path.as_str())
        .take(3)
        .collect();
    format!(
        "{:?} {} {}: {}",
        change.class,
        change.component,
        change.object.kind,
        paths.join(", ")
    )
}

/// A cluster into which a request was installed.
struct Installation {
    snapshot: Snapshot,
    version: String,
}

impl Installation {
    /// Installs a case; `None` where it is left out of the corpus' own comparison.
    fn of(release: &Release, case: &Value) -> Option<Self> {
        let features = case["features"].as_array().unwrap();
        if features.iter().any(|it| it == "unnamed-object") {
            return None;
        }
        let mut options = options(case["args"].as_array().unwrap());
        for (index, text) in case["files"].as_array().unwrap().iter().enumerate() {
            options.files.push(OperatorFile {
                name: format!("{index}.yaml"),
                text: text.as_str().unwrap().to_owned(),
            });
        }
        let rendering = istio_render::render(release, &options).ok()?;
        let desired = Desired::of(release, &rendering);
        let empty = Snapshot {
            managed_fields: true,
            ..Snapshot::default()
        };
        let outcome = diff(&empty, &desired, Consent::NONE, true);
        if !outcome.findings.is_empty() {
            // The API server would refuse the installation.
            return None;
        }
        Some(Self {
            snapshot: exported(&outcome),
            version: release.version().to_string(),
        })
    }

    /// What the recovered request would change; `None` where no control plane is found.
    fn recovered(&self, release: &Release) -> Option<Vec<Change>> {
        let input = Input {
            request: Request {
                from: Some(self.version.clone()),
                ..Request::default()
            },
            snapshot: self.snapshot.clone(),
            releases: vec![release.clone()],
            ..Input::default()
        };
        let recovery = recover(&input)?;
        if std::env::var_os("REFIT_CASE").is_some() {
            println!("{}", recovery.yaml());
        }
        let options = Options {
            files: vec![OperatorFile {
                name: "recovered".to_owned(),
                text: recovery.yaml(),
            }],
            force: true,
            kubernetes: Some(KUBERNETES.to_owned()),
            ..Options::default()
        };
        let rendering = istio_render::render(release, &options).unwrap();
        Some(
            diff(
                &self.snapshot,
                &Desired::of(release, &rendering),
                Consent::NONE,
                false,
            )
            .changes,
        )
    }
}

/// Exports what an apply into an empty cluster has stored, with its owners, and a pod of every workload.
fn exported(outcome: &DiffOutcome) -> Snapshot {
    let mut schemas = Schemas::builtin();
    let predicted = || {
        outcome
            .changes
            .iter()
            .filter_map(|it| it.predicted.as_ref())
    };
    for object in predicted().filter(|it| it["kind"] == "CustomResourceDefinition") {
        schemas.add_crd(object);
    }
    let mut items = Vec::new();
    for (index, change) in outcome.changes.iter().enumerate() {
        let Some(mut object) = change.predicted.clone() else {
            continue;
        };
        let mut writes = outcome.writes.iter().chain(&outcome.tag_writes);
        let write = writes.find(|it| it.object == change.object && it.how == WriteHow::Apply);
        if let Some(write) = write {
            let apply = Apply {
                schemas: &schemas,
                live: None,
                config: &write.manifest,
                manager: "istio-operator",
                force: true,
            };
            let managers = apply.predict().unwrap().managers;
            object["metadata"]["managedFields"] = managers.to_managed_fields();
        }
        object["metadata"]["resourceVersion"] = (index + 1).to_string().into();
        object["metadata"]["uid"] = format!("uid-{index}").into();
        if object["kind"] == "Service" && object["spec"]["clusterIP"].is_null() {
            let address = format!("10.0.{}.{}", index / 250, index % 250 + 1);
            object["spec"]["clusterIPs"] = json!([address]);
            object["spec"]["clusterIP"] = address.into();
        }
        items.extend(pod(&object));
        items.push(object);
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let version = json!({"serverVersion": {"gitVersion": KUBERNETES}}).to_string();
    let mut reader = SnapshotReader::new();
    reader.read("cluster.json", list.as_bytes()).unwrap();
    reader.read("version.json", version.as_bytes()).unwrap();
    reader.finish().unwrap()
}

/// A pod that a workload has made.
fn pod(workload: &Value) -> Option<Value> {
    let kind = workload["kind"].as_str()?;
    let name = workload["metadata"]["name"].as_str()?;
    let owner = match kind {
        "Deployment" => {
            json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("{name}-5d"), "controller": true})
        }
        "DaemonSet" => {
            json!({"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": true})
        }
        _ => return None,
    };
    let mut pod = workload["spec"]["template"].clone();
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"]["name"] = format!("{name}-5d-x").into();
    pod["metadata"]["namespace"] = workload["metadata"]["namespace"].clone();
    pod["metadata"]["labels"]["pod-template-hash"] = "5d".into();
    pod["metadata"]["ownerReferences"] = json!([owner]);
    pod["status"] =
        json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
    Some(pod)
}

fn data() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let data = std::env::var_os("REFIT_ISTIO_DATA").map_or(beside, PathBuf::from);
    data.join("istio/corpus").is_dir().then_some(data)
}

fn release(data: &Path, version: &str) -> Release {
    let path = data.join(format!("istio/releases/istio-{version}.tar.gz"));
    Release::from_tar_gz(File::open(path).unwrap()).unwrap()
}

fn cases(data: &Path, version: &str) -> Vec<Value> {
    let path = data.join(format!("istio/corpus/{version}/cases.jsonl.gz"));
    let file = flate2::read::GzDecoder::new(File::open(path).unwrap());
    let lines = BufReader::new(file).lines();
    lines
        .map(|it| serde_json::from_str(&it.unwrap()).unwrap())
        .collect()
}

/// What istioctl was called with.
fn options(args: &[Value]) -> Options {
    let mut options = Options {
        kubernetes: Some(KUBERNETES.to_owned()),
        ..Options::default()
    };
    let mut args = args.iter().map(|it| it.as_str().unwrap());
    while let Some(arg) = args.next() {
        match arg {
            "--set" | "-s" => options.sets.push(args.next().unwrap().to_owned()),
            "--revision" | "-r" => options
                .sets
                .push(format!("revision={}", args.next().unwrap())),
            "--force" => options.force = true,
            _ => match arg.split_once('=') {
                Some(("--set" | "-s", set)) => options.sets.push(set.to_owned()),
                Some(("--revision" | "-r", it)) => options.sets.push(format!("revision={it}")),
                _ => println!("passed over: {arg}"),
            },
        }
    }
    options
        .sets
        .retain(|it| it != "revision=default" && it != "revision=");
    options
}
