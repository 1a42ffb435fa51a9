//! Who owns what in an export without `managedFields`, as far as recovery has to assume it.
//!
//! What `kubectl get -o yaml` prints does not tell. The objects are istioctl's by their labels, so all that they hold is
//! taken for istioctl's, but for what servers, controllers and istiod write.

use serde_json::{Map, Value, json};

use crate::diff::is_tracked;
use crate::digest::SERVER_METADATA;
use crate::plan::FIELD_MANAGER;
use crate::snapshot::Snapshot;
use kube_apply::ownership::Apply;
use kube_apply::schema::Schemas;
use sorted::SortedSet;

/// Domains of annotations that clients and controllers write.
pub(super) const FOREIGN: [&str; 5] = [
    "kubectl.kubernetes.io/",
    "deployment.kubernetes.io/",
    "deprecated.daemonset.template.",
    "autoscaling.alpha.kubernetes.io/",
    "control-plane.alpha.kubernetes.io/",
];

/// What istiod writes into its webhooks once it runs.
const ISTIOD: &str = "pilot-discovery";

/// Returns the part of a snapshot that an installation can consist of with an owner for every field of istioctl's objects,
/// all of which are in it.
pub(super) fn tracked(snapshot: &Snapshot, mut part: Snapshot) -> Snapshot {
    let mut unowned = part.objects.iter_mut().filter(|(object, kept)| {
        object.kind != "CustomResourceDefinition"
            && !is_tracked(&kept.value)
            && is_of_istioctl(&kept.value)
    });
    let Some(first) = unowned.next() else {
        drop(unowned);
        return part;
    };
    let mut schemas = Schemas::builtin();
    for (object, kept) in &snapshot.objects {
        if object.kind == "CustomResourceDefinition" {
            schemas.add_crd(&kept.value);
        }
    }
    let scaled = scaled(snapshot);
    for (object, kept) in std::iter::once(first).chain(unowned) {
        let namespace = object.namespace.as_deref();
        let scaled = scaled.contains(&(namespace, object.kind.as_str(), object.name.as_str()));
        if let Some(managers) = managers(&schemas, &kept.value, scaled) {
            kept.value["metadata"]["managedFields"] = managers;
        }
    }
    part.managed_fields = true;
    part
}

fn is_of_istioctl(object: &Value) -> bool {
    let labels = object
        .pointer("/metadata/labels")
        .and_then(Value::as_object);
    let is_part = |it: &Map<String, Value>| {
        it.get("app.kubernetes.io/part-of") == Some(&json!("istio"))
            || it.keys().any(|it| it.contains("istio.io/"))
    };
    labels.is_some_and(is_part)
}

/// The workloads whose replicas an autoscaler sets: namespace, kind and name.
fn scaled(snapshot: &Snapshot) -> SortedSet<(Option<&str>, &str, &str)> {
    let all = snapshot.objects.iter();
    let scalers = all.filter(|(object, _)| object.kind == "HorizontalPodAutoscaler");
    let targets = scalers.filter_map(|(object, kept)| {
        let target = kept.value.pointer("/spec/scaleTargetRef")?;
        let text = |field: &str| target.get(field)?.as_str();
        Some((object.namespace.as_deref(), text("kind")?, text("name")?))
    });
    targets.collect()
}

fn managers(schemas: &Schemas, live: &Value, scaled: bool) -> Option<Value> {
    let config = written(live, scaled);
    let apply = Apply {
        schemas,
        live: None,
        config: &config,
        manager: FIELD_MANAGER,
        force: true,
    };
    let mut entries = apply.predict().ok()?.managers.to_managed_fields();
    if let (Some(fields), Some(entries)) = (of_istiod(live), entries.as_array_mut()) {
        entries.push(json!({
            "manager": ISTIOD, "operation": "Update", "apiVersion": live["apiVersion"],
            "fieldsType": "FieldsV1", "fieldsV1": fields,
        }));
    }
    Some(entries)
}

/// An object without what others write.
fn written(live: &Value, scaled: bool) -> Value {
    let mut object = live.clone();
    let map = |value: Option<&mut Value>, of: &dyn Fn(&mut Map<String, Value>)| {
        if let Some(map) = value.and_then(Value::as_object_mut) {
            of(map);
        }
    };
    map(Some(&mut object), &|it| {
        // Tokens that a controller makes.
        it.retain(|key, _| key != "status" && key != "secrets");
    });
    map(object.get_mut("metadata"), &|it| {
        for field in SERVER_METADATA
            .iter()
            .chain(&["finalizers", "ownerReferences"])
        {
            it.remove(*field);
        }
    });
    for metadata in ["/metadata", "/spec/template/metadata"] {
        map(object.pointer_mut(metadata), &|it| {
            if let Some(Value::Object(annotations)) = it.get_mut("annotations") {
                annotations
                    .retain(|key, _| !FOREIGN.iter().any(|foreign| key.starts_with(foreign)));
                if annotations.is_empty() {
                    it.remove("annotations");
                }
            }
        });
    }
    let kind = live.get("kind").and_then(Value::as_str).unwrap_or_default();
    map(object.get_mut("spec"), &|it| {
        if scaled {
            it.remove("replicas");
        }
        if kind != "Service" {
            return;
        }
        it.remove("healthCheckNodePort");
        if it.get("clusterIP").is_some_and(|it| it != "None") {
            it.remove("clusterIP");
            it.remove("clusterIPs");
        }
        for port in it
            .get_mut("ports")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            map(Some(port), &|it| drop(it.remove("nodePort")));
        }
    });
    let webhooks = object.get_mut("webhooks").and_then(Value::as_array_mut);
    for webhook in webhooks.into_iter().flatten() {
        map(webhook.get_mut("clientConfig"), &|it| {
            it.remove("caBundle");
        });
        if kind == "ValidatingWebhookConfiguration" {
            map(Some(webhook), &|it| drop(it.remove("failurePolicy")));
        }
    }
    object
}

/// Fields of webhooks that istiod fills in, as `managedFields` write them.
fn of_istiod(live: &Value) -> Option<Value> {
    let is_validating = live["kind"] == "ValidatingWebhookConfiguration";
    let mut webhooks = Map::new();
    for webhook in live.get("webhooks")?.as_array()? {
        let mut fields = Map::new();
        if webhook.pointer("/clientConfig/caBundle").is_some() {
            fields.insert("f:clientConfig".to_owned(), json!({"f:caBundle": {}}));
        }
        if is_validating && webhook.get("failurePolicy").is_some() {
            fields.insert("f:failurePolicy".to_owned(), json!({}));
        }
        let name = webhook.get("name")?.as_str()?;
        if !fields.is_empty() {
            webhooks.insert(format!("k:{}", json!({"name": name})), fields.into());
        }
    }
    (!webhooks.is_empty()).then(|| json!({"f:webhooks": webhooks}))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::written;

    #[test]
    fn what_servers_and_controllers_write_is_not_istioctls() {
        let live = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "istiod", "uid": "x", "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "{}", "own": "y"}},
            "spec": {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "type": "NodePort",
                "ports": [{"port": 80, "nodePort": 30000}]},
            "status": {},
        });
        let kept = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "istiod", "annotations": {"own": "y"}},
            "spec": {"type": "NodePort", "ports": [{"port": 80}]},
        });
        assert_eq!(written(&live, false), kept);
    }

    #[test]
    fn an_autoscaler_owns_the_replicas() {
        let live = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 3}});
        assert_eq!(written(&live, true)["spec"], json!({}));
        assert_eq!(written(&live, false)["spec"], json!({"replicas": 3}));
    }
}
