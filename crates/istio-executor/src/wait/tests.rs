use serde_json::json;

use super::*;

fn deployment_with(status: &Value) -> Value {
    let mut status = status.clone();
    status["observedGeneration"] = json!(2);
    json!({ "metadata": { "generation": 2 }, "spec": { "replicas": 2 }, "status": status })
}

#[track_caller]
fn pending(state: &State, reason: &str) {
    assert_eq!(state, &State::Pending(reason.to_owned()));
}

#[test]
fn a_deployment_is_ready_when_all_are_new_and_no_old_one_is_left() {
    let with = |replicas, updated, available| {
        deployment(&deployment_with(&json!({
            "replicas": replicas, "updatedReplicas": updated, "availableReplicas": available,
        })))
    };
    pending(&with(3, 1, 2), "1 of 2 pods updated");
    pending(&with(3, 2, 3), "1 old pods still there");
    pending(&with(2, 2, 1), "1 of 2 pods available");
    assert_eq!(with(2, 2, 2), State::Ready);
}

#[test]
fn an_old_observation_says_nothing() {
    let mut live =
        deployment_with(&json!({ "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2 }));
    live["metadata"]["generation"] = json!(3);
    pending(
        &deployment(&live),
        "its controller has not seen the change yet",
    );
}

#[test]
fn a_daemon_set_that_no_node_wants_is_ready() {
    assert_eq!(
        daemon_set(&json!({ "status": { "desiredNumberScheduled": 0 } })),
        State::Ready
    );
    pending(
        &daemon_set(&json!({ "status": { "desiredNumberScheduled": 2, "numberReady": 2 } })),
        "0 of 2 pods updated",
    );
}

#[test]
fn a_stateful_set_is_ready_up_to_its_partition() {
    let live = |updated| {
        json!({
            "spec": { "replicas": 3, "updateStrategy": { "rollingUpdate": { "partition": 2 } } },
            "status": { "updatedReplicas": updated, "readyReplicas": 3, "currentRevision": "a", "updateRevision": "b" },
        })
    };
    pending(&stateful_set(&live(0)), "0 of 1 pods updated");
    assert_eq!(stateful_set(&live(1)), State::Ready);
}

#[test]
fn a_crash_loop_ends_the_wait_and_a_first_crash_does_not() {
    let pod = |reason: &str, restarts| {
        json!({
            "metadata": { "name": "p" },
            "status": { "containerStatuses": [
                { "name": "c", "restartCount": restarts, "state": { "waiting": { "reason": reason, "message": "why" } } }
            ] },
        })
    };
    let lasting = |restarts| trouble(&pod("CrashLoopBackOff", restarts)).unwrap();
    assert_eq!(
        lasting(3).words,
        "pod p, container c: CrashLoopBackOff: why"
    );
    assert_eq!(lasting(3).patience, Some(Duration::ZERO));
    assert!(lasting(1).patience > Some(Duration::ZERO));
    assert_eq!(lasting(1).container, Some(("p".to_owned(), "c".to_owned())));
    assert_eq!(trouble(&pod("ContainerCreating", 0)), None);
    let key = |reason: &str| trouble(&pod(reason, 0)).unwrap().key;
    assert_eq!(
        key("ErrImagePull"),
        key("ImagePullBackOff"),
        "the same trouble in other words"
    );
}

#[test]
fn pods_with_an_old_proxy_are_named_wherever_it_stands() {
    let pod = |name: &str, place: &str, image: &str| json!({ "metadata": { "name": name }, "spec": { place: [{ "name": "istio-proxy", "image": image }] } });
    let mut done = pod("done", "containers", "proxyv2:1.29.6");
    done["status"]["phase"] = json!("Succeeded");
    let pods = [
        pod("new", "initContainers", "proxyv2:1.30.3"),
        pod("old", "containers", "proxyv2:1.29.6"),
        pod("bare", "other", "x"),
        done,
    ];
    assert_eq!(
        stale_proxies(&pods, "1.30.3"),
        [
            "pod old runs 1.29.6",
            "pod bare has no proxy of a known version"
        ]
    );
}

#[test]
fn the_proxys_version_is_the_tag_without_its_variant() {
    let with = |image: &str| {
        image_version(&json!({ "spec": { "template": { "spec": { "containers": [
            { "name": "istio-proxy", "image": image }
        ] } } } }))
    };
    assert_eq!(
        with("localhost:5000/istio/proxyv2:1.30.3-distroless").as_deref(),
        Some("1.30.3")
    );
    assert_eq!(
        with("docker.io/istio/proxyv2:1.30.3@sha256:00").as_deref(),
        Some("1.30.3")
    );
    assert_eq!(with("proxyv2"), None);
}

#[test]
fn a_pod_that_no_node_takes_is_waited_for_to_the_end() {
    let pod = json!({
        "metadata": { "name": "p" },
        "status": { "conditions": [{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node" }] },
    });
    assert_eq!(trouble(&pod).unwrap().patience, None);
}
