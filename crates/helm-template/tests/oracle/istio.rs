//! Releases of Istio as test data.

use std::io::Read as _;
use std::path::PathBuf;

use sorted::SortedMap;

/// The charts of a release by their folder.
pub(crate) fn charts(version: &str) -> SortedMap<String, SortedMap<String, String>> {
    let data = std::env::var_os("REFIT_ISTIO_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let path = data.join(format!("istio/releases/istio-{version}.tar.gz"));
    let file = std::fs::File::open(&path).unwrap_or_else(|_| panic!("{}", path.display()));
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut files: SortedMap<String, String> = SortedMap::new();
    for entry in archive.entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").to_string_lossy().into_owned();
        if let Some((_, path)) = path.split_once("manifests/charts/")
            && !path.ends_with('/')
        {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("readable");
            files.insert(
                path.to_owned(),
                String::from_utf8_lossy(&bytes).into_owned(),
            );
        }
    }
    let mut charts: SortedMap<String, SortedMap<String, String>> = SortedMap::new();
    let folders: Vec<String> = files
        .keys()
        .filter_map(|it| it.strip_suffix("/Chart.yaml").map(str::to_owned))
        .collect();
    for folder in folders {
        let prefix = format!("{folder}/");
        let own = files
            .iter()
            .filter_map(|(path, text)| Some((path.strip_prefix(&prefix)?.to_owned(), text.clone())))
            .collect();
        charts.insert(folder, own);
    }
    charts
}
