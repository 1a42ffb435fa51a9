//! What has been done, written down before and after it is done.
//!
//! A journal is a file of JSON Lines, only ever appended to, and synced to the disk before anything is written to the
//! cluster. What comes next is [`next`], a pure function of the plan and the records, so a run that was killed at any
//! point goes on where it stopped. A compressed copy stands in a ConfigMap beside istiod, for whoever comes after.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use k8s_openapi::jiff::Timestamp;

pub mod copy;
mod progress;
mod record;

pub use progress::{Next, Progress, Scope, next, progress};
pub use record::{Event, Record, SCHEMA};

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
        source: serde_json::Error,
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
        fs::create_dir_all(folder).map_err(failed)?;
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(failed)?;
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
            records,
        })
    }

    /// Appends an event; when it returns, the record is on the disk.
    ///
    /// # Panics
    ///
    /// Never: the record that was appended is there.
    pub fn append(&mut self, event: Event) -> Result<&Record, Error> {
        let record = Record::new(&self.plan, Timestamp::now().to_string(), event);
        self.append_record(record)?;
        Ok(self.records.last().expect("appended above"))
    }

    /// Takes over records that were kept elsewhere (a copy from the cluster).
    pub fn adopt(&mut self, records: Vec<Record>) -> Result<(), Error> {
        records
            .into_iter()
            .try_for_each(|it| self.append_record(it))
    }

    fn append_record(&mut self, record: Record) -> Result<(), Error> {
        let failed = |source| Error::Io {
            path: self.path.display().to_string(),
            source,
        };
        let mut line = serde_json::to_vec(&record).map_err(|it| failed(it.into()))?;
        line.push(b'\n');
        self.file
            .write_all(&line)
            .and_then(|()| self.file.sync_data())
            .map_err(failed)?;
        self.records.push(record);
        Ok(())
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
        let record = serde_json::from_slice(&line).map_err(|source| Error::Record {
            path: path.display().to_string(),
            line: records.len() + 1,
            source,
        })?;
        records.push(record);
        length += read as u64;
    }
}

/// Returns the folder of journals: `--journal`, else the user's state folder (XDG base directory specification).
pub fn folder(given: Option<&Path>) -> PathBuf {
    let state = || {
        std::env::var_os("XDG_STATE_HOME")
            .map(PathBuf::from)
            .filter(|it| it.is_absolute())
            .or_else(|| std::env::var_os("HOME").map(|it| PathBuf::from(it).join(".local/state")))
            .unwrap_or_else(std::env::temp_dir)
            .join("refit/journals")
    };
    given.map_or_else(state, Path::to_owned)
}

#[cfg(test)]
mod tests;
