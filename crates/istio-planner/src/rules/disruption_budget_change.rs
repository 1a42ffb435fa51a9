//! `disruption-budget-change`: budgets that the apply brings or takes away (policy/v1 `PodDisruptionBudget`; domain §8.2).

use super::Code;
use super::Explanation;
use super::budgets::{KIND, changes_something};
use super::links::BUDGETS;
use super::{Situation, enumerate};
use crate::outcome::{Change, ChangeClass, Finding, Level, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The apply makes, changes or deletes a PodDisruptionBudget.",
    why: "A budget that appears makes drains wait; where one goes, a drain may take every pod at once.",
    settle: "Keep the setting that renders the budget, or make one of your own before the upgrade.",
    source: "TARGET:charts/istio-control/istio-discovery/templates/poddisruptionbudget.yaml",
    link: BUDGETS,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let Some(desired) = situation.desired else {
        return Vec::new();
    };
    let budgets = desired.changes.iter().filter(|it| it.object.kind == KIND);
    let (gone, new): (Vec<_>, Vec<_>) = budgets
        .filter(|it| changes_something(it))
        .partition(|it| it.class == ChangeClass::Delete);
    let mut findings = Vec::new();
    findings.extend(said(situation, &gone, Level::Warn, "A disruption budget is deleted", "Without it a node drain may take every pod that it covered at once", "Keep the setting that renders it (two replicas, `values.global.defaultPodDisruptionBudget.enabled`), or make a budget of your own"));
    findings.extend(said(situation, &new, Level::Info, "A disruption budget is made or changed", "From then on evictions, and node drains with them, keep to it", "Nothing, if the pods are as many as it wants; else set `k8s.podDisruptionBudget` of the component"));
    findings
}

fn said(
    situation: &Situation,
    changes: &[&Change],
    level: Level,
    title: &str,
    why: &str,
    fix: &str,
) -> Option<Finding> {
    let names: Vec<_> = changes.iter().map(|it| it.object.name.clone()).collect();
    let finding = Finding::new(
        Code::DisruptionBudgetChange,
        level,
        title,
        format!("{}. {why}", enumerate(&names)),
    );
    let subjects =
        changes.iter().map(
            |change| match situation.snapshot.objects.get(&change.object) {
                Some(kept) => Subject::kept(&change.object, kept),
                None => Subject::new(change.object.clone()),
            },
        );
    (!changes.is_empty()).then(|| finding.about(subjects).fix(fix))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::check;
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
    fn budgets_that_come_are_told_and_those_that_go_are_a_warning() {
        let of = |class| cluster(class, 2, &json!({"minAvailable": 1})).codes(check);
        assert_eq!(of(ChangeClass::Create), ["disruption-budget-change Info"]);
        assert_eq!(of(ChangeClass::Delete), ["disruption-budget-change Warn"]);
        assert!(of(ChangeClass::Unchanged).is_empty());
    }
}
