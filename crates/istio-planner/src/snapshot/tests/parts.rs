//! Readers of parts of an export against one reader of all of it.

use serde_json::{Value, json};

use super::*;

/// Many pods of services, with a deployment and a `ConfigMap` for every tenth.
fn objects() -> Vec<Value> {
    let metadata = |at: usize| {
        json!({"name": format!("it-{at}"), "namespace": format!("team-{}", at % 7), "resourceVersion": at.to_string(),
            "labels": {"app": "it"}, "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:a": {}}}]})
    };
    let pod = |at: usize| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata(at), "spec": {"containers": [
            {"args": ["proxy", "},\n        {"], "image": "docker.io/istio/proxyv2:1.29.6", "name": "istio-proxy"},
            {"name": "app", "image": "app:1"}]}, "status": {"phase": "Running"}})
    };
    let deployment = |at: usize| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(at), "spec": {"template": {
            "metadata": {"labels": {"istio": "ingressgateway"}}, "spec": {"containers": [{"name": "istio-proxy", "image": "auto"}]}}}})
    };
    let map = |at: usize| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(at), "data": {"a": "- b\n- apiVersion: v1\n"}});
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "uid": "7"}});
    let mut all: Vec<Value> = (0..60).map(pod).collect();
    all.extend((0..6).flat_map(|it| [deployment(it), map(it)]));
    all.push(namespace);
    all
}

fn as_json(objects: &[Value]) -> String {
    let all = json!({"apiVersion": "v1", "items": objects, "kind": "List"});
    let text = serde_json::to_string_pretty(&all).unwrap();
    // As deep as kubectl writes it.
    let lines = text.lines().map(|it| {
        let depth = it.len() - it.trim_start().len();
        format!("{}{it}\n", " ".repeat(depth))
    });
    lines.collect()
}

fn as_yaml(objects: &[Value]) -> String {
    kube_yaml::to_string(&json!({"apiVersion": "v1", "items": objects, "kind": "List"}))
}

/// Holds two snapshots to be the same, and shows where they begin to differ.
#[track_caller]
fn same(joined: &Snapshot, whole: &Snapshot, about: &str) {
    let (joined, whole) = (format!("{joined:?}"), format!("{whole:?}"));
    if let Some(at) = joined.bytes().zip(whole.bytes()).position(|(a, b)| a != b) {
        let around = at.saturating_sub(200)..at + 100;
        panic!(
            "{about}: {:?} instead of {:?}",
            joined.get(around.clone()),
            whole.get(around)
        );
    }
    assert_eq!(joined.len(), whole.len(), "{about}");
}

/// Reads a file in parts that begin where one is found behind each of `from`; none where they do not make the whole.
fn in_parts(text: &str, from: &[usize]) -> Option<Snapshot> {
    let mut beginning = SnapshotReader::new();
    beginning.open("f").unwrap();
    beginning.push(&text.as_bytes()[..600]).unwrap();
    let mut cuts: Vec<usize> = vec![0];
    for from in from {
        cuts.push(from + beginning.seam(&text.as_bytes()[*from..])?);
    }
    cuts.push(text.len());
    let mut all = SnapshotReader::new();
    all.open("f").unwrap();
    for (at, ends) in cuts.windows(2).enumerate() {
        let mut own = beginning.part()?;
        let part = if at == 0 { &mut all } else { &mut own };
        part.fill("f", &text.as_bytes()[ends[0]..ends[1]]).ok()?;
        if at + 2 == cuts.len() {
            part.close().ok()?;
        } else if !part.pause() {
            return None;
        }
        if at > 0 && !all.absorb(own) {
            return None;
        }
    }
    all.finish().ok()
}

#[test]
fn parts_of_a_list_make_what_the_list_makes() {
    for text in [as_json(&objects()), as_yaml(&objects())] {
        let whole = read(&[("f", text.as_bytes())]).unwrap();
        let last = text.len() - 600;
        for first in (700..last).step_by(211) {
            let mut froms = vec![first];
            if first + 4000 < last {
                froms.push(first + 4000);
            }
            let Some(joined) = in_parts(&text, &froms) else {
                panic!("{froms:?} of {}", &text[..40]);
            };
            same(&joined, &whole, &format!("{froms:?}"));
        }
    }
}

#[test]
fn what_only_looks_like_an_item_is_no_part() {
    let text = as_yaml(&objects()).replace("    a: |\n      - b", "    a: |\n- b");
    assert!(in_parts(&text, &[text.len() / 2]).is_none_or(|it| it.pods.len() == 60));
    // Two lists, of which the second is of another kind.
    let half = as_json(&objects()[..30]);
    let other = as_json(&objects()[30..60]).replace("\"v1\",\n    \"items", "\"v2\",\n    \"items");
    let text = format!("{half}{other}");
    assert!(in_parts(&text, &[half.len() + 2000]).is_none());
    // A list without an end.
    let text = as_json(&objects());
    assert!(in_parts(text.trim_end().trim_end_matches('}'), &[4000]).is_none());
    let text = as_yaml(&objects()).replace("kind: List\n", "");
    assert!(in_parts(&text, &[4000]).is_none());
    // One line.
    let text = serde_json::to_string(&json!({"items": objects(), "kind": "List"})).unwrap();
    assert!(in_parts(&text, &[4000]).is_none());
}

/// Reads each file with a reader of its own; none where they do not make the whole.
fn each_by_itself(files: &[(&str, &[u8])]) -> Option<Snapshot> {
    let mut all = SnapshotReader::new();
    for (name, bytes) in files {
        let mut own = SnapshotReader::new();
        own.read(name, *bytes).ok()?;
        if !all.absorb(own) {
            return None;
        }
    }
    all.finish().ok()
}

#[test]
fn files_make_what_one_reader_makes_of_them() {
    let objects = objects();
    let pods = as_json(&objects[..50]);
    let rest = as_yaml(&objects[50..]);
    let version = br#"{"clientVersion":{},"serverVersion":{"gitVersion":"v1.33.1"}}"#;
    let older = br#"{"clientVersion":{},"serverVersion":{"gitVersion":"v1.32.1"}}"#;
    let files: [(&str, &[u8]); 4] = [
        ("pods.json", pods.as_bytes()),
        ("version.json", version),
        ("rest.yaml", rest.as_bytes()),
        ("older.json", older),
    ];
    let whole = read(&files).unwrap();
    let joined = each_by_itself(&files).unwrap();
    same(&joined, &whole, "files");
    assert_eq!(joined.server_version.as_deref(), Some("1.32.1"));
}

#[test]
fn files_that_touch_each_other_are_left_to_one_reader() {
    let objects = objects();
    // The same object twice.
    let (pods, more) = (as_json(&objects[..50]), as_yaml(&objects[49..]));
    assert!(each_by_itself(&[("a", pods.as_bytes()), ("b", more.as_bytes())]).is_none());
    // A control plane whose namespace says which objects of the next file are kept.
    let istiod = |namespace: &str| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "istiod-1", "namespace": namespace},
            "spec": {"containers": [{"name": "discovery", "image": "docker.io/istio/pilot:1.29.6"}]}})
    };
    for (namespace, is_known) in [("team-3", false), ("mesh", true), ("istio-system", true)] {
        let plane = as_json(&[istiod(namespace)]);
        let rest = as_json(&objects);
        let files = [("a", plane.as_bytes()), ("b", rest.as_bytes())];
        let joined = each_by_itself(&files);
        assert_eq!(joined.is_some(), is_known, "{namespace}");
        if let Some(joined) = joined {
            same(&joined, &read(&files).unwrap(), namespace);
        }
    }
}
