//! What a request needs before it can be planned.

use super::Request;
use istio_catalog::Version;

/// Kinds that every plan reads, as `kubectl` names them.
pub(crate) const KINDS: [&str; 25] = [
    "namespaces",
    "nodes",
    "pods",
    "replicasets",
    "deployments",
    "daemonsets",
    "statefulsets",
    "jobs",
    "cronjobs",
    "services",
    "endpointslices",
    "configmaps",
    "serviceaccounts",
    "mutatingwebhookconfigurations",
    "validatingwebhookconfigurations",
    "poddisruptionbudgets",
    "horizontalpodautoscalers",
    "clusterroles",
    "clusterrolebindings",
    "roles",
    "rolebindings",
    "networkpolicies",
    "resourcequotas",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
];

/// API groups whose every listable kind is read, where the cluster has them.
pub(crate) const GROUPS: [&str; 6] = [
    "istio.io",
    "gateway.networking.k8s.io",
    "inference.networking.k8s.io",
    "argoproj.io",
    "sailoperator.io",
    "cni.cncf.io",
];

/// What a request needs before it can be planned: the one round trip to the cluster and to the release store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// Versions of the releases that are needed for certain; the cluster adds its own, see [`crate::needs::releases`].
    pub releases: Vec<String>,
    /// Kinds to list in all namespaces, as `kubectl` names them.
    pub kinds: Vec<&'static str>,
    /// API groups (and groups ending in `.` and their name) of which every listable kind is read.
    pub groups: Vec<&'static str>,
    /// Shell lines that export all of it.
    pub commands: Commands,
}

/// Shell lines that export what a plan reads, one for each file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commands {
    /// All objects but CRDs.
    pub objects: String,
    /// CRDs.
    pub crds: String,
    /// The server's version.
    pub version: String,
}

impl Commands {
    /// Returns them in order.
    pub fn lines(&self) -> [&str; 3] {
        [&self.objects, &self.crds, &self.version]
    }
}

/// Returns what `request` needs. Secrets are not among it.
pub fn required(request: &Request) -> Requirement {
    let groups = GROUPS
        .map(|it| format!("\\.{}$", it.replace('.', "\\.")))
        .join("|");
    Requirement {
        releases: Version::parse_release(&request.to)
            .map(|it| it.to_string())
            .into_iter()
            .collect(),
        kinds: KINDS.to_vec(),
        groups: GROUPS.to_vec(),
        commands: Commands {
            objects: format!(
                "kubectl get {},$(kubectl api-resources --verbs=list -o name | grep -E '{groups}' | paste -sd, -) \
                 -A --show-managed-fields -o yaml > cluster.yaml",
                KINDS.join(",")
            ),
            crds: "kubectl get customresourcedefinitions --show-managed-fields -o yaml > crds.yaml"
                .to_owned(),
            version: "kubectl version -o json > version.json".to_owned(),
        },
    }
}
