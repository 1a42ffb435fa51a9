//! Why something that was asked for was not done.

/// Why something that was asked for was not done: the user's part, the cluster's state, the world's.
#[derive(Debug)]
pub enum Error {
    /// The input or the usage is wrong.
    Usage(anyhow::Error),
    /// It could be done, but must not be.
    Refused(anyhow::Error),
    /// The user was asked, and did not want it.
    Declined,
    /// The user, or the system, stopped it.
    Interrupted(anyhow::Error),
    /// Gates hold it up: what was begun can be gone on with.
    Held(anyhow::Error),
    /// Something failed on the way.
    Failed(anyhow::Error),
}

impl Error {
    /// The input or the usage is wrong, in one sentence.
    pub(crate) fn usage(message: impl std::fmt::Display) -> Self {
        Self::Usage(anyhow::anyhow!("{message}"))
    }

    /// It must not be done, in one sentence.
    pub(crate) fn refused(message: impl std::fmt::Display) -> Self {
        Self::Refused(anyhow::anyhow!("{message}"))
    }

    /// Something failed, in one sentence.
    pub(crate) fn failed(message: impl std::fmt::Display) -> Self {
        Self::Failed(anyhow::anyhow!("{message}"))
    }

    /// Stopped before anything was written.
    pub(crate) fn stopped() -> Self {
        Self::Interrupted(anyhow::anyhow!("stopped, nothing was changed"))
    }

    /// The same, in front of which something is to be said.
    pub(crate) fn context(self, words: &'static str) -> Self {
        match self {
            Self::Usage(error) => Self::Usage(error.context(words)),
            Self::Refused(error) => Self::Refused(error.context(words)),
            Self::Interrupted(error) => Self::Interrupted(error.context(words)),
            Self::Held(error) => Self::Held(error.context(words)),
            Self::Failed(error) => Self::Failed(error.context(words)),
            Self::Declined => Self::Declined,
        }
    }

    /// Returns the error with its causes, as it is printed; each is said once.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Declined => "cancelled, nothing was changed".to_owned(),
            Self::Usage(error)
            | Self::Refused(error)
            | Self::Interrupted(error)
            | Self::Held(error)
            | Self::Failed(error) => crate::output::chain(error.as_ref()),
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}
