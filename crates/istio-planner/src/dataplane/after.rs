//! The objects that decide about injection, now and after the apply.

use istio_catalog::{Version, revisioned};
use serde_json::{Value, json};
use sorted::SortedMap;

use super::Context;
use super::injector::Injectors;
use super::policy::Policy;
use crate::inventory::istiod_environment;
use crate::outcome::{Change, ChangeClass, ControlPlane, Ref};
use crate::snapshot::Snapshot;

/// Objects as they will be.
#[derive(Debug)]
pub(super) struct After<'a> {
    snapshot: &'a Snapshot,
    /// `None`: deleted.
    changed: SortedMap<&'a Ref, Option<&'a Value>>,
}

impl<'a> After<'a> {
    /// Lays changes over what is there.
    pub(super) fn new(snapshot: &'a Snapshot, changes: &'a [Change]) -> Self {
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
    /// The proxy's image, where the target was rendered.
    pub(super) image: Option<Image>,
    /// Environment of istiod.
    pub(super) environment: SortedMap<String, String>,
}

impl<'a> Injection<'a> {
    /// Reads how pods are injected once the changes are made.
    pub(super) fn after(snapshot: &'a Snapshot, context: Context<'a>) -> Self {
        let after = After::new(snapshot, context.changes);
        let (namespace, name) = (context.plane.namespace.as_str(), config_map(context.plane));
        let mesh = revisioned("istio", &context.plane.revision);
        let mesh = after.predicted("ConfigMap", namespace, &mesh);
        Self {
            image: after
                .predicted("ConfigMap", namespace, &name)
                .and_then(|it| Image::read(it, mesh)),
            ..Self::read(&after, context.plane)
        }
    }

    /// Reads how pods are injected now.
    pub(super) fn now(snapshot: &'a Snapshot, plane: &ControlPlane) -> Self {
        Self::read(&After::new(snapshot, &[]), plane)
    }

    fn read(after: &After<'a>, plane: &ControlPlane) -> Self {
        let config = after.object("ConfigMap", &plane.namespace, &config_map(plane));
        let istiod = after.object(
            "Deployment",
            &plane.namespace,
            &revisioned("istiod", &plane.revision),
        );
        Self {
            injectors: Injectors::read(after.of_kind("MutatingWebhookConfiguration")),
            policy: Policy::read(config),
            image: None,
            environment: istiod.map(environment).unwrap_or_default(),
        }
    }
}

fn config_map(plane: &ControlPlane) -> String {
    revisioned("istio-sidecar-injector", &plane.revision)
}

/// The image that an injector gives to proxies (1.31:pkg/kube/inject/template.go, `ProxyImage`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    /// `hub/name`.
    pub(super) repository: String,
    /// The version that the tag names; `None` for a tag of other words.
    pub(super) version: Option<Version>,
    /// `distroless`, `debug`, or nothing for the default image.
    pub(super) variant: String,
    /// The tag as written.
    pub(super) tag: Option<String>,
    /// The whole reference, where the request names one.
    pub(super) whole: Option<String>,
    /// The image that prepares a pod's network, where it is not the proxy's own.
    pub(super) init: Option<String>,
}

impl Image {
    /// Reads the injector's values and the mesh configuration; a name with a slash is a whole image
    /// (injection-template.yaml).
    fn read(config_map: &Value, mesh: Option<&Value>) -> Option<Self> {
        let values: Value =
            serde_json::from_str(config_map.pointer("/data/values")?.as_str()?).ok()?;
        let image = values.pointer("/global/proxy/image")?.as_str()?;
        let init = values.pointer("/global/proxy_init/image");
        let init = init.and_then(Value::as_str).filter(|it| it.contains('/'));
        let init = init.map(str::to_owned);
        if image.contains('/') {
            return Some(Self {
                repository: without_tag(image).to_owned(),
                version: crate::inventory::of_image(image),
                variant: variant(image).to_owned(),
                tag: None,
                whole: Some(image.to_owned()),
                init,
            });
        }
        let hub = values.pointer("/global/hub")?.as_str()?;
        let tag = match values.pointer("/global/tag") {
            Some(Value::String(tag)) => tag.clone(),
            Some(Value::Number(tag)) => tag.to_string(),
            _ => String::new(),
        };
        let of_mesh =
            mesh.and_then(|it| kube_yaml::from_str(it.pointer("/data/mesh")?.as_str()?).ok());
        let of_mesh = of_mesh.as_ref().and_then(image_type);
        Some(Self {
            repository: format!("{hub}/{image}"),
            version: Version::parse_tag(&tag),
            variant: of_mesh.unwrap_or_else(|| variant(&format!("x:{tag}")).to_owned()),
            tag: Some(tag).filter(|it| !it.is_empty()),
            whole: None,
            init,
        })
    }

