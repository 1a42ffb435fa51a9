//! `k8s` settings and overlays on rendered objects (1.23.6:operator/pkg/translate/translate.go:186-460, operator/pkg/patch).

use istio_catalog::ComponentName;
use serde_json::{Map, Value, json};

use super::component::Instance;
use crate::operator::merge::{get, get_bool, get_str};
use crate::overlay::tree::Tree;
use crate::overlay::{Setting, is_named};
use crate::{Diagnostic, Refused, go};

/// Merges an instance's settings into its objects; one whose object is not there is passed over.
pub(super) fn apply(
    instance: &Instance,
    spec: &Value,
    minor: u64,
    objects: &mut [Value],
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<(), Refused> {
    let Some(Value::Object(k8s)) = instance.spec.get("k8s") else {
        return Ok(());
    };
    let (workload, default_name, container) = instance.kind.workload;
    let mut name = if instance.name.is_empty() {
        default_name.to_owned()
    } else {
        instance.name.clone()
    };
    let revision = get_str(spec, &["revision"]);
    if name == "istiod" && !revision.is_empty() {
        name = format!("{name}-{revision}");
    }
    let switch: Vec<&str> = ["values"]
        .into_iter()
        .chain(instance.kind.root.iter().copied())
        .chain(["autoscaleEnabled"])
        .collect();
    for (field, value) in k8s {
        let Some(mut value) =
            pruned(value).filter(|it| !matches!(it, Value::Array(it) if it.is_empty()))
        else {
            continue;
        };
        let path = format!("{}.k8s.{field}", instance.path);
        // The table that is built into 1.6 lacks it (1.6.14:operator/pkg/vfs/assets.gen.go, `translateConfig-1.6.yaml`).
        if field == "securityContext" && minor <= 6 {
            let message = "istioctl 1.6 does nothing with k8s.securityContext";
            diagnostics.push(Diagnostic::warning("setting-without-effect", message).at(path));
            continue;
        }
        if field == "service" && (8..12).contains(&minor) {
            name_protocols(&mut value);
        }
        let Some(setting) = Setting::new(field, &value, workload, container) else {
            continue;
        };
        if instance.kind.name == ComponentName::Base {
            let message = "base component can only have k8s.overlays, not other K8s settings";
            return Err(Diagnostic::error("base-settings", message).at(path).into());
        }
        // Autoscaling owns the replicas.
        if field == "replicaCount" && minor >= 14 && get_bool(spec, &switch) {
            continue;
        }
        // The path of the object is cut at dots (1.8.6, 1.21.6:operator/pkg/translate/translate.go, `OverlayK8sSettings`).
        if name.contains('.') {
            let cut = name.split('.').next().unwrap_or_default();
            let kind = setting.kind;
            let message = format!(
                "path [{kind}:{name}] has an unexpected first element [{kind}:{cut} in OverlayK8sSettings"
            );
            return Err(Diagnostic::error("bad-gateway-name", message)
                .at(path)
                .into());
        }
        let Some(object) = objects
            .iter_mut()
            .rfind(|it| is_named(it, setting.kind, &name))
        else {
            continue;
        };
        let ports = get(object, &["spec", "ports"]).cloned();
        setting.apply(object).map_err(|it| it.at(&path))?;
        match field.as_str() {
            "service" if minor >= 12 => merge_ports(object, ports.as_ref(), &value),
            "podDisruptionBudget" if minor >= 9 => settle_disruption_budget(object),
            _ => {}
        }
    }
    Ok(())
}

/// A value without what the typed `IstioOperator` does not keep: nulls, empty texts and lists, zeros, false.
fn pruned(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Bool(it) => it.then_some(Value::Bool(true)),
        Value::Number(it) if it.as_f64() == Some(0.0) => None,
        Value::String(it) if it.is_empty() => None,
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => Some(Value::Array(
            items
                .iter()
                .map(|it| pruned(it).unwrap_or_else(|| it.clone()))
                .collect(),
        )),
        Value::Object(entries) => {
            let entries = entries
                .iter()
                .filter_map(|(key, it)| Some((key.clone(), pruned(it)?)));
            Some(Value::Object(entries.collect()))
        }
        scalar => Some(scalar.clone()),
    }
}

/// Ports of a Service that name no protocol are TCP's (1.8.6:operator/pkg/translate/translate.go:224-234).
fn name_protocols(service: &mut Value) {
    let ports = service.get_mut("ports").and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten() {
        if let Value::Object(port) = port {
            port.entry("protocol").or_insert_with(|| "TCP".into());
        }
    }
}

