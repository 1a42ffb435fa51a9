//! What istioctl checks before it renders (domain §1.7).

mod mesh;
mod names;
pub(crate) mod ports;

use semver::Version;
use serde_json::Value;

use super::merge::{get, get_bool};
use super::schema::{Encoding, Fault, KUBERNETES, MESH_CONFIG, OPERATOR, VALUES};
use crate::Diagnostic;

pub(crate) use mesh::check_legacy as legacy_mesh_config;
pub(crate) use names::is_dns_label;

/// Validates a merged and translated `IstioOperator`: errors, warnings and refusals of istioctl's that are not repeated.
///
/// 1.31:operator/pkg/apis/validation/validation.go.
pub(crate) fn validate(operator: &Value, version: &Version) -> Vec<Diagnostic> {
    let faults = OPERATOR.decode("IstioOperator", operator, Encoding::Json, version);
    // istioctl judges a file that does not decode no further; here all that is to be mended is told at once.
    let mut diagnostics: Vec<_> = faults.into_iter().map(|it| refused(it, "")).collect();
    let spec = operator.get("spec").unwrap_or(&Value::Null);
    values(spec, version, &mut diagnostics);
    if let Some(mesh_config) = spec.get("meshConfig") {
        mesh_config_at(mesh_config, "spec.meshConfig", version, &mut diagnostics);
    }
    names::check(spec, &mut diagnostics);
    diagnostics
}

/// Returns why a component cannot be read, which no force gets past: fields may be unknown, but not of a wrong type
/// (1.31:operator/pkg/component/component.go:65-77).
pub(crate) fn unreadable_component(operator: &Value, version: &Version) -> Option<Diagnostic> {
    let components = get(operator, &["spec", "components"])?.as_object()?;
    let known = crate::component::KINDS.iter().filter_map(|kind| {
        let value = components.get(kind.key)?;
        let is_read = if kind.is_gateway {
            value.is_array()
        } else {
            value.is_object()
        };
        is_read.then_some((kind, value))
    });
    known.into_iter().find_map(|(kind, value)| {
        let shape = if kind.is_gateway {
            "[]GatewayComponentSpec"
        } else {
            "GatewayComponentSpec"
        };
        let faults = OPERATOR.decode(shape, value, Encoding::Json, version);
        let fault = faults.into_iter().find(|it| !it.unknown_field)?;
        Some(refused(fault, &format!("spec.components.{}", kind.key)))
    })
}

