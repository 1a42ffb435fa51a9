//! Renews the pods of a workload: by a rollout, or pod by pod, budgets respected.

use std::time::Duration;

use istio_planner::outcome::{Ref, RestartHow};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::cluster::{self, Cluster, Selection, Write, name};
use crate::journal::copy::MANAGER;

/// How often a budget, or a new pod, is asked for.
const POLL: Duration = Duration::from_secs(1);

/// Why a workload was not renewed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A request failed.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// The workload is no more.
    #[error("{} is gone", name(object))]
    Gone {
        /// The workload.
        object: Ref,
    },
    /// There is no such way for this kind.
    #[error("{} cannot be renewed by {how:?}", name(object))]
    Way {
        /// The workload.
        object: Ref,
        /// The way.
        how: RestartHow,
    },
    /// A budget did not allow it in time, or a new pod did not come up.
    #[error("{}: {reason}", name(object))]
    Late {
        /// The workload.
        object: Ref,
        /// What was waited for.
        reason: String,
    },
    /// The workload stays as it is until somebody resumes it.
    #[error("{} is paused: resume it first (kubectl rollout resume)", name(object))]
    Paused {
        /// The workload.
        object: Ref,
    },
}

/// How a restart goes about it.
pub struct Renewal<'a> {
    /// RFC 3339; pods that are older are renewed. Kept in the journal, so that a second attempt renews nothing twice.
    pub mark: &'a str,
    /// When a pod-by-pod renewal gives up.
    pub deadline: Instant,
    /// Hears what is waited for.
    pub report: &'a (dyn Fn(&str) + Sync),
}

/// Renews a workload's pods. A rollout is only begun here (waiting for it is the step's), pods are renewed one by one.
pub async fn renew(
    cluster: &Cluster,
    object: &Ref,
    how: RestartHow,
    renewal: &Renewal<'_>,
) -> Result<(), Error> {
    match how {
        RestartHow::Rollout => rollout(cluster, object, renewal.mark).await,
        RestartHow::DeletePods | RestartHow::Evict => {
            one_by_one(cluster, object, how, renewal).await
        }
        // istiod does it, or nothing can: nothing to do here.
        RestartHow::Auto | RestartHow::None => Ok(()),
    }
}

/// What `kubectl rollout restart` does; Argo Rollouts have a field of their own.
async fn rollout(cluster: &Cluster, object: &Ref, mark: &str) -> Result<(), Error> {
    let live = cluster.get(object).await?.ok_or_else(|| Error::Gone {
        object: object.clone(),
    })?;
    if object.kind == "Deployment" && live["spec"]["paused"] == true {
        return Err(Error::Paused {
            object: object.clone(),
        });
    }
    let patch = match object.kind.as_str() {
        "Deployment" | "StatefulSet" | "DaemonSet" => json!({
            "spec": { "template": { "metadata": { "annotations": { "kubectl.kubernetes.io/restartedAt": mark } } } }
        }),
        "Rollout" => json!({ "spec": { "restartAt": mark } }),
        _ => {
            return Err(Error::Way {
                object: object.clone(),
                how: RestartHow::Rollout,
            });
        }
    };
    let write = Write::Merge {
        patch: &patch,
        manager: MANAGER,
    };
    cluster.write(object, &write, false).await?;
    Ok(())
}

/// Deletes or evicts each old pod, and goes on when as many are ready as were before.
async fn one_by_one(
    cluster: &Cluster,
    object: &Ref,
    how: RestartHow,
    renewal: &Renewal<'_>,
) -> Result<(), Error> {
    let live = cluster.get(object).await?.ok_or_else(|| Error::Gone {
        object: object.clone(),
    })?;
    let pods = pods_of(cluster, object, &live).await?;
    let ready = pods.iter().filter(|it| is_ready(it)).count();
    let mut old: Vec<&Value> = pods
        .iter()
        .filter(|it| is_older(it, renewal.mark))
        .collect();
    // A StatefulSet replaces its pods from the highest number down.
    old.sort_by_key(|it| std::cmp::Reverse(ordinal(it)));
    for pod in old {
        let (namespace, pod_name) = (
            text(&pod["metadata"]["namespace"]),
            text(&pod["metadata"]["name"]),
        );
        let pod_ref = Ref {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            namespace: Some(namespace.to_owned()),
            name: pod_name.to_owned(),
        };
        let uid = pod["metadata"]["uid"].as_str();
        match how {
            RestartHow::Evict => {
                while !cluster.evict(namespace, pod_name).await? {
                    wait(
                        object,
                        renewal,
                        &format!("no disruption budget allows to evict pod {pod_name} yet"),
                    )
                    .await?;
                }
            }
            RestartHow::DeletePods | RestartHow::Rollout | RestartHow::Auto | RestartHow::None => {
                cluster.delete(&pod_ref, uid).await?;
            }
        }
        loop {
            let now = pods_of(cluster, object, &live).await?;
            let gone = now.iter().all(|it| it["metadata"]["uid"].as_str() != uid);
            let ready_now = now.iter().filter(|it| is_ready(it)).count();
            if gone && ready_now >= ready {
                break;
            }
            wait(
                object,
                renewal,
                &format!("{ready_now} of {ready} pods ready after {pod_name} went"),
            )
            .await?;
        }
    }
    Ok(())
}

