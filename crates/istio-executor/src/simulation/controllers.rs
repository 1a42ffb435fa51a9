//! What controllers make of workloads, and the garbage collector of what was deleted.

use kube_model::{Key, Server};
use serde_json::{Map, Value, json};

/// Lets everything that was wanted be done: workloads run, and what was deleted is gone.
pub(super) fn settle(server: &mut Server) {
    for key in deployments(server) {
        server.collect(&key);
        roll(server, &key, true);
    }
}

/// Deployments that wait for a controller.
pub(super) fn deployments(server: &Server) -> Vec<Key> {
    let waits = |it: &Value| {
        it["metadata"]["deletionTimestamp"].is_string()
            || it["status"]["observedGeneration"] != it["metadata"]["generation"]
            || it["status"]["replicas"] != 1
    };
    let all = server.objects().filter(|it| it.0.kind == "Deployment");
    all.filter(|it| waits(it.1))
        .map(|it| it.0.clone())
        .collect()
}

/// Rolls a Deployment out; where it does not work, its new pod never becomes ready.
pub(super) fn roll(server: &mut Server, key: &Key, works: bool) {
    let Some(live) = server.object(key) else {
        return;
    };
    let mut annotations = Map::new();
    let revision = live["metadata"]["annotations"]["deployment.kubernetes.io/revision"].clone();
    // The controller's own annotation counts as a change of what is wanted, once.
    let (generation, revision) = match revision.as_str() {
        Some(revision) => (
            live["metadata"]["generation"].as_u64().unwrap_or_default(),
            revision.to_owned(),
        ),
        None => (
            live["metadata"]["generation"].as_u64().unwrap_or_default() + 1,
            "1".to_owned(),
        ),
    };
    annotations.insert(
        "deployment.kubernetes.io/revision".to_owned(),
        revision.into(),
    );
    let mut status = json!({
        "observedGeneration": generation,
        "replicas": if works { 1 } else { 2 },
        "updatedReplicas": 1,
        "readyReplicas": 1,
        "availableReplicas": 1,
    });
    if !works {
        status["unavailableReplicas"] = 1.into();
    }
    server.report(key, &status, &annotations);
}
