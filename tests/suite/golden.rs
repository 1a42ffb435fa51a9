//! Golden cases, natively. Node and the browser run the same folders (`tests/node`, `tests/browser`).
//! `UPDATE_EXPECT=1` writes what is expected.

use expect_test::expect_file;
use istio_planner::report;
use refit_tests::GoldenCase;
use serde_json::json;

#[test]
fn golden_cases_hold() {
    for case in GoldenCase::all() {
        check(&case);
    }
}

#[track_caller]
fn check(case: &GoldenCase) {
    let (file, text) = match case.input() {
        Ok(input) => ("outcome.json", report::json(&istio_planner::plan(&input))),
        Err(it) => {
            let error = json!({ "file": it.file, "line": it.line, "column": it.column, "message": it.to_string() });
            ("error.json", format!("{error:#}\n"))
        }
    };
    expect_file![case.folder.join(file)].assert_eq(&text);
}
