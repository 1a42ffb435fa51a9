//! Reading: formats, lists, archives, what is kept, what is an error.

use expect_test::{Expect, expect};

use super::*;

mod packed;
mod parts;

const POD: &str = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"shop","resourceVersion":"7",
"labels":{"app":"a"},"annotations":{"sidecar.istio.io/status":"{}","other":"x"},
"managedFields":[{"manager":"kubectl"}],
"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"a-1","controller":true}]},
"spec":{"nodeName":"n","containers":[{"name":"app","image":"app:1","env":[{"name":"PASSWORD","value":"hunter2"}],"resources":{"requests":{"cpu":"50m","memory":"64Mi"}}}],
"initContainers":[{"name":"istio-proxy","image":"docker.io/istio/proxyv2:1.29.6","restartPolicy":"Always"}]},
"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}"#;

fn read(files: &[(&str, &[u8])]) -> Result<Snapshot, ReadError> {
    let mut reader = SnapshotReader::new();
    for (name, bytes) in files {
        reader.read(name, *bytes)?;
    }
    reader.finish()
}

/// Reads a text in chunks of every small size: the outcome must never depend on them.
#[track_caller]
fn read_text(text: &str) -> Result<Snapshot, ReadError> {
    let whole = read(&[("f", text.as_bytes())]);
    for size in [1, 7, 64] {
        let mut reader = SnapshotReader::new();
        let mut result = reader.open("f");
        for chunk in text.as_bytes().chunks(size) {
            result = result.and_then(|()| reader.push(chunk));
        }
        let result = result.and_then(|()| reader.finish());
        assert_eq!(
            format!("{whole:?}"),
            format!("{result:?}"),
            "chunks of {size}"
        );
    }
    whole
}

#[track_caller]
fn check_error(text: &str, expected: &Expect) {
    let error = read_text(text).expect_err("must not be readable");
    expected.assert_eq(&error.to_string());
}

fn list(items: &str) -> String {
    format!(
        r#"{{"apiVersion": "v1", "items": [{items}], "kind": "List", "metadata": {{"resourceVersion": ""}}}}"#
    )
}

#[test]
fn an_export_may_arrive_in_two_pieces_cut_anywhere() {
    let numbers = "\"priority\":-10,\"share\":-1.5e+3,\"nodeName\"";
    let text = list(&POD.replace("\"nodeName\"", numbers));
    let whole = read(&[("f", text.as_bytes())]).unwrap();
    for at in 0..=text.len() {
        let (before, after) = text.as_bytes().split_at(at);
        let mut reader = SnapshotReader::new();
        reader.open("f").unwrap();
        reader.push(before).unwrap();
        reader.push(after).unwrap();
        let cut = reader.finish().unwrap();
        assert_eq!(format!("{whole:?}"), format!("{cut:?}"), "cut at {at}");
    }
}

