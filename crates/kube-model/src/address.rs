//! Which objects there are, and the paths that lead to them.

use serde_json::{Value, json};

/// Kinds that are served: version, kind, plural, whether in namespaces.
const KINDS: [(&str, &str, &str, bool); 16] = [
    ("v1", "ConfigMap", "configmaps", true),
    ("v1", "Namespace", "namespaces", false),
    ("v1", "Pod", "pods", true),
    ("v1", "Secret", "secrets", true),
    ("v1", "Service", "services", true),
    ("v1", "ServiceAccount", "serviceaccounts", true),
    ("apps/v1", "Deployment", "deployments", true),
    ("apps/v1", "ReplicaSet", "replicasets", true),
    (
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        true,
    ),
    ("coordination.k8s.io/v1", "Lease", "leases", true),
    (
        "discovery.k8s.io/v1",
        "EndpointSlice",
        "endpointslices",
        true,
    ),
    (
        "policy/v1",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        true,
    ),
    (
        "rbac.authorization.k8s.io/v1",
        "ClusterRole",
        "clusterroles",
        false,
    ),
    ("rbac.authorization.k8s.io/v1", "Role", "roles", true),
    (
        "admissionregistration.k8s.io/v1",
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
        false,
    ),
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations",
        false,
    ),
];

/// What tells an object from all others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// For example `apps/v1`.
    pub api_version: String,
    /// For example `Deployment`.
    pub kind: String,
    /// Empty for what stands in none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Key {
    /// Returns the key of an object, by what stands in it.
    pub fn new(object: &Value) -> Self {
        let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
        Self {
            api_version: text(&object["apiVersion"]),
            kind: text(&object["kind"]),
            namespace: text(&object["metadata"]["namespace"]),
            name: text(&object["metadata"]["name"]),
        }
    }

    /// Returns the path of the object; nothing for a kind that is not served.
    pub fn path(&self) -> Option<String> {
        let kind = kind(&self.api_version, |it| it.1 == self.kind)?;
        let place = if kind.3 {
            format!("namespaces/{}/", self.namespace)
        } else {
            String::new()
        };
        let root = root(&self.api_version);
        Some(format!(
            "{root}{}/{place}{}/{}",
            self.api_version, kind.2, self.name
        ))
    }

    /// The plural of the kind.
    pub(crate) fn plural(&self) -> &'static str {
        kind(&self.api_version, |it| it.1 == self.kind).map_or("", |it| it.2)
    }

    /// Kind or plural with its group, as the server names it in its words.
    pub(crate) fn grouped(&self, word: &str) -> String {
        match self.api_version.split_once('/') {
            Some((group, _)) => format!("{word}.{group}"),
            None => word.to_owned(),
        }
    }
}

/// The objects of a kind, or one of them.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) api_version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) namespace: String,
    pub(crate) name: Option<String>,
}

impl Place {
    pub(crate) fn key(&self, name: &str) -> Key {
        Key {
            api_version: self.api_version.to_owned(),
            kind: self.kind.to_owned(),
            namespace: self.namespace.clone(),
            name: name.to_owned(),
        }
    }
}

/// Reads a path.
pub(crate) fn place(path: &str) -> Option<Place> {
    let (version, rest) = KINDS.iter().find_map(|it| {
        let rest = path.strip_prefix(root(it.0))?.strip_prefix(it.0)?;
        Some((it.0, rest.strip_prefix('/')?))
    })?;
    let parts: Vec<&str> = rest.split('/').collect();
    let (namespace, plural, name) = match parts.as_slice() {
        ["namespaces", name] => ("", "namespaces", Some(*name)),
        ["namespaces", namespace, plural] => (*namespace, *plural, None),
        ["namespaces", namespace, plural, name] => (*namespace, *plural, Some(*name)),
        [plural] => ("", *plural, None),
        [plural, name] => ("", *plural, Some(*name)),
        _ => return None,
    };
    let kind = kind(version, |it| it.2 == plural)?;
    Some(Place {
        api_version: kind.0,
        kind: kind.1,
        namespace: namespace.to_owned(),
        name: name.map(str::to_owned),
    })
}

/// The kinds of a version, where a path asks for them.
pub(crate) fn discovery(path: &str) -> Option<Value> {
    let version = path
        .strip_prefix("/apis/")
        .or_else(|| path.strip_prefix("/api/"))?;
    let resources: Vec<Value> = KINDS
        .iter()
        .filter(|it| it.0 == version)
        .map(|it| {
            json!({
                "name": it.2,
                "kind": it.1,
                "namespaced": it.3,
                "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
            })
        })
        .collect();
    let list =
        json!({ "kind": "APIResourceList", "groupVersion": version, "resources": resources });
    (!resources.is_empty()).then_some(list)
}

type Kind = (&'static str, &'static str, &'static str, bool);

fn kind(version: &str, is_meant: impl Fn(&Kind) -> bool) -> Option<&'static Kind> {
    KINDS.iter().find(|it| it.0 == version && is_meant(it))
}

fn root(api_version: &str) -> &'static str {
    if api_version.contains('/') {
        "/apis/"
    } else {
        "/api/"
    }
}
