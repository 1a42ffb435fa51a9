//! `disruption-budget-blocks-drains`: budgets that the apply makes impossible to keep (policy/v1 `PodDisruptionBudget`; domain §8.2).

use serde_json::Value;

use super::Code;
use super::Explanation;
use super::budgets::{KIND, changes_something};
use super::links::BUDGETS;
use super::{Situation, enumerate, text};
use crate::dataplane::selector;
use crate::outcome::{Change, Finding, Level, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A budget that the request renders keeps as many pods as its workload has at least.",
    why: "As soon as no more than these run, every eviction is refused: node drains hang, and with them upgrades of the \
          nodes.",
    settle: "Ask for one pod more than the budget keeps, or lower the budget (`k8s.podDisruptionBudget`).",
    source: "policy/v1 PodDisruptionBudget; kubernetes@v1.36.3:pkg/controller/disruption",
    link: BUDGETS,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let changes = situation.desired.map(|it| it.changes).unwrap_or_default();
    impossible(situation, &changes.iter().collect::<Vec<_>>())
        .into_iter()
        .collect()
}

/// Budgets that allow no eviction even when every wanted pod is ready, and did so not before.
fn impossible(situation: &Situation, changes: &[&Change]) -> Option<Finding> {
    let desired = situation.desired?;
    let mut subjects = Vec::new();
    let mut reasons = Vec::new();
    for component in &desired.rendering.components {
        for budget in component
            .objects
            .iter()
            .filter(|it| text(it, "/kind") == Some(KIND))
        {
            let Some((workload, pods)) = covered(budget, &component.objects) else {
                continue;
            };
            let Some((field, wants)) = forbids(budget, pods) else {
                continue;
            };
            let name = text(budget, "/metadata/name").unwrap_or_default();
            // What is so today is told by the live budget's own status.
            let touched = |change: &&&Change| {
                let object = &change.object;
                (object.kind == KIND && object.name == name && changes_something(change))
                    || (object.name == workload
                        && change.fields.iter().any(|it| {
                            matches!(it.path.as_str(), "spec.minReplicas" | "spec.replicas")
                        }))
            };
            let Some(change) = changes.iter().find(touched) else {
                continue;
            };
            let object = crate::outcome::Ref {
                kind: KIND.to_owned(),
                api_version: text(budget, "/apiVersion")
                    .unwrap_or("policy/v1")
                    .to_owned(),
                namespace: change.object.namespace.clone(),
                name: name.to_owned(),
            };
            reasons.push(format!(
                "{name} wants {wants}, and {workload} has {pods} at least"
            ));
            subjects.push(Subject::new(object).field(field).value(wants));
        }
    }
    let finding = Finding::new(
        Code::DisruptionBudgetBlocksDrains,
        Level::Warn,
        "A disruption budget allows no eviction after the upgrade",
        format!(
            "{}: once no more pods than that run, every node drain hangs",
            enumerate(&reasons)
        ),
    );
    let fix = "Ask for one pod more than the budget keeps (`autoscaleMin`, `k8s.replicaCount`, `k8s.hpaSpec.minReplicas`), or for less in `k8s.podDisruptionBudget`";
    (!subjects.is_empty()).then(|| finding.about(subjects).fix(fix))
}

/// The Deployment that a budget covers, and the pods that it has at least.
fn covered<'a>(budget: &Value, objects: &'a [Value]) -> Option<(&'a str, i64)> {
    let wanted = budget.pointer("/spec/selector")?;
    let deployment = objects.iter().find(|it| {
        let labels = it
            .pointer("/spec/template/metadata/labels")
            .and_then(Value::as_object);
        let labels = labels.into_iter().flatten();
        let labels = labels
            .filter_map(|(key, it)| Some((key.clone(), it.as_str()?.to_owned())))
            .collect();
        text(it, "/kind") == Some("Deployment") && selector::matches(Some(wanted), &labels)
    })?;
    let name = text(deployment, "/metadata/name")?;
    let autoscaler = objects.iter().find(|it| {
        text(it, "/kind") == Some("HorizontalPodAutoscaler")
            && text(it, "/spec/scaleTargetRef/name") == Some(name)
    });
    let number = |it: &Value, pointer: &str| it.pointer(pointer).and_then(Value::as_i64);
    let pods = match autoscaler {
        Some(it) => number(it, "/spec/minReplicas").unwrap_or(1),
        // A Deployment without replicas keeps those that it has.
        None => number(deployment, "/spec/replicas")?,
    };
    Some((name, pods))
}

