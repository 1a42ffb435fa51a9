//! Manifests that were rendered already, in the place of a release's charts: what `istioctl manifest generate` printed,
//! or what a `GitOps` repository holds.
//!
//! What they do not tell (the merged `IstioOperator`) is read off the objects themselves.

use istio_catalog::{ComponentName, DEFAULT_REVISION};
use std::io::Read;

use flate2::read::MultiGzDecoder;
use semver::Version;
use serde_json::{Map, Value, json};

use crate::operator::merge::get_str;
use crate::webhooks::KEPT;
use crate::{Component, Diagnostic, Options, Rendering};

/// More than this is no installation of Istio; what 1.30 renders is 1 MB.
const MOST_BYTES: u64 = 64 << 20;

/// Components in istioctl's order of applying, with how else than by their label objects of each are known:
/// `app.kubernetes.io/name` of charts, and the start of names (1.30.3:manifests/charts/*/templates).
const COMPONENTS: [(ComponentName, &[&str], &[&str]); 6] = [
    (
        ComponentName::Base,
        &["istio-base"],
        &["istio-reader-service-account"],
    ),
    (ComponentName::Pilot, &["istiod"], &["istiod"]),
    (
        ComponentName::IngressGateways,
        &["istio-ingressgateway"],
        &["istio-ingressgateway"],
    ),
    (
        ComponentName::EgressGateways,
        &["istio-egressgateway"],
        &["istio-egressgateway"],
    ),
    (ComponentName::Cni, &["istio-cni"], &["istio-cni"]),
    (ComponentName::Ztunnel, &["ztunnel"], &["ztunnel"]),
];

/// What belongs to none of Istio's components.
const OTHERS: &str = "Others";

/// Why manifests cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum ManifestsError {
    /// Not gzip although it begins as such, not text, or too much.
    #[error("{name}: {message}")]
    Unreadable {
        /// As the user named it.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// Not YAML.
    #[error("{name}:{source}")]
    Yaml {
        /// As the user named it.
        name: String,
        /// What is wrong, and where.
        source: kube_yaml::Error,
    },
    /// No object in it.
    #[error("{name} holds no object")]
    Empty {
        /// As the user named it.
        name: String,
    },
    /// No object says which release rendered it.
    #[error("{name} does not tell which release rendered it")]
    VersionUnknown {
        /// As the user named it.
        name: String,
    },
}

/// Manifests that were rendered already.
#[derive(Debug, Clone, Default)]
pub struct Manifests {
    components: Vec<Component>,
    /// Webhooks and Service of the default tag, as istioctl left them to be applied.
    tag: Vec<Value>,
    version: Option<Version>,
    text: Vec<u8>,
}

