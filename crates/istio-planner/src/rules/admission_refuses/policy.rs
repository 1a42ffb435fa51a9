//! `ValidatingAdmissionPolicies` and their bindings.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Written, named, written};
use crate::cel::{self, Variables};
use crate::dataplane::{namespace_labels, selector::matches};
use crate::outcome::{Finding, Level, Ref, Subject};
use crate::rules::Code;
use crate::rules::{Situation, enumerate, group_of, text};
use crate::snapshot::{Object, named as named_object};

const GROUP: &str = "admissionregistration.k8s.io";

pub(crate) fn check(it: &Situation) -> Vec<Finding> {
    let mut bindings: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for (_, kept) in it.objects(GROUP, "ValidatingAdmissionPolicyBinding") {
        if denies(&kept.value)
            && let Some(policy) = text(&kept.value, "/spec/policyName")
        {
            bindings.entry(policy).or_default().push(&kept.value);
        }
    }
    let writes = written(it);
    let mut findings = Vec::new();
    let mut unknown = Vec::new();
    for (object, kept) in it.objects(GROUP, "ValidatingAdmissionPolicy") {
        let Some(bound) = bindings.get(object.name.as_str()) else {
            continue;
        };
        let policy = Policy { object, kept };
        let mut refused: Vec<(&Written, String)> = Vec::new();
        let mut unread: Option<String> = None;
        for write in &writes {
            if !bound
                .iter()
                .any(|binding| policy.is_for(it, binding, write))
            {
                continue;
            }
            match policy.judge(it, write) {
                Judgement::Passes => {}
                Judgement::Refuses(why) => refused.push((write, why)),
                Judgement::Unknown(why) => unread = unread.or(Some(why)),
            }
        }
        if !refused.is_empty() {
            findings.push(finding(&policy, &refused));
        } else if let Some(why) = unread {
            let subject = Subject::kept(object, kept);
            let name = format!("ValidatingAdmissionPolicy {}", object.name);
            unknown.push((subject, name, format!("it uses {why}")));
        }
    }
    findings.extend(named(&unknown, Level::Info, "what the apply writes"));
    findings
}

/// A binding whose action is to deny.
fn denies(binding: &Value) -> bool {
    let actions = binding
        .pointer("/spec/validationActions")
        .and_then(Value::as_array);
    actions.is_some_and(|it| it.iter().any(|it| it == "Deny"))
}

fn finding(policy: &Policy, refused: &[(&Written, String)]) -> Finding {
    let mut names: Vec<_> = refused
        .iter()
        .take(5)
        .map(|(it, _)| format!("{} {}", it.object.kind, it.object.name))
        .collect();
    let more = refused.len().saturating_sub(5);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    let mut reasons: Vec<&str> = refused.iter().map(|it| it.1.as_str()).collect();
    reasons.dedup();
    reasons.truncate(3);
    let subjects = refused.iter().map(|(it, _)| Subject::of(it.object.clone()));
    Finding::new(
        Code::AdmissionRefuses,
        Level::Block,
        format!(
            "ValidatingAdmissionPolicy {} refuses {}",
            policy.object.name,
            enumerate(&names)
        ),
        format!(
            "Evaluated on the object that the apply would write: {}. The apply stops there, half done",
            reasons.join("; ")
        ),
    )
    .about([Subject::kept(policy.object, policy.kept).field("spec.validations")])
    .about(subjects)
    .fix(
        "Exempt the objects of the mesh in the policy or its binding, or change what it objects to (for images: `hub`), before \
         the upgrade",
    )
}

enum Judgement {
    Passes,
    Refuses(String),
    Unknown(String),
}

struct Policy<'a> {
    object: &'a Ref,
    kept: &'a Object,
}

