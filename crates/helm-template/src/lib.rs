//! Renders a Helm chart as `helm template` does; knows nothing of Istio.
//!
//! The engine follows Helm 3.21 (which istioctl 1.30 embeds) with Go 1.25's `text/template` and sprig 3.3.
//!
//! - [`gotmpl`]: the template language
//! - [`funcs`]: its functions
//! - [`chart`], [`values`]: a chart's files and the values it gets
//! - [`manifest`]: what the output holds, in Helm's order
//!
//! # Invariants
//!
//! - No I/O: charts come in as bytes, text goes out.
//! - No input makes it panic; recursion, calls, output, and what functions read and make are bounded.
//! - A number of kind `f64` is Go's `float64`, one of kind `i64` Go's `int64`; a values file holds only floats.

use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;
use sorted::SortedMap;

mod chart;
mod context;
mod decimal;
mod encoding;
#[expect(
    clippy::format_push_string,
    reason = "printing is what it does; pieces are short"
)]
mod format;
#[expect(
    clippy::unnecessary_wraps,
    reason = "the functions of the table have one type"
)]
mod funcs;
mod glob;
mod gotmpl;
mod json;
pub mod manifest;
mod number;
mod object;
mod schema;
mod semver;
mod templates;
#[expect(
    clippy::format_push_string,
    reason = "printing is what it does; pieces are short"
)]
mod time;
mod value;
mod values;

#[cfg(test)]
mod tests;

/// A chart in memory, its templates parsed.
#[derive(Debug, Clone)]
pub struct Chart {
    loaded: Arc<chart::Loaded>,
    old_merge: bool,
}

/// `.Release`.
#[derive(Debug, Clone, Default)]
pub struct Release {
    /// `.Release.Name`.
    pub name: String,
    /// `.Release.Namespace`.
    pub namespace: String,
    /// `.Release.IsUpgrade`.
    pub is_upgrade: bool,
    /// `.Release.IsInstall`.
    pub is_install: bool,
    /// `.Release.Revision`.
    pub revision: i64,
}

/// `.Capabilities`.
#[derive(Debug, Clone, Default)]
pub struct Capabilities {
    /// For example `v1.32.0`.
    pub kube_version: String,
    /// For example `policy/v1`, `policy/v1/PodDisruptionBudget`.
    pub api_versions: Vec<String>,
}

impl Capabilities {
    /// Returns the API versions that Helm 3.21 takes for granted where it asks no server (`chartutil.DefaultVersionSet`).
    pub fn default_api_versions() -> Vec<String> {
        API_VERSIONS.iter().map(ToString::to_string).collect()
    }
}

const API_VERSIONS: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "autoscaling/v2beta1",
    "autoscaling/v2beta2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha1",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// What a chart renders to.
#[derive(Debug, Clone, Default)]
pub struct Rendered {
    /// Text by template path (`istiod/templates/deployment.yaml`), in Go's order of names.
    pub files: SortedMap<String, String>,
    /// The text of `NOTES.txt`.
    pub notes: Option<String>,
    /// `crds/` files by path.
    pub crds: SortedMap<String, String>,
}

/// Why a chart cannot be loaded or rendered, in Helm's words.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// As Helm prints it, with template, line, column and the chain of includes.
    pub message: String,
}

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

impl Chart {
    /// Loads a chart from its files, paths relative to the chart's folder (`Chart.yaml`, `templates/x.yaml`).
    ///
    /// `.helmignore` is not looked at: the caller leaves out what the chart ignores.
    pub fn from_files(files: SortedMap<String, Vec<u8>>) -> Result<Self, Error> {
        chart::Loaded::new(files).map(|it| Self {
            loaded: Arc::new(it),
            old_merge: false,
        })
    }

