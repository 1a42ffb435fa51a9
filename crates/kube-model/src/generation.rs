//! When `metadata.generation` goes up: by the strategies of the registries (kubernetes@v1.36.3:pkg/registry).

use serde_json::Value;

/// What counts of a kind; nothing for one without generations.
fn counted(kind: &str) -> Option<&'static [&'static str]> {
    match kind {
        "Deployment" => Some(&["/spec", "/metadata/annotations"]),
        "ReplicaSet" | "PodDisruptionBudget" => Some(&["/spec"]),
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => Some(&["/webhooks"]),
        _ => None,
    }
}

/// Sets the generation of what a write makes of an object.
pub(crate) fn count(kind: &str, live: Option<&Value>, object: &mut Value) {
    let Some(fields) = counted(kind) else { return };
    let generation = match live {
        None => 1,
        Some(live) => {
            let before = live["metadata"]["generation"].as_u64().unwrap_or_default();
            let changed = fields
                .iter()
                .any(|it| live.pointer(it) != object.pointer(it));
            before + u64::from(changed)
        }
    };
    object["metadata"]["generation"] = generation.into();
}
