use serde_json::json;

use super::*;

fn three(former: &Value, left: &Value, live: &Value) -> Value {
    merged(Some(former), Some(left), Some(live)).unwrap()
}

#[test]
fn what_others_wrote_stays_and_what_the_plan_wrote_goes_back() {
    let former = json!({
        "metadata": { "annotations": { "a": "1" } },
        "spec": { "image": "old", "ports": [{ "name": "http", "port": 80 }] },
    });
    let left = json!({
        "metadata": { "annotations": { "a": "1", "plan": "x" } },
        "spec": { "image": "new", "ports": [{ "name": "http", "port": 8080 }] },
    });
    let mut live = left.clone();
    live["metadata"]["annotations"]["theirs"] = json!("kept");
    live["metadata"]["finalizers"] = json!(["theirs"]);
    live["spec"]["ports"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "name": "extra", "port": 9 }));
    let wanted = three(&former, &left, &live);
    assert_eq!(
        wanted,
        json!({
            "metadata": { "annotations": { "a": "1", "theirs": "kept" }, "finalizers": ["theirs"] },
            "spec": { "image": "old", "ports": [{ "name": "http", "port": 80 }, { "name": "extra", "port": 9 }] },
        })
    );
    // What was put back once is what is wanted ever after.
    assert_eq!(three(&former, &left, &wanted), wanted);
}

#[test]
fn a_field_that_the_plan_and_others_wrote_is_as_it_was() {
    let (former, left, live) = (json!({ "a": 1 }), json!({ "a": 2 }), json!({ "a": 3 }));
    assert_eq!(three(&former, &left, &live), former);
    let (former, left) = (json!({}), json!({ "made": { "by": "plan" } }));
    let live = json!({ "made": { "by": "plan", "also": "theirs" } });
    assert_eq!(
        three(&former, &left, &live),
        json!({ "made": { "also": "theirs" } })
    );
}

#[test]
fn what_others_took_away_stays_away() {
    let former = json!({ "env": [{ "name": "A", "value": "1" }, { "name": "B", "value": "1" }] });
    let left = json!({ "env": [{ "name": "A", "value": "1" }, { "name": "B", "value": "2" }] });
    let live = json!({ "env": [{ "name": "B", "value": "2" }] });
    assert_eq!(
        three(&former, &left, &live),
        json!({ "env": [{ "name": "B", "value": "1" }] })
    );
}

#[test]
fn finalizers_are_a_set() {
    let former = json!({ "f": ["a"] });
    let left = json!({ "f": ["a", "plan"] });
    let live = json!({ "f": ["a", "plan", "theirs"] });
    assert_eq!(
        three(&former, &left, &live),
        json!({ "f": ["a", "theirs"] })
    );
}

#[test]
fn differences_name_elements_by_what_tells_them_apart() {
    let one =
        json!({ "containers": [{ "name": "a", "image": "1" }, { "name": "b", "image": "1" }] });
    let other =
        json!({ "containers": [{ "name": "b", "image": "2" }, { "name": "a", "image": "1" }] });
    let found = differences(Some(&one), Some(&other));
    assert_eq!(found.len(), 1);
    assert_eq!(path(&found[0].path), "containers[name=b].image");
    let annotation = [
        Part::Field("metadata".to_owned()),
        Part::Field("annotations".to_owned()),
        Part::Field("example.org/a".to_owned()),
    ];
    assert_eq!(
        path(&annotation),
        r#"metadata.annotations["example.org/a"]"#
    );
}

#[test]
fn the_last_author_of_a_field_is_told() {
    let object = json!({ "metadata": { "managedFields": [
        { "manager": "istio-operator", "time": "2026-01-01T00:00:00Z",
          "fieldsV1": { "f:data": { "f:mesh": {} }, "f:spec": { "f:list": {} } } },
        { "manager": "kubectl-edit", "time": "2026-01-02T00:00:00Z",
          "fieldsV1": { "f:data": { "f:mesh": {} }, "f:c": { "k:{\"name\":\"a\"}": { ".": {}, "f:image": {} } } } },
    ] } });
    let field = |names: &[&str]| -> Vec<Part> {
        names
            .iter()
            .map(|it| Part::Field((*it).to_owned()))
            .collect()
    };
    let manager = |path: &[Part]| author(&object, path).map(|it| it.manager);
    assert_eq!(
        manager(&field(&["data", "mesh"])).as_deref(),
        Some("kubectl-edit")
    );
    assert_eq!(
        manager(&field(&["spec", "list", "x"])).as_deref(),
        Some("istio-operator")
    );
    assert_eq!(manager(&field(&["data", "other"])), None);
    let element = Part::Element(vec![("name".to_owned(), "\"a\"".to_owned())]);
    let image = [
        Part::Field("c".to_owned()),
        element,
        Part::Field("image".to_owned()),
    ];
    assert_eq!(manager(&image).as_deref(), Some("kubectl-edit"));
}

/// A Service's ports are told apart here by their names, and by the API by number and protocol.
#[test]
fn the_author_of_an_element_is_found_by_the_keys_of_the_api() {
    let port = |name: &str, port: u32| json!({ "name": name, "port": port, "protocol": "TCP", "targetPort": 1 });
    let object = json!({
        "spec": { "ports": [port("a", 80), port("b", 81)] },
        "metadata": { "managedFields": [
            { "manager": "one", "fieldsV1": { "f:spec": { "f:ports": {
                "k:{\"port\":80,\"protocol\":\"TCP\"}": { "f:targetPort": {} } } } } },
            { "manager": "other", "fieldsV1": { "f:spec": { "f:ports": {
                "k:{\"port\":81,\"protocol\":\"TCP\"}": { "f:targetPort": {} } } } } },
        ] },
    });
    let target = |name: &str| {
        let path = [
            Part::Field("spec".to_owned()),
            Part::Field("ports".to_owned()),
            Part::Element(vec![("name".to_owned(), format!("{name:?}"))]),
            Part::Field("targetPort".to_owned()),
        ];
        author(&object, &path).map(|it| it.manager)
    };
    assert_eq!(target("a").as_deref(), Some("one"));
    assert_eq!(target("b").as_deref(), Some("other"));
    assert_eq!(target("c"), None);
}

#[test]
fn a_patch_makes_the_one_state_of_the_other() {
    let one = json!({ "a": { "b/c": 1, "gone": 1 }, "list": [1, 2], "same": [{ "x": 1 }] });
    let other = json!({ "a": { "b/c": 2, "new": {} }, "list": [1], "same": [{ "x": 2 }] });
    let patch = patch(&one, &other);
    assert_eq!(patched(&one, &patch), other);
    assert!(!patch.contains_key("/same"), "only what differs: {patch:?}");
}
