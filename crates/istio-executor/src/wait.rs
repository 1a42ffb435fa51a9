//! Waits until the cluster has carried out what was written.
//!
//! Nothing is polled that can be watched, a request that fails for a passing reason ends no wait, and what cannot come
//! right by waiting (a crash loop, an exceeded progress deadline) ends it at once, with the reason.

use std::time::Duration;

use futures::StreamExt;
use istio_planner::outcome::Ref;
use istio_planner::plan::Wait;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use crate::cluster::{self, Cluster, Selection};
use crate::restart;

mod state;

pub use state::{
    State, Trouble, daemon_set, deployment, established, image_version, stateful_set, trouble,
};

/// How long it takes at most until pods, endpoints and missed events are looked at again.
const LOOK: Duration = Duration::from_secs(3);

/// How long istiod may take to renew the workloads that it renders itself. Longer means that it has given up trying
/// (domain.md §8.2), which no waiting changes.
const AUTOMATIC: Duration = Duration::from_mins(1);

/// A trouble that may pass must have lasted so long before it ends a wait.
const PATIENCE: Duration = Duration::from_secs(45);

/// Why a wait ended without what was waited for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Waiting longer cannot help.
    #[error("{} cannot become ready: {reason}", cluster::name(object))]
    Failed {
        /// What was waited for.
        object: Ref,
        /// Why.
        reason: String,
    },
    /// The time is over.
    #[error("{} is not ready in time: {reason}", cluster::name(object))]
    Late {
        /// What was waited for.
        object: Ref,
        /// What was missing last.
        reason: String,
    },
    /// The cluster.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
}

/// How a wait ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// What was waited for is there.
    Ready,
    /// It is not, but nothing depends on it: what was missing.
    GivenUp(String),
}

/// Returns what a wait is about.
pub fn object(wait: &Wait) -> &Ref {
    match wait {
        Wait::Deployment { object }
        | Wait::DaemonSet { object }
        | Wait::StatefulSet { object }
        | Wait::Established { object }
        | Wait::WebhookReachable { object }
        | Wait::AutoRollout { object, .. } => object,
    }
}

