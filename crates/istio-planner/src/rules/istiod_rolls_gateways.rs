//! `istiod-rolls-gateways`: the new istiod itself replaces gateways and waypoints.

use serde_json::Value;
use sorted::SortedMap;

use super::Code;
use super::Explanation;
use super::Situation;
use super::links::GATEWAY_API;
use super::troubles::{listed, name};
use crate::dataplane::selector::{Sieve, matches};
use crate::outcome::{Finding, Level, Ref, RestartHow, Subject};
use crate::snapshot::{Snapshot, of_kind};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Gateways and waypoints that istiod makes from Gateway objects are replaced by the new istiod itself.",
    why: "It does so at once and for all of them, in the step that replaces istiod, without waiting for anything between \
          them. An istiod that leads at once may fail to do it, so that they stay old until it is restarted.",
    settle: "Have two replicas and a budget for each; pin a Gateway by the label istio.io/rev to take it out; watch the \
             Deployments after the step, and restart istiod where they stay old.",
    source: "1.31:pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go:133-146,372-455",
    link: GATEWAY_API,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let rolled: Vec<_> = situation
        .restarts
        .iter()
        .filter(|it| it.how == RestartHow::Auto)
        .map(|it| &it.object)
        .collect();
    if rolled.is_empty() {
        return Vec::new();
    }
    let names: Vec<_> = rolled.iter().map(|it| name(it)).collect();
    let subjects = rolled.iter().map(|object| {
        let namespace = object.namespace.clone().unwrap_or_default();
        let key = (object.kind.clone(), namespace, object.name.clone());
        match situation.snapshot.workloads.get(&key) {
            Some(workload) => Subject::exported((*object).clone(), &workload.origin),
            None => Subject::new((*object).clone()),
        }
    });
    let budgets = budgets(situation.snapshot);
    let frail: Vec<_> = rolled
        .iter()
        .filter_map(|object| {
            Some(format!(
                "{} {}",
                name(object),
                frailty(situation.snapshot, &budgets, object)?
            ))
        })
        .collect();
    let (level, losses) = if frail.is_empty() {
        (Level::Info, String::new())
    } else {
        let losses = format!(". Traffic is lost meanwhile: {}", listed(&frail));
        (Level::Warn, losses)
    };
    let finding = Finding::new(
        Code::IstiodRollsGateways,
        level,
        match rolled.len() {
            1 => "The new istiod replaces a gateway or waypoint by itself".to_owned(),
            many => format!("The new istiod replaces {many} gateways and waypoints by itself"),
        },
        format!(
            "{}. It does so for all of them at once as soon as it leads, in the step that replaces istiod. One that leads \
             at once may fail to, and leaves them old until it is restarted{losses}",
            listed(&names)
        ),
    );
    vec![finding.about(subjects).fix(
            "Give each two replicas and a disruption budget; pin a Gateway by the label istio.io/rev to leave it out; \
             watch their Deployments after the step, and restart istiod where they stay old",
        )]
}

/// Selectors of disruption budgets by namespace.
type Budgets<'a> = SortedMap<&'a str, Sieve<&'a Value>>;

fn budgets(snapshot: &Snapshot) -> Budgets<'_> {
    let mut budgets = Budgets::new();
    for (object, kept) in of_kind(snapshot, "PodDisruptionBudget") {
        if let Some(selector) = kept.value.pointer("/spec/selector") {
            let namespace = object.namespace.as_deref().unwrap_or_default();
            let of_namespace = budgets.entry(namespace).or_default();
            of_namespace.add(Some(selector), selector);
        }
    }
    budgets
}

/// Why the replacement of a gateway takes traffic with it, if it does: one pod, whose connections are cut, and no budget
/// that keeps a second one.
fn frailty(snapshot: &Snapshot, budgets: &Budgets, object: &Ref) -> Option<&'static str> {
    let namespace = object.namespace.clone().unwrap_or_default();
    let key = (object.kind.clone(), namespace, object.name.clone());
    let workload = snapshot.workloads.get(&key)?;
    let covered = || {
        let budgets = budgets.get(object.namespace.as_deref().unwrap_or_default());
        let mut candidates = budgets
            .into_iter()
            .flat_map(|it| it.candidates(&workload.template_labels));
        candidates.any(|it| matches(Some(it), &workload.template_labels))
    };
    match workload.replicas {
        0 => None,
        1 => Some("has one replica"),
        _ if covered() => None,
        _ => Some("has no disruption budget"),
    }
}

#[cfg(test)]
mod tests {
    use sorted::SortedMap;

    use super::check;
    use crate::outcome::{Ref, Restart, RestartHow, RestartReason};
    use crate::rules::fixture::Cluster;

    fn cluster(how: RestartHow, replicas: u32) -> Cluster {
        let mut cluster = Cluster::new();
        cluster.deployment("shop", "web-istio", replicas.into(), &[("app", "web")]);
        cluster.restarts.push(Restart {
            object: Ref::new("apps/v1", "Deployment", "shop", "web-istio"),
            pods: replicas,
            proxies: SortedMap::from([("1.29.6".to_owned(), replicas)]),
            to: Some("1.30.3".to_owned()),
            how,
            reason: RestartReason::StaleImage,
        });
        cluster
    }

    #[test]
    fn one_replica_loses_traffic() {
        assert_eq!(
            cluster(RestartHow::Auto, 1).codes(check),
            ["istiod-rolls-gateways Warn"]
        );
    }

    #[test]
    fn what_is_restarted_by_a_rollout_is_not_istiods() {
        assert!(cluster(RestartHow::Rollout, 1).check(check).is_empty());
    }
}
