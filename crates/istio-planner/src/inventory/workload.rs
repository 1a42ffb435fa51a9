//! Who makes a pod: up the owner references to the object that a user knows.

use crate::outcome::Ref;
use crate::snapshot::{Owner, Pod, Snapshot, Workload};

/// What makes a pod.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Controller {
    /// The Deployment, Rollout, StatefulSet, DaemonSet, ReplicaSet, Job, other resource, or the pod itself.
    pub object: Ref,
}

impl Controller {
    /// Returns the record of it, if the export has one.
    pub fn workload<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a Workload> {
        let namespace = self.object.namespace.clone().unwrap_or_default();
        snapshot.workloads.get(&(
            self.object.kind.clone(),
            namespace,
            self.object.name.clone(),
        ))
    }

    /// Whether nothing would make the pod again: it has no controller, or the kubelet runs it from a file.
    pub fn is_pod(&self) -> bool {
        self.object.kind == "Pod"
    }
}

/// Returns what makes a pod.
pub fn controller(snapshot: &Snapshot, pod: &Pod) -> Controller {
    let Some(owner) = pod.owner.as_ref().filter(|it| it.kind != "Node") else {
        return of(pod, "v1", "Pod", &pod.name);
    };
    if owner.kind == "ReplicaSet" {
        return of_replica_set(snapshot, pod, owner);
    }
    if owner.kind == "Job" {
        let key = ("Job".to_owned(), pod.namespace.clone(), owner.name.clone());
        let above = snapshot
            .workloads
            .get(&key)
            .and_then(|it| it.owner.as_ref());
        if let Some(above) = above {
            return of(pod, &above.api_version, &above.kind, &above.name);
        }
    }
    of(pod, &owner.api_version, &owner.kind, &owner.name)
}

fn of_replica_set(snapshot: &Snapshot, pod: &Pod, owner: &Owner) -> Controller {
    let key = (
        "ReplicaSet".to_owned(),
        pod.namespace.clone(),
        owner.name.clone(),
    );
    if let Some(set) = snapshot.workloads.get(&key) {
        return match &set.owner {
            Some(above) => of(pod, &above.api_version, &above.kind, &above.name),
            None => of(pod, &owner.api_version, &owner.kind, &owner.name),
        };
    }
    // Without the ReplicaSet in the export, the hash that its controller puts into names and labels tells.
    let hashes = [
        ("pod-template-hash", "apps/v1", "Deployment"),
        (
            "rollouts-pod-template-hash",
            "argoproj.io/v1alpha1",
            "Rollout",
        ),
    ];
    for (label, api_version, kind) in hashes {
        let name = pod
            .labels
            .get(label)
            .and_then(|it| owner.name.strip_suffix(it)?.strip_suffix('-'));
        if let Some(name) = name {
            return of(pod, api_version, kind, name);
        }
    }
    of(pod, &owner.api_version, &owner.kind, &owner.name)
}

fn of(pod: &Pod, api_version: &str, kind: &str, name: &str) -> Controller {
    Controller {
        object: Ref::new(api_version, kind, &pod.namespace, name),
    }
}
