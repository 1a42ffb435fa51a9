//! Pods and what makes them (kubernetes@v1.36.3:pkg/apis/core/v1/defaults.go, conversion.go).

use serde_json::{Value, json};

use super::{at, each, fallback, remove, text_at};

/// A pod on its own has defaults that a template does not have.
pub(super) fn pod(object: &mut Value) {
    let Some(spec) = at(object, &["spec"]) else {
        return;
    };
    for containers in ["initContainers", "containers"] {
        for container in each(spec, containers) {
            let Some(resources) = at(container, &["resources"]) else {
                continue;
            };
            let Some(limits) = resources.get("limits").cloned() else {
                continue;
            };
            fallback(resources, "requests", json!({}));
            for (name, limit) in limits.as_object().into_iter().flatten() {
                fallback(&mut resources["requests"], name, limit.clone());
            }
        }
    }
    fallback(spec, "enableServiceLinks", true);
    self::spec(spec);
}

/// The spec of a pod or of a template.
pub(super) fn spec(spec: &mut Value) {
    fallback(spec, "dnsPolicy", "ClusterFirst");
    fallback(spec, "restartPolicy", "Always");
    fallback(spec, "securityContext", json!({}));
    fallback(spec, "terminationGracePeriodSeconds", 30);
    fallback(spec, "schedulerName", "default-scheduler");
    service_account(spec);
    for volume in each(spec, "volumes") {
        self::volume(volume);
    }
    for containers in ["initContainers", "containers", "ephemeralContainers"] {
        for container in each(spec, containers) {
            self::container(container);
        }
    }
}

/// The old name of the field is written beside the new one; the new one counts.
fn service_account(spec: &mut Value) {
    let name = match text_at(spec, "/serviceAccountName") {
        "" => text_at(spec, "/serviceAccount"),
        name => name,
    };
    if name.is_empty() {
        remove(spec, "serviceAccount");
        return;
    }
    let name = name.to_owned();
    spec["serviceAccountName"] = name.clone().into();
    spec["serviceAccount"] = name.into();
}

fn container(container: &mut Value) {
    let policy = pull_policy(text_at(container, "/image"));
    fallback(container, "imagePullPolicy", policy);
    fallback(container, "terminationMessagePath", "/dev/termination-log");
    fallback(container, "terminationMessagePolicy", "File");
    for port in each(container, "ports") {
        fallback(port, "protocol", "TCP");
    }
    for variable in each(container, "env") {
        if let Some(field) = at(variable, &["valueFrom", "fieldRef"]) {
            fallback(field, "apiVersion", "v1");
        }
        if let Some(file) = at(variable, &["valueFrom", "fileKeyRef"]) {
            fallback(file, "optional", false);
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = at(container, &[probe]) {
            fallback(probe, "timeoutSeconds", 1);
            fallback(probe, "periodSeconds", 10);
            fallback(probe, "successThreshold", 1);
            fallback(probe, "failureThreshold", 3);
            http_get(probe);
            if let Some(grpc) = at(probe, &["grpc"]) {
                fallback(grpc, "service", "");
            }
        }
    }
    for hook in ["postStart", "preStop"] {
        if let Some(hook) = at(container, &["lifecycle", hook]) {
            http_get(hook);
        }
    }
}

fn http_get(handler: &mut Value) {
    if let Some(get) = at(handler, &["httpGet"]) {
        fallback(get, "path", "/");
        fallback(get, "scheme", "HTTP");
    }
}

/// `latest`, or nothing at all after the name, is pulled always.
fn pull_policy(image: &str) -> &'static str {
    if image.contains('@') {
        return "IfNotPresent";
    }
    let last = image.rsplit('/').next().unwrap_or_default();
    match last.split_once(':') {
        None | Some((_, "latest")) => "Always",
        Some(_) => "IfNotPresent",
    }
}

fn volume(volume: &mut Value) {
    let empty = volume
        .as_object()
        .is_some_and(|it| it.keys().all(|key| key == "name"));
    if empty {
        fallback(volume, "emptyDir", json!({}));
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = at(volume, &[source]) {
            // Octal 644.
            fallback(source, "defaultMode", 420);
            fields(source);
        }
    }
    if let Some(projected) = at(volume, &["projected"]) {
        for source in each(projected, "sources") {
            if let Some(downward) = at(source, &["downwardAPI"]) {
                fields(downward);
            }
            if let Some(token) = at(source, &["serviceAccountToken"]) {
                fallback(token, "expirationSeconds", 3600);
            }
        }
    }
    let own = [
        ("hostPath", json!({"type": ""})),
        ("iscsi", json!({"iscsiInterface": "default"})),
        (
            "rbd",
            json!({"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"}),
        ),
        (
            "azureDisk",
            json!({"cachingMode": "ReadWrite", "fsType": "ext4", "readOnly": false, "kind": "Shared"}),
        ),
        (
            "scaleIO",
            json!({"storageMode": "ThinProvisioned", "fsType": "xfs"}),
        ),
    ];
    for (name, defaults) in own {
        if let Some(source) = at(volume, &[name]) {
            for (field, default) in defaults.as_object().into_iter().flatten() {
                fallback(source, field, default.clone());
            }
        }
    }
    if let Some(claim) = at(volume, &["ephemeral", "volumeClaimTemplate", "spec"]) {
        fallback(claim, "volumeMode", "Filesystem");
    }
    let policy = pull_policy(text_at(volume, "/image/reference"));
    if let Some(image) = at(volume, &["image"]) {
        fallback(image, "pullPolicy", policy);
    }
}

fn fields(source: &mut Value) {
    for item in each(source, "items") {
        if let Some(field) = at(item, &["fieldRef"]) {
            fallback(field, "apiVersion", "v1");
        }
    }
}