impl Manifests {
    /// Reads YAML or JSON, gzipped or not: documents, and lists of objects.
    ///
    /// # Errors
    ///
    /// When it is no YAML, or holds no object.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, ManifestsError> {
        let unreadable = |message: String| ManifestsError::Unreadable {
            name: name.to_owned(),
            message,
        };
        let mut unpacked = Vec::new();
        let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
            let mut reader = MultiGzDecoder::new(bytes).take(MOST_BYTES + 1);
            let read = reader.read_to_end(&mut unpacked);
            read.map_err(|it| unreadable(it.to_string()))?;
            unpacked.as_slice()
        } else {
            bytes
        };
        if bytes.len() as u64 > MOST_BYTES {
            return Err(unreadable("more than an installation can hold".to_owned()));
        }
        let text =
            std::str::from_utf8(bytes).map_err(|it| unreadable(format!("not UTF-8: {it}")))?;
        let mut objects = Vec::new();
        kube_yaml::load(text, |document| {
            collect(document.into_json(), &mut objects);
        })
        .map_err(|source| ManifestsError::Yaml {
            name: name.to_owned(),
            source,
        })?;
        if objects.is_empty() {
            return Err(ManifestsError::Empty {
                name: name.to_owned(),
            });
        }
        let version = objects.iter().find_map(version_of);
        let (tag, objects) = objects.into_iter().partition(is_of_tag);
        Ok(Self {
            components: components(objects),
            tag,
            version,
            text: text.as_bytes().to_vec(),
        })
    }

    /// Whether a file's name is one of manifests, rather than of a release archive.
    pub fn are_named(name: &str) -> bool {
        let name = name.strip_suffix(".gz").unwrap_or(name);
        [".yaml", ".yml", ".json"]
            .iter()
            .any(|it| name.ends_with(it))
    }

    /// The release that rendered them, as labels and images say.
    pub fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    /// As they were read, unpacked.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Webhooks and Service of the default tag; empty where the manifests leave them as they are.
    pub(crate) fn tag(&self) -> &[Value] {
        &self.tag
    }

    /// What they render to, whatever is asked for.
    pub(crate) fn rendering(&self, options: &Options) -> Rendering {
        let mut components = self.components.clone();
        let merged = self.merged();
        if let Some(pilot) = components
            .iter_mut()
            .find(|it| it.name == ComponentName::Pilot)
        {
            pilot.values = merged["spec"]["values"].clone();
        }
        let revision = crate::revision(&merged);
        let is_other = |set: &&String| {
            let asked = set.strip_prefix("revision=");
            asked
                .is_none_or(|it| it != revision && !(it == DEFAULT_REVISION && revision.is_empty()))
        };
        let asked = options.files.iter().map(|it| it.name.clone()).chain(
            options
                .sets
                .iter()
                .filter(is_other)
                .map(|it| format!("--set {it}")),
        );
        let asked: Vec<String> = asked.collect();
        let mut diagnostics = Vec::new();
        if !asked.is_empty() {
            diagnostics.push(
                Diagnostic::warning(
                    "rendered-already",
                    format!(
                        "the manifests are rendered already: {} changes nothing of them",
                        asked.join(", ")
                    ),
                )
                .hinted("Give the request to what renders the manifests, or plan with the release's charts"),
            );
        }
        Rendering {
            merged,
            user: Value::Object(Map::new()),
            components,
            diagnostics,
        }
    }

    /// An `IstioOperator` that says of these objects what has to be known of one: what istiod's chart was given, the
    /// revision and the namespace.
    fn merged(&self) -> Value {
        let objects = || self.components.iter().flat_map(|it| &it.objects);
        let given = objects()
            .filter(|it| get_str(it, &["kind"]) == "ConfigMap")
            .find_map(|it| it.pointer("/data/original-values")?.as_str())
            .and_then(|it| serde_json::from_str::<Value>(it).ok());
        let mut values = match given {
            Some(Value::Object(values)) => values,
            _ => Map::new(),
        };
        let istiod = objects().find(|it| {
            get_str(it, &["kind"]) == "Deployment"
                && get_str(it, &["metadata", "labels", "app"]) == "istiod"
        });
        let of_istiod = |path: &[&str]| istiod.map(|it| get_str(it, path)).unwrap_or_default();
        let namespace = of_istiod(&["metadata", "namespace"]);
        let revision = match of_istiod(&["metadata", "labels", "istio.io/rev"]) {
            DEFAULT_REVISION => "",
            other => other,
        };
        let global = values.entry("global").or_insert_with(|| json!({}));
        if let (Value::Object(global), false) = (global, namespace.is_empty()) {
            global.insert("istioNamespace".to_owned(), namespace.into());
        }
        values.insert("revision".to_owned(), revision.into());
        let mesh = values.get("meshConfig").cloned();
        let mut merged = json!({"spec": {"values": values}});
        if let Some(mesh) = mesh {
            merged["spec"]["meshConfig"] = mesh;
        }
        merged
    }
}

