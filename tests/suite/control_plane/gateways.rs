//! Gateways that istiod rolls by itself, and an istiod that has given up on them (domain §8.2, the race).

use istio_planner::plan::{Plan, Wait, gateway_lease};
use serde_json::{Value, json};

use super::cluster::{Cluster, How, finish, plane};
use super::plans::{plan, reference, step, workload};

/// A gateway of the former release, the Lease of the istiod that made it, and a plan that watches it.
fn world(cluster: &Cluster, namespace: &str, revision: &str) -> (Plan, Value) {
    let mut gateway = workload("Deployment", namespace, "waypoint");
    gateway["spec"]["template"]["spec"]["containers"][1]["image"] =
        json!("example.org/proxyv2:1.29.6");
    cluster.apply(&gateway, "istio.io/gateway-controller");
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": { "namespace": namespace, "name": gateway_lease(revision) },
        "spec": { "holderIdentity": "istiod-1", "leaseDurationSeconds": 30 },
    });
    cluster.apply(&lease, "pilot-discovery");
    let wait = Wait::AutoRollout {
        object: reference(&gateway),
        to: "1.30.3".to_owned(),
        lock: Some(reference(&lease)),
    };
    let observe = step("observe-gateways", vec![], vec![wait]);
    (plan(namespace, vec![observe]), lease)
}

/// Takes the Lease again, as an istiod does when refit's time is over, and rolls the gateway.
fn istiod_begins_anew(cluster: &Cluster, lease: &Value) {
    let namespace = lease["metadata"]["namespace"].as_str().unwrap();
    let name = lease["metadata"]["name"].as_str().unwrap();
    cluster.await_field("lease", namespace, name, "{.spec.holderIdentity}=refit");
    cluster.apply(lease, "pilot-discovery");
    let image = "istio-proxy=example.org/proxyv2:1.30.3";
    cluster.done(
        &[
            "set",
            "image",
            "deployment/waypoint",
            image,
            "-n",
            namespace,
        ],
        None,
    );
}

fn events(cluster: &Cluster, plan: &Plan) -> Vec<String> {
    let records = cluster.journal(plan);
    let events = records.iter().map(|it| it["event"].as_str().unwrap());
    events.map(str::to_owned).collect()
}

#[test]
fn an_istiod_that_gave_up_on_its_gateways_is_made_to_begin_anew() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("gateways");
    let (plan, lease) = world(cluster, &namespace, "");
    let run = cluster.spawn(&plan, &["apply", "--readiness-timeout", "2s"]);
    istiod_begins_anew(cluster, &lease);
    let run = finish(run);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(
        run.stderr.contains("the gateways stay old"),
        "{}",
        run.stderr
    );
    let events = events(cluster, &plan);
    assert!(events.contains(&"lock-taken".to_owned()), "{events:?}");
    assert!(!events.contains(&"wait-given-up".to_owned()), "{events:?}");
}

#[test]
fn killed_while_it_holds_the_lease_of_a_revision_it_waits_on_and_says_what_stays_old() {
    let Some(cluster) = plane() else { return };
    let namespace = cluster.namespace("gateways-canary");
    let (plan, lease) = world(cluster, &namespace, "canary");
    let account = "refit-canary";
    let rights = cluster.run(&[
        "rbac",
        "--revision",
        "canary",
        "-n",
        "default",
        "--service-account",
        account,
    ]);
    let rights = rights
        .stdout
        .replace("name: refit\n", "name: refit-canary\n");
    cluster.done(&["apply", "-f", "-"], Some(&rights));
    let kubeconfig = cluster.account(account);
    let as_canary = How {
        kubeconfig: Some(&kubeconfig),
        ..How::default()
    };
    let killed = How {
        crash: Some("record:3"),
        ..as_canary
    };
    let arguments = ["apply", "--readiness-timeout", "2s", "--timeout", "5s"];
    let run = cluster.refit_as(killed, &plan, &arguments);
    assert_eq!(run.code, None, "{}", run.stderr);
    assert_eq!(events(cluster, &plan).last().unwrap(), "lock-taken");
    let holder = |namespace: &str| {
        let name = lease["metadata"]["name"].as_str().unwrap();
        let live = cluster.get("lease", namespace, name).unwrap();
        live["spec"]["holderIdentity"].clone()
    };
    assert_eq!(holder(&namespace), "refit");
    // No istiod is there to take it.
    let run = cluster.refit_as(as_canary, &plan, &arguments);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let told = "waypoint is left as it is: istiod has not renewed it yet, its proxy is 1.29.6";
    assert!(run.stderr.contains(told), "{}", run.stderr);
    let taken = events(cluster, &plan);
    let taken = taken.iter().filter(|it| *it == "lock-taken");
    assert_eq!(taken.count(), 1);
}
