//! Helm values made from a spec (1.23.6:operator/pkg/translate/translate.go:467-650,714-778).

use istio_catalog::ComponentName;
use semver::Version;
use serde_json::{Map, Value, json};

use super::component::{Instance, namespace_of, valued};
use super::merge;
use crate::go;
use crate::operator::merge::{get, set};

/// Returns the values that the chart of an instance sees.
pub(super) fn of(instance: &Instance, spec: &Value, version: &Version) -> Map<String, Value> {
    let mut translated = translated(spec, version.minor);
    if (14..=21).contains(&version.minor) && has_deprecated_metrics(spec) {
        set(
            &mut translated,
            &["global", "autoscalingv2API"],
            false.into(),
        );
    }
    let layer = |key: &str| {
        spec.get(key)
            .filter(|it| it.is_object())
            .cloned()
            .unwrap_or_else(|| json!({}))
    };
    let merged = merge::patch(Value::Object(translated.clone()), layer("values"));
    let Value::Object(mut values) = merge::patch(merged, layer("unvalidatedValues")) else {
        return translated;
    };
    if instance.kind.name == ComponentName::Ztunnel {
        values = flattened(values, &translated, version);
    }
    if instance.kind.is_gateway() {
        gateway(instance, version.minor, &mut values);
    }
    values
}

/// Where values name the namespaces of components, each with the last minor that does
/// (1.7.8:operator/pkg/translate/translate.go, `GlobalNamespaces`, and `translateConfig-1.6.yaml` of 1.6.14).
const NAMESPACES: [(u64, &str, &str); 6] = [
    (u64::MAX, "pilot", "istioNamespace"),
    (7, "telemetry", "telemetryNamespace"),
    (7, "policy", "policyNamespace"),
    (6, "galley", "configNamespace"),
    (6, "prometheus", "prometheusNamespace"),
    (6, "citadel", "securityNamespace"),
];

/// What the spec says outside `values`, as values.
fn translated(spec: &Value, minor: u64) -> Map<String, Value> {
    let mut root = Map::new();
    let fields: [(&str, &[&str]); 5] = [
        ("hub", &["global", "hub"]),
        ("tag", &["global", "tag"]),
        ("revision", &["revision"]),
        ("meshConfig", &["meshConfig"]),
        ("compatibilityVersion", &["compatibilityVersion"]),
    ];
    for (field, path) in fields {
        let given = spec
            .get(field)
            .filter(|it| !it.is_null() && it.as_str() != Some(""));
        if let Some(value) = given.filter(|_| field != "compatibilityVersion" || minor >= 21) {
            set(&mut root, path, value.clone());
        }
    }
    // Below 1.9 each field of the mesh config is translated by itself, and empty texts are none
    // (1.8.6:operator/pkg/translate/translate.go, `defaultTranslationFunc`).
    if let Some(Value::Object(mesh)) = root.get_mut("meshConfig").filter(|_| minor < 9) {
        mesh.retain(|_, it| it.as_str() != Some(""));
    }
    // Backwards, so that what Base and IstiodRemote share is Base's.
    let mut kinds: Vec<_> = valued(minor).collect();
    sorted::sort_by_key(&mut kinds, |it| it.name);
    let none = Map::new();
    for kind in kinds.into_iter().rev() {
        let component = get(spec, &["components", kind.key])
            .and_then(Value::as_object)
            .unwrap_or(&none);
        let enabled = component.get("enabled").and_then(Value::as_bool) == Some(true);
        let mut write = |root_path: &[&str], key: &str, value: Value| {
            let path: Vec<&str> = root_path.iter().copied().chain([key]).collect();
            set(&mut root, &path, value);
        };
        // The chart calls itself cni, the others ask whether istio_cni is on.
        write(
            if kind.name == ComponentName::Cni {
                &["istio_cni"]
            } else {
                kind.root
            },
            "enabled",
            enabled.into(),
        );
        write(kind.root, "namespace", namespace_of(component, spec).into());
        for key in ["hub", "tag"] {
            let given = component.get(key).filter(|it| !it.is_null()).map(go::print);
            if let Some(text) = given.filter(|it| !it.is_empty()) {
                write(kind.root, key, text.into());
            }
        }
    }
    for (_, key, field) in NAMESPACES.iter().filter(|(until, ..)| minor <= *until) {
        let component = get(spec, &["components", *key])
            .and_then(Value::as_object)
            .unwrap_or(&none);
        let namespace = namespace_of(component, spec);
        set(&mut root, &["global", *field], namespace.into());
    }
    root
}

