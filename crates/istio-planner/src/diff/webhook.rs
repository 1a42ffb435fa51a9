//! Where a plan sends less of a webhook configuration than istioctl does.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

/// The manager of istioctl's own updates: client-go names it after the program.
pub(super) const ISTIOCTL: &str = "istioctl";

/// The validator that istioctl makes beside the manifests.
pub(super) const DEFAULT_VALIDATOR: &str = "istiod-default-validator";

/// Fields that tell which objects a webhook sees.
const SELECTORS: [&str; 2] = ["namespaceSelector", "objectSelector"];

/// A selector that matches nothing (1.30.3:istioctl/pkg/tag/util.go, `DeactivateIstioInjectionWebhook`).
fn never() -> Value {
    json!({"matchLabels": {"istio.io/deactivated": "never-match"}})
}

/// Returns a label of an object.
pub(super) fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("labels")?.get(key)?.as_str()
}

fn webhooks(object: &Value) -> impl Iterator<Item = &Value> {
    object
        .get("webhooks")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn webhooks_mut(object: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let webhooks = object.get_mut("webhooks").and_then(Value::as_array_mut);
    webhooks
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
}

/// Returns a configuration that matches nothing.
pub(super) fn deactivated(configuration: &Value) -> Value {
    let mut quiet = configuration.clone();
    for webhook in webhooks_mut(&mut quiet) {
        for selector in SELECTORS {
            webhook.insert(selector.to_owned(), never());
        }
    }
    quiet
}

/// Returns the merge patch that makes a configuration match nothing. It replaces the list as a whole.
pub(super) fn quieting_patch(quiet: &Value) -> Value {
    json!({"webhooks": quiet.get("webhooks")})
}

/// Leaves the selectors out of an apply where the live webhooks match nothing and are to stay so: istioctl wakes them up
/// for a moment, in which two injectors match the same pods (domain §4.6). What is stored in the end, and who owns
/// it, is the same; a webhook that the live configuration has not is made asleep.
pub(super) fn stays_quiet(live: &Value, manifest: &mut Value) -> bool {
    let sleeps = |it: &Value| {
        let mut selectors = SELECTORS.iter();
        selectors.all(|field| it.get(field) == Some(&never()))
    };
    let names: Vec<Value> = webhooks(live)
        .filter_map(|it| it.get("name").cloned())
        .collect();
    if names.is_empty() || !webhooks(live).all(sleeps) {
        return false;
    }
    for webhook in webhooks_mut(manifest) {
        let known = webhook.get("name").is_some_and(|it| names.contains(it));
        for selector in SELECTORS {
            if known {
                webhook.remove(selector);
            } else {
                webhook.insert(selector.to_owned(), never());
            }
        }
    }
    true
}

/// Takes the chart's version labels from the live object where they are unstamped.
///
/// istioctl makes the tag's Service from the charts inside its own executable. Where those are not stamped, as in its
/// container image (domain §2.7), it writes `1.0.0`, whatever its version.
pub(super) fn stays_unstamped(live: Option<&Value>, manifest: &mut Value) {
    const CHART: &str = "helm.sh/chart";
    const VERSION: &str = "app.kubernetes.io/version";
    let Some(live) = live.filter(|it| label(it, VERSION) == Some("1.0.0")) else {
        return;
    };
    for key in [CHART, VERSION] {
        if let (Some(live), Some(_)) = (label(live, key), label(manifest, key)) {
            manifest["metadata"]["labels"][key] = live.into();
        }
    }
}

/// Leaves `failurePolicy: Ignore` out of an apply where istiod has turned it to Fail: istioctl opens the validation of
/// configuration with every upgrade (domain §11, F-7). Returns whether there was something to leave out.
pub(super) fn keeps_closed(live: Option<&Value>, manifest: &mut Cow<'_, Value>) -> bool {
    let Some(live) = live.filter(|it| it["kind"] == "ValidatingWebhookConfiguration") else {
        return false;
    };
    let closed = |name: Option<&Value>| {
        let live = webhooks(live).find(|it| it.get("name") == name);
        live.is_some_and(|it| it["failurePolicy"] == "Fail")
    };
    let mut kept = false;
    for webhook in webhooks_mut(manifest.to_mut()) {
        if webhook
            .get("failurePolicy")
            .is_some_and(|it| it == "Ignore")
            && closed(webhook.get("name"))
        {
            webhook.remove("failurePolicy");
            kept = true;
        }
    }
    kept
}
