//! Settings of Kubernetes in the user's `values.pilot`, copied to `components.pilot.k8s`; up to 1.8 those of addons and
//! Mixer too.
//!
//! 1.23.6:operator/pkg/translate/translate_value.go:138-155,329-376,448-512; those of autoscaling up to 1.13 only.

use serde_json::{Map, Value, json};

use super::component::{Kind, set_by_values};
use super::merge;
use crate::operator::merge::{get, get_str};
use crate::overlay::tree::Tree;
use crate::{Diagnostic, Refused, go};

/// Fields that have the same name in values and below `k8s`.
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
    let mut tree = Tree::of_operator(user.clone());
    let mut is_moved = false;
    for kind in set_by_values(minor) {
        let path: Vec<&str> = ["spec", "values"]
            .into_iter()
            .chain(kind.root.iter().copied())
            .collect();
        let Some(Value::Object(values)) = get(&user, &path) else {
            continue;
        };
        let list = if kind.is_addon() {
            "addonComponents"
        } else {
            "components"
        };
        let target = ["spec", list, kind.key, "k8s"];
        for (field, value) in settings(kind, values, &user, &target, minor) {
            is_moved = true;
            tree.write(&format!("{}.{field}", target.join(".")), &value)
                .map_err(|it| {
                    let message =
                        format!("could not overlay k8s settings from values to IOP: {it}");
                    Box::new(Diagnostic::error("invalid-values", message).at(path.join(".")))
                })?;
        }
    }
    if is_moved {
        Ok(merge::patch(user, tree.into_object()))
    } else {
        Ok(user)
    }
}

/// The settings of a component in its values, each with the path below `k8s` that it is written to.
fn settings(
    kind: &Kind,
    values: &Map<String, Value>,
    user: &Value,
    target: &[&str],
    minor: u64,
) -> Vec<(String, Value)> {
    let given = |key: &str| values.get(key).filter(|it| !is_default(it, minor)).cloned();
    let mut found = Vec::new();
    for key in SAME_NAME {
        found.extend(given(key).map(|it| (key.to_owned(), it)));
    }
    for (key, field) in [
        ("rollingMaxSurge", "maxSurge"),
        ("rollingMaxUnavailable", "maxUnavailable"),
    ] {
        found.extend(given(key).map(|it| (format!("strategy.rollingUpdate.{field}"), it)));
    }
    if let Some(Value::Object(env)) = given("env") {
        let variables = env
            .iter()
            .map(|(name, value)| json!({"name": name, "value": go::print(value)}));
        // Up to 1.7 they take the place of the component's own.
        let own: Vec<&str> = target.iter().copied().chain(["env"]).collect();
        let present = get(user, &own)
            .and_then(Value::as_array)
            .filter(|_| minor >= 8);
        if !env.is_empty() || minor <= 6 {
            let all = present
                .into_iter()
                .flatten()
                .cloned()
                .chain(variables)
                .collect();
            found.push(("env".to_owned(), Value::Null));
            found.push(("env".to_owned(), all));
        }
    }
    if minor <= 13 && values.get("autoscaleEnabled") != Some(&Value::Bool(false)) {
        let fields = autoscaling(kind, values, user, minor);
        found.extend(
            fields
                .into_iter()
                .map(|(field, it)| (format!("hpaSpec.{field}"), it)),
        );
    }
    found
}

/// What is as good as not set; to 1.6 only empty texts and zero are (1.6.14:`operator/pkg/translate/translate_value.go`).
fn is_default(value: &Value, minor: u64) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(it) => !it && minor > 6,
        Value::Number(it) => it.as_f64() == Some(0.0),
        Value::String(it) => it.is_empty(),
        Value::Array(_) | Value::Object(_) => false,
    }
}

/// The name that an `hpaSpec` made of values aims at: istiod's, else the last part of where the values stand
/// (1.7.8:operator/pkg/translate/translate_value.go:451-463); the revision counts since 1.9.
fn scale_target(kind: &Kind, user: &Value, minor: u64) -> String {
    match kind.root {
        ["pilot"] => {
            let revision = get_str(user, &["spec", "revision"]);
            if revision.is_empty() || minor < 9 {
                "istiod".to_owned()
            } else {
                format!("istiod-{revision}")
            }
        }
        ["mixer", name] => (*name).to_owned(),
        root => root.join("."),
    }
}

/// Autoscaling of a component as an `hpaSpec` (1.12.9:operator/pkg/translate/translate_value.go:396-470).
fn autoscaling(
    kind: &Kind,
    values: &Map<String, Value>,
    user: &Value,
    minor: u64,
) -> Vec<(&'static str, Value)> {
    let mut found = Vec::new();
    for (key, field) in [
        ("autoscaleMin", "minReplicas"),
        ("autoscaleMax", "maxReplicas"),
    ] {
        found.extend(values.get(key).map(|it| (field, it.clone())));
    }
    if let Some(cpu) = values
        .get("cpu")
        .and_then(|it| it.get("targetAverageUtilization"))
    {
        let metric = json!({"type": "Resource", "resource": {"name": "cpu", "targetAverageUtilization": cpu}});
        found.push(("metrics", json!([metric])));
        let name = scale_target(kind, user, minor);
        found.push((
            "scaleTargetRef",
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": name}),
        ));
    }
    found
}
