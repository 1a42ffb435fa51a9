//! `istiod-no-disruption-budget`: one istiod has to survive a drain (istio.io, Upgrade with Istioctl, Prerequisites).
//!
//! Asked of now and of afterwards: what is live and not deleted, and what the target renders.

use istio_catalog::{ComponentName, stated_revision};
use sorted::SortedMap;

use serde_json::Value;

use super::Code;
use super::Explanation;
use super::links::UPGRADE;
use super::{Situation, text};
use crate::dataplane::selector;
use crate::outcome::{ChangeClass, ControlPlane, Finding, Level, Ref, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "No PodDisruptionBudget with a minimum availability of 1 covers istiod, now or after the upgrade.",
    why: "A node drain may take every istiod at once.",
    settle: "The charts render one as soon as two istiod are asked for: `values.pilot.autoscaleMin: 2` (or \
             `replicaCount: 2` without autoscaler), and `values.global.defaultPodDisruptionBudget.enabled` left on.",
    source: "istio.io, Upgrade with Istioctl (Prerequisites); TARGET:charts/istio-control/istio-discovery/templates/poddisruptionbudget.yaml",
    link: UPGRADE,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let Some(plane) = situation.control_plane() else {
        return Vec::new();
    };
    // Deployments were not exported, so budgets were most likely not either.
    let Some(deployment) = situation.istiod_deployment(plane) else {
        return Vec::new();
    };
    let covers = |budget: &Value| {
        budget
            .pointer("/spec/selector")
            .is_some_and(|it| selector::matches(Some(it), &deployment.template_labels))
            && keeps_one(budget, deployment.replicas)
    };
    let live: Vec<_> = situation
        .objects("policy", "PodDisruptionBudget")
        .filter(|(object, kept)| {
            object.namespace.as_deref() == Some(&plane.namespace) && covers(&kept.value)
        })
        .map(|(object, _)| object)
        .collect();
    let after = situation.desired.map(|desired| {
        let pilot = desired
            .rendering
            .components
            .iter()
            .filter(|it| it.name == ComponentName::Pilot)
            .flat_map(|it| &it.objects);
        let rendered = pilot.filter(|it| text(it, "/kind") == Some("PodDisruptionBudget"));
        let labels = istiod_labels(&plane.revision);
        let deleted = |object: &Ref| {
            desired
                .changes
                .iter()
                .any(|it| it.class == ChangeClass::Delete && it.object == *object)
        };
        rendered.clone().any(|it| {
            it.pointer("/spec/selector")
                .is_some_and(|it| selector::matches(Some(it), &labels))
                && keeps_one(it, 2)
        }) || live.iter().any(|it| !deleted(it))
    });
    let when = match (live.is_empty(), after) {
        (true, Some(false)) => "now or after the upgrade",
        (true, _) => "now",
        (false, Some(false)) => "after the upgrade",
        (false, _) => return Vec::new(),
    };
    let finding = Finding::new(
        Code::IstiodNoDisruptionBudget,
        Level::Warn,
        format!("No PodDisruptionBudget covers istiod {when}"),
        "A node drain may take every istiod at once",
    );
    let subject = Ref {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        namespace: Some(plane.namespace.clone()),
        name: deployment.name.clone(),
    };
    let fix = fix(plane);
    vec![finding.about([Subject::new(subject)]).fix(fix)]
}

/// Two istiod are what makes the charts render a budget.
fn fix(plane: &ControlPlane) -> String {
    format!(
        "Ask for two istiod in {} (`values.pilot.autoscaleMin=2`, or `replicaCount=2` where the autoscaler is off): the \
         charts then render a budget",
        plane.namespace
    )
}

/// The labels of the pods that the target renders.
fn istiod_labels(revision: &str) -> SortedMap<String, String> {
    [
        ("app", "istiod"),
        ("istio.io/rev", stated_revision(revision)),
        ("istio", "pilot"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// Whether a budget keeps one pod: `minAvailable` above zero, or `maxUnavailable` below all.
fn keeps_one(budget: &Value, replicas: i64) -> bool {
    let amount = |pointer: &str| match budget.pointer(pointer)? {
        Value::Number(number) => number.as_f64().map(|it| (it, false)),
        Value::String(text) => match text.strip_suffix('%') {
            Some(percent) => percent.parse().ok().map(|it| (it, true)),
            None => text.parse().ok().map(|it| (it, false)),
        },
        _ => None,
    };
    if let Some((minimum, _)) = amount("/spec/minAvailable") {
        return minimum > 0.0;
    }
    match amount("/spec/maxUnavailable") {
        Some((maximum, true)) => maximum < 100.0,
        #[expect(clippy::cast_precision_loss, reason = "replica counts are small")]
        Some((maximum, false)) => maximum < replicas as f64,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::check;
    use crate::rules::fixture::Cluster;

    #[track_caller]
    fn covered(spec: &Value) -> bool {
        let mut cluster = Cluster::new();
        cluster.object(json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": "istiod", "namespace": "istio-system"}, "spec": spec,
        }));
        cluster.check(check).is_empty()
    }

    #[test]
    fn without_a_budget_there_is_a_warning() {
        assert_eq!(
            Cluster::new().codes(check),
            ["istiod-no-disruption-budget Warn"]
        );
    }

    #[test]
    fn a_budget_that_keeps_one_istiod_covers() {
        let selector = json!({"matchLabels": {"app": "istiod"}});
        assert!(covered(&json!({"selector": selector, "minAvailable": 1})));
        assert!(covered(
            &json!({"selector": selector, "minAvailable": "50%"})
        ));
        assert!(covered(&json!({"selector": selector, "maxUnavailable": 1})));
    }

    #[test]
    fn a_budget_that_keeps_none_or_selects_others_does_not_cover() {
        let selector = json!({"matchLabels": {"app": "istiod"}});
        assert!(!covered(&json!({"selector": selector, "minAvailable": 0})));
        assert!(!covered(
            &json!({"selector": selector, "maxUnavailable": "100%"})
        ));
        assert!(!covered(
            &json!({"selector": selector, "maxUnavailable": 2})
        ));
        assert!(!covered(
            &json!({"selector": {"matchLabels": {"app": "other"}}, "minAvailable": 1})
        ));
    }

    #[test]
    fn nothing_is_claimed_where_deployments_were_not_exported() {
        let mut cluster = Cluster::new();
        cluster.snapshot.workloads.clear();
        assert!(cluster.check(check).is_empty());
    }
}
