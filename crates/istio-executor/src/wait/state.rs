//! What an object says about its own readiness. Pure.

use std::time::Duration;

use serde_json::Value;

use crate::cluster;

/// A trouble that may pass must have lasted so long before it ends a wait.
const PATIENCE: Duration = Duration::from_secs(45);

/// How far something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// There.
    Ready,
    /// Not yet, and what is missing.
    Pending(String),
    /// Not yet, and something is wrong.
    Troubled(Trouble),
    /// It will not come right by waiting.
    Failed(String),
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The same for the same trouble, whatever its words: pod, container, class of reason.
    pub key: String,
    /// In words.
    pub words: String,
    /// How long it has to last before it ends a wait; nothing: it never does, since help comes from elsewhere (nodes are
    /// added, or come back).
    pub patience: Option<Duration>,
    /// The pod and the container whose log may tell more.
    pub container: Option<(String, String)>,
}

/// A Deployment: all replicas updated and available, old ones gone.
pub fn deployment(live: &Value) -> State {
    if let Some(state) = unobserved(live) {
        return state;
    }
    let conditions = live["status"]["conditions"].as_array();
    for condition in conditions.into_iter().flatten() {
        if condition["type"] == "Progressing" && condition["reason"] == "ProgressDeadlineExceeded" {
            return State::Failed(crate::output::line(&text(&condition["message"])));
        }
    }
    let replica_failure = live["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|it| it["type"] == "ReplicaFailure" && it["status"] == "True");
    if let Some(condition) = replica_failure {
        return State::Troubled(Trouble {
            key: "ReplicaFailure".to_owned(),
            words: crate::output::line(&text(&condition["message"])),
            patience: Some(PATIENCE),
            container: None,
        });
    }
    let wanted = live["spec"]["replicas"].as_u64().unwrap_or(1);
    let count = |field: &str| live["status"][field].as_u64().unwrap_or_default();
    let updated = count("updatedReplicas");
    if live["spec"]["paused"] == true && updated < wanted {
        return State::Failed("it is paused".to_owned());
    }
    if updated < wanted {
        State::Pending(format!("{updated} of {wanted} pods updated"))
    } else if count("replicas") > updated {
        State::Pending(format!(
            "{} old pods still there",
            count("replicas") - updated
        ))
    } else if count("availableReplicas") < updated {
        State::Pending(format!(
            "{} of {updated} pods available",
            count("availableReplicas")
        ))
    } else {
        State::Ready
    }
}

/// A `DaemonSet`: all scheduled pods updated and ready. None desired is ready too (domain §11, F-19).
pub fn daemon_set(live: &Value) -> State {
    if let Some(state) = unobserved(live) {
        return state;
    }
    let count = |field: &str| live["status"][field].as_u64().unwrap_or_default();
    let wanted = count("desiredNumberScheduled");
    // Its pods are restarted only when somebody deletes them.
    let on_delete = live["spec"]["updateStrategy"]["type"] == "OnDelete";
    let updated = count("updatedNumberScheduled");
    if updated < wanted && !on_delete {
        State::Pending(format!("{updated} of {wanted} pods updated"))
    } else if count("numberReady") < wanted {
        State::Pending(format!("{} of {wanted} pods ready", count("numberReady")))
    } else {
        State::Ready
    }
}

/// A `StatefulSet`: all replicas from the partition on updated, and all ready.
pub fn stateful_set(live: &Value) -> State {
    if let Some(state) = unobserved(live) {
        return state;
    }
    let count = |field: &str| live["status"][field].as_u64().unwrap_or_default();
    let wanted = live["spec"]["replicas"].as_u64().unwrap_or(1);
    let strategy = &live["spec"]["updateStrategy"];
    let partition = strategy["rollingUpdate"]["partition"]
        .as_u64()
        .unwrap_or_default();
    let to_update = if strategy["type"] == "OnDelete" {
        0
    } else {
        wanted.saturating_sub(partition)
    };
    let updated = count("updatedReplicas");
    let same_revision = live["status"]["currentRevision"] == live["status"]["updateRevision"];
    if updated < to_update && !same_revision {
        State::Pending(format!("{updated} of {to_update} pods updated"))
    } else if count("readyReplicas") < wanted {
        State::Pending(format!("{} of {wanted} pods ready", count("readyReplicas")))
    } else {
        State::Ready
    }
}

/// A `CustomResourceDefinition`: condition Established; names that others took cannot come right.
pub fn established(live: &Value) -> State {
    let conditions = live["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let find = |kind: &str| conditions.iter().find(|it| it["type"] == kind);
    if let Some(names) = find("NamesAccepted").filter(|it| it["status"] == "False") {
        return State::Failed(text(&names["message"]));
    }
    match find("Established") {
        Some(it) if it["status"] == "True" => State::Ready,
        _ => State::Pending("it is not established".to_owned()),
    }
}

/// Returns the version in the tag of the proxy's image, without its variant (`1.30.3-distroless` is `1.30.3`).
pub fn image_version(workload: &Value) -> Option<String> {
    version(&workload["spec"]["template"]["spec"])
}

/// The version of the proxy among the containers of a pod.
fn version(spec: &Value) -> Option<String> {
    let containers = ["containers", "initContainers"];
    let proxy = containers
        .iter()
        .flat_map(|it| spec[*it].as_array().into_iter().flatten())
        .find(|it| it["name"] == "istio-proxy")?;
    let image = proxy["image"].as_str()?.split('@').next()?;
    let tag = image.rsplit('/').next()?.split_once(':')?.1;
    Some(
        tag.trim_end_matches("-distroless")
            .trim_end_matches("-debug")
            .to_owned(),
    )
}

/// What is wrong with a pod, from its containers' states.
pub fn trouble(pod: &Value) -> Option<Trouble> {
    let name = text(&pod["metadata"]["name"]);
    let unschedulable = pod["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|it| it["type"] == "PodScheduled" && it["reason"] == "Unschedulable");
    if let Some(condition) = unschedulable {
        return Some(Trouble {
            key: format!("{name} Unschedulable"),
            words: format!(
                "pod {name} cannot be scheduled: {}",
                crate::output::line(&text(&condition["message"]))
            ),
            patience: None,
            container: None,
        });
    }
    let containers = ["initContainerStatuses", "containerStatuses"];
    containers
        .iter()
        .flat_map(|it| pod["status"][*it].as_array().into_iter().flatten())
        .find_map(|it| {
            let waiting = &it["state"]["waiting"];
            let reason = waiting["reason"].as_str()?;
            let said = waiting["message"]
                .as_str()
                .map(|it| format!(": {}", crate::output::line(it)))
                .unwrap_or_default();
            let container = text(&it["name"]);
            let restarts = it["restartCount"].as_u64().unwrap_or_default();
            // A container that cannot start shows now this reason, now that.
            let class = match reason {
                "CrashLoopBackOff" | "RunContainerError" => "crash",
                "ImagePullBackOff" | "ErrImagePull" | "ErrImageNeverPull" | "InvalidImageName" => {
                    "image"
                }
                "CreateContainerConfigError" | "CreateContainerError" => "create",
                _ => return None,
            };
            Some(Trouble {
                key: format!("{name} {container} {class}"),
                words: format!("pod {name}, container {container}: {reason}{said}"),
                // One crash may be a race at the start; three are a loop.
                patience: if reason == "CrashLoopBackOff" && restarts >= 3 {
                    Some(Duration::ZERO)
                } else {
                    Some(PATIENCE)
                },
                container: (class == "crash").then(|| (name.clone(), container)),
            })
        })
}

/// Returns the pods that do not run the proxy of this version, each with what it runs; finished pods do not count.
pub fn stale_proxies(pods: &[Value], to: &str) -> Vec<String> {
    pods.iter()
        .filter(|it| !cluster::is_going(it))
        .filter(|it| !matches!(it["status"]["phase"].as_str(), Some("Succeeded" | "Failed")))
        .filter_map(|pod| {
            let name = text(&pod["metadata"]["name"]);
            match version(&pod["spec"]) {
                Some(found) if found == to => None,
                Some(found) => Some(format!("pod {name} runs {found}")),
                None => Some(format!("pod {name} has no proxy of a known version")),
            }
        })
        .collect()
}

/// The controller has not looked at the newest version yet.
fn unobserved(live: &Value) -> Option<State> {
    let generation = live["metadata"]["generation"].as_i64().unwrap_or_default();
    let observed = live["status"]["observedGeneration"]
        .as_i64()
        .unwrap_or_default();
    (observed < generation)
        .then(|| State::Pending("its controller has not seen the change yet".to_owned()))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
