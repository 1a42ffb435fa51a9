//! Restarts the pods of a workload: by a rollout, or pod by pod, budgets respected.

use std::time::Duration;

use istio_planner::outcome::{Ref, RestartHow};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::cluster::{self, Changes, Cluster, Selection, Write, Writer, name};
use crate::journal::copy::MANAGER;

/// How often a budget is asked again that forbade an eviction; nothing tells when it changes its mind.
const BUDGET: Duration = Duration::from_secs(2);

/// Why a workload was not restarted.
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
    #[error("{} cannot be restarted by {how:?}", name(object))]
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
    /// RFC 3339: the time that marks the new pods. Kept in the journal, so that a second attempt restarts nothing twice.
    pub mark: &'a str,
    /// The uids of the pods that are to go, for the same reason.
    pub pods: &'a [String],
    /// How long one pod may take where they are restarted pod by pod.
    pub patience: Duration,
    /// When everything gives up.
    pub deadline: Option<Instant>,
    /// Pods that are restarted at the same time where that is done pod by pod.
    pub at_once: usize,
    /// Hears what is waited for.
    pub report: &'a (dyn Fn(&str) + Sync),
}

/// Restarts a workload's pods. A rollout is only begun here (waiting for it is the step's), pods are restarted one by one.
pub async fn renew(
    writer: &Writer,
    object: &Ref,
    how: RestartHow,
    renewal: &Renewal<'_>,
) -> Result<(), Error> {
    match how {
        RestartHow::Rollout => rollout(writer, object, renewal.mark).await,
        RestartHow::DeletePods | RestartHow::Evict => {
            one_by_one(writer, object, how, renewal).await
        }
        // istiod does it, or nothing can: nothing to do here.
        RestartHow::Auto | RestartHow::None => Ok(()),
    }
}

/// What `kubectl rollout restart` does; Argo Rollouts have a field of their own.
async fn rollout(writer: &Writer, object: &Ref, mark: &str) -> Result<(), Error> {
    let live = writer.get(object).await?.ok_or_else(|| Error::Gone {
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
    writer.write(object, &write).await?;
    Ok(())
}

/// Deletes or evicts the old pods, so many at once, and goes on when as many are ready as were before.
async fn one_by_one(
    writer: &Writer,
    object: &Ref,
    how: RestartHow,
    renewal: &Renewal<'_>,
) -> Result<(), Error> {
    let live = writer.get(object).await?.ok_or_else(|| Error::Gone {
        object: object.clone(),
    })?;
    let mut changes = Changes::default();
    let labels = selector(&live["spec"]["selector"]);
    changes
        .labelled(writer, ("v1", "Pod"), object.namespace.as_deref(), &labels)
        .await?;
    let pods = pods_of(writer, object, &live).await?;
    let ready = pods.iter().filter(|it| is_ready(it)).count();
    let mut old: Vec<&Value> = pods
        .iter()
        .filter(|it| {
            let uid = text(&it["metadata"]["uid"]);
            renewal.pods.iter().any(|it| it == uid)
        })
        .collect();
    // A StatefulSet replaces its pods from the highest number down.
    old.sort_by_key(|it| std::cmp::Reverse(ordinal(it)));
    for batch in old.chunks(renewal.at_once.max(1)) {
        let deadline = Instant::now() + renewal.patience;
        let deadline = renewal.deadline.map_or(deadline, |it| deadline.min(it));
        let wait = Waiting {
            object,
            deadline,
            report: renewal.report,
        };
        for pod in batch {
            remove(writer, pod, how, &wait, &changes).await?;
        }
        let names: Vec<&str> = batch
            .iter()
            .map(|it| text(&it["metadata"]["name"]))
            .collect();
        let uids: Vec<_> = batch.iter().map(|it| &it["metadata"]["uid"]).collect();
        loop {
            let now = pods_of(writer, object, &live).await?;
            let gone = now.iter().all(|it| !uids.contains(&&it["metadata"]["uid"]));
            let ready_now = now.iter().filter(|it| is_ready(it)).count();
            if gone && ready_now >= ready {
                break;
            }
            let reason = format!(
                "{ready_now} of {ready} pods ready after {} went",
                names.join(", ")
            );
            wait.says(&reason)?;
            changes.next(deadline).await;
        }
    }
    Ok(())
}

/// Deletes or evicts a pod; waits for a budget that forbids it.
async fn remove(
    writer: &Writer,
    pod: &Value,
    how: RestartHow,
    wait: &Waiting<'_>,
    changes: &Changes,
) -> Result<(), Error> {
    match how {
        RestartHow::Evict => {
            while !writer.evict(pod).await? {
                let name = text(&pod["metadata"]["name"]);
                wait.says(&format!(
                    "no disruption budget allows to evict pod {name} yet"
                ))?;
                changes
                    .next(wait.deadline.min(Instant::now() + BUDGET))
                    .await;
            }
        }
        RestartHow::DeletePods | RestartHow::Rollout | RestartHow::Auto | RestartHow::None => {
            let pod_ref = cluster::reference(pod);
            writer
                .delete(&pod_ref, pod["metadata"]["uid"].as_str())
                .await?;
        }
    }
    Ok(())
}

/// A wait for pods of a workload.
struct Waiting<'a> {
    object: &'a Ref,
    deadline: Instant,
    report: &'a (dyn Fn(&str) + Sync),
}

impl Waiting<'_> {
    /// Tells what is waited for, or that it took too long.
    fn says(&self, reason: &str) -> Result<(), Error> {
        if Instant::now() >= self.deadline {
            return Err(Error::Late {
                object: self.object.clone(),
                reason: reason.to_owned(),
            });
        }
        (self.report)(reason);
        Ok(())
    }
}

