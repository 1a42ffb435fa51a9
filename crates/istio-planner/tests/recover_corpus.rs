//! Recovery from random installations: `IstioOperator`s of shared/istio/corpus are "installed" as the planner predicts
//! that the API server stores them, the request is recovered from that export, and has to give the same objects.
//!
//! A part in every run; all with `REFIT_CASES` (see `cargo xtask test --long`).

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test's own support code"
)]

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use istio_planner::customisation::recover;
use istio_planner::desired::Desired;
use istio_planner::diff::{Consent, DiffOutcome, WriteHow, diff};
use istio_planner::outcome::{Change, ChangeClass, Ref};
use istio_planner::snapshot::{Snapshot, SnapshotReader};
use istio_planner::{Input, Request};
use istio_render::{OperatorFile, Options, Release};
use kube_apply::ownership::Apply;
use kube_apply::schema::Schemas;
use serde_json::{Value, json};
use sorted::{SortedMap, SortedSet};

/// Cases of each release in an ordinary run.
const SAMPLE: usize = 3;

/// Releases, and whose cases are installed with them. Neighbours of the corpus' own releases follow.
const RELEASES: [(&str, &str); 10] = [
    ("1.24.6", "1.24.6"),
    ("1.26.8", "1.26.8"),
    ("1.28.10", "1.28.10"),
    ("1.30.3", "1.30.3"),
    ("1.22.8", "1.24.6"),
    ("1.23.6", "1.26.8"),
    ("1.25.5", "1.26.8"),
    ("1.27.9", "1.28.10"),
    ("1.29.6", "1.30.3"),
    ("1.31.0-rc.0", "1.30.3"),
];

/// How the cluster was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Export {
    /// `kubectl get --show-managed-fields`.
    Managed,
    /// `kubectl get` alone.
    Plain,
    /// What was rendered, before a server saw it.
    Rendered,
}

/// The server that all of them are installed on.
const KUBERNETES: &str = "v1.33.1";

/// Of a hundred installations, how many are reproduced whole at least.
const REPRODUCED: usize = 99;

/// The same where only what was rendered is known: it names neither the request nor who applied it.
const REPRODUCED_AS_RENDERED: usize = 98;

#[test]
fn random_installations_are_recovered() {
    check(Export::Managed);
}

#[test]
fn random_installations_are_recovered_without_managed_fields() {
    check(Export::Plain);
}

#[test]
fn random_installations_are_recovered_from_what_was_rendered() {
    check(Export::Rendered);
}

#[derive(Debug, Default)]
struct Count {
    installed: usize,
    reproduced: usize,
    objects: usize,
    equal: usize,
    reasons: SortedMap<String, SortedSet<String>>,
}

/// Installs cases, recovers and counts.
#[track_caller]
fn check(export: Export) {
    let Some(data) = data() else {
        println!("skipped: no shared/istio/corpus");
        return;
    };
    let only = std::env::var("REFIT_CASE").ok();
    let of = std::env::var("REFIT_RELEASE").ok();
    let mut count = Count::default();
    for (number, (version, corpus)) in RELEASES.iter().enumerate() {
        if of.as_ref().is_some_and(|of| of != version) {
            continue;
        }
        let wanted = if of.is_some() || only.is_some() {
            usize::MAX
        } else {
            wanted(export, version == corpus)
        };
        if wanted == 0 {
            continue;
        }
        let release = release(&data, version);
        let cases: Vec<_> = cases(&data, corpus)
            .into_iter()
            .filter(|it| it.get("objects").is_some())
            .filter(|it| only.as_ref().is_none_or(|only| it["name"] == only.as_str()))
            .collect();
        let before = (count.reproduced, count.installed);
        // Each release has other cases; what cannot be installed makes way for the next.
        let step = cases.len().div_ceil(wanted).max(1);
        let order = (0..step).flat_map(|it| cases.iter().skip((it + number) % step).step_by(step));
        for case in order {
            if count.installed - before.1 == wanted {
                break;
            }
            count.case(&release, case, export);
        }
        println!(
            "{version}: {} of {}",
            count.reproduced - before.0,
            count.installed - before.1
        );
    }
    count.report();
    let Count {
        installed,
        reproduced,
        ..
    } = count;
    assert!(installed > 0);
    let floor = if export == Export::Rendered {
        REPRODUCED_AS_RENDERED
    } else {
        REPRODUCED
    };
    assert!(
        reproduced * 100 >= installed * floor,
        "{reproduced} of {installed} installations are reproduced"
    );
}

/// How many installations of a release are tried. `own`: its cases are the corpus' own.
fn wanted(export: Export, own: bool) -> usize {
    let long = std::env::var_os("REFIT_CASES").is_some();
    match (long, own, export) {
        (true, true, Export::Managed) => usize::MAX,
        (true, ..) => 2 * SAMPLE,
        (false, true, Export::Managed) => SAMPLE,
        (false, true, _) => 1,
        (false, false, _) => 0,
    }
}

