//! A fleet as Jobs of a management cluster: for each wave one Indexed Job, and one that releases wave after wave.
//!
//! Kubernetes' own Job controller does the work: it keeps the width, tries again by exit code, and stops a wave of which
//! too many fail. All state is in the Jobs: whoever asks or releases reads them.

use istio_planner::plan::Plan;
use serde_json::{Map, Value, json};

use crate::job::{self, Error, KEY, PLAN, Runner};

/// The label that says of which fleet an object is.
pub const FLEET: &str = "refit/fleet";

/// The label that says which part an object has in its fleet: [`WAVE`], [`RELEASE`], [`AGAIN`] or [`BACK`].
pub const PART: &str = "refit/part";

/// The label of a cluster's plan.
pub const CLUSTER: &str = "refit/cluster";

/// A Job of a wave.
pub const WAVE: &str = "wave";

/// The Job that releases waves.
pub const RELEASE: &str = "release";

/// A Job of clusters that are tried again.
pub const AGAIN: &str = "again";

/// A Job of clusters that are rolled back.
pub const BACK: &str = "back";

/// The annotation that names the clusters of a Job, in the order of its indexes.
pub const CLUSTERS: &str = "refit/clusters";

/// The annotation with the number of a wave, from 1.
pub const NUMBER: &str = "refit/wave";

/// The annotation that says when a wave was released.
pub const RELEASED: &str = "refit/released";

/// The annotation that names clusters of a wave which were not done by it, and are by now.
pub const SETTLED: &str = "refit/settled";

/// The annotation that says why no further wave is released.
pub const STOPPED: &str = "refit/stopped";

/// The annotation that says where the fleet goes to.
pub const TARGET: &str = "refit/target";

/// The most clusters of one Job: each pod names all of them, and an object may have no more than 1.5 MB.
pub const MOST: usize = 1000;

/// Exit codes of a cluster that has failed for good: refused (drift, another cluster, another refit at work), evidence
/// missing, declined, held by a gate.
pub(super) const FAILED: [u8; 4] = [3, 4, 5, 6];

/// Exit codes of an image that cannot run refit, in whatever cluster: not executable, not found, not started.
pub(super) const UNUSABLE: [u8; 3] = [126, 127, 128];

/// Exit codes of a stop that was asked for, by SIGTERM: before refit listens, and as it ends between two steps. No attempt
/// failed.
const STOPPED_CODES: [u8; 2] = [130, 143];

/// How long a pod has, in seconds, to finish what it is writing.
pub(super) const GRACE: u32 = 120;

/// How often the Job that releases is tried again.
const RETRIES: u32 = 20;

/// Where a pod finds the kubeconfig of its cluster.
pub(super) const KUBECONFIG: &str = "/kubeconfig/config";

/// Where each index has its own part of a volume.
const OWN: &str = "$(JOB_COMPLETION_INDEX)";

/// A cluster of a fleet, as its pod is told of it.
#[derive(Debug, Clone)]
pub struct Member {
    /// As the fleet calls it.
    pub cluster: String,
    /// As objects call it.
    pub slug: String,
    /// The Secret that holds its kubeconfig.
    pub secret: String,
}

/// How the Jobs of a fleet go about it.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    /// Who runs what. The account is that of the pods that perform, which gets no rights here.
    pub runner: Runner<'a>,
    /// The fleet's id.
    pub id: &'a str,
    /// The version that it goes to.
    pub target: &'a str,
    /// The key of the Secrets that holds the kubeconfig.
    pub key: &'a str,
    /// How many clusters are at work at the same time.
    pub parallel: usize,
    /// How often a cluster is tried again.
    pub retries: u32,
    /// How many clusters may fail.
    pub may_fail: usize,
    /// Seconds between the end of a wave and the release of the next.
    pub soak: u64,
    /// Arguments of `refit apply`.
    pub arguments: &'a [String],
}

