//! What a user hands over of a cluster: files, folders, archives, standard input.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use istio_planner::snapshot::{PassedOver, ReadError, Snapshot, SnapshotReader};

use crate::output;

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
pub fn read(paths: &[PathBuf]) -> Result<Snapshot, Error> {
    let snapshot = read_quietly(paths)?;
    say(&snapshot.passed_over);
    Ok(snapshot)
}

/// The same, and says nothing: where many clusters are read.
pub fn read_quietly(paths: &[PathBuf]) -> Result<Snapshot, Error> {
    let mut reader = SnapshotReader::new();
    for path in paths {
        let name = shown(path);
        if name == "-" {
            reader.read("-", io::stdin().lock())?;
        } else if path.is_dir() {
            let found = folder(path, &mut BTreeSet::new(), &mut reader)?;
            if found == 0 {
                let passed_over = reader.finish()?.passed_over;
                return Err(Error::Empty { name, passed_over });
            }
        } else {
            reader.read(&name, open(path)?)?;
        }
    }
    Ok(reader.finish()?)
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

/// Reads a folder and returns how many files of it were opened, and not passed over at once.
fn folder(
    path: &Path,
    seen: &mut BTreeSet<PathBuf>,
    reader: &mut SnapshotReader,
) -> Result<usize, Error> {
    let failed = |source| Error::Io {
        name: shown(path),
        source,
    };
    if !seen.insert(fs::canonicalize(path).map_err(failed)?) {
        return Ok(0);
    }
    let mut entries = fs::read_dir(path)
        .map_err(failed)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut found = 0;
    for path in entries.iter().map(fs::DirEntry::path) {
        let is_hidden = path
            .file_name()
            .is_some_and(|it| it.to_string_lossy().starts_with('.'));
        if is_hidden {
            continue;
        }
        let name = shown(&path);
        // A link that leads nowhere is no export.
        let Ok(metadata) = fs::metadata(&path) else {
            reader.pass_over(&name, "a link that leads nowhere");
            continue;
        };
        if metadata.is_dir() {
            found += folder(&path, seen, reader)?;
        } else if !metadata.is_file() {
            reader.pass_over(&name, special(metadata.file_type()));
        } else if is_export(&path) {
            reader.read(&name, open(&path)?)?;
            found += 1;
        } else {
            let before = reader.passed_over();
            reader.read_found(&name, open(&path)?)?;
            found += usize::from(reader.passed_over() == before);
        }
    }
    Ok(found)
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

/// Whether a file's name says that it holds an export: it has to be read then.
fn is_export(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_ascii_lowercase();
    let packed = [".gz", ".xz"];
    let name = packed
        .iter()
        .find_map(|it| name.strip_suffix(it))
        .unwrap_or(&name);
    let endings = [".yaml", ".yml", ".json", ".tgz", ".tar"];
    endings.iter().any(|it| name.ends_with(it))
}

#[cfg(test)]
mod tests;
