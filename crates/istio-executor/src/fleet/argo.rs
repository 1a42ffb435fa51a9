//! A fleet as an Argo Workflow: the waves are its steps, the soak between them a pause.

use serde_json::{Value, json};

use super::jobs::{CLUSTER, FAILED, FLEET, GRACE, Member, TARGET, UNUSABLE, Way, applying, name};
use crate::job;

/// The parameters of the template that performs a cluster's plan.
const PARAMETERS: [&str; 3] = ["cluster", "plan", "secret"];

/// Returns the Workflow, which waits to be resumed, and the account that its pods report by.
///
/// It ends at the first wave in which a cluster fails: Argo has no count of failures over steps.
pub fn workflow(way: &Way<'_>, waves: &[Vec<Member>]) -> Vec<Value> {
    let mut steps: Vec<Value> = Vec::new();
    for (number, members) in (1..).zip(waves) {
        if number > 1 && way.soak > 0 {
            steps.push(json!([{ "name": format!("soak-{number}"), "template": "soak" }]));
        }
        let items: Vec<Value> = members
            .iter()
            .map(|it| json!({ "cluster": it.slug, "plan": name(way.id, &it.slug), "secret": it.secret }))
            .collect();
        let arguments =
            PARAMETERS.map(|it| json!({ "name": it, "value": format!("{{{{item.{it}}}}}") }));
        steps.push(json!([{
            "name": format!("wave-{number}"),
            "template": "cluster",
            "arguments": { "parameters": arguments },
            "withItems": items,
        }]));
    }
    let mut templates = vec![json!({ "name": "waves", "steps": steps }), performing(way)];
    if way.soak > 0 {
        templates.push(json!({ "name": "soak", "suspend": { "duration": way.soak.to_string() } }));
    }
    let mut labels = job::labels();
    labels[FLEET] = json!(way.id);
    let metadata =
        |name: &str| json!({ "name": name, "namespace": way.runner.namespace, "labels": labels });
    let mut workflow = metadata(&format!("refit-fleet-{}", way.id));
    workflow["annotations"] = json!({ (TARGET): way.target });
    let api = "rbac.authorization.k8s.io";
    let account = way.runner.service_account;
    vec![
        json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(account) }),
        // What Argo's own container in each pod writes.
        json!({
            "apiVersion": format!("{api}/v1"),
            "kind": "Role",
            "metadata": metadata(account),
            "rules": [{
                "apiGroups": ["argoproj.io"],
                "resources": ["workflowtaskresults"],
                "verbs": ["create", "patch"],
            }],
        }),
        json!({
            "apiVersion": format!("{api}/v1"),
            "kind": "RoleBinding",
            "metadata": metadata(account),
            "roleRef": { "apiGroup": api, "kind": "Role", "name": account },
            "subjects": [{ "kind": "ServiceAccount", "namespace": way.runner.namespace, "name": account }],
        }),
        json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": workflow,
            "spec": {
                "suspend": true,
                "entrypoint": "waves",
                "parallelism": way.parallel.max(1),
                "serviceAccountName": account,
                "podMetadata": { "labels": job::labels() },
                "templates": templates,
            },
        }),
    ]
}

/// The template that performs the plan of one cluster.
fn performing(way: &Way<'_>) -> Value {
    let template = job::template(&way.runner, &applying(way.arguments));
    let mut container = template["spec"]["containers"][0].clone();
    // Argo starts it, so it has to know the program: an image's entry point cannot be asked for.
    container["command"] = json!(["/usr/bin/refit"]);
    for (volume, folder) in [("plan", "/plan"), ("kubeconfig", "/kubeconfig")] {
        if let Some(mounts) = container["volumeMounts"].as_array_mut() {
            mounts.push(json!({ "name": volume, "mountPath": folder, "readOnly": true }));
        }
    }
    let final_codes: Vec<String> = FAILED
        .iter()
        .chain(&UNUSABLE)
        .map(ToString::to_string)
        .collect();
    json!({
        "name": "cluster",
        "inputs": { "parameters": PARAMETERS.map(|it| json!({ "name": it })) },
        "metadata": { "labels": { (CLUSTER): "{{inputs.parameters.cluster}}" } },
        "retryStrategy": {
            "limit": way.retries.to_string(),
            "retryPolicy": "Always",
            "expression": format!("asInt(lastRetry.exitCode) not in [{}]", final_codes.join(", ")),
            "backoff": { "duration": "10s", "factor": "2" },
        },
        "podSpecPatch": format!("terminationGracePeriodSeconds: {GRACE}"),
        "container": container,
        "volumes": [
            { "name": "work", "emptyDir": {} },
            { "name": "plan", "configMap": { "name": "{{inputs.parameters.plan}}" } },
            { "name": "kubeconfig", "secret": {
                "secretName": "{{inputs.parameters.secret}}",
                "items": [{ "key": way.key, "path": "config" }],
            } },
        ],
    })
}
