//! What a `MeshConfig` says that is accepted and means nothing, or will not for long.

use semver::Version;
use serde_json::Value;
use sorted::SortedSet;

use super::{TRACERS, field, items};
use crate::Diagnostic;
use crate::operator::path;
use crate::operator::schema::MESH_CONFIG;
use crate::operator::validate::refused;

/// Where the newer allocation of addresses is described.
const ALLOCATION: &str = "https://istio.io/latest/docs/ops/configuration/traffic-management/dns-proxy/#dns-auto-allocation-v2";

/// Warns as `agent.ValidateMeshConfig` does (1.30.3:pkg/config/validation/agent/validation.go and extensionprovider.go),
/// and of fields that `protomarshal` passes over without a word.
pub(in crate::operator::validate) fn warn(
    mesh: &Value,
    path: &str,
    version: &Version,
    diagnostics: &mut Vec<Diagnostic>,
) {
    unknown(mesh, path, version, diagnostics);
    if let Some(proxy) = field(mesh, "defaultConfig") {
        let path = format!("{path}.defaultConfig");
        allocation(proxy, &path, version, diagnostics);
        tracers(proxy, &path, diagnostics);
    }
    providers(mesh, path, version, diagnostics);
}

/// Fields that nobody reads.
fn unknown(mesh: &Value, at: &str, version: &Version, diagnostics: &mut Vec<Diagnostic>) {
    for fault in MESH_CONFIG.passed_over("MeshConfig", mesh, version) {
        let mut diagnostic = refused(fault, at);
        let field = diagnostic.path.as_deref().unwrap_or_default();
        let name = path::split(field).pop().unwrap_or_default();
        let mut warning = Diagnostic::warning(
            "unknown-mesh-field",
            format!(
                "Istio knows no such field: `{name}` is passed over without a word, and has no effect"
            ),
        );
        warning.path = diagnostic.path.take();
        warning.hint = diagnostic.hint;
        warning.nearest = diagnostic.nearest;
        diagnostics.push(warning);
    }
}

/// Addresses of service entries, allocated by proxies: deprecated from 1.25 on.
fn allocation(proxy: &Value, path: &str, version: &Version, diagnostics: &mut Vec<Diagnostic>) {
    const NAME: &str = "ISTIO_META_DNS_AUTO_ALLOCATE";
    let set = field(proxy, "proxyMetadata").is_some_and(|it| it.get(NAME).is_some());
    if set && version.minor >= 25 {
        let message = format!("`{NAME}` is deprecated from Istio 1.25 on");
        diagnostics.push(
            Diagnostic::warning("deprecated-mesh-field", message)
                .at(format!("{path}.proxyMetadata.{NAME}"))
                .hinted(format!(
                    "istiod allocates addresses itself, see {ALLOCATION}"
                )),
        );
    }
}

/// Several tracers where one can be.
fn tracers(proxy: &Value, path: &str, diagnostics: &mut Vec<Diagnostic>) {
    let Some(tracing) = field(proxy, "tracing") else {
        return;
    };
    let given: Vec<&str> = TRACERS
        .into_iter()
        .filter(|it| field(tracing, it).is_some())
        .collect();
    if let [others @ .., kept] = given.as_slice()
        && let [first, ..] = others
    {
        let message = format!(
            "One tracer is taken of several: `{kept}` counts, and `{}` has no effect",
            others.join("` and `")
        );
        diagnostics.push(
            Diagnostic::warning("several-tracers", message)
                .at(format!("{path}.tracing.{first}"))
                .hinted("Leave one of them"),
        );
    }
}

/// Providers that Istio drops: without a name, with the name of another, or without a type that it knows.
fn providers(mesh: &Value, path: &str, version: &Version, diagnostics: &mut Vec<Diagnostic>) {
    let mut names = SortedSet::new();
    for (index, provider) in items(field(mesh, "extensionProviders")).enumerate() {
        let path = format!("{path}.extensionProviders.[{index}]");
        let name = provider
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let mut warn = |message: String, path: String| {
            diagnostics.push(
                Diagnostic::warning("bad-extension-provider", message)
                    .at(path)
                    .hinted("Istio passes over it; what names this provider finds none"),
            );
        };
        if name.is_empty() {
            warn(
                "A provider of `extensionProviders` has no name".to_owned(),
                path.clone(),
            );
        } else if !names.insert(name) {
            warn(
                format!("`extensionProviders` has two providers of the name {name:?}"),
                format!("{path}.name"),
            );
        }
        let typed = |map: &serde_json::Map<String, Value>| {
            map.iter()
                .any(|(key, value)| key != "name" && !value.is_null())
        };
        // A type in a wrong spelling is an unknown field, and told as such.
        let misspelt = !MESH_CONFIG
            .passed_over("MeshConfig.ExtensionProvider", provider, version)
            .is_empty();
        if provider.as_object().is_some_and(|it| !typed(it)) && !misspelt {
            warn(
                format!(
                    "The provider {name:?} is of no type: a field such as `zipkin` or `envoyOtelAls` is missing"
                ),
                path,
            );
        }
    }
}
