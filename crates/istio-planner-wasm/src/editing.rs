//! Writing an `IstioOperator` file: which fields a release knows, and edits that findings propose.

use istio_planner::edit::Edit;
use istio_render::{KnownField, known_fields};
use semver::Version;
use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::failure::Failure;

/// A field of the `IstioOperator` that a release knows.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "types",
    derive(ts_rs::TS),
    ts(export_to = "border.ts", rename = "KnownField")
)]
pub(crate) struct Field {
    /// Its key.
    name: String,
    /// `object`, `list`, or the kind of a scalar.
    kind: String,
    /// What it may be, where that is a closed list.
    values: Vec<String>,
}

impl From<KnownField> for Field {
    fn from(it: KnownField) -> Self {
        Self {
            name: it.name,
            kind: it.kind,
            values: it.values,
        }
    }
}

/// Returns the fields that a release knows at a path (JSON: a list of keys, elements of lists as `-`) of the
/// `IstioOperator`, as JSON.
#[wasm_bindgen]
pub fn fields(version: &str, path: &str) -> Result<String, Failure> {
    let path: Vec<&str> = serde_json::from_str(path)?;
    let version = Version::parse(version).map_err(|it| Failure::refused(it.to_string()))?;
    let fields: Vec<_> = known_fields(&version, &path)
        .into_iter()
        .map(Field::from)
        .collect();
    Ok(serde_json::to_string(&fields)?)
}

/// Makes edits (JSON) in the text of an `IstioOperator` file and returns the text. What it did not touch stays as it is.
#[wasm_bindgen]
pub fn edit(text: &str, edits: &str) -> Result<String, Failure> {
    let edits: Vec<Edit> = serde_json::from_str(edits)?;
    istio_planner::edit::edit(text, &edits).map_err(|it| Failure::refused(it.to_string()))
}
