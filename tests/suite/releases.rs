//! The newest release stands in every table that is written by hand (`crates/README.md`, "How to add": a release).

use std::fs;
use std::path::{Path, PathBuf};

use istio_catalog::Catalog;

/// Tables of releases, with what a row of minor `N` holds.
const TABLES: [(&str, &str); 7] = [
    ("crates/istio-catalog/data/kept.json", "\"1.N\""),
    ("crates/istio-render/data/values.txt", "1.N"),
    ("crates/istio-render/data/meshconfig.txt", "1.N"),
    ("crates/istio-render/data/operator.txt", "1.N"),
    ("crates/istio-render/data/kubernetes.txt", "1.N"),
    ("crates/xtask/src/data.rs", "\"1.N."),
    ("crates/istio-planner/src/notes", "(N, 0)"),
];

#[test]
fn no_table_lacks_the_newest_release() {
    let releases = Catalog::embedded().releases();
    let newest = releases
        .map(|it| it.version().minor)
        .max()
        .expect("it holds releases");
    let missing: Vec<_> = TABLES
        .iter()
        .map(|(path, row)| (*path, row.replace('N', &newest.to_string())))
        .filter(|(path, row)| !text(path).contains(row))
        .map(|(path, row)| format!("{path} has no {row}"))
        .collect();
    assert!(missing.is_empty(), "write these lines: {missing:#?}");
}

/// The text of a file, or of the Rust files of a folder.
fn text(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    let files: Vec<PathBuf> = match fs::read_dir(&path) {
        Ok(entries) => entries
            .map(|it| it.expect("it can be listed").path())
            .collect(),
        Err(_) => vec![path],
    };
    let files = files.iter().filter(|it| it.is_file());
    files
        .map(|it| fs::read_to_string(it).expect("it is text"))
        .collect()
}
