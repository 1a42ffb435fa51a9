//! What a user hands over of a cluster: files, folders, archives, standard input.

use std::fs::File;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::{fs, io, thread};

use istio_planner::snapshot::{PassedOver, ReadError, Snapshot};

use crate::output;
use crate::output::progress::Progress;

mod reading;
mod walk;

/// Why an export could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk.
    #[error("cannot read {name}")]
    Io {
        /// As the user named it.
        name: String,
        /// The cause.
        source: io::Error,
    },
    /// What stands in a file.
    #[error(transparent)]
    Content(#[from] ReadError),
    /// A folder that holds nothing to read.
    #[error("{name} holds no export{}", passed(passed_over))]
    Empty {
        /// As the user named it.
        name: String,
        /// What it holds instead.
        passed_over: Vec<PassedOver>,
    },
    /// A path that is neither a file nor a folder.
    #[error("{name} is {what}, no file")]
    NoFile {
        /// As the user named it.
        name: String,
        /// A socket or a device.
        what: &'static str,
    },
}

fn passed(passed_over: &[PassedOver]) -> String {
    match passed_over {
        [] => ": it is empty".to_owned(),
        [first] => format!(": {} is {}", first.file, first.what),
        [first, rest @ ..] => format!(
            ": {} is {}, and {} more are none either",
            first.file,
            first.what,
            rest.len()
        ),
    }
}

/// Reads everything that `paths` name, in order, as one cluster, and says which files of folders hold nothing.
///
/// A folder is walked in the order of names, hidden files left out, and every folder once, however many links lead to
/// it. What a file holds is told by its content: one that is named is read whatever its ending, and one that is found is
/// passed over where it holds no objects. Of what is found only regular files are opened.
///
/// Several files, and stretches of a large one, are read at the same time; a line tells how fast, where a person watches.
pub fn read(paths: &[PathBuf]) -> Result<Snapshot, Error> {
    let steps = walk::steps(paths)?;
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let progress = reading::progress(&steps);
    let snapshot = reading::all(&steps, cores, &progress);
    progress.end();
    let snapshot = snapshot?;
    say(&snapshot.passed_over);
    Ok(snapshot)
}

/// The same on one core, and says nothing: where many clusters are read.
pub fn read_quietly(paths: &[PathBuf]) -> Result<Snapshot, Error> {
    reading::all(&walk::steps(paths)?, 1, &Progress::hidden())
}

/// A path as it is told: a line, whatever its name holds.
fn shown(path: &Path) -> String {
    path.display()
        .to_string()
        .replace(char::is_control, "\u{fffd}")
}

/// Says what was passed over, the first few by name.
fn say(passed_over: &[PassedOver]) {
    const NAMED: usize = 5;
    let told: Vec<_> = passed_over
        .iter()
        .take(NAMED)
        .map(|it| format!("{} ({})", it.file, it.what))
        .collect();
    if told.is_empty() {
        return;
    }
    let more = match passed_over.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    output::note(&format!("Not read: {}{more}", told.join(", ")));
}

/// Opens a file. Of what is named also a pipe is read (`<(kubectl …)`), but nothing else that is no file.
fn open(path: &Path) -> Result<File, Error> {
    let name = || shown(path);
    let failed = |source| Error::Io {
        name: name(),
        source,
    };
    let kind = fs::metadata(path).map_err(failed)?.file_type();
    let what = special(kind);
    if !kind.is_file() && what != PIPE {
        return Err(Error::NoFile { name: name(), what });
    }
    File::open(path).map_err(failed)
}

const PIPE: &str = "a pipe";

/// What is neither a file nor a folder.
#[cfg(unix)]
fn special(kind: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    if kind.is_fifo() {
        PIPE
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// What is neither a file nor a folder.
#[cfg(not(unix))]
fn special(_: fs::FileType) -> &'static str {
    PIPE
}

#[cfg(test)]
mod tests;
