use std::path::PathBuf;

use super::{ending, file, range, text};
use crate::project;

#[test]
fn the_facts_are_what_the_folder_holds() {
    let folder = std::env::var_os("REFIT_ISTIO_DATA")
        .map_or_else(|| project::root().join("../shared"), PathBuf::from)
        .join("facts");
    if !folder.is_dir() {
        assert!(
            !project::is_ci(),
            "CI needs the facts in {}",
            folder.display()
        );
        return;
    }
    let committed = std::fs::read_to_string(file()).unwrap();
    assert!(
        committed == text(&folder).unwrap(),
        "data/facts.json is not what `cargo xtask facts` writes"
    );
}

#[test]
fn ranges_in_words_are_read_or_refused() {
    let read = |words| range(words).ok().map(|(a, b)| format!("{a}..{b}"));
    assert_eq!(read("1.6.0 to 1.29.8").as_deref(), Some("1.6.0..1.29.8"));
    assert_eq!(read(" 1.30.1").as_deref(), Some("1.30.1..1.30.1"));
    assert_eq!(read("1.31.1 and newer").as_deref(), Some("1.31.1..1.31.1"));
    assert_eq!(read("most of them"), None);
}

#[test]
fn an_end_in_words_is_a_month() {
    let end = ending("December 2026, day not published").unwrap().unwrap();
    assert_eq!(
        (end.from.as_str(), end.by.as_str()),
        ("2026-12-01", "2027-01-01")
    );
    assert_eq!(ending("not said").unwrap(), None);
    assert!(ending("soon").is_err());
}
