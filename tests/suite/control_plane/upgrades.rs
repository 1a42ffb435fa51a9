//! Real clusters, restored from their exports, upgraded and downgraded.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use istio_planner::digest::digest;
use serde_json::{Value, json};

use super::cluster::{Cluster, How, Run, finish};
use super::{is_long, ownership};
use crate::suite::data::istio_data;

/// Restores an export into an empty cluster.
pub(super) fn restore(cluster: &Cluster, data: &Path, name: &str) {
    let export = tempfile::tempdir().unwrap();
    let archive = fs::File::open(data.join(format!("exports/{name}/export.tar.gz"))).unwrap();
    tar::Archive::new(flate2::read::GzDecoder::new(archive))
        .unpack(export.path())
        .unwrap();
    let python = std::env::var_os("REFIT_PYTHON").unwrap_or_else(|| "python3".into());
    let restored = Command::new(python)
        .arg(data.join("checks/restore.py"))
        .arg(cluster.kubeconfig())
        .arg(export.path().join("export"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&restored.stdout).into_owned();
    assert!(
        restored.status.success() || !text.contains("ownership: /apis/apps"),
        "{text}{}",
        String::from_utf8_lossy(&restored.stderr)
    );
    cluster.done(
        &[
            "wait",
            "--for=condition=Available",
            "deploy",
            "--all",
            "-n",
            "istio-system",
            "--timeout=90s",
        ],
        None,
    );
}

/// Returns a cluster of its own that runs 1.29.6 of the default profile, and where the releases are.
pub(super) fn restored() -> Option<(Cluster, String)> {
    let data = istio_data()?;
    let cluster = Cluster::start(&[])?;
    restore(&cluster, &data, "default-1.29-to-1.30");
    let releases = data.join("istio/releases");
    Some((cluster, releases.to_str().unwrap().to_owned()))
}

/// The kinds that istioctl applies.
const KINDS: &str = "deployments,daemonsets,services,configmaps,serviceaccounts,\
    mutatingwebhookconfigurations,validatingwebhookconfigurations,poddisruptionbudgets,\
    horizontalpodautoscalers,clusterroles,clusterrolebindings,roles,rolebindings,networkpolicies,\
    customresourcedefinitions";

/// What istioctl, or refit in its place, has applied.
pub(super) fn applied(cluster: &Cluster) -> Vec<Value> {
    let text = cluster.done(
        &[
            "get",
            KINDS,
            "-A",
            "-l",
            "operator.istio.io/managed=Reconcile",
            "--show-managed-fields",
            "-o",
            "json",
        ],
        None,
    );
    let list: Value = serde_json::from_str(&text).unwrap();
    list["items"].as_array().unwrap().clone()
}

fn name(object: &Value) -> String {
    let field = |it: &Value| it.as_str().unwrap_or_default().to_owned();
    format!(
        "{} {}/{}",
        field(&object["kind"]),
        field(&object["metadata"]["namespace"]),
        field(&object["metadata"]["name"])
    )
}

/// Without what controllers count, and what istiod writes into webhooks.
fn settled(object: &Value) -> String {
    let mut object = object.clone();
    if let Some(annotations) = object["metadata"]["annotations"].as_object_mut() {
        annotations.remove("deployment.kubernetes.io/revision");
        annotations.remove("deprecated.daemonset.template.generation");
    }
    if object["metadata"]["annotations"] == json!({}) {
        object["metadata"]
            .as_object_mut()
            .unwrap()
            .remove("annotations");
    }
    for webhook in object["webhooks"].as_array_mut().into_iter().flatten() {
        webhook.as_object_mut().unwrap().remove("failurePolicy");
        if let Some(client) = webhook["clientConfig"].as_object_mut() {
            client.remove("caBundle");
        }
    }
    digest(&object)
}

#[track_caller]
pub(super) fn succeeds(run: &Run, told: &str) {
    assert_eq!(run.code, Some(0), "{told}\n{}\n{}", run.stdout, run.stderr);
}

/// `refit upgrade --to VERSION` with the releases of the data.
pub(super) fn upgrade<'a>(to: &'a str, releases: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec![
        "upgrade",
        "--to",
        to,
        "-y",
        "--releases",
        releases,
        "--force",
    ];
    arguments.extend(more);
    arguments
}