async fn wait(object: &Ref, renewal: &Renewal<'_>, reason: &str) -> Result<(), Error> {
    if Instant::now() >= renewal.deadline {
        return Err(Error::Late {
            object: object.clone(),
            reason: reason.to_owned(),
        });
    }
    (renewal.report)(reason);
    sleep(POLL).await;
    Ok(())
}

/// Lists the pods that a workload controls, itself or through a ReplicaSet.
pub async fn pods_of(
    cluster: &Cluster,
    object: &Ref,
    live: &Value,
) -> Result<Vec<Value>, cluster::Error> {
    let labels = selector(&live["spec"]["selector"]);
    let kind = cluster.kind("v1", "Pod").await?;
    let selection = Selection {
        namespace: object.namespace.as_deref(),
        labels: Some(&labels)
            .filter(|it| !it.is_empty())
            .map(String::as_str),
        metadata_only: false,
    };
    let mut pods = cluster.list_all(&kind, &selection).await?;
    let uid = live["metadata"]["uid"].as_str();
    let through_replica_sets = matches!(object.kind.as_str(), "Deployment" | "Rollout");
    pods.retain(|pod| {
        let owners = pod["metadata"]["ownerReferences"].as_array();
        let controller = owners
            .into_iter()
            .flatten()
            .find(|it| it["controller"] == true);
        controller.is_some_and(|it| {
            if through_replica_sets {
                it["kind"] == "ReplicaSet"
            } else {
                it["uid"].as_str() == uid
            }
        })
    });
    Ok(pods)
}

/// Writes a label selector as the API's query parameter has it.
pub fn selector(selector: &Value) -> String {
    let labels = selector["matchLabels"].as_object();
    let mut parts: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", text(value)))
        .collect();
    for expression in selector["matchExpressions"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let key = text(&expression["key"]);
        let values: Vec<&str> = expression["values"]
            .as_array()
            .into_iter()
            .flatten()
            .map(text)
            .collect();
        let values = values.join(",");
        parts.push(match text(&expression["operator"]) {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    parts.join(",")
}

/// Returns whether a pod's condition Ready is true, and it is not being deleted.
pub fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    pod["metadata"]["deletionTimestamp"].is_null()
        && conditions
            .into_iter()
            .flatten()
            .any(|it| it["type"] == "Ready" && it["status"] == "True")
}

/// Both are RFC 3339 in UTC with seconds first, so they compare as text up to the second.
fn is_older(pod: &Value, mark: &str) -> bool {
    let seconds = |it: &str| it.get(..19).unwrap_or(it).to_owned();
    seconds(text(&pod["metadata"]["creationTimestamp"])) < seconds(mark)
}

fn ordinal(pod: &Value) -> u64 {
    text(&pod["metadata"]["name"])
        .rsplit('-')
        .next()
        .and_then(|it| it.parse().ok())
        .unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_written_as_the_api_reads_them() {
        let given = json!({
            "matchLabels": { "app": "a" },
            "matchExpressions": [
                { "key": "t", "operator": "In", "values": ["x", "y"] },
                { "key": "u", "operator": "DoesNotExist" },
                { "key": "v", "operator": "Exists" },
            ],
        });
        assert_eq!(selector(&given), "app=a,t in (x,y),!u,v");
    }

    #[test]
    fn pods_made_after_the_mark_are_new() {
        let pod = |at: &str| json!({ "metadata": { "creationTimestamp": at } });
        assert!(is_older(
            &pod("2026-01-01T00:00:00Z"),
            "2026-01-01T00:00:01.5Z"
        ));
        assert!(!is_older(
            &pod("2026-01-01T00:00:01Z"),
            "2026-01-01T00:00:01.5Z"
        ));
    }

    #[test]
    fn a_pod_that_is_going_is_not_ready() {
        let mut pod = json!({ "metadata": {}, "status": { "conditions": [{ "type": "Ready", "status": "True" }] } });
        assert!(is_ready(&pod));
        pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert!(!is_ready(&pod));
    }
}
