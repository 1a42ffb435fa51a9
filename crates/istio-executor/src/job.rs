//! A Job that performs a plan inside the cluster, where no laptop can go to sleep in the middle of it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use istio_planner::plan::Plan;
use serde_json::{Value, json};
use std::io::{self, Write as _};

/// Where the plan stands in the Job's pod.
pub(crate) const PLAN: &str = "/plan/plan.json.gz";

/// The key of a `ConfigMap` that holds a plan.
pub(crate) const KEY: &str = "plan.json.gz";

/// What the API server takes of an object, less what stands around the plan.
const LIMIT: usize = 1_000_000;

/// Exit codes of a refusal, and of a gate that failed: trying again does not help, or is for a person to decide.
const REFUSED: [u8; 2] = [3, 6];

/// Why there is no Job.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A ConfigMap has no room for it.
    #[error(
        "the plan is too large for a ConfigMap ({size} bytes packed, {LIMIT} fit): let the Job plan itself, with `refit job --image IMAGE -- --to VERSION …`"
    )]
    TooLarge {
        /// Its size.
        size: usize,
    },
    /// It could not be packed.
    #[error("the plan cannot be packed")]
    Pack(#[from] io::Error),
}

/// Who runs what.
#[derive(Debug, Clone, Copy)]
pub struct Runner<'a> {
    /// The image that holds refit.
    pub image: &'a str,
    /// The Job's namespace.
    pub namespace: &'a str,
    /// The account that it runs as.
    pub service_account: &'a str,
}

/// Returns the `ConfigMap` with the plan and the Job that runs `refit apply` on it.
///
/// A pod that is lost is made again and goes on: the journal's copy stands in the cluster.
pub fn applying(
    runner: &Runner<'_>,
    plan: &Plan,
    arguments: &[String],
) -> Result<Vec<Value>, Error> {
    let name = format!("refit-{}", plan.id.get(..10).unwrap_or(&plan.id));
    let plan = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": name, "namespace": runner.namespace, "labels": labels() },
        "binaryData": { (KEY): packed(plan)? },
    });
    let mut command = vec!["apply".to_owned(), PLAN.to_owned()];
    command.extend(arguments.iter().cloned());
    let mut job = job(runner, &name, &command);
    let pod = &mut job["spec"]["template"]["spec"];
    if let Some(mounts) = pod["containers"][0]["volumeMounts"].as_array_mut() {
        mounts.push(json!({ "name": "plan", "mountPath": "/plan", "readOnly": true }));
    }
    if let Some(volumes) = pod["volumes"].as_array_mut() {
        volumes.push(json!({ "name": "plan", "configMap": { "name": name } }));
    }
    Ok(vec![plan, job])
}

/// Returns the Job that plans by itself: `refit upgrade ARGUMENTS -y`.
pub fn upgrading(runner: &Runner<'_>, arguments: &[String]) -> Value {
    let mut command = vec!["upgrade".to_owned()];
    command.extend(arguments.iter().cloned());
    if !arguments
        .iter()
        .any(|it| it == "-y" || it == "--skip-confirmation")
    {
        command.push("-y".to_owned());
    }
    // A pod that is made again has no journal of its own, and goes on with what the one before it began.
    command.extend(["--resume-from-cluster", "any"].map(str::to_owned));
    job(runner, "refit-upgrade", &command)
}

/// Packs a plan as a `ConfigMap` holds it.
pub(crate) fn packed(plan: &Plan) -> Result<String, Error> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&serde_json::to_vec(plan).map_err(io::Error::from)?)?;
    let packed = BASE64_STANDARD.encode(encoder.finish()?);
    if packed.len() > LIMIT {
        return Err(Error::TooLarge { size: packed.len() });
    }
    Ok(packed)
}

/// The labels of what refit makes for itself; its pods are never injected.
pub(crate) fn labels() -> Value {
    json!({ "app.kubernetes.io/name": "refit", "sidecar.istio.io/inject": "false" })
}

fn job(runner: &Runner<'_>, name: &str, command: &[String]) -> Value {
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "name": name, "namespace": runner.namespace, "labels": labels() },
        "spec": {
            "backoffLimit": 3,
            "ttlSecondsAfterFinished": 7 * 24 * 3600,
            "podFailurePolicy": { "rules": [
                { "action": "FailJob", "onExitCodes": { "operator": "In", "values": REFUSED } },
                // A node that went away, an eviction: no attempt of ours failed.
                { "action": "Ignore", "onPodConditions": [{ "type": "DisruptionTarget", "status": "True" }] },
            ] },
            "template": template(runner, command),
        },
    })
}

/// A pod that runs refit: as nobody, on a root that is read-only.
pub(crate) fn template(runner: &Runner<'_>, command: &[String]) -> Value {
    json!({
        "metadata": { "labels": labels() },
        "spec": {
            "serviceAccountName": runner.service_account,
            "restartPolicy": "Never",
            "containers": [{
                "name": "refit",
                "image": runner.image,
                "args": command,
                "env": [
                    { "name": "XDG_CACHE_HOME", "value": "/work/cache" },
                    { "name": "XDG_STATE_HOME", "value": "/work/state" },
                ],
                "volumeMounts": [{ "name": "work", "mountPath": "/work" }],
                "resources": { "requests": { "cpu": "100m", "memory": "256Mi" } },
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "capabilities": { "drop": ["ALL"] },
                    "readOnlyRootFilesystem": true,
                    "runAsNonRoot": true,
                    "seccompProfile": { "type": "RuntimeDefault" },
                },
            }],
            "volumes": [{ "name": "work", "emptyDir": {} }],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNNER: Runner<'_> = Runner {
        image: "i",
        namespace: "n",
        service_account: "refit",
    };

    #[test]
    fn a_job_that_plans_never_asks_and_is_never_injected() {
        let job = upgrading(&RUNNER, &["--to".to_owned(), "1.30.3".to_owned()]);
        let pod = &job["spec"]["template"];
        assert_eq!(
            pod["spec"]["containers"][0]["args"],
            json!([
                "upgrade",
                "--to",
                "1.30.3",
                "-y",
                "--resume-from-cluster",
                "any"
            ])
        );
        assert_eq!(
            pod["metadata"]["labels"]["sidecar.istio.io/inject"],
            "false"
        );
    }

    #[test]
    fn the_plan_goes_with_the_job_and_a_refusal_is_not_tried_again() {
        let plan = Plan {
            id: String::new(),
            source: None,
            target: "1.30.3".to_owned(),
            direction: None,
            cluster: None,
            namespace: "n".to_owned(),
            forced: false,
            freeze: Vec::new(),
            steps: Vec::new(),
        }
        .sealed();
        let objects = applying(&RUNNER, &plan, &["--restart".to_owned()]).unwrap();
        let [map, job] = objects.as_slice() else {
            panic!("two objects")
        };
        let pod = &job["spec"]["template"]["spec"];
        assert_eq!(
            pod["containers"][0]["args"],
            json!(["apply", PLAN, "--restart"])
        );
        assert_eq!(
            pod["volumes"][1]["configMap"]["name"],
            map["metadata"]["name"]
        );
        assert_eq!(
            job["spec"]["podFailurePolicy"]["rules"][0]["onExitCodes"]["values"],
            json!([3, 6])
        );
    }
}
