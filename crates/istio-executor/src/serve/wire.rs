//! TypeScript of what server and page say to each other: `www/src/live/wire.ts`. `UPDATE_EXPECT=1` writes it.

use std::fs;

use expect_test::expect_file;
use ts_rs::{Config, TS};

use super::routes::Greeting;
use super::{Restart, Upgrade};
use crate::output::stream::Message;

#[test]
fn the_typescript_of_the_wire_is_current() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::default()
        .with_out_dir(folder.path())
        .with_import_extension(Some("js"));
    Greeting::export_all(&config).unwrap();
    Message::export_all(&config).unwrap();
    Restart::export_all(&config).unwrap();
    Upgrade::export_all(&config).unwrap();
    let mut types = fs::read_to_string(folder.path().join("wire.ts")).unwrap();
    // The planner's own types come with its package.
    for module in ["./input.js", "./outcome.js"] {
        types = types.replace(module, "refit-planner");
    }
    expect_file!["../../../../www/src/live/wire.ts"].assert_eq(&types);
}