/// Ports merge by number and protocol: the chart's order first, the settings' values
/// (1.23.6:operator/pkg/translate/translate.go:308-464).
fn merge_ports(object: &mut Value, before: Option<&Value>, service: &Value) {
    let items = |it: Option<&Value>| it.and_then(Value::as_array).cloned().unwrap_or_default();
    let key = |it: &Map<String, Value>| {
        let protocol = it
            .get("protocol")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_uppercase();
        let port = it.get("port").and_then(Value::as_f64).unwrap_or_default();
        (
            port.to_bits(),
            if protocol.is_empty() {
                "TCP".to_owned()
            } else {
                protocol
            },
        )
    };
    let mut merged: Vec<Map<String, Value>> = Vec::new();
    for (port, is_overlay) in items(before)
        .into_iter()
        .map(|it| (it, false))
        .chain(items(service.get("ports")).into_iter().map(|it| (it, true)))
    {
        let Value::Object(mut port) = port else {
            continue;
        };
        if is_overlay {
            let udp = port
                .get("protocol")
                .and_then(Value::as_str)
                .is_some_and(|it| it.eq_ignore_ascii_case("udp"));
            port.insert(
                "protocol".to_owned(),
                if udp { "UDP" } else { "TCP" }.into(),
            );
        } else if port.get("protocol").is_none_or(Value::is_null) {
            port.insert("protocol".to_owned(), "TCP".into());
        }
        port.entry("targetPort").or_insert_with(|| json!(0));
        match merged.iter_mut().find(|it| key(it) == key(&port)) {
            Some(found) => *found = port,
            None => merged.push(port),
        }
    }
    if let Some(Value::Object(spec)) = object.get_mut("spec") {
        spec.insert(
            "ports".to_owned(),
            merged.into_iter().map(Value::Object).collect(),
        );
        go::whole_numbers(object);
    }
}

/// Of two bounds that are not zero `maxUnavailable` stays (1.23.6:operator/pkg/object/objects.go:526-569).
fn settle_disruption_budget(object: &mut Value) {
    let Some(Value::Object(spec)) = object.get_mut("spec") else {
        return;
    };
    let set = |it: Option<&Value>| match it {
        Some(Value::Number(it)) => it.as_f64() != Some(0.0),
        Some(Value::String(it)) => {
            it.trim_end_matches('%')
                .parse::<f64>()
                .is_ok_and(|it| it != 0.0)
                && it.ends_with('%')
        }
        _ => false,
    };
    if set(spec.get("maxUnavailable")) && set(spec.get("minAvailable")) {
        spec.remove("minAvailable");
    }
}

/// Applies overlays: each must match exactly one object, each starts from the object as it was, the last one counts.
///
/// 1.23.6:operator/pkg/patch/patch.go:113-171.
pub(super) fn overlay(
    instance: &Instance,
    minor: u64,
    objects: &mut [Value],
) -> Result<(), Refused> {
    let overlays = instance
        .spec
        .get("k8s")
        .and_then(|it| it.get("overlays"))
        .and_then(Value::as_array);
    let originals = objects.to_vec();
    for (index, overlay) in overlays.into_iter().flatten().enumerate() {
        let path = format!("{}.k8s.overlays.[{index}]", instance.path);
        let (kind, name) = (get_str(overlay, &["kind"]), get_str(overlay, &["name"]));
        let matches = |it: &Value| {
            let namespace = get_str(it, &["metadata", "namespace"]);
            is_named(it, kind, name) && (namespace.is_empty() || namespace == instance.namespace)
        };
        let found: Vec<usize> = originals
            .iter()
            .enumerate()
            .filter(|(_, it)| matches(it))
            .map(|(at, _)| at)
            .collect();
        let [at] = found.as_slice() else {
            let how = if found.is_empty() {
                "does not match any object"
            } else {
                "matches multiple objects"
            };
            let message = format!("overlay for {kind}:{name} {how} in output manifest");
            return Err(Diagnostic::error("overlay-failed", message).at(path).into());
        };
        let (Some(original), Some(object)) = (originals.get(*at), objects.get_mut(*at)) else {
            continue;
        };
        let mut tree = Tree::new(original.clone());
        let patches = overlay.get("patches").and_then(Value::as_array);
        for (index, patch) in patches.into_iter().flatten().enumerate() {
            let target = get_str(patch, &["path"]);
            if target.trim().is_empty() {
                continue;
            }
            let value = patch.get("value").cloned().unwrap_or_default();
            // 1.6 makes no maps on the way (1.6.14:operator/pkg/patch/patch.go:180).
            let reached = if minor <= 6 {
                tree.reaches(target)
            } else {
                Ok(())
            };
            reached
                .and_then(|()| tree.write(target, &value))
                .map_err(|it| {
                    Diagnostic::error("overlay-failed", it)
                        .at(format!("{path}.patches.[{index}].path"))
                })?;
        }
        *object = tree.into_object();
        go::whole_numbers(object);
    }
    Ok(())
}
