//! The objects that decide about injection, now and after the apply.

use std::collections::BTreeMap;

use istio_catalog::Version;
use serde_json::Value;

use super::Context;
use super::injector::Injectors;
use super::policy::Policy;
use crate::outcome::{Change, ChangeClass, ControlPlane, Ref};
use crate::snapshot::Snapshot;

/// Objects as they will be.
#[derive(Debug)]
pub(super) struct After<'a> {
    snapshot: &'a Snapshot,
    /// `None`: deleted.
    changed: BTreeMap<&'a Ref, Option<&'a Value>>,
}

impl<'a> After<'a> {
    /// Lays changes over what is there.
    pub(super) fn of(snapshot: &'a Snapshot, changes: &'a [Change]) -> Self {
        let written = changes
            .iter()
            .filter_map(|it| match (it.class, &it.predicted) {
                (ChangeClass::Delete, _) => Some((&it.object, None)),
                (_, Some(predicted)) => Some((&it.object, Some(predicted))),
                (_, None) => None,
            })
            .collect();
        Self {
            snapshot,
            changed: written,
        }
    }

    /// Returns every object of a kind.
    pub(super) fn of_kind(&self, kind: &str) -> Vec<&'a Value> {
        let stay = self
            .snapshot
            .objects
            .iter()
            .filter(|(it, _)| !self.changed.contains_key(it));
        let stay = stay
            .filter(|(it, _)| it.kind == kind)
            .map(|(_, it)| &it.value);
        let changed = self
            .changed
            .iter()
            .filter(|(it, _)| it.kind == kind)
            .filter_map(|(_, it)| *it);
        stay.chain(changed).collect()
    }

    /// Returns the object that the apply writes, `None` where it is not rendered.
    fn predicted(&self, kind: &str, namespace: &str, name: &str) -> Option<&'a Value> {
        let (_, value) = self
            .changed
            .iter()
            .find(|(it, _)| is(it, kind, namespace, name))?;
        *value
    }

    fn object(&self, kind: &str, namespace: &str, name: &str) -> Option<&'a Value> {
        self.predicted(kind, namespace, name).or_else(|| {
            let mut objects = self.snapshot.objects.iter();
            objects
                .find(|(it, _)| is(it, kind, namespace, name))
                .map(|(_, it)| &it.value)
        })
    }
}

fn is(object: &Ref, kind: &str, namespace: &str, name: &str) -> bool {
    object.kind == kind && object.name == name && object.namespace.as_deref() == Some(namespace)
}

/// How pods are injected: all injectors, and what the istiod of one control plane does.
#[derive(Debug)]
pub(super) struct Injection<'a> {
    pub(super) injectors: Injectors<'a>,
    pub(super) policy: Policy,
    /// `hub/name` of the proxy's image, where the target was rendered.
    pub(super) repository: Option<String>,
    /// Environment of istiod.
    pub(super) environment: BTreeMap<String, String>,
}

impl<'a> Injection<'a> {
    /// Reads how pods are injected once the changes are made.
    pub(super) fn after(snapshot: &'a Snapshot, context: Context<'a>) -> Self {
        let after = After::of(snapshot, context.changes);
        let (namespace, name) = (context.plane.namespace.as_str(), config_map(context.plane));
        Self {
            repository: after
                .predicted("ConfigMap", namespace, &name)
                .and_then(repository),
            ..Self::read(&after, context.plane)
        }
    }

    /// Reads how pods are injected now.
    pub(super) fn now(snapshot: &'a Snapshot, plane: &ControlPlane) -> Self {
        Self::read(&After::of(snapshot, &[]), plane)
    }

    fn read(after: &After<'a>, plane: &ControlPlane) -> Self {
        let config = after.object("ConfigMap", &plane.namespace, &config_map(plane));
        let istiod = after.object(
            "Deployment",
            &plane.namespace,
            &with_revision("istiod", &plane.revision),
        );
        Self {
            injectors: Injectors::read(after.of_kind("MutatingWebhookConfiguration")),
            policy: Policy::read(config),
            repository: None,
            environment: istiod.map(environment).unwrap_or_default(),
        }
    }
}

fn config_map(plane: &ControlPlane) -> String {
    with_revision("istio-sidecar-injector", &plane.revision)
}

fn with_revision(name: &str, revision: &str) -> String {
    if revision == "default" {
        name.to_owned()
    } else {
        format!("{name}-{revision}")
    }
}

/// Reads hub and name of the proxy's image; a name with a slash is a whole image (injection-template.yaml).
fn repository(config_map: &Value) -> Option<String> {
    let values: Value = serde_json::from_str(config_map.pointer("/data/values")?.as_str()?).ok()?;
    let image = values.pointer("/global/proxy/image")?.as_str()?;
    if image.contains('/') {
        return Some(without_tag(image).to_owned());
    }
    let hub = values.pointer("/global/hub")?.as_str()?;
    Some(format!("{hub}/{image}"))
}

/// Returns an image reference without tag and digest.
pub(super) fn without_tag(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |it| it.0);
    match image.rsplit_once(':') {
        // A colon before a slash belongs to the registry's port.
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => image,
    }
}

/// Reads the literal environment of istiod.
fn environment(deployment: &Value) -> BTreeMap<String, String> {
    let containers = deployment
        .pointer("/spec/template/spec/containers")
        .and_then(Value::as_array);
    let discovery = containers
        .into_iter()
        .flatten()
        .find(|it| it.get("name").and_then(Value::as_str) == Some("discovery"));
    let env = discovery.and_then(|it| it.get("env")?.as_array());
    env.into_iter()
        .flatten()
        .filter_map(|it| {
            Some((
                it.get("name")?.as_str()?.to_owned(),
                it.get("value")?.as_str()?.to_owned(),
            ))
        })
        .collect()
}

/// Whether an image is of the target: its version, and where the target was rendered, its repository.
pub(super) fn is_current(
    image: &str,
    version: Option<&Version>,
    to: &Version,
    repository: Option<&str>,
) -> bool {
    version == Some(to) && repository.is_none_or(|it| it == without_tag(image))
}