/// The field by which a budget forbids every eviction of `pods` ready pods.
fn forbids(budget: &Value, pods: i64) -> Option<(&'static str, String)> {
    let amount = |field: &str| {
        let value = budget.pointer(&format!("/spec/{field}"))?;
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        // Percentages are rounded up (intstr.GetScaledValueFromIntOrPercent, as the disruption controller calls it).
        let scaled = match text.strip_suffix('%') {
            Some(percent) => hundredths(pods.checked_mul(percent.parse().ok()?)?),
            None => text.parse().ok()?,
        };
        Some((text, scaled))
    };
    if let Some((text, least)) = amount("minAvailable") {
        return (least >= pods).then(|| ("spec.minAvailable", format!("at least {text}")));
    }
    let (text, most) = amount("maxUnavailable")?;
    (most <= 0).then(|| ("spec.maxUnavailable", format!("at most {text} away")))
}

/// Divides by a hundred, rounded up.
fn hundredths(number: i64) -> i64 {
    number / 100 + i64::from(number % 100 > 0)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{check, forbids};
    use crate::outcome::{Change, ChangeClass, Ref};
    use crate::rules::fixture::Cluster;

    fn change(class: ChangeClass) -> Change {
        Change {
            object: Ref {
                api_version: "policy/v1".to_owned(),
                kind: "PodDisruptionBudget".to_owned(),
                namespace: Some("istio-system".to_owned()),
                name: "istiod".to_owned(),
            },
            component: "Pilot".to_owned(),
            class,
            fields: Vec::new(),
            predicted: None,
        }
    }

    fn cluster(class: ChangeClass, replicas: i64, spec: &Value) -> Cluster {
        let mut cluster = Cluster::new();
        cluster.changes.push(change(class));
        let mut budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": "istiod"}, "spec": {"selector": {"matchLabels": {"app": "istiod"}}}});
        for (key, value) in spec.as_object().unwrap() {
            budget["spec"][key] = value.clone();
        }
        cluster.render("Pilot", budget);
        cluster.rendering.as_mut().unwrap().components[0].objects.push(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "istiod"},
            "spec": {"replicas": replicas, "template": {"metadata": {"labels": {"app": "istiod"}}}},
        }));
        cluster
    }

    #[test]
    fn a_new_budget_that_no_eviction_keeps_to_is_a_warning() {
        let of = |class, replicas, spec: Value| {
            let codes = cluster(class, replicas, &spec).codes(check);
            codes.contains(&"disruption-budget-blocks-drains Warn".to_owned())
        };
        assert!(of(ChangeClass::Create, 2, json!({"minAvailable": 5})));
        assert!(of(ChangeClass::Create, 2, json!({"minAvailable": "100%"})));
        assert!(of(ChangeClass::Create, 2, json!({"maxUnavailable": 0})));
        assert!(!of(ChangeClass::Create, 2, json!({"minAvailable": 1})));
        // It was so before: `disruption-budget-exhausted` tells.
        assert!(!of(ChangeClass::Unchanged, 1, json!({"minAvailable": 1})));
    }

    #[test]
    fn percentages_are_rounded_up() {
        let forbids = |spec: Value| forbids(&json!({"spec": spec}), 3).is_some();
        assert!(forbids(json!({"minAvailable": "67%"})));
        assert!(!forbids(json!({"minAvailable": "66%"})));
        assert!(!forbids(json!({"maxUnavailable": "1%"})));
    }
}
