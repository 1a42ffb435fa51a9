//! Policies of Kyverno and Gatekeeper, which are named, not evaluated.

use serde_json::Value;
use sorted::SortedSet;

use super::named;
use crate::outcome::{Finding, Level, RestartHow, Subject};
use crate::rules::writes::written;
use crate::rules::{Situation, group_of, text};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let writes = written(situation);
    let restarts = situation
        .restarts
        .iter()
        .any(|it| it.how != RestartHow::None);
    if writes.is_empty() && !restarts {
        return Vec::new();
    }
    let mut kinds: SortedSet<&str> = writes.iter().map(|it| it.object.kind.as_str()).collect();
    if restarts || kinds.contains("Deployment") || kinds.contains("DaemonSet") {
        kinds.insert("Pod");
    }
    let mut likely = Vec::new();
    let mut possible = Vec::new();
    for (object, kept) in &situation.snapshot.objects {
        let policy = &kept.value;
        let (keeper, matched) = match (group_of(&object.api_version), object.kind.as_str()) {
            ("kyverno.io", "ClusterPolicy" | "Policy") if enforces(policy) => {
                ("Kyverno", kyverno(policy, &kinds))
            }
            ("policies.kyverno.io", _) => {
                let denies = policy
                    .pointer("/spec/validationActions")
                    .and_then(Value::as_array);
                let denies = denies.is_none_or(|it| it.iter().any(|it| it == "Deny"));
                ("Kyverno", denies)
            }
            ("constraints.gatekeeper.sh", _) => {
                let action = text(policy, "/spec/enforcementAction");
                let denies = matches!(action, None | Some("deny" | "scoped"));
                ("Gatekeeper", denies && gatekeeper(policy, &kinds))
            }
            _ => continue,
        };
        if !matched {
            continue;
        }
        let entry = (
            Subject::kept(object, kept),
            format!("{} {}", object.kind, object.name),
            format!("a policy of {keeper} that refuses what it does not allow"),
        );
        if touches(situation, policy) {
            likely.push(entry);
        } else {
            possible.push(entry);
        }
    }
    let what = "objects or pods that the upgrade makes";
    [
        named(&likely, Level::Warn, what),
        named(&possible, Level::Info, what),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether a rule of a Kyverno policy refuses, rather than reports.
fn enforces(policy: &Value) -> bool {
    let is = |it: Option<&str>| it.is_some_and(|it| it.eq_ignore_ascii_case("enforce"));
    let rules = policy.pointer("/spec/rules").and_then(Value::as_array);
    let rules: Vec<_> = rules.into_iter().flatten().collect();
    let validates = rules
        .iter()
        .any(|it| it.get("validate").is_some() || it.get("verifyImages").is_some());
    validates
        && (is(text(policy, "/spec/validationFailureAction"))
            || rules
                .iter()
                .any(|it| is(text(it, "/validate/failureAction"))))
}

/// Whether it matches a kind.
fn kyverno(policy: &Value, kinds: &SortedSet<&str>) -> bool {
    let rules = policy.pointer("/spec/rules").and_then(Value::as_array);
    rules.into_iter().flatten().any(|rule| {
        let mut found = Vec::new();
        listed(rule.get("match"), "kinds", &mut found);
        // Kinds are written `Pod`, `apps/v1/Deployment` or `*`.
        found.iter().any(|it| {
            let kind = it.rsplit('/').next().unwrap_or(it);
            kind == "*" || kinds.contains(kind)
        })
    })
}

fn gatekeeper(constraint: &Value, kinds: &SortedSet<&str>) -> bool {
    let matched = constraint.pointer("/spec/match/kinds");
    let mut found = Vec::new();
    listed(matched, "kinds", &mut found);
    // Without kinds it matches everything.
    matched.is_none() || found.iter().any(|it| *it == "*" || kinds.contains(it))
}

/// Every text in a list of this name.
fn listed<'a>(value: Option<&'a Value>, name: &str, found: &mut Vec<&'a str>) {
    match value {
        Some(Value::Object(map)) => {
            for (key, it) in map {
                if key == name {
                    let list = it.as_array().into_iter().flatten();
                    found.extend(list.filter_map(Value::as_str));
                }
                listed(Some(it), name, found);
            }
        }
        Some(Value::Array(list)) => {
            for it in list {
                listed(Some(it), name, found);
            }
        }
        _ => {}
    }
}

/// Whether it is about what this upgrade changes: the registry of images, or capabilities of init containers.
fn touches(situation: &Situation, policy: &Value) -> bool {
    let words = policy
        .get("spec")
        .map(|it| it.to_string().to_ascii_lowercase())
        .unwrap_or_default();
    let kind = text(policy, "/kind")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let about = |wanted: &[&str]| {
        wanted
            .iter()
            .any(|it| words.contains(it) || kind.contains(it))
    };
    let images = about(&["image", "repo", "registr"]) && moves_registry(situation);
    let capabilities = about(&["capabilit", "net_admin", "initcontainers", "privilege"])
        && super::pods::injects_init(situation) == Some(true);
    images || capabilities
}

/// Whether images come from elsewhere than today.
fn moves_registry(situation: &Situation) -> bool {
    let repositories = |value: &Value| -> SortedSet<String> {
        let containers = value
            .pointer("/spec/template/spec/containers")
            .and_then(Value::as_array);
        let images = containers
            .into_iter()
            .flatten()
            .filter_map(|it| text(it, "/image"));
        images
            .map(|it| it.split(['@']).next().unwrap_or(it))
            .map(|it| match it.rsplit_once('/') {
                Some((before, _)) => before.to_owned(),
                None => String::new(),
            })
            .collect()
    };
    written(situation).iter().any(|it| {
        it.before
            .is_some_and(|before| !repositories(it.after).is_subset(&repositories(before)))
    })
}
