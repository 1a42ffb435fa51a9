//! Reading an export: objects one by one from the bytes, only what a plan needs is kept.
//!
//! [`SnapshotReader`] takes any number of files: YAML of any number of documents, JSON, lists of either, the output of
//! `kubectl version`, and archives (`.tar`, `.tar.gz`, `istioctl bug-report`) of such. The format is decided by content.
//!
//! # Invariants
//!
//! - Memory follows what is kept, not what is read.
//! - Secrets' data and the environment of users' containers never enter the snapshot.
//! - A file that ends in the middle of an object is an error, never a shorter snapshot.

use std::cell::Cell;
use std::io::Read;

mod collect;
mod condense;
mod input;
mod json;
mod keep;
mod model;
mod piece;
mod room;
mod show;
mod source;
mod wire;
mod yaml;

#[cfg(test)]
mod tests;

pub(crate) use show::kept;
pub use show::{Shown, show};
pub(crate) use wire::workload;

pub use model::{
    Conflict, Container, HostPort, Node, Object, Origin, Owner, Placement, Pod, Room, Snapshot,
    Taint, Workload,
};

use collect::{Collector, Context};
use condense::condense;
use input::{Input, MemberFault, Sink};
use piece::{Fault, Piece, Place, Text};
use source::Source;

/// Why an export cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct ReadError {
    /// The file as the user named it (a member of an archive as `archive!member`).
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// What was expected, and what was found.
    pub message: String,
}

/// Reads an export file by file.
///
/// Bytes come from a reader ([`SnapshotReader::read`]) or are pushed as they arrive ([`SnapshotReader::open`],
/// [`SnapshotReader::push`], [`SnapshotReader::close`]). After an error the reader is of no more use.
#[derive(Debug, Default)]
pub struct SnapshotReader {
    collector: Collector,
    open: Option<(String, Input)>,
}

impl SnapshotReader {
    /// Returns a reader that has read nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a whole file; `name` is what the user calls it.
    pub fn read(&mut self, name: &str, mut from: impl Read) -> Result<(), ReadError> {
        const CHUNK: usize = 1024 * 1024;
        self.open(name)?;
        let mut chunk = vec![0; CHUNK];
        loop {
            match from.read(&mut chunk) {
                Ok(0) => return self.close(),
                Ok(length) => self.push(chunk.get(..length).unwrap_or_default())?,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let fault = Fault::new(Place::START, format!("cannot be read: {error}"));
                    return Err(read_error(name, fault.into()));
                }
            }
        }
    }

    /// Begins a file; the one before is closed.
    pub fn open(&mut self, name: &str) -> Result<(), ReadError> {
        self.close()?;
        self.open = Some((name.to_owned(), Input::new()));
        Ok(())
    }

    /// Takes the next bytes of the file that was opened last.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), ReadError> {
        let Some((name, input)) = &mut self.open else {
            return Ok(());
        };
        let mut sink = FileSink {
            file: name,
            collector: &mut self.collector,
        };
        input
            .push(chunk, &mut sink)
            .map_err(|it| read_error(name, it))
    }

    /// Ends the file that was opened last.
    pub fn close(&mut self) -> Result<(), ReadError> {
        let Some((name, input)) = self.open.take() else {
            return Ok(());
        };
        let mut sink = FileSink {
            file: &name,
            collector: &mut self.collector,
        };
        input.end(&mut sink).map_err(|it| read_error(&name, it))
    }

    /// Returns what was read; a file that is still open is closed.
    pub fn finish(mut self) -> Result<Snapshot, ReadError> {
        self.close()?;
        Ok(self.collector.snapshot)
    }
}

fn read_error(file: &str, MemberFault { member, fault }: MemberFault) -> ReadError {
    let file = member.map_or_else(|| file.to_owned(), |it| format!("{file}!{it}"));
    ReadError {
        file,
        line: fault.place.line,
        column: fault.place.column,
        message: fault.message,
    }
}

/// Reads the objects of one file.
struct FileSink<'a> {
    file: &'a str,
    collector: &'a mut Collector,
}

impl Sink for FileSink<'_> {
    fn piece(&mut self, member: Option<&str>, piece: Piece<'_>) -> Result<usize, Fault> {
        let name = member.map(|it| format!("{}!{it}", self.file));
        let context = Context {
            file: name.as_deref().unwrap_or(self.file),
            list: piece.list,
            lenient: member.is_some(),
        };
        match piece.text {
            Text::Json(text) => {
                let length = Cell::new(0);
                let source = Source::Json(text, piece.place, &length);
                self.collector.take(source, context)?;
                source.length()
            }
            Text::Yaml { text, item } => {
                let condensed = if item { condense(text) } else { None };
                let read = condensed.map(|it| self.yaml(&it, piece.place, item, context));
                // The whole text tells the place of an error, and may be right where the condensed one is not.
                match read {
                    Some(Ok(())) => {}
                    Some(Err(_)) | None => self.yaml(text, piece.place, item, context)?,
                }
                Ok(0)
            }
        }
    }

    fn version(&mut self, text: &str) {
        self.collector.version(text, self.file);
    }
}

impl FileSink<'_> {
    /// Takes the objects of a YAML text: its documents, or the one item of a list.
    fn yaml(
        &mut self,
        text: &str,
        place: Place,
        item: bool,
        context: Context<'_>,
    ) -> Result<(), Fault> {
        let mut result = Ok(());
        kube_yaml::load(text, |node| {
            let objects = if item {
                node.items()
            } else {
                std::slice::from_ref(&node)
            };
            for object in objects {
                if result.is_ok() {
                    result = self.collector.take(Source::Yaml(object, place), context);
                }
            }
        })
        .map_err(|it| Fault::yaml(place, &it))?;
        result
    }
}
