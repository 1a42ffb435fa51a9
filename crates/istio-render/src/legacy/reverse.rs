//! Settings of Kubernetes in the user's `values.pilot`, copied to `components.pilot.k8s`.
//!
//! 1.23.6:operator/pkg/translate/translate_value.go:138-155,329-376,448-512; those of autoscaling up to 1.13 only.

use serde_json::{Map, Value, json};

use super::merge;
use crate::operator::merge::get;
use crate::overlay::tree::Tree;
use crate::{Diagnostic, Refused, go};

/// Fields that have the same name below `values.pilot` and `components.pilot.k8s`.
const SAME_NAME: [&str; 10] = [
    "imagePullPolicy",
    "nodeSelector",
    "tolerations",
    "podDisruptionBudget",
    "podAnnotations",
    "priorityClassName",
    "readinessProbe",
    "replicaCount",
    "resources",
    "serviceAnnotations",
];

/// Returns what the user says with the settings added where components have them.
pub(super) fn move_settings(user: Value, minor: u64) -> Result<Value, Refused> {
    let Some(pilot) = get(&user, &["spec", "values", "pilot"])
        .and_then(Value::as_object)
        .cloned()
    else {
        return Ok(user);
    };
    let mut tree = Tree::of_operator(user.clone());
    let mut write = |path: &str, value: Value| {
        let path = format!("spec.components.pilot.k8s.{path}");
        tree.write(&path, &value).map_err(|it| {
            let message = format!("could not overlay k8s settings from values to IOP: {it}");
            Box::new(Diagnostic::error("invalid-values", message).at("spec.values.pilot"))
        })
    };
    let given = |key: &str| pilot.get(key).filter(|it| !is_default(it)).cloned();
    for key in SAME_NAME {
        if let Some(value) = given(key) {
            write(key, value)?;
        }
    }
    for (key, field) in [
        ("rollingMaxSurge", "maxSurge"),
        ("rollingMaxUnavailable", "maxUnavailable"),
    ] {
        if let Some(value) = given(key) {
            write(&format!("strategy.rollingUpdate.{field}"), value)?;
        }
    }
    if let Some(Value::Object(env)) = given("env") {
        let variables = env
            .iter()
            .map(|(name, value)| json!({"name": name, "value": go::print(value)}));
        let present =
            get(&user, &["spec", "components", "pilot", "k8s", "env"]).and_then(Value::as_array);
        if !env.is_empty() {
            let all = present
                .into_iter()
                .flatten()
                .cloned()
                .chain(variables)
                .collect();
            write("env", Value::Null)?;
            write("env", all)?;
        }
    }
    if minor <= 13 && pilot.get("autoscaleEnabled") != Some(&Value::Bool(false)) {
        for (field, value) in autoscaling(&pilot, &user) {
            write(&format!("hpaSpec.{field}"), value)?;
        }
    }
    Ok(merge::patch(user, tree.into_object()))
}

fn is_default(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(it) => !it,
        Value::Number(it) => it.as_f64() == Some(0.0),
        Value::String(it) => it.is_empty(),
        Value::Array(_) | Value::Object(_) => false,
    }
}

/// Autoscaling of istiod as an `hpaSpec` (1.12.9:operator/pkg/translate/translate_value.go:396-470).
fn autoscaling(pilot: &Map<String, Value>, user: &Value) -> Vec<(&'static str, Value)> {
    let mut found = Vec::new();
    for (key, field) in [
        ("autoscaleMin", "minReplicas"),
        ("autoscaleMax", "maxReplicas"),
    ] {
        found.extend(pilot.get(key).map(|it| (field, it.clone())));
    }
    if let Some(cpu) = pilot
        .get("cpu")
        .and_then(|it| it.get("targetAverageUtilization"))
    {
        let metric = json!({"type": "Resource", "resource": {"name": "cpu", "targetAverageUtilization": cpu}});
        found.push(("metrics", json!([metric])));
        let revision = get(user, &["spec", "revision"])
            .and_then(Value::as_str)
            .unwrap_or_default();
        let name = if revision.is_empty() {
            "istiod".to_owned()
        } else {
            format!("istiod-{revision}")
        };
        found.push((
            "scaleTargetRef",
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": name}),
        ));
    }
    found
}