impl Way<'_> {
    /// The name of a part of the fleet.
    fn name(&self, part: &str) -> String {
        name(self.id, part)
    }

    /// The labels of a part of the fleet.
    fn labels(&self, part: &str) -> Value {
        let mut labels = job::labels();
        labels[FLEET] = json!(self.id);
        labels[PART] = json!(part);
        labels
    }

    fn metadata(&self, name: &str, part: &str) -> Value {
        json!({ "name": name, "namespace": self.runner.namespace, "labels": self.labels(part) })
    }
}

/// The name of a part of a fleet.
pub fn name(id: &str, part: &str) -> String {
    format!("refit-fleet-{id}-{part}")
}

/// The name of a wave's Job.
pub fn wave_name(id: &str, number: usize) -> String {
    name(id, &format!("wave-{number}"))
}

/// Returns the `ConfigMap` with the plan of a cluster.
pub fn plan(way: &Way<'_>, member: &Member, plan: &Plan) -> Result<Value, Error> {
    let mut metadata = way.metadata(&way.name(&member.slug), "plan");
    metadata["labels"][CLUSTER] = json!(member.slug);
    Ok(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "binaryData": { (KEY): job::packed(plan)? },
    }))
}

/// Returns the Job of a wave, which waits for its release.
pub fn wave(way: &Way<'_>, number: usize, members: &[Member]) -> Value {
    let mut template = job::template(&way.runner, &applying(way.arguments));
    template["metadata"]["labels"] = way.labels(WAVE);
    share(way, members, &mut template["spec"]);
    let clusters: Vec<&str> = members.iter().map(|it| it.cluster.as_str()).collect();
    let mut metadata = way.metadata(&wave_name(way.id, number), WAVE);
    metadata["annotations"] = json!({
        (CLUSTERS): json!(clusters).to_string(),
        (NUMBER): number.to_string(),
    });
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "suspend": true,
            "completionMode": "Indexed",
            "completions": members.len(),
            "parallelism": way.parallel.clamp(1, members.len().max(1)),
            "backoffLimitPerIndex": way.retries,
            "maxFailedIndexes": way.may_fail.min(members.len()),
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": { "rules": policy() },
            "template": template,
        },
    })
}

/// What a pod runs that performs the plan of its cluster.
pub(super) fn applying(arguments: &[String]) -> Vec<String> {
    let mut command = vec!["apply".to_owned(), PLAN.to_owned()];
    command.extend(arguments.iter().cloned());
    // Of a flag given twice the last one counts.
    command.extend(["--kubeconfig", KUBECONFIG].map(str::to_owned));
    command
}

/// What a pod runs that rolls its cluster back.
pub fn rolling_back(arguments: &[String]) -> Vec<String> {
    let mut command = vec!["rollback".to_owned()];
    command.extend(arguments.iter().cloned());
    command.extend(["-y", "--plan", PLAN, "--kubeconfig", KUBECONFIG].map(str::to_owned));
    command
}

/// What becomes of a cluster whose pod ends with an error; any other code is an attempt that failed.
fn policy() -> Value {
    let codes =
        |values: &[u8]| json!({ "containerName": "refit", "operator": "In", "values": values });
    json!([
        // A node that went away, an eviction.
        { "action": "Ignore", "onPodConditions": [{ "type": "DisruptionTarget", "status": "True" }] },
        { "action": "Ignore", "onExitCodes": codes(&STOPPED_CODES) },
        { "action": "FailIndex", "onExitCodes": codes(&FAILED) },
        { "action": "FailJob", "onExitCodes": codes(&UNUSABLE) },
    ])
}

