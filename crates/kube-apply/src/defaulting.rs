//! What the API server makes of an object on its way to storage: canonical values, defaults, fields that it keeps.
//!
//! The rules are those of Kubernetes v1.36.3 (`pkg/apis/*/v1/defaults.go`, `zz_generated.defaults.go`, the registries'
//! strategies). Values that a server alone can choose (addresses, node ports) stay absent in what is created.

mod custom;
mod decode;
mod pod;
pub mod quantity;
mod registration;
mod service;
mod workload;

use serde_json::Value;

use crate::schema::{Schemas, group_of};

/// What defaults depend on in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The address family of Services that ask for none: `IPv4` or `IPv6`.
    pub ip_family: String,
    /// Services get addresses of both families where they prefer to.
    pub dual_stack: bool,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            ip_family: "IPv4".to_owned(),
            dual_stack: false,
        }
    }
}

impl Cluster {
    /// Learns from the Services of a cluster, first of all from `default/kubernetes`.
    pub fn new(services: &[&Value]) -> Self {
        let families = |it: &Value| -> Vec<String> {
            let list = it.pointer("/spec/ipFamilies").and_then(Value::as_array);
            let list = list.into_iter().flatten().filter_map(Value::as_str);
            list.map(str::to_owned).collect()
        };
        let has_address = |it: &&&Value| {
            it.pointer("/spec/clusterIP")
                .is_some_and(|ip| ip.as_str() != Some("None"))
        };
        let is_server = |it: &&&Value| {
            it.pointer("/metadata/name").and_then(Value::as_str) == Some("kubernetes")
                && it.pointer("/metadata/namespace").and_then(Value::as_str) == Some("default")
        };
        let all = || services.iter().filter(has_address);
        let first = all()
            .find(is_server)
            .or_else(|| all().next())
            .map(|it| families(it));
        let default = Self::default();
        Self {
            ip_family: first
                .and_then(|it| it.into_iter().next())
                .unwrap_or(default.ip_family),
            dual_stack: all().any(|it| families(it).len() == 2),
        }
    }
}

/// Returns an object as the API server stores it.
///
/// `live` is the object before the write, `object` what the write makes of it ([`crate::ownership`]).
pub fn complete(
    schemas: &Schemas,
    cluster: &Cluster,
    live: Option<&Value>,
    object: Value,
) -> Value {
    let text = |field: &str| {
        object
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    if let Some(schema) = schemas.structural(&api_version, &kind) {
        return custom::complete(schema, object);
    }
    if !schemas.is_builtin(&api_version, &kind) {
        return object;
    }
    let root = schemas.root(&api_version, &kind);
    let mut object = decode::decode(schemas, root, object);
    match (group_of(&api_version), kind.as_str()) {
        ("", "Service") => service::complete(cluster, live, &mut object),
        ("", "Pod") => pod::pod(&mut object),
        ("", "Secret") => fallback(&mut object, "type", "Opaque"),
        ("", "Namespace") => namespace(&mut object),
        ("apps" | "batch" | "autoscaling", _) => workload::complete(&kind, &mut object),
        ("rbac.authorization.k8s.io", _) => role(&mut object),
        ("networking.k8s.io", "NetworkPolicy") => network_policy(&mut object),
        ("admissionregistration.k8s.io" | "apiextensions.k8s.io", _) => {
            registration::complete(schemas, &mut object);
        }
        _ => {}
    }
    decode::encode(schemas, root, object)
}

/// Sets a field that is absent.
fn fallback(object: &mut Value, field: &str, default: impl Into<Value>) {
    if let Some(map) = object.as_object_mut() {
        map.entry(field).or_insert_with(|| default.into());
    }
}

/// Returns what stands at a path of fields.
fn at<'a>(object: &'a mut Value, path: &[&str]) -> Option<&'a mut Value> {
    path.iter().try_fold(object, |it, field| it.get_mut(*field))
}

/// Returns the elements of a list.
fn each<'a>(object: &'a mut Value, field: &str) -> impl Iterator<Item = &'a mut Value> + use<'a> {
    object
        .get_mut(field)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

fn text_at<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn remove(object: &mut Value, field: &str) -> Option<Value> {
    object.as_object_mut()?.remove(field)
}

fn namespace(object: &mut Value) {
    let name = text_at(object, "/metadata/name").to_owned();
    let Some(metadata) = at(object, &["metadata"]) else {
        return;
    };
    fallback(metadata, "labels", serde_json::json!({}));
    if let Some(labels) = at(metadata, &["labels"]) {
        labels["kubernetes.io/metadata.name"] = name.into();
    }
}

/// kubernetes@v1.36.3:pkg/apis/rbac/v1/defaults.go.
fn role(object: &mut Value) {
    const GROUP: &str = "rbac.authorization.k8s.io";
    let role = at(object, &["roleRef"]);
    if let Some(role) = role.filter(|it| text_at(it, "/apiGroup").is_empty()) {
        role["apiGroup"] = GROUP.into();
    }
    for subject in each(object, "subjects") {
        if matches!(text_at(subject, "/kind"), "User" | "Group") {
            fallback(subject, "apiGroup", GROUP);
        }
    }
}

/// kubernetes@v1.36.3:pkg/apis/networking/v1/defaults.go.
fn network_policy(object: &mut Value) {
    let Some(spec) = at(object, &["spec"]) else {
        return;
    };
    let mut types = vec!["Ingress"];
    if spec.get("egress").is_some() {
        types.push("Egress");
    }
    fallback(spec, "policyTypes", types);
    for direction in ["ingress", "egress"] {
        for rule in each(spec, direction) {
            for port in each(rule, "ports") {
                fallback(port, "protocol", "TCP");
            }
        }
    }
}

#[cfg(test)]
mod tests;
