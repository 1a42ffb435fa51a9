//! Golden cases, natively. Node and the browser run the same folders (`tests/node`, `tests/browser`).
//! `UPDATE_EXPECT=1` writes what is expected.

use expect_test::expect_file;
use istio_planner::report;
use refit_tests::GoldenCase;
use serde_json::json;

/// Makes a test of each case, and one that misses none.
macro_rules! cases {
    ($($test:ident $name:literal;)*) => {
        $(#[test]
        fn $test() {
            check($name);
        })*

        #[test]
        fn every_folder_has_a_test() {
            let folders: Vec<_> = GoldenCase::all().into_iter().map(|it| it.name).collect();
            assert_eq!(folders, [$($name),*], "a golden case is a row in tests/suite/golden.rs");
        }
    };
}

cases! {
    archive "archive";
    charts_downgrade "charts-downgrade";
    charts_gateway_dropped "charts-gateway-dropped";
    charts_kept "charts-kept";
    charts_overlay "charts-overlay";
    charts_prune "charts-prune";
    charts_refused "charts-refused";
    charts_reverted "charts-reverted";
    charts_upgrade "charts-upgrade";
    clear_upgrade "clear-upgrade";
    downgrade "downgrade";
    forced "forced";
    helm_installed "helm-installed";
    json_list "json-list";
    mixed_versions "mixed-versions";
    rendered "rendered";
    sample "sample";
    truncated "truncated";
    unknown_version "unknown-version";
    version_skew "version-skew";
    wrong_request "wrong-request";
}

#[track_caller]
fn check(name: &str) {
    let case = GoldenCase::named(name);
    let (file, text) = match case.input() {
        Ok(input) => ("outcome.json", report::json(&istio_planner::plan(&input))),
        Err(it) => {
            let error = json!({ "file": it.file, "line": it.line, "column": it.column, "message": it.to_string() });
            ("error.json", format!("{error:#}\n"))
        }
    };
    expect_file![case.folder.join(file)].assert_eq(&text);
}
