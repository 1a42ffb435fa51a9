//! Trees of settings: paths, comparison by meaning.

use serde_json::{Map, Value};

/// Calls `each` with the path of every leaf that differs, and both values.
///
/// Lists are leaves. What a template takes for the same (absent, null, `""`, `false`, 0, an empty map or list) is the
/// same.
pub(crate) fn compare(
    from: Option<&Value>,
    to: Option<&Value>,
    each: &mut impl FnMut(&[&str], Option<&Value>, Option<&Value>),
) {
    walk(&mut Vec::new(), from, to, each);
}

fn walk<'a>(
    path: &mut Vec<&'a str>,
    from: Option<&'a Value>,
    to: Option<&'a Value>,
    each: &mut impl FnMut(&[&str], Option<&Value>, Option<&Value>),
) {
    let children = match (from, to) {
        (Some(Value::Object(from)), Some(Value::Object(to))) => Some((Some(from), Some(to))),
        (Some(Value::Object(from)), to) if !from.is_empty() && is_nothing(to) => {
            Some((Some(from), None))
        }
        (from, Some(Value::Object(to))) if !to.is_empty() && is_nothing(from) => {
            Some((None, Some(to)))
        }
        _ => None,
    };
    let Some((from_map, to_map)) = children else {
        if !is_same(from, to) {
            each(path, from, to);
        }
        return;
    };
    let keys = |map: Option<&'a Map<String, Value>>| map.into_iter().flat_map(Map::keys);
    let mut all: Vec<&'a String> = keys(from_map).chain(keys(to_map)).collect();
    sorted::sort(&mut all);
    all.dedup();
    for key in all {
        path.push(key);
        walk(
            path,
            from_map.and_then(|it| it.get(key)),
            to_map.and_then(|it| it.get(key)),
            each,
        );
        path.pop();
    }
}

/// Tells whether a template takes two values for the same.
pub(crate) fn is_same(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => a.as_f64() == b.as_f64(),
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(Some(a), Some(b)))
        }
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            a.iter().all(|(key, a)| is_same(Some(a), b.get(key)))
                && b.iter()
                    .all(|(key, b)| a.contains_key(key) || is_nothing(Some(b)))
        }
        _ => (is_nothing(a) && is_nothing(b)) || a == b,
    }
}

/// Tells what a template takes for false.
fn is_nothing(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::Number(it)) => it.as_f64() == Some(0.0),
        Some(Value::String(it)) => it.is_empty(),
        Some(Value::Array(it)) => it.is_empty(),
        Some(Value::Object(it)) => it.is_empty(),
        Some(Value::Bool(true)) => false,
    }
}

/// Returns what stands at a path.
pub(crate) fn get<'a>(tree: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(tree, |tree, key| tree.get(*key))
}

/// Writes a value at a path, unless something that is no map stands in the way.
pub(crate) fn set(tree: &mut Value, path: &[&str], value: Value) {
    let Some((last, parents)) = path.split_last() else {
        return;
    };
    let mut at = tree;
    for key in parents {
        let Value::Object(map) = at else { return };
        at = map.entry(*key).or_insert_with(|| Value::Object(Map::new()));
    }
    if let Value::Object(map) = at {
        map.insert((*last).to_owned(), value);
    }
}

/// Tells whether a chart with these defaults knows a setting: it has a default for it, or takes any key there.
pub(crate) fn is_known(tree: &Value, path: &[&str]) -> bool {
    let mut at = tree;
    for key in path {
        let Value::Object(map) = at else { return false };
        match map.get(*key) {
            Some(value) => at = value,
            None => return map.is_empty() || path.first() == Some(&"meshConfig"),
        }
    }
    true
}

/// Returns a path as text, dots inside keys escaped as `--set` wants them.
pub(crate) fn text(path: &[&str]) -> String {
    path.iter()
        .map(|it| it.replace('.', "\\."))
        .collect::<Vec<_>>()
        .join(".")
}

/// Returns a scalar as `--set` would be given it.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Turns lists of maps that all have a `name` into maps by `[name:…]`, so that elements are compared by name.
pub(crate) fn named(tree: Value) -> Value {
    let name = |it: &Value| Some(format!("[name:{}]", it.get("name")?.as_str()?));
    match tree {
        Value::Array(list) => match list.iter().map(name).collect::<Option<Vec<_>>>() {
            Some(names) if !names.is_empty() => {
                Value::Object(names.into_iter().zip(list.into_iter().map(named)).collect())
            }
            _ => Value::Array(list),
        },
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(key, value)| (key, named(value)))
                .collect(),
        ),
        scalar => scalar,
    }
}

/// Returns `Pilot` for `pilot`.
pub(crate) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|it| it.to_ascii_uppercase())
        .into_iter()
        .chain(letters)
        .collect()
}
