//! Merging of untyped maps.

use serde_json::{Map, Value};

/// Merges `overlay` into `base`: maps key by key, everything else whole; null stays as null.
///
/// 1.31:operator/pkg/values/map.go:132-152.
pub(crate) fn merge(base: &mut Map<String, Value>, overlay: &Map<String, Value>) {
    for (key, value) in overlay {
        if let (Some(Value::Object(base)), Value::Object(overlay)) = (base.get_mut(key), value) {
            merge(base, overlay);
        } else {
            base.insert(key.clone(), value.clone());
        }
    }
}

/// Returns the value at a path of keys.
pub(crate) fn get<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(*key))
}

/// Returns the text at a path of keys, empty when there is none.
pub(crate) fn get_str<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    get(value, path).and_then(Value::as_str).unwrap_or_default()
}

/// Returns the bool at a path of keys, false when there is none.
pub(crate) fn get_bool(value: &Value, path: &[&str]) -> bool {
    get(value, path)
        .and_then(Value::as_bool)
        .unwrap_or_default()
}

/// Sets the value at a path of keys, making missing maps; says whether it could.
///
/// Below an explicit null the value is lost, as in istioctl, where a map is made but not kept
/// (1.31:operator/pkg/values/map.go:100-110,351-369).
pub(crate) fn set(map: &mut Map<String, Value>, path: &[&str], value: Value) -> bool {
    let Some((key, rest)) = path.split_first() else {
        return false;
    };
    if rest.is_empty() {
        map.insert((*key).to_owned(), value);
        return true;
    }
    match map
        .entry((*key).to_owned())
        .or_insert_with(|| Value::Object(Map::new()))
    {
        Value::Object(map) => set(map, rest, value),
        _ => false,
    }
}
