//! What there is to say about a request.

use kube_yaml::Position;

/// How much a diagnostic weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// istioctl refuses the request.
    Error,
    /// istioctl warns.
    Warning,
    /// A defect of istioctl was corrected here (domain §11).
    Corrected,
}

/// Something to say about the request.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    /// Stable: `unknown-field`, `invalid-set`, `render-failed`, `f-31`, …
    pub code: String,
    /// How much it weighs.
    pub severity: Severity,
    /// In istioctl's words where it has some.
    pub message: String,
    /// The path inside the `IstioOperator`, for example `spec.values.pilot`.
    pub path: Option<String>,
    /// The file (or `--set`) and the place in it.
    pub place: Option<(String, Position)>,
    /// The nearest valid field, or what else would settle it.
    pub hint: Option<String>,
    /// The field that may have been meant, where `path` ends in an unknown one.
    pub nearest: Option<String>,
    /// Where else the same cause shows, the first place among them; empty where there is one place.
    pub also: Vec<Spot>,
}

/// A field of the request, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Spot {
    /// The path inside the `IstioOperator`.
    pub path: String,
    /// The file (or `--set`) and the place in it.
    pub place: Option<(String, Position)>,
}

impl Diagnostic {
    pub(crate) fn new(severity: Severity, code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            severity,
            message: message.into(),
            path: None,
            place: None,
            hint: None,
            nearest: None,
            also: Vec::new(),
        }
    }

    pub(crate) fn error(code: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    pub(crate) fn warning(code: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    pub(crate) fn corrected(code: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Corrected, code, message)
    }

    pub(crate) fn at(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    pub(crate) fn placed(mut self, name: &str, position: Position) -> Self {
        self.place = Some((name.to_owned(), position));
        self
    }

    pub(crate) fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some((name, position)) = &self.place {
            write!(f, "{name}:{}:{}: ", position.line, position.column)?;
        }
        f.write_str(&self.message)?;
        if let Some(path) = &self.path {
            write!(f, " (at {path})")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}
