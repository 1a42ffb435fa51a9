//! What goes wrong in clusters. After each: as planned, or as before, and the journal says which.

use serde_json::json;

use super::cluster::{How, finish, plane};
use super::plans::{apply, config_map, deployment_of, never_ready, plan, step, well};
use super::{data, is_long};

#[test]
fn a_pod_that_never_gets_ready_ends_the_wait_in_time() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("late");
    let (deployment, wait) = never_ready(&namespace);
    let plan = plan(
        &namespace,
        vec![step("one", vec![apply(None, &deployment)], vec![wait])],
    );
    let run = cluster.refit(&plan, &["apply", "--readiness-timeout", "3s"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("is not ready in time"),
        "{}",
        run.stderr
    );
    assert_eq!(cluster.last_event(&plan), "failed");
    let run = cluster.refit(&plan, &["rollback", "-y", "--readiness-timeout", "3s"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(cluster.last_event(&plan), "rolled-back");
    assert!(cluster.is_gone("deployment", &namespace, "never"));
}

#[test]
fn an_image_that_cannot_be_pulled_ends_the_wait_with_its_reason() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("image");
    let (mut deployment, wait) = well(&namespace, "pull");
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = json!("invalid.example/x:1");
    let plan = plan(
        &namespace,
        vec![step("one", vec![apply(None, &deployment)], vec![wait])],
    );
    let run = cluster.refit(&plan, &["apply", "--rollback-on-failure"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("ImagePull"), "{}", run.stderr);
    assert_eq!(cluster.last_event(&plan), "rolled-back");
    assert!(cluster.is_gone("deployment", &namespace, "pull"));
}

#[test]
fn an_admission_policy_that_refuses_one_object_stops_there_and_is_told_by_a_dry_run() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("refused");
    for object in [
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": { "name": "refuses-one" },
            "spec": {
                "matchConstraints": { "resourceRules": [{
                    "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                    "resources": ["configmaps"], "resourceNames": ["unwanted"],
                }] },
                "validations": [{ "expression": "false", "message": "not in this cluster" }],
            },
        }),
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": { "name": "refuses-one" },
            "spec": { "policyName": "refuses-one", "validationActions": ["Deny"] },
        }),
    ] {
        cluster.apply(&object, "someone");
    }
    let made = config_map(&namespace, "made", "new");
    let unwanted = config_map(&namespace, "unwanted", "new");
    // A policy counts once the API server has compiled it.
    let flags = ["create", "--dry-run=server", "-f", "-"];
    while cluster
        .kubectl(&flags, Some(&unwanted.to_string()))
        .status
        .success()
    {}
    let plan = plan(
        &namespace,
        vec![
            step("one", vec![apply(None, &made)], vec![]),
            step("two", vec![apply(None, &unwanted)], vec![]),
        ],
    );
    let run = cluster.refit(&plan, &["apply", "--dry-run"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(run.stdout.contains("not in this cluster"), "{}", run.stdout);
    assert_eq!(
        data(cluster, &namespace, "made"),
        None,
        "a dry run writes nothing"
    );
    let run = cluster.refit(&plan, &["apply", "--rollback-on-failure"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("not in this cluster"), "{}", run.stderr);
    assert_eq!(cluster.last_event(&plan), "rolled-back");
    assert_eq!(data(cluster, &namespace, "made"), None, "as before");
}

#[test]
fn rights_that_are_taken_away_stop_it_and_given_back_it_goes_on() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("revoked");
    cluster.done(
        &["create", "serviceaccount", "revoked", "-n", "default"],
        None,
    );
    let bind = [
        "create",
        "clusterrolebinding",
        "revoked",
        "--clusterrole=refit",
        "--serviceaccount=default:revoked",
    ];
    cluster.done(&bind, None);
    let account = cluster.account("revoked");
    let how = How {
        kubeconfig: Some(&account),
        ..How::default()
    };
    let one = config_map(&namespace, "one", "new");
    let two = config_map(&namespace, "two", "new");
    let plan = plan(
        &namespace,
        vec![
            step("one", vec![apply(None, &one)], vec![]),
            step("two", vec![apply(None, &two)], vec![]),
        ],
    );
    let crash = How {
        crash: Some("write:3"),
        ..how
    };
    assert_eq!(cluster.refit_as(crash, &plan, &["apply"]).code, None);
    cluster.done(&["delete", "clusterrolebinding", "revoked"], None);
    let check = [
        "auth",
        "can-i",
        "get",
        "configmaps",
        "-A",
        "--as",
        "system:serviceaccount:default:revoked",
    ];
    while cluster.kubectl(&check, None).status.success() {}
    let run = cluster.refit_as(how, &plan, &["apply"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("forbidden"), "{}", run.stderr);
    cluster.done(&bind, None);
    while !cluster.kubectl(&check, None).status.success() {}
    let run = cluster.refit_as(how, &plan, &["apply"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(cluster.last_event(&plan), "finished");
    assert!(data(cluster, &namespace, "two").is_some());
}

#[test]
fn a_full_disk_stops_it_before_the_write_and_with_room_again_it_goes_on() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("full");
    let objects: Vec<_> = (0..20)
        .map(|it| config_map(&namespace, &format!("c-{it}"), "new"))
        .collect();
    let actions = objects.iter().map(|it| apply(None, it)).collect();
    let plan = plan(&namespace, vec![step("one", actions, vec![])]);
    let how = How {
        // Four blocks of 512 bytes in a file, and no signal for more.
        limits: Some("trap '' 25; ulimit -f 4"),
        ..How::default()
    };
    // The plan itself has to be kept first, for which there is room.
    let crash = How {
        crash: Some("record:1"),
        ..How::default()
    };
    assert_eq!(cluster.refit_as(crash, &plan, &["apply"]).code, None);
    let run = cluster.refit_as(how, &plan, &["apply"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("cannot keep the journal"),
        "{}",
        run.stderr
    );
    let begun = cluster
        .journal(&plan)
        .iter()
        .filter(|it| it["event"] == "action-began")
        .count();
    assert!(begun < 20, "{begun}");
    assert_eq!(
        data(cluster, &namespace, "c-0"),
        None,
        "nothing is written that is not written down"
    );
    let run = cluster.refit(&plan, &["apply"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(cluster.last_event(&plan), "finished");
    assert!(data(cluster, &namespace, "c-19").is_some());
}

#[test]
fn an_object_that_is_deleted_under_our_hands_is_drift() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("under-hands");
    cluster.apply(&config_map(&namespace, "old", "old"), "istio-operator");
    let old = cluster.get("configmap", &namespace, "old").unwrap();
    let plan = plan(
        &namespace,
        vec![
            step(
                "one",
                vec![apply(None, &config_map(&namespace, "made", "new"))],
                vec![],
            ),
            step(
                "two",
                vec![apply(Some(&old), &config_map(&namespace, "old", "new"))],
                vec![],
            ),
        ],
    );
    let crash = How {
        crash: Some("write:3"),
        ..How::default()
    };
    assert_eq!(cluster.refit_as(crash, &plan, &["apply"]).code, None);
    cluster.done(&["delete", "configmap", "old", "-n", &namespace], None);
    let run = cluster.refit(&plan, &["apply"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(
        run.stderr.contains("is gone since the plan was made"),
        "{}",
        run.stderr
    );
    assert_eq!(cluster.last_event(&plan), "failed");
    let run = cluster.refit(&plan, &["rollback", "-y"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(data(cluster, &namespace, "made"), None);
}

#[test]
fn an_autoscaler_at_work_is_no_drift_and_keeps_its_replicas() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("scaled");
    let (mut deployment, wait) = well(&namespace, "scaled");
    cluster.apply(&deployment, "istio-operator");
    cluster.await_field(
        "deployment",
        &namespace,
        "scaled",
        "{.status.availableReplicas}=1",
    );
    let live = cluster.get("deployment", &namespace, "scaled").unwrap();
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = json!("example.org/none:2");
    let plan = plan(
        &namespace,
        vec![step(
            "one",
            vec![apply(Some(&live), &deployment)],
            vec![wait],
        )],
    );
    cluster.done(
        &[
            "scale",
            "deployment/scaled",
            "--replicas=3",
            "-n",
            &namespace,
        ],
        None,
    );
    let run = cluster.refit(&plan, &["apply"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let now = || cluster.get("deployment", &namespace, "scaled").unwrap();
    assert_eq!(now()["spec"]["replicas"], 3);
    assert_eq!(now()["status"]["availableReplicas"], 3);
    assert_eq!(deployment_of(&now()), "example.org/none:2");
    cluster.done(
        &[
            "scale",
            "deployment/scaled",
            "--replicas=4",
            "-n",
            &namespace,
        ],
        None,
    );
    let run = cluster.refit(&plan, &["rollback", "-y"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(now()["spec"]["replicas"], 4);
    assert_eq!(deployment_of(&now()), "example.org/none:1");
}

#[test]
fn ctrl_c_stops_between_two_steps_and_says_how_to_go_on() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("interrupted");
    let (deployment, wait) = never_ready(&namespace);
    let plan = plan(
        &namespace,
        vec![step("one", vec![apply(None, &deployment)], vec![wait])],
    );
    let child = cluster.spawn(&plan, &["apply"]);
    cluster.await_made("deployment", &namespace, "never");
    let kill = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let run = finish(child);
    assert_eq!(run.code, Some(130), "{}", run.stderr);
    assert!(
        run.stderr.contains("refit apply --resume"),
        "{}",
        run.stderr
    );
    assert_eq!(cluster.last_event(&plan), "failed");
    assert!(
        cluster.get("lease", &namespace, "refit").is_none(),
        "the lease is given back"
    );
}

#[test]
fn an_api_server_that_is_away_is_waited_for() {
    let Some(cluster) = super::Cluster::start(&[]) else {
        return;
    };
    let namespace = cluster.namespace("away");
    let (deployment, wait) = never_ready(&namespace);
    let plan = plan(
        &namespace,
        vec![
            step("one", vec![apply(None, &deployment)], vec![wait]),
            step(
                "two",
                vec![apply(None, &config_map(&namespace, "made", "new"))],
                vec![],
            ),
        ],
    );
    let child = cluster.spawn(&plan, &["apply"]);
    cluster.await_made("deployment", &namespace, "never");
    cluster.bounce("apiserver", if is_long() { "60s" } else { "20s" });
    let ready =
        r#"{"spec":{"template":{"metadata":{"annotations":{"testplane.dev/behavior":null}}}}}"#;
    cluster.done(
        &[
            "patch",
            "deployment",
            "never",
            "-n",
            &namespace,
            "-p",
            ready,
        ],
        None,
    );
    let run = finish(child);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(cluster.last_event(&plan), "finished");
    assert!(data(&cluster, &namespace, "made").is_some());
}

/// Makes an account of the namespace `default` that has a cluster role, and returns its kubeconfig.
fn account_with(cluster: &super::cluster::Cluster, name: &str, role: &str) -> std::path::PathBuf {
    cluster.done(&["create", "serviceaccount", name, "-n", "default"], None);
    let role = format!("--clusterrole={role}");
    let account = format!("--serviceaccount=default:{name}");
    cluster.done(
        &["create", "clusterrolebinding", name, &role, &account],
        None,
    );
    cluster.account(name)
}

#[test]
fn who_may_only_read_is_told_that_the_server_was_not_asked() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("reader");
    let role = cluster.run(&["rbac", "--read-only"]);
    cluster.done(&["apply", "-f", "-"], Some(&role.stdout));
    let reader = account_with(cluster, "reader", "refit-reader");
    let action = apply(None, &config_map(&namespace, "a", "1"));
    let plan = plan(&namespace, vec![step("one", vec![action], vec![])]);
    let how = How {
        kubeconfig: Some(&reader),
        ..How::default()
    };
    let run = cluster.refit_as(how, &plan, &["apply", "--dry-run"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(
        run.stderr.contains("these rights only read"),
        "{}",
        run.stderr
    );
    // It may look at what others did, too.
    let run = cluster.refit_as(how, &plan, &["history"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

#[test]
fn a_snapshot_says_what_it_was_refused_and_so_does_the_export() {
    let Some(cluster) = plane() else { return };
    let flags = [
        "create",
        "clusterrole",
        "narrow",
        "--verb=get,list",
        "--resource=pods,deployments.apps",
    ];
    cluster.done(&flags, None);
    let narrow = account_with(cluster, "narrow", "narrow");
    let how = How {
        kubeconfig: Some(&narrow),
        ..How::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    for (more, code) in [(&[][..], 4), (&["--allow-missing"], 0)] {
        let arguments = [&["snapshot", "-o", path], more].concat();
        let run = finish(cluster.begin_as(how, &arguments));
        assert_eq!(run.code, Some(code), "{}", run.stderr);
        assert!(run.stderr.contains("not read: "), "{}", run.stderr);
    }
    let text = std::fs::read_to_string(folder.path().join("missing.json")).unwrap();
    let missing: serde_json::Value = serde_json::from_str(&text).unwrap();
    let named = |kind: &str| {
        let mut items = missing["items"].as_array().unwrap().iter();
        items.any(|it| it["metadata"]["name"] == kind)
    };
    assert!(named("configmaps") && named("daemonsets.apps") && !named("deployments.apps"));
    assert!(text.contains("forbidden"), "{text}");
    // A plan from that export names the role, and no line of kubectl that is forbidden too.
    let plan = finish(cluster.begin_as(
        how,
        &["plan", path, "--to", "1.30.3", "--offline", "-o", "json"],
    ));
    let outcome: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
    let finding = outcome["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["code"] == "export-incomplete" && it["subjects"][0]["field"] == "configmaps")
        .unwrap();
    let fix = finding["fix"].as_str().unwrap();
    assert!(fix.contains("refit rbac --read-only"), "{fix}");
    assert!(!fix.contains("kubectl"), "{fix}");
}
