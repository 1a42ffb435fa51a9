//! Reads a tar archive that arrives in chunks: a release here, an export in the planner.

const BLOCK: usize = 512;

/// The longest name, and the longest records about a file, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// What an archive is made of, in its order.
#[derive(Debug)]
pub enum Event<'a> {
    /// A regular file begins.
    Begin(&'a str),
    /// Some of its bytes.
    Data(&'a [u8]),
    /// It is complete.
    End,
}

/// What the bytes of an entry are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    /// A regular file.
    File,
    /// The path of the next entry (GNU).
    LongName,
    /// Records about the next entry (pax).
    Pax,
    /// Folders, links, devices.
    Other,
}

/// Why an archive cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ArchiveFault(&'static str);

/// A tar archive.
#[derive(Debug)]
pub struct TarSplitter {
    /// A header, or a name, that is not complete.
    pending: Vec<u8>,
    entry: Option<Entry>,
    /// Bytes of the entry that are still to come, then of its padding.
    left: u64,
    padding: u64,
    /// The path that an entry before told.
    path: Option<String>,
    /// A block of zeros was seen: what follows is padding.
    ended: bool,
}

/// Takes what an archive is made of, and may refuse it.
type Each<'e, E> = dyn FnMut(Event<'_>) -> Result<(), E> + 'e;

impl Default for TarSplitter {
    fn default() -> Self {
        Self::new()
    }
}

impl TarSplitter {
    /// An archive whose bytes are still to come.
    pub fn new() -> Self {
        Self {
            pending: Vec::new(),
            entry: None,
            left: 0,
            padding: 0,
            path: None,
            ended: false,
        }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    ///
    /// When they are no tar archive, or when `each` refuses what they are.
    pub fn push<E: From<ArchiveFault>>(
        &mut self,
        mut chunk: &[u8],
        each: &mut Each<'_, E>,
    ) -> Result<(), E> {
        while !chunk.is_empty() && !self.ended {
            if let Some(entry) = self.entry {
                let (data, rest) = split(chunk, self.left);
                self.left -= length(data);
                match entry {
                    Entry::File if !data.is_empty() => each(Event::Data(data))?,
                    Entry::LongName | Entry::Pax => self.pending.extend_from_slice(data),
                    Entry::File | Entry::Other => {}
                }
                if self.left == 0 {
                    self.finish(entry, each)?;
                }
                chunk = rest;
            } else if self.padding > 0 {
                let (skipped, rest) = split(chunk, self.padding);
                self.padding -= length(skipped);
                chunk = rest;
            } else {
                let missing = BLOCK.saturating_sub(self.pending.len());
                let (part, rest) = chunk.split_at(missing.min(chunk.len()));
                self.pending.extend_from_slice(part);
                chunk = rest;
                if self.pending.len() == BLOCK {
                    self.header(each)?;
                }
            }
        }
        Ok(())
    }

    /// Says whether the archive ended where it may.
    ///
    /// # Errors
    ///
    /// When it did not.
    pub fn end(&self) -> Result<(), ArchiveFault> {
        if self.entry.is_some() || !self.pending.is_empty() || self.padding > 0 {
            return Err(ArchiveFault(
                "the archive is truncated: it ends inside a file",
            ));
        }
        if !self.ended {
            return Err(ArchiveFault(
                "the archive is truncated: expected the blocks that end it",
            ));
        }
        Ok(())
    }

    fn header<E: From<ArchiveFault>>(&mut self, each: &mut Each<'_, E>) -> Result<(), E> {
        let block = std::mem::take(&mut self.pending);
        if block.iter().all(|it| *it == 0) {
            self.ended = true;
            return Ok(());
        }
        let damaged = || ArchiveFault("the archive is damaged: expected the header of a file");
        let mut header = tar::Header::new_old();
        header.as_mut_bytes().copy_from_slice(&block);
        let sum: u32 = block
            .iter()
            .enumerate()
            .map(|(at, it)| {
                if (148..156).contains(&at) {
                    32
                } else {
                    u32::from(*it)
                }
            })
            .sum();
        if header.cksum().ok() != Some(sum) {
            return Err(damaged().into());
        }
        let size = header.entry_size().map_err(|_| damaged())?;
        let kind = header.entry_type();
        let entry = if kind.is_gnu_longname() {
            Entry::LongName
        } else if kind.is_pax_local_extensions() {
            Entry::Pax
        } else if kind.is_file() {
            Entry::File
        } else {
            Entry::Other
        };
        if matches!(entry, Entry::LongName | Entry::Pax) && size > LONGEST {
            let message = "the archive is damaged: the name of a file is longer than 1 MB";
            return Err(ArchiveFault(message).into());
        }
        self.left = size;
        self.padding = size
            .checked_next_multiple_of(BLOCK as u64)
            .ok_or_else(damaged)?
            - size;
        self.entry = Some(entry);
        if entry == Entry::File {
            let told = self.path.take();
            let path =
                told.unwrap_or_else(|| String::from_utf8_lossy(&header.path_bytes()).into_owned());
            each(Event::Begin(&path))?;
        } else if entry == Entry::Other {
            self.path = None;
        }
        if size == 0 {
            self.finish(entry, each)?;
        }
        Ok(())
    }

    fn finish<E>(&mut self, entry: Entry, each: &mut Each<'_, E>) -> Result<(), E> {
        self.entry = None;
        let told = std::mem::take(&mut self.pending);
        match entry {
            Entry::File => each(Event::End)?,
            Entry::LongName => {
                let name = told.split(|it| *it == 0).next().unwrap_or_default();
                self.path = Some(String::from_utf8_lossy(name).into_owned());
            }
            Entry::Pax => {
                let path = tar::PaxExtensions::new(&told)
                    .flatten()
                    .find(|it| it.key_bytes() == b"path");
                if let Some(path) = path {
                    self.path = Some(String::from_utf8_lossy(path.value_bytes()).into_owned());
                }
            }
            Entry::Other => {}
        }
        Ok(())
    }
}

fn split(chunk: &[u8], at_most: u64) -> (&[u8], &[u8]) {
    let at_most = usize::try_from(at_most).unwrap_or(usize::MAX);
    chunk.split_at(at_most.min(chunk.len()))
}

fn length(bytes: &[u8]) -> u64 {
    bytes.len() as u64
}
