//! Releases for the page's own plan, found where the executor finds them, cut to what a plan reads.

use std::io;

use flate2::Compression;
use flate2::write::GzEncoder;
use istio_render::Release;

use crate::release::{Error, Places, find};

/// Returns the version that an archive's name asks for: `istio-1.30.3.tar.gz`.
pub(super) fn version(name: &str) -> Option<&str> {
    let version = name.strip_prefix("istio-")?.strip_suffix(".tar.gz")?;
    crate::release::is_version(version).then_some(version)
}

/// Finds a release and packs it as an official archive is packed.
///
/// # Errors
///
/// When it is nowhere, or cannot be read.
pub(super) fn archive(version: &str, places: &Places) -> Result<Vec<u8>, Error> {
    let release = find(version, places)?;
    pack(version, &release).map_err(|source| Error::Read {
        path: format!("istio-{version}"),
        source,
    })
}

fn pack(version: &str, release: &Release) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut add = |path: String, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, format!("istio-{version}/{path}"), content)
    };
    if release.is_stamped() {
        let stamp = format!("version: {}\n", release.version());
        add("manifest.yaml".to_owned(), stamp.as_bytes())?;
    }
    for (path, content) in release.files() {
        add(format!("manifests/{path}"), content)?;
    }
    archive.into_inner()?.finish()
}

#[cfg(test)]
mod tests {
    use sorted::SortedMap;

    use super::*;

    #[test]
    fn a_release_is_packed_as_it_is_read_again() {
        let files: SortedMap<String, Vec<u8>> = [
            ("charts/base/Chart.yaml", "name: base\nversion: 1.30.3\n"),
            ("profiles/default.yaml", "spec: {tag: 1.30.3}\n"),
        ]
        .into_iter()
        .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
        .collect();
        let release = Release::from_files(files.clone());
        let packed = pack("1.30.3", &release).unwrap();
        let read = Release::from_tar_gz(packed.as_slice()).unwrap();
        assert_eq!(read.version(), release.version());
        assert_eq!(read.files(), &files);
    }

    #[test]
    fn only_versions_are_looked_for() {
        assert_eq!(version("istio-1.30.3.tar.gz"), Some("1.30.3"));
        for other in [
            "istio-.tar.gz",
            "istio-../../x.tar.gz",
            "1.30.3",
            "istio-1.30.3.zip",
        ] {
            assert_eq!(version(other), None, "{other}");
        }
    }
}
