//! Manifests of a release, without a cluster.

use istio_render::{OperatorFile, Options, Release, manifest_text, render};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::failure::{Diagnostic, Failure};

/// What is rendered, as JavaScript says it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Asked {
    files: Vec<File>,
    sets: Vec<String>,
    force: bool,
    kubernetes: Option<String>,
}

/// An `IstioOperator` file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    text: String,
}

/// What it renders to.
#[derive(Debug, Serialize)]
struct Rendered {
    manifests: String,
    diagnostics: Vec<Diagnostic>,
}

/// Renders a release (an official archive's bytes) as its own `istioctl manifest generate` does, and returns the text
/// and what there is to say about the request, as JSON.
#[wasm_bindgen(js_name = renderManifests)]
pub fn render_manifests(name: &str, archive: &[u8], options: JsValue) -> Result<String, Failure> {
    let asked: Asked = serde_wasm_bindgen::from_value(options)?;
    let release = Release::from_tar_gz(archive).map_err(|it| Failure::input(name, &it))?;
    let files = asked.files.into_iter().map(|it| OperatorFile {
        name: it.name,
        text: it.text,
    });
    let options = Options {
        files: files.collect(),
        sets: asked.sets,
        force: asked.force,
        kubernetes: asked.kubernetes,
    };
    let rendering = render(&release, &options).map_err(Failure::request)?;
    Ok(serde_json::to_string(&Rendered {
        manifests: manifest_text(&rendering),
        diagnostics: rendering
            .diagnostics
            .into_iter()
            .map(Diagnostic::from)
            .collect(),
    })?)
}