impl Policy<'_> {
    fn list(&self, pointer: &str) -> &[Value] {
        let list = self.kept.value.pointer(pointer).and_then(Value::as_array);
        list.map_or(&[], Vec::as_slice)
    }

    /// Whether a binding brings it to an object.
    fn is_for(&self, it: &Situation, binding: &Value, write: &Written) -> bool {
        let constraints = self.kept.value.pointer("/spec/matchConstraints");
        let resources = binding.pointer("/spec/matchResources");
        let rules = |of: Option<&Value>| {
            let rules = of.and_then(|it| it.get("resourceRules")?.as_array());
            rules.is_some_and(|it| it.iter().any(|it| rule(it, write)))
        };
        let excluded = |of: Option<&Value>| {
            let rules = of.and_then(|it| it.get("excludeResourceRules")?.as_array());
            rules.is_some_and(|it| it.iter().any(|it| rule(it, write)))
        };
        let selected = |of: Option<&Value>| {
            let Some(of) = of else {
                return true;
            };
            let labels = |value: &Value| {
                let labels = value.pointer("/metadata/labels").and_then(Value::as_object);
                labels
                    .into_iter()
                    .flatten()
                    .filter_map(|(key, it)| Some((key.clone(), it.as_str()?.to_owned())))
                    .collect()
            };
            let object = matches(of.get("objectSelector"), &labels(write.after))
                || write
                    .before
                    .is_some_and(|it| matches(of.get("objectSelector"), &labels(it)));
            let namespace = write.object.namespace.as_deref();
            let namespace = namespace.and_then(|name| namespace_labels(it.snapshot, name));
            object && namespace.is_none_or(|it| matches(of.get("namespaceSelector"), &it))
        };
        // A binding without rules of its own takes the policy's.
        let narrowed = resources
            .and_then(|it| it.get("resourceRules"))
            .is_none_or(|_| rules(resources));
        rules(constraints)
            && narrowed
            && !excluded(constraints)
            && !excluded(resources)
            && selected(constraints)
            && selected(resources)
    }

    /// What it says of an object.
    fn judge(&self, it: &Situation, write: &Written) -> Judgement {
        let fails = text(&self.kept.value, "/spec/failurePolicy") != Some("Ignore");
        let variables = variables(it, write);
        let pair = |it: &Value| {
            Some((
                text(it, "/name")?.to_owned(),
                text(it, "/expression")?.to_owned(),
            ))
        };
        let composed: Vec<_> = self
            .list("/spec/variables")
            .iter()
            .filter_map(pair)
            .collect();
        for condition in self.list("/spec/matchConditions") {
            let expression = text(condition, "/expression").unwrap_or_default();
            match cel::evaluate(expression, &variables, &composed) {
                Ok(Value::Bool(true)) => {}
                Err(cel::Error::Failed(why)) if fails => {
                    return Judgement::Refuses(format!("a match condition fails ({why})"));
                }
                Err(cel::Error::Unknown(why)) => return Judgement::Unknown(why),
                Ok(_) | Err(cel::Error::Failed(_)) => return Judgement::Passes,
            }
        }
        let mut unknown = None;
        for validation in self.list("/spec/validations") {
            let expression = text(validation, "/expression").unwrap_or_default();
            let message = text(validation, "/message").unwrap_or(expression).trim();
            match cel::evaluate(expression, &variables, &composed) {
                Ok(Value::Bool(true)) => {}
                Ok(_) => return Judgement::Refuses(message.to_owned()),
                Err(cel::Error::Failed(why)) if fails => {
                    return Judgement::Refuses(format!("{message} ({why})"));
                }
                Err(cel::Error::Failed(_)) => {}
                Err(cel::Error::Unknown(why)) => unknown = unknown.or(Some(why)),
            }
        }
        unknown.map_or(Judgement::Passes, Judgement::Unknown)
    }
}

/// Whether a rule names the write of an object.
fn rule(rule: &Value, write: &Written) -> bool {
    let names = |key: &str, wanted: &str| {
        let listed = rule.get(key).and_then(Value::as_array);
        listed.is_some_and(|it| it.iter().any(|it| it == "*" || it == wanted))
    };
    let operation = if write.before.is_some() {
        "UPDATE"
    } else {
        "CREATE"
    };
    let resource = resource(&write.object.kind);
    let only = rule.get("resourceNames").and_then(Value::as_array);
    // `matchPolicy: Equivalent` is the default: another version of the same resource is meant too.
    names("operations", operation)
        && names("apiGroups", group_of(&write.object.api_version))
        && names("resources", &resource)
        && only
            .is_none_or(|it| it.is_empty() || it.iter().any(|it| it == write.object.name.as_str()))
}

/// The resource of a kind, as the API names it.
fn resource(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    if kind == "endpoints" {
        kind
    } else if kind.ends_with('s') || kind.ends_with("ch") {
        format!("{kind}es")
    } else if let Some(stem) = kind
        .strip_suffix('y')
        .filter(|it| !it.ends_with(['a', 'e', 'o']))
    {
        format!("{stem}ies")
    } else {
        format!("{kind}s")
    }
}

fn variables(it: &Situation, write: &Written) -> Variables {
    let namespace = write.object.namespace.as_deref();
    let mut variables = Variables::from([
        ("object", write.after.clone()),
        ("oldObject", write.before.cloned().unwrap_or_default()),
        (
            "request",
            json!({
                "operation": if write.before.is_some() { "UPDATE" } else { "CREATE" },
                "name": write.object.name,
                "namespace": namespace.unwrap_or_default(),
                "kind": {
                    "group": group_of(&write.object.api_version),
                    "version": write.object.api_version.rsplit('/').next(),
                    "kind": write.object.kind,
                },
                "resource": {
                    "group": group_of(&write.object.api_version),
                    "version": write.object.api_version.rsplit('/').next(),
                    "resource": resource(&write.object.kind),
                },
            }),
        ),
    ]);
    // Who applies is not known: what asks for it has no value.
    let object = namespace.and_then(|name| {
        let (_, kept) = named_object(it.snapshot, "", "Namespace", None, name)?;
        Some(kept.value.clone())
    });
    variables.extend(object.map(|it| ("namespaceObject", it)));
    variables
}

#[cfg(test)]
mod tests {
    use super::resource;

    #[test]
    fn kinds_are_made_plural_as_the_api_does() {
        for (kind, plural) in [
            ("Deployment", "deployments"),
            ("NetworkPolicy", "networkpolicies"),
            ("Ingress", "ingresses"),
            ("Gateway", "gateways"),
            ("Endpoints", "endpoints"),
            ("ConfigMap", "configmaps"),
        ] {
            assert_eq!(resource(kind), plural);
        }
    }
}
