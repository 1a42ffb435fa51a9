//! What a user hands over of a cluster: files, folders, archives, standard input.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use istio_planner::snapshot::{ReadError, Snapshot, SnapshotReader};

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
    #[error("{name} holds no .yaml, .yml, .json or .tar.gz file")]
    Empty {
        /// As the user named it.
        name: String,
    },
}

/// Reads everything that `paths` name, in order, as one cluster.
///
/// A folder is walked in the order of names, hidden files and other endings left out; `-` is standard input. What a
/// file holds is told by its content, so a file that is named is read whatever its ending.
pub fn read(paths: &[PathBuf]) -> Result<Snapshot, Error> {
    let mut reader = SnapshotReader::new();
    each(paths, &mut |name, content| Ok(reader.read(name, content)?))?;
    Ok(reader.finish()?)
}

/// Hands every file that `paths` name to `take`, with its name.
pub fn each(
    paths: &[PathBuf],
    take: &mut dyn FnMut(&str, &mut dyn Read) -> Result<(), Error>,
) -> Result<(), Error> {
    for path in paths {
        let name = path.display().to_string();
        if name == "-" {
            take("-", &mut io::stdin().lock())?;
        } else if path.is_dir() {
            if folder(path, take)? == 0 {
                return Err(Error::Empty { name });
            }
        } else {
            file(path, take)?;
        }
    }
    Ok(())
}

fn folder(
    path: &Path,
    take: &mut dyn FnMut(&str, &mut dyn Read) -> Result<(), Error>,
) -> Result<usize, Error> {
    let failed = |source| Error::Io {
        name: path.display().to_string(),
        source,
    };
    let mut entries = fs::read_dir(path)
        .map_err(failed)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut found = 0;
    for path in entries.iter().map(fs::DirEntry::path) {
        if path.is_dir() {
            found += folder(&path, take)?;
        } else if is_export(&path) {
            file(&path, take)?;
            found += 1;
        }
    }
    Ok(found)
}

fn file(
    path: &Path,
    take: &mut dyn FnMut(&str, &mut dyn Read) -> Result<(), Error>,
) -> Result<(), Error> {
    let name = path.display().to_string();
    let mut file = File::open(path).map_err(|source| Error::Io {
        name: name.clone(),
        source,
    })?;
    take(&name, &mut file)
}

fn is_export(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_ascii_lowercase();
    let endings = [".yaml", ".yml", ".json", ".tar.gz", ".tgz", ".tar"];
    !name.starts_with('.') && endings.iter().any(|it| name.ends_with(it))
}

#[cfg(test)]
mod tests;