/// What a fault is to the user; paths are given below `prefix`.
pub(crate) fn refused(fault: Fault, prefix: &str) -> Diagnostic {
    let code = if fault.unknown_field {
        "unknown-field"
    } else {
        "wrong-type"
    };
    let path = [prefix, &fault.path]
        .iter()
        .filter(|it| !it.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join(".");
    let diagnostic =
        Diagnostic::error(code, format!("could not unmarshal: {}", fault.message)).at(path);
    Diagnostic {
        hint: fault.hint,
        nearest: fault.nearest,
        ..diagnostic
    }
}

fn values(spec: &Value, version: &Version, diagnostics: &mut Vec<Diagnostic>) {
    let Some(values) = spec.get("values").filter(|it| !it.is_null()) else {
        return;
    };
    let mut decoded = values.clone();
    correct_refusals(&mut decoded, version, diagnostics);
    let faults = VALUES.decode("Values", &decoded, Encoding::Proto, version);
    diagnostics.extend(faults.into_iter().map(|it| refused(it, "spec.values")));
    ports::check(spec, values, diagnostics);
    autoscaling(spec, values, diagnostics);
    if let Some(mesh_config) = values.get("meshConfig") {
        mesh_config_at(mesh_config, "spec.values.meshConfig", version, diagnostics);
    }
    ports::check_ranges(values, ports::Ranges::CURRENT, diagnostics);
    if version.minor >= 29 {
        let mut found = Vec::new();
        kubernetes(&decoded, version, &mut found);
        found.retain(|it| !diagnostics.iter().any(|known| known.path == it.path));
        diagnostics.extend(found);
    }
}

/// Takes out what istioctl refuses although the charts want it, and says so (domain §11, F-22, F-32).
fn correct_refusals(values: &mut Value, version: &Version, diagnostics: &mut Vec<Diagnostic>) {
    if let Some(Value::Object(waypoint)) = values
        .get_mut("global")
        .and_then(|it| it.get_mut("waypoint"))
    {
        let path = "spec.values.global.waypoint";
        if waypoint
            .get("nodeSelector")
            .and_then(Value::as_object)
            .is_some_and(|it| it.values().all(Value::is_string))
        {
            waypoint.remove("nodeSelector");
            let message =
                "istioctl refuses a map of labels here, though it is what the chart takes";
            diagnostics
                .push(Diagnostic::corrected("f-22", message).at(format!("{path}.nodeSelector")));
        }
        if let Some(tolerations) = waypoint.remove("tolerations") {
            let faults = KUBERNETES.decode("[]Toleration", &tolerations, Encoding::Json, version);
            diagnostics.extend(
                faults
                    .into_iter()
                    .map(|it| refused(it, &format!("{path}.tolerations"))),
            );
            let message =
                "istioctl knows this field as `toleration`, which the chart does not read";
            diagnostics
                .push(Diagnostic::corrected("f-22", message).at(format!("{path}.tolerations")));
        }
    }
    if version.minor <= 28 {
        let volumes = get(values, &["pilot", "volumes"]).and_then(Value::as_array);
        if volumes.is_some_and(|it| {
            it.iter()
                .filter_map(Value::as_object)
                .any(|it| it.keys().any(|key| key != "name"))
        }) {
            let message = "istioctl before 1.29 refuses every source of a volume here";
            diagnostics
                .push(Diagnostic::corrected("f-32", message).at("spec.values.pilot.volumes"));
        }
    }
}

fn mesh_config_at(
    mesh_config: &Value,
    path: &str,
    version: &Version,
    diagnostics: &mut Vec<Diagnostic>,
) {
    if mesh_config.is_null() {
        return;
    }
    let faults = MESH_CONFIG.decode("MeshConfig", mesh_config, Encoding::OpenProto, version);
    if faults.is_empty() {
        mesh::check(mesh_config, path, version, diagnostics);
        mesh::warn(mesh_config, path, version, diagnostics);
        return;
    }
    for fault in faults {
        let mut diagnostic = refused(fault, path);
        diagnostic.message = diagnostic.message.replacen(
            "could not unmarshal: json:",
            "failed to convert to proto.",
            1,
        );
        diagnostics.push(diagnostic);
    }
}

/// Warns where a fixed number of replicas fights autoscaling.
pub(crate) fn autoscaling(spec: &Value, values: &Value, diagnostics: &mut Vec<Diagnostic>) {
    let replicas = |component: &Value| {
        get(component, &["k8s", "replicaCount"])
            .and_then(Value::as_f64)
            .unwrap_or_default()
    };
    let components = spec.get("components").unwrap_or(&Value::Null);
    if get_bool(values, &["pilot", "autoscaleEnabled"])
        && components
            .get("pilot")
            .map(replicas)
            .is_some_and(|it| it > 1.0)
    {
        let message = "components.pilot.k8s.replicaCount should not be set when values.pilot.autoscaleEnabled is true";
        diagnostics.push(
            Diagnostic::warning("replicas-and-autoscaling", message)
                .at("spec.components.pilot.k8s.replicaCount"),
        );
    }
    for kind in ["ingress", "egress"] {
        let gateway = format!("istio-{kind}gateway");
        if !get_bool(values, &["gateways", &gateway, "autoscaleEnabled"]) {
            continue;
        }
        let list = format!("{kind}Gateways");
        let gateways = components
            .get(&list)
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        for (index, element) in gateways.enumerate().filter(|(_, it)| replicas(it) != 0.0) {
            let name = element
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let message = format!(
                "components.{list}[name={name}].k8s.replicaCount should not be set when values.gateways.{gateway}.autoscaleEnabled is true"
            );
            let path = format!("spec.components.{list}.[{index}].k8s.replicaCount");
            diagnostics.push(Diagnostic::warning("replicas-and-autoscaling", message).at(path));
        }
    }
}

/// Values that are Kubernetes types, each with what it is (1.29.6:operator/pkg/apis/validation/validation.go:193-234).
const KUBERNETES_VALUES: [(&[&str], &str); 23] = [
    (&["cni", "affinity"], "Affinity"),
    (&["cni", "seccompProfile"], "SeccompProfile"),
    (
        &[
            "gateways",
            "istio-egressgateway",
            "podAntiAffinityLabelSelector",
        ],
        "[]LabelSelector",
    ),
    (
        &[
            "gateways",
            "istio-egressgateway",
            "podAntiAffinityTermLabelSelector",
        ],
        "[]LabelSelector",
    ),
    (
        &["gateways", "istio-egressgateway", "tolerations"],
        "[]Toleration",
    ),
    (&["global", "defaultTolerations"], "[]Toleration"),
    (
        &[
            "gateways",
            "istio-ingressgateway",
            "podAntiAffinityLabelSelector",
        ],
        "[]LabelSelector",
    ),
    (
        &[
            "gateways",
            "istio-ingressgateway",
            "podAntiAffinityTermLabelSelector",
        ],
        "[]LabelSelector",
    ),
    (
        &["gateways", "istio-ingressgateway", "tolerations"],
        "[]Toleration",
    ),
    (&["pilot", "tolerations"], "[]Toleration"),
    (&["pilot", "affinity"], "Affinity"),
    (&["pilot", "seccompProfile"], "SeccompProfile"),
    (
        &["pilot", "topologySpreadConstraints"],
        "[]TopologySpreadConstraint",
    ),
    (&["pilot", "volumeMounts"], "[]VolumeMount"),
    (&["pilot", "volumes"], "[]Volume"),
    (&["global", "proxy", "seccompProfile"], "SeccompProfile"),
    (&["global", "proxy", "lifecycle"], "Lifecycle"),
    (
        &["sidecarInjectorWebhook", "neverInjectSelector"],
        "[]LabelSelector",
    ),
    (
        &["sidecarInjectorWebhook", "alwaysInjectSelector"],
        "[]LabelSelector",
    ),
    (&["global", "waypoint", "affinity"], "Affinity"),
    (
        &["global", "waypoint", "topologySpreadConstraints"],
        "[]TopologySpreadConstraint",
    ),
    (&["global", "waypoint", "nodeSelector"], "NodeSelector"),
    (&["global", "waypoint", "toleration"], "[]Toleration"),
];

fn kubernetes(values: &Value, version: &Version, diagnostics: &mut Vec<Diagnostic>) {
    for (path, kind) in KUBERNETES_VALUES {
        let Some(value) = get(values, path) else {
            continue;
        };
        let path = path.join(".");
        for fault in KUBERNETES.decode(kind, value, Encoding::Yaml, version) {
            let message = format!(
                "invalid schema for {path}: error unmarshaling JSON: while decoding JSON: {}",
                fault.message
            );
            let mut diagnostic = refused(fault, &format!("spec.values.{path}"));
            diagnostic.message = message;
            diagnostics.push(diagnostic);
        }
    }
}

#[cfg(test)]
mod tests;
