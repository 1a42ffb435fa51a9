//! Workloads of all kinds, restarted in waves.

use istio_planner::outcome::RestartHow;
use istio_planner::plan::Wait;
use serde_json::{Value, json};

use super::cluster::{How, plane};
use super::is_long;
use super::plans::{never_ready, plan, reference, restart, step, well, workload};

/// The uids of the pods of a workload.
fn uids(cluster: &super::Cluster, namespace: &str, app: &str) -> Vec<String> {
    let label = format!("app={app}");
    let text = cluster.done(
        &["get", "pods", "-n", namespace, "-l", &label, "-o", "json"],
        None,
    );
    let pods: Value = serde_json::from_str(&text).unwrap();
    let mut uids: Vec<_> = pods["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["metadata"]["deletionTimestamp"].is_null())
        .map(|it| it["metadata"]["uid"].as_str().unwrap().to_owned())
        .collect();
    uids.sort();
    uids
}

/// Waits for a pod of a workload that is ready.
fn await_ready(cluster: &super::Cluster, namespace: &str, app: &str) {
    let label = format!("app={app}");
    let ready = [
        "wait",
        "--for=condition=Ready",
        "pod",
        "-l",
        &label,
        "-n",
        namespace,
        "--timeout=120s",
    ];
    while !cluster.kubectl(&ready, None).status.success() {}
}

#[test]
fn every_kind_of_workload_is_renewed_and_others_edits_survive() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("kinds");
    let mut steps = Vec::new();
    let mut apps = Vec::new();
    let kinds = [
        ("Deployment", RestartHow::Rollout),
        ("StatefulSet", RestartHow::Rollout),
        ("DaemonSet", RestartHow::Rollout),
        ("StatefulSet", RestartHow::DeletePods),
        ("ReplicaSet", RestartHow::Evict),
    ];
    let rounds = if is_long() { 200 } else { 10 };
    for round in 0..rounds {
        let (mut actions, mut waits) = (Vec::new(), Vec::new());
        for (kind, how) in kinds {
            let name = format!("w-{round}-{}-{how:?}", kind.to_lowercase()).to_lowercase();
            let mut object = workload(kind, &namespace, &name);
            if how == RestartHow::DeletePods {
                object["spec"]["updateStrategy"] = json!({ "type": "OnDelete" });
            }
            cluster.apply(&object, "someone");
            actions.push(restart(&object, how));
            let object = reference(&object);
            waits.extend(match kind {
                "Deployment" => Some(Wait::Deployment { object }),
                "StatefulSet" => Some(Wait::StatefulSet { object }),
                "DaemonSet" => Some(Wait::DaemonSet { object }),
                _ => None,
            });
            apps.push(name);
        }
        steps.push(step(&format!("restart-{}", round + 1), actions, waits));
    }
    for app in &apps {
        await_ready(cluster, &namespace, app);
    }
    let looks = steps
        .iter()
        .flat_map(|it| &it.actions)
        .map(|it| match it {
            istio_planner::plan::Action::Restart { object, .. } => Wait::Proxies {
                object: object.clone(),
                to: "1.30.3".to_owned(),
            },
            _ => unreachable!("only restarts"),
        })
        .collect();
    steps.push(step("check-proxies", vec![], looks));
    let before: Vec<_> = apps
        .iter()
        .map(|it| uids(cluster, &namespace, it))
        .collect();
    let plan = plan(&namespace, steps);
    // Stopped in the middle, so that the rest is a second run's; in between, others edit.
    let how = How {
        crash: Some("write:9"),
        ..How::default()
    };
    assert_eq!(cluster.refit_as(how, &plan, &["apply"]).code, None);
    let edit = [
        "annotate",
        "deployment",
        &apps[0],
        "-n",
        &namespace,
        "team=shop",
    ];
    cluster.done(&edit, None);
    let run = cluster.refit(&plan, &["apply"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    for (app, before) in apps.iter().zip(&before) {
        let after = uids(cluster, &namespace, app);
        assert_eq!(after.len(), before.len(), "{app}");
        assert!(
            after.iter().all(|it| !before.contains(it)),
            "{app} was not restarted"
        );
    }
    let edited = cluster.get("deployment", &namespace, &apps[0]).unwrap();
    assert_eq!(edited["metadata"]["annotations"]["team"], "shop");
    println!("{} workloads restarted", apps.len());
}

#[test]
fn a_budget_is_respected_a_paused_workload_left_out_and_old_proxies_are_told() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("budget");
    let bare = workload("ReplicaSet", &namespace, "bare");
    let mut old = workload("Deployment", &namespace, "old");
    old["spec"]["template"]["spec"]["containers"][1]["image"] = json!("example.org/proxyv2:1.29.6");
    let mut paused = workload("Deployment", &namespace, "paused");
    for object in [&bare, &old, &paused] {
        cluster.apply(object, "someone");
    }
    for app in ["bare", "old", "paused"] {
        await_ready(cluster, &namespace, app);
    }
    paused["spec"]["paused"] = json!(true);
    cluster.apply(&paused, "someone");
    cluster.apply(
        &json!({
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": { "namespace": namespace, "name": "bare" },
            "spec": { "minAvailable": 1, "selector": { "matchLabels": { "app": "bare" } } },
        }),
        "someone",
    );
    cluster.await_field("pdb", &namespace, "bare", "{.status.currentHealthy}=1");
    let before = uids(cluster, &namespace, "bare");
    let workloads = [&bare, &old, &paused];
    let actions = vec![
        restart(&paused, RestartHow::Rollout),
        restart(&old, RestartHow::Rollout),
        restart(&bare, RestartHow::Evict),
    ];
    let looks = workloads
        .iter()
        .map(|it| Wait::Proxies {
            object: reference(it),
            to: "1.30.3".to_owned(),
        })
        .collect();
    let wait = Wait::Deployment {
        object: reference(&old),
    };
    let plan = plan(
        &namespace,
        vec![
            step("restart-1", actions, vec![wait]),
            step("check-proxies", vec![], looks),
        ],
    );
    let run = cluster.refit(&plan, &["apply", "--readiness-timeout", "5s"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("no disruption budget allows"),
        "{}",
        run.stderr
    );
    assert_eq!(uids(cluster, &namespace, "bare"), before, "the budget held");
    cluster.done(&["delete", "pdb", "bare", "-n", &namespace], None);
    let run = cluster.refit(&plan, &["apply"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("Deployment budget/old: pod old-")
            && run.stderr.contains("runs 1.29.6"),
        "{}",
        run.stderr
    );
    assert_ne!(uids(cluster, &namespace, "bare"), before);
    let skipped = cluster
        .journal(&plan)
        .into_iter()
        .find(|it| it["event"] == "action-skipped")
        .expect("the paused one is left out");
    assert!(skipped["reason"].as_str().unwrap().contains("is paused"));
}

#[test]
fn a_wave_that_does_not_become_healthy_keeps_the_next_from_beginning() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("sick-wave");
    let (mut sick, sick_wait) = never_ready(&namespace);
    let (well, well_wait) = well(&namespace, "well");
    cluster.apply(&sick, "someone");
    cluster.apply(&well, "someone");
    cluster.await_field(
        "deployment",
        &namespace,
        "well",
        "{.status.availableReplicas}=1",
    );
    let before = uids(cluster, &namespace, "well");
    let waves = [(&sick, sick_wait), (&well, well_wait)];
    let steps = waves
        .into_iter()
        .enumerate()
        .map(|(index, (workload, wait))| {
            let action = restart(workload, RestartHow::Rollout);
            step(&format!("restart-{}", index + 1), vec![action], vec![wait])
        })
        .collect();
    let plan = plan(&namespace, steps);
    let run = cluster.refit(&plan, &["apply", "--readiness-timeout", "3s"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("Deployment sick-wave/never is not ready in time"),
        "{}",
        run.stderr
    );
    assert_eq!(uids(cluster, &namespace, "well"), before);
    assert_eq!(cluster.last_event(&plan), "failed");
    let status = || cluster.run(&["status", "-i", &namespace]).stdout;
    let told = status();
    let stopped = "last restart: stopped: step restart-1: Deployment sick-wave/never is not ready";
    assert!(told.contains(stopped), "{told}");
    assert!(
        told.contains("  … Step restart-1\n    Step restart-2"),
        "{told}"
    );
    // With its cause gone, the same command goes on.
    sick["spec"]["template"]["metadata"]["annotations"] = json!({});
    cluster.apply(&sick, "someone");
    let run = cluster.refit(&plan, &["apply"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_ne!(uids(cluster, &namespace, "well"), before);
    let done = "  2 of 2 steps, 2 of 2 workloads\n  ✓ Step restart-1\n  ✓ Step restart-2\n";
    let told = status();
    assert!(
        told.contains("last restart: done\n") && told.contains(done),
        "{told}"
    );
}
