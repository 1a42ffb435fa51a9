//! The rights that the executor needs, and no others.

use istio_planner::Request;
use serde_json::{Value, json};

/// The name of the role that may write, and of its binding.
const NAME: &str = "refit";

/// The name of the role that may only read, and of its binding.
const READER: &str = "refit-reader";

/// Leases that are written: our own, and the one by which istiod's replicas agree who makes gateways.
const LEASES: [&str; 2] = ["refit", "istio-gateway-deployment-default"];

/// Kinds that the charts of a release hold, by group: what an apply writes.
const WRITTEN: [(&str, &[&str]); 10] = [
    (
        "",
        &[
            "configmaps",
            "resourcequotas",
            "serviceaccounts",
            "services",
        ],
    ),
    ("discovery.k8s.io", &["endpointslices"]),
    (
        "admissionregistration.k8s.io",
        &[
            "mutatingwebhookconfigurations",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
            "validatingwebhookconfigurations",
        ],
    ),
    ("apiextensions.k8s.io", &["customresourcedefinitions"]),
    ("apps", &["daemonsets", "deployments", "statefulsets"]),
    ("autoscaling", &["horizontalpodautoscalers"]),
    ("networking.k8s.io", &["networkpolicies"]),
    ("policy", &["poddisruptionbudgets"]),
    ("networking.istio.io", &["envoyfilters"]),
    ("k8s.cni.cncf.io", &["network-attachment-definitions"]),
];

/// Returns the `ClusterRole`: what planning reads, and, unless `read_only`, what performing writes.
pub fn role(read_only: bool) -> Value {
    let requirement = istio_planner::required(&Request::default());
    let read = ["get", "list", "watch"];
    // One rule for all kinds by name: a group that lacks one of them gives nothing for it.
    let mut kinds: Vec<&str> = requirement.kinds.clone();
    kinds.push("customresourcedefinitions");
    let groups: Vec<&str> = crate::snapshot::BUILT_IN.to_vec();
    let mut rules = vec![rule(&groups, &kinds, &read), rule(&CUSTOM, &["*"], &read)];
    if !read_only {
        let write = ["create", "patch", "update", "delete"];
        rules.extend(
            WRITTEN
                .iter()
                .map(|(group, kinds)| rule(&[*group], kinds, &write)),
        );
        // Istio's own roles grant more than this one holds: writing them takes these two verbs.
        let rbac = ["rbac.authorization.k8s.io"];
        let mut grant = write.to_vec();
        grant.extend(["bind", "escalate"]);
        rules.push(rule(&rbac, &["clusterroles", "roles"], &grant));
        rules.push(rule(
            &rbac,
            &["clusterrolebindings", "rolebindings"],
            &write,
        ));
        // The control plane's, where it is not there yet.
        rules.push(rule(&[""], &["namespaces"], &["create"]));
        rules.push(rule(&[""], &["pods"], &["delete"]));
        rules.push(rule(&[""], &["pods/eviction"], &["create"]));
        rules.push(rule(&[""], &["pods/log"], &["get"]));
        rules.push(rule(&["argoproj.io"], &["rollouts"], &["patch"]));
        // A name cannot be asked for where nothing is there yet.
        let coordination = ["coordination.k8s.io"];
        rules.push(rule(&coordination, &["leases"], &["create"]));
        let mut leases = rule(
            &coordination,
            &["leases"],
            &["get", "update", "patch", "delete"],
        );
        leases["resourceNames"] = json!(LEASES);
        rules.push(leases);
    }
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": { "name": name(read_only) },
        "rules": rules,
    })
}

/// API groups that are read whole, where the cluster has them. RBAC knows no patterns, so they are named.
const CUSTOM: [&str; 14] = [
    "argoproj.io",
    "authentication.istio.io",
    "config.istio.io",
    "extensions.istio.io",
    "gateway.networking.k8s.io",
    "inference.networking.k8s.io",
    "install.istio.io",
    "k8s.cni.cncf.io",
    "networking.istio.io",
    "rbac.istio.io",
    "sailoperator.io",
    "security.istio.io",
    "telemetry.istio.io",
    "operator.istio.io",
];

/// Returns the service account.
pub fn service_account(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": { "namespace": namespace, "name": name },
    })
}

/// Returns the binding of the role to a service account.
pub fn binding(read_only: bool, namespace: &str, account: &str) -> Value {
    let name = name(read_only);
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": { "name": name },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name },
        "subjects": [{ "kind": "ServiceAccount", "namespace": namespace, "name": account }],
    })
}

/// Writes objects as YAML documents.
pub fn documents(objects: &[Value]) -> String {
    objects
        .iter()
        .map(kube_yaml::to_string)
        .collect::<Vec<_>>()
        .join("---\n")
}

fn name(read_only: bool) -> &'static str {
    if read_only { READER } else { NAME }
}

fn rule(groups: &[&str], kinds: &[&str], verbs: &[&str]) -> Value {
    json!({ "apiGroups": groups, "resources": kinds, "verbs": verbs })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(role: &Value, verb: &str, kind: &str) -> bool {
        let has = |it: &Value, wanted: &str| it.as_array().unwrap().iter().any(|it| it == wanted);
        role["rules"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| has(&it["verbs"], verb) && has(&it["resources"], kind))
    }

    #[test]
    fn secrets_are_out_of_reach() {
        for verb in ["get", "list", "watch", "create", "patch", "delete"] {
            assert!(!grants(&role(false), verb, "secrets"), "{verb}");
        }
    }

    #[test]
    fn the_role_that_is_printed_is_the_one_that_is_bound() {
        for read_only in [true, false] {
            let binding = binding(read_only, "n", "a");
            assert_eq!(
                binding["roleRef"]["name"],
                role(read_only)["metadata"]["name"]
            );
        }
    }

    #[test]
    fn other_leases_and_namespaces_are_left_alone() {
        let role = role(false);
        for rule in role["rules"].as_array().unwrap() {
            let has = |field: &str, wanted: &str| {
                rule[field]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|it| it == wanted)
            };
            assert!(!(has("resources", "namespaces") && has("verbs", "delete")));
            assert!(
                !(has("resources", "leases") && has("verbs", "update"))
                    || rule["resourceNames"] == json!(LEASES)
            );
        }
        assert!(grants(&role, "get", "pods/log"));
    }

    #[test]
    fn a_reader_cannot_write() {
        let role = role(true);
        for verb in ["create", "patch", "update", "delete", "escalate"] {
            assert!(
                !grants(&role, verb, "deployments") && !grants(&role, verb, "clusterroles"),
                "{verb}"
            );
        }
        assert!(grants(&role, "list", "pods"));
    }

    #[test]
    fn every_kind_that_a_plan_reads_may_be_read() {
        for kind in istio_planner::required(&Request::default()).kinds {
            assert!(grants(&role(true), "list", kind), "{kind}");
        }
    }
}
