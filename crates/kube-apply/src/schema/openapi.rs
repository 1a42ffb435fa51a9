//! OpenAPI v3 to types, by the rules of kube-openapi's `schemaconv`.

use serde::Deserialize;
use serde_json::Value;
use sorted::SortedMap;

use super::{Atom, DEDUCED, ListType, MapType, Scalar, Schemas, TypeId, UNTYPED, kind_key};

/// How deep inlined schemas are followed; deeper ones are untyped.
const DEPTH: usize = 100;

/// What Kubernetes' Go types say of one definition, and OpenAPI does not (`tests/oracles/types`).
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Facts {
    /// Fields that are not stored when they hold nothing.
    #[serde(default)]
    pub zero: Vec<String>,
    /// Fields that are stored even then, and what is stored.
    #[serde(default)]
    pub always: SortedMap<String, Value>,
}

/// Converts definitions into a [`Schemas`].
#[derive(Debug)]
pub struct Builder<'a> {
    schemas: Schemas,
    definitions: SortedMap<&'a str, &'a Value>,
    inlined: SortedMap<Atom, TypeId>,
    facts: SortedMap<String, Facts>,
    /// Defaults of scalar fields; only those of keys are kept.
    defaults: SortedMap<(TypeId, String), String>,
}

impl<'a> Builder<'a> {
    /// Begins with the definitions of one or more documents (`components.schemas`).
    pub fn new(
        schemas: Schemas,
        definitions: impl IntoIterator<Item = (&'a str, &'a Value)>,
    ) -> Self {
        Self {
            schemas,
            definitions: definitions.into_iter().collect(),
            inlined: SortedMap::new(),
            facts: SortedMap::new(),
            defaults: SortedMap::new(),
        }
    }

    /// Takes what Kubernetes' Go types say of definitions.
    #[must_use]
    pub fn facts(mut self, facts: SortedMap<String, Facts>) -> Self {
        self.facts = facts;
        self
    }

    /// Adds every kind that has exactly one group and version and is an object of its own (no list, no option).
    #[must_use]
    pub fn kinds(mut self) -> Self {
        let roots: Vec<_> = self
            .definitions
            .iter()
            .filter_map(|(name, it)| Some((*name, kind_of(it)?)))
            .collect();
        for (name, key) in roots {
            let id = self.named(name);
            self.schemas.kinds.insert(key, id);
        }
        self
    }

    /// Adds one schema as a kind.
    pub(super) fn kind(&mut self, api_version: &str, kind: &str, schema: &Value, preserve: bool) {
        let atom = self.atom(schema, preserve, 0);
        let id = self.insert(atom);
        self.schemas.kinds.insert(kind_key(api_version, kind), id);
    }

    /// Returns the table, with the names that schemas of custom kinds refer to.
    pub fn build(mut self) -> Schemas {
        self.schemas
            .names
            .retain(|name, _| name == super::OBJECT_META);
        let keyed: Vec<(TypeId, Vec<String>)> = self
            .schemas
            .types
            .iter()
            .filter_map(|it| it.list.as_ref())
            .filter_map(|it| Some((it.element, it.keys.clone()?)))
            .collect();
        for (element, keys) in keyed {
            for key in keys {
                let Some(default) = self.defaults.get(&(element, key.clone())) else {
                    continue;
                };
                let atom = self.schemas.types.get_mut(element.0 as usize);
                if let Some(map) = atom.and_then(|it| it.map.as_mut()) {
                    map.defaults.insert(key, default.clone());
                }
            }
        }
        self.schemas
    }

    fn insert(&mut self, atom: Atom) -> TypeId {
        let id = TypeId(u32::try_from(self.schemas.types.len()).unwrap_or(UNTYPED.0));
        self.schemas.types.push(atom);
        id
    }

    fn named(&mut self, name: &str) -> TypeId {
        if let Some(id) = self.schemas.names.get(name) {
            return *id;
        }
        let Some(&definition) = self.definitions.get(name) else {
            return UNTYPED;
        };
        // Reserved first, since definitions refer to themselves.
        let id = self.insert(Atom::default());
        self.schemas.names.insert(name.to_owned(), id);
        let mut atom = if name.ends_with("api.resource.Quantity") {
            Atom {
                scalar: Some(Scalar::Quantity),
                ..Atom::default()
            }
        } else if name.ends_with("runtime.RawExtension") {
            self.schemas.atom(UNTYPED).clone()
        } else {
            self.atom(definition, false, 0)
        };
        if let (Some(map), Some(facts)) = (&mut atom.map, self.facts.get(name)) {
            map.zero = facts.zero.iter().cloned().collect();
            map.always = facts
                .always
                .iter()
                .map(|(key, it)| (key.clone(), it.to_string()))
                .collect();
        }
        self.note_defaults(id, definition);
        self.schemas.types[id.0 as usize] = atom;
        id
    }

    /// Returns the type of a field, an element or a value of a map.
    fn reference(&mut self, schema: &Value, preserve: bool, depth: usize) -> TypeId {
        if depth > DEPTH {
            return UNTYPED;
        }
        if let Some(name) = reference_of(schema) {
            let id = self.named(name);
            let atomic = match map_type(schema) {
                Some("atomic") => true,
                Some("granular") => false,
                _ => return id,
            };
            let mut atom = self.schemas.atom(id).clone();
            match (&mut atom.map, &mut atom.list) {
                (Some(map), _) if map.atomic != atomic => map.atomic = atomic,
                _ => return id,
            }
            return self.intern(atom);
        }
        let atom = self.atom(schema, preserve, depth);
        let has_defaults = schema.get("properties").is_some();
        let id = if has_defaults {
            self.insert(atom)
        } else {
            self.intern(atom)
        };
        self.note_defaults(id, schema);
        id
    }

