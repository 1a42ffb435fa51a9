//! What the API server holds against a new pod: `ResourceQuota` and `LimitRange` of its namespace.

use serde_json::{Map, Value, json};

use super::{Cause, Rolling};
use crate::rules::{Situation, text};
use crate::snapshot::in_namespace;
use kube_apply::defaulting::quantity::nanos;

/// Why the API server refuses the next pod, if it does.
pub(super) fn shortage(situation: &Situation, rolling: &Rolling) -> Vec<(Cause, String)> {
    let ranges = limit_ranges(situation, rolling);
    let containers: Vec<_> = rolling
        .workload
        .placement
        .resources
        .iter()
        .chain(&rolling.injected)
        .map(|it| defaulted(it, &ranges))
        .collect();
    let limits = containers.iter().find_map(|it| refused(it, &ranges));
    let namespace = rolling.object.namespace.as_deref();
    let quota = in_namespace(situation.snapshot, "ResourceQuota", namespace)
        .filter(|(_, kept)| counts(&kept.value, rolling))
        .find_map(|(object, kept)| {
            let why = exceeded(&kept.value, rolling, &containers)?;
            Some(format!("ResourceQuota {}: {why}", object.name))
        });
    let limits = limits.map(|why| (Cause::Limits, why));
    limits
        .into_iter()
        .chain(quota.map(|why| (Cause::Quota, why)))
        .collect()
}

