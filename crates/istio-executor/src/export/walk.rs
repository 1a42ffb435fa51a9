//! Paths to the files that are read, in their order.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Error, shown, special};

/// What is done with what was found, in order.
#[derive(Debug)]
pub(super) enum Step {
    /// Standard input is read.
    Input,
    /// A file is read.
    File(Found),
    /// A file is passed over without being opened, and why.
    PassedOver(String, &'static str),
    /// A folder that was named begins.
    Begins,
    /// It ends.
    Ends(String),
}

/// A file.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// As it is told.
    pub(super) name: String,
    /// Nobody named it, and its name promises nothing: it is passed over where it holds no objects.
    pub(super) by_chance: bool,
    /// How many bytes a regular file has; of anything else nothing is known, and this is 0.
    pub(super) length: u64,
}

/// Returns what is done with what `paths` name.
pub(super) fn steps(paths: &[PathBuf]) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::new();
    for path in paths {
        let name = shown(path);
        if name == "-" {
            steps.push(Step::Input);
        } else if path.is_dir() {
            steps.push(Step::Begins);
            folder(path, &mut BTreeSet::new(), &mut steps)?;
            steps.push(Step::Ends(name));
        } else {
            let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file);
            steps.push(Step::File(Found {
                path: path.clone(),
                name,
                by_chance: false,
                length: metadata.map_or(0, |it| it.len()),
            }));
        }
    }
    Ok(steps)
}

fn folder(path: &Path, seen: &mut BTreeSet<PathBuf>, steps: &mut Vec<Step>) -> Result<(), Error> {
    let failed = |source| Error::Io {
        name: shown(path),
        source,
    };
    if !seen.insert(fs::canonicalize(path).map_err(failed)?) {
        return Ok(());
    }
    let mut entries = fs::read_dir(path)
        .map_err(failed)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
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
            steps.push(Step::PassedOver(name, "a link that leads nowhere"));
            continue;
        };
        if metadata.is_dir() {
            folder(&path, seen, steps)?;
        } else if metadata.is_file() {
            let by_chance = !is_export(&path);
            steps.push(Step::File(Found {
                path,
                name,
                by_chance,
                length: metadata.len(),
            }));
        } else {
            steps.push(Step::PassedOver(name, special(metadata.file_type())));
        }
    }
    Ok(())
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