    fn intern(&mut self, atom: Atom) -> TypeId {
        if let Some(id) = self.inlined.get(&atom) {
            return *id;
        }
        let id = self.insert(atom.clone());
        self.inlined.insert(atom, id);
        id
    }

    fn note_defaults(&mut self, id: TypeId, schema: &Value) {
        for (name, property) in members(schema, "properties") {
            if let Some(default) = property.get("default").filter(|it| !it.is_object()) {
                self.defaults
                    .insert((id, name.clone()), default.to_string());
            }
        }
    }

    fn atom(&mut self, schema: &Value, preserve: bool, depth: usize) -> Atom {
        let preserve = preserve || flag(schema, "x-kubernetes-preserve-unknown-fields");
        match schema.get("type").and_then(Value::as_str) {
            Some("object") => Atom {
                map: Some(self.map(schema, preserve, depth)),
                ..Atom::default()
            },
            Some("array") => Atom {
                list: Some(self.list(schema, preserve, depth)),
                ..Atom::default()
            },
            Some(kind @ ("integer" | "number" | "string" | "boolean")) => {
                let format = schema
                    .get("format")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                Atom {
                    scalar: Some(primitive(kind, format)),
                    ..Atom::default()
                }
            }
            // No type: anything goes.
            _ => Atom {
                scalar: Some(any_scalar(schema)),
                list: Some(self.list(schema, preserve, depth)),
                map: Some(self.map(schema, preserve, depth)),
            },
        }
    }

    fn map(&mut self, schema: &Value, preserve: bool, depth: usize) -> MapType {
        let fields: SortedMap<_, _> = members(schema, "properties")
            .map(|(name, it)| (name.clone(), self.reference(it, preserve, depth + 1)))
            .collect();
        let element = match schema.get("additionalProperties") {
            None => (preserve || fields.is_empty()).then_some(DEDUCED),
            Some(Value::Bool(allowed)) => allowed.then_some(DEDUCED),
            Some(other) => Some(self.reference(other, preserve, depth + 1)),
        };
        MapType {
            fields,
            element,
            atomic: map_type(schema) == Some("atomic"),
            ..MapType::default()
        }
    }

    fn list(&mut self, schema: &Value, preserve: bool, depth: usize) -> ListType {
        let element = match schema.get("items") {
            Some(items) => self.reference(items, preserve, depth + 1),
            None => UNTYPED,
        };
        ListType {
            element,
            keys: list_keys(schema),
        }
    }
}

fn reference_of<'a>(schema: &'a Value) -> Option<&'a str> {
    let direct = |it: &'a Value| it.get("$ref").and_then(Value::as_str);
    let wrapped = || match schema.get("allOf")?.as_array()?.as_slice() {
        [one] => direct(one),
        _ => None,
    };
    direct(schema).or_else(wrapped)?.rsplit('/').next()
}

fn kind_of(definition: &Value) -> Option<String> {
    let [gvk] = definition
        .get("x-kubernetes-group-version-kind")?
        .as_array()?
        .as_slice()
    else {
        return None;
    };
    let text = |field| gvk.get(field).and_then(Value::as_str);
    let (group, version, kind) = (text("group")?, text("version")?, text("kind")?);
    let metadata = definition.get("properties")?.get("metadata")?;
    if !reference_of(metadata)?.ends_with(".ObjectMeta") {
        return None;
    }
    let api_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    Some(kind_key(&api_version, kind))
}

fn members<'a>(
    schema: &'a Value,
    field: &str,
) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
    schema
        .get(field)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

fn flag(schema: &Value, field: &str) -> bool {
    schema
        .get(field)
        .and_then(Value::as_bool)
        .unwrap_or_default()
}

fn map_type(schema: &Value) -> Option<&str> {
    schema.get("x-kubernetes-map-type").and_then(Value::as_str)
}

/// `x-kubernetes-list-type` decides; without it the older patch strategy does.
fn list_keys(schema: &Value) -> Option<Vec<String>> {
    let text = |field| schema.get(field).and_then(Value::as_str);
    if let Some(kind) = text("x-kubernetes-list-type") {
        return match kind {
            "set" => Some(Vec::new()),
            "map" => {
                let keys = schema
                    .get("x-kubernetes-list-map-keys")
                    .and_then(Value::as_array);
                let keys = keys.into_iter().flatten().filter_map(Value::as_str);
                Some(keys.map(str::to_owned).collect())
            }
            _ => None,
        };
    }
    match text("x-kubernetes-patch-strategy")? {
        "merge" | "merge,retainKeys" => Some(
            text("x-kubernetes-patch-merge-key")
                .map(str::to_owned)
                .into_iter()
                .collect(),
        ),
        _ => None,
    }
}

fn primitive(kind: &str, format: &str) -> Scalar {
    match (kind, format) {
        ("integer", _) => Scalar::Integer,
        ("number", _) => Scalar::Number,
        ("boolean", _) => Scalar::Boolean,
        ("string", "byte") => Scalar::Bytes,
        ("string", "int-or-string") => Scalar::IntOrString,
        ("string", "date-time") => Scalar::Time,
        _ => Scalar::Text,
    }
}

fn any_scalar(schema: &Value) -> Scalar {
    let format = schema.get("format").and_then(Value::as_str);
    if format == Some("int-or-string") || flag(schema, "x-kubernetes-int-or-string") {
        Scalar::IntOrString
    } else {
        Scalar::Any
    }
}
