//! What istioctl 1.6 to 1.23 checks before it renders.
//!
//! It checks twice: first what the files say by themselves, then the merged whole (1.21.6:operator/pkg/manifest/shared.go,
//! `ParseYAMLFiles`, `unmarshalAndValidateIOP`, `OverlayYAMLStrings`; 1.6.14:operator/cmd/mesh/profile-common.go).
//! Force gets past unknown fields in values, what is wrong in a `MeshConfig`, names and ranges (`CheckIstioOperatorSpec`),
//! but not past a spec that does not decode, values of a wrong type, ports for root and removed settings (`ValidateConfig`).

mod deprecated;
mod names;

use semver::Version;
use serde_json::{Map, Value};

use crate::operator::merge::{get, get_str};
use crate::operator::schema::{Encoding, Fault, LEGACY, MESH_CONFIG, OPERATOR, VALUES};
use crate::operator::validate::{autoscaling, legacy_mesh_config, ports, refused};
use crate::{Diagnostic, Severity};

/// The stages of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    /// What the files say.
    pub(super) files: &'a Value,
    /// What files and sets say.
    pub(super) user: &'a Value,
    /// The same over the profile.
    pub(super) merged: &'a Value,
}

/// Validates a request: errors, and warnings, among them what force got past.
pub(super) fn check(request: Request, version: &Version, force: bool) -> Vec<Diagnostic> {
    let Request {
        files,
        user,
        merged,
    } = request;
    let mut found = Findings::default();
    found.fatal.extend(undecodable(files, version));
    found.forceable.extend(spec(files, version));
    let place = |mut it: Diagnostic| {
        it.path = it.path.map(|path| in_user(path, merged, user));
        it
    };
    found
        .fatal
        .extend(undecodable(merged, version).into_iter().map(place));
    found
        .forceable
        .extend(spec(merged, version).into_iter().map(place));
    found
        .fatal
        .extend(semantics(merged, user, version).into_iter().map(place));
    found.judged(force)
}

#[derive(Debug, Default)]
struct Findings {
    /// Told whatever is forced; warnings are among them.
    fatal: Vec<Diagnostic>,
    /// Force turns these into warnings.
    forceable: Vec<Diagnostic>,
}

impl Findings {
    /// Each finding once, the fatal ones first.
    fn judged(self, force: bool) -> Vec<Diagnostic> {
        let mut judged: Vec<Diagnostic> = Vec::new();
        for it in self.fatal {
            if !judged.contains(&it) {
                judged.push(it);
            }
        }
        let fatal = judged.len();
        for it in self.forceable {
            let known = |other: &Diagnostic| {
                other.path == it.path && other.code == it.code && other.message == it.message
            };
            if !judged.iter().any(known) {
                judged.push(it);
            }
        }
        for it in judged.iter_mut().skip(fatal).filter(|_| force) {
            if it.severity == Severity::Error {
                it.severity = Severity::Warning;
                it.message = format!(
                    "Validation errors (continuing because of --force): {}",
                    it.message
                );
            }
        }
        judged
    }
}

/// Leads a path of the merged whole to the element of the same name in what the user says: lists of gateways merge by name.
fn in_user(path: String, merged: &Value, user: &Value) -> String {
    for list in ["ingressGateways", "egressGateways"] {
        let prefix = format!("spec.components.{list}.[");
        let Some((index, rest)) = path.strip_prefix(&prefix).and_then(|it| it.split_once(']'))
        else {
            continue;
        };
        let items = |of| get(of, &["spec", "components", list]).and_then(Value::as_array);
        let element = index
            .parse::<usize>()
            .ok()
            .and_then(|it| items(merged)?.get(it));
        let same =
            |it: &Value| element.is_some_and(|element| element.get("name") == it.get("name"));
        let found = items(user).and_then(|it| it.iter().position(same));
        return match found {
            Some(index) => format!("{prefix}{index}]{rest}"),
            None => path,
        };
    }
    path
}