/// Gives each index the plan and the kubeconfig of its cluster, and of no other.
fn share(way: &Way<'_>, members: &[Member], pod: &mut Value) {
    let at = |index: usize, file: &str| format!("{index}/{file}");
    let plans: Vec<Value> = members
        .iter()
        .enumerate()
        .map(|(index, it)| {
            json!({ "configMap": {
                "name": way.name(&it.slug),
                "items": [{ "key": KEY, "path": at(index, KEY) }],
            } })
        })
        .collect();
    let kubeconfigs: Vec<Value> = members
        .iter()
        .enumerate()
        .map(|(index, it)| {
            json!({ "secret": {
                "name": it.secret,
                "items": [{ "key": way.key, "path": at(index, "config") }],
                // Else one that is missing would hold up all clusters of the wave.
                "optional": true,
            } })
        })
        .collect();
    pod["automountServiceAccountToken"] = json!(false);
    pod["terminationGracePeriodSeconds"] = json!(GRACE);
    for (volume, sources, folder) in [
        ("plans", plans, "/plan"),
        ("kubeconfigs", kubeconfigs, "/kubeconfig"),
    ] {
        if let Some(mounts) = pod["containers"][0]["volumeMounts"].as_array_mut() {
            mounts.push(json!({
                "name": volume,
                "mountPath": folder,
                "subPathExpr": OWN,
                "readOnly": true,
            }));
        }
        if let Some(volumes) = pod["volumes"].as_array_mut() {
            volumes.push(json!({ "name": volume, "projected": { "sources": sources } }));
        }
    }
}

/// Returns the Job that releases so many waves one after the other, with the account and the rights that it needs: to read
/// and to write these very Jobs. It waits to be started.
pub fn release(way: &Way<'_>, waves: usize) -> Vec<Value> {
    let account = format!("{}-release", way.runner.service_account);
    let release = way.name(RELEASE);
    let mut jobs: Vec<String> = (1..=waves).map(|it| wave_name(way.id, it)).collect();
    let command = [
        "fleet",
        "release",
        way.id,
        "--waves",
        &waves.to_string(),
        "--soak",
        &format!("{}s", way.soak),
        "--max-failures",
        &way.may_fail.to_string(),
        "--namespace",
        way.runner.namespace,
    ]
    .map(str::to_owned);
    jobs.push(release.clone());
    let runner = Runner {
        service_account: &account,
        ..way.runner
    };
    let mut template = job::template(&runner, &command);
    template["metadata"]["labels"] = way.labels(RELEASE);
    let mut metadata = way.metadata(&release, RELEASE);
    metadata["annotations"] = json!({ (TARGET): way.target });
    let owned = |name: &str| way.metadata(name, RELEASE);
    let api = "rbac.authorization.k8s.io";
    vec![
        account_of(way, way.runner.service_account),
        account_of(way, &account),
        json!({
            "apiVersion": format!("{api}/v1"),
            "kind": "Role",
            "metadata": owned(&release),
            "rules": [{
                "apiGroups": ["batch"],
                "resources": ["jobs"],
                "resourceNames": jobs,
                "verbs": ["get", "watch", "patch"],
            }],
        }),
        json!({
            "apiVersion": format!("{api}/v1"),
            "kind": "RoleBinding",
            "metadata": owned(&release),
            "roleRef": { "apiGroup": api, "kind": "Role", "name": release },
            "subjects": [{
                "kind": "ServiceAccount",
                "namespace": way.runner.namespace,
                "name": account,
            }],
        }),
        json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": metadata,
            "spec": {
                "suspend": true,
                "backoffLimit": RETRIES,
                "podReplacementPolicy": "Failed",
                "podFailurePolicy": { "rules": [
                    { "action": "Ignore", "onPodConditions": [{ "type": "DisruptionTarget", "status": "True" }] },
                    { "action": "Ignore", "onExitCodes": { "operator": "In", "values": STOPPED_CODES } },
                    { "action": "FailJob", "onExitCodes": { "operator": "In", "values": FAILED } },
                ] },
                "template": template,
            },
        }),
    ]
}

/// Accounts are shared by the fleets of a namespace, so they are of none.
fn account_of(way: &Way<'_>, name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": { "name": name, "namespace": way.runner.namespace, "labels": job::labels() },
    })
}