    /// The variant that a pod gets: as its annotations say, else as the mesh says.
    pub(super) fn variant(&self, annotations: &SortedMap<String, String>) -> String {
        let own = || {
            let config = annotations.get("proxy.istio.io/config")?;
            let config = kube_yaml::from_str(config).ok()?;
            image_type(&json!({"defaultConfig": config}))
        };
        let named = annotations
            .get("sidecar.istio.io/proxyImageType")
            .map(|it| named(it));
        named.or_else(own).unwrap_or_else(|| self.variant.clone())
    }
}

/// `defaultConfig.image.imageType` of a `MeshConfig`.
fn image_type(mesh: &Value) -> Option<String> {
    let kind = mesh.pointer("/defaultConfig/image/imageType")?.as_str()?;
    (!kind.is_empty()).then(|| named(kind))
}

/// `default` is the image without a variant.
fn named(image_type: &str) -> String {
    if image_type == "default" {
        ""
    } else {
        image_type
    }
    .to_owned()
}

/// The variant at the end of an image's tag.
fn variant(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |it| it.0);
    ["distroless", "debug"]
        .into_iter()
        .find(|it| image.strip_suffix(it).is_some_and(|it| it.ends_with('-')))
        .unwrap_or_default()
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
fn environment(deployment: &Value) -> SortedMap<String, String> {
    istiod_environment(deployment)
        .filter_map(|(name, it)| Some((name.to_owned(), it.get("value")?.as_str()?.to_owned())))
        .collect()
}

/// Whether a proxy is the one that a pod of these annotations gets: its version, and where the target was rendered, its
/// repository and its variant (domain §8.2).
pub(super) fn is_current(
    image: &str,
    version: Option<&Version>,
    to: &Version,
    wanted: Option<&Image>,
    annotations: &SortedMap<String, String>,
) -> bool {
    // An image by its digest alone has no tag that could name a variant.
    let tagged = !image.contains('@');
    let same = |it: &Image| {
        it.repository == without_tag(image)
            && (!tagged || it.variant(annotations) == variant(image))
    };
    version == Some(to) && wanted.is_none_or(same)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Image, is_current};

    fn image(tag: &str, mesh: &str) -> Image {
        let values =
            json!({"global": {"hub": "h", "tag": tag, "proxy": {"image": "proxyv2"}}}).to_string();
        let mesh = json!({"data": {"mesh": mesh}});
        Image::read(&json!({"data": {"values": values}}), Some(&mesh)).unwrap()
    }

    #[test]
    fn the_variant_is_that_of_the_mesh_else_of_the_tag() {
        assert_eq!(image("1.30.3", "{}").variant, "");
        assert_eq!(image("1.30.3-distroless", "{}").variant, "distroless");
        let distroless = "defaultConfig: {image: {imageType: distroless}}";
        assert_eq!(image("1.30.3", distroless).variant, "distroless");
        let default = "defaultConfig: {image: {imageType: default}}";
        assert_eq!(image("1.30.3-debug", default).variant, "");
    }

    #[test]
    fn a_proxy_of_another_variant_is_not_current() {
        let to = "1.30.3".parse().unwrap();
        let wanted = image("1.30.3", "defaultConfig: {image: {imageType: distroless}}");
        let is = |name: &str, annotations: &[(&str, &str)]| {
            let annotations = annotations
                .iter()
                .map(|(key, it)| ((*key).to_owned(), (*it).to_owned()))
                .collect();
            is_current(name, Some(&to), &to, Some(&wanted), &annotations)
        };
        assert!(!is("h/proxyv2:1.30.3", &[]));
        assert!(is("h/proxyv2:1.30.3-distroless", &[]));
        assert!(is("h/proxyv2@sha256:1", &[]));
        assert!(is(
            "h/proxyv2:1.30.3",
            &[("proxy.istio.io/config", "image: {imageType: default}")]
        ));
        assert!(!is("other/proxyv2:1.30.3-distroless", &[]));
    }
}
