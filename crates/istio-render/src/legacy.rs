//! The rules of 1.6 to 1.23: typed `IstioOperator`, strategic merges, settings moved out of values (domain §2.6).
//!
//! 1.23.6:operator/pkg/manifest/shared.go, operator/pkg/translate, operator/pkg/component, operator/pkg/patch.

mod component;
mod merge;
mod mergeable;
mod reverse;
mod settings;
mod validate;
mod values;

use serde_json::{Map, Value, json};

use crate::operator::merge::{get, get_str};
use crate::operator::{profile, set};
use crate::overlay::tree::Tree;
use crate::{Component, Diagnostic, Options, Refused, Release, Rendered, chart, is_refused, order};

/// Renders a request as istioctl 1.6 to 1.23 does.
pub(crate) fn render(
    charts: &chart::Charts,
    options: &Options,
    documents: &[Map<String, Value>],
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Rendered, Refused> {
    let release = charts.release();
    let version = release.rules();
    let minor = version.minor;
    let mut files = json!({});
    for document in documents {
        let document = Value::Object(document.clone());
        mergeable::check(&files, &document, &version)?;
        files = merge::operators(files, document, minor)?;
    }
    let user = overlay_sets(files, &options.sets, minor, diagnostics)?;
    let overlay = reverse::move_settings(user.clone(), minor)?;
    let mut merged = profile(release, get_str(&overlay, &["spec", "profile"]))?;
    if options
        .kubernetes
        .as_deref()
        .is_some_and(|it| it.contains("-gke"))
    {
        merged = merge::patch(
            merged,
            json!({"spec": {"components": {"cni": {"namespace": "kube-system"}}}}),
        );
    }
    mergeable::check(&merged, &overlay, &version)?;
    merged = merge::operators(merged, overlay.clone(), minor)?;
    enable_by_values(&mut merged, &overlay, minor)?;
    if minor >= 18 {
        proxy_metadata(&merged, &options.sets)?;
    }
    let request = validate::Request {
        files: &as_read(documents, minor)?,
        user: &user,
        merged: &merged,
    };
    diagnostics.extend(validate::check(request, &release.rules(), options.force));
    if is_refused(diagnostics) {
        return Err(Refused(None));
    }
    let spec = merged.get("spec").cloned().unwrap_or_default();
    let kubernetes = kubernetes(release, options);
    let mut components = Vec::new();
    for instance in component::instances(&spec, minor)? {
        let values = values::of(&instance, &spec, &release.rules());
        let settings = chart::Settings {
            chart: instance.kind.chart,
            namespace: &instance.namespace,
            values: &values,
            kubernetes: &kubernetes,
            is_untouched: false,
        };
        let mut objects = chart::render(charts, settings)
            .map_err(|it| it.at(&instance.path))?
            .objects;
        settings::apply(&instance, &spec, minor, &mut objects, diagnostics)?;
        settings::overlay(&instance, minor, &mut objects)?;
        sorted::sort_by_key(&mut objects, order::apply_key);
        let name = instance.kind.name.to_owned();
        components.push(Component {
            name,
            namespace: instance.namespace,
            objects,
            values: Value::Object(values),
        });
    }
    Ok(Rendered {
        merged,
        user,
        components,
        written: Vec::new(),
    })
}

/// What the files say as it is validated: the first as it stands, with its nulls, the others merged over it
/// (1.23.6:operator/pkg/manifest/shared.go, `readLayeredYAMLs`).
fn as_read(documents: &[Map<String, Value>], minor: u64) -> Result<Value, Refused> {
    let Some((first, others)) = documents.split_first() else {
        return Ok(json!({}));
    };
    let others = others.iter().map(|it| Value::Object(it.clone()));
    others
        .into_iter()
        .try_fold(Value::Object(first.clone()), |base, overlay| {
            merge::operators(base, overlay, minor)
        })
}

/// Writes sets into what the files say (1.23.6:operator/pkg/manifest/shared.go:478-516).
fn overlay_sets(
    files: Value,
    sets: &[String],
    minor: u64,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Value, Refused> {
    let mut tree = Tree::of_operator(files);
    for flag in sets {
        let place = |it: Diagnostic| {
            it.placed(
                &format!("--set {flag}"),
                kube_yaml::Position { line: 1, column: 1 },
            )
        };
        if flag.matches('=').count() != 1 {
            let message = format!("set flag {flag} has incorrect format, must be path=value");
            return Err(place(Diagnostic::error("invalid-set", message)).into());
        }
        let flag = flag.trim_start();
        let parsed = set::parse(flag.strip_prefix("spec.").unwrap_or(flag));
        let (path, text) = flag.split_once('=').unwrap_or((flag, ""));
        let path = path.trim().trim_start_matches("spec.");
        let value =
            if path.contains(PROXY_METADATA) && (minor < 18 || !path.starts_with(PROXY_METADATA)) {
                set::infer(text.trim())
            } else {
                parsed.value
            };
        tree.write(&format!("spec.{path}"), &value)
            .map_err(|it| place(Diagnostic::error("invalid-set", it)))?;
        if let Some(number) = parsed.kept_text {
            let message = format!("istioctl takes this for {number}; the text is kept");
            diagnostics.push(place(Diagnostic::corrected("f-12", message)));
        }
    }
    Ok(tree.into_object())
}

const PROXY_METADATA: &str = "meshConfig.defaultConfig.proxyMetadata";

/// Since 1.18 a set of metadata makes texts of all that stands in `spec.meshConfig`, which must then be there:
/// sets in `values.meshConfig` alone are refused (1.23.6:operator/pkg/manifest/shared.go, `convertIOPMapValues`).
fn proxy_metadata(merged: &Value, sets: &[String]) -> Result<(), Refused> {
    let path = |flag: &String| {
        let (path, _) = flag.split_once('=').unwrap_or((flag, ""));
        path.trim().to_owned()
    };
    let Some(set) = sets.iter().map(path).find(|it| it.contains(PROXY_METADATA)) else {
        return Ok(());
    };
    let mut below = merged.get("spec");
    for key in PROXY_METADATA.split('.') {
        below = below.and_then(|it| it.get(key)).filter(|it| it.is_object());
        if below.is_none() {
            let message = format!("can not convert subPath {key} in setFlag path {PROXY_METADATA}");
            let set = set.trim_start_matches("spec.");
            return Err(Diagnostic::error("invalid-set", message)
                .at(format!("spec.{set}"))
                .into());
        }
    }
    Ok(())
}

/// Reads a profile over the default one; both merge as operators do.
fn profile(release: &Release, name: &str) -> Result<Value, Refused> {
    let default = Value::Object(profile::read_one(release, "default")?);
    if name.is_empty() || name == "default" {
        return Ok(default);
    }
    let named = Value::Object(profile::read_one(release, name)?);
    merge::operators(default, named, release.rules().minor)
}

/// Values that turn a gateway or an addon on or off do so for the component of that name
/// (1.23.6:operator/pkg/translate/translate_common.go:78-90, 1.7.8:operator/pkg/name/name.go, `ScanBundledAddonComponents`).
fn enable_by_values(merged: &mut Value, overlay: &Value, minor: u64) -> Result<(), Refused> {
    let gateways = [
        ("ingressGateways", "istio-ingressgateway"),
        ("egressGateways", "istio-egressgateway"),
    ];
    let gateways = gateways.map(|(list, gateway)| {
        let path = format!("spec.components.{list}.[name:{gateway}].enabled");
        ("invalid-gateway", vec!["gateways", gateway], path)
    });
    let addons = component::bundled_addons(minor).map(|it| {
        let path = format!("spec.addonComponents.{it}.enabled");
        ("invalid-addon", vec![it], path)
    });
    for (code, place, path) in gateways.into_iter().chain(addons) {
        let values = ["spec", "values"].into_iter();
        let full: Vec<&str> = values.chain(place).chain(["enabled"]).collect();
        let Some(enabled) = get(overlay, &full) else {
            continue;
        };
        let mut tree = Tree::of_operator(std::mem::take(merged));
        tree.write(&path, enabled)
            .map_err(|it| Diagnostic::error(code, it).at(full.join(".")))?;
        *merged = tree.into_object();
    }
    Ok(())
}

/// The Kubernetes version that charts see: Helm's own up to 1.15 (1.14 and 1.15 look at the cluster), then the minimum.
fn kubernetes(release: &Release, options: &Options) -> String {
    let live = options
        .kubernetes
        .clone()
        .filter(|_| release.version().minor >= 14);
    live.unwrap_or_else(|| {
        if release.version().minor < 16 {
            "v1.20.0".to_owned()
        } else {
            release.minimum_kubernetes()
        }
    })
}
