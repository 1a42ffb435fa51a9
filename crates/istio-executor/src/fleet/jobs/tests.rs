use super::*;

const WAY: Way<'_> = Way {
    runner: Runner {
        image: "i",
        namespace: "n",
        service_account: "refit-fleet",
    },
    id: "0123456789",
    target: "1.30.3",
    key: "kubeconfig",
    parallel: 10,
    retries: 2,
    may_fail: 3,
    soak: 60,
    arguments: &[],
};

fn members(names: &[&str]) -> Vec<Member> {
    names
        .iter()
        .map(|it| Member {
            cluster: (*it).to_owned(),
            slug: (*it).to_owned(),
            secret: format!("kubeconfig-{it}"),
        })
        .collect()
}

#[test]
fn each_index_has_the_plan_and_the_kubeconfig_of_its_cluster_and_no_other() {
    let job = wave(&WAY, 2, &members(&["a", "b"]));
    let spec = &job["spec"];
    assert_eq!(spec["suspend"], true);
    assert_eq!(
        (&spec["completions"], &spec["parallelism"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(spec["maxFailedIndexes"], 2, "never more than there are");
    let pod = &spec["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    for (volume, of, name) in [
        (&pod["volumes"][1], "configMap", "refit-fleet-0123456789-b"),
        (&pod["volumes"][2], "secret", "kubeconfig-b"),
    ] {
        let source = &volume["projected"]["sources"][1][of];
        assert_eq!(source["name"], name);
        assert!(
            source["items"][0]["path"]
                .as_str()
                .unwrap()
                .starts_with("1/")
        );
    }
    for mount in &pod["containers"][0]["volumeMounts"].as_array().unwrap()[1..] {
        assert_eq!(mount["subPathExpr"], "$(JOB_COMPLETION_INDEX)");
        assert_eq!(mount["readOnly"], true);
    }
    assert_eq!(clusters(&job), ["a", "b"]);
}

#[test]
fn the_one_that_releases_may_touch_these_jobs_and_nothing_else() {
    let objects = release(&WAY, 2);
    let role = objects.iter().find(|it| it["kind"] == "Role").unwrap();
    assert_eq!(
        role["rules"],
        json!([{
            "apiGroups": ["batch"],
            "resources": ["jobs"],
            "resourceNames": [
                "refit-fleet-0123456789-wave-1",
                "refit-fleet-0123456789-wave-2",
                "refit-fleet-0123456789-release",
            ],
            "verbs": ["get", "watch", "patch"],
        }])
    );
    let job = objects.last().unwrap();
    assert_eq!(job["spec"]["suspend"], true);
    let account = &job["spec"]["template"]["spec"]["serviceAccountName"];
    assert_eq!(account, "refit-fleet-release");
    assert_ne!(WAY.runner.service_account, account);
}

#[test]
fn clusters_of_several_jobs_are_tried_again_by_one_with_indexes_of_its_own() {
    let (one, two) = (
        wave(&WAY, 1, &members(&["a", "b"])),
        wave(&WAY, 2, &members(&["c", "d"])),
    );
    let job = again(WAY.id, (AGAIN, 1), &[(&one, 1), (&two, 0)], None).unwrap();
    assert_eq!(clusters(&job), ["b", "c"]);
    assert_eq!(job["spec"]["suspend"], false);
    let volumes = &job["spec"]["template"]["spec"]["volumes"];
    let plan = &volumes[1]["projected"]["sources"][1]["configMap"];
    assert_eq!(plan["name"], "refit-fleet-0123456789-c");
    assert_eq!(plan["items"][0]["path"], "1/plan.json.gz");
    let secret = &volumes[2]["projected"]["sources"][0]["secret"];
    assert_eq!(secret["name"], "kubeconfig-b");
    assert_eq!(secret["items"][0]["path"], "0/config");
    // What was made of it can be made of again.
    let once_more = again(WAY.id, (AGAIN, 2), &[(&job, 1)], None).unwrap();
    assert_eq!(clusters(&once_more), ["c"]);
    assert!(again(WAY.id, (AGAIN, 1), &[], None).is_none());
}

#[test]
fn a_job_that_is_made_again_is_a_new_one() {
    let mut job = release(&WAY, 1).pop().unwrap();
    job["metadata"]["uid"] = json!("u");
    job["metadata"]["annotations"][STOPPED] = json!("why");
    job["metadata"]["labels"]["batch.kubernetes.io/controller-uid"] = json!("u");
    job["spec"]["selector"] =
        json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": "u" } });
    job["spec"]["template"]["metadata"]["labels"]["job-name"] = json!("x");
    job["status"] = json!({ "failed": 1 });
    let fresh = release(&WAY, 1).pop().unwrap();
    assert_eq!(made_again(&job), fresh);
}
