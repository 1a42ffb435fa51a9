use expect_test::expect;
use serde_json::json;

use super::*;

fn job(part: &str, name: &str, clusters: &[&str], spec: &Value, status: &Value) -> Value {
    let number = name.rsplit('-').next().unwrap();
    json!({
        "metadata": {
            "name": name,
            "labels": { "refit/fleet": "f", "refit/part": part },
            "annotations": {
                "refit/clusters": json!(clusters).to_string(),
                "refit/wave": if part == "wave" { number } else { "" },
            },
        },
        "spec": spec,
        "status": status,
    })
}

fn pod(job: &str, index: usize, status: &Value) -> Value {
    json!({
        "metadata": {
            "name": format!("{job}-{index}-x"),
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": { "batch.kubernetes.io/job-name": job },
            "annotations": { "batch.kubernetes.io/job-completion-index": index.to_string() },
        },
        "status": status,
    })
}

#[test]
fn jobs_and_pods_say_how_far_each_cluster_came() {
    let ended = json!({
        "startTime": "2026-01-01T00:00:00Z",
        "completedIndexes": "0",
        "failedIndexes": "1",
        "conditions": [{
            "type": "Failed", "status": "True", "reason": "FailedIndexes",
            "lastTransitionTime": "2026-01-01T00:10:00Z",
        }],
    });
    let mut release = job(
        "release",
        "r",
        &[],
        &json!({ "suspend": false }),
        &json!({}),
    );
    release["metadata"]["annotations"] = json!({ "refit/target": "1.30.3" });
    let found = Found::of(
        "f",
        "n",
        vec![
            release,
            job(
                "wave",
                "wave-2",
                &["c", "d"],
                &json!({ "suspend": false }),
                &json!({ "startTime": "2026-01-01T00:20:00Z" }),
            ),
            job(
                "wave",
                "wave-1",
                &["a", "b"],
                &json!({ "suspend": false }),
                &ended,
            ),
            job(
                "wave",
                "wave-3",
                &["e"],
                &json!({ "suspend": true }),
                &json!({}),
            ),
            job(
                "again",
                "again-1",
                &["b"],
                &json!({ "suspend": false }),
                &json!({ "completedIndexes": "0" }),
            ),
        ],
    );
    let pods = [
        pod(
            "wave-2",
            0,
            &json!({
                "phase": "Running",
                "containerStatuses": [{ "state": { "running": { "startedAt": "2026-01-01T00:20:01Z" } } }],
            }),
        ),
        pod(
            "wave-2",
            1,
            &json!({
                "phase": "Pending",
                "containerStatuses": [{ "state": { "waiting": { "reason": "ImagePullBackOff", "message": "no\nimage" } } }],
            }),
        ),
        pod(
            "wave-1",
            1,
            &json!({
                "phase": "Failed",
                "containerStatuses": [{ "state": { "terminated": { "exitCode": 3, "finishedAt": "2026-01-01T00:05:00Z" } } }],
            }),
        ),
    ];
    let status = status(&found, &pods);
    let text = status.lines().join("\n");
    expect![[r"
        fleet f → 1.30.3: at work

          wave  state         done             failed  since
          1     not all done  1 of 2 clusters  1       2026-01-01T00:10:00Z
          2     at work       0 of 2 clusters  0       2026-01-01T00:20:00Z
          3     waiting       0 of 1 cluster   0

          cluster  wave  state    since                 pods
          a        1     done                           0
          b        1     done                           0
          c        2     at work  2026-01-01T00:20:01Z  1
          d        2     waiting                        1     ImagePullBackOff no image
          e        3     waiting                        0"]]
    .assert_eq(&text);
    let names = |it: &Status| -> String { it.clusters.iter().map(|it| it.name.as_str()).collect() };
    assert_eq!(names(&status.urgent_first()), "cdeab");
}

#[test]
fn what_is_held_and_what_was_stopped_are_told_apart() {
    let of = |release: &Value, wave: &Value| {
        let jobs = vec![
            job("release", "r", &[], &release["spec"], &release["status"]),
            job("wave", "wave-1", &["a"], &wave["spec"], &wave["status"]),
        ];
        status(&Found::of("f", "n", jobs), &[]).state
    };
    let waits = json!({ "spec": { "suspend": true } });
    let failed =
        json!({ "type": "Failed", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z" });
    assert_eq!(of(&waits, &waits), FleetState::Waiting);
    let begun =
        json!({ "spec": { "suspend": true }, "status": { "startTime": "2026-01-01T00:00:00Z" } });
    assert_eq!(of(&waits, &begun), FleetState::Held);
    let stopped = json!({ "spec": { "suspend": false }, "status": { "conditions": [failed] } });
    assert_eq!(of(&stopped, &waits), FleetState::Stopped);
}
