//! Webhooks that must answer and do not: the API server refuses what they select.

use serde_json::Value;
use sorted::SortedMap;

use super::selector::matches;
use crate::inventory::unreachable;
use crate::snapshot::Snapshot;

type Labels = SortedMap<String, String>;

/// Whether a webhook's rules name the creation of pods.
pub(crate) fn selects_pods(webhook: &Value) -> bool {
    let rules = webhook.get("rules").and_then(Value::as_array);
    rules.into_iter().flatten().any(|rule| {
        let names = |key: &str, wanted: &[&str]| {
            let listed = rule.get(key).and_then(Value::as_array);
            listed
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .any(|it| wanted.contains(&it))
        };
        names("operations", &["CREATE", "*"])
            && names("apiGroups", &["", "*"])
            && names("resources", &["pods", "*", "pods/*", "*/*"])
    })
}

/// Whether the API server refuses what a webhook selects when nobody answers; `Fail` is the default of `v1`.
pub(crate) fn must_answer(webhook: &Value) -> bool {
    webhook
        .get("failurePolicy")
        .and_then(Value::as_str)
        .is_none_or(|it| it == "Fail")
}

/// Returns why the API server refuses a pod of these labels, for each webhook that must answer and does not.
pub(super) fn refusals(snapshot: &Snapshot, namespace: &Labels, pod: &Labels) -> Vec<String> {
    let configurations = snapshot.objects.iter().filter(|(it, _)| {
        matches!(
            it.kind.as_str(),
            "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration"
        )
    });
    let mut refusals = Vec::new();
    for (object, kept) in configurations {
        let webhooks = kept.value.get("webhooks").and_then(Value::as_array);
        for webhook in webhooks.into_iter().flatten() {
            let text = |pointer: &str| webhook.pointer(pointer).and_then(Value::as_str);
            let (Some(service_namespace), Some(service)) = (
                text("/clientConfig/service/namespace"),
                text("/clientConfig/service/name"),
            ) else {
                continue;
            };
            let called = must_answer(webhook)
                && selects_pods(webhook)
                && matches(webhook.get("namespaceSelector"), namespace)
                && matches(webhook.get("objectSelector"), pod);
            if called && let Some(why) = unreachable(snapshot, service_namespace, service) {
                refusals.push(format!(
                    "{}/{} must answer, and calls {service_namespace}/{service}, {}",
                    object.name,
                    text("/name").unwrap_or_default(),
                    why.words()
                ));
            }
        }
    }
    refusals
}
