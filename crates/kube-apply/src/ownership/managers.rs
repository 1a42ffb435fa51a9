//! `metadata.managedFields`.

use serde_json::{Value, json};
use sorted::SortedMap;

use super::set::FieldSet;
use super::typed;
use crate::schema::{Schemas, TypeId};

/// How a manager wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Server-side apply.
    Apply,
    /// Everything else.
    Update,
}

/// Who owns fields. An applier is the same in every version, an updater is another in each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Manager {
    /// For example `kubectl`.
    pub name: String,
    /// How it wrote.
    pub operation: Operation,
    /// The version in which an updater wrote; empty for appliers.
    pub api_version: String,
    /// For example `status`; empty for the object itself.
    pub subresource: String,
}

impl Manager {
    /// Returns an applier of whole objects.
    pub fn apply(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            operation: Operation::Apply,
            api_version: String::new(),
            subresource: String::new(),
        }
    }

    /// Returns an updater of whole objects.
    pub fn update(name: &str, api_version: &str) -> Self {
        Self {
            operation: Operation::Update,
            api_version: api_version.to_owned(),
            ..Self::apply(name)
        }
    }
}

/// What one manager owns.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Owned {
    api_version: String,
    set: FieldSet,
    /// As exported; absent where this write is the newest.
    time: Option<Value>,
}

/// Who owns what of one object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Managers(SortedMap<Manager, Owned>);

impl Managers {
    /// Reads an object's `metadata.managedFields`; entries that the server could not have written are passed over.
    pub fn new(object: &Value) -> Self {
        let mut managers = SortedMap::new();
        let entries = object
            .pointer("/metadata/managedFields")
            .and_then(Value::as_array);
        for entry in entries.into_iter().flatten() {
            let text = |field| entry.get(field).and_then(Value::as_str).unwrap_or_default();
            let operation = match text("operation") {
                "Apply" => Operation::Apply,
                "Update" => Operation::Update,
                _ => continue,
            };
            let api_version = text("apiVersion").to_owned();
            let manager = Manager {
                name: text("manager").to_owned(),
                operation,
                api_version: match operation {
                    Operation::Apply => String::new(),
                    Operation::Update => api_version.clone(),
                },
                subresource: text("subresource").to_owned(),
            };
            let set = entry
                .get("fieldsV1")
                .map(FieldSet::from_fields_v1)
                .unwrap_or_default();
            managers.insert(
                manager,
                Owned {
                    api_version,
                    set,
                    time: entry.get("time").cloned(),
                },
            );
        }
        Self(managers)
    }

    /// Whether nobody owns anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns managers, the version of their fields, and the fields.
    pub fn iter(&self) -> impl Iterator<Item = (&Manager, &str, &FieldSet)> {
        self.0
            .iter()
            .map(|(manager, it)| (manager, it.api_version.as_str(), &it.set))
    }

    /// Returns the fields that a manager owns.
    pub fn get(&self, manager: &Manager) -> Option<&FieldSet> {
        self.0.get(manager).map(|it| &it.set)
    }

    /// Sets what a manager owns now; nothing removes it.
    pub(super) fn set(&mut self, manager: Manager, api_version: &str, set: FieldSet) {
        if set.is_empty() {
            self.0.remove(&manager);
        } else {
            self.0.insert(
                manager,
                Owned {
                    api_version: api_version.to_owned(),
                    set,
                    time: None,
                },
            );
        }
    }

    /// Takes the times of writes from where managers were read.
    pub(super) fn keep_times(&mut self, from: &Self) {
        for (manager, owned) in &mut self.0 {
            owned.time = from.0.get(manager).and_then(|it| it.time.clone());
        }
    }

    pub(super) fn remove(&mut self, manager: &Manager) -> Option<(String, FieldSet)> {
        self.0.remove(manager).map(|it| (it.api_version, it.set))
    }

    /// Follows the schema where it changed between granular and atomic since a manager wrote; managers of versions
    /// without a root, that are not served any more, go.
    pub(super) fn reconcile(&mut self, root: impl Fn(&str) -> Option<TypeId>, schemas: &Schemas) {
        self.0.retain(|_, owned| {
            let Some(root) = root(&owned.api_version) else {
                return false;
            };
            owned.set = typed::reconcile(schemas, root, &owned.set);
            true
        });
    }

    /// Writes `metadata.managedFields`, sorted as the server sorts; the newest write has no time.
    pub fn to_managed_fields(&self) -> Value {
        let mut entries: Vec<_> = self.0.iter().collect();
        let seconds = |it: &Owned| it.time.as_ref().and_then(Value::as_str).map(str::to_owned);
        sorted::sort_by_key(&mut entries, |(manager, owned)| {
            let time = seconds(owned);
            (
                manager.operation,
                time.is_none(),
                time,
                manager.name.clone(),
                owned.api_version.clone(),
            )
        });
        entries
            .into_iter()
            .map(|(manager, owned)| {
                let mut entry = json!({
                    "manager": manager.name,
                    "operation": match manager.operation {
                        Operation::Apply => "Apply",
                        Operation::Update => "Update",
                    },
                    "apiVersion": owned.api_version,
                    "fieldsType": "FieldsV1",
                    "fieldsV1": owned.set.to_fields_v1(),
                });
                if let Some(time) = &owned.time {
                    entry["time"] = time.clone();
                }
                if !manager.subresource.is_empty() {
                    entry["subresource"] = manager.subresource.clone().into();
                }
                entry
            })
            .collect()
    }
}
