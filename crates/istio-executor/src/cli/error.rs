//! How a verb ends.

use std::io;
use std::process::ExitCode;

use crate::output;

pub use crate::error::Error;

/// What the process returns.
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
    /// The question was answered with no.
    Declined,
    /// Stopped between two steps, because gates do not hold; it can be gone on with.
    Held,
    /// Stopped by Ctrl-C or SIGTERM: what a shell returns for it (128 and SIGINT).
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Error => 1,
            Exit::Changes => 2,
            Exit::Refused => 3,
            Exit::Unknown => 4,
            Exit::Declined => 5,
            Exit::Held => 6,
            Exit::Interrupted => 130,
        })
    }
}

impl Error {
    /// Prints the error and returns the exit code.
    pub(crate) fn report(self) -> Exit {
        let words = self.words();
        let exit = match self {
            Self::Declined => {
                output::note(&words);
                return Exit::Declined;
            }
            Self::Usage(error) | Self::Failed(error) if broken_pipe(&error) => return Exit::Done,
            Self::Usage(_) | Self::Failed(_) => Exit::Error,
            Self::Refused(_) => Exit::Refused,
            Self::Interrupted(_) => Exit::Interrupted,
            Self::Held(_) => Exit::Held,
        };
        output::error(&words);
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
