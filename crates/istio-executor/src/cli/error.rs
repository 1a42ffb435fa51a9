//! How a verb ends.

use std::io;
use std::process::ExitCode;

use crate::output;

/// What the process returns (README.md, Plan).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; a plan is clear.
    Done,
    /// Unreadable input, bad usage, or the world failed.
    Error,
    /// A plan is clear and changes something, under `--detailed-exitcode`.
    Changes,
    /// Refused: a plan is blocked, the cluster has drifted, another executor is at work.
    Refused,
    /// Evidence is missing.
    Unknown,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Error => 1,
            Exit::Changes => 2,
            Exit::Refused => 3,
            Exit::Unknown => 4,
        })
    }
}

/// Why a verb did not do what it was asked for. Three classes: the user's, the cluster's state, the world's.
#[derive(Debug)]
pub enum Error {
    /// The input or the usage is wrong.
    Usage(anyhow::Error),
    /// It could be done, but must not be.
    Refused(anyhow::Error),
    /// Something failed on the way.
    Failed(anyhow::Error),
}

impl Error {
    /// The input or the usage is wrong, in one sentence.
    pub(crate) fn usage(message: impl std::fmt::Display) -> Self {
        Self::Usage(anyhow::anyhow!("{message}"))
    }

    /// The same, in front of which something is to be said.
    pub(crate) fn context(self, words: &'static str) -> Self {
        match self {
            Self::Usage(error) => Self::Usage(error.context(words)),
            Self::Refused(error) => Self::Refused(error.context(words)),
            Self::Failed(error) => Self::Failed(error.context(words)),
        }
    }

    /// Returns the error with its causes, as it is printed.
    pub(crate) fn words(&self) -> String {
        let (Self::Usage(error) | Self::Refused(error) | Self::Failed(error)) = self;
        format!("{error:#}")
    }

    /// Prints the error and returns the exit code.
    pub(crate) fn report(self) -> Exit {
        let (error, exit) = match self {
            Self::Usage(error) | Self::Failed(error) => (error, Exit::Error),
            Self::Refused(error) => (error, Exit::Refused),
        };
        if broken_pipe(&error) {
            return Exit::Done;
        }
        output::error(&format!("{error:#}"));
        exit
    }
}

/// The reader of our output has seen enough.
fn broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|it| it.downcast_ref::<io::Error>())
        .any(|it| it.kind() == io::ErrorKind::BrokenPipe)
}

impl<E: Into<anyhow::Error>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}