/// Returns a Job of some clusters of a fleet, made of the Jobs that have them: their plans and kubeconfigs with new
/// indexes. It does not wait.
///
/// `chosen` are clusters by Job and index. `None` where there is none.
pub fn again(
    id: &str,
    (part, number): (&str, usize),
    chosen: &[(&Value, usize)],
    arguments: Option<Vec<String>>,
) -> Option<Value> {
    let (first, _) = chosen.first()?;
    let mut spec = first["spec"].clone();
    let names: Vec<String> = chosen
        .iter()
        .filter_map(|(job, index)| clusters(job).get(*index).cloned())
        .collect();
    for (at, volume) in ["plans", "kubeconfigs"].iter().enumerate() {
        let sources: Vec<Value> = chosen
            .iter()
            .enumerate()
            .filter_map(|(new, (job, old))| source(job, volume, *old, new))
            .collect();
        // Behind the pod's own folder, as `share` puts them.
        spec["template"]["spec"]["volumes"][at + 1]["projected"]["sources"] = json!(sources);
    }
    if let Some(arguments) = arguments {
        spec["template"]["spec"]["containers"][0]["args"] = json!(arguments);
    }
    let mut labels = job::labels();
    labels[FLEET] = json!(id);
    labels[PART] = json!(part);
    spec["template"]["metadata"] = json!({ "labels": labels });
    spec["completions"] = json!(chosen.len());
    spec["maxFailedIndexes"] = json!(chosen.len());
    spec["suspend"] = json!(false);
    fresh(&mut spec);
    Some(json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name(id, &format!("{part}-{number}")),
            "namespace": first["metadata"]["namespace"],
            "labels": labels,
            "annotations": { (CLUSTERS): json!(names).to_string() },
        },
        "spec": spec,
    }))
}

/// What a Job that is there says, as a new one is made of it.
pub fn made_again(job: &Value) -> Value {
    let mut spec = job["spec"].clone();
    fresh(&mut spec);
    let keep = |from: &Value, drop: &dyn Fn(&str) -> bool| {
        let all = from.as_object().cloned().unwrap_or_default();
        all.into_iter()
            .filter(|it| !drop(&it.0))
            .collect::<Map<_, _>>()
    };
    let is_of_the_controller = |it: &str| {
        it.contains("batch.kubernetes.io/") || matches!(it, "job-name" | "controller-uid")
    };
    let template = &mut spec["template"]["metadata"];
    template["labels"] = Value::Object(keep(&template["labels"], &is_of_the_controller));
    let metadata = &job["metadata"];
    let told = |it: &str| it == STOPPED || is_of_the_controller(it);
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "labels": keep(&metadata["labels"], &is_of_the_controller),
            "annotations": keep(&metadata["annotations"], &told),
        },
        "spec": spec,
    })
}

/// Takes out what the controller wrote.
fn fresh(spec: &mut Value) {
    if let Some(spec) = spec.as_object_mut() {
        spec.remove("selector");
        spec.remove("manualSelector");
    }
}

/// The names of a Job's clusters, in the order of its indexes.
pub fn clusters(job: &Value) -> Vec<String> {
    let text = job["metadata"]["annotations"][CLUSTERS].as_str();
    serde_json::from_str(text.unwrap_or("[]")).unwrap_or_default()
}

/// What a volume holds for an index, for another one.
fn source(job: &Value, volume: &str, old: usize, new: usize) -> Option<Value> {
    let volumes = job["spec"]["template"]["spec"]["volumes"].as_array()?;
    let volume = volumes.iter().find(|it| it["name"] == volume)?;
    let mut source = volume["projected"]["sources"][old].clone();
    let of = ["configMap", "secret"]
        .into_iter()
        .find(|it| source[it].is_object())?;
    let path = source[of]["items"][0]["path"].as_str()?;
    let file = path.split_once('/')?.1.to_owned();
    source[of]["items"][0]["path"] = json!(format!("{new}/{file}"));
    Some(source)
}

#[cfg(test)]
mod tests;
