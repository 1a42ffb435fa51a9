//! `istiod-single-replica`: two istiod before, during and after (istio.io, Upgrade with Istioctl, Prerequisites).
//!
//! Counted are ready pods, and what is asked for: an autoscaler's minimum, else the Deployment's replicas. Live pods
//! alone do not tell: an autoscaler with a minimum of 1 may take the second away at any time.

use istio_catalog::ComponentName;
use serde_json::Value;

use super::Code;
use super::Explanation;
use super::links::UPGRADE;
use super::{Desired, Situation, count, enumerate, text, workload_subject};
use crate::edit::{Edit, Fix};
use crate::outcome::{ControlPlane, Finding, Level, Ref, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Fewer than two istiod run now, or would run after the upgrade.",
    why: "While the only istiod is replaced or its node is drained, no pod can be injected, no configuration is checked \
          and no certificate is renewed.",
    settle: "Ask for two: `values.pilot.autoscaleMin: 2`, or `values.pilot.replicaCount: 2` where the autoscaler is off.",
    source: "istio.io, Upgrade with Istioctl (Prerequisites)",
    link: UPGRADE,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let Some(plane) = situation.control_plane() else {
        return Vec::new();
    };
    let mut subjects = Vec::new();
    let now = now(situation, plane, &mut subjects);
    let after = situation
        .desired
        .as_ref()
        .and_then(|desired| after(desired, plane, &mut subjects));
    let parts: Vec<_> = [now, after].into_iter().flatten().collect();
    if parts.is_empty() {
        return Vec::new();
    }
    let finding = Finding::new(
        Code::IstiodSingleReplica,
        Level::Warn,
        "Fewer than two istiod run during or after the upgrade",
        format!(
            "{}. While the only one is replaced, no pod is injected and no configuration is checked",
            parts.join(". ")
        ),
    );
    let fix = "Ask for two: `--set values.pilot.autoscaleMin=2`, or `--set values.pilot.replicaCount=2` where the autoscaler is off";
    vec![finding.about(subjects).fix(fix).by(asks_for_two(situation))]
}

/// The setting that asks for two: of the autoscaler, where the target renders one (or nothing yet).
fn asks_for_two(it: &Situation) -> [Fix; 1] {
    let scaled = it.desired.as_ref().is_none_or(|desired| {
        let pilot = desired
            .rendering
            .components
            .iter()
            .filter(|it| it.name == ComponentName::Pilot);
        let mut objects = pilot.flat_map(|it| &it.objects);
        objects.any(|it| text(it, "/kind") == Some("HorizontalPodAutoscaler"))
    });
    let name = if scaled {
        "autoscaleMin"
    } else {
        "replicaCount"
    };
    let edit = Edit::Set {
        path: format!("values.pilot.{name}"),
        value: 2.into(),
    };
    [Fix::one(format!("Set `values.pilot.{name}` to 2"), edit)]
}

/// What runs and is asked for now, where it is less than two.
fn now(situation: &Situation, plane: &ControlPlane, subjects: &mut Vec<Subject>) -> Option<String> {
    let mut reasons = Vec::new();
    let ready = situation
        .istiod_pods(plane)
        .iter()
        .filter(|it| it.ready)
        .count();
    if situation.exported("Pod") && ready < 2 {
        let is = if ready == 1 { "is" } else { "are" };
        reasons.push(format!("{} {is} ready", count(ready, "pod")));
    }
    if let Some(deployment) = situation.istiod_deployment(plane) {
        if let Some((minimum, subject)) = autoscaler(situation, plane, &deployment.name) {
            if minimum < 2 {
                reasons.push(format!("the autoscaler's minimum is {minimum}"));
                subjects.push(subject.field("spec.minReplicas").value(minimum));
            }
        } else if deployment.replicas < 2 {
            let replicas = deployment.replicas;
            reasons.push(format!("the Deployment asks for {replicas}"));
            subjects.push(
                workload_subject(deployment)
                    .field("spec.replicas")
                    .value(replicas),
            );
        }
    }
    (!reasons.is_empty()).then(|| format!("Now {}", enumerate(&reasons)))
}

