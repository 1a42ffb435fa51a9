//! The published forms of the documents are what the types say. `UPDATE_EXPECT=1` writes them again.

use std::fs;

use expect_test::expect_file;
use istio_planner::fleet::Fleet;
use istio_planner::{Outcome, Request};
use ts_rs::{Config, ExportError, TS};

#[test]
fn the_json_schema_of_the_outcome_is_current() {
    let mut text = serde_json::to_string_pretty(&schemars::schema_for!(Outcome))
        .expect("a schema is plain data");
    text.push('\n');
    expect_file!["../../pkg/schema/outcome.json"].assert_eq(&text);
}

#[test]
fn the_typescript_of_the_outcome_is_current() {
    let types = typescript::<Outcome>("outcome.ts");
    expect_file!["../../pkg/src/outcome.ts"].assert_eq(&types);
}

#[test]
fn the_typescript_of_the_request_is_current() {
    let types = typescript::<Request>("input.ts");
    expect_file!["../../pkg/src/input.ts"].assert_eq(&types);
}

#[test]
fn the_typescript_of_the_border_is_current() {
    let types = exported("border.ts", istio_planner_wasm::types::export);
    expect_file!["../../pkg/src/border.ts"].assert_eq(&types);
}

#[test]
fn the_json_schema_of_the_fleet_is_current() {
    let schema = schemars::schema_for!(Fleet);
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain data");
    text.push('\n');
    expect_file!["../../pkg/schema/fleet.json"].assert_eq(&text);
}

#[test]
fn the_typescript_of_the_fleet_is_current() {
    let types = typescript::<Fleet>("fleet.ts");
    expect_file!["../../pkg/src/fleet.ts"].assert_eq(&types);
}

/// All types that `T` is made of, as the module `file`.
fn typescript<T: TS + 'static>(file: &str) -> String {
    exported(file, T::export_all)
}

/// The module `file` of those that `export` writes.
fn exported(file: &str, export: impl Fn(&Config) -> Result<(), ExportError>) -> String {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let config = Config::default()
        .with_out_dir(folder.path())
        .with_import_extension(Some("js"));
    export(&config).expect("the types can be written");
    fs::read_to_string(folder.path().join(file)).expect("the module was written")
}