/// Decodes the whole `IstioOperator` (1.21.6:operator/pkg/validate/common.go:273-293, operator/pkg/apis/istio/common.go:43-57;
/// its fields are those of `operator/pkg/apis/istio/v1alpha1/types.go`, up to 1.13 `operator_crd.pb.go`).
fn undecodable(operator: &Value, version: &Version) -> Vec<Diagnostic> {
    let encoding = if version.minor >= 14 {
        Encoding::Yaml
    } else {
        Encoding::Proto
    };
    let outer: Map<String, Value> = operator
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| !matches!(key.as_str(), "spec" | "status"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let mut faults: Vec<Diagnostic> = OPERATOR
        .decode("IstioOperator", &Value::Object(outer), encoding, version)
        .into_iter()
        .map(|it| refused(it, ""))
        .collect();
    if let Some(spec) = operator.get("spec") {
        let found = LEGACY.decode("IstioOperatorSpec", spec, Encoding::Proto, version);
        faults.extend(found.into_iter().map(|it| refused(it, "spec")));
    }
    faults
}

/// Checks as `CheckIstioOperatorSpec` does (1.21.6:operator/pkg/validate/validate.go:33-75).
fn spec(operator: &Value, version: &Version) -> Vec<Diagnostic> {
    let Some(spec) = operator.get("spec").filter(|it| it.is_object()) else {
        return Vec::new();
    };
    let mut diagnostics = Vec::new();
    if let Some(values) = spec.get("values").filter(|it| !it.is_null()) {
        let faults = VALUES.decode("Values", values, Encoding::Proto, version);
        diagnostics.extend(faults.into_iter().map(in_values));
        ports::check_ranges(values, ports::Ranges::new(version), &mut diagnostics);
        if let Some(mesh) = values.get("meshConfig") {
            mesh_config_at(mesh, "spec.values.meshConfig", version, &mut diagnostics);
        }
    }
    if let Some(mesh) = spec.get("meshConfig") {
        mesh_config_at(mesh, "spec.meshConfig", version, &mut diagnostics);
    }
    names::check(spec, version, &mut diagnostics);
    diagnostics
}

/// A fault in values, in istioctl's words: without what decoding says before it.
fn in_values(fault: Fault) -> Diagnostic {
    let mut diagnostic = refused(fault, "spec.values");
    let words = diagnostic
        .message
        .trim_start_matches("could not unmarshal: ");
    diagnostic.message = match words.strip_prefix("json: unknown") {
        Some(rest) => format!("unknown{rest}"),
        None => words.to_owned(),
    };
    diagnostic
}

/// Checks as `validateMeshConfig` does: unknown fields first, then what it means
/// (1.21.6:operator/pkg/validate/validate.go:184-198).
fn mesh_config_at(mesh: &Value, path: &str, version: &Version, diagnostics: &mut Vec<Diagnostic>) {
    let faults = MESH_CONFIG.decode("MeshConfig", mesh, Encoding::Proto, version);
    if faults.is_empty() {
        legacy_mesh_config(mesh, path, version, diagnostics);
    }
    diagnostics.extend(faults.into_iter().map(|it| {
        let mut diagnostic = refused(it, path);
        let words = diagnostic
            .message
            .trim_start_matches("could not unmarshal: ");
        let words = words
            .strip_prefix("json: unknown")
            .map_or_else(|| words.to_owned(), |it| format!("unknown{it}"));
        diagnostic.message = format!("failed to unmarshall mesh config: {words}");
        diagnostic
    }));
}

/// Checks as `ValidateConfig` does (1.21.6:operator/pkg/apis/istio/v1alpha1/validation/validation.go:41-68).
fn semantics(merged: &Value, user: &Value, version: &Version) -> Vec<Diagnostic> {
    let spec = merged.get("spec").unwrap_or(&Value::Null);
    let values = spec.get("values").unwrap_or(&Value::Null);
    let faults = VALUES.decode("Values", values, Encoding::OpenProto, version);
    let mut diagnostics: Vec<Diagnostic> = faults.into_iter().map(in_values).collect();
    if version.minor >= 7 {
        ports::check(spec, values, &mut diagnostics);
    }
    if version.minor >= 14 {
        autoscaling(spec, values, &mut diagnostics);
    }
    deprecated::check(merged, user, version.minor, &mut diagnostics);
    diagnostics
}

/// The name of a gateway, or none.
fn name(gateway: &Value) -> &str {
    get_str(gateway, &["name"])
}

#[cfg(test)]
mod tests;
