//! `disruption-budget-exhausted`: evictions are refused now (domain §8.2).

use super::Code;
use super::Explanation;
use super::links::BUDGETS;
use super::{Situation, enumerate, runs};
use crate::dataplane::selector;
use crate::inventory::Labelled;
use crate::outcome::{Finding, Level, Subject};
use crate::snapshot::Pod;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A PodDisruptionBudget over the control plane, a gateway or a workload to restart allows no disruption now.",
    why: "Evictions of its pods are refused: node drains hang, and so does a restart by eviction. A rollout does not ask.",
    settle: "Add a replica, or lower `minAvailable`, before the upgrade.",
    source: "policy/v1 PodDisruptionBudget, status.disruptionsAllowed",
    link: BUDGETS,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let mut names = Vec::new();
    let mut subjects = Vec::new();
    let touched = Labelled::new(situation.snapshot, |it| runs(it) && is_touched(it));
    for (object, kept) in situation.objects("policy", "PodDisruptionBudget") {
        let status = |field: &str| {
            kept.value
                .pointer("/status")
                .and_then(|it| it.get(field)?.as_i64())
        };
        // A budget over no pods allows none either, and stops nobody.
        if status("disruptionsAllowed") != Some(0)
            || status("expectedPods").is_none_or(|it| it == 0)
        {
            continue;
        }
        let Some(labels) = kept.value.pointer("/spec/selector") else {
            continue;
        };
        let namespace = object.namespace.as_deref().unwrap_or_default();
        let mut candidates = touched.candidates(namespace, labels).iter();
        let concerned = candidates.any(|it| selector::matches(Some(labels), &it.labels));
        if concerned {
            names.push(format!(
                "{}/{}",
                object.namespace.as_deref().unwrap_or_default(),
                object.name
            ));
            subjects.push(
                Subject::kept(object, kept)
                    .field("status.disruptionsAllowed")
                    .value(0),
            );
        }
    }
    if names.is_empty() {
        return Vec::new();
    }
    let finding = Finding::new(
        Code::DisruptionBudgetExhausted,
        Level::Warn,
        format!(
            "{} no disruption now",
            if names.len() == 1 {
                "A disruption budget allows"
            } else {
                "Disruption budgets allow"
            }
        ),
        format!(
            "{}: node drains hang on their pods, and so does a restart by eviction",
            enumerate(&names)
        ),
    );
    vec![
        finding
            .about(subjects)
            .fix("Add a replica, or lower `minAvailable`, before the upgrade"),
    ]
}

/// Whether the operation, or what follows it, restarts a pod: it is a part of the installation or has a proxy.
fn is_touched(pod: &Pod) -> bool {
    let label = |key: &str| pod.labels.get(key).map(String::as_str);
    matches!(label("app"), Some("istiod" | "ztunnel"))
        || label("k8s-app") == Some("istio-cni-node")
        || label("operator.istio.io/component").is_some()
        || pod.containers.iter().any(|it| it.name == "istio-proxy")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Code, check};
    use crate::rules::fixture::Cluster;

    fn cluster(app: &str, allowed: i64, expected: i64) -> Cluster {
        let mut cluster = Cluster::new();
        cluster.pod("istio-system", "other", &[("app", "other")]);
        cluster.object(json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": app, "namespace": "istio-system"},
            "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": app}}},
            "status": {"disruptionsAllowed": allowed, "expectedPods": expected},
        }));
        cluster
    }

    #[test]
    fn a_budget_over_istiod_without_room_is_worth_a_warning() {
        let findings = cluster("istiod", 0, 1).check(check);
        assert_eq!(findings[0].code, Code::DisruptionBudgetExhausted);
        assert_eq!(findings[0].subjects[0].value, Some(json!(0)));
    }

    #[test]
    fn a_budget_with_room_over_no_pods_or_over_others_is_not() {
        assert!(cluster("istiod", 1, 2).check(check).is_empty());
        assert!(cluster("istiod", 0, 0).check(check).is_empty());
        assert!(cluster("other", 0, 1).check(check).is_empty());
    }
}
