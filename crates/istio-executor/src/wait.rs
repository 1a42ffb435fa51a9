//! Waits until the cluster has carried out what was written.
//!
//! Nothing is polled that can be watched, a request that fails for a passing reason ends no wait, and what cannot come
//! right by waiting (a crash loop, an exceeded progress deadline) ends it at once, with the reason.

use std::time::Duration;

use istio_planner::outcome::Ref;
use istio_planner::plan::Wait;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::cluster::{self, Changes, Cluster, Selection};
use crate::restart;

mod state;

pub use state::{
    State, Trouble, daemon_set, deployment, established, image_version, stale_proxies,
    stateful_set, trouble,
};

/// How long istiod may take to begin with the workloads that it renders itself, all of them at once. Longer means that it
/// has given up trying (domain §8.2), which no waiting changes.
pub const AUTOMATIC: Duration = Duration::from_mins(1);

/// When a wait is over.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    /// By then it has to be there.
    pub end: Instant,
    /// By then istiod has to have begun with it, where it is for istiod to restart it.
    pub begun: Instant,
}

/// Lines of a crashing container's log that are shown.
const LINES: i64 = 20;

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
        /// The last lines of a container that crashes. They may hold anything: they are shown, and kept nowhere.
        log: Option<String>,
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
        | Wait::AutoRollout { object, .. }
        | Wait::Proxies { object, .. } => object,
    }
}

/// Waits until the condition holds, at most until the deadline. `report` hears what is missing.
pub async fn until(
    cluster: &Cluster,
    wait: &Wait,
    deadline: Deadline,
    report: &mut (dyn FnMut(&str) + Send),
) -> Result<Ended, Error> {
    let object = object(wait);
    let automatic = matches!(wait, Wait::AutoRollout { .. });
    let mut troubled: Option<(String, Instant)> = None;
    let mut changes = Changes::default();
    loop {
        let live = cluster.get(object).await?;
        let state = look(cluster, wait, live.as_ref()).await?;
        let mut alarm = deadline.end;
        let reason = match state {
            State::Ready => return Ok(Ended::Ready),
            State::Failed(reason) if matches!(wait, Wait::Proxies { .. }) => {
                return Ok(Ended::GivenUp(reason));
            }
            State::Failed(reason) => {
                return Err(Error::Failed {
                    object: object.clone(),
                    reason,
                    log: None,
                });
            }
            State::Pending(missing) => missing,
            State::Troubled(trouble) => {
                let since = match troubled.take() {
                    Some((before, since)) if before == trouble.key => since,
                    _ => Instant::now(),
                };
                if trouble.patience.is_some_and(|it| since.elapsed() >= it) {
                    return Err(Error::Failed {
                        object: object.clone(),
                        log: last_lines(cluster, object, &trouble).await,
                        reason: trouble.words,
                    });
                }
                alarm = trouble.patience.map_or(alarm, |it| alarm.min(since + it));
                troubled = Some((trouble.key, since));
                trouble.words
            }
        };
        report(&reason);
        let mut limit = deadline.end;
        if let Wait::AutoRollout { to, .. } = wait
            && live.as_ref().and_then(image_version).as_deref() != Some(to)
        {
            limit = limit.min(deadline.begun);
        }
        if Instant::now() >= limit {
            return if automatic {
                Ok(Ended::GivenUp(reason))
            } else {
                Err(Error::Late {
                    object: object.clone(),
                    reason,
                })
            };
        }
        watch(cluster, wait, live.as_ref(), &mut changes).await?;
        changes.next(alarm.min(limit)).await;
    }
}

/// Watches what a wait looks at: the object, its pods, the endpoints behind it.
async fn watch(
    cluster: &Cluster,
    wait: &Wait,
    live: Option<&Value>,
    changes: &mut Changes,
) -> Result<(), cluster::Error> {
    let object = object(wait);
    changes.object(cluster, object).await?;
    let Some(live) = live else { return Ok(()) };
    match wait {
        Wait::Deployment { .. } | Wait::DaemonSet { .. } | Wait::StatefulSet { .. } => {
            let labels = restart::selector(&live["spec"]["selector"]);
            changes
                .labelled(cluster, ("v1", "Pod"), object.namespace.as_deref(), &labels)
                .await?;
        }
        Wait::WebhookReachable { .. } => {
            for (namespace, name) in services(live) {
                let labels = format!("kubernetes.io/service-name={name}");
                let kind = ("discovery.k8s.io/v1", "EndpointSlice");
                changes
                    .labelled(cluster, kind, Some(&namespace), &labels)
                    .await?;
            }
        }
        Wait::Established { .. } | Wait::AutoRollout { .. } | Wait::Proxies { .. } => {}
    }
    Ok(())
}

