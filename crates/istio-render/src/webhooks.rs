//! The webhooks of the default revision tag, which istioctl makes beside the manifests (domain §4.6).

use istio_catalog::{DEFAULT_REVISION, stated_revision};
use sorted::SortedMap;

use serde_json::{Map, Value};

use crate::operator::merge::{get, get_bool, get_str};
use crate::{Options, Release, chart, render};

/// What the objects of the default tag are made from.
#[derive(Debug, Clone, Copy)]
pub struct TagWebhooks<'a> {
    /// The live `MutatingWebhookConfiguration` of the revision: label `istio.io/rev` its name, no label `istio.io/tag`.
    pub canonical: &'a Value,
    /// The live `istiod-default-validator`, if there is one.
    pub validator: Option<&'a Value>,
    /// Where the control plane is.
    pub namespace: &'a str,
    /// `values.sidecarInjectorWebhook.enableNamespacesByDefault` of the request.
    pub auto_inject: bool,
    /// [`crate::owner_labels`] without a component.
    pub owner_labels: &'a SortedMap<String, String>,
}

/// Says whether an install makes the webhooks of the default tag.
///
/// `tag_exists`: a `MutatingWebhookConfiguration` has the labels `app=sidecar-injector,istio.io/tag=default`.
/// 1.31:operator/pkg/webhook/webhook.go:174-179.
pub fn tag_is_needed(merged: &Value, tag_exists: bool) -> bool {
    let managed_elsewhere = get_bool(
        merged,
        &["spec", "values", "global", "operatorManageWebhooks"],
    );
    !managed_elsewhere && (!tag_exists || crate::revision(merged).is_empty())
}

/// Returns the webhooks (from 1.28 on also the Service) of the tag `default`, as `istioctl install` applies them.
///
/// Where istioctl cannot make them it says nothing and applies nothing; then this returns nothing.
/// 1.30.3:istioctl/pkg/tag/generate.go.
pub fn tag_webhooks(release: &Release, it: &TagWebhooks<'_>) -> Vec<Value> {
    let Some(injector) = Injector::read(it.canonical) else {
        return Vec::new();
    };
    if let Some(manifests) = release.manifests() {
        return rendered(manifests.tag(), it, &injector);
    }
    let Some(mutating) = mutating(release, it, &injector) else {
        return Vec::new();
    };
    let mut objects = vec![mutating];
    objects.extend(validating(release, it, &injector));
    if release.version().minor >= 28 {
        match service(release, it, &injector) {
            Some(service) => objects.push(service),
            None => return Vec::new(),
        }
    }
    objects
}

/// The label by which istioctl marks what it makes out of band (1.30.3:istioctl/pkg/tag/generate.go).
pub(crate) const KEPT: &str = "install.operator.istio.io/owning-resource-not-pruned";

/// The tag's objects as they were rendered already; what only the cluster knows is taken from it.
fn rendered(objects: &[Value], it: &TagWebhooks<'_>, injector: &Injector<'_>) -> Vec<Value> {
    let mut objects = objects.to_vec();
    for object in &mut objects {
        let validates = get_str(object, &["kind"]) == "ValidatingWebhookConfiguration";
        let hooks = object.get_mut("webhooks").and_then(Value::as_array_mut);
        for hook in hooks.into_iter().flatten() {
            set_ca_bundle(hook, &injector.ca_bundle);
            if validates {
                keep_policy(hook, it.validator);
            }
        }
    }
    objects
}

/// What the canonical webhook says of the injector.
struct Injector<'a> {
    /// Empty for the revision `default`.
    revision: &'a str,
    ca_bundle: Value,
    url: &'a str,
    path: &'a str,
    service: &'a str,
    reinvocation: &'a str,
    /// Without `app`.
    labels: Map<String, Value>,
    annotations: Map<String, Value>,
}

impl<'a> Injector<'a> {
    fn read(canonical: &'a Value) -> Option<Self> {
        let webhooks = canonical.get("webhooks")?.as_array()?;
        let webhook = webhooks
            .iter()
            .find(|it| get_str(it, &["name"]).ends_with("sidecar-injector.istio.io"))?;
        let map = |key: &str| {
            get(canonical, &["metadata", key])
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default()
        };
        let mut labels = map("labels");
        labels.remove("app");
        let revision = get_str(canonical, &["metadata", "labels", "istio.io/rev"]);
        let client = webhook.get("clientConfig")?;
        Some(Self {
            revision: if revision == DEFAULT_REVISION {
                ""
            } else {
                revision
            },
            ca_bundle: client.get("caBundle").cloned().unwrap_or_default(),
            url: get_str(client, &["url"]),
            path: get_str(client, &["service", "path"]),
            service: get_str(client, &["service", "name"]),
            reinvocation: get_str(webhook, &["reinvocationPolicy"]),
            labels,
            annotations: map("annotations"),
        })
    }
}

fn mutating(release: &Release, tags: &TagWebhooks<'_>, injector: &Injector<'_>) -> Option<Value> {
    let mut sets = sets(injector.revision, tags.namespace);
    sets.push(format!(
        "values.sidecarInjectorWebhook.enableNamespacesByDefault={}",
        tags.auto_inject
    ));
    sets.push(format!("values.istiodRemote.injectionURL={}", injector.url));
    let newer = release.version().minor >= 26;
    if newer && !injector.reinvocation.is_empty() {
        sets.push(format!(
            "values.sidecarInjectorWebhook.reinvocationPolicy={}",
            injector.reinvocation
        ));
    }
    let wanted = |it: &Value| {
        get_str(it, &["kind"]) == "MutatingWebhookConfiguration"
            && get_str(it, &["metadata", "name"]).starts_with("istio-revision-tag-")
    };
    let mut webhook = find(release, sets, wanted)?;
    let hooks = webhook.get_mut("webhooks").and_then(Value::as_array_mut);
    for hook in hooks.into_iter().flatten() {
        set_ca_bundle(hook, &injector.ca_bundle);
        if let Some(Value::Object(service)) = hook
            .get_mut("clientConfig")
            .and_then(|it| it.get_mut("service"))
        {
            service.insert("path".to_owned(), injector.path.into());
            if newer {
                service.insert("name".to_owned(), injector.service.into());
            }
        }
    }
    label(&mut webhook, Some(injector), tags.owner_labels);
    Some(webhook)
}

