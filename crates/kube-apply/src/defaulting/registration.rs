//! Webhooks, admission policies and custom kinds
//! (kubernetes@v1.36.3:pkg/apis/admissionregistration/v1/defaults.go, apiextensions-apiserver@v0.36.3).

use serde_json::{Value, json};

use super::{at, each, fallback, text_at};
use crate::schema::{MapType, Schemas};

pub(super) fn complete(schemas: &Schemas, object: &mut Value) {
    match text_at(object, "/kind") {
        "MutatingWebhookConfiguration" => webhooks(object, true),
        "ValidatingWebhookConfiguration" => webhooks(object, false),
        "ValidatingAdmissionPolicy" | "MutatingAdmissionPolicy" => policy(object),
        "ValidatingAdmissionPolicyBinding" | "MutatingAdmissionPolicyBinding" => {
            if let Some(resources) = at(object, &["spec", "matchResources"]) {
                match_resources(resources);
            }
        }
        "CustomResourceDefinition" => definition(schemas, object),
        _ => {}
    }
}

fn webhooks(object: &mut Value, mutating: bool) {
    for webhook in each(object, "webhooks") {
        fallback(webhook, "failurePolicy", "Fail");
        match_resources(webhook);
        fallback(webhook, "timeoutSeconds", 10);
        if mutating {
            fallback(webhook, "reinvocationPolicy", "Never");
        }
        if let Some(service) = at(webhook, &["clientConfig", "service"]) {
            fallback(service, "port", 443);
        }
        rules(webhook, "rules");
    }
}

fn match_resources(resources: &mut Value) {
    fallback(resources, "matchPolicy", "Equivalent");
    fallback(resources, "namespaceSelector", json!({}));
    fallback(resources, "objectSelector", json!({}));
    rules(resources, "resourceRules");
    rules(resources, "excludeResourceRules");
}

fn rules(object: &mut Value, field: &str) {
    for rule in each(object, field) {
        fallback(rule, "scope", "*");
    }
}

fn policy(object: &mut Value) {
    let Some(spec) = at(object, &["spec"]) else {
        return;
    };
    fallback(spec, "failurePolicy", "Fail");
    if let Some(constraints) = at(spec, &["matchConstraints"]) {
        match_resources(constraints);
    }
}

fn definition(schemas: &Schemas, object: &mut Value) {
    let Some(spec) = at(object, &["spec"]) else {
        return;
    };
    let kind = text_at(spec, "/names/kind").to_owned();
    if let Some(names) = at(spec, &["names"]) {
        fallback(names, "singular", kind.to_lowercase());
        if !kind.is_empty() {
            fallback(names, "listKind", format!("{kind}List"));
        }
    }
    fallback(spec, "conversion", json!({"strategy": "None"}));
    if let Some(service) = at(spec, &["conversion", "webhook", "clientConfig", "service"]) {
        fallback(service, "port", 443);
    }
    let Some(properties) = properties_type(schemas) else {
        return;
    };
    for version in each(spec, "versions") {
        if let Some(schema) = at(version, &["schema", "openAPIV3Schema"]) {
            schema_fields(properties, schema, 0);
        }
    }
}

/// The type of a schema inside a definition.
fn properties_type(schemas: &Schemas) -> Option<&MapType> {
    let mut id = schemas.find("apiextensions.k8s.io/v1", "CustomResourceDefinition")?;
    for step in ["spec", "versions", "", "schema", "openAPIV3Schema"] {
        let atom = schemas.atom(id);
        id = match step {
            "" => atom.list.as_ref()?.element,
            field => atom.map.as_ref()?.child(field)?,
        };
    }
    schemas.atom(id).map.as_ref()
}

/// OpenAPI does not say that `items` and `additionalProperties` hold schemas, so fields without content are dropped
/// here.
fn schema_fields(properties: &MapType, schema: &mut Value, depth: usize) {
    let Some(map) = schema.as_object_mut().filter(|_| depth < 100) else {
        return;
    };
    map.retain(|key, it| !(it.is_null() || properties.zero.contains(key) && is_nothing(it)));
    for field in ["items", "additionalProperties", "additionalItems", "not"] {
        match map.get_mut(field) {
            Some(Value::Array(list)) => {
                for item in list {
                    schema_fields(properties, item, depth + 1);
                }
            }
            Some(one) => schema_fields(properties, one, depth + 1),
            None => {}
        }
    }
    for field in [
        "properties",
        "patternProperties",
        "definitions",
        "dependencies",
    ] {
        for below in map
            .get_mut(field)
            .and_then(Value::as_object_mut)
            .into_iter()
            .flatten()
        {
            schema_fields(properties, below.1, depth + 1);
        }
    }
    for field in ["allOf", "anyOf", "oneOf"] {
        for below in map
            .get_mut(field)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            schema_fields(properties, below, depth + 1);
        }
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Bool(it) => !it,
        Value::String(it) => it.is_empty(),
        Value::Array(it) => it.is_empty(),
        Value::Object(it) => it.is_empty(),
        Value::Null | Value::Number(_) => false,
    }
}
