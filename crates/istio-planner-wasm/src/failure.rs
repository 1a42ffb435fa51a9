//! What the bindings throw: plain objects with places, which `pkg` makes typed errors of.

use std::fmt;

use istio_planner::snapshot::ReadError;
use istio_render::ManifestsError;
use serde::Serialize;
use wasm_bindgen::JsValue;

/// Input or a request that cannot be used: what the bindings throw.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "border.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Which of the two.
    #[cfg_attr(feature = "types", ts(inline))]
    kind: Kind,
    /// What is wrong.
    message: String,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    file: Option<String>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    line: Option<u32>,
    /// From 1, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    column: Option<u32>,
    /// Everything that a release says of a request that it refuses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "types", ts(optional, as = "Option<Vec<Diagnostic>>"))]
    diagnostics: Vec<Diagnostic>,
}

/// Which of the two.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
enum Kind {
    #[default]
    Input,
    Request,
}

/// Something to say about a request's files and settings.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "border.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// For example `unknown-field`.
    code: String,
    /// How much it weighs.
    #[cfg_attr(feature = "types", ts(inline))]
    severity: Severity,
    /// What there is to say.
    message: String,
    /// The setting, for example `spec.values.pilot`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    path: Option<String>,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    file: Option<String>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    line: Option<u32>,
    /// From 1, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    column: Option<u32>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "types", ts(optional))]
    hint: Option<String>,
}

/// How much it weighs.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
enum Severity {
    Error,
    Warning,
    Corrected,
}

impl Failure {
    /// Unreadable input of which nothing but the name is known.
    pub(crate) fn input(file: &str, why: &dyn fmt::Display) -> Self {
        Self {
            message: why.to_string(),
            file: Some(file.to_owned()),
            ..Self::default()
        }
    }

    /// Manifests that cannot be read, and where.
    pub(crate) fn manifests(file: &str, why: &ManifestsError) -> Self {
        let place = match why {
            ManifestsError::Yaml { source, .. } => Some(source.position),
            _ => None,
        };
        Self {
            line: place.map(|it| it.line),
            column: place.map(|it| it.column),
            ..Self::input(file, why)
        }
    }

    /// A request that cannot be used, and why.
    pub(crate) fn refused(message: String) -> Self {
        Self {
            kind: Kind::Request,
            message,
            ..Self::default()
        }
    }

    /// A request that a release refuses.
    pub(crate) fn request(diagnostics: Vec<istio_render::Diagnostic>) -> Self {
        let message = diagnostics.first().map_or_else(
            || "nothing was rendered".to_owned(),
            |it| it.message.clone(),
        );
        let diagnostics: Vec<_> = diagnostics.into_iter().map(Diagnostic::from).collect();
        let first = diagnostics.first();
        Self {
            file: first.and_then(|it| it.file.clone()),
            line: first.and_then(|it| it.line),
            column: first.and_then(|it| it.column),
            diagnostics,
            ..Self::refused(message)
        }
    }
}

impl From<ReadError> for Failure {
    fn from(it: ReadError) -> Self {
        Self {
            message: it.to_string(),
            file: Some(it.file),
            line: Some(it.line),
            column: Some(it.column),
            ..Self::default()
        }
    }
}

impl From<istio_render::Diagnostic> for Diagnostic {
    fn from(diagnostic: istio_render::Diagnostic) -> Self {
        let (file, position) = diagnostic.place.unzip();
        Self {
            code: diagnostic.code,
            severity: match diagnostic.severity {
                istio_render::Severity::Error => Severity::Error,
                istio_render::Severity::Warning => Severity::Warning,
                istio_render::Severity::Corrected => Severity::Corrected,
            },
            message: diagnostic.message,
            path: diagnostic.path,
            file,
            line: position.map(|it| it.line),
            column: position.map(|it| it.column),
            hint: diagnostic.hint,
        }
    }
}

impl From<serde_json::Error> for Failure {
    /// A request or options that are not what they should be.
    fn from(it: serde_json::Error) -> Self {
        Self {
            kind: Kind::Request,
            message: it.to_string(),
            ..Self::default()
        }
    }
}

impl From<serde_wasm_bindgen::Error> for Failure {
    fn from(it: serde_wasm_bindgen::Error) -> Self {
        Self {
            kind: Kind::Request,
            message: it.to_string(),
            ..Self::default()
        }
    }
}

impl From<Failure> for JsValue {
    fn from(it: Failure) -> Self {
        serde_wasm_bindgen::to_value(&it).unwrap_or_else(|_| Self::from_str(&it.message))
    }
}
