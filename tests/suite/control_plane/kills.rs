//! A run that ends at every point at which it can, and is started again.

use std::thread;
use std::time::{Duration, Instant};

use istio_planner::plan::Plan;
use serde_json::{Value, json};

use super::cluster::{Cluster, How, Run, finish, plane};
use super::plans::{apply, config_map, delete, plan, replace, step, well};
use super::{Random, data, is_long, ownership};

/// What a plan of all kinds of actions finds: something to change, to replace, to delete.
struct World {
    before: Vec<(String, Value)>,
    plan: Plan,
}

fn world(cluster: &Cluster, name: &str) -> (String, World) {
    let namespace = cluster.namespace(name);
    for (name, manager) in [
        ("changed", "istio-operator"),
        ("replaced", "istio-operator"),
        ("deleted", "someone"),
    ] {
        cluster.apply(&config_map(&namespace, name, "old"), manager);
    }
    let live = |name: &str| cluster.get("configmap", &namespace, name).unwrap();
    let before: Vec<_> = ["changed", "replaced", "deleted"]
        .map(|it| (it.to_owned(), live(it)))
        .into();
    let (deployment, wait) = well(&namespace, "made");
    let new = |name: &str| config_map(&namespace, name, "new");
    let plan = plan(
        &namespace,
        vec![
            step(
                "one",
                vec![
                    apply(Some(&before[0].1), &new("changed")),
                    apply(None, &new("made")),
                ],
                vec![],
            ),
            step(
                "two",
                vec![
                    replace(&before[1].1, &new("replaced")),
                    apply(None, &deployment),
                ],
                vec![wait],
            ),
            step("three", vec![delete(&before[2].1)], vec![]),
        ],
    );
    (namespace, World { before, plan })
}

#[track_caller]
fn is_as_planned(cluster: &Cluster, namespace: &str, told: &str) {
    for name in ["changed", "replaced", "made"] {
        let found = data(cluster, namespace, name);
        assert_eq!(found, Some(json!({ "value": "new" })), "{name} {told}");
    }
    assert_eq!(data(cluster, namespace, "deleted"), None, "{told}");
    let made = cluster.get("deployment", namespace, "made").unwrap();
    assert_eq!(made["status"]["availableReplicas"], 1, "{told}");
}

#[track_caller]
fn is_as_before(cluster: &Cluster, namespace: &str, world: &World, told: &str) {
    for (name, before) in &world.before {
        let now = cluster.get("configmap", namespace, name).unwrap();
        assert_eq!(now["data"], before["data"], "{name} {told}");
        assert_eq!(ownership(&now), ownership(before), "{name} {told}");
    }
    assert_eq!(data(cluster, namespace, "made"), None, "{told}");
    assert!(cluster.is_gone("deployment", namespace, "made"), "{told}");
}

/// Runs until it ends by itself, each run ended at the point that `crash` names for the journal as it is; returns how many
/// were.
fn run_through(
    cluster: &Cluster,
    world: &World,
    arguments: &[&str],
    crash: impl Fn(usize) -> String,
) -> usize {
    for kills in 0..200 {
        let at = crash(cluster.journal_lines(&world.plan));
        let how = How {
            crash: Some(&at),
            ..How::default()
        };
        let run: Run = cluster.refit_as(how, &world.plan, arguments);
        match run.code {
            Some(0) => return kills,
            // By a signal.
            None => {}
            Some(_) => panic!("after {kills} kills at {at}: {}", run.stderr),
        }
    }
    panic!("it comes to no end")
}

#[test]
fn killed_after_every_record_it_ends_as_without_a_kill_and_so_does_its_rollback() {
    let Some(cluster) = plane() else { return };
    let (namespace, world) = world(cluster, "killed-records");
    // The record that a run begins with, and the next.
    let forward = run_through(cluster, &world, &["apply"], |it| {
        format!("record:{}", it + 2)
    });
    is_as_planned(cluster, &namespace, "forward");
    let ended = cluster
        .journal(&world.plan)
        .iter()
        .filter(|it| it["event"] == "action-ended")
        .count();
    assert_eq!(ended, 5, "each action ends once");
    let back = run_through(cluster, &world, &["rollback", "-y"], |it| {
        format!("record:{}", it + 1)
    });
    is_as_before(cluster, &namespace, &world, "back");
    println!("{forward} kills forward, {back} back");
    assert!(forward >= 15 && back >= 6, "{forward} {back}");
}

