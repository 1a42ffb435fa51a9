//! An object as it was, beside what it is now: values, owners, and how they differ.

use istio_planner::digest::{SERVER_METADATA, TEMPLATE_COUNTS, digest, relevant};
use istio_planner::plan::FIELD_MANAGER;
use serde_json::Value;

use crate::journal::copy::MANAGER;

/// The values of a former object as they are to be again.
///
/// A controller's count of templates only goes up, so the live one is kept, and so is a number of replicas that nobody
/// declares, then or now: it is for those to say who scale. A validating webhook that refuses what it cannot check goes on
/// refusing it.
pub(super) fn values(former: &Value, live: Option<&Value>) -> Value {
    let mut wanted = former.clone();
    if let Some(object) = wanted.as_object_mut() {
        object.remove("status");
    }
    if let Some(metadata) = wanted["metadata"].as_object_mut() {
        for field in SERVER_METADATA {
            metadata.remove(field);
        }
    }
    let Some(live) = live else { return wanted };
    for annotation in TEMPLATE_COUNTS {
        let now = &live["metadata"]["annotations"][annotation];
        if now.is_string() {
            wanted["metadata"]["annotations"][annotation] = now.clone();
        }
    }
    let replicas = &live["spec"]["replicas"];
    if replicas.is_number() && !declares_replicas(former) && !declares_replicas(live) {
        wanted["spec"]["replicas"] = replicas.clone();
    }
    if former["kind"] == "ValidatingWebhookConfiguration" {
        let live = live["webhooks"].as_array().cloned().unwrap_or_default();
        for webhook in wanted["webhooks"].as_array_mut().into_iter().flatten() {
            let now = live.iter().find(|it| it["name"] == webhook["name"]);
            if now.is_some_and(|it| it["failurePolicy"] == "Fail") {
                webhook["failurePolicy"] = Value::from("Fail");
            }
        }
    }
    wanted
}

/// Whether somebody wrote the number of replicas into the object itself. Autoscalers and `kubectl scale` write a
/// subresource.
fn declares_replicas(object: &Value) -> bool {
    ownership(object)
        .iter()
        .any(|it| it.pointer("/fieldsV1/f:spec/f:replicas").is_some())
}

/// Whether a live object has the values of a former one. The server counts a `DaemonSet`'s templates within the write that
/// changes one, so what is stored is compared, not what was sent.
pub(super) fn has_content(live: &Value, former: &Value) -> bool {
    digest(&values(former, Some(live))) == digest(live)
}

/// Who owned which fields; entries of subresources (status) are the server's own.
pub(super) fn ownership(object: &Value) -> Vec<Value> {
    let entries = object["metadata"]["managedFields"].as_array();
    let mut entries: Vec<Value> = entries
        .into_iter()
        .flatten()
        .filter(|it| it["subresource"].is_null())
        .cloned()
        .collect();
    entries.sort_by_key(|it| {
        (
            it["manager"].to_string(),
            it["operation"].to_string(),
            it["time"].to_string(),
        )
    });
    entries
}

/// Who owns which fields, without those that controllers take for their own.
pub(super) fn owners(object: &Value) -> Vec<Value> {
    let mut entries = ownership(object);
    for entry in &mut entries {
        let Some(metadata) = entry
            .pointer_mut("/fieldsV1/f:metadata")
            .and_then(Value::as_object_mut)
        else {
            continue;
        };
        if let Some(annotations) = metadata
            .get_mut("f:annotations")
            .and_then(Value::as_object_mut)
        {
            for annotation in TEMPLATE_COUNTS {
                annotations.remove(&format!("f:{annotation}"));
            }
            if annotations.keys().all(|it| it == ".") {
                metadata.remove("f:annotations");
            }
        }
    }
    entries
}

/// Whether an action that is not known to have been done was not: nothing of ours is in the object that was not before.
///
/// Times of ownership are whole seconds, so the fields that the action writes (`content`) are compared too: had others
/// changed those, they would own them.
pub(super) fn untouched(
    former: Option<&Value>,
    live: Option<&Value>,
    content: Option<&Value>,
) -> bool {
    let ours = |it: &Value| -> Vec<Value> {
        ownership(it)
            .into_iter()
            .filter(|it| it["manager"] == FIELD_MANAGER || it["manager"] == MANAGER)
            .collect()
    };
    match (former, live) {
        (None, None) => true,
        (None, Some(live)) => ours(live).is_empty(),
        (Some(_), None) => false,
        (Some(former), Some(live)) => {
            former["metadata"]["uid"] == live["metadata"]["uid"]
                && ours(former) == ours(live)
                && content.is_none_or(|it| relevant(former, Some(it)) == relevant(live, Some(it)))
        }
    }
}

/// How an object differs from what it was; nothing if it does not.
pub(super) fn difference(former: Option<&Value>, live: Option<&Value>) -> Option<String> {
    match (former, live) {
        (None, None) => None,
        (None, Some(live)) if live["metadata"]["deletionTimestamp"].is_string() => {
            Some("it is still being deleted".to_owned())
        }
        (None, Some(_)) => Some("it was not there".to_owned()),
        (Some(_), None) => Some("it is not there".to_owned()),
        (Some(former), Some(live)) => {
            if !has_content(live, former) {
                Some("its content differs".to_owned())
            } else if owners(live) != owners(former) {
                Some("others own its fields".to_owned())
            } else {
                None
            }
        }
    }
}