/// Waits until the condition holds, at most until `deadline`. `report` hears what is missing.
pub async fn until(
    cluster: &Cluster,
    wait: &Wait,
    deadline: Instant,
    report: &mut (dyn FnMut(&str) + Send),
) -> Result<Ended, Error> {
    let object = object(wait);
    let automatic = matches!(wait, Wait::AutoRollout { .. });
    let deadline = if automatic {
        deadline.min(Instant::now() + AUTOMATIC)
    } else {
        deadline
    };
    let mut reason = "nothing is known of it yet".to_owned();
    let mut troubled: Option<(String, Instant)> = None;
    loop {
        let live = match cluster.get(object).await {
            Ok(live) => live,
            // The requests were tried again already; a server that is away for longer is waited for.
            Err(error) if error.code().is_none() && Instant::now() < deadline => {
                report(&error.to_string());
                sleep(LOOK).await;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        match look(cluster, wait, live.as_ref()).await? {
            State::Ready => return Ok(Ended::Ready),
            State::Failed(reason) => {
                return Err(Error::Failed {
                    object: object.clone(),
                    reason,
                });
            }
            State::Pending(missing) => {
                report(&missing);
                reason = missing;
            }
            State::Troubled(now) => {
                report(&now);
                let since = match troubled.take() {
                    Some((before, since)) if before == now => since,
                    _ => Instant::now(),
                };
                if since.elapsed() >= PATIENCE {
                    return Err(Error::Failed {
                        object: object.clone(),
                        reason: now,
                    });
                }
                reason.clone_from(&now);
                troubled = Some((now, since));
            }
        }
        if Instant::now() >= deadline {
            return if automatic {
                Ok(Ended::GivenUp(reason))
            } else {
                Err(Error::Late {
                    object: object.clone(),
                    reason,
                })
            };
        }
        next_change(cluster, object, live.as_ref(), deadline).await;
    }
}

/// Waits for a change of the object, or until it is time to look at what belongs to it.
async fn next_change(cluster: &Cluster, object: &Ref, live: Option<&Value>, deadline: Instant) {
    let look = deadline.min(Instant::now() + LOOK);
    let version = live.and_then(|it| it["metadata"]["resourceVersion"].as_str());
    let Some(version) = version else {
        sleep(LOOK.min(Duration::from_secs(1))).await;
        return;
    };
    let change = async {
        match cluster.changes(object, version).await {
            Ok(changes) => {
                let mut changes = std::pin::pin!(changes);
                if changes.next().await.is_some() {
                    return;
                }
                // The server ended the watch without a change.
                sleep(LOOK).await;
            }
            Err(_) => sleep(LOOK).await,
        }
    };
    // Either way the object is looked at next.
    let _ = timeout_at(look, change).await;
}

async fn look(
    cluster: &Cluster,
    wait: &Wait,
    live: Option<&Value>,
) -> Result<State, cluster::Error> {
    let Some(live) = live else {
        return Ok(State::Pending("it is not there".to_owned()));
    };
    let object = object(wait);
    Ok(match wait {
        Wait::Deployment { .. } => with_pods(cluster, object, live, deployment(live)).await?,
        Wait::DaemonSet { .. } => with_pods(cluster, object, live, daemon_set(live)).await?,
        Wait::StatefulSet { .. } => with_pods(cluster, object, live, stateful_set(live)).await?,
        Wait::Established { .. } => established(live),
        Wait::WebhookReachable { .. } => reachable(cluster, live).await?,
        Wait::AutoRollout { to, .. } => match image_version(live) {
            Some(version) if version == *to => deployment(live),
            Some(version) => State::Pending(format!(
                "istiod has not renewed it yet, its proxy is {version}"
            )),
            None => State::Pending("its proxy's version is unknown".to_owned()),
        },
    })
}

/// Adds what the pods of the newest template say, where a workload is not ready.
async fn with_pods(
    cluster: &Cluster,
    object: &Ref,
    live: &Value,
    state: State,
) -> Result<State, cluster::Error> {
    let State::Pending(missing) = state else {
        return Ok(state);
    };
    let pods = restart::pods_of(cluster, object, live).await?;
    let newest = newest_template(cluster, object, live).await?;
    let troubles = pods
        .iter()
        .filter(|it| {
            newest
                .as_ref()
                .is_none_or(|(label, value)| it["metadata"]["labels"][label] == *value)
        })
        .filter_map(trouble);
    let mut passing = None;
    for it in troubles {
        match it {
            Trouble::Lasting(reason) => return Ok(State::Failed(reason)),
            Trouble::Passing(reason) => passing = Some(reason),
        }
    }
    Ok(passing.map_or(State::Pending(missing), State::Troubled))
}

/// The label by which pods of the newest template are told from older ones.
async fn newest_template(
    cluster: &Cluster,
    object: &Ref,
    live: &Value,
) -> Result<Option<(&'static str, Value)>, cluster::Error> {
    match object.kind.as_str() {
        "StatefulSet" => Ok(Some((
            "controller-revision-hash",
            live["status"]["updateRevision"].clone(),
        ))),
        "DaemonSet" => {
            let generation =
                &live["metadata"]["annotations"]["deprecated.daemonset.template.generation"];
            Ok(Some(("pod-template-generation", generation.clone())).filter(|it| it.1.is_string()))
        }
        _ => {
            let kind = cluster.kind("apps/v1", "ReplicaSet").await?;
            let labels = restart::selector(&live["spec"]["selector"]);
            let selection = Selection {
                namespace: object.namespace.as_deref(),
                labels: Some(labels.as_str()).filter(|it| !it.is_empty()),
                metadata_only: true,
            };
            let revision = |it: &Value| {
                it["metadata"]["annotations"]["deployment.kubernetes.io/revision"].clone()
            };
            let sets = cluster.list_all(&kind, &selection).await?;
            let newest = sets
                .iter()
                .find(|it| !revision(it).is_null() && revision(it) == revision(live));
            let hash = newest.map(|it| it["metadata"]["labels"]["pod-template-hash"].clone());
            Ok(hash.map(|it| ("pod-template-hash", it)))
        }
    }
}

/// Whether every Service behind a webhook configuration has a ready endpoint.
async fn reachable(cluster: &Cluster, live: &Value) -> Result<State, cluster::Error> {
    let kind = cluster.kind("discovery.k8s.io/v1", "EndpointSlice").await?;
    for webhook in live["webhooks"].as_array().into_iter().flatten() {
        let service = &webhook["clientConfig"]["service"];
        let (Some(namespace), Some(name)) =
            (service["namespace"].as_str(), service["name"].as_str())
        else {
            continue;
        };
        let labels = format!("kubernetes.io/service-name={name}");
        let selection = Selection {
            namespace: Some(namespace),
            labels: Some(&labels),
            metadata_only: false,
        };
        let slices = cluster.list_all(&kind, &selection).await?;
        let ready = slices
            .iter()
            .flat_map(|it| it["endpoints"].as_array().into_iter().flatten())
            .any(|it| it["conditions"]["ready"] != false);
        if !ready {
            return Ok(State::Pending(format!(
                "Service {namespace}/{name} has no ready endpoint"
            )));
        }
    }
    Ok(State::Ready)
}

#[cfg(test)]
mod tests;