/// What the container that is in trouble said last.
async fn last_lines(cluster: &Cluster, object: &Ref, trouble: &Trouble) -> Option<String> {
    let (pod, container) = trouble.container.as_ref()?;
    let pod = json!({ "metadata": { "namespace": object.namespace, "name": pod } });
    let log = cluster.log(&pod, container, LINES).await?;
    let lines: Vec<String> = log.lines().map(|it| format!("    {it}")).collect();
    Some(format!(
        "  the last lines of {container}:\n{}",
        lines.join("\n")
    ))
}

async fn look(
    cluster: &Cluster,
    wait: &Wait,
    live: Option<&Value>,
) -> Result<State, cluster::Error> {
    let object = object(wait);
    let Some(live) = live else {
        return Ok(match wait {
            Wait::Proxies { .. } => State::Failed("it is gone".to_owned()),
            Wait::Deployment { .. }
            | Wait::DaemonSet { .. }
            | Wait::StatefulSet { .. }
            | Wait::Established { .. }
            | Wait::WebhookReachable { .. }
            | Wait::AutoRollout { .. } => State::Pending("it is not there".to_owned()),
        });
    };
    Ok(match wait {
        Wait::Deployment { .. } => with_pods(cluster, object, live, deployment(live)).await?,
        Wait::DaemonSet { .. } => with_pods(cluster, object, live, daemon_set(live)).await?,
        Wait::StatefulSet { .. } => with_pods(cluster, object, live, stateful_set(live)).await?,
        Wait::Established { .. } => established(live),
        Wait::WebhookReachable { .. } => reachable(cluster, live).await?,
        Wait::AutoRollout { to, .. } => match image_version(live) {
            Some(version) if version == *to => {
                with_pods(cluster, object, live, deployment(live)).await?
            }
            Some(version) => State::Pending(format!(
                "istiod has not renewed it yet, its proxy is {version}"
            )),
            None => State::Pending("its proxy's version is unknown".to_owned()),
        },
        Wait::Proxies { to, .. } => {
            let pods = restart::pods_of(cluster, object, live).await?;
            let stale = stale_proxies(&pods, to);
            if stale.is_empty() {
                State::Ready
            } else {
                State::Failed(stale.join("; "))
            }
        }
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
    let mut troubles = pods
        .iter()
        .filter(|it| {
            newest
                .as_ref()
                .is_none_or(|(label, value)| it["metadata"]["labels"][label] == *value)
        })
        .filter_map(trouble)
        .collect::<Vec<_>>();
    // The same one first, however the pods are listed, and what will not pass before what may.
    troubles.sort_by_key(|it| (it.patience.unwrap_or(Duration::MAX), it.key.clone()));
    Ok(troubles
        .into_iter()
        .next()
        .map_or(State::Pending(missing), State::Troubled))
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

/// The Services behind a webhook configuration: namespace, name.
fn services(live: &Value) -> Vec<(String, String)> {
    let webhooks = live["webhooks"].as_array();
    webhooks
        .into_iter()
        .flatten()
        .filter_map(|it| {
            let service = &it["clientConfig"]["service"];
            Some((
                service["namespace"].as_str()?.to_owned(),
                service["name"].as_str()?.to_owned(),
            ))
        })
        .collect()
}

/// Whether every Service behind a webhook configuration has a ready endpoint.
async fn reachable(cluster: &Cluster, live: &Value) -> Result<State, cluster::Error> {
    let kind = cluster.kind("discovery.k8s.io/v1", "EndpointSlice").await?;
    for (namespace, name) in services(live) {
        let labels = format!("kubernetes.io/service-name={name}");
        let selection = Selection {
            namespace: Some(&namespace),
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