/// Returns the uids of a workload's pods, as far as it is restarted pod by pod.
pub async fn to_renew(
    cluster: &Cluster,
    object: &Ref,
    how: RestartHow,
) -> Result<Vec<String>, cluster::Error> {
    if !matches!(how, RestartHow::DeletePods | RestartHow::Evict) {
        return Ok(Vec::new());
    }
    let Some(live) = cluster.get(object).await? else {
        return Ok(Vec::new());
    };
    let pods = pods_of(cluster, object, &live).await?;
    Ok(pods
        .iter()
        .map(|it| text(&it["metadata"]["uid"]).to_owned())
        .collect())
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
    let sets = match object.kind.as_str() {
        "Deployment" | "Rollout" => Some(replica_sets_of(cluster, &selection, uid).await?),
        _ => None,
    };
    pods.retain(|pod| {
        let owners = pod["metadata"]["ownerReferences"].as_array();
        let controller = owners
            .into_iter()
            .flatten()
            .find(|it| it["controller"] == true);
        controller.is_some_and(|it| match &sets {
            Some(sets) => it["uid"]
                .as_str()
                .is_some_and(|it| sets.iter().any(|set| set == it)),
            None => it["uid"].as_str() == uid,
        })
    });
    Ok(pods)
}

/// The uids of the `ReplicaSets` that a Deployment or a Rollout controls.
async fn replica_sets_of(
    cluster: &Cluster,
    selection: &Selection<'_>,
    uid: Option<&str>,
) -> Result<Vec<String>, cluster::Error> {
    let kind = cluster.kind("apps/v1", "ReplicaSet").await?;
    let selection = Selection {
        metadata_only: true,
        ..*selection
    };
    let sets = cluster.list_all(&kind, &selection).await?;
    let owned = |set: &&Value| {
        set["metadata"]["ownerReferences"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|it| it["controller"] == true && it["uid"].as_str() == uid)
    };
    Ok(sets
        .iter()
        .filter(owned)
        .map(|it| text(&it["metadata"]["uid"]).to_owned())
        .collect())
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
    !cluster::is_going(pod)
        && conditions
            .into_iter()
            .flatten()
            .any(|it| it["type"] == "Ready" && it["status"] == "True")
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
    fn a_pod_that_is_going_is_not_ready() {
        let mut pod = json!({ "metadata": {}, "status": { "conditions": [{ "type": "Ready", "status": "True" }] } });
        assert!(is_ready(&pod));
        pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert!(!is_ready(&pod));
    }
}