/// Takes the objects of a document: itself, or the items of a list.
fn collect(document: Value, objects: &mut Vec<Value>) {
    let is_list = get_str(&document, &["kind"]).ends_with("List");
    match document {
        Value::Object(mut map) if is_list && map.get("items").is_some_and(Value::is_array) => {
            if let Some(Value::Array(items)) = map.remove("items") {
                for item in items {
                    collect(item, objects);
                }
            }
        }
        document
            if !get_str(&document, &["kind"]).is_empty()
                && !get_str(&document, &["metadata", "name"]).is_empty() =>
        {
            objects.push(document);
        }
        _ => {}
    }
}

/// The release that an object names: the label of newer charts, else the tag of istiod's image.
fn version_of(object: &Value) -> Option<Version> {
    let of_istio = component_label(object).is_some() || name_label(object).is_some();
    let label = get_str(object, &["metadata", "labels", "app.kubernetes.io/version"]);
    let version = |it: &str| Version::parse(it.trim_start_matches('v')).ok();
    if let Some(version) = version(label).filter(|it| of_istio && it.major == 1 && it.minor >= 4) {
        return Some(version);
    }
    let containers = object
        .pointer("/spec/template/spec/containers")?
        .as_array()?;
    let discovery = containers
        .iter()
        .find(|it| get_str(it, &["name"]) == "discovery")?;
    let (_, tag) = get_str(discovery, &["image"]).rsplit_once(':')?;
    let variants = ["-distroless", "-debug"];
    let plain = variants.iter().find_map(|it| tag.strip_suffix(it));
    version(plain.unwrap_or(tag))
}

/// Whether an object is one of the webhooks that istioctl makes out of band, which it marks so.
fn is_of_tag(object: &Value) -> bool {
    let label = |it: &str| get_str(object, &["metadata", "labels", it]);
    label(KEPT) == "true"
        && (label("istio.io/tag") == DEFAULT_REVISION
            || get_str(object, &["metadata", "name"]) == "istiod-default-validator")
}

fn component_label(object: &Value) -> Option<&str> {
    let label = get_str(
        object,
        &["metadata", "labels", "operator.istio.io/component"],
    );
    COMPONENTS
        .iter()
        .map(|it| it.0.as_str())
        .find(|it| *it == label)
}

fn name_label(object: &Value) -> Option<&'static str> {
    let label = get_str(object, &["metadata", "labels", "app.kubernetes.io/name"]);
    let named = COMPONENTS.iter().find(|it| it.1.contains(&label));
    named.map(|it| it.0.as_str())
}

fn component_of(object: &Value) -> &str {
    let name = get_str(object, &["metadata", "name"]);
    let by_name = || {
        let known = COMPONENTS
            .iter()
            .find(|it| it.2.iter().any(|start| name.starts_with(start)));
        known.map(|it| it.0.as_str())
    };
    let is_definition = get_str(object, &["kind"]) == "CustomResourceDefinition";
    let rest = || {
        if is_definition && name.ends_with(".istio.io") {
            ComponentName::Base.as_str()
        } else if name.starts_with("istio") || name == "values" || name.starts_with("values-") {
            ComponentName::Pilot.as_str()
        } else {
            OTHERS
        }
    };
    component_label(object)
        .or_else(|| name_label(object))
        .or_else(by_name)
        .unwrap_or_else(rest)
}

/// Groups objects by component in istioctl's order; of gateways each is one of its own, known by its Deployment's name.
fn components(objects: Vec<Value>) -> Vec<Component> {
    let names = COMPONENTS.iter().map(|it| it.0.as_str()).chain([OTHERS]);
    let mut components = Vec::new();
    let mut rest = objects;
    for name in names {
        let (of_it, others): (Vec<Value>, Vec<Value>) =
            rest.into_iter().partition(|it| component_of(it) == name);
        rest = others;
        if of_it.is_empty() {
            continue;
        }
        if name.ends_with("Gateways") {
            components.extend(gateways(name, of_it));
        } else {
            components.push(component(name, of_it));
        }
    }
    components
}

