//! Compares two trees as istioctl compared profiles.

use serde_json::{Map, Value};

use super::print;

/// Returns the tree of what differs, `None` where nothing does.
pub(super) fn difference(from: &Value, to: &Value) -> Option<Value> {
    match (from, to) {
        (Value::Object(from), Value::Object(to)) => {
            let mut keys: Vec<&String> = from.keys().chain(to.keys()).collect();
            sorted::sort(&mut keys);
            keys.dedup();
            tree(
                keys.into_iter()
                    .map(|key| (key.clone(), part(from.get(key), to.get(key)))),
            )
        }
        (Value::Array(from), Value::Array(to)) => {
            let indices = 0..from.len().max(to.len());
            tree(indices.map(|it| (format!("[#{it}]"), part(from.get(it), to.get(it)))))
        }
        _ if is_same(from, to) => None,
        _ => leaf(Some(from), Some(to)),
    }
}

fn part(from: Option<&Value>, to: Option<&Value>) -> Option<Value> {
    match (from, to) {
        (Some(from), Some(to)) => difference(from, to),
        _ => leaf(from, to),
    }
}

fn tree(parts: impl Iterator<Item = (String, Option<Value>)>) -> Option<Value> {
    let parts: Map<String, Value> = parts.filter_map(|(key, it)| Some((key, it?))).collect();
    (!parts.is_empty()).then_some(Value::Object(parts))
}

/// Empty on both sides is no difference.
fn leaf(from: Option<&Value>, to: Option<&Value>) -> Option<Value> {
    let text = match (
        from.filter(|it| !is_empty(it)),
        to.filter(|it| !is_empty(it)),
    ) {
        (Some(from), Some(to)) => format!("{} -> {}", print::go(from), print::go(to)),
        (Some(from), None) => format!("{} -> <empty> (REMOVED)", print::go(from)),
        (None, Some(to)) => format!("<empty> -> {} (ADDED)", print::go(to)),
        (None, None) => return None,
    };
    Some(Value::String(text))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(it) => it.is_empty(),
        Value::Array(it) => it.is_empty(),
        Value::Object(it) => it.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Numbers are equal by value: to Go they are all floats.
fn is_same(from: &Value, to: &Value) -> bool {
    match (from, to) {
        (Value::Number(from), Value::Number(to)) => from.as_f64() == to.as_f64(),
        _ => from == to,
    }
}