#[test]
fn killed_after_every_write_it_ends_as_without_a_kill_and_so_does_its_rollback() {
    let Some(cluster) = plane() else { return };
    let (namespace, world) = world(cluster, "killed-writes");
    // The first write of every run is the journal's copy.
    let forward = run_through(cluster, &world, &["apply"], |_| "write:2".to_owned());
    is_as_planned(cluster, &namespace, "forward");
    let back = run_through(cluster, &world, &["rollback", "-y"], |_| {
        "write:2".to_owned()
    });
    is_as_before(cluster, &namespace, &world, "back");
    println!("{forward} kills forward, {back} back");
    assert!(forward >= 5 && back >= 5, "{forward} {back}");
}

#[test]
fn killed_at_any_moment_it_ends_as_without_a_kill() {
    let Some(cluster) = plane() else { return };
    let mut random = Random::from_clock();
    let (wanted, mut kills) = (if is_long() { 200 } else { 10 }, 0);
    let mut round = 0;
    while kills < wanted {
        round += 1;
        let (namespace, world) = world(cluster, &format!("killed-{round}"));
        for arguments in [&["apply"][..], &["rollback", "-y"]] {
            for _ in 0..20 {
                let mut child = cluster.spawn(&world.plan, arguments);
                let end = Instant::now() + Duration::from_millis(random.below(1500));
                let done = loop {
                    if let Some(status) = child.try_wait().unwrap() {
                        break status.success();
                    }
                    if Instant::now() >= end {
                        child.kill().unwrap();
                        child.wait().unwrap();
                        kills += 1;
                        break false;
                    }
                    thread::yield_now();
                };
                if done {
                    break;
                }
            }
            let run = finish(cluster.spawn(&world.plan, arguments));
            assert_eq!(run.code, Some(0), "{} {random:?}", run.stderr);
            let told = format!("{random:?}");
            if arguments[0] == "apply" {
                is_as_planned(cluster, &namespace, &told);
            } else {
                is_as_before(cluster, &namespace, &world, &told);
            }
        }
    }
    println!("{kills} kills in {round} rounds");
}

#[test]
fn another_machine_goes_on_in_the_middle_of_a_step_and_puts_back() {
    let Some(cluster) = plane() else { return };
    for verb in ["resume", "rollback"] {
        let (namespace, world) = world(cluster, &format!("taken-over-{verb}"));
        // The second write is an action's: the first step is half done, and nobody wrote down that it is.
        let how = How {
            crash: Some("write:3"),
            ..How::default()
        };
        assert_eq!(cluster.refit_as(how, &world.plan, &["apply"]).code, None);
        let other = tempfile::tempdir().unwrap();
        let how = How {
            state: Some(other.path()),
            ..How::default()
        };
        let arguments = if verb == "resume" {
            &["apply", "--resume", "--resume-from-cluster", &world.plan.id][..]
        } else {
            &["rollback", "-y", "--resume-from-cluster", &world.plan.id]
        };
        let run = cluster.refit_as(how, &world.plan, arguments);
        assert_eq!(run.code, Some(0), "{verb}: {}", run.stderr);
        if verb == "resume" {
            is_as_planned(cluster, &namespace, verb);
            // The first machine is told of it, and puts back what it began and the other ended.
            let run = cluster.refit(&world.plan, &["rollback", "-y"]);
            assert_eq!(run.code, Some(0), "{}", run.stderr);
        }
        is_as_before(cluster, &namespace, &world, verb);
    }
}

#[test]
fn faults_of_the_network_and_of_the_server_change_nothing() {
    let Some(cluster) = plane() else { return };
    let seeds = if is_long() { 25 } else { 3 };
    for seed in 1..=seeds {
        let (namespace, world) = world(cluster, &format!("faults-{seed}"));
        let faults = cluster.faults(seed, "0.25");
        let how = How {
            kubeconfig: Some(&faults.kubeconfig),
            ..How::default()
        };
        let told = format!("seed {seed}");
        let run = cluster.refit_as(how, &world.plan, &["apply"]);
        assert_eq!(run.code, Some(0), "{told}: {}", run.stderr);
        is_as_planned(cluster, &namespace, &told);
        let run = cluster.refit_as(how, &world.plan, &["rollback", "-y"]);
        assert_eq!(run.code, Some(0), "{told}: {}", run.stderr);
        is_as_before(cluster, &namespace, &world, &told);
    }
}