#[test]
fn a_pod_is_the_same_from_json_and_yaml_alone_and_in_lists() {
    let yaml = kube_yaml::to_string(&serde_json::from_str(POD).unwrap());
    let item = yaml.replace('\n', "\n  ");
    let yaml_list = format!(
        "apiVersion: v1\nitems:\n- {}kind: List\nmetadata: {{}}\n",
        item.trim_end_matches(' ')
    );
    let texts = [
        POD.to_owned(),
        list(POD),
        yaml.clone(),
        format!("---\n{yaml}---\n# nothing\n"),
        yaml_list,
        format!("[{POD}]"),
        format!("[ {POD}, {POD} ]\n[]"),
        format!("- {}", item.trim_end_matches(' ')),
    ];
    for text in texts {
        let snapshot = read_text(&text).unwrap();
        let pod = snapshot.pods.values().next().expect("one pod");
        let pod = Pod {
            origin: Origin::default(),
            ..pod.clone()
        };
        expect![[r#"
            Pod {
                namespace: "shop",
                name: "a",
                labels: {
                    "app": "a",
                },
                annotations: {
                    "sidecar.istio.io/status": "{}",
                },
                owner: Some(
                    Owner {
                        api_version: "apps/v1",
                        kind: "ReplicaSet",
                        name: "a-1",
                    },
                ),
                containers: [
                    Container {
                        name: "istio-proxy",
                        image: "docker.io/istio/proxyv2:1.29.6",
                        init: true,
                        restart_always: true,
                    },
                    Container {
                        name: "app",
                        image: "app:1",
                        init: false,
                        restart_always: false,
                    },
                ],
                requests: Room {
                    cpu: 50,
                    memory: 67108864,
                },
                host_network: false,
                phase: "Running",
                ready: true,
                container_restarts: 0,
                killed_for_memory: [],
                node: Some(
                    "n",
                ),
                deleting: false,
                origin: Origin {
                    file: "",
                    line: 0,
                    column: 0,
                },
            }
        "#]]
        .assert_debug_eq(&pod);
        assert!(snapshot.managed_fields);
        assert!(!format!("{snapshot:?}").contains("hunter2"));
    }
}

#[test]
fn origins_tell_line_and_column() {
    let service =
        |name: &str| format!("- apiVersion: v1\n  kind: Service\n  metadata:\n    name: {name}\n");
    let text = format!(
        "apiVersion: v1\nitems:\n{}{}kind: List\n",
        service("a"),
        service("b")
    );
    let snapshot = read_text(&text).unwrap();
    let origins: Vec<_> = snapshot
        .objects
        .values()
        .map(|it| (it.origin.line, it.origin.column))
        .collect();
    assert_eq!(origins, [(3, 3), (7, 3)]);
    let json = list(
        "\n  {\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"a\"}}\n",
    );
    let snapshot = read_text(&json).unwrap();
    let origins: Vec<_> = snapshot
        .objects
        .values()
        .map(|it| (it.origin.line, it.origin.column))
        .collect();
    assert_eq!(origins, [(2, 3)]);
}

#[test]
fn items_of_a_list_of_one_kind_get_its_kind() {
    let text = r#"{"kind":"ServiceList","apiVersion":"v1","items":[{"metadata":{"name":"a","namespace":"n"}}]}"#;
    let snapshot = read_text(text).unwrap();
    let refs: Vec<_> = snapshot
        .objects
        .keys()
        .map(|it| format!("{}/{}", it.api_version, it.kind))
        .collect();
    assert_eq!(refs, ["v1/Service"]);
}

#[test]
fn indented_and_flow_lists_are_read_too() {
    let indented = "items:\n  - {apiVersion: v1, kind: Service, metadata: {name: a}}\n\n  # b\n  - {apiVersion: v1, kind: Service, metadata: {name: b}}\nkind: List\n";
    assert_eq!(read_text(indented).unwrap().objects.len(), 2);
    let flow = "kind: List\napiVersion: v1\nitems: [{apiVersion: v1, kind: Service, metadata: {name: a}}]\n";
    assert_eq!(read_text(flow).unwrap().objects.len(), 1);
}

#[test]
fn server_version_is_read_from_every_form_of_kubectl_version() {
    let json =
        r#"{"clientVersion":{"gitVersion":"v1.36.3"},"serverVersion":{"gitVersion":"v1.32.9"}}"#;
    let yaml = "clientVersion:\n  gitVersion: v1.36.3\nserverVersion:\n  gitVersion: v1.32.9\n";
    let words = "Client Version: v1.36.3\nKustomize Version: v5.8.1\nServer Version: v1.32.9\n";
    for text in [json, yaml, words] {
        assert_eq!(
            read_text(text).unwrap().server_version.as_deref(),
            Some("1.32.9")
        );
    }
}

#[test]
fn an_export_says_what_it_was_refused_and_that_is_no_object() {
    let missing = r#"{"apiVersion":"refit.export/v1","kind":"MissingList","items":[
        {"apiVersion":"refit.export/v1","kind":"Missing","metadata":{"name":"nodes"},"reason":"nodes is forbidden","code":403}]}"#;
    let snapshot = read(&[("missing.json", missing.as_bytes())]).unwrap();
    let refused = snapshot.refused.get("nodes").unwrap();
    assert_eq!(
        (refused.code, refused.reason.as_str()),
        (Some(403), "nodes is forbidden")
    );
    assert_eq!(
        (refused.origin.file.as_str(), refused.origin.line),
        ("missing.json", 2)
    );
    assert!(snapshot.kinds.is_empty());
    let newer = missing.replace("Missing\"", "Partial\"");
    let error = read(&[("missing.json", newer.as_bytes())]).unwrap_err();
    assert!(error.message.contains("a newer refit"), "{error}");
}

#[test]
fn secrets_keep_no_data() {
    let text = r#"{"apiVersion":"v1","kind":"Secret","type":"helm.sh/release.v1","metadata":{"name":"s","namespace":"n",
      "labels":{"owner":"helm"},"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"hunter2"},
      "managedFields":[{"f:data":{"f:hunter2":{}}}]},"data":{"release":"hunter2"},"stringData":{"a":"hunter2"}}"#;
    let snapshot = read_text(text).unwrap();
    assert!(!format!("{snapshot:?}").contains("hunter2"));
    let value = &snapshot.objects.values().next().unwrap().value;
    assert_eq!(value["metadata"]["labels"]["owner"], "helm");
    assert_eq!(value["type"], "helm.sh/release.v1");
}

#[test]
fn the_same_object_twice_is_one_object_and_a_newer_one_wins() {
    let older = list(POD);
    let newer = list(&POD.replace("\"7\"", "\"10\"").replace("app:1", "app:2"));
    let same = read(&[("a", older.as_bytes()), ("b", older.as_bytes())]).unwrap();
    assert!(same.conflicts.is_empty());
    assert_eq!(same.kinds["v1/Pod"], 1);
    for files in [
        [("a", &older), ("b", &newer)],
        [("b", &newer), ("a", &older)],
    ] {
        let files = files.map(|(name, text)| (name, text.as_bytes()));
        let both = read(&files).unwrap();
        assert_eq!(both.kinds["v1/Pod"], 1);
        assert_eq!(both.conflicts.len(), 1);
        assert_eq!(both.conflicts[0].origins.len(), 2);
        let pod = both.pods.values().next().unwrap();
        assert!(pod.containers.iter().any(|it| it.image == "app:2"));
    }
}

