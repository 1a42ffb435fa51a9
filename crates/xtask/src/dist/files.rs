//! Archives that are the same whenever and wherever they are packed: one time, no accounts of this machine, one order.

use std::io::Write as _;

use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

/// A file or a folder of an archive.
#[derive(Debug, Clone)]
pub(super) struct File {
    /// Below the archive's folder.
    pub(super) path: String,
    /// `None` of a folder.
    bytes: Option<Vec<u8>>,
    mode: u32,
    /// The number of its account and of its group.
    owner: u64,
}

impl File {
    /// A file that is read.
    pub(super) fn data(path: &str, bytes: Vec<u8>) -> Self {
        Self {
            path: path.to_owned(),
            bytes: Some(bytes),
            mode: 0o644,
            owner: 0,
        }
    }

    /// A file that is run.
    pub(super) fn program(path: &str, bytes: Vec<u8>) -> Self {
        Self {
            mode: 0o755,
            ..Self::data(path, bytes)
        }
    }

    /// A folder.
    pub(super) fn folder(path: &str, mode: u32, owner: u64) -> Self {
        Self {
            path: path.to_owned(),
            bytes: None,
            mode,
            owner,
        }
    }
}

/// Files as a tar archive, below a folder where one is named; `time` is everybody's, in seconds since 1970.
pub(super) fn archive(folder: &str, files: &[File], time: u64) -> Result<Vec<u8>> {
    let mut builder = Builder::new(Vec::new());
    for file in files {
        let content = file.bytes.as_deref();
        let mut header = Header::new_ustar();
        header.set_entry_type(if content.is_some() {
            EntryType::Regular
        } else {
            EntryType::Directory
        });
        let content = content.unwrap_or_default();
        header.set_size(content.len().try_into()?);
        header.set_mode(file.mode);
        header.set_mtime(time);
        header.set_uid(file.owner);
        header.set_gid(file.owner);
        let path = if folder.is_empty() {
            file.path.clone()
        } else {
            format!("{folder}/{}", file.path)
        };
        builder.append_data(&mut header, path, content)?;
    }
    Ok(builder.into_inner()?)
}

/// The same, packed by gzip, whose header has no time and no name.
pub(super) fn packed(folder: &str, files: &[File], time: u64) -> Result<Vec<u8>> {
    gzip(&archive(folder, files, time)?)
}

/// Packs bytes.
pub(super) fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(bytes)?;
    Ok(packer.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_are_the_same_bytes() {
        let files = || {
            vec![
                File::program("a", b"1".to_vec()),
                File::folder("b", 0o1777, 7),
                File::data("b/c", b"2".to_vec()),
            ]
        };
        let packed = packed("folder", &files(), 5).unwrap();
        assert_eq!(packed, super::packed("folder", &files(), 5).unwrap());
        let mut read = tar::Archive::new(flate2::read::GzDecoder::new(packed.as_slice()));
        let entries = read.entries().unwrap().map(|it| {
            let it = it.unwrap();
            let header = it.header();
            let path = it.path().unwrap().display().to_string();
            let (mode, owner) = (header.mode().unwrap(), header.uid().unwrap());
            (path, mode, owner, header.mtime().unwrap())
        });
        let expected = [
            ("folder/a".to_owned(), 0o755, 0, 5),
            ("folder/b".to_owned(), 0o1777, 7, 5),
            ("folder/b/c".to_owned(), 0o644, 0, 5),
        ];
        assert_eq!(entries.collect::<Vec<_>>(), expected);
    }
}
