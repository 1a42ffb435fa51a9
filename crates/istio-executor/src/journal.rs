//! What has been done, written down before and after it is done.
//!
//! A journal is a file of JSON Lines, only ever appended to, and synced to the disk before anything is written to the
//! cluster. What comes next is [`next`], a pure function of the plan and the records, so a run that was killed at any
//! point goes on where it stopped. A compressed copy stands in a ConfigMap beside istiod, for whoever comes after.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use crate::clock;

pub mod copy;
#[cfg(feature = "crash-points")]
pub(crate) mod crash;
mod position;
mod progress;
mod reading;
mod reconcile;
mod record;
pub mod seal;

pub use position::{Next, Position, Scope, next};
pub use progress::{Judged, Progress, progress};
pub use reading::{Measure, Reading, Verdict, number, summary};
pub(crate) use reconcile::{Reconciled, reconcile};
pub(crate) use record::to_the_second;
pub use record::{Event, ParseError, Record, SCHEMA};

/// Why a journal could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk.
    #[error("cannot keep the journal {path}")]
    Io {
        /// The file.
        path: String,
        /// The cause.
        source: io::Error,
    },
    /// A line in the middle that is no record.
    #[error("{path}:{line}: not a record of refit")]
    Record {
        /// The file.
        path: String,
        /// From 1.
        line: usize,
        /// The cause.
        source: ParseError,
    },
    /// Another process has it open.
    #[error("the journal {path} is in use by another refit")]
    Locked {
        /// The file.
        path: String,
    },
    /// The file and the copy in the cluster do not belong together.
    #[error(
        "the journal {path} and its copy in the cluster tell different stories: if the copy is right, move the file away"
    )]
    Diverged {
        /// The file.
        path: String,
    },
    /// Another plan's journal.
    #[error("{path} is the journal of plan {found}, not of {wanted}")]
    Plan {
        /// The file.
        path: String,
        /// The plan that its records name.
        found: String,
        /// The plan that is carried out.
        wanted: String,
    },
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    plan: String,
    file: File,
    /// Where the last whole line ends.
    length: u64,
    records: Vec<Record>,
}

