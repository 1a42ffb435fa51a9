//! Injectors that lead to a control plane in another cluster (domain §7.3).

use serde_json::Value;

use super::{Situation, text};
use crate::outcome::Subject;

/// Injection webhooks with an address instead of a Service.
pub(super) fn injectors(situation: &Situation) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for (object, kept) in situation.objects(
        "admissionregistration.k8s.io",
        "MutatingWebhookConfiguration",
    ) {
        let webhooks = kept.value.get("webhooks").and_then(Value::as_array);
        let url = webhooks
            .into_iter()
            .flatten()
            .find_map(|it| text(it, "/clientConfig/url"));
        if let Some(url) = url
            && kept
                .value
                .pointer("/metadata/labels/istio.io~1rev")
                .is_some()
        {
            subjects.push(
                Subject::kept(object, kept)
                    .field("webhooks[0].clientConfig.url")
                    .value(url),
            );
        }
    }
    subjects
}
