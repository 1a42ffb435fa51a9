//! Label selectors, as Kubernetes evaluates them.

use serde_json::Value;
use sorted::SortedMap;

type Labels = SortedMap<String, String>;

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
    let Some(selector) = selector else {
        return true;
    };
    let exact = selector.get("matchLabels").and_then(Value::as_object);
    let mut exact = exact.into_iter().flatten();
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    exact.all(|(key, value)| {
        labels.get(key).map(String::as_str) == Some(value.as_str().unwrap_or_default())
    }) && expressions
        .into_iter()
        .flatten()
        .all(|it| unmet_expression(it, labels).is_none())
}

/// Things with selectors, found by the labels that they may select: what wants a label to have a certain value is asked
/// only about labels that have it.
#[derive(Debug, Clone)]
pub(crate) struct Sieve<T> {
    all: Vec<T>,
    by_label: SortedMap<String, SortedMap<String, Vec<usize>>>,
    others: Vec<usize>,
}

impl<T> Default for Sieve<T> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            by_label: SortedMap::new(),
            others: Vec::new(),
        }
    }
}

impl<T> Sieve<T> {
    /// Adds one with its selector.
    pub(crate) fn add(&mut self, selector: Option<&Value>, it: T) {
        let at = self.all.len();
        self.all.push(it);
        match wanted(selector) {
            Some((key, values)) => {
                for value in values {
                    let of_key = self.by_label.entry(key.to_owned()).or_default();
                    of_key.entry(value.to_owned()).or_default().push(at);
                }
            }
            None => self.others.push(at),
        }
    }

    /// Returns those that may select what has these labels, in the order in which they were added.
    pub(crate) fn candidates(&self, labels: &Labels) -> impl Iterator<Item = &T> {
        let mut found = self.others.clone();
        for (key, of_key) in &self.by_label {
            let value = labels.get(key).and_then(|it| of_key.get(it));
            found.extend(value.into_iter().flatten());
        }
        sorted::sort(&mut found);
        found.dedup();
        found.into_iter().filter_map(|at| self.all.get(at))
    }
}

/// A label that a selector wants, and the values that it may have.
pub(crate) fn wanted(selector: Option<&Value>) -> Option<(&str, Vec<&str>)> {
    let selector = selector?;
    let exact = selector.get("matchLabels").and_then(Value::as_object);
    if let Some((key, value)) = exact.and_then(|it| it.iter().next()) {
        return Some((key, vec![value.as_str().unwrap_or_default()]));
    }
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    let listed = expressions
        .into_iter()
        .flatten()
        .find(|it| it.get("operator").and_then(Value::as_str) == Some("In"))?;
    let values = listed.get("values").and_then(Value::as_array);
    let values = values.into_iter().flatten().filter_map(Value::as_str);
    let key = listed.get("key").and_then(Value::as_str);
    Some((key.unwrap_or_default(), values.collect()))
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
