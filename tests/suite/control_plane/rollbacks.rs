//! The way back: what others wrote since stays, it is shown before it is asked for, and nobody but refit says what it is.

use std::io::Write as _;
use std::path::Path;

use istio_planner::plan::Plan;
use serde_json::{Value, json};

use super::cluster::{Cluster, How, Run, finish, plane};
use super::plans::{apply, config_map, plan, step};
use super::{data, ownership};

/// A Service, a Deployment without pods, and a ConfigMap, as a release would have them.
fn objects(namespace: &str, version: &str, port: u32) -> [Value; 3] {
    [
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": { "namespace": namespace, "name": "gateway", "labels": { "release": version } },
            "spec": {
                "selector": { "app": "gateway" },
                "ports": [{ "name": "http", "port": 80, "targetPort": port }],
            },
        }),
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": { "namespace": namespace, "name": "gateway", "labels": { "release": version } },
            "spec": {
                "replicas": 0,
                "selector": { "matchLabels": { "app": "gateway" } },
                "template": {
                    "metadata": { "labels": { "app": "gateway" } },
                    "spec": { "containers": [{
                        "name": "proxy",
                        "image": format!("example.org/proxy:{version}"),
                        "env": [{ "name": "VERSION", "value": version }],
                    }] },
                },
            },
        }),
        config_map(namespace, "mesh", version),
    ]
}

fn upgrade(cluster: &Cluster, namespace: &str) -> Plan {
    let actions = objects(namespace, "2", 8081)
        .iter()
        .map(|it| {
            let kind = it["kind"].as_str().unwrap().to_lowercase();
            let name = it["metadata"]["name"].as_str().unwrap();
            apply(cluster.get(&kind, namespace, name).as_ref(), it)
        })
        .collect();
    plan(namespace, vec![step("one", actions, vec![])])
}

/// What others do to each kind of field.
fn edit(cluster: &Cluster, namespace: &str) {
    let kubectl = |arguments: &[&str]| {
        let place = ["-n", namespace, "--field-manager=someone"];
        cluster.done(&[arguments, &place].concat(), None)
    };
    for kind in ["service/gateway", "deployment/gateway", "configmap/mesh"] {
        kubectl(&["annotate", kind, "example.org/team=shop"]);
        kubectl(&["label", kind, "team=shop"]);
    }
    kubectl(&[
        "patch",
        "service/gateway",
        "--type=strategic",
        "-p",
        r#"{"spec":{"ports":[{"name":"extra","port":9000,"targetPort":9000}]}}"#,
    ]);
    kubectl(&[
        "patch",
        "deployment/gateway",
        "--type=strategic",
        "-p",
        r#"{"spec":{"revisionHistoryLimit":3,"template":{"spec":{"containers":[{"name":"proxy","env":[{"name":"THEIRS","value":"1"}]}]}}}}"#,
    ]);
    kubectl(&[
        "patch",
        "configmap/mesh",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":["example.org/theirs"]},"data":{"theirs":"kept"}}"#,
    ]);
}

/// An object without what differs from one making to the next.
fn content(object: &Value) -> Value {
    let mut object = object.clone();
    object.as_object_mut().unwrap().remove("status");
    for field in ["clusterIP", "clusterIPs"] {
        object["spec"].as_object_mut().map(|it| it.remove(field));
    }
    let metadata = object["metadata"].as_object_mut().unwrap();
    for field in [
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "managedFields",
        "namespace",
    ] {
        metadata.remove(field);
    }
    object["metadata"]["annotations"]
        .as_object_mut()
        .map(|it| it.remove("deployment.kubernetes.io/revision"));
    object
}