impl Journal {
    /// Opens the journal of a plan in `folder`, or begins it.
    ///
    /// A last line without its end is what a killed run leaves; it was never acted on, so it is cut off.
    pub fn open(folder: &Path, plan: &str) -> Result<Self, Error> {
        let path = folder.join(format!("{plan}.jsonl"));
        let failed = |source| Error::Io {
            path: path.display().to_string(),
            source,
        };
        private_folder(folder).map_err(failed)?;
        let mut file = own_file(&path).map_err(failed)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Locked {
                    path: path.display().to_string(),
                });
            }
            // On a file system without locks the lease alone keeps others out.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let (records, length) = read(&path, &mut file)?;
        file.set_len(length).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        // The name of a new file is only safe once its folder is.
        File::open(folder)
            .and_then(|it| it.sync_all())
            .map_err(failed)?;
        if let Some(other) = records.iter().find(|it| it.plan != plan) {
            return Err(Error::Plan {
                path: path.display().to_string(),
                found: other.plan.clone(),
                wanted: plan.to_owned(),
            });
        }
        Ok(Self {
            path,
            plan: plan.to_owned(),
            file,
            length,
            records,
        })
    }

    /// Reads the journal of a plan without opening it for more; empty if there is none.
    pub fn peek(folder: &Path, plan: &str) -> Result<Vec<Record>, Error> {
        let path = folder.join(format!("{plan}.jsonl"));
        match File::open(&path) {
            Ok(mut file) => Ok(read(&path, &mut file)?.0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => Err(Error::Io {
                path: path.display().to_string(),
                source,
            }),
        }
    }

    /// Appends an event; when it returns, the record is on the disk.
    ///
    /// # Panics
    ///
    /// Never: the record that was appended is there.
    pub fn append(&mut self, event: Event) -> Result<&Record, Error> {
        let record = Record::new(&self.plan, clock::now().to_string(), event);
        self.append_record(record)?;
        Ok(self.records.last().expect("appended above"))
    }

    /// Takes over what the copy in the cluster knows beyond this file: another machine went on.
    ///
    /// The copy may be older (then nothing is taken) or newer. What only this file tells must not be lost: if it began
    /// actions that the copy knows nothing of, the two do not belong together.
    pub fn adopt(&mut self, copy: Vec<Record>) -> Result<(), Error> {
        match reconcile(&self.records, copy) {
            Some(Reconciled::Behind) => Ok(()),
            Some(Reconciled::Ahead(rest)) => {
                rest.into_iter().try_for_each(|it| self.append_record(it))
            }
            Some(Reconciled::Instead(records)) => {
                let failed = |source| Error::Io {
                    path: self.path.display().to_string(),
                    source,
                };
                // Kept, for whoever wants to know.
                fs::copy(&self.path, self.path.with_extension("jsonl.superseded"))
                    .and_then(|_| self.file.set_len(0))
                    .map_err(failed)?;
                (self.length, self.records) = (0, Vec::new());
                records
                    .into_iter()
                    .try_for_each(|it| self.append_record(it))
            }
            None => Err(Error::Diverged {
                path: self.path.display().to_string(),
            }),
        }
    }

    fn append_record(&mut self, record: Record) -> Result<(), Error> {
        let mut line = serde_json::to_vec(&record).map_err(|it| self.failed(it.into()))?;
        line.push(b'\n');
        let written = self
            .file
            .write_all(&line)
            .and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            // Half a line must not stay in front of the next one (a full disk may have room again).
            let _ = self.file.set_len(self.length);
            return Err(self.failed(source));
        }
        self.length += line.len() as u64;
        self.records.push(record);
        #[cfg(feature = "crash-points")]
        crash::point(&self.records);
        Ok(())
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Io {
            path: self.path.display().to_string(),
            source,
        }
    }

    /// Returns all records, oldest first.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Reads whole lines; returns the records and the bytes that they take.
fn read(path: &Path, file: &mut File) -> Result<(Vec<Record>, u64), Error> {
    let mut reader = BufReader::new(file);
    let (mut records, mut length, mut line) = (Vec::new(), 0, Vec::new());
    loop {
        line.clear();
        let read = reader
            .read_until(b'\n', &mut line)
            .map_err(|source| Error::Io {
                path: path.display().to_string(),
                source,
            })?;
        if read == 0 || line.last() != Some(&b'\n') {
            return Ok((records, length));
        }
        let record = Record::parse(&line).map_err(|source| Error::Record {
            path: path.display().to_string(),
            line: records.len() + 1,
            source,
        })?;
        records.push(record);
        length += read as u64;
    }
}

/// Makes a folder that only its owner can look into.
fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens a file that only its owner can read, and follows no link to another one.
fn own_file(path: &Path) -> io::Result<File> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|it| !it.is_file());
    if is_link {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mut permissions = file.metadata()?.permissions();
        if permissions.mode() & 0o077 != 0 {
            permissions.set_mode(0o600);
            file.set_permissions(permissions)?;
        }
    }
    Ok(file)
}

/// Returns the folder of journals: `--journal`, else the user's state folder (XDG base directory specification).
pub fn folder(given: Option<&Path>) -> PathBuf {
    let state = || {
        std::env::var_os("XDG_STATE_HOME")
            .map(PathBuf::from)
            .filter(|it| it.is_absolute())
            .or_else(|| std::env::home_dir().map(|it| it.join(".local/state")))
            // Others can write into the temporary folder: better beside what the user works with.
            .unwrap_or_else(|| PathBuf::from("."))
            .join("refit/journals")
    };
    given.map_or_else(state, Path::to_owned)
}

#[cfg(test)]
mod tests;
