//! A fleet as `ManifestWorks` of Open Cluster Management: each cluster performs its plan by itself, with a Job of its own.

use istio_planner::plan::Plan;
use serde_json::{Value, json};

use super::jobs::{FLEET, Member, TARGET, Way};
use crate::job::{self, Runner};
use crate::rbac::{self, Purpose};

/// What the hub takes of manifests in one `ManifestWork`
/// (open-cluster-management.io/ocm:pkg/work/webhook/common/manifest_validator.go).
const LIMIT: usize = 500 * 1024;

/// Why there is no `ManifestWork`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no Job.
    #[error(transparent)]
    Job(#[from] job::Error),
    /// The hub has no room for it.
    #[error("the plan of {cluster} is too large for a ManifestWork ({size} bytes, {LIMIT} fit)")]
    TooLarge {
        /// Whose.
        cluster: String,
        /// With all that goes with it.
        size: usize,
    },
}

/// Returns the `ManifestWork` of a cluster: the Job with its plan, its account and its rights. It stands in the namespace
/// that the hub has for the cluster, and has the number of its wave as a label.
pub fn work(way: &Way<'_>, wave: usize, member: &Member, plan: &Plan) -> Result<Value, Error> {
    let runner = Runner {
        namespace: &plan.namespace,
        ..way.runner
    };
    let objects = job::applying(&runner, plan, way.arguments)?;
    let leases = rbac::leases_of(plan);
    let purpose = Purpose::Performing(&leases);
    let name = objects
        .last()
        .map(|it| it["metadata"]["name"].clone())
        .unwrap_or_default();
    let mut manifests = vec![
        rbac::service_account(runner.namespace, runner.service_account),
        rbac::role(purpose),
        rbac::binding(purpose, runner.namespace, runner.service_account),
    ];
    manifests.extend(objects);
    let size = json!(manifests).to_string().len();
    if size > LIMIT {
        return Err(Error::TooLarge {
            cluster: member.cluster.clone(),
            size,
        });
    }
    let mut labels = job::labels();
    labels[FLEET] = json!(way.id);
    labels["refit/wave"] = json!(wave.to_string());
    Ok(json!({
        "apiVersion": "work.open-cluster-management.io/v1",
        "kind": "ManifestWork",
        "metadata": {
            "name": format!("refit-fleet-{}", way.id),
            "namespace": member.slug,
            "labels": labels,
            "annotations": { (TARGET): way.target },
        },
        "spec": {
            "workload": { "manifests": manifests },
            "manifestConfigs": [{
                "resourceIdentifier": {
                    "group": "batch",
                    "resource": "jobs",
                    "namespace": runner.namespace,
                    "name": name,
                },
                "feedbackRules": [{
                    "type": "JSONPaths",
                    "jsonPaths": [
                        { "name": "succeeded", "path": ".status.succeeded" },
                        { "name": "failed", "path": ".status.failed" },
                    ],
                }],
            }],
        },
    }))
}
