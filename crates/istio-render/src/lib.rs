//! `IstioOperator` and release archive to manifests, as the release's own `istioctl manifest generate` does.
//!
//! [`render`] is the one entry point; [`manifest_text`] prints what it returns as istioctl does, [`generate`] does both,
//! [`owner_labels`] and [`tag_webhooks`] give what istioctl adds when it installs.
//!
//! # Invariants
//!
//! - No I/O: a release comes in as bytes, objects go out.
//! - Rendering equals istioctl's, but for the closed list in this crate's README, each entry with a [`Diagnostic`].
//! - No input makes it panic.

pub mod archive;
mod chart;
mod component;
mod diagnostic;
mod go;
mod legacy;
mod manifests;
mod operator;
mod order;
mod overlay;
mod owner;
mod quantity;
mod release;
mod webhooks;

use semver::Version;
use serde_json::{Map, Value};

pub use diagnostic::{Diagnostic, Severity, Spot};
pub use manifests::{Manifests, ManifestsError};
pub use operator::schema::known::{KnownField, known_fields};
pub use operator::set::revision_set;
pub use order::{in_manifest_order, manifest_text};
pub use owner::{Owner, add_labels, control_plane_namespace, owner_labels, revision};
pub use release::{Release, ReleaseReader};
pub use webhooks::{TagWebhooks, tag_is_needed, tag_webhooks};

/// An `IstioOperator` file as given with `-f`.
#[derive(Debug, Clone)]
pub struct OperatorFile {
    /// As the user named it; `-` is standard input.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// What is to be rendered.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `-f`, in order.
    pub files: Vec<OperatorFile>,
    /// `--set`, in order. `--revision` and the like are appended by the caller, as istioctl does.
    pub sets: Vec<String>,
    /// Go on although validation refuses.
    pub force: bool,
    /// `GitVersion` of the server (`v1.33.8`, `v1.33.8-gke.1`), where a cluster is known.
    pub kubernetes: Option<String>,
}

/// What a request renders to.
#[derive(Debug, Clone)]
pub struct Rendering {
    /// The merged `IstioOperator`: profile, files and sets, before translation to Helm values.
    pub merged: Value,
    /// Only what files and sets say.
    pub user: Value,
    /// Rendered components in istioctl's order.
    pub components: Vec<Component>,
    /// Warnings, errors got past by force, corrected defects.
    pub diagnostics: Vec<Diagnostic>,
}

/// One rendered component (gateways: one for each gateway).
#[derive(Debug, Clone)]
pub struct Component {
    /// `Base`, `Pilot`, `IngressGateways`, `EgressGateways`, `Cni`, `Ztunnel`, and the older ones.
    pub name: String,
    /// Where its objects go.
    pub namespace: String,
    /// In the order in which istioctl applies them.
    pub objects: Vec<Value>,
    /// The Helm values that its chart was rendered with.
    pub values: Value,
}

/// Renders a request. `Err` holds why nothing was rendered, at least one entry of [`Severity::Error`].
///
/// # Errors
///
/// When istioctl of the release refuses the request: a file or set cannot be read, validation fails
/// (unless forced), a chart fails or renders no YAML.
pub fn render(release: &Release, options: &Options) -> Result<Rendering, Vec<Diagnostic>> {
    render_with(&chart::Charts::new(release), options).map(|it| it.0)
}

/// Renders a request to what `istioctl manifest generate` prints, with what there is to tell: as [`render`] and
/// [`manifest_text`] together do, but texts of CRDs that no overlay touches are not read to be written again.
///
/// # Errors
///
/// As [`render`].
pub fn generate(
    release: &Release,
    options: &Options,
) -> Result<(String, Vec<Diagnostic>), Vec<Diagnostic>> {
    let (rendering, written) = render_with(&chart::Charts::printed(release), options)?;
    if let Some(text) = order::text(&rendering, &written) {
        return Ok((text, rendering.diagnostics));
    }
    let rendering = render(release, options)?;
    Ok((manifest_text(&rendering), rendering.diagnostics))
}

/// Renders requests that differ in little: what one rendering read and rendered is kept for the next.
///
/// Each request renders as [`render`] renders it.
#[derive(Debug)]
pub struct Renderer<'a>(chart::Charts<'a>);

impl<'a> Renderer<'a> {
    /// For the charts of a release.
    pub fn new(release: &'a Release) -> Self {
        Self(chart::Charts::kept(release))
    }

    /// Renders a request.
    ///
    /// # Errors
    ///
    /// As [`render`].
    pub fn render(&self, options: &Options) -> Result<Rendering, Vec<Diagnostic>> {
        render_with(&self.0, options).map(|it| it.0)
    }
}

fn render_with(
    charts: &chart::Charts,
    options: &Options,
) -> Result<(Rendering, Vec<order::Written>), Vec<Diagnostic>> {
    let release = charts.release();
    if let Some(manifests) = release.manifests() {
        return Ok((manifests.rendering(options), Vec::new()));
    }
    let (documents, sources, mut diagnostics) = operator::files::read(options);
    if is_refused(&diagnostics) {
        return Err(diagnostics);
    }
    let is_legacy = release.version().minor < 24;
    diagnostics.extend(operator::files::doubtful_sets(&options.sets, is_legacy));
    let rules = if is_legacy { legacy::render } else { current };
    let rendered = rules(charts, options, &documents, &mut diagnostics);
    let rendered = match rendered {
        Ok(it) => Some(it),
        Err(Refused(last)) => {
            diagnostics.extend(last.map(|it| *it));
            None
        }
    };
    let (user, _) = operator::files::merge_user(&documents, &options.sets);
    let diagnostics = operator::told::told(diagnostics, &user, &sources, release.version());
    match rendered {
        Some(Rendered {
            merged,
            user,
            components,
            written,
        }) => {
            let rendering = Rendering {
                merged,
                user,
                components,
                diagnostics,
            };
            Ok((rendering, written))
        }
        None => Err(diagnostics),
    }
}

