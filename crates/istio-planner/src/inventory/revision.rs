//! Revision tags and clusters whose control plane runs elsewhere (domain §7.3).

use istio_catalog::DEFAULT_REVISION;
use serde_json::Value;

use crate::outcome::{Ref, Subject};
use crate::snapshot::Snapshot;

/// A revision tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Its name.
    pub name: String,
    /// The revision that it leads to.
    pub revision: String,
    /// Where that revision's istiod runs; `None` where the object does not tell.
    pub namespace: Option<String>,
    /// The webhook configuration, or the Service, that makes the tag.
    pub object: Ref,
}

/// Returns the tags that webhook configurations and, since 1.28, Services make, sorted by object.
pub fn tags(snapshot: &Snapshot) -> Vec<Tag> {
    let carriers = snapshot
        .objects
        .iter()
        .filter(|(it, _)| matches!(it.kind.as_str(), "MutatingWebhookConfiguration" | "Service"));
    carriers
        .filter_map(|(object, kept)| {
            let label = |key: &str| {
                kept.value
                    .get("metadata")?
                    .get("labels")?
                    .get(key)?
                    .as_str()
            };
            let namespace = match &object.namespace {
                Some(namespace) => Some(namespace.clone()),
                None => webhook_namespace(&kept.value),
            };
            Some(Tag {
                name: label("istio.io/tag")
                    .filter(|it| !it.is_empty())?
                    .to_owned(),
                revision: label("istio.io/rev")?.to_owned(),
                namespace,
                object: object.clone(),
            })
        })
        .collect()
}

/// Evidence that pods of this cluster are injected by a control plane that runs elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Remote {
    /// The revision that the evidence is about.
    pub revision: String,
    /// The webhook configuration and the address that it calls.
    pub evidence: Subject,
}

/// Returns the injectors that call an address instead of a Service of this cluster.
pub fn remotes(snapshot: &Snapshot) -> Vec<Remote> {
    let injectors = snapshot
        .objects
        .iter()
        .filter(|(it, _)| it.kind == "MutatingWebhookConfiguration");
    injectors
        .filter_map(|(object, kept)| {
            let webhooks = kept.value.get("webhooks")?.as_array()?;
            let injects = |it: &&Value| {
                it.get("name")
                    .and_then(Value::as_str)
                    .is_some_and(|it| it.contains("sidecar-injector.istio.io"))
            };
            let url = webhooks
                .iter()
                .filter(injects)
                .find_map(|it| it.get("clientConfig")?.get("url")?.as_str())?;
            let revision = kept
                .value
                .get("metadata")?
                .get("labels")
                .and_then(|it| it.get("istio.io/rev")?.as_str());
            let evidence = Subject::kept(object, kept)
                .field("webhooks[].clientConfig.url")
                .value(url);
            Some(Remote {
                revision: revision.unwrap_or(DEFAULT_REVISION).to_owned(),
                evidence,
            })
        })
        .collect()
}

/// Returns the namespace of the Service that a configuration's first webhook calls.
pub(crate) fn webhook_namespace(configuration: &Value) -> Option<String> {
    let webhooks = configuration.get("webhooks")?.as_array()?;
    let called = webhooks.iter().find_map(|it| {
        it.get("clientConfig")?
            .get("service")?
            .get("namespace")?
            .as_str()
    });
    called.map(str::to_owned)
}
