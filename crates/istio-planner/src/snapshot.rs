//! Reading an export: objects one by one from the bytes, only what a plan needs is kept.
//!
//! [`SnapshotReader`] takes any number of files: YAML of any number of documents, JSON, lists of either, in UTF-8 or
//! UTF-16, the output of `kubectl version` and of `kubectl cluster-info dump`, such packed by gzip or xz, and archives (tar
//! and zip, among them `istioctl bug-report`) of such. The format is decided by content.
//!
//! # Invariants
//!
//! - Memory follows what is kept and the one object that is being read, of 64 MB at most, not what is read.
//! - What is packed is unpacked twice at most, and archives are read in archives, but not in those of archives.
//! - Secrets' data and the environment of users' containers never enter the snapshot.
//! - A file that ends in the middle of an object is an error, never a shorter snapshot.

use std::cell::Cell;
use std::io::Read;

mod authority_keys;
mod collect;
mod condense;
mod evidence;
mod input;
mod join;
mod json;
mod keep;
mod looks;
mod model;
mod piece;
// In the module for browsers `serde_json` reads alone: each type that is read would be in it once more.
#[cfg(not(target_arch = "wasm32"))]
mod quick;
mod room;
mod show;
mod source;
mod text;
mod unpack;
mod wire;
mod yaml;
mod zip;

#[cfg(test)]
mod tests;

pub(crate) use evidence::{in_namespace, named, objects, of_kind, pods_in};
pub(crate) use show::kept;
pub use show::{Shown, show};
pub(crate) use wire::workload;

pub(crate) use model::installs_by_istioctl;
pub use model::{
    Conflict, Container, EXPORT, HostPort, Node, Object, Origin, Owner, PassedOver, Placement, Pod,
    Refused, Room, Snapshot, Taint, Workload,
};

use collect::{Collector, Context};
use condense::condense;
use input::{At, Input, MemberFault, Sink};
use join::OpenList;
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
    open: Option<Open>,
    /// Where it began in the midst of a list: in which.
    begins: Option<OpenList>,
    /// Where it was paused in the midst of a list: in which, and the next line, from 1 where it began.
    ends: Option<(OpenList, u32)>,
    /// How many lines of its file stand before the part that was absorbed last.
    lines: u32,
}

/// The file that is being read.
#[derive(Debug)]
struct Open {
    name: String,
    /// `None` where the rest is passed over.
    input: Option<Input>,
    /// Nobody named it.
    found: bool,
    /// How many objects were read before it.
    before: usize,
}

impl SnapshotReader {
    /// Returns a reader that has read nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a whole file; `name` is what the user calls it.
    pub fn read(&mut self, name: &str, from: impl Read) -> Result<(), ReadError> {
        self.open(name)?;
        self.rest(name, from)
    }

    /// Reads a whole file that nobody named, as [`SnapshotReader::open_found`] does.
    pub fn read_found(&mut self, name: &str, from: impl Read) -> Result<(), ReadError> {
        self.open_found(name)?;
        self.rest(name, from)
    }

    fn rest(&mut self, name: &str, from: impl Read) -> Result<(), ReadError> {
        self.fill(name, from)?;
        self.close()
    }

    /// Takes all bytes of the file that was opened last, or of a part of it, and leaves it open.
    pub fn fill(&mut self, name: &str, mut from: impl Read) -> Result<(), ReadError> {
        const CHUNK: usize = 1024 * 1024;
        let mut chunk = vec![0; CHUNK];
        loop {
            match from.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(length) => self.push(chunk.get(..length).unwrap_or_default())?,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let fault = Fault::new(Place::START, format!("cannot be read: {error}"));
                    return Err(read_error(name, fault.into()));
                }
            }
            // Nobody needs the rest of a picture.
            if self.open.as_ref().is_some_and(|it| it.input.is_none()) {
                return Ok(());
            }
        }
    }

    /// Begins a file; the one before is closed.
    pub fn open(&mut self, name: &str) -> Result<(), ReadError> {
        self.begin(name, false)
    }

    /// Begins a file that nobody named, found in a folder; the one before is closed. Where it holds no objects, it is passed
    /// over and noted in [`Snapshot::passed_over`].
    pub fn open_found(&mut self, name: &str) -> Result<(), ReadError> {
        self.begin(name, true)
    }

    fn begin(&mut self, name: &str, found: bool) -> Result<(), ReadError> {
        self.close()?;
        self.open = Some(Open {
            name: name.to_owned(),
            input: Some(Input::new()),
            found,
            before: self.collector.taken,
        });
        Ok(())
    }

    /// Takes the next bytes of the file that was opened last.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), ReadError> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        let Some(input) = &mut open.input else {
            return Ok(());
        };
        let mut sink = FileSink {
            file: &open.name,
            collector: &mut self.collector,
        };
        let result = input.push(chunk, At::file(open.found), &mut sink);
        if matches!(input, Input::PassedOver) {
            open.input = None;
        }
        result.or_else(|it| self.unreadable(it))
    }

    /// Ends the file that was opened last.
    pub fn close(&mut self) -> Result<(), ReadError> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        let Some(input) = open.input.take() else {
            self.open = None;
            return Ok(());
        };
        let mut sink = FileSink {
            file: &open.name,
            collector: &mut self.collector,
        };
        let result = input.end(At::file(open.found), &mut sink);
        let result = result.or_else(|it| self.unreadable(it));
        self.open = None;
        result
    }

    /// Passes over a file that nobody named and that held no object before this fault.
    fn unreadable(&mut self, fault: MemberFault) -> Result<(), ReadError> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        if open.found && open.before == self.collector.taken {
            open.input = None;
            self.collector.pass_over(&open.name, &fault.fault.message);
            return Ok(());
        }
        Err(read_error(&open.name, fault))
    }

    /// Notes a file that was not opened, and why.
    pub fn pass_over(&mut self, name: &str, what: &str) {
        self.collector.pass_over(name, what);
    }

    /// How many files were passed over so far.
    pub fn passed_over(&self) -> usize {
        self.collector.snapshot.passed_over.len()
    }

    /// Returns what was read; a file that is still open is closed, and of one that is paused the rest is not there.
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
    fn piece(&mut self, at: At<'_>, piece: Piece<'_>) -> Result<usize, Fault> {
        let name = self.name(at);
        let context = Context {
            file: name.as_deref().unwrap_or(self.file),
            list: piece.list,
            lenient: at.found,
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

    fn version(&mut self, at: At<'_>, text: &str) {
        let name = self.name(at);
        self.collector
            .version(text, name.as_deref().unwrap_or(self.file));
    }

    fn passed_over(&mut self, at: At<'_>, what: &str) {
        let name = self.name(at);
        self.collector
            .pass_over(name.as_deref().unwrap_or(self.file), what);
    }
}

impl FileSink<'_> {
    /// The name of a member of an archive.
    fn name(&self, at: At<'_>) -> Option<String> {
        at.member.map(|it| format!("{}!{it}", self.file))
    }

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
