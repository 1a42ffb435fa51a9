use super::super::jobs::{Member, Way};
use super::*;
use crate::job::Runner;

/// A fleet of two waves as it was printed.
fn printed() -> Vec<Value> {
    let way = Way {
        runner: Runner {
            image: "i",
            namespace: "n",
            service_account: "a",
        },
        id: "f",
        target: "1.30.3",
        key: "kubeconfig",
        parallel: 1,
        retries: 0,
        may_fail: 0,
        soak: 0,
        arguments: &[],
    };
    let members = |names: &[&str]| -> Vec<Member> {
        names
            .iter()
            .map(|it| Member {
                cluster: (*it).to_owned(),
                slug: (*it).to_owned(),
                secret: (*it).to_owned(),
            })
            .collect()
    };
    let mut objects = vec![
        jobs::wave(&way, 1, &members(&["a", "b"])),
        jobs::wave(&way, 2, &members(&["c"])),
    ];
    objects.extend(jobs::release(&way, 2).pop());
    objects
}

fn found(objects: Vec<Value>) -> Found {
    Found::of("f", "n", objects)
}

fn words(changes: &[Change]) -> Vec<String> {
    changes.iter().map(Change::words).collect()
}

/// The fleet after its first wave failed in `b`.
fn stopped() -> Vec<Value> {
    let mut objects = printed();
    objects[0]["spec"]["suspend"] = json!(false);
    objects[0]["metadata"]["annotations"]["refit/released"] = json!("2026-01-01T00:00:00Z");
    let failed = json!([{
        "type": "Failed", "status": "True", "reason": "MaxFailedIndexesExceeded",
        "lastTransitionTime": "2026-01-01T00:10:00Z",
    }]);
    objects[0]["status"] =
        json!({ "completedIndexes": "0", "failedIndexes": "1", "conditions": failed });
    objects[2]["spec"]["suspend"] = json!(false);
    objects[2]["status"] = json!({ "conditions": failed });
    objects
}

#[test]
fn a_fleet_is_started_held_and_let_go() {
    let mut objects = printed();
    let start = words(&resume(&found(objects.clone()), None).unwrap());
    assert_eq!(start, ["let Job refit-fleet-f-release go"]);
    assert!(stop(&found(objects.clone())).is_empty());
    for at in [0, 2] {
        objects[at]["spec"]["suspend"] = json!(false);
    }
    assert_eq!(
        words(&stop(&found(objects.clone()))),
        [
            "hold Job refit-fleet-f-release",
            "hold Job refit-fleet-f-wave-1"
        ]
    );
    for at in [0, 2] {
        objects[at]["spec"]["suspend"] = json!(true);
    }
    // What had begun goes on, what had not waits for its release.
    objects[0]["metadata"]["annotations"]["refit/released"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(
        words(&resume(&found(objects), None).unwrap()),
        [
            "let Job refit-fleet-f-wave-1 go",
            "let Job refit-fleet-f-release go"
        ]
    );
}

#[test]
fn a_fleet_that_stopped_goes_on_when_its_clusters_are_settled_or_may_fail() {
    let mut objects = stopped();
    let error = resume(&found(objects.clone()), None).unwrap_err();
    assert!(
        error.words().contains("1 cluster not done (b)"),
        "{}",
        error.words()
    );
    let changes = resume(&found(objects.clone()), Some(1)).unwrap();
    let [Change::Replace(job, _)] = changes.as_slice() else {
        panic!("{changes:?}")
    };
    let args = job["spec"]["template"]["spec"]["containers"][0]["args"].to_string();
    assert!(args.contains(r#""--max-failures","1""#), "{args}");
    let Change::Create(mut job) = again(&found(objects.clone()), &["b".to_owned()]).unwrap() else {
        panic!("a Job")
    };
    assert_eq!(job["metadata"]["name"], "refit-fleet-f-again-1");
    job["status"] = json!({ "completedIndexes": "0" });
    objects.push(job);
    assert_eq!(
        words(&resume(&found(objects.clone()), None).unwrap()),
        [
            "b of refit-fleet-f-wave-1: done by now",
            "start Job refit-fleet-f-release again"
        ]
    );
    assert!(
        again(&found(objects), &["b".to_owned()]).is_err(),
        "it is done"
    );
}

#[test]
fn only_what_failed_is_tried_again_and_only_what_began_is_rolled_back() {
    let found = found(stopped());
    for name in ["a", "c", "x"] {
        assert!(again(&found, &[name.to_owned()]).is_err(), "{name}");
    }
    let back = |name: &str| back(&found, &[name.to_owned()], &[]);
    assert!(back("a").is_ok() && back("b").is_ok() && back("c").is_err());
}