/// What the plan says that will be stored, from a dry run.
pub(super) fn predicted(cluster: &Cluster, to: &str, releases: &str, flags: &[&str]) -> Vec<Value> {
    let mut arguments = upgrade(to, releases, &["--dry-run", "-o", "json"]);
    arguments.extend(flags);
    let run = cluster.run(&arguments);
    assert!(
        matches!(run.code, Some(0 | 4)) && run.stderr.contains("0 refused"),
        "{}\n{}",
        run.stdout,
        run.stderr
    );
    let outcome: Value = serde_json::from_str(&run.stdout).unwrap();
    outcome["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["class"] != "create" && it["class"] != "orphan" && it["class"] != "delete")
        .map(|it| it["predicted"].clone())
        .filter(Value::is_object)
        .collect()
}

#[track_caller]
pub(super) fn is_as_predicted(cluster: &Cluster, predicted: &[Value]) {
    let now = applied(cluster);
    for wanted in predicted {
        let found = now.iter().find(|it| name(it) == name(wanted));
        assert_eq!(
            found.map(settled),
            Some(settled(wanted)),
            "{}\n{wanted}\n{found:?}",
            name(wanted)
        );
    }
    assert!(predicted.len() > 10, "{}", predicted.len());
}

/// Everything that was applied at first is there as it was.
#[track_caller]
pub(super) fn is_as_before(cluster: &Cluster, first: &[Value], told: &str) {
    let last = applied(cluster);
    for before in first {
        let now = last.iter().find(|it| name(it) == name(before));
        assert_eq!(
            now.map(settled),
            Some(settled(before)),
            "{told} {}",
            name(before)
        );
    }
}

/// Makes labelled pods until it is told to stop: each has a sidecar, or is refused. Returns how many of each.
fn make_pods(cluster: &Cluster, stop: &AtomicBool) -> (u32, u32) {
    let (mut injected, mut refused) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": { "generateName": "probe-", "namespace": "probes" },
            "spec": { "containers": [{ "name": "main", "image": "example.org/none:1" }] },
        });
        let output = cluster.kubectl(&["create", "-f", "-", "-o", "json"], Some(&pod.to_string()));
        if output.status.success() {
            let made: Value = serde_json::from_slice(&output.stdout).unwrap();
            let containers = made["spec"]["containers"].as_array().unwrap();
            assert!(
                containers.iter().any(|it| it["name"] == "istio-proxy"),
                "a labelled pod began without a sidecar: {made}"
            );
            injected += 1;
        } else {
            refused += 1;
        }
        let policies = cluster.done(
            &[
                "get",
                "validatingwebhookconfiguration",
                "istio-validator-istio-system",
                "-o",
                "jsonpath={.webhooks[*].failurePolicy}",
            ],
            None,
        );
        assert!(
            !policies.contains("Ignore"),
            "validation was open: {policies}"
        );
    }
    (injected, refused)
}

#[test]
fn up_and_down_again_it_is_as_predicted_and_no_pod_begins_without_its_sidecar() {
    let Some(data) = istio_data() else { return };
    let Some(cluster) = Cluster::start(&["--istiod"]) else {
        return;
    };
    let releases = data.join("istio/releases");
    let releases = releases.to_str().unwrap();
    restore(&cluster, &data, "default-1.29-to-1.30");
    cluster.done(&["create", "namespace", "probes"], None);
    cluster.done(
        &["label", "namespace", "probes", "istio-injection=enabled"],
        None,
    );
    cluster.await_field(
        "validatingwebhookconfiguration",
        "default",
        "istio-validator-istio-system",
        "{.webhooks[0].failurePolicy}=Fail",
    );
    let first = applied(&cluster);
    let ways = if is_long() {
        &["1.30.3", "1.31.0-rc.0", "1.30.3", "1.29.6"][..]
    } else {
        &["1.30.3", "1.29.6"]
    };
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let probes = scope.spawn(|| make_pods(&cluster, &stop));
        for to in ways {
            let predicted = predicted(&cluster, to, releases, &[]);
            let run = cluster.run(&upgrade(to, releases, &["--verify"]));
            succeeds(&run, to);
            is_as_predicted(&cluster, &predicted);
        }
        stop.store(true, Ordering::Relaxed);
        let (injected, refused) = probes.join().unwrap();
        println!("{injected} pods with a sidecar, {refused} refused");
        assert!(injected > 5);
    });
    is_as_before(&cluster, &first, "up and down again");
    // The last step of the circle is put back, and with it 1.30.3 runs again.
    let run = cluster.run(&["rollback", "-y"]);
    succeeds(&run, "rollback");
    let istiod = cluster.get("deployment", "istio-system", "istiod").unwrap();
    let image = super::plans::deployment_of(&istiod);
    assert!(image.contains("1.30.3"), "{image}");
}

