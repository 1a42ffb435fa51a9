//! `cargo xtask schemas FOLDER`: the table of built-in kinds that `kube-apply` merges and defaults by.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use kube_apply::schema::Schemas;
use kube_apply::schema::openapi::{Builder, Facts};
use serde_json::Value;
use sorted::SortedMap;

/// The table, relative to the repository's root.
const TABLE: &str = "crates/kube-apply/data/schemas.json";

/// The Go program that prints what OpenAPI does not tell, relative to the repository's root.
const FACTS: &str = "tests/oracles/types";

/// Group versions whose kinds charts render, overlays reach, or exports hold.
const DOCUMENTS: [&str; 17] = [
    "api__v1",
    "apis__admissionregistration.k8s.io__v1",
    "apis__admissionregistration.k8s.io__v1beta1",
    "apis__apiextensions.k8s.io__v1",
    "apis__apiregistration.k8s.io__v1",
    "apis__apps__v1",
    "apis__autoscaling__v1",
    "apis__autoscaling__v2",
    "apis__batch__v1",
    "apis__certificates.k8s.io__v1",
    "apis__coordination.k8s.io__v1",
    "apis__discovery.k8s.io__v1",
    "apis__networking.k8s.io__v1",
    "apis__policy__v1",
    "apis__rbac.authorization.k8s.io__v1",
    "apis__scheduling.k8s.io__v1",
    "apis__storage.k8s.io__v1",
];

/// Writes the table from the folder that holds a Kubernetes release's OpenAPI v3 documents
/// (`api/openapi-spec/v3` of its repository).
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let [folder] = arguments else {
        bail!("usage: cargo xtask schemas FOLDER")
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let documents: Vec<Value> = DOCUMENTS
        .iter()
        .map(|name| {
            let path = Path::new(folder).join(format!("{name}_openapi.json"));
            let text =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", path.display()))
        })
        .collect::<Result<_>>()?;
    let definitions: SortedMap<&str, &Value> = documents
        .iter()
        .filter_map(|it| it.pointer("/components/schemas")?.as_object())
        .flatten()
        .map(|(name, it)| (name.as_str(), it))
        .collect();
    let schemas = Builder::new(Schemas::empty(), definitions)
        .facts(facts(&root.join(FACTS))?)
        .kinds()
        .build();
    ensure!(!schemas.is_empty(), "the documents define no kind");
    let mut text = serde_json::to_string(&schemas)?;
    text.push('\n');
    let table = root.join(TABLE);
    fs::write(&table, text).with_context(|| format!("cannot write {}", table.display()))
}

fn facts(program: &Path) -> Result<SortedMap<String, Facts>> {
    let output = Command::new("go")
        .args(["run", "."])
        .current_dir(program)
        .output()
        .context("cannot run go, which reads Kubernetes' types")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).context("the types are not described in JSON")
}
