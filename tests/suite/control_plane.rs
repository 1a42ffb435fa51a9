//! The executor against a real Kubernetes control plane.
//!
//! Runs only where the plane's executable is found (`TESTPLANE`, else `target/go/testplane`; `control-plane/` builds it),
//! and says so where it is not. Under `CI=true` its absence fails. Every run of refit has the rights of `refit rbac`, and
//! no others. `REFIT_LONG=1` makes the long ones longer.

mod cluster;
mod connections;
mod day;
mod failures;
mod fleets;
mod gates;
mod gateways;
mod images;
mod job;
mod kills;
mod model;
mod names;
mod pairs;
mod plans;
mod restarts;
mod rollbacks;
mod serves;
mod upgrades;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::cluster::{Cluster, plane};
use self::plans::{apply, config_map, crash_looping, delete, never_ready, plan, step};

/// A field of an object, read through kubectl.
fn data(cluster: &Cluster, namespace: &str, name: &str) -> Option<Value> {
    cluster
        .get("configmap", namespace, name)
        .map(|it| it["data"].clone())
}

/// What says who owns which fields, whenever that was; what controllers write is their own business.
fn ownership(object: &Value) -> Vec<String> {
    let entries = object["metadata"]["managedFields"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let mut owners: Vec<String> = entries
        .iter()
        .filter(|it| it["subresource"].is_null() && it["manager"] != "kube-controller-manager")
        .map(|it| format!("{} {} {}", it["manager"], it["operation"], it["fieldsV1"]))
        .collect();
    owners.sort();
    owners
}

#[test]
fn a_plan_is_applied_and_its_journal_kept() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("applied");
    let plan = plan(
        &namespace,
        vec![
            step(
                "one",
                vec![apply(None, &config_map(&namespace, "a", "1"))],
                vec![],
            ),
            step(
                "two",
                vec![apply(None, &config_map(&namespace, "b", "2"))],
                vec![],
            ),
        ],
    );
    let run = cluster.refit(&plan, &["apply"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(
        data(cluster, &namespace, "b"),
        Some(json!({ "value": "2" }))
    );
    let events: Vec<String> = cluster
        .journal(&plan)
        .iter()
        .map(|it| it["event"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(events.first().map(String::as_str), Some("run-began"));
    assert_eq!(events.last().map(String::as_str), Some("finished"));
    assert!(
        cluster
            .get("configmap", &namespace, "refit-journal")
            .is_some(),
        "the copy in the cluster"
    );
    assert!(
        cluster.get("lease", &namespace, "refit").is_none(),
        "the lease is given back"
    );
    let status = cluster.run(&["status", "-i", &namespace]);
    assert!(
        status
            .stdout
            .contains("  2 of 2 steps\n  ✓ Step one\n  ✓ Step two\n"),
        "{}",
        status.stdout
    );
    let again = cluster.refit(&plan, &["apply"]);
    assert_eq!(
        again.code,
        Some(0),
        "a finished plan has nothing left: {}",
        again.stderr
    );
}

#[test]
fn drift_stops_before_anything_is_written() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("drift");
    cluster.apply(&config_map(&namespace, "a", "1"), "someone");
    let live = cluster.get("configmap", &namespace, "a").unwrap();
    let plan = plan(
        &namespace,
        vec![step(
            "one",
            vec![
                apply(None, &config_map(&namespace, "new", "2")),
                apply(Some(&live), &config_map(&namespace, "a", "2")),
            ],
            vec![],
        )],
    );
    cluster.apply(&config_map(&namespace, "a", "changed"), "someone");
    let run = cluster.refit(&plan, &["apply"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(
        run.stderr
            .contains(r#"data.value: expected "1", found "changed" (someone, "#),
        "{}",
        run.stderr
    );
    assert_eq!(
        data(cluster, &namespace, "new"),
        None,
        "the whole plan is refused"
    );
}

#[test]
fn a_second_executor_is_refused() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("second");
    let (deployment, wait) = never_ready(&namespace);
    let first = plan(
        &namespace,
        vec![step("one", vec![apply(None, &deployment)], vec![wait])],
    );
    let second = plan(
        &namespace,
        vec![step(
            "one",
            vec![apply(None, &config_map(&namespace, "b", "2"))],
            vec![],
        )],
    );
    let mut child = cluster.spawn(&first, &["apply"]);
    let since = Instant::now();
    while cluster.get("lease", &namespace, "refit").is_none() {
        assert!(
            since.elapsed() < Duration::from_mins(1),
            "the first takes no lease"
        );
        thread::yield_now();
    }
    let run = cluster.refit(&second, &["apply"]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(
        run.stderr.contains("another refit is at work"),
        "{}",
        run.stderr
    );
    // A dead holder stops nobody, but what it began comes first.
    let over = cluster.refit(&second, &["apply"]);
    assert_eq!(over.code, Some(3), "{}", over.stderr);
    assert!(over.stderr.contains("was begun here"), "{}", over.stderr);
    let back = cluster.refit(&first, &["rollback", "-y"]);
    assert_eq!(back.code, Some(0), "{}", back.stderr);
    let after = cluster.refit(&second, &["apply"]);
    assert_eq!(after.code, Some(0), "{}", after.stderr);
}

#[test]
fn a_crash_loop_ends_the_wait_with_its_reason_and_is_put_back() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("crash");
    let (deployment, wait) = crash_looping(&namespace);
    let plan = plan(
        &namespace,
        vec![step("one", vec![apply(None, &deployment)], vec![wait])],
    );
    let run = cluster.refit(
        &plan,
        &[
            "apply",
            "--rollback-on-failure",
            "--readiness-timeout",
            "4m",
        ],
    );
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("CrashLoopBackOff"), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("the last lines of main:\n    testplane: container main"),
        "{}",
        run.stderr
    );
    let kept = format!("{:?}", cluster.journal(&plan));
    assert!(
        kept.contains("CrashLoopBackOff") && !kept.contains("testplane: container main"),
        "a log may hold passwords: {kept}"
    );
    assert!(
        cluster.is_gone("deployment", &namespace, "crash"),
        "it is put back"
    );
}

#[test]
fn a_rollback_restores_values_and_owners() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("rollback");
    for (name, manager) in [("changed", "istio-operator"), ("deleted", "someone")] {
        cluster.apply(&config_map(&namespace, name, "1"), manager);
    }
    let get = |name: &str| cluster.get("configmap", &namespace, name);
    let (changed, deleted) = (get("changed").unwrap(), get("deleted").unwrap());
    let plan = plan(
        &namespace,
        vec![step(
            "one",
            vec![
                apply(Some(&changed), &config_map(&namespace, "changed", "2")),
                apply(None, &config_map(&namespace, "made", "2")),
                delete(&deleted),
            ],
            vec![],
        )],
    );
    let run = cluster.refit(&plan, &["apply"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(get("deleted").is_none() && get("made").is_some());
    let run = cluster.refit(&plan, &["rollback", "-y"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(get("made").is_none(), "what was made is gone");
    for (name, before) in [("changed", &changed), ("deleted", &deleted)] {
        let now = get(name).unwrap();
        assert_eq!(now["data"], before["data"], "{name}");
        assert_eq!(ownership(&now), ownership(before), "{name}");
    }
    let events: Vec<_> = cluster
        .journal(&plan)
        .iter()
        .map(|it| it["event"].as_str().unwrap().to_owned())
        .collect();
    assert!(!events.contains(&"not-restored".to_owned()), "{events:?}");
}

#[test]
fn what_a_broken_webhook_has_to_admit_is_put_back_after_the_webhook() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("postponed");
    let guard = |of: &str| {
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": { "name": "postponed" },
            "webhooks": [{
                "name": "guard.example.org",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "timeoutSeconds": 1,
                "clientConfig": { "service": { "namespace": namespace, "name": "nobody" } },
                "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": of } },
                "objectSelector": { "matchLabels": { "guarded": "yes" } },
                "rules": [{
                    "apiGroups": [""],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE"],
                    "resources": ["configmaps"],
                }],
            }],
        })
    };
    cluster.apply(&guard("no-namespace"), "istio-operator");
    for name in ["one", "two"] {
        let mut guarded = config_map(&namespace, name, "1");
        guarded["metadata"]["labels"] = json!({ "guarded": "yes" });
        cluster.apply(&guarded, "istio-operator");
    }
    let live = cluster.get("validatingwebhookconfiguration", "", "postponed");
    let guarded = |name: &str| cluster.get("configmap", &namespace, name).unwrap();
    let before = [guarded("one"), guarded("two")];
    let plan = plan(
        &namespace,
        vec![
            step(
                "one",
                vec![apply(live.as_ref(), &guard(&namespace))],
                vec![],
            ),
            step("prune", before.iter().map(delete).collect(), vec![]),
        ],
    );
    let run = cluster.refit(&plan, &["apply"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let run = cluster.refit(&plan, &["rollback", "-y"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(
        run.stderr.contains("it is tried again after the rest"),
        "{}",
        run.stderr
    );
    for (name, before) in ["one", "two"].into_iter().zip(&before) {
        assert_eq!(guarded(name)["data"], before["data"], "{name}");
        assert_eq!(ownership(&guarded(name)), ownership(before), "{name}");
    }
}

#[test]
fn a_snapshot_holds_what_a_plan_needs_and_no_secret() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("snapshot");
    cluster.apply(
        &json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "namespace": namespace, "name": "s" },
            "stringData": { "password": "canary-of-a-secret" },
        }),
        "someone",
    );
    let folder = tempfile::tempdir().unwrap();
    let run = cluster.run(&["snapshot", "-o", folder.path().to_str().unwrap()]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let text = fs::read_to_string(entry.path()).unwrap();
        assert!(
            !text.contains("canary-of-a-secret") && !text.contains("Y2FuYXJ5"),
            "{:?}",
            entry.path()
        );
        names.push(entry.file_name().into_string().unwrap());
    }
    for wanted in [
        "version.json",
        "pods.json",
        "deployments.apps.json",
        "customresourcedefinitions.apiextensions.k8s.io.json",
    ] {
        assert!(
            names.iter().any(|it| it == wanted),
            "{wanted} is missing in {names:?}"
        );
    }
}

/// Whether the long suites are asked for.
fn is_long() -> bool {
    std::env::var_os("REFIT_LONG").is_some_and(|it| it == "1")
}

/// A small generator (xorshift); its seed is shown where a test fails, and given by `REFIT_SEED`.
#[derive(Debug)]
struct Random {
    #[expect(dead_code, reason = "shown where a test fails")]
    seed: u64,
    state: u64,
}

impl Random {
    fn from_clock() -> Self {
        let clock = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        let seed = std::env::var("REFIT_SEED")
            .ok()
            .and_then(|it| it.parse().ok());
        let seed = seed.unwrap_or(u64::from(clock.subsec_nanos())) | 1;
        Self { seed, state: seed }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % limit
    }
}
