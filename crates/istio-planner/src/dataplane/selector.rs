//! Label selectors, as Kubernetes evaluates them.

use std::collections::BTreeMap;

use serde_json::Value;

type Labels = BTreeMap<String, String>;

/// Returns the first requirement of a selector that labels do not meet, in words; `None` when they meet all.
///
/// A missing selector, and an empty one, selects everything. An unknown operator selects nothing: the API server
/// refuses to store it.
pub(crate) fn unmet(selector: Option<&Value>, labels: &Labels) -> Option<String> {
    let selector = selector?;
    let exact = selector.get("matchLabels").and_then(Value::as_object);
    for (key, value) in exact.into_iter().flatten() {
        let wanted = value.as_str().unwrap_or_default();
        if labels.get(key).map(String::as_str) != Some(wanted) {
            return Some(format!(
                "wants `{key}` to be `{wanted}`, {}",
                found(labels, key)
            ));
        }
    }
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    expressions
        .into_iter()
        .flatten()
        .find_map(|it| unmet_expression(it, labels))
}

/// Returns whether labels meet a selector.
pub(crate) fn matches(selector: Option<&Value>, labels: &Labels) -> bool {
    unmet(selector, labels).is_none()
}

fn unmet_expression(expression: &Value, labels: &Labels) -> Option<String> {
    let key = expression
        .get("key")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let operator = expression
        .get("operator")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let values: Vec<&str> = expression
        .get("values")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let label = labels.get(key).map(String::as_str);
    let listed = label.is_some_and(|it| values.contains(&it));
    let (met, wish) = match operator {
        "In" => (listed, format!("to be {}", either(&values))),
        "NotIn" => (!listed, format!("not to be {}", either(&values))),
        "Exists" => (label.is_some(), "to be there".to_owned()),
        "DoesNotExist" => (label.is_none(), "to be absent".to_owned()),
        _ => (false, format!("by the unknown operator `{operator}`")),
    };
    (!met).then(|| format!("wants `{key}` {wish}, {}", found(labels, key)))
}

fn either(values: &[&str]) -> String {
    let quoted: Vec<_> = values.iter().map(|it| format!("`{it}`")).collect();
    quoted.join(" or ")
}

fn found(labels: &Labels, key: &str) -> String {
    labels.get(key).map_or_else(
        || "which is absent".to_owned(),
        |it| format!("which is `{it}`"),
    )
}
