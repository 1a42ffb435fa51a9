//! Objects of the mesh against the target's own definitions.
//!
//! A `CustomResourceDefinition` that does not name a field makes the API server leave it out of every answer, from the
//! moment it is applied (apiextensions-apiserver@v1.36.3:pkg/apiserver/schema/pruning). An object that the older schema
//! refuses stays readable, and can be written no more. What is wrong by the live definition too is no work of this plan.

use serde_json::Value;
use sorted::{SortedMap, SortedSet};

use super::{Situation, count, group_of, text};
use crate::outcome::{Ref, Subject};
use crate::snapshot::Object;

/// Groups whose definitions Istio's own charts bring.
const ISTIO: [&str; 4] = [
    "networking.istio.io",
    "security.istio.io",
    "telemetry.istio.io",
    "extensions.istio.io",
];

/// The group whose objects decide who may talk to whom: without one of its fields a policy means something else.
const SECURITY: &str = "security.istio.io";

/// Definitions by group and kind.
type Definitions<'a> = SortedMap<(&'a str, &'a str), &'a Value>;

/// The target's schema of a kind, and the one that the cluster has now.
type Schemas<'a> = (&'a Value, Option<&'a Value>);

/// What is to be said.
#[derive(Default)]
pub(super) struct Found {
    /// Fields of policies.
    pub(super) policies: Vec<Subject>,
    /// Fields of everything else.
    pub(super) lost: Vec<Subject>,
    /// Values that the schema refuses.
    pub(super) refused: Vec<Subject>,
    /// Objects of kinds that the target does not have.
    pub(super) ignored: Vec<Subject>,
}

impl Found {
    /// Compares every object with its definition; `None` where the target's definitions are not known.
    pub(super) fn read(situation: &Situation) -> Option<Self> {
        let desired = situation.desired?;
        let objects = desired
            .rendering
            .components
            .iter()
            .flat_map(|it| &it.objects);
        let rendered = definitions(objects);
        // The request leaves the definitions to somebody else: what they will be is not said.
        if !rendered.keys().any(|(group, _)| ISTIO.contains(group)) {
            return None;
        }
        let live = situation.objects("apiextensions.k8s.io", "CustomResourceDefinition");
        let live = definitions(live.map(|it| &it.1.value));
        let mut found = Found::default();
        // Of objects of one kind and version: what the target wants, and the cluster now; `None` where that is the same.
        let mut schemas: SortedMap<(&str, &str), Option<Schemas>> = SortedMap::new();
        for (object, kept) in &situation.snapshot.objects {
            let key = (group_of(&object.api_version), object.kind.as_str());
            match rendered.get(&key) {
                Some(definition) => {
                    let named = (object.api_version.as_str(), object.kind.as_str());
                    let both = schemas.entry(named).or_insert_with(|| {
                        let target = schema(definition, &object.api_version)?;
                        let live = live.get(&key);
                        let live = live.and_then(|it| schema(it, &object.api_version));
                        (live != Some(target)).then_some((target, live))
                    });
                    if let Some((target, live)) = both {
                        found.compare(object, kept, target, *live);
                    }
                }
                None if ISTIO.contains(&key.0) => found.ignored.push(Subject::kept(object, kept)),
                None => {}
            }
        }
        Some(found)
    }

    fn compare(&mut self, object: &Ref, kept: &Object, target: &Value, live: Option<&Value>) {
        let Some(spec) = kept.value.get("spec") else {
            return;
        };
        let faults = |schema| {
            let mut faults = Faults::default();
            faults.walk(schema, spec, "spec");
            faults
        };
        let (after, before) = (faults(target), live.map(faults).unwrap_or_default());
        let subject = |path: &String| {
            let value = at(&kept.value, path).cloned();
            let subject = Subject::kept(object, kept).field(path.as_str());
            Subject { value, ..subject }
        };
        let lost = after.unknown.difference(&before.unknown).map(subject);
        if group_of(&object.api_version) == SECURITY {
            self.policies.extend(lost);
        } else {
            self.lost.extend(lost);
        }
        self.refused
            .extend(after.refused.difference(&before.refused).map(subject));
    }
}

/// `3 objects use …`, or `1 object uses …`.
pub(super) fn title(subjects: &[Subject], one: &str, many: &str) -> String {
    let objects: SortedSet<_> = subjects.iter().map(|it| &it.object).collect();
    let what = if objects.len() == 1 { one } else { many };
    format!("{} {what}", count(objects.len(), "object"))
}

