//! The parts of objects that are kept in small records, as they stand in an export.
//!
//! What is not named here is passed over without being built: managedFields, `env`, volumes, most of the status.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::{Value, json};
use sorted::SortedMap;

use super::authority_keys::AuthorityKeys;
use super::model::{Node, Origin, Owner, Taint};
use super::source::TypeMeta;

mod pod;
mod workload;

pub(super) use pod::PodObject;
use pod::{Status, TemplateSpec};
pub(super) use workload::WorkloadObject;
pub(crate) use workload::workload;

/// Takes `null` for nothing: clients that are not Go write it.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

/// Something stands there; what it is does not matter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Present(pub(super) bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Option::<IgnoredAny>::deserialize(from).map(|it| Self(it.is_some()))
    }
}

/// Which entries of a map of strings are kept.
pub(super) trait Keep {
    fn keeps(key: &str) -> bool;
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct All;

impl Keep for All {
    fn keeps(_: &str) -> bool {
        true
    }
}

/// Annotations that rules read.
#[derive(Debug, Default)]
pub(super) struct Telling;

impl Keep for Telling {
    fn keeps(key: &str) -> bool {
        key.contains("istio.io")
            || key.contains("helm.sh/")
            || key.contains("kubernetes.io/config.")
            || key == "kubernetes.io/config"
    }
}

/// Annotations that tell an installer, or the cluster that a Secret gives access to.
#[derive(Debug, Default)]
pub(super) struct OfInstallers;

impl Keep for OfInstallers {
    fn keeps(key: &str) -> bool {
        ["istio", "helm.sh", "argoproj.io", "fluxcd.io"]
            .iter()
            .any(|it| key.contains(it))
    }
}

/// Strings by name, those that `K` keeps.
#[derive(Debug)]
struct Texts<K>(SortedMap<String, String>, PhantomData<K>);

impl<K> Default for Texts<K> {
    fn default() -> Self {
        Self(SortedMap::new(), PhantomData)
    }
}

impl<'de, K: Keep> Deserialize<'de> for Texts<K> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_option(TextsVisitor(PhantomData))
    }
}

struct TextsVisitor<K>(PhantomData<K>);

impl<'de, K: Keep> Visitor<'de> for TextsVisitor<K> {
    type Value = Texts<K>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("strings by name")
    }

    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Texts::default())
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Texts::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut kept = SortedMap::new();
        while let Some(key) = map.next_key::<String>()? {
            if K::keeps(&key) {
                kept.insert(key, map.next_value::<Option<String>>()?.unwrap_or_default());
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Texts(kept, PhantomData))
    }
}

/// `metadata` of an object that is kept in part.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, bound = "K: Keep")]
pub(super) struct Metadata<K: Keep = Telling> {
    #[serde(deserialize_with = "or_default")]
    pub(super) name: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) namespace: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) resource_version: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) uid: String,
    labels: Texts<All>,
    annotations: Texts<K>,
    #[serde(deserialize_with = "or_default")]
    owner_references: Vec<OwnerReference>,
    deletion_timestamp: Present,
    pub(super) managed_fields: Present,
}

impl<K: Keep> Default for Metadata<K> {
    fn default() -> Self {
        Self {
            name: String::new(),
            namespace: String::new(),
            resource_version: String::new(),
            uid: String::new(),
            labels: Texts::default(),
            annotations: Texts::default(),
            owner_references: Vec::new(),
            deletion_timestamp: Present::default(),
            managed_fields: Present::default(),
        }
    }
}

impl<K: Keep> Metadata<K> {
    /// All labels.
    pub(super) fn labels(&self) -> &SortedMap<String, String> {
        &self.labels.0
    }

    /// Whether Helm notes the release that it is of.
    pub(super) fn is_of_a_release(&self) -> bool {
        self.annotations.0.contains_key("meta.helm.sh/release-name")
    }

