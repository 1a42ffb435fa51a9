//! Server-side apply as kube-apiserver performs it: the object it would store, and who owns which field afterwards.
//!
//! The rules are those of structured-merge-diff v6.3.3 (merge/update.go, typed/) and of the field managers around it
//! (apimachinery@v0.36.3:pkg/util/managedfields/internal). A differential test holds this module against the original
//! (`tests/oracles/ssa`). Defaults that the server adds afterwards are [`crate::defaulting`]'s.

mod managers;
mod path;
mod set;
mod typed;

pub use managers::{Manager, Managers, Operation};
pub use path::PathElement;
pub use set::FieldSet;
pub use typed::{Comparison, compare, element_path, field_set, merge, remove};

use std::borrow::Cow;

use serde_json::Value;
use sorted::SortedMap;

use crate::schema::{DEDUCED, Schemas, TypeId};

/// The manager that the server notes for fields that were there before anything was tracked.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// What an apply leads to.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The object before defaults, without `managedFields`.
    pub object: Value,
    /// Who owns what afterwards.
    pub managers: Managers,
    /// Fields of other managers that the apply changed, and so took over.
    pub taken: SortedMap<Manager, FieldSet>,
}

/// An apply that the server would refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// Other managers own fields that the apply changes, and it does not force.
    #[error("conflicts with {}", .0.keys().map(|it| it.name.as_str()).collect::<Vec<_>>().join(", "))]
    Conflict(SortedMap<Manager, FieldSet>),
    /// The object names a list element twice, or has no key for it.
    #[error("{0}")]
    Malformed(String),
}

/// What is applied, and how.
#[derive(Debug, Clone, Copy)]
pub struct Apply<'a> {
    /// The types.
    pub schemas: &'a Schemas,
    /// The object as it is stored, with its `managedFields`; `None`: there is none.
    pub live: Option<&'a Value>,
    /// What is sent.
    pub config: &'a Value,
    /// Who sends it.
    pub manager: &'a str,
    /// Take over what others own.
    pub force: bool,
}

impl Apply<'_> {
    /// Predicts the apply.
    ///
    /// A live object without `managedFields` counts as one that nobody tracks: all of it belongs to
    /// `before-first-apply`, and nothing is removed.
    pub fn predict(&self) -> Result<Applied, ApplyError> {
        let api_version = text(self.config, "apiVersion");
        let root = self.schemas.root(api_version, text(self.config, "kind"));
        let mut config = without_server_fields(self.config);
        // Every strategy of a kind with a status resets it on the main resource.
        if config.get("status").is_some()
            && let Some(map) = config.to_mut().as_object_mut()
        {
            map.remove("status");
        }
        let live = match self.live {
            Some(live) => versioned(without_server_fields(live), api_version),
            None => Cow::Owned(identity(&config)),
        };
        let mut managers = self.live.map(Managers::new).unwrap_or_default();
        if managers.is_empty() && self.live.is_some() {
            let made = compare(self.schemas, root, Some(&identity(&config)), Some(&*live));
            let fields = strip(&made.added.union(&made.modified));
            managers.set(
                Manager::update(BEFORE_FIRST_APPLY, api_version),
                api_version,
                fields,
            );
        }
        managers.reconcile(
            |version| root_in(self.schemas, version, text(self.config, "kind")),
            self.schemas,
        );
        let applier = Manager::apply(self.manager);
        let mut updater = Updater {
            apply: self,
            root,
            api_version,
            applier: &applier,
        };
        updater.apply(&live, &config, managers)
    }
}

