//! The arrows of the map: who may depend on whom.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// Every crate with all of our crates that it may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("helm-template", &["kube-yaml", "sorted"]),
    ("istio-catalog", &["sorted"]),
    (
        "istio-executor",
        &[
            "helm-template",
            "istio-catalog",
            "istio-planner",
            "istio-render",
            "kube-yaml",
            "sorted",
        ],
    ),
    (
        "istio-planner",
        &[
            "istio-catalog",
            "istio-render",
            "kube-apply",
            "kube-yaml",
            "sorted",
        ],
    ),
    (
        "istio-planner-wasm",
        &[
            "istio-catalog",
            "istio-planner",
            "istio-render",
            "kube-yaml",
            "sorted",
        ],
    ),
    ("istio-planner-wasi", &["istio-planner", "istio-render"]),
    (
        "istio-render",
        &["helm-template", "istio-catalog", "kube-yaml", "sorted"],
    ),
    ("kube-apply", &["sorted"]),
    ("kube-model", &["kube-apply", "sorted"]),
    ("kube-yaml", &[]),
    ("sorted", &[]),
];

/// Crates that reach the world, or JavaScript. The planner and what it stands on know none of them.
const IMPURE: &[&str] = &[
    "kube",
    "tokio",
    "ureq",
    "getrandom",
    "wasm-bindgen",
    "js-sys",
    "web-sys",
    "serde-wasm-bindgen",
];

#[test]
fn crates_depend_on_what_the_map_allows_and_on_nothing_else() {
    for (name, allowed) in ALLOWED {
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        let ours: BTreeSet<&str> = ALLOWED.iter().map(|it| it.0).collect();
        let found = dependencies(name);
        let surplus: Vec<&str> = found
            .iter()
            .map(String::as_str)
            .filter(|it| ours.contains(it) && !allowed.contains(it))
            .collect();
        assert!(surplus.is_empty(), "{name} must not depend on {surplus:?}");
    }
}

#[test]
fn the_planner_and_what_it_stands_on_are_pure() {
    for name in [
        "kube-apply",
        "kube-model",
        "kube-yaml",
        "helm-template",
        "istio-catalog",
        "istio-render",
        "istio-planner",
        "sorted",
    ] {
        let found = dependencies(name);
        let impure: Vec<&&str> = IMPURE.iter().filter(|it| found.contains(**it)).collect();
        assert!(impure.is_empty(), "{name} must not depend on {impure:?}");
    }
}

/// The crates that one of ours names as dependencies, tests' own ones left out.
fn dependencies(name: &str) -> BTreeSet<String> {
    let metadata = metadata();
    let package = metadata["packages"]
        .as_array()
        .and_then(|all| all.iter().find(|it| it["name"] == name))
        .unwrap_or_else(|| panic!("there is no crate {name}"));
    let all = package["dependencies"].as_array().expect("a list");
    all.iter()
        .filter(|it| it["kind"] != "dev")
        .filter_map(|it| it["name"].as_str())
        .map(ToOwned::to_owned)
        .collect()
}

fn metadata() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo can be started");
    serde_json::from_slice(&output.stdout).expect("cargo writes JSON")
}