fn validating(release: &Release, tags: &TagWebhooks<'_>, injector: &Injector<'_>) -> Option<Value> {
    let url = validation_url(injector.url);
    let values = serde_json::json!({
        "revision": injector.revision,
        "base": {"validationURL": url},
        "global": {"istioNamespace": tags.namespace},
    });
    let kubernetes = release.minimum_kubernetes();
    let settings = chart::Settings {
        chart: "default",
        namespace: tags.namespace,
        values: values.as_object()?,
        kubernetes: &kubernetes,
        is_untouched: false,
    };
    let objects = chart::render(&chart::Charts::new(release), settings)
        .ok()?
        .objects;
    let mut webhook = objects
        .into_iter()
        .find(|it| get_str(it, &["kind"]) == "ValidatingWebhookConfiguration")?;
    let hooks = webhook.get_mut("webhooks").and_then(Value::as_array_mut);
    for hook in hooks.into_iter().flatten() {
        set_ca_bundle(hook, &injector.ca_bundle);
        keep_policy(hook, tags.validator);
    }
    label(&mut webhook, Some(injector), tags.owner_labels);
    Some(webhook)
}

/// istiod turns Ignore into Fail once it is ready; an apply must not turn it back.
fn keep_policy(hook: &mut Value, validator: Option<&Value>) {
    let live = validator.and_then(|it| get(it, &["webhooks"])?.as_array());
    let live = live
        .into_iter()
        .flatten()
        .find(|it| it.get("name") == hook.get("name"));
    if let (Some(live), Value::Object(hook)) = (live, hook) {
        match live
            .get("failurePolicy")
            .filter(|it| it.as_str() != Some("Fail"))
        {
            Some(policy) => drop(hook.insert("failurePolicy".to_owned(), policy.clone())),
            None => drop(hook.remove("failurePolicy")),
        }
    }
}

fn service(release: &Release, tags: &TagWebhooks<'_>, injector: &Injector<'_>) -> Option<Value> {
    let revision = stated_revision(injector.revision);
    let wanted = |it: &Value| {
        get_str(it, &["kind"]) == "Service"
            && get_str(it, &["metadata", "labels", "istio.io/tag"]) == DEFAULT_REVISION
    };
    let mut service = find(release, sets(revision, tags.namespace), wanted)?;
    label(&mut service, None, tags.owner_labels);
    // istioctl sends it through Go's typed Service, which writes a target port that is not set as 0 and so comes to own
    // the field (seen in the managedFields that 1.29.6 and 1.30.3 leave).
    let ports = service
        .get_mut("spec")
        .and_then(|it| it.get_mut("ports")?.as_array_mut());
    for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
        port.entry("targetPort").or_insert_with(|| 0.into());
    }
    Some(service)
}

fn sets(revision: &str, namespace: &str) -> Vec<String> {
    vec![
        "profile=empty".to_owned(),
        "components.pilot.enabled=true".to_owned(),
        format!("revision={revision}"),
        "values.revisionTags.[0]=default".to_owned(),
        format!("values.global.istioNamespace={namespace}"),
    ]
}

fn find(release: &Release, sets: Vec<String>, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
    let rendering = render(
        release,
        &Options {
            sets,
            ..Options::default()
        },
    )
    .ok()?;
    rendering
        .components
        .into_iter()
        .flat_map(|it| it.objects)
        .find(wanted)
}

fn set_ca_bundle(hook: &mut Value, ca_bundle: &Value) {
    if let Some(Value::Object(client)) = hook.get_mut("clientConfig") {
        match ca_bundle {
            Value::Null => drop(client.remove("caBundle")),
            ca_bundle => drop(client.insert("caBundle".to_owned(), ca_bundle.clone())),
        }
    }
}

/// The canonical webhook's labels and annotations, then the owner's, over those of the chart.
fn label(
    object: &mut Value,
    injector: Option<&Injector<'_>>,
    owner_labels: &SortedMap<String, String>,
) {
    if let Some(injector) = injector {
        merge_metadata(object, "labels", &injector.labels);
        merge_metadata(object, "annotations", &injector.annotations);
    }
    crate::add_labels(object, owner_labels);
    let kept = [(KEPT.to_owned(), "true".to_owned())];
    crate::add_labels(object, &kept.into_iter().collect());
}

fn merge_metadata(object: &mut Value, key: &str, added: &Map<String, Value>) {
    if added.is_empty() {
        return;
    }
    let Some(Value::Object(metadata)) = object.get_mut("metadata") else {
        return;
    };
    let present = metadata
        .entry(key)
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(present) = present {
        present.extend(added.clone());
    }
}

/// The injector's URL with the path `/validate`.
fn validation_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, after) = rest.split_at(end);
    let query = after.find(['?', '#']).map_or("", |at| &after[at..]);
    format!("{scheme}://{host}/validate{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_validation_url_is_the_injectors_with_another_path() {
        assert_eq!(
            validation_url("https://a:15017/inject/cluster/x"),
            "https://a:15017/validate"
        );
        assert_eq!(validation_url(""), "");
    }
}
