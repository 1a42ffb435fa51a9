//! What server-side apply has to know of each kind: which fields there are, which lists merge by key, what is atomic.
//!
//! Built-in kinds come from a table (`data/schemas.json`) that `cargo xtask schemas` writes from a kube-apiserver's
//! OpenAPI v3; kinds of a cluster's own come from the exported `CustomResourceDefinition`s. Both go through
//! [`openapi`], by the rules of kube-openapi's `schemaconv` (kube-openapi@43fb72c5:pkg/schemaconv/openapi.go).

mod crd;
pub mod openapi;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sorted::{SortedMap, SortedSet};

/// The table of built-in kinds.
const BUILTIN: &str = include_str!("../data/schemas.json");

/// The definition of every object's metadata.
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// A type of a [`Schemas`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TypeId(u32);

/// Anything, and atomic where it is a list or a map (`__untyped_atomic_` of `schemaconv`).
pub const UNTYPED: TypeId = TypeId(0);
/// Anything; maps are granular, lists are atomic (`__untyped_deduced_` of `schemaconv`).
pub const DEDUCED: TypeId = TypeId(1);

/// What a scalar holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scalar {
    /// A string.
    #[serde(rename = "s")]
    Text,
    /// Bytes, written in base64.
    #[serde(rename = "y")]
    Bytes,
    /// A boolean.
    #[serde(rename = "b")]
    Boolean,
    /// A whole number.
    #[serde(rename = "i")]
    Integer,
    /// A number.
    #[serde(rename = "n")]
    Number,
    /// A quantity, stored in canonical form.
    #[serde(rename = "q")]
    Quantity,
    /// A time, stored as RFC 3339 in UTC.
    #[serde(rename = "t")]
    Time,
    /// A number or a string.
    #[serde(rename = "o")]
    IntOrString,
    /// Any scalar.
    #[serde(rename = "u")]
    Any,
}

/// A list's type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ListType {
    /// What its elements are.
    #[serde(rename = "e")]
    pub element: TypeId,
    /// `None`: atomic. Empty: a set. Else the fields that identify an element.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Vec<String>>,
}

/// A map's or a struct's type.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MapType {
    /// The fields that are named.
    #[serde(rename = "f", default, skip_serializing_if = "SortedMap::is_empty")]
    pub fields: SortedMap<String, TypeId>,
    /// What all other keys hold; `None`: there are no others.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub element: Option<TypeId>,
    /// Replaced as a whole.
    #[serde(rename = "a", default, skip_serializing_if = "std::ops::Not::not")]
    pub atomic: bool,
    /// Fields that are not stored when they hold nothing (`omitempty` on what is no pointer).
    #[serde(rename = "z", default, skip_serializing_if = "SortedSet::is_empty")]
    pub zero: SortedSet<String>,
    /// Fields that are stored even when they hold nothing, and what is stored then, as JSON texts.
    #[serde(rename = "w", default, skip_serializing_if = "SortedMap::is_empty")]
    pub always: SortedMap<String, String>,
    /// Defaults of those fields that identify elements of a list, as JSON texts.
    #[serde(rename = "d", default, skip_serializing_if = "SortedMap::is_empty")]
    pub defaults: SortedMap<String, String>,
}

impl MapType {
    /// Returns the type of what stands under a key.
    pub fn child(&self, key: &str) -> Option<TypeId> {
        self.fields.get(key).copied().or(self.element)
    }
}

/// What a value may be. Usually one of the three; untyped values may be all.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Atom {
    /// As a scalar.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub scalar: Option<Scalar>,
    /// As a list.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub list: Option<ListType>,
    /// As a map or struct.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub map: Option<MapType>,
}

/// Types by kind.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Schemas {
    /// By `apps/v1/Deployment`.
    kinds: SortedMap<String, TypeId>,
    types: Vec<Atom>,
    /// Definitions of the built-in kinds that other schemas refer to.
    #[serde(default)]
    names: SortedMap<String, TypeId>,
    /// `spec.versions[].schema` of custom kinds, for defaults and pruning.
    #[serde(skip)]
    structural: SortedMap<String, Value>,
    /// Group and kind of every custom kind.
    #[serde(skip)]
    custom: SortedSet<(String, String)>,
}

/// The name of a kind in all tables: `apps/v1/Deployment`, `v1/Service`.
pub fn kind_key(api_version: &str, kind: &str) -> String {
    format!("{api_version}/{kind}")
}

/// The group of an `apiVersion`; empty for the core group.
pub fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

impl Schemas {
    /// Returns a table without kinds.
    pub fn empty() -> Self {
        let anything = |map_element: TypeId, granular: bool| Atom {
            scalar: Some(Scalar::Any),
            list: Some(ListType {
                element: UNTYPED,
                keys: None,
            }),
            map: Some(MapType {
                element: Some(map_element),
                atomic: !granular,
                ..MapType::default()
            }),
        };
        Self {
            kinds: SortedMap::new(),
            types: vec![anything(UNTYPED, false), anything(DEDUCED, true)],
            names: SortedMap::new(),
            structural: SortedMap::new(),
            custom: SortedSet::new(),
        }
    }

    /// Returns the built-in kinds of Kubernetes.
    ///
    /// # Panics
    ///
    /// Never: the table is part of this crate, and a test reads it.
    pub fn builtin() -> Self {
        serde_json::from_str(BUILTIN).expect("the table is written by xtask and read by a test")
    }

    /// Adds the kinds that a `CustomResourceDefinition` defines; does nothing for what is not one.
    pub fn add_crd(&mut self, definition: &Value) {
        crd::add(self, definition);
    }

    /// Returns the type of a kind; [`DEDUCED`] where no schema is known, as the API server merges kinds without one.
    pub fn root(&self, api_version: &str, kind: &str) -> TypeId {
        self.find(api_version, kind).unwrap_or(DEDUCED)
    }

    /// Returns the type of a kind that is known.
    pub fn find(&self, api_version: &str, kind: &str) -> Option<TypeId> {
        self.kinds.get(&kind_key(api_version, kind)).copied()
    }

    /// Whether the kind is built into Kubernetes.
    pub fn is_builtin(&self, api_version: &str, kind: &str) -> bool {
        let custom = (group_of(api_version).to_owned(), kind.to_owned());
        self.find(api_version, kind).is_some() && !self.custom.contains(&custom)
    }

    /// Whether some version of the kind is known, so that other versions are known not to exist any more.
    pub fn knows_kind(&self, api_version: &str, kind: &str) -> bool {
        let group = group_of(api_version);
        self.kinds.keys().any(|key| {
            key.rsplit_once('/')
                .is_some_and(|(it, name)| name == kind && group_of(it) == group)
        })
    }

    /// Returns what a type is.
    pub fn atom(&self, id: TypeId) -> &Atom {
        // Identifiers are only made by this table, and the builder fills every one.
        self.types
            .get(id.0 as usize)
            .unwrap_or_else(|| &self.types[UNTYPED.0 as usize])
    }

    /// Returns the structural schema of a custom kind.
    pub fn structural(&self, api_version: &str, kind: &str) -> Option<&Value> {
        self.structural.get(&kind_key(api_version, kind))
    }

    /// Returns how many types there are.
    pub fn len(&self) -> usize {
        self.types.len()
    }

    /// Whether no kind is known.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }
}

#[cfg(test)]
mod tests;
