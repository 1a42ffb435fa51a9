//! `ValidatingAdmissionPolicies` and their bindings.

use serde_json::{Value, json};
use sorted::SortedMap;

use super::made::{self, Made};
use super::named;
use crate::cel::{self, Variables};
use crate::outcome::{Finding, Level, Ref, Subject};
use crate::rules::Code;
use crate::rules::writes::{Written, resource, written};
use crate::rules::{Situation, enumerate, group_of, text};
use crate::snapshot::{Object, named as named_object};

const GROUP: &str = "admissionregistration.k8s.io";

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let mut bindings: SortedMap<&str, Vec<&Value>> = SortedMap::new();
    for (_, kept) in situation.objects(GROUP, "ValidatingAdmissionPolicyBinding") {
        if denies(&kept.value)
            && let Some(policy) = text(&kept.value, "/spec/policyName")
        {
            bindings.entry(policy).or_default().push(&kept.value);
        }
    }
    let writes = written(situation);
    let made = made::pods(situation, &writes);
    let mut findings = Vec::new();
    let mut unknown = Vec::new();
    let mut injected = Vec::new();
    for (object, kept) in situation.objects(GROUP, "ValidatingAdmissionPolicy") {
        let Some(bound) = bindings.get(object.name.as_str()) else {
            continue;
        };
        let policy = Policy { object, kept };
        let mut refused: Vec<(&Written, String)> = Vec::new();
        let mut unread: Option<String> = None;
        for write in &writes {
            if !bound
                .iter()
                .any(|binding| policy.is_for(situation, binding, write))
            {
                continue;
            }
            match policy.judge(situation, write) {
                Judgement::Passes => {}
                Judgement::Refuses(why) => refused.push((write, why)),
                Judgement::Unknown(why) => unread = unread.or(Some(why)),
            }
        }
        let of_pods = policy.pods(situation, bound, &made);
        findings.extend(pods_finding(&policy, &of_pods.refused));
        if of_pods.injected && refused.is_empty() && of_pods.refused.is_empty() {
            let subject = Subject::kept(object, kept);
            let name = format!("ValidatingAdmissionPolicy {}", object.name);
            let why = "it is about pods, and these are as istiod injects them";
            injected.push((subject, name, why.to_owned()));
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
    findings.extend(named(
        &injected,
        Level::Info,
        "the pods of a rollout or restart",
    ));
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
    let subjects = refused
        .iter()
        .map(|(it, _)| Subject::new(it.object.clone()));
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

fn pods_finding(policy: &Policy, refused: &[(&Made, String)]) -> Option<Finding> {
    let names: Vec<_> = refused
        .iter()
        .map(|(it, _)| format!("{} {}", it.of.kind, it.of.name))
        .collect();
    let mut reasons: Vec<&str> = refused.iter().map(|it| it.1.as_str()).collect();
    reasons.dedup();
    let subjects = refused.iter().map(|(it, _)| Subject::new(it.of.clone()));
    (!names.is_empty()).then(|| {
        Finding::new(
            Code::AdmissionRefuses,
            Level::Warn,
            format!(
                "ValidatingAdmissionPolicy {} refuses the new pods of {}",
                policy.object.name,
                enumerate(&names)
            ),
            format!(
                "Evaluated on the pods that the templates make: {}. Unless something else of the cluster adds what is \
                 missing, the rollout waits for pods that are never made, and the upgrade stops there",
                reasons.join("; ")
            ),
        )
        .about([Subject::kept(policy.object, policy.kept).field("spec.validations")])
        .about(subjects)
        .fix("Exempt the mesh in the policy or its binding, or set what it asks for in the request, before the upgrade")
    })
}

/// What a policy says of new pods.
struct OfPods<'a> {
    refused: Vec<(&'a Made, String)>,
    /// It is about pods whose sidecar is not known here.
    injected: bool,
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

    /// What it says of the pods that rollouts and restarts make.
    fn pods<'a>(&self, situation: &Situation, bound: &[&Value], made: &'a [Made]) -> OfPods<'a> {
        let mut said = OfPods {
            refused: Vec::new(),
            injected: false,
        };
        for pod in made {
            let write = pod.write();
            if !bound
                .iter()
                .any(|binding| self.is_for(situation, binding, &write))
            {
                continue;
            }
            if pod.injected {
                said.injected = true;
            } else if let Judgement::Refuses(why) = self.judge(situation, &write) {
                said.refused.push((pod, why));
            }
        }
        said
    }

    /// Whether a binding brings it to an object.
    fn is_for(&self, situation: &Situation, binding: &Value, write: &Written) -> bool {
        let constraints = self.kept.value.pointer("/spec/matchConstraints");
        let resources = binding.pointer("/spec/matchResources");
        let rules = |of: Option<&Value>| {
            let rules = of.and_then(|it| it.get("resourceRules")?.as_array());
            rules.is_some_and(|it| it.iter().any(|it| write.is_named(it)))
        };
        let excluded = |of: Option<&Value>| {
            let rules = of.and_then(|it| it.get("excludeResourceRules")?.as_array());
            rules.is_some_and(|it| it.iter().any(|it| write.is_named(it)))
        };
        let selected =
            |of: Option<&Value>| of.is_none_or(|selectors| write.is_selected(situation, selectors));
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
    fn judge(&self, situation: &Situation, write: &Written) -> Judgement {
        let fails = text(&self.kept.value, "/spec/failurePolicy") != Some("Ignore");
        let variables = variables(situation, write);
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

fn variables(situation: &Situation, write: &Written) -> Variables {
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
        let (_, kept) = named_object(situation.snapshot, "", "Namespace", None, name)?;
        Some(kept.value.clone())
    });
    variables.extend(object.map(|it| ("namespaceObject", it)));
    variables
}