/// Predicts who owns what after a write that is no apply (a merge patch, an edit).
///
/// `live` is the object as it is stored, with its `managedFields`; `object` is what it becomes. An object that nobody
/// tracks stays so.
pub fn update(schemas: &Schemas, live: &Value, object: &Value, manager: &str) -> Managers {
    let mut managers = Managers::new(live);
    if managers.is_empty() {
        return managers;
    }
    let (api_version, kind) = (text(object, "apiVersion"), text(object, "kind"));
    let root = schemas.root(api_version, kind);
    let live = versioned(without_server_fields(live), api_version);
    let object = without_server_fields(object);
    managers.reconcile(|version| root_in(schemas, version, kind), schemas);
    release(schemas, None, (&*live, &*object), &mut managers);
    let comparison = compare(schemas, root, Some(&*live), Some(&*object));
    let written = strip(&comparison.modified.union(&comparison.added));
    if !written.is_empty() {
        let writer = Manager::update(manager, api_version);
        let before = managers.get(&writer).cloned().unwrap_or_default();
        managers.set(writer, api_version, written.union(&before));
    }
    managers
}

/// One apply on its way.
struct Updater<'a> {
    apply: &'a Apply<'a>,
    root: TypeId,
    api_version: &'a str,
    applier: &'a Manager,
}

impl Updater<'_> {
    fn apply(
        &mut self,
        live: &Value,
        config: &Value,
        mut managers: Managers,
    ) -> Result<Applied, ApplyError> {
        let schemas = self.apply.schemas;
        typed::check(schemas, self.root, config).map_err(ApplyError::Malformed)?;
        let merged = merge(schemas, self.root, Some(live), Some(config)).unwrap_or_default();
        let last = managers.remove(self.applier);
        let set = field_set(schemas, self.root, config);
        managers.set(self.applier.clone(), self.api_version, set);
        let mut object = match last {
            Some((version, last)) if !last.is_empty() => {
                self.prune(merged, &version, &last, &managers)
            }
            _ => merged,
        };
        let taken = release(schemas, Some(self.applier), (live, &object), &mut managers);
        if !self.apply.force && !taken.is_empty() {
            return Err(ApplyError::Conflict(taken));
        }
        if let Some((version, set)) = managers.remove(self.applier) {
            managers.set(self.applier.clone(), &version, strip(&set));
        }
        drop_nulls(&mut object);
        Ok(Applied {
            object,
            managers,
            taken,
        })
    }

    /// Removes what the applier applied last time, does not apply now, and nobody else owns.
    fn prune(&self, merged: Value, version: &str, last: &FieldSet, managers: &Managers) -> Value {
        let schemas = self.apply.schemas;
        let kind = text(&merged, "kind").to_owned();
        let Some(root) = root_in(schemas, version, &kind) else {
            return merged;
        };
        let named = |set: &FieldSet, root| set.with_named_fields(schemas, root);
        let merged = versioned(Cow::Owned(merged), version);
        let mut pruned = remove(schemas, root, &merged, &named(last, root)).unwrap_or_default();
        // Owners in other versions after those in the applier's, as the server does.
        let mut by_version: SortedMap<(bool, &str), FieldSet> = SortedMap::new();
        for (_, owned_in, set) in managers.iter() {
            let all = by_version
                .entry((owned_in != version, owned_in))
                .or_default();
            *all = all.union(set);
        }
        let mut whole = Cow::Borrowed(&*merged);
        for ((_, owned_in), owned) in by_version {
            let Some(root) = root_in(schemas, owned_in, &kind) else {
                continue;
            };
            whole = versioned(whole, owned_in);
            let all = named(&field_set(schemas, root, &whole), root);
            let left = named(
                &field_set(schemas, root, &versioned(Cow::Borrowed(&pruned), owned_in)),
                root,
            );
            let gone = all.difference(&left.union(&named(&owned, root)));
            pruned = remove(schemas, root, &whole, &gone).unwrap_or_default();
        }
        // What disappeared along with a parent, but was not the applier's, comes back.
        let all = named(&field_set(schemas, root, &merged), root);
        let left = named(
            &field_set(schemas, root, &versioned(Cow::Borrowed(&pruned), version)),
            root,
        );
        let gone = all.difference(&left).intersection(&named(last, root));
        let pruned = remove(schemas, root, &merged, &gone).unwrap_or_default();
        versioned(Cow::Owned(pruned), self.api_version).into_owned()
    }
}

