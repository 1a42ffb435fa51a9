//! The rights that the executor needs, and no others.

use istio_planner::Request;
use istio_planner::plan::{Plan, Wait, gateway_lease};
use serde_json::{Value, json};

use crate::journal::seal;

/// The name of the role that may write, and of its binding.
const NAME: &str = "refit";

/// The name of the role that may only read, and of its binding.
const READER: &str = "refit-reader";

/// The name of the role that asks Prometheus, and of its binding.
const GATES: &str = "refit-gates";

/// The Lease of refit itself.
const LEASE: &str = "refit";

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

/// What a role is for.
#[derive(Debug, Clone, Copy)]
pub enum Purpose<'a> {
    /// Planning, which only reads.
    Planning,
    /// Performing, with the Leases of istiod that may be taken (see [`leases`]).
    Performing(&'a [String]),
}

/// Returns the Leases by which the istiods of these revisions agree who makes gateways; of the default one where there are
/// none.
pub fn leases(revisions: &[String]) -> Vec<String> {
    if revisions.is_empty() {
        return vec![gateway_lease("")];
    }
    revisions.iter().map(|it| gateway_lease(it)).collect()
}

/// Returns the Leases that a plan may take.
pub fn leases_of(plan: &Plan) -> Vec<String> {
    let waits = plan.steps.iter().flat_map(|it| &it.waits);
    let mut names: Vec<String> = waits
        .filter_map(|it| match it {
            Wait::AutoRollout { lock, .. } => Some(lock.as_ref()?.name.clone()),
            _ => None,
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Returns the `ClusterRole`.
pub fn role(purpose: Purpose<'_>) -> Value {
    let requirement = istio_planner::required(&Request::default());
    let read = ["get", "list", "watch"];
    // One rule for all kinds by name: a group that lacks one of them gives nothing for it.
    let mut kinds: Vec<&str> = requirement.kinds.clone();
    kinds.push("customresourcedefinitions");
    let groups: Vec<&str> = crate::snapshot::BUILT_IN.to_vec();
    let mut rules = vec![rule(&groups, &kinds, &read), rule(&CUSTOM, &["*"], &read)];
    if let Purpose::Performing(taken) = purpose {
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
        // The key that seals the journal, and no other Secret; a name cannot be asked for where nothing is there yet.
        rules.push(rule(&[""], &["secrets"], &["create"]));
        let mut key = rule(&[""], &["secrets"], &["get"]);
        key["resourceNames"] = json!([seal::SECRET]);
        rules.push(key);
        let coordination = ["coordination.k8s.io"];
        rules.push(rule(&coordination, &["leases"], &["create"]));
        let mut leases = rule(
            &coordination,
            &["leases"],
            &["get", "update", "patch", "delete"],
        );
        let names: Vec<&str> = [LEASE]
            .into_iter()
            .chain(taken.iter().map(String::as_str))
            .collect();
        leases["resourceNames"] = json!(names);
        rules.push(leases);
    }
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": { "name": name(purpose) },
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
pub fn binding(purpose: Purpose<'_>, namespace: &str, account: &str) -> Value {
    let name = name(purpose);
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": { "name": name },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name },
        "subjects": [{ "kind": "ServiceAccount", "namespace": namespace, "name": account }],
    })
}

/// Returns the role that reads one Service through the API server, and its binding to a service account: what gates need
/// whose Prometheus is `svc/NAMESPACE/NAME` (`name` with its port, as it is given there).
pub fn prometheus(service: (&str, &str), account: Option<(&str, &str)>) -> Vec<Value> {
    let (namespace, name) = service;
    let mut read = rule(&[""], &["services/proxy"], &["get"]);
    read["resourceNames"] = json!([name]);
    let mut objects = vec![json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": { "namespace": namespace, "name": GATES },
        "rules": [read],
    })];
    objects.extend(account.map(|(of, account)| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": { "namespace": namespace, "name": GATES },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": GATES },
            "subjects": [{ "kind": "ServiceAccount", "namespace": of, "name": account }],
        })
    }));
    objects
}

/// Writes objects as YAML documents.
pub fn documents(objects: &[Value]) -> String {
    objects
        .iter()
        .map(kube_yaml::to_string)
        .collect::<Vec<_>>()
        .join("---\n")
}

fn name(purpose: Purpose<'_>) -> &'static str {
    match purpose {
        Purpose::Planning => READER,
        Purpose::Performing(_) => NAME,
    }
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
    fn secrets_are_out_of_reach_but_for_the_key() {
        for verb in ["list", "watch", "update", "patch", "delete"] {
            assert!(
                !grants(&role(Purpose::Performing(&[])), verb, "secrets"),
                "{verb}"
            );
        }
        for verb in ["get", "create"] {
            assert!(!grants(&role(Purpose::Planning), verb, "secrets"), "{verb}");
        }
        let role = role(Purpose::Performing(&[]));
        for rule in role["rules"].as_array().unwrap() {
            let has = |field: &str, wanted: &str| {
                rule[field]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|it| it == wanted)
            };
            assert!(
                !(has("resources", "secrets") && has("verbs", "get"))
                    || rule["resourceNames"] == json!([seal::SECRET])
            );
        }
    }

    #[test]
    fn the_role_that_is_printed_is_the_one_that_is_bound() {
        for purpose in [Purpose::Planning, Purpose::Performing(&[])] {
            let binding = binding(purpose, "n", "a");
            assert_eq!(
                binding["roleRef"]["name"],
                role(purpose)["metadata"]["name"]
            );
        }
    }

    #[test]
    fn other_leases_and_namespaces_are_left_alone() {
        let named = leases(&["canary".to_owned()]);
        let role = role(Purpose::Performing(&named));
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
                    || rule["resourceNames"] == json!(["refit", "istio-gateway-deployment-canary"])
            );
        }
        assert!(grants(&role, "get", "pods/log"));
    }

    #[test]
    fn one_service_is_asked_and_no_other() {
        let service = ("monitoring", "prometheus:9090");
        let objects = prometheus(service, Some(("istio-system", "refit")));
        assert_eq!(objects[0]["rules"].as_array().unwrap().len(), 1);
        assert_eq!(
            objects[0]["rules"][0]["resourceNames"],
            json!(["prometheus:9090"])
        );
        assert_eq!(objects[1]["metadata"]["namespace"], "monitoring");
        assert_eq!(objects[1]["subjects"][0]["namespace"], "istio-system");
        assert_eq!(prometheus(service, None).len(), 1);
    }

    #[test]
    fn a_reader_cannot_write() {
        let role = role(Purpose::Planning);
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
            assert!(grants(&role(Purpose::Planning), "list", kind), "{kind}");
        }
    }
}
