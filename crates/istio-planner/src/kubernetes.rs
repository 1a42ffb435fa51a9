//! Kubernetes' objects as plain data: what every floor above reads of them.

use serde_json::Value;

pub(crate) use kube_apply::schema::group_of;

/// Returns a string inside data, by JSON pointer.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// Without what nobody is to read: who owns what, and the content of Secrets.
pub(crate) fn shown(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    if let Some(map) = object
        .as_object_mut()
        .filter(|it| it.get("kind") == Some(&"Secret".into()))
    {
        map.remove("data");
        map.remove("stringData");
    }
    object
}

/// The containers and init containers of a pod's spec.
pub(crate) fn containers(spec: Option<&Value>) -> impl Iterator<Item = &Value> {
    ["containers", "initContainers"]
        .into_iter()
        .filter_map(move |it| spec?.get(it)?.as_array())
        .flatten()
}
