//! Workloads and autoscalers (kubernetes@v1.36.3:pkg/apis/{apps,batch}/v1/defaults.go, autoscaling/v2/defaults.go).

use serde_json::{Value, json};

use super::{at, each, fallback, pod, text_at};

pub(super) fn complete(kind: &str, object: &mut Value) {
    let labels = object.pointer("/spec/template/metadata/labels").cloned();
    let labels = labels.filter(|_| kind == "Job");
    if let (Some(labels), Some(metadata)) = (labels, at(object, &["metadata"])) {
        fallback(metadata, "labels", labels);
    }
    let Some(spec) = at(object, &["spec"]) else {
        return;
    };
    match kind {
        "Deployment" => deployment(spec),
        "DaemonSet" => daemon_set(spec),
        "StatefulSet" => stateful_set(spec),
        "ReplicaSet" => {
            fallback(spec, "replicas", 1);
            template(spec);
        }
        "Job" => job(spec),
        "CronJob" => cron_job(spec),
        "HorizontalPodAutoscaler" => autoscaler(spec),
        _ => {}
    }
}

fn template(spec: &mut Value) {
    if let Some(pod) = at(spec, &["template", "spec"]) {
        pod::spec(pod);
    }
}

fn deployment(spec: &mut Value) {
    fallback(spec, "replicas", 1);
    fallback(spec, "strategy", json!({}));
    rolling(
        spec,
        "strategy",
        &json!({"maxUnavailable": "25%", "maxSurge": "25%"}),
    );
    fallback(spec, "revisionHistoryLimit", 10);
    fallback(spec, "progressDeadlineSeconds", 600);
    template(spec);
}

fn daemon_set(spec: &mut Value) {
    fallback(spec, "updateStrategy", json!({}));
    rolling(
        spec,
        "updateStrategy",
        &json!({"maxUnavailable": 1, "maxSurge": 0}),
    );
    fallback(spec, "revisionHistoryLimit", 10);
    template(spec);
}

fn rolling(spec: &mut Value, field: &str, defaults: &Value) {
    let Some(strategy) = at(spec, &[field]) else {
        return;
    };
    fallback(strategy, "type", "RollingUpdate");
    if text_at(strategy, "/type") != "RollingUpdate" {
        return;
    }
    fallback(strategy, "rollingUpdate", json!({}));
    for (name, default) in defaults.as_object().into_iter().flatten() {
        fallback(&mut strategy["rollingUpdate"], name, default.clone());
    }
}

fn stateful_set(spec: &mut Value) {
    fallback(spec, "podManagementPolicy", "OrderedReady");
    fallback(spec, "updateStrategy", json!({}));
    if let Some(strategy) = at(spec, &["updateStrategy"]) {
        if strategy.get("type").is_none() {
            fallback(strategy, "rollingUpdate", json!({}));
        }
        fallback(strategy, "type", "RollingUpdate");
        let is_rolling = text_at(strategy, "/type") == "RollingUpdate";
        if let Some(rolling) = at(strategy, &["rollingUpdate"]).filter(|_| is_rolling) {
            fallback(rolling, "partition", 0);
        }
    }
    fallback(spec, "persistentVolumeClaimRetentionPolicy", json!({}));
    if let Some(policy) = at(spec, &["persistentVolumeClaimRetentionPolicy"]) {
        fallback(policy, "whenDeleted", "Retain");
        fallback(policy, "whenScaled", "Retain");
    }
    fallback(spec, "replicas", 1);
    fallback(spec, "revisionHistoryLimit", 10);
    for claim in each(spec, "volumeClaimTemplates") {
        fallback(claim, "apiVersion", "v1");
        fallback(claim, "kind", "PersistentVolumeClaim");
        fallback(claim, "status", json!({}));
        fallback(&mut claim["status"], "phase", "Pending");
        if let Some(claim) = at(claim, &["spec"]) {
            fallback(claim, "volumeMode", "Filesystem");
        }
    }
    template(spec);
}

fn job(spec: &mut Value) {
    if spec.get("parallelism").is_none() {
        fallback(spec, "completions", 1);
    }
    fallback(spec, "parallelism", 1);
    let limit = if spec.get("backoffLimitPerIndex").is_some() {
        i32::MAX
    } else {
        6
    };
    fallback(spec, "backoffLimit", limit);
    fallback(spec, "completionMode", "NonIndexed");
    fallback(spec, "suspend", false);
    let failed = spec.get("podFailurePolicy").is_some();
    let policy = if failed {
        "Failed"
    } else {
        "TerminatingOrFailed"
    };
    fallback(spec, "podReplacementPolicy", policy);
    fallback(spec, "manualSelector", false);
    template(spec);
}

fn cron_job(spec: &mut Value) {
    fallback(spec, "concurrencyPolicy", "Allow");
    fallback(spec, "suspend", false);
    fallback(spec, "successfulJobsHistoryLimit", 3);
    fallback(spec, "failedJobsHistoryLimit", 1);
    if let Some(job) = at(spec, &["jobTemplate", "spec"]) {
        template(job);
    }
}

fn autoscaler(spec: &mut Value) {
    fallback(spec, "minReplicas", 1);
    if spec.get("targetCPUUtilizationPercentage").is_none() {
        let cpu =
            json!({"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}});
        fallback(
            spec,
            "metrics",
            json!([{"type": "Resource", "resource": cpu}]),
        );
    }
    let Some(behavior) = at(spec, &["behavior"]) else {
        return;
    };
    let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
    let pods = json!({"type": "Pods", "value": 4, "periodSeconds": 15});
    for (direction, policies) in [
        ("scaleUp", json!([pods, percent])),
        ("scaleDown", json!([percent])),
    ] {
        fallback(behavior, direction, json!({}));
        let Some(rules) = at(behavior, &[direction]) else {
            continue;
        };
        if direction == "scaleUp" {
            fallback(rules, "stabilizationWindowSeconds", 0);
        }
        fallback(rules, "selectPolicy", "Max");
        fallback(rules, "policies", policies);
    }
}
