//! Manifests of a release, without a cluster.

use istio_planner::RequestFile;
use istio_render::{OperatorFile, Options, ReleaseReader, manifest_text, render};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::failure::{Diagnostic, Failure};

/// What is rendered of a release.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(
    feature = "types",
    derive(ts_rs::TS),
    ts(export_to = "border.ts", rename = "RenderRequest")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Asked {
    /// `IstioOperator` files, in order.
    #[cfg_attr(feature = "types", ts(optional, as = "Option<Vec<RequestFile>>"))]
    files: Vec<RequestFile>,
    /// `--set` lines, in order.
    #[cfg_attr(feature = "types", ts(optional, as = "Option<Vec<String>>"))]
    sets: Vec<String>,
    /// Go on although validation refuses.
    #[cfg_attr(feature = "types", ts(optional, as = "Option<bool>"))]
    force: bool,
    /// The server's version, for example `v1.33.8`.
    #[cfg_attr(feature = "types", ts(optional))]
    kubernetes: Option<String>,
}

/// What it renders to.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "border.ts"))]
pub(crate) struct Rendered {
    /// YAML, as `istioctl manifest generate` prints it.
    manifests: String,
    /// What there is to say about the request.
    diagnostics: Vec<Diagnostic>,
}

/// Renders a release that arrives in chunks.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Renderer {
    name: String,
    reader: ReleaseReader,
}

#[wasm_bindgen]
impl Renderer {
    /// Begins a release archive; `name` is what errors call it.
    #[wasm_bindgen(constructor)]
    pub fn new(name: String) -> Self {
        Self {
            name,
            reader: ReleaseReader::new(),
        }
    }

    /// Takes the next bytes of the archive.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let pushed = self.reader.push(bytes);
        pushed.map_err(|it| Failure::input(&self.name, &it))
    }

    /// Ends the archive, renders as the release's own `istioctl manifest generate` does, and returns the text and what
    /// there is to say about the request, as JSON.
    pub fn render(self, options: JsValue) -> Result<String, Failure> {
        let asked: Asked = serde_wasm_bindgen::from_value(options)?;
        let release = self.reader.finish();
        let release = release.map_err(|it| Failure::input(&self.name, &it))?;
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
}
