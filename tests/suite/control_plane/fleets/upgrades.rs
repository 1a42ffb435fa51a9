//! Real upgrades by the Jobs of a fleet.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use serde_json::{Value, json};

use super::{
    REFIT, apply_fleet, await_that, ended, in_state, job, management, run, secret, status,
};
use crate::suite::control_plane::cluster::Cluster;
use crate::suite::control_plane::ownership;
use crate::suite::control_plane::upgrades::{applied, is_as_before, is_as_predicted, restored};
use crate::suite::product::refit;

/// The kubeconfig of several clusters, a context for each, with the rights of `refit rbac` there.
fn contexts(clusters: &[(&str, &Cluster)]) -> Value {
    let mut merged = json!({
        "apiVersion": "v1", "kind": "Config", "clusters": [], "users": [], "contexts": [],
    });
    for (name, cluster) in clusters {
        let text = fs::read_to_string(cluster.own_kubeconfig()).unwrap();
        let config: Value = serde_json::from_str(&text).unwrap();
        for (list, field) in [("clusters", "cluster"), ("users", "user")] {
            let one = json!({ "name": name, (field): config[list][0][field] });
            merged[list].as_array_mut().unwrap().push(one);
        }
        let context = json!({ "name": name, "context": { "cluster": name, "user": name } });
        merged["contexts"].as_array_mut().unwrap().push(context);
    }
    merged
}

