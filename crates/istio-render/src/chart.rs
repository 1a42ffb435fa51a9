//! Charts of a release, rendered to objects.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

use helm_template::{Capabilities, Chart};
use serde_json::{Map, Value};
use sorted::SortedMap;

use crate::order::Written;
use crate::{Diagnostic, Release, go};

/// What a chart is rendered with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings<'a> {
    /// Below `charts/`.
    pub(crate) chart: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) values: &'a Map<String, Value>,
    /// For example `v1.32.0`.
    pub(crate) kubernetes: &'a str,
    /// Nothing changes its objects once they are rendered.
    pub(crate) is_untouched: bool,
}

/// The objects of a chart in the order of its files, and the warnings of its notes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Output {
    pub(crate) objects: Vec<Value>,
    /// Those that were left as text.
    pub(crate) written: Vec<Written>,
    pub(crate) warnings: Vec<String>,
}

/// The charts of a release, each read once for a rendering, however many gateways it renders.
#[derive(Debug)]
pub(crate) struct Charts<'a> {
    release: &'a Release,
    read: RefCell<SortedMap<String, Chart>>,
    /// What one rendering leaves to the next ones, where there are any.
    kept: Option<Kept>,
    /// What tells a text that can be left as it is, for whoever prints objects and does nothing else with them.
    as_written: Option<fn(&str) -> Option<Written>>,
}

/// What a rendering need not do again.
#[derive(Debug, Default)]
struct Kept {
    /// Large documents (CRDs) by their text.
    documents: RefCell<HashMap<String, Option<Value>>>,
    /// What each chart rendered to first, by chart and namespace.
    first: RefCell<HashMap<(String, String), First>>,
}

/// What a chart rendered to, and with what.
#[derive(Debug)]
struct First {
    values: Map<String, Value>,
    kubernetes: String,
    objects: Output,
}

/// Documents of fewer bytes are read as fast as they are found.
const LARGE: usize = 4096;

impl<'a> Charts<'a> {
    pub(crate) fn new(release: &'a Release) -> Self {
        Self {
            release,
            read: RefCell::default(),
            kept: None,
            as_written: None,
        }
    }

    /// For objects that are printed: large ones that nothing touches, and that are rendered as they are printed, stay text.
    pub(crate) fn printed(release: &'a Release) -> Self {
        Self {
            as_written: Some(Written::new),
            ..Self::new(release)
        }
    }

    /// For many renderings that differ in little.
    pub(crate) fn kept(release: &'a Release) -> Self {
        Self {
            kept: Some(Kept::default()),
            ..Self::new(release)
        }
    }

    pub(crate) fn release(&self) -> &'a Release {
        self.release
    }

    /// Reads one rendered document.
    fn object(&self, text: &str) -> Result<Option<Value>, String> {
        let Some(kept) = self.kept.as_ref().filter(|_| text.len() >= LARGE) else {
            return read_object(text);
        };
        if let Some(object) = kept.documents.borrow().get(text) {
            return Ok(object.clone());
        }
        let object = read_object(text)?;
        kept.documents
            .borrow_mut()
            .insert(text.to_owned(), object.clone());
        Ok(object)
    }

    fn get(&self, name: &str) -> Result<Chart, Box<Diagnostic>> {
        if let Some(chart) = self.read.borrow().get(name) {
            return Ok(chart.clone());
        }
        let files = self.release.folder(&format!("charts/{name}"));
        if files.is_empty() {
            return Err(failed("load chart: component does not exist"));
        }
        let chart = Chart::from_files(files).map_err(|it| failed(format!("load chart: {it}")))?;
        let chart = if self.release.version().minor < 24 {
            chart.with_old_merge()
        } else {
            chart
        };
        self.read
            .borrow_mut()
            .insert(name.to_owned(), chart.clone());
        Ok(chart)
    }
}

fn failed(message: impl std::fmt::Display) -> Box<Diagnostic> {
    let message = format!("helm render: {message}");
    Box::new(Diagnostic::error("render-failed", message))
}

/// Renders a chart as operator/pkg/helm does: always release `istio`, neither install nor upgrade (domain §3.1).
pub(crate) fn render(
    charts: &Charts<'_>,
    settings: Settings<'_>,
) -> Result<Output, Box<Diagnostic>> {
    let Some(kept) = &charts.kept else {
        return rendered(charts, settings);
    };
    let key = (settings.chart.to_owned(), settings.namespace.to_owned());
    if let Some(first) = kept.first.borrow().get(&key)
        && first.kubernetes == settings.kubernetes
        && first.values == *settings.values
    {
        return Ok(first.objects.clone());
    }
    let objects = rendered(charts, settings)?;
    kept.first.borrow_mut().entry(key).or_insert_with(|| First {
        values: settings.values.clone(),
        kubernetes: settings.kubernetes.to_owned(),
        objects: objects.clone(),
    });
    Ok(objects)
}

