//! `control-plane-not-ready`: an upgrade should start from a healthy state.

use istio_catalog::ComponentName;
use sorted::SortedMap;

use serde_json::Value;

use super::Code;
use super::Explanation;
use super::{Situation, count, enumerate, pod_subject, runs, text};
use crate::inventory::is_istiod;
use crate::outcome::{Finding, Level, Subject};
use crate::snapshot::{Pod, Room};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A part of the installation has pods that are not ready, that were ended for memory or come near their limit, \
              or that start again and again, before anything is changed.",
    why: "An upgrade started from a broken state cannot be told apart from one that broke something, and its waits \
          may never end.",
    settle: "Repair it first: look at the pods' events and logs.",
    source: "1.31:operator/pkg/install/wait.go",
    link: Some("https://istio.io/latest/docs/ops/diagnostic-tools/"),
};

/// Fewer restarts than this happen to healthy pods: a node that went away, an update of the node.
const MANY_RESTARTS: u32 = 5;

/// A container that uses this part of its limit is near it, in percent.
const NEAR: i64 = 85;

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let pods: Vec<_> = situation
        .snapshot
        .pods
        .values()
        .filter(|pod| runs(pod))
        .filter_map(|pod| Some((part(pod)?, pod)))
        .collect();
    [
        not_ready(&pods),
        short_of_memory(situation, &pods),
        restarted(&pods),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn not_ready(pods: &[(&str, &Pod)]) -> Option<Finding> {
    let pods: Vec<_> = pods.iter().filter(|(_, pod)| !pod.ready).collect();
    if pods.is_empty() {
        return None;
    }
    let mut counts = SortedMap::<&str, usize>::new();
    for (part, _) in &pods {
        *counts.entry(part).or_default() += 1;
    }
    let parts: Vec<_> = counts
        .iter()
        .map(|(part, pods)| format!("{pods} of {part}"))
        .collect();
    let finding = Finding::new(
        Code::ControlPlaneNotReady,
        Level::Warn,
        format!(
            "{} not ready before the upgrade",
            if pods.len() == 1 {
                "A pod is"
            } else {
                "Pods are"
            }
        ),
        format!(
            "Not ready: {}. What is broken before cannot be told from what the upgrade breaks",
            enumerate(&parts)
        ),
    );
    Some(
        finding
            .about(pods.iter().map(|(_, pod)| pod_subject(pod)))
            .fix("Look at the pods' events and logs first"),
    )
}

/// Pods that were ended for memory, or that use most of what they may.
fn short_of_memory(situation: &Situation, pods: &[(&str, &Pod)]) -> Option<Finding> {
    let mut words = Vec::new();
    let mut subjects = Vec::new();
    for (part, pod) in pods {
        let limit = limit(situation, pod);
        let of_limit = limit
            .as_ref()
            .map_or_else(String::new, |(text, _)| format!(", its limit is {text}"));
        if !pod.killed_for_memory.is_empty() {
            words.push(format!(
                "{} of {part} was ended for memory (OOMKilled), started again {}{of_limit}",
                pod.name,
                count_times(pod.container_restarts)
            ));
            subjects.push(
                pod_subject(pod)
                    .field("status.containerStatuses.lastState.terminated.reason")
                    .value("OOMKilled"),
            );
        } else if let Some((_, limit)) = limit
            && let Some((used, subject)) = used(situation, pod)
            && limit > 0
            && used.saturating_mul(100) / limit >= NEAR
        {
            words.push(format!(
                "{} of {part} uses {} percent of its memory limit",
                pod.name,
                used.saturating_mul(100) / limit
            ));
            subjects.push(subject);
        }
    }
    let finding = Finding::new(
        Code::ControlPlaneNotReady,
        Level::Warn,
        "Memory is short before the upgrade",
        format!(
            "{}. An istiod that starts builds its whole state at once, and all proxies connect to it: it needs more memory \
             then than in the hours after",
            enumerate(&words)
        ),
    );
    (!subjects.is_empty()).then(|| {
        finding.about(subjects).fix(
            "Raise the memory limit in the request first, for istiod by `components.pilot.k8s.resources.limits.memory`, or \
             leave the limit out",
        )
    })
}

/// Pods that start again and again, for another reason than memory.
fn restarted(pods: &[(&str, &Pod)]) -> Option<Finding> {
    let pods: Vec<_> = pods
        .iter()
        .filter(|(_, pod)| {
            pod.ready && pod.killed_for_memory.is_empty() && pod.container_restarts >= MANY_RESTARTS
        })
        .collect();
    let words: Vec<_> = pods
        .iter()
        .map(|(part, pod)| {
            format!(
                "{} of {part} {}",
                pod.name,
                count_times(pod.container_restarts)
            )
        })
        .collect();
    let finding = Finding::new(
        Code::ControlPlaneNotReady,
        Level::Warn,
        "Pods have been started again many times before the upgrade",
        format!(
            "Started again: {}. They are ready now; what ends them may end the new ones, too",
            enumerate(&words)
        ),
    );
    (!pods.is_empty()).then(|| {
        finding
            .about(pods.iter().map(|(_, pod)| pod_subject(pod)))
            .fix("Look at the logs of the runs before with `kubectl logs --previous`, and at the pods' events")
    })
}

fn count_times(times: u32) -> String {
    count(usize::try_from(times).unwrap_or(usize::MAX), "time")
}

/// The memory limit of a pod's first container, as it stands in the workload, and in bytes.
fn limit(situation: &Situation, pod: &Pod) -> Option<(String, i64)> {
    let controller = crate::inventory::controller(situation.snapshot, pod).object;
    let template = &situation.snapshot.objects.get(&controller)?.value;
    let limits = template.pointer("/spec/template/spec/containers/0/resources/limits")?;
    let written = match limits.get("memory")? {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some((written, Room::of_quantities(limits).memory))
}

/// What a pod's first container used when the export was made, where the metrics are in it.
fn used(situation: &Situation, pod: &Pod) -> Option<(i64, Subject)> {
    let (object, kept) =
        situation
            .objects("metrics.k8s.io", "PodMetrics")
            .find(|(object, _)| {
                object.name == pod.name
                    && object.namespace.as_deref() == Some(pod.namespace.as_str())
            })?;
    let usage = kept.value.pointer("/containers/0/usage")?;
    let subject = Subject::kept(object, kept)
        .field("containers[0].usage.memory")
        .value(text(usage, "/memory")?);
    Some((Room::of_quantities(usage).memory, subject))
}

/// The part of the installation that a pod is of; gateways by their operator label.
fn part(pod: &Pod) -> Option<&str> {
    let label = |key: &str| pod.labels.get(key).map(String::as_str);
    let component = label("operator.istio.io/component").and_then(ComponentName::parse);
    match (label("app"), label("k8s-app"), component) {
        _ if is_istiod(label) => Some("istiod"),
        (Some("ztunnel"), ..) => Some("ztunnel"),
        (_, Some("istio-cni-node"), _) => Some("istio-cni-node"),
        (_, _, Some(it)) if it.is_list() => label("app"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Code, check};
    use crate::rules::fixture::Cluster;
    use crate::snapshot::Owner;

    #[test]
    fn an_istiod_that_is_not_ready_is_worth_a_warning() {
        let mut cluster = Cluster::new();
        cluster.pod("istio-system", "istiod-1", &[]).ready = false;
        let findings = cluster.check(check);
        assert_eq!(findings[0].code, Code::ControlPlaneNotReady);
        assert!(findings[0].detail.starts_with("Not ready: 1 of istiod."));
    }

    #[test]
    fn an_istiod_that_was_ended_for_memory_is_named_with_its_limit() {
        let mut cluster = Cluster::new();
        let pod = cluster.snapshot.pods.values_mut().next().unwrap();
        pod.killed_for_memory = vec!["discovery".to_owned()];
        pod.container_restarts = 37;
        pod.owner = Some(Owner {
            api_version: "apps/v1".to_owned(),
            kind: "ReplicaSet".to_owned(),
            name: "istiod-7f".to_owned(),
        });
        pod.labels
            .insert("pod-template-hash".to_owned(), "7f".to_owned());
        cluster.object(
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {
            "namespace": "istio-system", "name": "istiod"}, "spec": {"template": {"spec": {"containers": [
                {"name": "discovery", "resources": {"limits": {"memory": "512Mi"}}}]}}}}),
        );
        let findings = cluster.check(check);
        assert_eq!(findings.len(), 1);
        assert!(
            findings[0]
                .detail
                .contains("OOMKilled), started again 37 times, its limit is 512Mi"),
            "{}",
            findings[0].detail
        );
    }

    #[test]
    fn a_limit_that_is_near_is_told_where_metrics_are_exported() {
        let near = |used: &str| {
            let mut cluster = Cluster::new();
            let pod = cluster.snapshot.pods.values_mut().next().unwrap();
            pod.owner = Some(Owner {
                api_version: "apps/v1".to_owned(),
                kind: "Deployment".to_owned(),
                name: "istiod".to_owned(),
            });
            cluster.object(
                json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {
                "namespace": "istio-system", "name": "istiod"}, "spec": {"template": {"spec": {"containers": [
                    {"name": "discovery", "resources": {"limits": {"memory": "1Gi"}}}]}}}}),
            );
            cluster.object(
                json!({"apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics", "metadata": {
                "namespace": "istio-system", "name": "istiod-1"}, "containers": [
                    {"name": "discovery", "usage": {"memory": used}}]}),
            );
            cluster.check(check).len()
        };
        assert_eq!(near("950Mi"), 1);
        assert_eq!(near("300Mi"), 0);
    }

    #[test]
    fn many_restarts_are_told_and_a_few_are_not() {
        let restarted = |times| {
            let mut cluster = Cluster::new();
            let pod = cluster.snapshot.pods.values_mut().next().unwrap();
            pod.container_restarts = times;
            cluster.codes(check)
        };
        assert_eq!(restarted(5), ["control-plane-not-ready Warn"]);
        assert!(restarted(2).is_empty());
    }

    #[test]
    fn pods_of_applications_and_ended_pods_do_not_count() {
        let mut cluster = Cluster::new();
        cluster.pod("shop", "catalog", &[("app", "catalog")]).ready = false;
        let ended = cluster.pod("istio-system", "istiod-0", &[("app", "istiod")]);
        (ended.ready, ended.phase) = (false, "Failed".to_owned());
        assert!(cluster.check(check).is_empty());
    }
}