#[test]
fn three_clusters_are_upgraded_by_jobs_in_a_fourth_and_a_fault_in_one_keeps_the_last_wave() {
    let Some(management) = management(refit()) else {
        return;
    };
    let clusters: Vec<Option<(Cluster, String)>> = thread::scope(|scope| {
        let started: Vec<_> = (0..3).map(|_| scope.spawn(restored)).collect();
        started.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let Some(clusters) = clusters.into_iter().collect::<Option<Vec<_>>>() else {
        return;
    };
    let releases = clusters[0].1.as_str();
    let named: Vec<(&str, &Cluster)> = ["one", "two", "three"]
        .into_iter()
        .zip(clusters.iter().map(|it| &it.0))
        .collect();
    let (one, two, three) = (named[0].1, named[1].1, named[2].1);
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    fs::write(&kubeconfig, contexts(&named).to_string()).unwrap();
    let plans = folder.path().join("plans");
    plan_fleet(&kubeconfig, &plans, releases);
    for (name, cluster) in &named {
        let config = fs::read(cluster.own_kubeconfig()).unwrap();
        management.done(
            &["create", "-f", "-"],
            Some(&secret(name, &config).to_string()),
        );
    }
    let before = applied(three);
    // Somebody changes what the plan writes, after it was made.
    let mesh = two.get("configmap", "istio-system", "istio").unwrap()["data"]["mesh"].clone();
    set_mesh(two, &json!("ingressClass: others"));
    let id = apply_fleet(
        &management,
        &plans,
        REFIT,
        &["--waves", "2,rest", "--parallel", "1", "--force"],
    );
    let start = run(&management, &["resume", "-y"]);
    assert_eq!(start.code, Some(0), "{}", start.stderr);
    // The first pod dies in the middle of a step, and another goes on.
    one.await_made("configmap", "istio-system", "refit-journal");
    let of_one = delete_pod(&management, &id, 0, &["--force", "--grace-period=0"]);
    await_that("it stops", || ended(&management, &id, "release").is_some());
    let told = status(&management, &id);
    let logs = || {
        management.done(
            &["logs", "-n", "refit", "-l", "refit/fleet", "--tail", "30"],
            None,
        )
    };
    assert_eq!(in_state(&told, "done"), ["one"], "{told}\n{}", logs());
    assert_eq!(in_state(&told, "failed"), ["two"], "{told}\n{}", logs());
    assert_eq!(in_state(&told, "waiting"), ["three"], "{told}");
    assert_ne!(told["clusters"][0]["pod"], of_one, "another pod went on");
    assert_eq!(told["clusters"][1]["exitCode"], 3, "{told}");
    is_as_predicted(one, &stored(&plans, "one"));
    is_as_before(three, &before, "the last wave");
    let journal = three.get("configmap", "istio-system", "refit-journal");
    assert!(journal.is_none(), "nothing was begun in three");
    // The fault is gone: it is tried again, and the fleet goes on.
    set_mesh(two, &mesh);
    let again = run(&management, &["resume", "two", "-y"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    await_that("it ends", || ended(&management, &id, "again-1").is_some());
    let go = run(&management, &["resume", "-y"]);
    assert_eq!(go.code, Some(0), "{}\n{}", go.stderr, logs());
    // A pod that is asked to end, as by a drain, has not failed.
    three.await_made("configmap", "istio-system", "refit-journal");
    let of_three = delete_pod(&management, &id, 2, &["--wait=false"]);
    await_that("all waves end", || {
        ended(&management, &id, "release").as_deref() == Some("Complete")
    });
    let told = status(&management, &id);
    assert_ne!(told["clusters"][2]["pod"], of_three, "another pod went on");
    let counted = job(&management, &id, "wave-2")["status"]["failed"].clone();
    assert!(counted.is_null() || counted == 0, "{counted}");
    for (name, cluster) in &named {
        is_as_predicted(cluster, &stored(&plans, name));
    }
    journals_say_done(&management, &kubeconfig);
    // One of them goes back.
    let back = run(&management, &["rollback", "three", "-y"]);
    assert_eq!(back.code, Some(0), "{}", back.stderr);
    await_that("it is back", || ended(&management, &id, "back-1").is_some());
    let told = status(&management, &id);
    assert_eq!(
        in_state(&told, "rolled-back"),
        ["three"],
        "{told}\n{}",
        logs()
    );
    is_as_before(three, &before, "rolled back");
    let owners = |all: &[Value]| all.iter().map(ownership).collect::<Vec<_>>();
    assert_eq!(owners(&applied(three)), owners(&before), "owners");
}

/// Deletes the pod of a cluster, and returns its name.
fn delete_pod(management: &Cluster, id: &str, at: usize, flags: &[&str]) -> Value {
    let pod = status(management, id)["clusters"][at]["pod"].clone();
    let delete = ["delete", "pod", "-n", "refit", pod.as_str().unwrap()];
    management.done(&[delete.as_slice(), flags].concat(), None);
    pod
}

fn plan_fleet(kubeconfig: &Path, plans: &Path, releases: &str) {
    let planned = Command::new(refit())
        .args([
            "fleet",
            "plan",
            "--contexts",
            "*",
            "--to",
            "1.30.3",
            "--offline",
        ])
        .args(["--releases", releases])
        .arg("-c")
        .arg(kubeconfig)
        .arg("--out")
        .arg(plans)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&planned.stdout);
    assert!(matches!(planned.status.code(), Some(0 | 4)), "{told}");
}

/// The status asks the clusters themselves, too.
#[track_caller]
fn journals_say_done(management: &Cluster, kubeconfig: &Path) {
    let asked = [
        "status",
        "-o",
        "json",
        "--contexts",
        "*",
        "--contexts-from",
        kubeconfig.to_str().unwrap(),
    ];
    let told = run(management, &asked);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    for it in told["clusters"].as_array().unwrap() {
        assert!(
            it["journal"].as_str().unwrap().ends_with(": done"),
            "{told}"
        );
    }
}

fn set_mesh(cluster: &Cluster, mesh: &Value) {
    let patch = json!({ "data": { "mesh": mesh } }).to_string();
    cluster.done(
        &[
            "patch",
            "configmap",
            "istio",
            "-n",
            "istio-system",
            "--type=merge",
            "-p",
            &patch,
        ],
        None,
    );
}

/// What the plan of a cluster says that will be stored.
fn stored(plans: &Path, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(plans.join(format!("{name}.json"))).unwrap();
    let outcome: Value = serde_json::from_str(&text).unwrap();
    let all = outcome["changes"].as_array().unwrap().iter();
    all.filter(|it| !["create", "orphan", "delete"].contains(&it["class"].as_str().unwrap()))
        .map(|it| it["predicted"].clone())
        .filter(Value::is_object)
        .collect()
}