#[test]
fn truncated_files_are_errors() {
    let text = list(POD);
    for end in (1..text.len()).step_by(13) {
        let error = read(&[("f", &text.as_bytes()[..end])]).expect_err("truncated");
        assert!(error.message.contains("truncated"), "{end}: {error}");
    }
    let yaml =
        "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata:\n    name: a\n";
    check_error(
        yaml,
        &expect!["f:7:1: the file is truncated: expected `kind` of the list that begins in line 1"],
    );
    check_error(
        "",
        &expect!["f:1:1: expected Kubernetes objects, found an empty file"],
    );
}

#[test]
fn errors_name_line_and_column() {
    let bad = list(
        "\n{\"apiVersion\": \"v1\", \"kind\": \"Pod\",\n \"metadata\": {\"labels\": {\"a\": 1}}}",
    );
    check_error(
        &bad,
        &expect!["f:3:31: expected a string, found an integer"],
    );
    check_error(
        "{\"a\": 1}",
        &expect!["f:1:1: expected a Kubernetes object with `apiVersion` and `kind`"],
    );
    check_error(
        "{\"items\": [1]}",
        &expect!["f:1:12: expected an object or `]`, found `1`"],
    );
    check_error(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  labels:\n    a: 1\n",
        &expect!["f:5:8: expected a string, found an integer"],
    );
    check_error(
        "apiVersion: v1\nkind: Pod\n",
        &expect!["f:1:1: expected `metadata.name` of this Pod"],
    );
}

#[test]
fn lists_without_a_sequence_of_items_are_errors() {
    for (text, place) in [
        ("apiVersion: v1\nkind: List\nitems: {}\n", "f:3:8"),
        ("apiVersion: v1\nkind: List\nitems: foo\n", "f:3:8"),
        (r#"{"apiVersion":"v1","kind":"List","items":{}}"#, "f:1:1"),
        (r#"{"apiVersion":"v1","kind":"List"}"#, "f:1:1"),
        ("[5]", "f:1:2"),
    ] {
        let error = read_text(text).expect_err(text).to_string();
        assert!(error.starts_with(place), "{error}");
    }
    let empty = r#"{"apiVersion":"v1","kind":"List","items":null}"#;
    assert!(read_text(empty).unwrap().kinds.is_empty());
}

#[test]
fn of_two_servers_the_older_counts_whichever_is_read_first() {
    let one = |it: &str| format!(r#"{{"serverVersion":{{"gitVersion":"{it}"}}}}"#);
    for versions in [["v1.35.2", "v1.31.0"], ["v1.31.0", "v1.35.2"]] {
        let [a, b] = versions.map(one);
        let snapshot = read(&[("a", a.as_bytes()), ("b", b.as_bytes())]).unwrap();
        assert_eq!(snapshot.server_version.as_deref(), Some("1.31.0"));
        assert_eq!(snapshot.server_versions.len(), 2);
    }
}

#[test]
fn two_clusters_are_told_by_the_uids_of_kube_system() {
    let one = |name: &str, uid: &str| {
        format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, uid: '{uid}'}}\n")
    };
    let files = |texts: &[(&str, &str)]| {
        let texts: Vec<_> = texts.iter().map(|(name, uid)| one(name, uid)).collect();
        let named: Vec<_> = ["a", "b"]
            .into_iter()
            .zip(texts.iter().map(String::as_bytes))
            .collect();
        let clusters = read(&named).unwrap().clusters.into_values();
        clusters.map(|it| it.file).collect::<Vec<_>>()
    };
    assert_eq!(
        files(&[("kube-system", "1"), ("kube-system", "2")]),
        ["a", "b"]
    );
    assert_eq!(files(&[("kube-system", "1"), ("kube-system", "1")]), ["a"]);
    // Other namespaces may be made again.
    assert!(files(&[("shop", "1"), ("shop", "2")]).is_empty());
}

#[test]
fn objects_that_are_not_kept_conflict_all_the_same() {
    let map = |it: u32| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, namespace: shop, resourceVersion: '{it}'}}\n"
        )
    };
    let snapshot = read_text(&format!("{}---\n{}", map(1), map(2))).unwrap();
    assert_eq!(snapshot.conflicts.len(), 1);
    assert_eq!(snapshot.kinds["v1/ConfigMap"], 1);
    assert!(snapshot.objects.is_empty());
}

#[test]
fn errors_do_not_repeat_what_they_found() {
    for text in [
        "apiVersion: v1\nkind: Secret\nmetadata: hunter2\n",
        r#"{"apiVersion":"v1","kind":"Secret","metadata":"hunter2"}"#,
        r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","labels":{"istio":["hunter2"]}}}"#,
    ] {
        let error = read_text(text).expect_err(text).to_string();
        assert!(
            !error.contains("hunter2") && error.contains("expected a"),
            "{error}"
        );
    }
}
