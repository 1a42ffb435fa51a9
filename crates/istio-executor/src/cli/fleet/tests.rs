use std::fs;
use std::path::{Path, PathBuf};

use super::{ago, matching, members, name, tell_apart};
use crate::fleet::{Named, Source};

#[test]
fn a_pattern_matches_whole_names() {
    let it = matching("prod-*").unwrap();
    assert!(it.is_match("prod-eu-1") && !it.is_match("preprod-eu-1"));
    assert!(matching("eu-?").unwrap().is_match("eu-1"));
    assert!(!matching("a.c").unwrap().is_match("abc"));
    assert!(
        matching("*")
            .unwrap()
            .is_match("arn:aws:eks:eu-west-1:1:cluster/x")
    );
}

#[test]
fn a_folder_of_folders_and_archives_is_a_fleet_and_one_with_manifests_is_a_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let at = |it: &str| folder.path().join(it);
    for it in ["fleet/b", "fleet/a", "export/pods"] {
        fs::create_dir_all(at(it)).unwrap();
    }
    for it in [
        "fleet/c.tar.gz",
        "fleet/README.md",
        "fleet/.hidden",
        "export/nodes.yaml",
    ] {
        fs::write(at(it), "").unwrap();
    }
    let names =
        |it: Option<Vec<PathBuf>>| it.map(|it| it.iter().map(|it| name(it)).collect::<Vec<_>>());
    assert_eq!(
        names(members(&at("fleet"))),
        Some(vec!["a".into(), "b".into(), "c".into()])
    );
    assert_eq!(members(&at("export")), None);
    assert_eq!(members(&at("fleet/c.tar.gz")), None);
    assert_eq!(members(&at("fleet/a")), None);
}

#[test]
fn clusters_of_one_name_are_told_apart() {
    #[track_caller]
    fn check(paths: &[&str], names: &[&str]) {
        let cluster = |path: &&str| Named {
            name: name(Path::new(path)),
            source: Source::Export((*path).into()),
        };
        let mut all: Vec<Named> = paths.iter().map(cluster).collect();
        tell_apart(&mut all);
        let told: Vec<&str> = all.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(told, names);
    }
    check(
        &["eu/export.tar.gz", "us/export.tar.gz", "asia"],
        &["eu", "us", "asia"],
    );
    check(&["1/a/export", "2/a/export"], &["1/a/export", "2/a/export"]);
    check(&["a/export", "a/export"], &["a/export", "a/export (2)"]);
}

#[test]
fn an_age_is_told_in_its_largest_unit() {
    assert_eq!(ago("2000-01-01T00:00:00Z").split('d').count(), 2);
    assert_eq!(ago("no time"), "");
    assert_eq!(ago("2999-01-01T00:00:00Z"), "now");
}