fn definitions<'a>(objects: impl Iterator<Item = &'a Value>) -> Definitions<'a> {
    objects
        .filter(|it| text(it, "/kind") == Some("CustomResourceDefinition"))
        .filter_map(|it| {
            let key = (text(it, "/spec/group")?, text(it, "/spec/names/kind")?);
            Some((key, it))
        })
        .collect()
}

/// The schema of `spec`, in the version that an object is written in, else in the one that is stored.
fn schema<'a>(definition: &'a Value, api_version: &str) -> Option<&'a Value> {
    let version = api_version.rsplit('/').next();
    let versions = definition.pointer("/spec/versions")?.as_array()?;
    let named = versions.iter().find(|it| text(it, "/name") == version);
    let stored = || versions.iter().find(|it| it["storage"] == true);
    named
        .or_else(stored)?
        .pointer("/schema/openAPIV3Schema/properties/spec")
}

/// Where an object does not fit a structural schema.
#[derive(Default)]
struct Faults {
    /// Paths that the schema does not name.
    unknown: SortedSet<String>,
    /// Paths whose value the schema refuses.
    refused: SortedSet<String>,
}

impl Faults {
    fn walk(&mut self, schema: &Value, value: &Value, path: &str) {
        if !fits(schema, value) {
            self.refused.insert(path.to_owned());
            return;
        }
        match value {
            Value::Object(map) => {
                let open = schema["x-kubernetes-preserve-unknown-fields"] == true
                    || schema["additionalProperties"] == true;
                for (key, value) in map {
                    let path = format!("{path}.{key}");
                    let known = schema
                        .pointer("/properties")
                        .and_then(|it| it.get(key))
                        .or_else(|| {
                            schema
                                .get("additionalProperties")
                                .filter(|it| it.is_object())
                        });
                    match known {
                        Some(schema) => self.walk(schema, value, &path),
                        None if open => {}
                        None => {
                            self.unknown.insert(path);
                        }
                    }
                }
            }
            Value::Array(items) => {
                let Some(schema) = schema.get("items") else {
                    return;
                };
                for (index, value) in items.iter().enumerate() {
                    self.walk(schema, value, &format!("{path}[{index}]"));
                }
            }
            _ => {}
        }
    }
}

/// Whether a value has the type, the bounds and the fields that a schema wants. Patterns, formats and rules in CEL are
/// not looked at: none of them is claimed to be broken.
fn fits(schema: &Value, value: &Value) -> bool {
    if value.is_null() {
        return true;
    }
    let typed = match text(schema, "/type") {
        _ if schema["x-kubernetes-int-or-string"] == true => true,
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer" | "number") => value.is_number(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => true,
    };
    let listed = schema
        .get("enum")
        .and_then(Value::as_array)
        .is_none_or(|it| it.contains(value));
    let required = schema.get("required").and_then(Value::as_array);
    let complete = value.as_object().is_none_or(|map| {
        let mut required = required.into_iter().flatten().filter_map(Value::as_str);
        required.all(|it| map.contains_key(it))
    });
    typed && listed && complete && within(schema, value)
}

fn within(schema: &Value, value: &Value) -> bool {
    let (least, most, size) = match value {
        Value::Number(it) => ("minimum", "maximum", it.as_f64()),
        Value::String(it) => ("minLength", "maxLength", length(it.chars().count())),
        Value::Array(it) => ("minItems", "maxItems", length(it.len())),
        Value::Object(it) => ("minProperties", "maxProperties", length(it.len())),
        Value::Null | Value::Bool(_) => return true,
    };
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    let Some(size) = size else { return true };
    bound(least).is_none_or(|it| size >= it) && bound(most).is_none_or(|it| size <= it)
}

fn length(count: usize) -> Option<f64> {
    u32::try_from(count).ok().map(f64::from)
}

/// Returns what stands at a path of [`Faults`]; `None` for keys that hold a dot.
fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(object, |it, step| {
        let mut parts = step.split('[');
        let field = it.get(parts.next()?)?;
        parts.try_fold(field, |it, index| {
            it.get(index.strip_suffix(']')?.parse::<usize>().ok()?)
        })
    })
}
