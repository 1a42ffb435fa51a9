//! References to objects: how they are made, and how they read.

use std::fmt;

use serde_json::Value;

use super::Ref;

impl Ref {
    /// Refers to an object by its parts; an empty namespace is none.
    pub fn new(api_version: &str, kind: &str, namespace: &str, name: &str) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
            name: name.to_owned(),
        }
    }

    /// Returns the reference of an object; `None` for what has no name.
    pub fn of(object: &Value) -> Option<Self> {
        let text = |it: &Value, field: &str| {
            it.get(field)
                .and_then(Value::as_str)
                .filter(|it| !it.is_empty())
                .map(str::to_owned)
        };
        let metadata = object.get("metadata")?;
        Some(Self {
            api_version: text(object, "apiVersion")?,
            kind: text(object, "kind")?,
            namespace: text(metadata, "namespace"),
            name: text(metadata, "name")?,
        })
    }

    /// Returns `KIND/NAMESPACE/NAME`, or `KIND/NAME`, as flags name an object.
    pub(crate) fn argument(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{}/{namespace}/{}", self.kind, self.name),
            None => format!("{}/{}", self.kind, self.name),
        }
    }
}

/// `Deployment istio-system/istiod`.
impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}