fn rendered(charts: &Charts<'_>, settings: Settings<'_>) -> Result<Output, Box<Diagnostic>> {
    let release = charts.release;
    let chart = charts.get(settings.chart)?;
    let helm_release = helm_template::Release {
        name: "istio".to_owned(),
        namespace: settings.namespace.to_owned(),
        is_upgrade: false,
        is_install: false,
        revision: 0,
    };
    let capabilities = Capabilities {
        kube_version: settings.kubernetes.to_owned(),
        api_versions: api_versions(release.version().minor),
    };
    let values = Value::Object(settings.values.clone());
    let rendered = helm_template::render(&chart, &values, &helm_release, &capabilities)
        .map_err(|it| failed(format!("render chart: {it}")))?;
    let mut found = Output::default();
    // Notes and other `.txt` files are no manifests.
    let templates = rendered
        .files
        .iter()
        .filter(|(path, _)| path.rsplit('.').next() != Some("txt"));
    let wants_crds = release.version().minor < 9
        || settings
            .values
            .get("base")
            .and_then(|it| it.get("enableIstioConfigCRDs"))
            != Some(&Value::Bool(false));
    let crds = rendered
        .crds
        .iter()
        .filter(|_| settings.chart != "base" || wants_crds);
    for (path, text) in templates.chain(crds) {
        for document in split_documents(text) {
            // Up to 1.23 the decoder of Kubernetes ends every line (k8s.io/apimachinery v0.18.1:pkg/util/yaml/decoder.go,
            // `LineReader`), so that a literal text at the very end keeps its newline.
            let document = if release.version().minor < 24 {
                Cow::Owned(format!("{document}\n"))
            } else {
                Cow::Borrowed(document)
            };
            let as_written = charts
                .as_written
                .filter(|_| settings.is_untouched && document.len() >= LARGE);
            if let Some(written) = as_written.and_then(|it| it(&document)) {
                found.written.push(written);
                continue;
            }
            found.objects.extend(
                charts
                    .object(&document)
                    .map_err(|it| failed(it).hinted(format!("rendered from {path}")))?,
            );
        }
    }
    let notes = rendered.notes.as_deref().unwrap_or_default();
    found.warnings = notes
        .lines()
        .filter_map(|it| it.strip_prefix("WARNING: "))
        .map(str::to_owned)
        .collect();
    Ok(found)
}

/// `.Capabilities.APIVersions` of charts that ask for them: those that client-go of the release knows and charts name.
fn api_versions(minor: u64) -> Vec<String> {
    let mut versions = vec![
        "v1",
        "apps/v1",
        "policy/v1beta1",
        "admissionregistration.k8s.io/v1",
        "autoscaling/v2beta1",
        "autoscaling/v2beta2",
    ];
    if minor >= 9 {
        versions.push("policy/v1");
    }
    if minor >= 13 {
        versions.push("autoscaling/v2");
    }
    versions.into_iter().map(str::to_owned).collect()
}

/// Splits at lines that begin `---` and drops what is blank (1.31:pkg/test/util/yml/parts.go:60-100).
fn split_documents(text: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let (mut begin, mut line) = (0, 0);
    for end in memchr::memchr_iter(b'\n', text.as_bytes()) {
        let of_line = text.as_bytes().get(line..end);
        if of_line.is_some_and(|it| it.starts_with(b"---")) {
            documents.push(text.get(begin..line).unwrap_or_default());
            begin = end + 1;
        }
        line = end + 1;
    }
    documents.push(text.get(begin..).unwrap_or_default());
    let documents = documents.into_iter().map(str::trim);
    documents.filter(|it| !it.is_empty()).collect()
}

/// Reads one rendered document as a Kubernetes object; only comments are none.
fn read_object(text: &str) -> Result<Option<Value>, String> {
    let mut object = kube_yaml::from_str(text).map_err(|it| {
        format!(
            "error converting YAML to JSON: yaml: line {}: {}",
            it.position.line, it.message
        )
    })?;
    go::whole_numbers(&mut object);
    match &object {
        Value::Null => Ok(None),
        Value::Object(entries) => match entries.get("kind") {
            Some(Value::String(kind)) if !kind.is_empty() => Ok(Some(object)),
            _ => Err("Object 'Kind' is missing".to_owned()),
        },
        _ => Err("error unmarshaling JSON: a document is no object".to_owned()),
    }
}