/// Takes changed and removed fields from everybody but the writer, and returns what was changed.
fn release(
    schemas: &Schemas,
    writer: Option<&Manager>,
    (live, object): (&Value, &Value),
    managers: &mut Managers,
) -> SortedMap<Manager, FieldSet> {
    let kind = text(object, "kind");
    let mut comparisons: SortedMap<String, Option<Comparison>> = SortedMap::new();
    let mut taken = SortedMap::new();
    let mut left = Managers::default();
    for (manager, version, set) in managers.iter() {
        if Some(manager) == writer {
            left.set(manager.clone(), version, set.clone());
            continue;
        }
        let comparison = comparisons.entry(version.to_owned()).or_insert_with(|| {
            let root = root_in(schemas, version, kind)?;
            let in_version = |it| versioned(Cow::Borrowed(it), version);
            let (live, object) = (in_version(live), in_version(object));
            Some(compare(schemas, root, Some(&*live), Some(&*object)))
        });
        // A version that is not served any more loses its managers.
        let Some(comparison) = comparison else {
            continue;
        };
        let conflict = set.intersection(&comparison.modified.union(&comparison.added));
        if !conflict.is_empty() {
            taken.insert(manager.clone(), conflict.clone());
        }
        let rest = set.difference(&conflict).difference(&comparison.removed);
        left.set(manager.clone(), version, rest);
    }
    left.keep_times(managers);
    *managers = left;
    taken
}

/// The type of a kind in a version: deduced where no version is known, none where the version is not served any more.
fn root_in(schemas: &Schemas, api_version: &str, kind: &str) -> Option<TypeId> {
    let deduced = || (!schemas.knows_kind(api_version, kind)).then_some(DEDUCED);
    schemas.find(api_version, kind).or_else(deduced)
}

/// `metadata` and the rest of an object's identity belong to nobody
/// (apimachinery@v0.36.3:pkg/util/managedfields/internal/stripmeta.go).
fn strip(set: &FieldSet) -> FieldSet {
    let mut identity = FieldSet::default();
    for field in ["apiVersion", "kind", "metadata"] {
        identity.insert(&[PathElement::field(field)]);
    }
    for field in [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ] {
        identity.insert(&[PathElement::field("metadata"), PathElement::field(field)]);
    }
    set.difference(&identity)
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The object without who owns what of it, which is often as long as the object, and is not copied.
fn without_server_fields(object: &Value) -> Cow<'_, Value> {
    const OWNERS: &str = "managedFields";
    let (Value::Object(fields), Some(Value::Object(metadata))) = (object, object.get("metadata"))
    else {
        return Cow::Borrowed(object);
    };
    if !metadata.contains_key(OWNERS) {
        return Cow::Borrowed(object);
    }
    let metadata = metadata.iter().filter(|it| it.0 != OWNERS);
    let metadata: Value = metadata
        .map(|(key, it)| (key.clone(), it.clone()))
        .collect();
    let rest = fields.iter().filter(|it| it.0 != "metadata");
    let rest = rest.map(|(key, it)| (key.clone(), it.clone()));
    Cow::Owned(rest.chain([("metadata".to_owned(), metadata)]).collect())
}

/// The same object in another version: only versions that differ in nothing but their name are told apart so.
fn versioned<'a>(mut object: Cow<'a, Value>, api_version: &str) -> Cow<'a, Value> {
    let is_so = object.get("apiVersion").and_then(Value::as_str) == Some(api_version);
    if object.is_object()
        && !is_so
        && let Some(map) = object.to_mut().as_object_mut()
    {
        map.insert("apiVersion".to_owned(), api_version.into());
    }
    object
}

/// What is there before an object is created.
fn identity(config: &Value) -> Value {
    let mut object = serde_json::Map::new();
    for field in ["apiVersion", "kind"] {
        object.insert(field.to_owned(), text(config, field).into());
    }
    Value::Object(object)
}

/// Drops fields that hold null: the server's types cannot hold them.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => map.retain(|_, it| {
            drop_nulls(it);
            !it.is_null()
        }),
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
