//! `control-plane-not-ready`: an upgrade should start from a healthy state.

use std::collections::BTreeMap;

use super::Code;
use super::Explanation;
use super::{Situation, enumerate, pod_subject, runs};
use crate::outcome::{Finding, Level};
use crate::snapshot::Pod;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A part of the installation has pods that are not ready, before anything is changed.",
    why: "An upgrade started from a broken state cannot be told apart from one that broke something, and its waits \
          may never end.",
    settle: "Repair it first: look at the pods' events and logs.",
    source: "1.31:operator/pkg/install/wait.go",
    link: Some("https://istio.io/latest/docs/ops/diagnostic-tools/"),
};

pub(crate) fn check(it: &Situation) -> Vec<Finding> {
    let pods: Vec<_> = it
        .snapshot
        .pods
        .values()
        .filter(|pod| runs(pod) && !pod.ready)
        .filter_map(|pod| Some((part(pod)?, pod)))
        .collect();
    if pods.is_empty() {
        return Vec::new();
    }
    let mut counts = BTreeMap::<&str, usize>::new();
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
    vec![
        finding
            .about(pods.iter().map(|(_, pod)| pod_subject(pod)))
            .fix("Look at the pods' events and logs first"),
    ]
}

/// The part of the installation that a pod is of; gateways by their operator label.
fn part(pod: &Pod) -> Option<&str> {
    let label = |key: &str| pod.labels.get(key).map(String::as_str);
    match (
        label("app"),
        label("k8s-app"),
        label("operator.istio.io/component"),
    ) {
        (Some("istiod"), ..) => Some("istiod"),
        (Some("ztunnel"), ..) => Some("ztunnel"),
        (_, Some("istio-cni-node"), _) => Some("istio-cni-node"),
        (_, _, Some("IngressGateways" | "EgressGateways")) => label("app"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::rules::fixture::Cluster;

    #[test]
    fn an_istiod_that_is_not_ready_is_worth_a_warning() {
        let mut cluster = Cluster::new();
        cluster.pod("istio-system", "istiod-1", &[]).ready = false;
        let findings = cluster.check(check);
        assert_eq!(findings[0].code, "control-plane-not-ready");
        assert!(findings[0].detail.starts_with("Not ready: 1 of istiod."));
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