/// Returns what files and sets say, merged without a release or profile, and what is wrong with them so far.
pub fn read_user(options: &Options) -> (Value, Vec<Diagnostic>) {
    let (documents, sources, mut diagnostics) = operator::files::read(options);
    let (user, found) = operator::files::merge_user(&documents, &options.sets);
    diagnostics.extend(found);
    let placed = diagnostics.into_iter().map(|it| sources.placed(it));
    (Value::Object(user), placed.collect())
}

fn is_refused(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|it| it.severity == Severity::Error)
}

/// What a generation of istioctl makes of a request.
struct Rendered {
    merged: Value,
    user: Value,
    components: Vec<Component>,
    /// Objects that were left as text ([`generate`]).
    written: Vec<order::Written>,
}

/// Nothing is rendered, for this reason or for those already collected.
struct Refused(Option<Box<Diagnostic>>);

impl From<Diagnostic> for Refused {
    fn from(reason: Diagnostic) -> Self {
        Self(Some(Box::new(reason)))
    }
}

impl From<Box<Diagnostic>> for Refused {
    fn from(reason: Box<Diagnostic>) -> Self {
        Self(Some(reason))
    }
}

/// Renders by the rules of 1.24 and newer (1.31:operator/pkg/render/manifest.go:48-123).
fn current(
    charts: &chart::Charts,
    options: &Options,
    documents: &[Map<String, Value>],
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Rendered, Refused> {
    let release = charts.release();
    let (user, found) = operator::files::merge_user(documents, &options.sets);
    diagnostics.extend(found);
    if is_refused(diagnostics) {
        return Err(Refused(None));
    }
    let merged = operator::merge_inputs(release, options, &user)?;
    diagnostics.extend(merged.diagnostics);
    let mut operator = merged.operator;
    validate(&operator, &release.rules(), options.force, diagnostics)?;
    let unvalidated = operator::merge::get(&operator, &["spec", "unvalidatedValues"])
        .and_then(Value::as_object)
        .cloned();
    if let (Some(unvalidated), Value::Object(operator)) = (unvalidated, &mut operator) {
        let overlay = serde_json::json!({"spec": {"values": unvalidated}});
        overlay
            .as_object()
            .into_iter()
            .for_each(|it| operator::merge::merge(operator, it));
    }
    let values = operator::merge::get(&operator, &["spec", "values"])
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    if values
        .get("base")
        .and_then(|it| it.get("enableIstioConfigCRDs"))
        == Some(&Value::Bool(false))
    {
        let message = "charts of 1.24 and newer do not read this: CRDs are rendered all the same";
        let path = "spec.values.base.enableIstioConfigCRDs";
        diagnostics.push(
            Diagnostic::warning("f-14", message)
                .at(path)
                .hinted("base.excludedCRDs leaves CRDs out"),
        );
    }
    let kubernetes = options
        .kubernetes
        .clone()
        .unwrap_or_else(|| release.minimum_kubernetes());
    let rules = component::Rules::new(&release.rules());
    component::check_removed(&operator, release.version().minor)?;
    let mut components = Vec::new();
    let mut written = Vec::new();
    for kind in &component::KINDS {
        for instance in kind.instances(&operator, diagnostics) {
            let values = kind.values(&instance, &values, rules, diagnostics);
            let settings = chart::Settings {
                chart: kind.chart,
                namespace: &instance.namespace,
                values: &values,
                kubernetes: &kubernetes,
                is_untouched: instance.spec.get("k8s").is_none(),
            };
            let chart::Output {
                mut objects,
                written: as_written,
                warnings,
            } = chart::render(charts, settings).map_err(|it| it.at(&instance.path))?;
            diagnostics.extend(
                warnings
                    .into_iter()
                    .map(|it| Diagnostic::warning("chart-warning", it)),
            );
            let revision = values
                .get("revision")
                .and_then(Value::as_str)
                .unwrap_or_default();
            overlay::apply(kind, &instance, revision, &mut objects, diagnostics)?;
            written.extend(as_written);
            components.push(Component {
                name: kind.name.into(),
                namespace: instance.namespace,
                objects,
                values: Value::Object(values),
            });
        }
    }
    Ok(Rendered {
        merged: merged.untranslated,
        user: Value::Object(user),
        components,
        written,
    })
}

/// Validates, and turns errors into warnings where the user forces.
fn validate(
    operator: &Value,
    version: &Version,
    force: bool,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<(), Refused> {
    let found = operator::validate::validate(operator, version);
    let refused = is_refused(&found);
    for mut it in found {
        if force && it.severity == Severity::Error {
            it.severity = Severity::Warning;
            it.message = format!(
                "spec invalid; continuing because of --force: {}",
                it.message
            );
        }
        diagnostics.push(it);
    }
    if refused && !force {
        return Err(Refused(None));
    }
    operator::validate::unreadable_component(operator, version).map_or(Ok(()), |it| Err(it.into()))
}
