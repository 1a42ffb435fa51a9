//! Why a request to the cluster failed.

/// Why a request to the cluster failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no usable configuration.
    #[error("no cluster: {reason}")]
    Config {
        /// In the words of `kube`.
        reason: String,
    },
    /// The API server refused.
    #[error("{what}: {message}")]
    Api {
        /// What was tried.
        what: String,
        /// The HTTP status.
        code: u16,
        /// In the server's words.
        message: String,
    },
    /// The API server was not reached, or said something unreadable.
    #[error("{what}: {reason}")]
    Transport {
        /// What was tried.
        what: String,
        /// In the words of `kube`.
        reason: String,
    },
    /// The kind is unknown to the API server.
    #[error("the cluster does not serve {kind} in {api_version}")]
    Kind {
        /// The kind.
        kind: String,
        /// The version asked for.
        api_version: String,
    },
    /// It cannot be the name of an object: it would lead to another address.
    #[error("no object can be named {object:?}")]
    Name {
        /// Kind, namespace and name.
        object: String,
    },
    /// The time for everything is over.
    #[error("{what}: the time for everything (--timeout) is over")]
    Late {
        /// What was tried.
        what: String,
    },
    /// The lease is not ours any more, so nothing was sent.
    #[error("{what}: the lease was lost: another refit may be at work")]
    Fenced {
        /// What was not done.
        what: String,
    },
}

impl Error {
    /// Returns the HTTP status that the server answered with.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Api { code, .. } => Some(*code),
            Self::Config { .. }
            | Self::Transport { .. }
            | Self::Kind { .. }
            | Self::Name { .. }
            | Self::Late { .. }
            | Self::Fenced { .. } => None,
        }
    }

    /// Whether the server no longer remembers what the next page of a list would be of (410).
    pub fn is_expired(&self) -> bool {
        self.code() == Some(410)
    }

    /// Whether a webhook that has to admit the object does not answer: it may be what is being put back.
    pub fn is_webhook_away(&self) -> bool {
        matches!(self, Self::Api { message, .. } if message.contains("failed calling webhook"))
    }

    /// Whether the object was written by somebody else since it was read, or is gone, or another one. A conflict of fields
    /// is another thing.
    pub fn is_stale(&self) -> bool {
        const WORDS: [&str; 3] = [
            "the object has been modified",
            "uid mismatch",
            "UID in precondition",
        ];
        matches!(self, Self::Api { code: 409, message, .. } if WORDS.iter().any(|it| message.contains(it)))
    }
}