impl Count {
    fn case(&mut self, release: &Release, case: &Value, export: Export) {
        let Some(installation) = Installation::read(release, case, export) else {
            return;
        };
        // Without an istiod there is nothing to upgrade.
        let Some(changes) = installation.recovered(release) else {
            return;
        };
        self.installed += 1;
        self.objects += changes.len();
        let wrong: Vec<_> = changes
            .iter()
            .filter(|it| it.class != ChangeClass::Unchanged && !installation.leaves_open(it))
            .collect();
        self.equal += changes.len() - wrong.len();
        self.reproduced += usize::from(wrong.is_empty());
        for change in wrong {
            let name = format!("{} {}", release.version(), case["name"].as_str().unwrap());
            self.reasons.entry(said(change)).or_default().insert(name);
        }
    }

    fn report(&self) {
        let mut reasons: Vec<_> = self.reasons.iter().collect();
        reasons.sort_by_key(|it| std::cmp::Reverse(it.1.len()));
        for (reason, cases) in reasons.iter().take(60) {
            println!(
                "{} {reason} {:?}",
                cases.len(),
                cases.iter().take(4).collect::<Vec<_>>()
            );
        }
        println!(
            "recovered: {} of {} installations, {} of {} objects",
            self.reproduced, self.installed, self.equal, self.objects
        );
    }
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
    /// As the user exported it.
    export: Snapshot,
    /// As the server holds it.
    snapshot: Snapshot,
    /// What the same request would change again: istioctl leaves something to itself.
    again: Vec<Change>,
    version: String,
    /// istioctl was forced.
    force: bool,
}

impl Installation {
    /// Installs a case; `None` where it is left out of the corpus' own comparison.
    fn read(release: &Release, case: &Value, export: Export) -> Option<Self> {
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
        let desired = Desired::new(release, &rendering);
        let empty = Snapshot {
            managed_fields: true,
            ..Snapshot::default()
        };
        let outcome = diff(&empty, &desired, Consent::NONE, true);
        if !outcome.refused.is_empty() {
            // The API server would refuse the installation.
            return None;
        }
        let snapshot = exported(&outcome);
        let objects = || rendering.components.iter().flat_map(|it| &it.objects);
        let mut seen = SortedSet::new();
        if export == Export::Rendered && !objects().all(|it| seen.insert(Ref::of(it))) {
            // A gateway that the request names twice: two manifests of one object, of which a cluster holds one.
            return None;
        }
        Some(Self {
            export: match export {
                Export::Managed => snapshot.clone(),
                Export::Plain => without_owners(&snapshot),
                Export::Rendered => read(&objects().cloned().collect::<Vec<_>>(), None),
            },
            again: diff(&snapshot, &desired, Consent::NONE, false).changes,
            snapshot,
            version: release.version().to_string(),
            force: options.force,
        })
    }

    /// Whether the very same request would change that again.
    fn leaves_open(&self, change: &Change) -> bool {
        let again = self.again.iter().find(|it| it.object == change.object);
        again.is_some_and(|again| {
            again.class == change.class && change.fields.iter().all(|it| again.fields.contains(it))
        })
    }

    /// What the recovered request would change; `None` where no control plane is found.
    fn recovered(&self, release: &Release) -> Option<Vec<Change>> {
        let input = Input {
            request: Request {
                from: Some(self.version.clone()),
                ..Request::default()
            },
            snapshot: self.export.clone(),
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
            force: self.force,
            kubernetes: Some(KUBERNETES.to_owned()),
            ..Options::default()
        };
        let rendering = match istio_render::render(release, &options) {
            Ok(rendering) => rendering,
            Err(why) => panic!("{}\n{why:?}", recovery.yaml()),
        };
        Some(
            diff(
                &self.snapshot,
                &Desired::new(release, &rendering),
                Consent::NONE,
                false,
            )
            .changes,
        )
    }
}

/// Exports what an apply into an empty cluster has stored, with its owners, and a pod of every workload.
fn exported(outcome: &DiffOutcome<'_>) -> Snapshot {
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
    read(&items, Some(KUBERNETES))
}

fn read(items: &[Value], version: Option<&str>) -> Snapshot {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let mut reader = SnapshotReader::new();
    reader.read("cluster.json", list.as_bytes()).unwrap();
    if let Some(version) = version {
        let version = json!({"serverVersion": {"gitVersion": version}}).to_string();
        reader.read("version.json", version.as_bytes()).unwrap();
    }
    reader.finish().unwrap()
}

fn without_owners(snapshot: &Snapshot) -> Snapshot {
    let mut snapshot = snapshot.clone();
    for kept in snapshot.objects.values_mut() {
        let metadata = kept.value["metadata"].as_object_mut().unwrap();
        metadata.remove("managedFields");
    }
    snapshot.managed_fields = false;
    snapshot
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
