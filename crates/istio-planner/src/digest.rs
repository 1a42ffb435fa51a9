//! A short name for an object's content, so that an executor can tell drift from a status update.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Fields of `metadata` that only the server or a controller writes.
pub const SERVER_METADATA: [&str; 6] = [
    "resourceVersion",
    "generation",
    "uid",
    "creationTimestamp",
    "managedFields",
    "selfLink",
];

/// Annotations in which controllers count a workload's templates: only upwards, and as their own.
pub const TEMPLATE_COUNTS: [&str; 2] = [
    "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation",
];

/// Returns the first 16 hexadecimal digits of the SHA-256 of the object's canonical JSON (sorted keys),
/// without `status` and without [`SERVER_METADATA`].
pub fn digest(object: &Value) -> String {
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
        if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
            for field in SERVER_METADATA {
                metadata.remove(field);
            }
        }
    }
    hex(&Sha256::digest(object.to_string()).as_slice()[..8])
}

/// Returns the [`digest`] of what a write has to do with: of the fields of `live` that `content` sends. Lists count as
/// wholes. Without a content (a deletion), all counts but what controllers keep changing.
///
/// An executor that finds the object changed tells by it whether that concerns the plan.
pub fn relevant(live: &Value, content: Option<&Value>) -> String {
    let part = match content {
        Some(content) => sent(live, content),
        None => settled(live),
    };
    digest(&part)
}

/// The fields of `live` that stand in `content`.
fn sent(live: &Value, content: &Value) -> Value {
    match (live, content) {
        (Value::Object(live), Value::Object(content)) => content
            .iter()
            .filter_map(|(key, inner)| Some((key.clone(), sent(live.get(key)?, inner))))
            .collect(),
        (live, _) => live.clone(),
    }
}

/// An object without what autoscalers and controllers write, and what istiod writes into webhooks.
fn settled(live: &Value) -> Value {
    let mut object = live.clone();
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        spec.remove("replicas");
    }
    let annotations = object
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut);
    if let Some(annotations) = annotations {
        for annotation in TEMPLATE_COUNTS {
            annotations.remove(annotation);
        }
        if annotations.is_empty()
            && let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
        {
            metadata.remove("annotations");
        }
    }
    let validating = object["kind"] == "ValidatingWebhookConfiguration";
    let webhooks = object.get_mut("webhooks").and_then(Value::as_array_mut);
    for webhook in webhooks.into_iter().flatten() {
        if let Some(client) = webhook
            .get_mut("clientConfig")
            .and_then(Value::as_object_mut)
        {
            client.remove("caBundle");
        }
        if let Some(webhook) = webhook.as_object_mut().filter(|_| validating) {
            webhook.remove("failurePolicy");
        }
    }
    object
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|it| [DIGITS[usize::from(it >> 4)], DIGITS[usize::from(it & 15)]])
        .map(char::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_write_does_not_send_is_not_relevant_to_it() {
        let content = json!({"spec": {"template": {"a": 1}, "list": [1]}});
        let live = |replicas: u32, list: Value| json!({"spec": {"replicas": replicas, "template": {"a": 0, "b": 2}, "list": list}});
        let before = relevant(&live(1, json!([1])), Some(&content));
        assert_eq!(before, relevant(&live(5, json!([1])), Some(&content)));
        assert_ne!(before, relevant(&live(1, json!([1, 2])), Some(&content)));
    }

    #[test]
    fn what_istiod_writes_into_webhooks_is_not_relevant_to_a_deletion() {
        let with = |kind: &str, bundle: &str, policy: &str| json!({ "kind": kind, "webhooks": [{ "name": "a", "clientConfig": { "caBundle": bundle }, "failurePolicy": policy }] });
        let of = |object: &Value| relevant(object, None);
        let kind = "ValidatingWebhookConfiguration";
        assert_eq!(of(&with(kind, "a", "Ignore")), of(&with(kind, "b", "Fail")));
        let kind = "MutatingWebhookConfiguration";
        assert_eq!(of(&with(kind, "a", "Fail")), of(&with(kind, "b", "Fail")));
        assert_ne!(of(&with(kind, "a", "Ignore")), of(&with(kind, "a", "Fail")));
    }

    #[test]
    fn scaling_is_not_relevant_to_a_deletion() {
        let live = |replicas: u32, image: &str| json!({"metadata": {"annotations": {"deployment.kubernetes.io/revision": "1"}}, "spec": {"replicas": replicas, "image": image}});
        let without = json!({"metadata": {}, "spec": {"image": "a"}});
        assert_eq!(relevant(&live(1, "a"), None), relevant(&without, None));
        assert_ne!(relevant(&live(1, "a"), None), relevant(&live(1, "b"), None));
    }
}