#[test]
fn a_rollback_leaves_what_others_wrote_as_if_there_had_been_no_upgrade() {
    let Some(cluster) = plane() else { return };
    // The oracle: the same edits where nothing was upgraded.
    let spaces = ["kept-upgraded", "kept-untouched"].map(|it| cluster.namespace(it));
    for namespace in &spaces {
        for object in objects(namespace, "1", 8080) {
            cluster.apply(&object, "istio-operator");
        }
    }
    let [upgraded, untouched] = &spaces;
    let plan = upgrade(cluster, upgraded);
    let run = cluster.refit(&plan, &["apply"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    for namespace in &spaces {
        edit(cluster, namespace);
    }
    // What the upgrade wrote and others changed since is lost, and that is said before anything is asked.
    let change = r#"{"data":{"value":"theirs"}}"#;
    cluster.done(
        &[
            "patch",
            "configmap/mesh",
            "-n",
            upgraded,
            "--type=merge",
            "-p",
            change,
        ],
        None,
    );
    let shown = cluster.refit(&plan, &["rollback", "--dry-run"]);
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    for wanted in [
        "~ Deployment kept-upgraded/gateway",
        r#"spec.template.spec.containers[name=proxy].image: "example.org/proxy:2" → "example.org/proxy:1""#,
        r#"kept: metadata.annotations["example.org/team"] is "shop" (someone, "#,
        r#"lost: data.value, now "theirs" (kubectl-patch, "#,
    ] {
        assert!(shown.stdout.contains(wanted), "{wanted}: {}", shown.stdout);
    }
    assert!(
        shown.stderr.contains("3 accepted, 0 refused"),
        "{}",
        shown.stderr
    );
    assert_eq!(
        data(cluster, upgraded, "mesh").unwrap()["value"],
        "theirs",
        "nothing was written"
    );
    let run = cluster.refit(&plan, &["rollback", "-y"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    for (kind, name) in [
        ("service", "gateway"),
        ("deployment", "gateway"),
        ("configmap", "mesh"),
    ] {
        let [one, other] = [upgraded, untouched].map(|it| cluster.get(kind, it, name).unwrap());
        assert_eq!(content(&one), content(&other), "{kind}");
        assert_eq!(ownership(&one), ownership(&other), "{kind}");
    }
    for namespace in &spaces {
        let none = r#"{"metadata":{"finalizers":null}}"#;
        cluster.done(
            &[
                "patch",
                "configmap/mesh",
                "-n",
                namespace,
                "--type=merge",
                "-p",
                none,
            ],
            None,
        );
    }
}

/// A cluster in which one ConfigMap was upgraded.
fn upgraded(cluster: &Cluster, name: &str) -> (String, Plan) {
    let namespace = cluster.namespace(name);
    cluster.apply(&config_map(&namespace, "a", "1"), "istio-operator");
    let plan = next(cluster, &namespace, "2");
    (namespace, plan)
}

/// Upgrades that ConfigMap.
fn next(cluster: &Cluster, namespace: &str, value: &str) -> Plan {
    let live = cluster.get("configmap", namespace, "a");
    let action = apply(live.as_ref(), &config_map(namespace, "a", value));
    let plan = plan(namespace, vec![step("one", vec![action], vec![])]);
    let run = cluster.refit(&plan, &["apply"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    plan
}

fn on_another_machine(cluster: &Cluster, state: &Path, plan: &Plan, arguments: &[&str]) -> Run {
    let how = How {
        state: Some(state),
        ..How::default()
    };
    cluster.refit_as(how, plan, arguments)
}

#[test]
fn a_journal_that_refit_did_not_write_says_nothing() {
    let Some(cluster) = plane() else { return };
    let (namespace, plan) = upgraded(cluster, "forged");
    // Whoever may write ConfigMaps has another object put back.
    let mut forged = cluster
        .get("configmap", &namespace, "refit-journal")
        .unwrap();
    let entry = "journal.jsonl.gz";
    let packed = forged["binaryData"][entry].as_str().unwrap().to_owned();
    forged["binaryData"]["journal-1.jsonl.gz"] = packed.into();
    forged["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("managedFields");
    forged["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("resourceVersion");
    cluster.apply(&forged, "istiod");
    for arguments in [
        &["rollback", "-y"][..],
        &["rollback", "-y", "--resume-from-cluster", "any"],
    ] {
        let run = cluster.refit(&plan, arguments);
        assert_eq!(run.code, Some(3), "{}", run.stderr);
        assert!(
            run.stderr.contains("its seal does not fit"),
            "{}",
            run.stderr
        );
    }
    assert_eq!(
        data(cluster, &namespace, "a"),
        Some(json!({ "value": "2" }))
    );
    let status = cluster.run(&["history", "-i", &namespace]);
    assert!(status.stdout.contains("not refit's"), "{}", status.stdout);
}

#[test]
fn what_another_machine_did_is_not_put_back_unasked_unless_it_is_named() {
    let Some(cluster) = plane() else { return };
    let (namespace, plan) = upgraded(cluster, "unnamed");
    let other = tempfile::tempdir().unwrap();
    let run = on_another_machine(cluster, other.path(), &plan, &["rollback", "-y"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    let short = &plan.id[..12];
    assert!(
        run.stderr
            .contains(&format!("--resume-from-cluster {short}")),
        "{}",
        run.stderr
    );
    assert_eq!(
        data(cluster, &namespace, "a"),
        Some(json!({ "value": "2" }))
    );
    let named = ["rollback", "-y", "--resume-from-cluster", short];
    let run = on_another_machine(cluster, other.path(), &plan, &named);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(
        data(cluster, &namespace, "a"),
        Some(json!({ "value": "1" }))
    );
}

#[test]
fn upgrades_are_kept_in_the_cluster_and_rolled_back_one_after_the_other_by_any_machine() {
    let Some(cluster) = plane() else { return };
    let (namespace, first) = upgraded(cluster, "history");
    let mut plans = vec![first];
    for value in 3..15 {
        plans.push(next(cluster, &namespace, &value.to_string()));
    }
    let other = tempfile::tempdir().unwrap();
    let last = plans.last().unwrap();
    let run = on_another_machine(cluster, other.path(), last, &["history", "-o", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let rows: Vec<Value> = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(rows.len(), 11, "the last one, and ten before it");
    assert_eq!(rows[0]["plan"], last.id.as_str());
    assert_eq!(rows[0]["canRollBack"], true);
    assert_eq!(rows[1]["canRollBack"], false);
    assert_eq!(rows[0]["result"], "done");
    let before = &plans[plans.len() - 2];
    let back = |plan: &Plan, id: &str| {
        let arguments = ["rollback", id, "-y", "--resume-from-cluster", id];
        on_another_machine(cluster, other.path(), plan, &arguments)
    };
    let run = back(before, &before.id[..12]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(run.stderr.contains(&last.id[..12]), "{}", run.stderr);
    for (plan, value) in [(last, "13"), (before, "12")] {
        let run = back(plan, &plan.id[..12]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_eq!(
            data(cluster, &namespace, "a"),
            Some(json!({ "value": value }))
        );
    }
}

#[test]
fn nothing_is_written_when_the_journals_copy_is_refused() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("no-copy");
    for object in [
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": { "name": "no-copy" },
            "spec": {
                "matchConstraints": {
                    "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace } },
                    "resourceRules": [{
                        "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                        "resources": ["configmaps"], "resourceNames": ["refit-journal"],
                    }],
                },
                "validations": [{ "expression": "false", "message": "no journals here" }],
            },
        }),
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": { "name": "no-copy" },
            "spec": { "policyName": "no-copy", "validationActions": ["Deny"] },
        }),
    ] {
        cluster.apply(&object, "someone");
    }
    let probe = config_map(&namespace, "refit-journal", "new");
    let flags = ["create", "--dry-run=server", "-f", "-"];
    while cluster
        .kubectl(&flags, Some(&probe.to_string()))
        .status
        .success()
    {}
    let action = apply(None, &config_map(&namespace, "a", "2"));
    let plan = plan(&namespace, vec![step("one", vec![action], vec![])]);
    let run = cluster.refit(&plan, &["apply"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("no journals here"), "{}", run.stderr);
    assert_eq!(data(cluster, &namespace, "a"), None, "nothing was written");
    let run = cluster.refit(&plan, &["apply", "--journal", "local"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(data(cluster, &namespace, "a").is_some());
}

#[test]
fn a_plan_of_another_cluster_is_refused() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("elsewhere");
    let action = apply(None, &config_map(&namespace, "a", "2"));
    let plan = Plan {
        cluster: Some("11111111-2222-3333-4444-555555555555".to_owned()),
        ..plan(&namespace, vec![step("one", vec![action], vec![])])
    }
    .sealed();
    let run = cluster.refit(&plan, &["apply"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(
        run.stderr.contains("the plan was made for another cluster"),
        "{}",
        run.stderr
    );
    assert_eq!(data(cluster, &namespace, "a"), None);
}

#[test]
fn what_was_begun_is_given_up_by_a_verb_of_its_own() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("given-up");
    let steps = ["one", "two"]
        .map(|it| {
            let action = apply(None, &config_map(&namespace, it, "2"));
            step(it, vec![action], vec![])
        })
        .to_vec();
    let plan = plan(&namespace, steps);
    let how = How {
        crash: Some("write:3"),
        ..How::default()
    };
    assert_eq!(cluster.refit_as(how, &plan, &["apply"]).code, None);
    let run = cluster.refit(&plan, &["abandon", "-y"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(
        run.stderr.contains("0 of 2 steps are done"),
        "{}",
        run.stderr
    );
    let run = cluster.refit(&plan, &["apply"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(run.stderr.contains("was given up"), "{}", run.stderr);
    assert!(data(cluster, &namespace, "one").is_some());
    let run = cluster.refit(&plan, &["rollback", "-y"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(data(cluster, &namespace, "one"), None);
}

#[test]
fn a_question_shows_what_goes_back_and_names_the_cluster_and_no_is_an_answer() {
    let Some(cluster) = plane() else { return };
    let (namespace, plan) = upgraded(cluster, "asked");
    let how = How {
        terminal: true,
        ..How::default()
    };
    let arguments = ["rollback", &plan.id[..12], "-i", &namespace];
    let mut child = cluster.begin_as(how, &arguments);
    child.stdin.as_mut().unwrap().write_all(b"n\n").unwrap();
    let run = finish(child);
    assert_eq!(run.code, Some(5), "{}", run.stdout);
    for wanted in [
        r#"data.value: "2" → "1""#,
        "Roll testplane (https://127.0.0.1:",
        "back to what was before, from 1.30.3? (y/N)",
        "cancelled, nothing was changed",
    ] {
        assert!(run.stdout.contains(wanted), "{wanted}: {}", run.stdout);
    }
    assert_eq!(
        data(cluster, &namespace, "a"),
        Some(json!({ "value": "2" }))
    );
}
