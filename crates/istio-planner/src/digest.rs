//! A short name for an object's content, so that an executor can tell drift from a status update.

use std::io::{self, BufWriter, Write as _};

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Map, Value};
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
    short(&Content::new(object, None))
}

/// Returns the [`digest`] of what a write has to do with: of the fields of `live` that `content` sends. Lists count as
/// wholes. Without a content (a deletion), all counts but what controllers keep changing.
///
/// An executor that finds the object changed tells by it whether that concerns the plan.
pub fn relevant(live: &Value, content: Option<&Value>) -> String {
    match content {
        Some(_) => short(&Content::new(live, content)),
        None => digest(&settled(live)),
    }
}

fn short(content: &Content<'_>) -> String {
    hex(&sha256(content)[..8])
}

/// An object as a digest takes it, or one of its fields.
struct Content<'a> {
    live: &'a Value,
    /// Where it is an object, only its fields count.
    sent: Option<&'a Value>,
    place: Place,
}

/// Where in an object a field stands.
#[derive(Clone, Copy)]
enum Place {
    Top,
    Metadata,
    Within,
}

impl<'a> Content<'a> {
    fn new(live: &'a Value, sent: Option<&'a Value>) -> Self {
        Self {
            live,
            sent,
            place: Place::Top,
        }
    }

    fn counts(&self, key: &str) -> bool {
        match self.place {
            Place::Top => key != "status",
            Place::Metadata => !SERVER_METADATA.contains(&key),
            Place::Within => true,
        }
    }

    fn field(&self, key: &str, live: &'a Value, sent: Option<&'a Value>) -> Self {
        let place = match self.place {
            Place::Top if key == "metadata" => Place::Metadata,
            _ => Place::Within,
        };
        Self { live, sent, place }
    }

    /// The fields that count, in order.
    fn fields(&self, map: &'a Map<String, Value>) -> Vec<(&'a String, Self)> {
        let counts = |it: &(&String, _)| self.counts(it.0);
        match self.sent {
            Some(Value::Object(sent)) => sent
                .iter()
                .filter(counts)
                .filter_map(|(key, sent)| Some((key, self.field(key, map.get(key)?, Some(sent)))))
                .collect(),
            _ => map
                .iter()
                .filter(counts)
                .map(|(key, live)| (key, self.field(key, live, None)))
                .collect(),
        }
    }
}

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match (self.live, self.sent, self.place) {
            (Value::Object(map), Some(Value::Object(_)), _)
            | (Value::Object(map), _, Place::Top | Place::Metadata) => {
                let mut fields = to.serialize_map(None)?;
                for (key, field) in self.fields(map) {
                    fields.serialize_entry(key, &field)?;
                }
                fields.end()
            }
            (live, ..) => live.serialize(to),
        }
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

/// The SHA-256 of a value's JSON.
///
/// # Panics
///
/// Where a value cannot be written as JSON: a map whose keys are no strings, or an error of its own.
pub(crate) fn sha256(value: &impl Serialize) -> [u8; 32] {
    let mut out = BufWriter::new(Sum(Sha256::new()));
    serde_json::to_writer(&mut out, value)
        .map_err(io::Error::from)
        .and_then(|()| out.flush())
        .expect("what has a digest is made of strings, maps and numbers");
    out.get_ref().0.clone().finalize().into()
}

/// Sums up what is written.
struct Sum(Sha256);

impl io::Write for Sum {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
