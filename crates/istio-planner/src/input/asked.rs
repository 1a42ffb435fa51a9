//! What a request says about itself, read without a release: enough for the rules that need no rendering.
//!
//! The merge itself, and whether the target accepts it, is istio-render's.

use istio_catalog::DEFAULT_REVISION;
use kube_yaml::Node;
use serde_json::Value;

use super::{Documents, Request, place};
use crate::outcome::Subject;

/// A setting and where it is said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    /// As text: `1.29` for the number and the string.
    pub(crate) value: String,
    /// The file and line, or the flag.
    pub(crate) place: Subject,
}

/// What a request says about itself; the last word on each setting (files in order, then `--set`, then flags).
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// `spec.profile`.
    pub(crate) profile: Option<Said>,
    /// `--revision`, `spec.revision` or `spec.values.revision`, unless it is empty or `default`.
    pub(crate) revision: Option<Said>,
    /// `spec.compatibilityVersion`, else `spec.values.compatibilityVersion`.
    pub(crate) compatibility_version: Option<Said>,
    /// The namespace of the control plane: `--namespace`, else `spec.values.global.istioNamespace`.
    pub(crate) namespace: Option<Said>,
}

impl Asked {
    /// Reads a request.
    pub(crate) fn new(request: &Request) -> Self {
        Self::read(request, &Documents::new(request))
    }

    /// Reads a request whose files have been read.
    pub(crate) fn read(request: &Request, documents: &Documents) -> Self {
        let mut asked = Self::default();
        let mut from_values = Asked::default();
        for (file, document) in documents.whole() {
            asked.read_document(file, document, &mut from_values);
        }
        for set in &request.sets {
            let (path, value) = set.split_once('=').unwrap_or((set, ""));
            let place = Subject::flag("--set").field(path).value(value);
            asked.say(
                &mut from_values,
                path.trim_matches('.'),
                value.trim(),
                place,
            );
        }
        asked.compatibility_version = asked
            .compatibility_version
            .or(from_values.compatibility_version);
        asked.revision = asked.revision.or(from_values.revision);
        for (flag, value, slot) in [
            ("--revision", &request.revision, &mut asked.revision),
            ("--namespace", &request.namespace, &mut asked.namespace),
        ] {
            if let Some(value) = value {
                *slot = Some(Said {
                    value: value.clone(),
                    place: Subject::flag(flag).value(value.clone()),
                });
            }
        }
        asked.revision = asked
            .revision
            .filter(|it| !it.value.is_empty() && it.value != DEFAULT_REVISION);
        asked.namespace = asked.namespace.filter(|it| !it.value.is_empty());
        asked
    }

    /// Takes one document in.
    fn read_document(&mut self, file: &str, document: &Node, from_values: &mut Self) {
        for path in PATHS {
            let node = std::iter::once("spec").chain(path.split('.'));
            if let Some(node) = document.at(node)
                && let Some(text) = scalar(&node.to_json())
            {
                let place = place(file, node).field(format!("spec.{path}"));
                self.say(from_values, path, &text, place.value(text.clone()));
            }
        }
    }

    /// Remembers one setting.
    fn say(&mut self, from_values: &mut Self, path: &str, value: &str, place: Subject) {
        let slot = match path {
            "profile" => &mut self.profile,
            "revision" => &mut self.revision,
            "values.revision" => &mut from_values.revision,
            "compatibilityVersion" => &mut self.compatibility_version,
            "values.compatibilityVersion" => &mut from_values.compatibility_version,
            "values.global.istioNamespace" => &mut self.namespace,
            _ => return,
        };
        *slot = Some(Said {
            value: value.to_owned(),
            place,
        });
    }
}

/// The settings that are read, relative to `spec`.
const PATHS: [&str; 6] = [
    "profile",
    "revision",
    "values.revision",
    "compatibilityVersion",
    "values.compatibilityVersion",
    "values.global.istioNamespace",
];

/// Returns a scalar as text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(it) => Some(it.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;
