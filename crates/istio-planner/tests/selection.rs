//! Which injectors are called, against what a real API server called (shared/selection).

#![expect(clippy::unwrap_used, reason = "a test's own support code")]

use std::path::PathBuf;

use istio_planner::dataplane::{InjectRequest, check_inject};
use istio_planner::snapshot::SnapshotReader;
use serde_json::{Value, json};
use sorted::SortedMap;

fn labels(value: &Value) -> SortedMap<String, String> {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn injectors_are_called_as_the_api_server_calls_them() {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let data = std::env::var_os("REFIT_ISTIO_DATA")
        .map_or(beside, PathBuf::from)
        .join("selection");
    let Ok(files) = std::fs::read_dir(&data) else {
        println!("skipped: no cases in {}", data.display());
        return;
    };
    let mut differences = Vec::new();
    for file in files
        .map(|it| it.unwrap().path())
        .filter(|it| it.extension().is_some_and(|it| it == "json"))
    {
        let data: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": data["configurations"]})
            .to_string();
        let mut reader = SnapshotReader::new();
        reader.read("configurations.json", list.as_bytes()).unwrap();
        let snapshot = reader.finish().unwrap();
        for case in data["cases"].as_array().unwrap() {
            let request = InjectRequest {
                namespace_labels: Some(labels(&case["namespace"])),
                labels: labels(&case["pod"]),
                ..InjectRequest::default()
            };
            let report = check_inject(&snapshot, &request).unwrap();
            if json!(report.calls) != case["calls"] {
                differences.push(format!("{}: {case} got {:?}", file.display(), report.calls));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
