//! What the products are made of: where crates come from, which are never used, and that the planner holds no C.
//!
//! `deny.toml` says the same to `cargo deny`, which takes minutes to be built and needs a database on GitHub for
//! advisories; licenses are checked by `cargo xtask notices`, which writes them down.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Second libraries for what one does already, or that bring C in.
const BANNED: [&str; 6] = [
    "openssl",
    "openssl-sys",
    "native-tls",
    "aws-lc-sys",
    "libgit2-sys",
    "reqwest",
];

/// What only crates of others may name: the official SDK of MCP has its times in it, and lets schemars describe them.
const OTHERS: [(&str, &[&str]); 1] = [("chrono", &["rmcp", "schemars"])];

/// What builds or finds C.
const BUILDERS: [&str; 5] = ["cc", "cmake", "bindgen", "pkg-config", "vcpkg"];

struct Graph {
    packages: BTreeMap<String, Value>,
    /// What each is built from, tests' own dependencies left out.
    below: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn read() -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--locked", "--format-version=1"])
            .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo can be started");
        let metadata: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|it| panic!("{it}: {}", String::from_utf8_lossy(&output.stderr)));
        let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
        let list = |it: &Value| it.as_array().cloned().unwrap_or_default();
        let used = |it: &Value| list(&it["dep_kinds"]).iter().any(|it| it["kind"] != "dev");
        Self {
            packages: list(&metadata["packages"])
                .into_iter()
                .map(|it| (text(&it["id"]), it))
                .collect(),
            below: list(&metadata["resolve"]["nodes"])
                .iter()
                .map(|it| {
                    let deps = list(&it["deps"]);
                    let deps = deps.iter().filter(|it| used(it));
                    (text(&it["id"]), deps.map(|it| text(&it["pkg"])).collect())
                })
                .collect(),
        }
    }

    /// Everything that a crate of ours is built from.
    fn closure(&self, name: &str) -> BTreeSet<&str> {
        let first = self.packages.iter().find(|it| it.1["name"] == name);
        let mut todo = vec![first.expect("a crate of ours").0.as_str()];
        let mut seen = BTreeSet::new();
        while let Some(id) = todo.pop() {
            if seen.insert(id) {
                todo.extend(self.below[id].iter().map(String::as_str));
            }
        }
        seen
    }

    fn name(&self, id: &str) -> &str {
        self.packages[id]["name"].as_str().unwrap_or_default()
    }
}

#[test]
fn crates_come_from_crates_io_and_the_banned_ones_from_nowhere() {
    let graph = Graph::read();
    assert!(graph.packages.len() > 200);
    for package in graph.packages.values() {
        let name = package["name"].as_str().unwrap();
        let source = &package["source"];
        assert!(source.is_null() || *source == CRATES_IO, "{name}: {source}");
        let license = package["license"].as_str().unwrap_or_default();
        assert!(!license.is_empty(), "{name} has no license");
    }
    let used = graph.closure("istio-executor");
    let banned = used.iter().map(|it| graph.name(it));
    let banned: Vec<&str> = banned.filter(|it| BANNED.contains(it)).collect();
    assert_eq!(banned, Vec::<&str>::new());
    for (name, by) in OTHERS {
        let names = |id: &&String| graph.below[*id].iter().any(|it| graph.name(it) == name);
        let users = graph.below.keys().filter(names).map(|it| graph.name(it));
        let unexpected: Vec<&str> = users.filter(|it| !by.contains(it)).collect();
        assert_eq!(unexpected, Vec::<&str>::new(), "{name}");
    }
}

/// Its bindings bring `wasm-bindgen`, whose link name stands for no library.
#[test]
fn the_planner_holds_no_c() {
    let graph = Graph::read();
    let all = graph.closure("istio-planner");
    assert!(all.len() > 40, "{}", all.len());
    for id in &all {
        let (name, package) = (graph.name(id), &graph.packages[*id]);
        assert!(
            package["links"].is_null(),
            "{name} links {}",
            package["links"]
        );
        assert!(
            !name.ends_with("-sys") && !BUILDERS.contains(&name),
            "{name}"
        );
    }
    // Counter-case: what builds C is seen where there is some.
    let executor = graph.closure("istio-executor");
    assert!(executor.iter().any(|it| graph.name(it) == "cc"));
}
