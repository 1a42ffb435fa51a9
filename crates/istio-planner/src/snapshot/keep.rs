//! Which objects are kept, and how much of them.

use istio_catalog::ComponentName;
use serde_json::Value;

use super::model::{Workload, installs_by_istioctl};
use super::wire::Metadata;

/// How an object is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// As a [`super::Pod`].
    Pod,
    /// As a [`super::Node`].
    Node,
    /// As a [`Workload`]; those that a release renders also whole.
    Workload,
    /// Metadata and type.
    Secret,
    /// The names, versions and, of Istio and of the Gateway API, schemas.
    Definition,
    /// Whole, if [`is_whole`] says so.
    Object,
    /// Only counted: there are many, and no rule reads them.
    Counted,
}

/// Returns how objects of a kind are kept.
pub(super) fn shape(group: &str, kind: &str) -> Shape {
    match (group, kind) {
        ("", "Pod") => Shape::Pod,
        ("", "Node") => Shape::Node,
        ("", "Secret") => Shape::Secret,
        ("apps" | "extensions", "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet")
        | ("batch", "Job" | "CronJob")
        | ("argoproj.io", "Rollout") => Shape::Workload,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => Shape::Definition,
        ("metrics.k8s.io", "PodMetrics") => Shape::Object,
        ("" | "events.k8s.io", "Event")
        | (
            "coordination.k8s.io" | "metrics.k8s.io" | "storage.k8s.io" | "certificates.k8s.io",
            _,
        )
        | ("apps", "ControllerRevision")
        | ("", "ReplicationController" | "PersistentVolume" | "ComponentStatus") => Shape::Counted,
        _ => Shape::Object,
    }
}

/// Returns whether an object is kept whole: everything that some release could render, with or without its labels, and
/// everything that a rule reads.
pub(super) fn is_whole(group: &str, kind: &str, metadata: &Metadata, beside_istiod: bool) -> bool {
    let name = metadata.name.as_str();
    let named = name.contains("istio") || name.contains("ztunnel");
    let ours = named || beside_istiod || metadata.labels().keys().any(|it| it.contains("istio"));
    match (group, kind) {
        (
            "",
            "Namespace" | "Service" | "ResourceQuota" | "LimitRange" | "PersistentVolumeClaim",
        )
        | (
            "autoscaling"
            | "admissionregistration.k8s.io"
            | "policies.kyverno.io"
            | "constraints.gatekeeper.sh",
            _,
        )
        | ("policy", "PodDisruptionBudget")
        | ("networking.k8s.io", "NetworkPolicy")
        | ("monitoring.coreos.com", "PrometheusRule" | "ServiceMonitor" | "PodMonitor")
        | ("kyverno.io", "ClusterPolicy" | "Policy") => true,
        ("", "ConfigMap") => {
            ours || name == "values"
                || name.starts_with("values-")
                || name == "cilium-config"
                || metadata.labels().keys().any(|it| it.contains("dashboard"))
        }
        ("", "Endpoints") | ("discovery.k8s.io", "EndpointSlice") => named,
        ("", "ServiceAccount") => ours || name.ends_with("-service-account"),
        ("rbac.authorization.k8s.io", _) => ours || name.ends_with("-sds"),
        _ => {
            ours || MESH_GROUPS
                .iter()
                .any(|it| group == *it || group.ends_with(&format!(".{it}")))
        }
    }
}

/// Whether a Helm release's `ConfigMap` could hold a script that installs by istioctl.
pub(super) fn may_hold_a_script(group: &str, kind: &str, metadata: &Metadata) -> bool {
    group.is_empty() && kind == "ConfigMap" && metadata.is_of_a_release()
}

/// Whether a `ConfigMap` holds such a script, or an `IstioOperator` file.
pub(super) fn holds_a_script(value: &Value) -> bool {
    let data = value.get("data").and_then(Value::as_object);
    data.into_iter()
        .flat_map(|it| it.values())
        .filter_map(Value::as_str)
        .any(|it| it.contains("kind: IstioOperator") || installs_by_istioctl(it))
}

/// Groups whose objects are all kept, with their subgroups.
const MESH_GROUPS: [&str; 14] = [
    "istio.io",
    "gateway.networking.k8s.io",
    "gateway.networking.x-k8s.io",
    "inference.networking.k8s.io",
    "inference.networking.x-k8s.io",
    "sailoperator.io",
    "maistra.io",
    "mesh.cloud.google.com",
    "argoproj.io",
    "toolkit.fluxcd.io",
    "k8s.cni.cncf.io",
    "kyverno.io",
    "sigstore.dev",
    "ratify.deislabs.io",
];

/// Returns whether a workload is a part of the mesh itself, though neither its name nor its labels say so.
pub(super) fn is_mesh_workload(workload: &Workload) -> bool {
    let labels = &workload.template_labels;
    let labelled = [
        "istio",
        "operator.istio.io/component",
        "install.operator.istio.io/owning-resource",
    ]
    .iter()
    .any(|it| labels.contains_key(*it));
    let templated = workload
        .template_annotations
        .contains_key("inject.istio.io/templates");
    labelled
        || templated
        || is_istiod(workload)
        || workload
            .template_containers
            .iter()
            .any(|it| it.name == "istio-proxy" || it.name == "install-cni")
}

/// Returns whether a workload runs istiod.
pub(super) fn is_istiod(workload: &Workload) -> bool {
    workload
        .template_containers
        .iter()
        .any(|it| it.name == ComponentName::Pilot.container())
}

/// Takes out of an object what no rule reads.
pub(super) fn reduce(group: &str, kind: &str, value: &mut Value) {
    if kind == "CustomResourceDefinition" {
        reduce_definition(value);
    }
    // istiod puts its root certificate into every namespace.
    if kind == "ConfigMap"
        && value.pointer("/metadata/name").and_then(Value::as_str) == Some("istio-ca-root-cert")
    {
        crate::fingerprint::reduce_root(value);
    }
    if kind == "PersistentVolumeClaim" {
        reduce_claim(value);
    }
    if (group == "argoproj.io" || group.ends_with("toolkit.fluxcd.io"))
        && let Some(object) = value.as_object_mut()
    {
        object.remove("status");
    }
}

/// Of a claim only its name and who may mount it matter.
fn reduce_claim(value: &mut Value) {
    for (pointer, kept) in [
        ("/metadata", &["name", "namespace", "resourceVersion"][..]),
        ("/spec", &["accessModes", "volumeName"][..]),
    ] {
        if let Some(map) = value.pointer_mut(pointer).and_then(Value::as_object_mut) {
            map.retain(|key, _| kept.contains(&key.as_str()));
        }
    }
    if let Some(object) = value.as_object_mut() {
        object.remove("status");
    }
}

/// Schemas matter only where a release applies the definition, or where its absence is told.
fn reduce_definition(value: &mut Value) {
    let name = value
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if name.ends_with(".istio.io")
        || name.ends_with(".networking.k8s.io")
        || name.ends_with(".networking.x-k8s.io")
    {
        return;
    }
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if let Some(annotations) = metadata
            .get_mut("annotations")
            .and_then(Value::as_object_mut)
        {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    spec.retain(|key, _| matches!(key.as_str(), "group" | "names" | "scope" | "versions"));
    let versions = spec.get_mut("versions").and_then(Value::as_array_mut);
    for version in versions.into_iter().flatten() {
        if let Some(version) = version.as_object_mut() {
            version.retain(|key, _| matches!(key.as_str(), "name" | "served" | "storage"));
        }
    }
}
