//! `fields-lost`, `objects-refused`, `objects-ignored`: objects of the mesh against the target's own definitions.
//!
//! A `CustomResourceDefinition` that does not name a field makes the API server leave it out of every answer, from the
//! moment it is applied (apiextensions-apiserver@v1.36.3:pkg/apiserver/schema/pruning). An object that the older schema
//! refuses stays readable, and can be written no more. What is wrong by the live definition too is no work of this plan.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Situation, count, group_of, text};
use crate::finding::Code;
use crate::outcome::{Finding, Level, Ref, Subject};
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
type Definitions<'a> = BTreeMap<(&'a str, &'a str), &'a Value>;

pub(super) fn check(it: &Situation) -> Vec<Finding> {
    let (Some(desired), Some(to)) = (it.desired, it.to) else {
        return Vec::new();
    };
    let objects = desired
        .rendering
        .components
        .iter()
        .flat_map(|it| &it.objects);
    let rendered = definitions(objects);
    // The request leaves the definitions to somebody else: what they will be is not said.
    if !rendered.keys().any(|(group, _)| ISTIO.contains(group)) {
        return Vec::new();
    }
    let live = it.objects("apiextensions.k8s.io", "CustomResourceDefinition");
    let live = definitions(live.map(|it| &it.1.value));
    let mut found = Found::default();
    for (object, kept) in &it.snapshot.objects {
        let key = (group_of(&object.api_version), object.kind.as_str());
        match rendered.get(&key) {
            Some(definition) => found.compare(object, kept, definition, live.get(&key).copied()),
            None if ISTIO.contains(&key.0) => found.ignored.push(Subject::kept(object, kept)),
            None => {}
        }
    }
    found.findings(&to.to_string())
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

/// What is to be said.
#[derive(Default)]
struct Found {
    /// Fields of policies.
    policies: Vec<Subject>,
    /// Fields of everything else.
    lost: Vec<Subject>,
    refused: Vec<Subject>,
    ignored: Vec<Subject>,
}

impl Found {
    fn compare(&mut self, object: &Ref, kept: &Object, target: &Value, live: Option<&Value>) {
        let Some(spec) = kept.value.get("spec") else {
            return;
        };
        let Some(target) = schema(target, &object.api_version) else {
            return;
        };
        let live = live.and_then(|it| schema(it, &object.api_version));
        if live == Some(target) {
            return;
        }
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

    fn findings(self, to: &str) -> Vec<Finding> {
        let drops = format!(
            "As soon as the definitions of {to} are applied, the API server leaves these fields out of every answer, \
             and the next write of the object loses them for good"
        );
        let rewrite = format!(
            "Rewrite the objects in words that {to} knows before anything is applied, or stay with the running version"
        );
        let all = [
            (
                Code::FieldsLost,
                Level::Block,
                self.policies,
                format!("use fields of security policies that Istio {to} does not know"),
                format!(
                    "{drops}. A policy without one of its conditions matches other requests than it was written for"
                ),
                rewrite.clone(),
            ),
            (
                Code::FieldsLost,
                Level::Warn,
                self.lost,
                format!("use fields that Istio {to} does not know"),
                drops,
                rewrite.clone(),
            ),
            (
                Code::ObjectsRefused,
                Level::Warn,
                self.refused,
                format!("would be refused by the definitions of Istio {to}"),
                "They stay as they are, but can no longer be changed, not even by a controller, until they fit".to_owned(),
                rewrite,
            ),
            (
                Code::ObjectsIgnored,
                Level::Warn,
                self.ignored,
                format!("are of kinds that Istio {to} does not know"),
                "Their definitions and they themselves stay in the cluster, but no istiod reads them any more: what they \
                 configure ends when istiod is replaced"
                    .to_owned(),
                "Say the same in a kind that the target has, or accept that their effect ends".to_owned(),
            ),
        ];
        all.into_iter()
            .filter(|it| !it.2.is_empty())
            .map(|(code, level, subjects, what, detail, fix)| {
                let objects: BTreeSet<_> = subjects.iter().map(|it| &it.object).collect();
                let title = format!("{} {what}", count(objects.len(), "object"));
                let title = if objects.len() == 1 {
                    title
                        .replacen("object are of kinds", "object is of a kind", 1)
                        .replacen("object use ", "object uses ", 1)
                } else {
                    title
                };
                Finding::new(code, level, title, detail)
                    .about(subjects)
                    .fix(fix)
            })
            .collect()
    }
}

/// Where an object does not fit a structural schema.
#[derive(Default)]
struct Faults {
    /// Paths that the schema does not name.
    unknown: BTreeSet<String>,
    /// Paths whose value the schema refuses.
    refused: BTreeSet<String>,
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::check;
    use crate::outcome::Level;
    use crate::precheck::fixture::Cluster;

    fn definition(group: &str, kind: &str, spec: &Value) -> Value {
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{}s.{group}", kind.to_lowercase())},
            "spec": {"group": group, "names": {"kind": kind}, "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
            }]},
        })
    }

    fn source(fields: &Value) -> Value {
        json!({"type": "object", "properties": {"rules": {"type": "array", "items": {"type": "object",
            "properties": fields}}}})
    }

    /// A policy whose rule has `fields`, under a live definition that knows all of them and a target's that knows some.
    fn cluster(group: &str, spec: &Value, live: &Value, target: &Value) -> Cluster {
        let mut cluster = Cluster::new();
        cluster.object(definition(group, "Policy", live));
        cluster.object(json!({
            "apiVersion": format!("{group}/v1"), "kind": "Policy",
            "metadata": {"name": "it", "namespace": "shop"}, "spec": spec,
        }));
        cluster.render("Base", definition(group, "Policy", target));
        cluster
    }

    #[test]
    fn a_policy_that_loses_a_condition_blocks() {
        let all = source(&json!({"domains": {"type": "array"}, "names": {"type": "array"}}));
        let some = source(&json!({"names": {"type": "array"}}));
        let spec = json!({"rules": [{"names": ["a"]}, {"domains": ["b"]}]});
        let findings = cluster("security.istio.io", &spec, &all, &some).check(check);
        assert_eq!(findings.len(), 1);
        assert_eq!(
            (findings[0].code.as_str(), findings[0].level),
            ("fields-lost", Level::Block)
        );
        assert_eq!(
            findings[0].subjects[0].field.as_deref(),
            Some("spec.rules[1].domains")
        );
        assert_eq!(findings[0].subjects[0].value, Some(json!(["b"])));
        assert!(
            findings[0]
                .title
                .starts_with("1 object uses fields of security policies")
        );
        let findings = cluster("telemetry.istio.io", &spec, &all, &some).check(check);
        assert_eq!(findings[0].level, Level::Warn);
        // The definition in the cluster does not know it either, or both know it.
        assert!(
            cluster("security.istio.io", &spec, &some, &some)
                .check(check)
                .is_empty()
        );
        assert!(
            cluster("security.istio.io", &spec, &all, &all)
                .check(check)
                .is_empty()
        );
    }

    #[test]
    fn an_open_schema_loses_nothing() {
        let all = source(
            &json!({"any": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "more": {"type": "object", "additionalProperties": {"type": "string"}}}),
        );
        let other = source(
            &json!({"any": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "more": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 9}}}),
        );
        let spec = json!({"rules": [{"any": {"x": {"y": 1}}, "more": {"k": "v"}}]});
        assert!(
            cluster("networking.istio.io", &spec, &all, &other)
                .check(check)
                .is_empty()
        );
    }

    #[test]
    fn a_value_that_the_target_refuses_is_named() {
        let all = source(&json!({"mode": {"type": "string", "enum": ["A", "B"]}}));
        let some = source(&json!({"mode": {"type": "string", "enum": ["A"]}}));
        let of = |mode: &str| json!({"rules": [{"mode": mode}]});
        let findings = cluster("networking.istio.io", &of("B"), &all, &some).check(check);
        assert_eq!(findings[0].code, "objects-refused");
        assert_eq!(
            findings[0].subjects[0].field.as_deref(),
            Some("spec.rules[0].mode")
        );
        assert!(
            cluster("networking.istio.io", &of("A"), &all, &some)
                .check(check)
                .is_empty()
        );
    }

    #[test]
    fn objects_of_a_kind_that_the_target_lacks_are_ignored_by_it() {
        let any = source(&json!({}));
        let mut cluster = cluster("networking.istio.io", &json!({}), &any, &any);
        cluster.object(json!({
            "apiVersion": "extensions.istio.io/v1alpha1", "kind": "TrafficExtension",
            "metadata": {"name": "new", "namespace": "shop"}, "spec": {},
        }));
        assert_eq!(cluster.codes(check), ["objects-ignored Warn"]);
        // Somebody else brings the definitions.
        cluster.rendering = None;
        cluster.render(
            "Pilot",
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "istiod"}}),
        );
        assert!(cluster.check(check).is_empty());
    }
}
