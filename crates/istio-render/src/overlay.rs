//! What is done to objects after their chart rendered them: `k8s` settings and overlays (domain §2.3).

pub(crate) mod strategic;
pub(crate) mod tree;

use istio_catalog::{ComponentName, revisioned};
use serde_json::{Map, Value, json};

use crate::component::{Instance, Kind};
use crate::operator::merge::get;
use crate::{Diagnostic, go};

/// Applies an instance's `k8s` settings and overlays to its objects.
///
/// `revision` is `values.revision` as the chart saw it.
/// 1.31:operator/pkg/render/postprocess.go.
pub(crate) fn apply(
    kind: &Kind,
    instance: &Instance,
    revision: &str,
    objects: &mut [Value],
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<(), Box<Diagnostic>> {
    let Some(Value::Object(k8s)) = instance.spec.get("k8s") else {
        return Ok(());
    };
    let (workload, default_name, container) = kind.workload.unwrap_or_default();
    let mut name = if instance.name.is_empty() {
        default_name.to_owned()
    } else {
        instance.name.clone()
    };
    if kind.name == ComponentName::Pilot {
        name = revisioned(&name, revision);
    }
    let service = service(kind, k8s);
    let settings = k8s.iter().filter(|(field, _)| *field != "service");
    for (field, value) in settings
        .map(|(field, value)| (field.as_str(), value))
        .chain(service.iter().map(|it| ("service", it)))
    {
        let Some(setting) = Setting::new(field, value, workload, container) else {
            continue;
        };
        for object in objects
            .iter_mut()
            .filter(|it| is_named(it, setting.kind, &name))
        {
            setting
                .apply(object)
                .map_err(|it| it.at(format!("{}.k8s.{field}", instance.path)))?;
            if field == "podDisruptionBudget" {
                settle_disruption_budget(object);
            }
        }
    }
    let overlays = k8s.get("overlays").and_then(Value::as_array);
    for (index, overlay) in overlays.into_iter().flatten().enumerate() {
        let path = format!("{}.k8s.overlays.[{index}]", instance.path);
        apply_overlay(overlay, &path, objects, diagnostics);
    }
    Ok(())
}

/// The Service's settings; a gateway's ports went to its chart as values and would be merged wrongly here
/// (kubernetes/kubernetes#103544).
fn service(kind: &Kind, k8s: &Map<String, Value>) -> Option<Value> {
    match k8s.get("service").cloned() {
        Some(Value::Object(mut it)) if kind.is_gateway => {
            it.insert("ports".to_owned(), json!([]));
            Some(Value::Object(it))
        }
        service => service,
    }
}

/// One of the `k8s` settings as a strategic merge patch.
#[derive(Debug)]
pub(crate) struct Setting {
    /// The kind of the object that it changes.
    pub(crate) kind: &'static str,
    patch: Value,
}

impl Setting {
    /// Returns the patch of a setting; `None` for what is no setting.
    ///
    /// `volumes` and `volumeMounts` are in the schema and do nothing (domain §11, F-30).
    pub(crate) fn new(
        field: &str,
        value: &Value,
        workload: &'static str,
        container: &str,
    ) -> Option<Self> {
        let pod = |key: &str, value: Value| {
            (
                workload,
                json!({"spec": {"template": {"spec": {key: value}}}}),
            )
        };
        let (kind, patch) = match field {
            "affinity" | "nodeSelector" | "priorityClassName" | "tolerations"
            | "securityContext" => pod(field, value.clone()),
            "env" | "imagePullPolicy" | "readinessProbe" | "resources" => {
                pod("containers", json!([{"name": container, field: value}]))
            }
            "podAnnotations" => (
                workload,
                json!({"spec": {"template": {"metadata": {"annotations": value}}}}),
            ),
            "replicaCount" => (workload, json!({"spec": {"replicas": value}})),
            "strategy" => (workload, json!({"spec": {"strategy": value}})),
            "hpaSpec" => ("HorizontalPodAutoscaler", json!({"spec": value})),
            "podDisruptionBudget" => ("PodDisruptionBudget", json!({"spec": value})),
            "serviceAnnotations" => ("Service", json!({"metadata": {"annotations": value}})),
            "service" => ("Service", json!({"spec": value})),
            _ => return None,
        };
        Some(Self { kind, patch })
    }

    /// Merges the setting into an object of its kind.
    pub(crate) fn apply(&self, object: &mut Value) -> Result<(), Box<Diagnostic>> {
        let schema = if self.kind == "PodDisruptionBudget" {
            strategic::disruption_budget
        } else {
            strategic::kubernetes
        };
        let patched = strategic::merge(std::mem::take(object), self.patch.clone(), schema);
        *object = patched.map_err(|it| {
            Diagnostic::error("patch-failed", format!("post processing: patch: {it}"))
        })?;
        go::whole_numbers(object);
        Ok(())
    }
}

/// A budget takes one bound only: `maxUnavailable` drives out the chart's `minAvailable` (since 1.24.2).
fn settle_disruption_budget(object: &mut Value) {
    let Some(Value::Object(spec)) = object.get_mut("spec") else {
        return;
    };
    if spec.contains_key("maxUnavailable") && spec.contains_key("minAvailable") {
        spec.insert("minAvailable".to_owned(), Value::Null);
    }
}

/// Applies an overlay to every object of its kind and name, and says where it hit nothing (domain §11, F-8).
fn apply_overlay(
    overlay: &Value,
    path: &str,
    objects: &mut [Value],
    diagnostics: &mut Vec<Diagnostic>,
) {
    let text = |key: &str| overlay.get(key).and_then(Value::as_str).unwrap_or_default();
    let (kind, name) = (text("kind"), text("name"));
    let mut hit = false;
    for object in objects.iter_mut().filter(|it| is_named(it, kind, name)) {
        hit = true;
        let mut tree = tree::Tree::new(std::mem::take(object));
        let patches = overlay.get("patches").and_then(Value::as_array);
        for (index, patch) in patches.into_iter().flatten().enumerate() {
            let target = patch
                .get("path")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let value = patch.get("value").cloned().unwrap_or_default();
            if let Err(message) = tree.write(target, &value) {
                let message = format!(
                    "this patch cannot be applied to {kind} {name}, which istioctl does not say: {message}"
                );
                diagnostics.push(
                    Diagnostic::corrected("f-8", message)
                        .at(format!("{path}.patches.[{index}].path")),
                );
            }
        }
        *object = tree.into_object();
        go::whole_numbers(object);
    }
    if !hit {
        let message = format!(
            "no rendered {kind} is called {name}: this overlay does nothing, which istioctl does not say"
        );
        diagnostics.push(Diagnostic::corrected("f-8", message).at(path));
    }
}

pub(crate) fn is_named(object: &Value, kind: &str, name: &str) -> bool {
    let text = |path: &[&str]| {
        get(object, path)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    text(&["kind"]) == kind && text(&["metadata", "name"]) == name
}

#[cfg(test)]
mod tests;