/// Whether istiod or a default gateway has an `hpaSpec` with metrics in the form of `autoscaling/v2beta1`
/// (1.16.7:operator/pkg/translate/translate.go:309-352).
fn has_deprecated_metrics(spec: &Value) -> bool {
    let gateway = |list: &str, name: &str| {
        let elements = get(spec, &["components", list])
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        elements
            .filter(|it| it.get("name").and_then(Value::as_str) == Some(name))
            .cloned()
            .collect::<Vec<_>>()
    };
    let mut components: Vec<Value> = get(spec, &["components", "pilot"])
        .cloned()
        .into_iter()
        .collect();
    components.extend(gateway("ingressGateways", "istio-ingressgateway"));
    components.extend(gateway("egressGateways", "istio-egressgateway"));
    let metrics = components
        .iter()
        .filter_map(|it| get(it, &["k8s", "hpaSpec", "metrics"])?.as_array())
        .flatten();
    let is_set = |it: &Value| !it.is_null() && it.as_f64() != Some(0.0) && it.as_str() != Some("");
    let old = |metric: &Value, kind: &str, fields: &[&str]| {
        fields
            .iter()
            .any(|field| get(metric, &[kind, *field]).is_some_and(is_set))
    };
    metrics.into_iter().any(|it| {
        old(
            it,
            "object",
            &["metricName", "averageValue", "selector", "targetValue"],
        ) || old(
            it,
            "pods",
            &["metricName", "selector", "targetAverageValue"],
        ) || old(
            it,
            "resource",
            &["targetAverageValue", "targetAverageUtilization"],
        ) || old(
            it,
            "external",
            &[
                "targetAverageValue",
                "targetValue",
                "metricName",
                "metricSelector",
            ],
        )
    })
}

/// Ztunnel's chart wants its values at the top; up to 1.22.3 the global ones as well, from then on below `global`.
///
/// What the API translates to is there since 1.20, and what all charts share (`profile` too) since 1.22.
/// 1.19.10, 1.21.6, 1.22.3, 1.22.4:operator/pkg/translate/translate.go, `TranslateHelmValues`.
fn flattened(
    values: Map<String, Value>,
    translated: &Map<String, Value>,
    version: &Version,
) -> Map<String, Value> {
    let Some(Value::Object(own)) = values.get("ztunnel").cloned() else {
        return values;
    };
    let mut flat = Map::new();
    if version.minor >= 20 {
        let scalars = translated.iter().filter(|(_, it)| !it.is_object());
        flat.extend(scalars.map(|(key, it)| (key.clone(), it.clone())));
    }
    let global = values.get("global").cloned().unwrap_or_default();
    // The charts of 1.21 to 1.23 in Istio's own tests are the same: an unstamped tree may be of any of them.
    let is_unstamped = version.patch == u64::MAX;
    if (version.minor, version.patch) < (22, 4) {
        flat.extend(global.as_object().cloned().unwrap_or_default());
    }
    if (version.minor, version.patch) >= (22, 4) || is_unstamped {
        flat.insert("global".to_owned(), global);
    }
    if version.minor >= 22 || is_unstamped {
        let shared = ["ownerName", "revision", "compatibilityVersion", "profile"];
        let shared = shared
            .into_iter()
            .filter_map(|key| Some((key.to_owned(), values.get(key)?.clone())));
        flat.extend(shared);
    }
    flat.extend(own);
    flat
}

/// A gateway's name, labels and ports, where the values have a place for them.
fn gateway(instance: &Instance, minor: u64, values: &mut Map<String, Value>) {
    let [_, gateway] = instance.kind.root else {
        return;
    };
    let place = values
        .get_mut("gateways")
        .and_then(|it| it.get_mut(*gateway));
    let Some(Value::Object(place)) = place else {
        return;
    };
    place.insert("name".to_owned(), instance.name.clone().into());
    if let Some(label) = instance
        .spec
        .get("label")
        .filter(|it| it.as_object().is_some_and(|it| !it.is_empty()))
    {
        place.insert("labels".to_owned(), label.clone());
    }
    let ports = instance
        .spec
        .get("k8s")
        .and_then(|it| get(it, &["service", "ports"]))
        .and_then(Value::as_array);
    if let Some(ports) = ports.filter(|it| !it.is_empty()) {
        let given = |it: &Value| {
            !matches!(it, Value::Null) && it.as_f64() != Some(0.0) && it.as_str() != Some("")
        };
        let port = |it: &Value| {
            it.as_object()
                .into_iter()
                .flatten()
                .filter(|(_, it)| given(it))
                .map(|(key, it)| (key.clone(), it.clone()))
                .collect()
        };
        place.insert(
            "ports".to_owned(),
            ports.iter().map(|it| Value::Object(port(it))).collect(),
        );
    } else if minor < 8
        && let Some(Value::Object(_)) = instance.spec.get("k8s").and_then(|it| it.get("service"))
    {
        // Up to 1.7 a Service without ports takes the chart's away (1.7.8:operator/pkg/translate/translate.go, `applyGatewayTranslations`).
        place.insert("ports".to_owned(), Value::Null);
    }
}
