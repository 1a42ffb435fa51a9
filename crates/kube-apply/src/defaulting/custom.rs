//! Custom kinds: pruning and defaults by their structural schema
//! (apiextensions-apiserver@v0.36.3:pkg/apiserver/schema/{pruning,defaulting}).

use serde_json::Value;

/// Returns an object without fields that its schema does not know, and with the defaults that it states.
pub(super) fn complete(schema: &Value, mut object: Value) -> Value {
    let kept: Vec<(String, Value)> = ["apiVersion", "kind", "metadata"]
        .into_iter()
        .filter_map(|field| Some((field.to_owned(), object.as_object_mut()?.remove(field)?)))
        .collect();
    apply(schema, &mut object, 0);
    if let Some(map) = object.as_object_mut() {
        map.extend(kept);
    }
    object
}

fn apply(schema: &Value, value: &mut Value, depth: usize) {
    if depth > 100 {
        return;
    }
    let preserve = schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
    let embedded = schema.get("x-kubernetes-embedded-resource") == Some(&Value::Bool(true));
    let additional = schema.get("additionalProperties");
    let properties = schema.get("properties").and_then(Value::as_object);
    match value {
        Value::Object(map) => {
            for (name, property) in properties.into_iter().flatten() {
                if let Some(default) = property.get("default").filter(|_| !map.contains_key(name)) {
                    map.insert(name.clone(), default.clone());
                }
            }
            let known = |key: &String| {
                properties.is_some_and(|it| it.contains_key(key))
                    || embedded && matches!(key.as_str(), "apiVersion" | "kind" | "metadata")
            };
            let open = preserve || additional.is_some_and(|it| *it != Value::Bool(false));
            map.retain(|key, _| open || known(key));
            for (key, below) in map {
                let child = properties.and_then(|it| it.get(key)).or(additional);
                if let Some(child) = child.filter(|it| it.is_object()) {
                    apply(child, below, depth + 1);
                }
            }
        }
        Value::Array(list) => {
            if let Some(items) = schema.get("items") {
                for item in list {
                    apply(items, item, depth + 1);
                }
            }
        }
        _ => {}
    }
}
