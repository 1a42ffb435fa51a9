//! What went wrong, as RFC 9457 writes it.

use http::StatusCode;

use super::desk::Unfit;

/// Why something is not answered as it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    /// A sentence for the person who reads the page.
    pub(super) detail: String,
    /// The methods that are allowed, where another was used.
    pub(super) allow: Option<&'static str>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            allow: None,
        }
    }

    /// Another method than those that are allowed.
    pub(super) fn method(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::new(StatusCode::METHOD_NOT_ALLOWED, format!("only {allow} here"))
        }
    }
}

impl From<Unfit> for Problem {
    fn from(unfit: Unfit) -> Self {
        Self::new(StatusCode::BAD_REQUEST, unfit.to_string())
    }
}
