//! Custom kinds: what an exported `CustomResourceDefinition` says.

use serde_json::{Map, Value, json};

use super::openapi::Builder;
use super::{DEDUCED, OBJECT_META, Schemas, kind_key};

/// Adds every version of a definition; apiextensions-apiserver@v1.36.3:pkg/controller/openapi/builder.
pub(super) fn add(schemas: &mut Schemas, definition: &Value) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let Some(spec) = definition.get("spec") else {
        return;
    };
    let Some(group) = spec.get("group").and_then(text) else {
        return;
    };
    let Some(kind) = spec
        .get("names")
        .and_then(|it| it.get("kind"))
        .and_then(text)
    else {
        return;
    };
    let preserve = spec
        .get("preserveUnknownFields")
        .and_then(Value::as_bool)
        .unwrap_or_default();
    let versions = spec.get("versions").and_then(Value::as_array);
    for version in versions.into_iter().flatten() {
        let Some(name) = version.get("name").and_then(text) else {
            continue;
        };
        let api_version = format!("{group}/{name}");
        let key = kind_key(&api_version, &kind);
        if schemas.is_builtin(&api_version, &kind) {
            continue;
        }
        schemas.custom.insert((group.clone(), kind.clone()));
        let schema = version
            .get("schema")
            .and_then(|it| it.get("openAPIV3Schema"));
        let Some(schema) = schema else {
            schemas.kinds.insert(key, DEDUCED);
            continue;
        };
        let complete = with_type_meta(schema);
        let mut builder = Builder::new(std::mem::replace(schemas, Schemas::empty()), []);
        builder.kind(&api_version, &kind, &complete, preserve);
        *schemas = builder.build();
        schemas.structural.insert(key, schema.clone());
    }
}

/// Every object has `apiVersion`, `kind` and `metadata`, whatever its schema says; embedded resources have them too.
fn with_type_meta(schema: &Value) -> Value {
    let mut schema = embedded(schema, 0);
    if let Some(map) = schema.as_object_mut() {
        map.entry("type").or_insert_with(|| json!("object"));
        add_type_meta(map);
    }
    schema
}

fn add_type_meta(map: &mut Map<String, Value>) {
    let properties = map.entry("properties").or_insert_with(|| json!({}));
    if let Some(properties) = properties.as_object_mut() {
        properties.insert("apiVersion".to_owned(), json!({"type": "string"}));
        properties.insert("kind".to_owned(), json!({"type": "string"}));
        properties.insert("metadata".to_owned(), json!({"$ref": OBJECT_META}));
    }
}

fn embedded(schema: &Value, depth: usize) -> Value {
    if depth > 100 {
        return json!({});
    }
    match schema {
        Value::Object(map) => {
            let mut map: Map<_, _> = map
                .iter()
                .map(|(key, it)| (key.clone(), embedded(it, depth + 1)))
                .collect();
            // A property may have this name too, but then holds a schema and not a boolean.
            if map.get("x-kubernetes-embedded-resource") == Some(&Value::Bool(true)) {
                add_type_meta(&mut map);
            }
            Value::Object(map)
        }
        Value::Array(list) => list.iter().map(|it| embedded(it, depth + 1)).collect(),
        other => other.clone(),
    }
}