    fn controller(&self) -> Option<Owner> {
        let it = self
            .owner_references
            .iter()
            .find(|it| it.controller == Some(true))?;
        Some(Owner {
            api_version: it.api_version.clone(),
            kind: it.kind.clone(),
            name: it.name.clone(),
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OwnerReference {
    api_version: String,
    kind: String,
    name: String,
    controller: Option<bool>,
}

/// Any object's `metadata`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AnyObject {
    #[serde(deserialize_with = "or_default")]
    pub(super) metadata: Metadata,
}

/// A `ConfigMap`, as far as it may hold the certificate of an authority.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AuthorityObject {
    #[serde(deserialize_with = "or_default")]
    data: Authority,
}

/// The keys at which istiod looks for it (1.31:pilot/pkg/credentials/kube/secrets.go, `ExtractRoot`).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Authority {
    cacert: Option<String>,
    #[serde(rename = "ca.crt")]
    certificate: Option<String>,
}

impl AuthorityObject {
    /// Whether there is a certificate.
    pub(super) fn is_one(&self) -> bool {
        let texts = [&self.data.cacert, &self.data.certificate];
        texts.into_iter().flatten().any(|it| !it.is_empty())
    }
}

/// What an export says of a kind that it lacks.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MissingObject {
    #[serde(deserialize_with = "or_default")]
    pub(super) metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    pub(super) reason: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) code: Option<u16>,
}

/// A list whose items were not cut out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListObject {
    #[serde(deserialize_with = "or_default")]
    pub(super) metadata: Metadata,
    pub(super) items: Items,
}

/// The `items` of such a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Items {
    /// There are none.
    #[default]
    Absent,
    /// `null`, as kubectl writes an empty list.
    Null,
    /// No sequence.
    Other,
}

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let found = Option::<IgnoredAny>::deserialize(from)?;
        Ok(found.map_or(Self::Null, |_| Self::Other))
    }
}

/// A Secret without its data; of the mesh's own certificate authority the names of its keys.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SecretObject {
    #[serde(deserialize_with = "or_default")]
    pub(super) metadata: Metadata<OfInstallers>,
    #[serde(rename = "type", deserialize_with = "or_default")]
    kind: String,
    data: AuthorityKeys,
}

impl SecretObject {
    /// Returns what of a Secret may be kept.
    pub(super) fn into_value(self, meta: &TypeMeta) -> Value {
        let metadata = self.metadata;
        let keys = match metadata.name.as_str() {
            "cacerts" => self.data.0,
            _ => Vec::new(),
        };
        let mut value = json!({
            "apiVersion": meta.api_version,
            "kind": meta.kind,
            "metadata": {
                "name": metadata.name,
                "namespace": metadata.namespace,
                "resourceVersion": metadata.resource_version,
                "labels": metadata.labels.0,
                "annotations": metadata.annotations.0,
            },
            "type": self.kind,
        });
        if let Some(object) = value.as_object_mut().filter(|_| !keys.is_empty()) {
            object.insert("keys".to_owned(), json!(keys));
        }
        value
    }
}

/// A Node.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeObject {
    #[serde(deserialize_with = "or_default")]
    pub(super) metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: NodeSpec,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeSpec {
    #[serde(deserialize_with = "or_default")]
    taints: Vec<TaintObject>,
    #[serde(deserialize_with = "or_default")]
    unschedulable: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TaintObject {
    key: String,
    value: Option<String>,
    effect: String,
}

impl NodeObject {
    /// Returns the record that is kept.
    pub(super) fn into_node(self, origin: Origin) -> Node {
        let kubelet = self.status.node_info.unwrap_or_default().kubelet_version;
        let taints = self.spec.taints.into_iter().map(|it| Taint {
            key: it.key,
            value: it.value.unwrap_or_default(),
            effect: it.effect,
        });
        Node {
            name: self.metadata.name,
            kubelet: without_v(&kubelet),
            allocatable: self.status.allocatable.0,
            labels: self.metadata.labels.0,
            taints: taints.collect(),
            unschedulable: self.spec.unschedulable,
            origin,
        }
    }
}

/// Returns a version without the leading `v`.
pub(super) fn without_v(version: &str) -> String {
    version.strip_prefix('v').unwrap_or(version).to_owned()
}

/// What `kubectl version -o json` prints.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct VersionObject {
    pub(super) server_version: Option<GitVersion>,
    pub(super) client_version: Present,
}

/// A version of a Kubernetes program.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct GitVersion {
    pub(super) git_version: String,
}
