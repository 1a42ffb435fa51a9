//! Release archives, cut to what a plan reads: an official one has 30 MB, its `manifests/` a few hundred kB.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::Result;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

/// Writes the part of a release archive that a plan reads.
pub(super) fn cut(from: &Path, to: &Path) -> Result<()> {
    let mut archive = tar::Archive::new(GzDecoder::new(BufReader::new(File::open(from)?)));
    let packed = GzEncoder::new(BufWriter::new(File::create(to)?), Compression::best());
    let mut out = tar::Builder::new(packed);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        if !entry.header().entry_type().is_file() || !is_read(&path) {
            continue;
        }
        let mut header = tar::Header::new_gnu();
        header.set_size(entry.size());
        header.set_mode(0o644);
        // The same archive makes the same bytes, whenever it is packed.
        header.set_mtime(0);
        out.append_data(&mut header, path, &mut entry)?;
    }
    out.into_inner()?.finish()?.flush()?;
    Ok(())
}

/// Whether a plan reads a file: below `manifests/` (which may lie below one folder), or the one that tells the version.
fn is_read(path: &Path) -> bool {
    let parts: Vec<_> = path
        .iter()
        .filter_map(|it| it.to_str())
        .filter(|it| *it != ".")
        .collect();
    match parts.as_slice() {
        ["manifests" | "charts" | "profiles", ..] | [_, "manifests", ..] => true,
        [file] | [_, file] => *file == "manifest.yaml",
        _ => false,
    }
}