    /// Makes `merge` and `mergeOverwrite` of this chart's templates work as on mergo v0.3.5.
    ///
    /// There nil changes nothing and a map replaces nothing else.
    /// istioctl is built with that version up to 1.23 (1.23.6:go.mod, `replace`).
    #[must_use]
    pub fn with_old_merge(mut self) -> Self {
        self.old_merge = true;
        self
    }

    /// Returns the name in `Chart.yaml`.
    pub fn name(&self) -> &str {
        &self.loaded.metadata.name
    }

    /// Returns the chart's own `values.yaml` as data; numbers are floats.
    pub fn values(&self) -> &Value {
        &self.loaded.values
    }
}

/// Renders a chart with the user's values.
pub fn render(
    chart: &Chart,
    values: &Value,
    release: &Release,
    capabilities: &Capabilities,
) -> Result<Rendered, Error> {
    let mut loaded = chart.loaded.as_ref().clone();
    values::process_dependencies(&mut loaded, values)?;
    let coalesced = values::coalesce(&loaded, values)?;
    schema::validate(&loaded, &coalesced)?;
    let contexts = context::contexts(&loaded, coalesced, release, capabilities);
    let mut rendered = run(&contexts, chart.old_merge)?;
    let notes_path = format!("{}/templates/NOTES.txt", loaded.metadata.name);
    let notes = rendered.get(&notes_path).cloned();
    rendered.retain(|path, _| !path.ends_with("NOTES.txt"));
    Ok(Rendered {
        files: rendered,
        notes,
        crds: context::crds(&loaded),
    })
}

/// Runs all templates in Helm's order.
fn run(
    contexts: &SortedMap<Arc<str>, context::Renderable>,
    old_merge: bool,
) -> Result<SortedMap<String, String>, Error> {
    let mut order: Vec<Arc<str>> = contexts.keys().cloned().collect();
    templates::in_order(&mut order);
    let mut set = gotmpl::exec::Templates::new();
    for (path, renderable) in order.iter().filter_map(|it| contexts.get_key_value(it)) {
        match &renderable.trees {
            Ok(trees) => templates::add(&mut set, trees.clone()),
            Err(error) => return Err(parse_error(path, error)),
        }
    }
    let set = Rc::new(set);
    let budget = gotmpl::exec::Budget::new(old_merge);
    let mut rendered = SortedMap::new();
    for path in &order {
        let (Some(renderable), Some(tree)) = (contexts.get(path), set.get(path)) else {
            continue;
        };
        if funcs::base(path).starts_with('_') {
            continue;
        }
        renderable.enter(path);
        let mut out = String::new();
        let top = value::Value::Map(renderable.context.clone());
        gotmpl::exec::execute(&budget, &set, tree, &top, &mut out)
            .map_err(|error| exec_error(&error))?;
        if out.contains("<no value>") {
            out = out.replace("<no value>", "");
        }
        rendered.insert(path.as_ref().to_owned(), out);
    }
    Ok(rendered)
}

/// Helm's `cleanupParseError`.
fn parse_error(path: &str, error: &str) -> Error {
    let tokens: Vec<&str> = error.split(": ").collect();
    match tokens.as_slice() {
        [_, location, .., message] => Error::new(format!("parse error at ({location}): {message}")),
        [_, message] => Error::new(format!("parse error at ({message}): {message}")),
        _ => Error::new(format!("parse error in ({path}): {error}")),
    }
}

/// Helm's `cleanupExecError`: what `fail` and `required` say stands alone.
fn exec_error(error: &str) -> Error {
    let mut tokens = error.splitn(3, ": ");
    let (_, location, rest) = (tokens.next(), tokens.next(), tokens.next());
    let (start, end) = funcs::WARNING;
    let warning = rest.and_then(|it| {
        let after = it.find(start)? + start.len();
        let before = it.rfind(end)?;
        it.get(after..before)
    });
    match (location, warning) {
        (Some(location), Some(warning)) => {
            Error::new(format!("execution error at ({location}): {warning}"))
        }
        _ => Error::new(error),
    }
}