/// Entries for containers of every `LimitRange` of the namespace.
fn limit_ranges(situation: &Situation, rolling: &Rolling) -> Vec<(String, Value)> {
    let namespace = rolling.object.namespace.as_deref();
    in_namespace(situation.snapshot, "LimitRange", namespace)
        .flat_map(|(object, kept)| {
            let limits = kept.value.pointer("/spec/limits").and_then(Value::as_array);
            limits
                .into_iter()
                .flatten()
                .filter(|it| text(it, "/type") == Some("Container"))
                .map(|it| (object.name.clone(), it.clone()))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn amount(value: Option<&Value>) -> Option<i128> {
    match value? {
        Value::String(text) => nanos(text),
        number @ Value::Number(_) => nanos(&number.to_string()),
        _ => None,
    }
}

/// What a container asks for once defaults are filled in: a limit that a `LimitRange` gives, a request from the limit
/// (kubernetes@v1.36.3:plugin/pkg/admission/limitranger/admission.go, `defaultContainerResourceRequirements`).
fn defaulted(resources: &Value, ranges: &[(String, Value)]) -> Value {
    let map = |from: Option<&Value>| from.and_then(Value::as_object).cloned().unwrap_or_default();
    let (mut limits, mut requests) = (map(resources.get("limits")), map(resources.get("requests")));
    let given = limits.clone();
    for (key, value) in given {
        requests.entry(key).or_insert(value);
    }
    for (_, range) in ranges {
        // The API server fills `default` in from `max`, and `defaultRequest` from `default` or `min`.
        let default = [range.get("default"), range.get("max")];
        let request = [
            range.get("defaultRequest"),
            range.get("default"),
            range.get("min"),
            range.get("max"),
        ];
        fill(&mut limits, &default);
        fill(&mut requests, &request);
    }
    json!({"limits": limits, "requests": requests})
}

fn fill(into: &mut Map<String, Value>, from: &[Option<&Value>]) {
    for map in from.iter().filter_map(|it| it.and_then(Value::as_object)) {
        for (key, value) in map {
            into.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
}

/// Why the resources of a container are none.
fn refused(container: &Value, ranges: &[(String, Value)]) -> Option<String> {
    let limit = |key: &str| container.pointer("/limits").and_then(|it| it.get(key));
    let request = |key: &str| container.pointer("/requests").and_then(|it| it.get(key));
    let shown = |value: Option<&Value>| {
        value
            .map(|it| it.to_string().trim_matches('"').to_owned())
            .unwrap_or_default()
    };
    for (name, range) in ranges {
        let bounds = |key: &str| range.get(key).and_then(Value::as_object);
        for (key, most) in bounds("max").into_iter().flatten() {
            let over = |it: Option<&Value>| {
                amount(it)
                    .zip(amount(Some(most)))
                    .is_some_and(|(a, b)| a > b)
            };
            let asked = [request(key), limit(key)].into_iter().find(|it| over(*it));
            if let Some(asked) = asked {
                return Some(format!(
                    "LimitRange {name} allows {key} up to {} for a container, and one asks for {}",
                    shown(Some(most)),
                    shown(asked)
                ));
            }
        }
        for (key, least) in bounds("min").into_iter().flatten() {
            let under = amount(request(key))
                .zip(amount(Some(least)))
                .is_some_and(|(a, b)| a < b);
            if under {
                return Some(format!(
                    "LimitRange {name} wants {key} of at least {} for a container, and one asks for {}",
                    shown(Some(least)),
                    shown(request(key))
                ));
            }
        }
    }
    if ranges.is_empty() {
        return None;
    }
    // A default limit below what the container asks for.
    ["cpu", "memory"].iter().find_map(|key| {
        let (asked, most) = (amount(request(key))?, amount(limit(key))?);
        (asked > most).then(|| {
            format!(
                "a LimitRange gives the container a limit of {} {key}, and it asks for {}",
                shown(limit(key)),
                shown(request(key))
            )
        })
    })
}

/// Whether a quota counts the pods of a workload.
fn counts(quota: &Value, rolling: &Rolling) -> bool {
    let scopes = quota.pointer("/spec/scopes").and_then(Value::as_array);
    let of_others = |it: &Value| !matches!(it.as_str(), Some("NotTerminating" | "NotBestEffort"));
    if scopes.into_iter().flatten().any(of_others) {
        return false;
    }
    let expressions = quota
        .pointer("/spec/scopeSelector/matchExpressions")
        .and_then(Value::as_array);
    expressions.into_iter().flatten().all(|it| {
        let class = rolling.workload.placement.priority_class.as_deref();
        let values = it.get("values").and_then(Value::as_array);
        let named =
            values.is_some_and(|it| it.iter().any(|it| it.as_str() == class && class.is_some()));
        match (text(it, "/scopeName"), text(it, "/operator")) {
            (Some("PriorityClass"), Some("In")) => named,
            (Some("PriorityClass"), Some("NotIn")) => !named,
            (Some("PriorityClass"), Some("Exists")) => class.is_some(),
            (Some("PriorityClass"), Some("DoesNotExist")) => class.is_none(),
            (Some("NotTerminating" | "NotBestEffort"), _) => true,
            _ => false,
        }
    })
}

/// What of a quota a new pod would exceed, or what it demands and the pod does not say.
fn exceeded(quota: &Value, rolling: &Rolling, containers: &[Value]) -> Option<String> {
    let hard = quota
        .pointer("/status/hard")
        .or_else(|| quota.pointer("/spec/hard"))?
        .as_object()?;
    let used = quota.pointer("/status/used");
    let shown = |it: &Value| it.to_string().trim_matches('"').to_owned();
    // A pod that may go first gives its share back.
    let beside = i64::from(!rolling.may_go_first());
    let fresh = if rolling.old.is_empty() {
        rolling.replicas
    } else {
        beside
    };
    for (key, most) in hard {
        let most_amount = amount(Some(most))?;
        let used_amount = amount(used.and_then(|it| it.get(key))).unwrap_or_default();
        let each = match key.as_str() {
            "pods" | "count/pods" => 1_000_000_000,
            _ => {
                let (part, name) = match key.as_str() {
                    "cpu" | "requests.cpu" => ("/requests", "cpu"),
                    "memory" | "requests.memory" => ("/requests", "memory"),
                    "limits.cpu" => ("/limits", "cpu"),
                    "limits.memory" => ("/limits", "memory"),
                    _ => continue,
                };
                let of = |it: &Value| amount(it.pointer(part).and_then(|it| it.get(name)));
                if containers.iter().any(|it| of(it).is_none()) {
                    return Some(format!(
                        "it counts {key}, so every container has to say it, and one does not: no pod is made at all"
                    ));
                }
                containers.iter().filter_map(of).sum()
            }
        };
        if fresh > 0 && used_amount + each * i128::from(fresh) > most_amount {
            let used = used
                .and_then(|it| it.get(key))
                .map_or("0".to_owned(), shown);
            return Some(format!(
                "{used} of {} {key} are used, and the rollout needs {} more before an old pod goes",
                shown(most),
                if fresh == 1 {
                    "one pod".to_owned()
                } else {
                    format!("{fresh} pods")
                }
            ));
        }
    }
    None
}