/// The live autoscaler of a Deployment and its minimum.
fn autoscaler(
    situation: &Situation,
    plane: &ControlPlane,
    deployment: &str,
) -> Option<(i64, Subject)> {
    situation
        .objects("autoscaling", "HorizontalPodAutoscaler")
        .filter(|(object, _)| object.namespace.as_deref() == Some(plane.namespace.as_str()))
        .find(|(_, kept)| scales(&kept.value, deployment))
        .map(|(object, kept)| (minimum(&kept.value), Subject::kept(object, kept)))
}

/// Whether an autoscaler is of a Deployment.
fn scales(autoscaler: &Value, deployment: &str) -> bool {
    text(autoscaler, "/spec/scaleTargetRef/kind") == Some("Deployment")
        && text(autoscaler, "/spec/scaleTargetRef/name") == Some(deployment)
}

/// The API's default is 1.
fn minimum(autoscaler: &Value) -> i64 {
    integer(autoscaler.pointer("/spec/minReplicas")).unwrap_or(1)
}

/// What the target asks for, where it is less than two.
fn after(desired: &Desired, plane: &ControlPlane, subjects: &mut Vec<Subject>) -> Option<String> {
    let pilot = desired
        .rendering
        .components
        .iter()
        .find(|it| it.name == ComponentName::Pilot)?;
    let of = |kind: &str| {
        pilot
            .objects
            .iter()
            .filter(move |it| text(it, "/kind") == Some(kind))
            .collect::<Vec<_>>()
    };
    let deployment = of("Deployment").into_iter().next()?;
    let name = text(deployment, "/metadata/name")?;
    if let Some(autoscaler) = of("HorizontalPodAutoscaler")
        .into_iter()
        .find(|it| scales(it, name))
    {
        let minimum = minimum(autoscaler);
        if minimum >= 2 {
            return None;
        }
        subjects.push(rendered(autoscaler, plane)?);
        return Some(format!(
            "After the upgrade the autoscaler's minimum is {minimum}"
        ));
    }
    // A Deployment without replicas keeps those that it has: `now` has counted them.
    let replicas = integer(deployment.pointer("/spec/replicas")).filter(|it| *it < 2)?;
    subjects.push(rendered(deployment, plane)?);
    Some(format!(
        "After the upgrade the Deployment asks for {replicas}"
    ))
}

/// Reads a number; what a chart renders may be a float.
fn integer(value: Option<&Value>) -> Option<i64> {
    let value = value?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "replica counts; the cast saturates"
    )]
    value
        .as_i64()
        .or_else(|| value.as_f64().map(|it| it as i64))
}

/// Names a rendered object.
fn rendered(value: &Value, plane: &ControlPlane) -> Option<Subject> {
    let namespace = text(value, "/metadata/namespace").unwrap_or(&plane.namespace);
    Some(Subject::new(Ref {
        api_version: text(value, "/apiVersion")?.to_owned(),
        kind: text(value, "/kind")?.to_owned(),
        namespace: Some(namespace.to_owned()),
        name: text(value, "/metadata/name")?.to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;
    use crate::rules::fixture::Cluster;

    fn autoscaler(cluster: &mut Cluster, minimum: u32) {
        cluster.object(json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "istiod", "namespace": "istio-system"},
            "spec": {"minReplicas": minimum, "scaleTargetRef": {"kind": "Deployment", "name": "istiod"}},
        }));
    }

    #[test]
    fn two_ready_pods_and_two_replicas_are_enough() {
        assert!(Cluster::new().check(check).is_empty());
    }

    #[test]
    fn a_minimum_of_one_is_not_enough_though_two_run() {
        let mut cluster = Cluster::new();
        autoscaler(&mut cluster, 1);
        assert_eq!(cluster.codes(check), ["istiod-single-replica Warn"]);
        assert!(
            cluster.check(check)[0]
                .detail
                .starts_with("Now the autoscaler's minimum is 1.")
        );
    }

    #[test]
    fn an_autoscaler_counts_more_than_the_replicas_of_the_deployment() {
        let mut cluster = Cluster::new();
        autoscaler(&mut cluster, 2);
        cluster.deployment(
            "istio-system",
            "istiod",
            1,
            &[("app", "istiod"), ("istio.io/rev", "default")],
        );
        assert!(cluster.check(check).is_empty());
    }

    #[test]
    fn one_ready_pod_is_not_enough() {
        let mut cluster = Cluster::new();
        cluster.pod("istio-system", "istiod-2", &[]).ready = false;
        assert!(
            cluster.check(check)[0]
                .detail
                .starts_with("Now 1 pod is ready.")
        );
    }
}