fn gateways(name: &str, objects: Vec<Value>) -> Vec<Component> {
    let mut deployments: Vec<String> = objects
        .iter()
        .filter(|it| get_str(it, &["kind"]) == "Deployment")
        .map(|it| get_str(it, &["metadata", "name"]).to_owned())
        .collect();
    if deployments.is_empty() {
        deployments.push(String::new());
    }
    let mut all: Vec<Vec<Value>> = vec![Vec::new(); deployments.len()];
    for object in objects {
        let of = get_str(&object, &["metadata", "name"]);
        let longest = deployments
            .iter()
            .enumerate()
            .filter(|it| of.starts_with(it.1.as_str()))
            .max_by_key(|it| it.1.len());
        if let Some(group) = all.get_mut(longest.map_or(0, |it| it.0)) {
            group.push(object);
        }
    }
    all.into_iter().map(|it| component(name, it)).collect()
}

fn component(name: &str, objects: Vec<Value>) -> Component {
    let namespace = objects
        .iter()
        .map(|it| get_str(it, &["metadata", "namespace"]))
        .find(|it| !it.is_empty());
    Component {
        name: name.to_owned(),
        namespace: namespace.unwrap_or("istio-system").to_owned(),
        objects,
        values: Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Release;

    const TEXT: &str = "apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata:
    name: istiod-canary
    namespace: mesh
    labels: {app: istiod, istio.io/rev: canary, operator.istio.io/component: Pilot}
  spec:
    template:
      spec:
        containers:
        - {name: discovery, image: \"example.com:5000/pilot:1.20.8-distroless\"}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gateways.networking.istio.io}
---
# nothing
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: istio-ingressgateway-b, namespace: edge}
---
apiVersion: v1
kind: Service
metadata: {name: istio-ingressgateway-b, namespace: edge}
---
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: shop, labels: {app.kubernetes.io/version: 9.9.9}}
";

    #[test]
    fn manifests_tell_their_release_revision_and_components() {
        let manifests = Manifests::read("all.yaml", TEXT.as_bytes()).unwrap();
        assert_eq!(manifests.version(), Some(&Version::new(1, 20, 8)));
        let rendering = manifests.rendering(&Options::default());
        let names: Vec<_> = rendering
            .components
            .iter()
            .map(|it| (it.name.as_str(), it.namespace.as_str(), it.objects.len()))
            .collect();
        let expected = [
            ("Base", "istio-system", 1),
            ("Pilot", "mesh", 1),
            ("IngressGateways", "edge", 2),
            ("Others", "shop", 1),
        ];
        assert_eq!(names, expected);
        assert_eq!(crate::revision(&rendering.merged), "canary");
        assert_eq!(crate::control_plane_namespace(&rendering.merged), "mesh");
        assert!(rendering.diagnostics.is_empty());
    }

    #[test]
    fn a_request_beside_manifests_is_said_to_change_nothing() {
        let manifests = Manifests::read("all.yaml", TEXT.as_bytes()).unwrap();
        let release = Release::from_manifests(manifests, Version::new(1, 20, 8));
        let of = |set: &str| {
            let options = Options {
                sets: vec![set.to_owned()],
                ..Options::default()
            };
            crate::render(&release, &options).unwrap().diagnostics.len()
        };
        assert_eq!(of("profile=demo"), 1);
        assert_eq!(of("revision=canary"), 0);
    }

    #[test]
    fn what_holds_no_object_is_refused_with_its_place() {
        let error = |text: &str| {
            Manifests::read("a.yaml", text.as_bytes())
                .unwrap_err()
                .to_string()
        };
        assert_eq!(error("{}\n"), "a.yaml holds no object");
        assert!(
            error("a: [\n").starts_with("a.yaml:"),
            "{}",
            error("a: [\n")
        );
    }
}
