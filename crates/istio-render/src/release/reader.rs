//! Reads a release archive that arrives in chunks: only `manifests/` is kept, whatever else it holds passes by.

use std::io::{Error, ErrorKind, Result, Write};
use std::mem;

use flate2::write::MultiGzDecoder;
use semver::Version;
use sorted::SortedMap;

use super::{Release, field, in_manifests, stamped};
use crate::archive::{ArchiveFault, Event, TarSplitter};

/// More than this is no release of Istio; the largest holds 3 MB.
const MOST_BYTES: usize = 128 << 20;
/// Bytes that are unpacked at once, so that memory follows what is kept.
const STEP: usize = 16 << 10;

/// Reads an official archive, or one of the folder `manifests` alone, from pushed bytes.
#[derive(Debug)]
pub struct ReleaseReader {
    decoder: MultiGzDecoder<Vec<u8>>,
    tar: TarSplitter,
    kept: Kept,
}

/// What is kept of the archive.
#[derive(Debug, Default)]
struct Kept {
    files: SortedMap<String, Vec<u8>>,
    version: Option<Version>,
    /// The file that is being read, where it is wanted.
    open: Option<(Wanted, Vec<u8>)>,
    size: usize,
}

/// Why a file is wanted.
#[derive(Debug)]
enum Wanted {
    /// It lies below `manifests/`, by this path.
    Manifest(String),
    /// It tells the version.
    Description,
}

impl Default for ReleaseReader {
    fn default() -> Self {
        Self::new()
    }
}

impl ReleaseReader {
    /// A reader that has read nothing.
    pub fn new() -> Self {
        Self {
            decoder: MultiGzDecoder::new(Vec::new()),
            tar: TarSplitter::new(),
            kept: Kept::default(),
        }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    ///
    /// When they are no gzipped tar, or hold more than a release can.
    pub fn push(&mut self, chunk: &[u8]) -> Result<()> {
        for part in chunk.chunks(STEP) {
            self.decoder.write_all(part)?;
            self.unpack()?;
        }
        Ok(())
    }

    /// Ends the archive and returns the release.
    ///
    /// # Errors
    ///
    /// When it ended early, or holds no charts.
    pub fn finish(mut self) -> Result<Release> {
        self.decoder.try_finish()?;
        self.unpack()?;
        self.tar.end().map_err(refused)?;
        let Kept { files, version, .. } = self.kept;
        if !files.keys().any(|it| it.starts_with("charts/")) {
            return Err(refused(
                "the archive holds no manifests/charts: it is no release of Istio",
            ));
        }
        Ok(Release::new(files, version))
    }

    fn unpack(&mut self) -> Result<()> {
        let unpacked = mem::take(self.decoder.get_mut());
        let kept = &mut self.kept;
        let pushed: std::result::Result<(), Refused> =
            self.tar.push(&unpacked, &mut |event| kept.take(&event));
        pushed.map_err(|it| it.0)
    }
}

impl Kept {
    fn take(&mut self, event: &Event<'_>) -> std::result::Result<(), Refused> {
        match event {
            Event::Begin(path) => self.open = wanted(path).map(|it| (it, Vec::new())),
            Event::Data(bytes) => {
                if let Some((_, text)) = &mut self.open {
                    self.size += bytes.len();
                    if self.size > MOST_BYTES {
                        let why = "the archive is larger than any release of Istio";
                        return Err(Refused(refused(why)));
                    }
                    text.extend_from_slice(bytes);
                }
            }
            Event::End => match self.open.take() {
                Some((Wanted::Manifest(path), text)) => drop(self.files.insert(path, text)),
                Some((Wanted::Description, text)) => {
                    self.version = stamped(field(&text, "version").as_deref());
                }
                None => {}
            },
        }
        Ok(())
    }
}

fn wanted(path: &str) -> Option<Wanted> {
    let path = path.strip_prefix("./").unwrap_or(path);
    if let Some(path) = in_manifests(path) {
        return Some(Wanted::Manifest(path.to_owned()));
    }
    let is_description = path.split('/').count() <= 2 && path.ends_with("manifest.yaml");
    is_description.then_some(Wanted::Description)
}

/// An error on its way through the archive's own.
struct Refused(Error);

impl From<ArchiveFault> for Refused {
    fn from(fault: ArchiveFault) -> Self {
        Self(refused(fault))
    }
}

fn refused(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::InvalidData, why)
}
