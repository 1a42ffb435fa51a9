//! A Job that performs an upgrade inside the cluster, where no laptop can go to sleep in the middle of it.

use serde_json::{Value, json};

/// Returns the Job that runs `refit upgrade ARGUMENTS -y`.
///
/// A pod that is lost is made again and goes on: the journal's copy stands in the cluster.
pub fn job(image: &str, namespace: &str, service_account: &str, arguments: &[String]) -> Value {
    let mut command: Vec<&str> = vec!["upgrade"];
    command.extend(arguments.iter().map(String::as_str));
    if !arguments
        .iter()
        .any(|it| it == "-y" || it == "--skip-confirmation")
    {
        command.push("-y");
    }
    let labels = json!({ "app.kubernetes.io/name": "refit", "sidecar.istio.io/inject": "false" });
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "generateName": "refit-", "namespace": namespace, "labels": labels },
        "spec": {
            "backoffLimit": 3,
            "ttlSecondsAfterFinished": 7 * 24 * 3600,
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "serviceAccountName": service_account,
                    "restartPolicy": "Never",
                    "containers": [{
                        "name": "refit",
                        "image": image,
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
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_job_never_asks_and_is_never_injected() {
        let job = job("i", "n", "refit", &["--to".to_owned(), "1.30.3".to_owned()]);
        let pod = &job["spec"]["template"];
        assert_eq!(
            pod["spec"]["containers"][0]["args"],
            json!(["upgrade", "--to", "1.30.3", "-y"])
        );
        assert_eq!(
            pod["metadata"]["labels"]["sidecar.istio.io/inject"],
            "false"
        );
    }
}
