use std::env;
use std::path::PathBuf;

use super::{files, folder};
use crate::project;

#[test]
fn the_data_is_what_the_archives_hold() {
    let data = env::var_os("REFIT_ISTIO_DATA")
        .map_or_else(|| project::root().join("../shared"), PathBuf::from);
    let folders = ["istio/releases", "istio/patches"].map(|it| data.join(it).read_dir());
    let [Ok(releases), Ok(patches)] = folders else {
        assert!(
            !project::is_ci(),
            "CI needs the release archives in {}",
            data.display()
        );
        return;
    };
    let archives: Vec<PathBuf> = releases
        .chain(patches)
        .map(|it| it.unwrap().path())
        .collect();
    let written = files(Vec::new(), &archives).unwrap();
    assert!(!written.is_empty());
    for (minor, text) in written {
        let committed = std::fs::read_to_string(folder().join(format!("{minor}.json"))).unwrap();
        assert!(
            committed == text,
            "data/{minor}.json is not what `cargo xtask catalog` writes"
        );
    }
}