#[test]
fn a_real_upgrade_that_is_killed_and_meets_faults_ends_as_predicted_and_is_put_back() {
    let Some((cluster, releases)) = restored() else {
        return;
    };
    let releases = releases.as_str();
    let first = applied(&cluster);
    let predicted = predicted(&cluster, "1.30.3", releases, &[]);
    let mut random = super::Random::from_clock();
    let mut kills = 0;
    loop {
        let mut child = cluster.begin(&upgrade("1.30.3", releases, &[]));
        let patience = 2_000 + random.below(4_000);
        let end = std::time::Instant::now() + std::time::Duration::from_millis(patience);
        let ended = loop {
            if child.try_wait().unwrap().is_some() {
                break true;
            }
            if kills < 5 && std::time::Instant::now() >= end {
                break false;
            }
            thread::yield_now();
        };
        if ended {
            succeeds(&finish(child), &format!("{random:?}"));
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    is_as_predicted(&cluster, &predicted);
    let run = cluster.run(&["rollback", "-y"]);
    succeeds(&run, "rollback");
    is_as_before(&cluster, &first, "put back");
    println!("{kills} kills");
}

/// Upgrades a cluster as its description asks, and puts it back.
fn there_and_back(data: &Path, export: &str) {
    let Some(cluster) = Cluster::start(&[]) else {
        return;
    };
    restore(&cluster, data, export);
    let first = applied(&cluster);
    let folder = data.join("exports").join(export);
    let told = fs::read_to_string(folder.join("expected.json")).unwrap();
    let told: Value = serde_json::from_str(&told).unwrap();
    let asked = told["args"].as_array().unwrap().iter().map(|it| {
        let it = it.as_str().unwrap();
        if it.starts_with("request/") {
            folder.join(it).to_str().unwrap().to_owned()
        } else {
            it.to_owned()
        }
    });
    let releases = data.join("istio/releases");
    let mut arguments = ["upgrade", "-y", "--force", "--releases"]
        .map(str::to_owned)
        .to_vec();
    arguments.push(releases.to_str().unwrap().to_owned());
    arguments.extend(asked);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    succeeds(&cluster.run(&arguments), export);
    let journal = || cluster.get("configmap", "istio-system", "refit-journal");
    let (before, again) = (journal(), cluster.run(&arguments));
    succeeds(&again, export);
    assert!(
        again.stderr.contains("No changes"),
        "{export}: {}",
        again.stderr
    );
    assert_eq!(journal(), before, "{export}: the way back stays open");
    let upgraded = applied(&cluster);
    let is_changed = |it: &&Value| upgraded.iter().all(|other| settled(other) != settled(it));
    assert!(first.iter().filter(is_changed).count() > 10, "{export}");
    succeeds(&cluster.run(&["rollback", "-y"]), export);
    is_as_before(&cluster, &first, export);
    let last = applied(&cluster);
    assert_eq!(last.len(), first.len(), "{export}");
    for (before, now) in first.iter().zip(&last) {
        assert_eq!(ownership(now), ownership(before), "{export} {}", name(now));
    }
}

#[test]
fn a_real_cluster_is_put_back_values_and_owners() {
    let Some(data) = istio_data() else { return };
    // One with DaemonSets and definitions, whose count of templates and whose objects the server has its own mind about.
    let mut exports = vec!["ambient-1.29-to-1.30".to_owned()];
    if is_long() {
        exports = fs::read_dir(data.join("exports"))
            .unwrap()
            .map(|it| it.unwrap())
            .filter(|it| it.path().join("after.tar.gz").is_file())
            .map(|it| it.file_name().into_string().unwrap())
            .collect();
    }
    for export in exports {
        there_and_back(&data, &export);
    }
}

#[test]
fn a_change_by_others_stops_it_and_planning_again_goes_on_from_there() {
    let Some((cluster, releases)) = restored() else {
        return;
    };
    let releases = releases.as_str();
    let first = applied(&cluster);
    let killed = How {
        crash: Some("write:20"),
        ..How::default()
    };
    let run = finish(cluster.begin_as(killed, &upgrade("1.30.3", releases, &[])));
    assert_eq!(run.code, None, "{}", run.stderr);
    // The gateway comes last.
    let gateway = || {
        let live = cluster.get("deployment", "istio-system", "istio-ingressgateway");
        super::plans::deployment_of(&live.unwrap()).to_owned()
    };
    let edit = [
        "set",
        "image",
        "deployment/istio-ingressgateway",
        "istio-proxy=example.org/own:1",
        "-n",
        "istio-system",
    ];
    cluster.done(&edit, None);
    let run = cluster.run(&upgrade("1.30.3", releases, &[]));
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(run.stderr.contains("example.org/own:1"), "{}", run.stderr);
    assert_eq!(gateway(), "example.org/own:1");
    let run = cluster.run(&upgrade("1.30.3", releases, &["--replan", "--verify"]));
    succeeds(&run, "replanned");
    assert!(run.stderr.contains("planning again"), "{}", run.stderr);
    assert!(gateway().contains("1.30.3"), "{}", gateway());
    // Both plans are put back: all as it was at first, but for what others made of it before the second.
    succeeds(&cluster.run(&["rollback", "-y"]), "rollback");
    assert_eq!(gateway(), "example.org/own:1");
    let (own, rest): (Vec<_>, Vec<_>) = first
        .into_iter()
        .partition(|it| name(it) == "Deployment istio-system/istio-ingressgateway");
    assert_eq!(own.len(), 1);
    is_as_before(&cluster, &rest, "both put back");
}
