use super::*;
use crate::component::KINDS;

fn objects() -> Vec<Value> {
    vec![
        json!({"kind": "Deployment", "metadata": {"name": "istiod"}, "spec": {"replicas": 1, "template": {"spec": {
            "nodeSelector": {"a": "b"},
            "containers": [{"name": "discovery", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "value": "3"}]}],
        }}}}),
        json!({"kind": "PodDisruptionBudget", "metadata": {"name": "istiod"}, "spec": {"minAvailable": 1}}),
    ]
}

#[track_caller]
fn check(k8s: &Value, path: &[&str], expected: &Value) {
    let mut objects = objects();
    let spec = json!({"k8s": k8s}).as_object().cloned().unwrap();
    let instance = Instance {
        name: String::new(),
        namespace: String::new(),
        spec,
        path: String::new(),
    };
    apply(&KINDS[1], &instance, "", &mut objects, &mut Vec::new()).unwrap();
    let all = json!({"deployment": objects[0], "budget": objects[1]});
    assert_eq!(get(&all, path).cloned().unwrap_or_default(), *expected);
}

#[test]
fn environment_is_merged_by_name_in_the_order_of_the_patch() {
    let mut objects = objects();
    let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "discovery", "env": [{"name": "X"}, {"name": "B", "value": null}]}]}}}});
    let merged = strategic::merge(objects.remove(0), patch, strategic::kubernetes).unwrap();
    let names: Vec<_> = merged["spec"]["template"]["spec"]["containers"][0]["env"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["X", "A", "B", "C"]);
}

#[test]
fn settings_reach_their_objects() {
    check(
        &json!({"replicaCount": 3.0}),
        &["deployment", "spec", "replicas"],
        &json!(3),
    );
    check(
        &json!({"nodeSelector": {"c": "d"}}),
        &["deployment", "spec", "template", "spec", "nodeSelector"],
        &json!({"a": "b", "c": "d"}),
    );
    check(
        &json!({"nodeSelector": {"c": "d", "$patch": "replace"}}),
        &["deployment", "spec", "template", "spec", "nodeSelector"],
        &json!({"c": "d"}),
    );
    check(
        &json!({"podDisruptionBudget": {"maxUnavailable": 1.0}}),
        &["budget", "spec"],
        &json!({"maxUnavailable": 1, "minAvailable": null}),
    );
}

#[test]
fn overlays_that_hit_nothing_are_reported() {
    let mut objects = objects();
    let overlays = json!({"overlays": [{"kind": "Service", "name": "istiod", "patches": []}, {"kind": "Deployment", "name": "istiod", "patches": [{"path": "spec.replicas.x", "value": 1}]}]});
    let spec = json!({"k8s": overlays}).as_object().cloned().unwrap();
    let instance = Instance {
        name: String::new(),
        namespace: String::new(),
        spec,
        path: "spec.components.pilot".to_owned(),
    };
    let mut diagnostics = Vec::new();
    apply(&KINDS[1], &instance, "", &mut objects, &mut diagnostics).unwrap();
    let found: Vec<_> = diagnostics
        .iter()
        .map(|it| (it.code.as_str(), it.path.as_deref().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            ("f-8", "spec.components.pilot.k8s.overlays.[0]"),
            (
                "f-8",
                "spec.components.pilot.k8s.overlays.[1].patches.[0].path"
            )
        ]
    );
}
