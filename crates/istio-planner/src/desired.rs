//! What the target wants of the cluster: rendered objects with the labels that istioctl puts on them.

use istio_render::{Owner, Release, Rendering, TagWebhooks};
use serde_json::Value;
use sorted::SortedMap;

/// All that the target applies.
#[derive(Debug, Clone, Default)]
pub struct Desired<'a> {
    /// Components in istioctl's order.
    pub components: Vec<Component>,
    /// Where the control plane belongs, by which left-over objects are recognised.
    pub namespace: String,
    /// `values.revision`; empty where there is none.
    pub revision: String,
    /// Labels of every object of this run, without the component's.
    pub labels: SortedMap<String, String>,
    /// `values.global.network`: a label of the namespace, where it is made.
    pub network: Option<String>,
    /// How the webhooks of the default tag are made; `None`: they are managed elsewhere.
    pub tag: Option<Tag<'a>>,
}

/// What the webhooks of the default tag are made from.
#[derive(Debug, Clone, Copy)]
pub struct Tag<'a> {
    release: &'a Release,
    auto_inject: bool,
}

/// What one component applies.
#[derive(Debug, Clone, Default)]
pub struct Component {
    /// `Base`, `Pilot`, `IngressGateways`, …
    pub name: String,
    /// The gateway's name; empty for the others.
    pub instance: String,
    /// In istioctl's order, labelled.
    pub objects: Vec<Value>,
}

impl<'a> Desired<'a> {
    /// Labels what a release renders, as its istioctl does (domain §2.5).
    pub fn new(release: &'a Release, rendering: &Rendering) -> Self {
        let merged = &rendering.merged;
        let revision = istio_render::revision(merged);
        let owner = Owner {
            merged,
            user: &rendering.user,
            revision,
            version: release.version(),
        };
        let values = |path: &str| merged.pointer(&format!("/spec/values/{path}"));
        let truth = |path: &str| values(path).and_then(Value::as_bool).unwrap_or_default();
        let network = values("global/network").and_then(Value::as_str);
        let namespace = istio_render::control_plane_namespace(merged);
        Self {
            components: rendering
                .components
                .iter()
                .map(|it| labelled(it, &owner))
                .collect(),
            namespace: if namespace.is_empty() {
                "istio-system"
            } else {
                namespace
            }
            .to_owned(),
            revision: revision.to_owned(),
            labels: istio_render::owner_labels(&owner, None),
            network: network.filter(|it| !it.is_empty()).map(str::to_owned),
            tag: (release.has_tag() && !truth("global/operatorManageWebhooks")).then(|| Tag {
                release,
                auto_inject: truth("sidecarInjectorWebhook/enableNamespacesByDefault"),
            }),
        }
    }

    /// Makes the webhooks of the default tag from the revision's injector and the live default validator
    /// (domain §4.6).
    pub(crate) fn tag_webhooks(&self, injector: &Value, validator: Option<&Value>) -> Vec<Value> {
        let Some(tag) = self.tag else {
            return Vec::new();
        };
        let webhooks = TagWebhooks {
            canonical: injector,
            validator,
            namespace: &self.namespace,
            auto_inject: tag.auto_inject,
            owner_labels: &self.labels,
        };
        istio_render::tag_webhooks(tag.release, &webhooks)
    }
}

fn labelled(component: &istio_render::Component, owner: &Owner<'_>) -> Component {
    let labels = istio_render::owner_labels(owner, Some(&component.name));
    let objects: Vec<Value> = component
        .objects
        .iter()
        .cloned()
        .map(|mut it| {
            istio_render::add_labels(&mut it, &labels);
            without_useless_namespace(&mut it);
            it
        })
        .collect();
    let workload = objects.iter().find(|it| it["kind"] == "Deployment");
    let instance = workload.filter(|_| component.name.ends_with("Gateways"));
    let instance = instance.and_then(|it| it.pointer("/metadata/name")?.as_str());
    Component {
        name: component.name.clone(),
        instance: instance.unwrap_or_default().to_owned(),
        objects,
    }
}

/// Old charts give a namespace to objects of the whole cluster; the API server drops it.
fn without_useless_namespace(object: &mut Value) {
    const OF_CLUSTER: [&str; 8] = [
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "MutatingWebhookConfiguration",
        "Namespace",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    ];
    let kind = object
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let of_cluster = OF_CLUSTER.contains(&kind);
    let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
    if let Some(metadata) = metadata.filter(|_| of_cluster) {
        metadata.remove("namespace");
    }
}
