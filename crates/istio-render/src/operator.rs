//! The merged `IstioOperator`: profile, cluster, files and sets.

mod advice;
pub(crate) mod files;
pub(crate) mod merge;
pub(crate) mod path;
pub(crate) mod profile;
pub(crate) mod schema;
pub(crate) mod set;
pub(crate) mod told;
pub(crate) mod translate;
pub(crate) mod validate;

use serde_json::{Map, Value};

use crate::{Diagnostic, Options, Release};

/// The request merged over its profile.
#[derive(Debug)]
pub(crate) struct Merged {
    /// With everything translated into `spec.values`.
    pub(crate) operator: Value,
    /// Before the translation: what [`crate::Rendering::merged`] shows.
    pub(crate) untranslated: Value,
    /// What was corrected on the way.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Merges what the user says over the profile that it names (1.31:operator/pkg/render/manifest.go:283-368).
pub(crate) fn merge_inputs(
    release: &Release,
    options: &Options,
    user: &Map<String, Value>,
) -> Result<Merged, Box<Diagnostic>> {
    let user_spec = user.get("spec").cloned().unwrap_or_default();
    let mut base = profile::read(release, merge::get_str(&user_spec, &["profile"]))?;
    profile::detect_cluster(
        &mut base,
        options.kubernetes.as_deref(),
        release.version().minor,
    );
    let base_values = base.get("spec").and_then(|it| it.get("values")).cloned();
    merge::merge(&mut base, user);
    let untranslated = Value::Object(base.clone());
    let user_values = user_spec.get("values").and_then(Value::as_object);
    let diagnostics = translate::to_values(&mut base, user_values, base_values.as_ref());
    Ok(Merged {
        operator: Value::Object(base),
        untranslated,
        diagnostics,
    })
}
