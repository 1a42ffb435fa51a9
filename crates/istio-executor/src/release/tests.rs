use super::*;

#[test]
fn versions_cannot_leave_a_folder() {
    for good in ["1.30.3", "1.31.0-rc.0", "1.6.14", "1.30-alpha.abc"] {
        assert!(is_version(good), "{good}");
    }
    for bad in [
        "",
        "1",
        "1.x",
        "../1.2",
        "1.2-../..",
        "1.2/3",
        "latest",
        "1.30.3-",
    ] {
        assert!(!is_version(bad), "{bad}");
    }
}

#[test]
fn a_folder_without_charts_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(load(folder.path()), Err(Error::NoCharts { .. })));
}

#[test]
fn offline_says_where_it_looked() {
    let folder = tempfile::tempdir().unwrap();
    let places = Places {
        releases: Some(folder.path().to_owned()),
        offline: true,
        ..Places::default()
    };
    let message = find("1.2.99", &places).unwrap_err().to_string();
    assert!(
        message.contains(&folder.path().display().to_string()),
        "{message}"
    );
}

#[test]
fn files_are_keyed_by_their_path_below_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("charts/base")).unwrap();
    fs::write(folder.path().join("charts/base/Chart.yaml"), "name: base").unwrap();
    let files = read_folder(folder.path()).unwrap();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["charts/base/Chart.yaml"]);
}
