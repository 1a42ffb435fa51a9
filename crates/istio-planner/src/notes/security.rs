//! Facts about identities, policies and who may ask istiod.

use serde_json::Value;

use super::cluster::{Cluster, of_workload};
use super::{Affects, Fact, Setting};
use crate::outcome::{Code, Level, Subject};

pub(super) const FACTS: &[Fact] = &[
    Fact {
        code: Code::DebugEndpoints,
        since: &[(27, 6), (28, 4), (29, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "istiod's debug endpoints show little to callers of other namespaces",
        detail: "Callers outside the control plane's namespace see config_dump, ndsz and edsz of their own namespace \
                 alone. These workloads read the debug endpoints of istiod.",
        fix: "Move them into the control plane's namespace, or let them do without.",
        setting: Some(Setting {
            path: "pilot.env.ENABLE_DEBUG_ENDPOINT_AUTH",
            old: "false",
        }),
        source: "releasenotes/notes/debug-endpoint-authorization.yaml",
        reverses: true,
        evidence: debug_readers,
    },
    Fact {
        code: Code::DebugOverXds,
        since: &[(27, 8), (28, 5), (29, 1), (30, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::ControlPlane,
        title: "Debug requests over istiod's plain-text port 15010 have to authenticate",
        detail: "Tools that use it without a certificate (`istioctl --plaintext`, own clients) are refused.",
        fix: "Use the port 15012, or the way through the API server that istioctl takes.",
        setting: Some(Setting {
            path: "pilot.env.ENABLE_DEBUG_ENDPOINT_AUTH",
            old: "false",
        }),
        source: "releasenotes/notes/statusgen-xds-auth.yaml",
        reverses: true,
        evidence: debug_readers,
    },
    Fact {
        code: Code::ConfigurationOverXds,
        since: &[(29, 7), (30, 4), (31, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "Only control planes may read Istio's configuration over xDS",
        detail: "A consumer of another istiod's configuration without a control plane's identity is refused. This mesh \
                 reads such a source.",
        fix: "Give the consumer an identity of the control plane's namespace.",
        setting: Some(Setting {
            path: "pilot.env.ENABLE_XDS_API_GENERATOR_AUTH",
            old: "false",
        }),
        source: "releasenotes/notes/xds-api-generator-auth.yaml",
        reverses: true,
        evidence: |cluster| {
            let sources = cluster
                .mesh()
                .get("configSources")
                .and_then(Value::as_array);
            let sources = sources.into_iter().flatten().enumerate().filter(|(_, it)| {
                it.get("address")
                    .and_then(Value::as_str)
                    .is_some_and(|it| it.starts_with("xds://"))
            });
            sources
                .filter_map(|(index, _)| {
                    cluster.mesh_subject(&format!("configSources[{index}].address"))
                })
                .collect()
        },
    },
    Fact {
        code: Code::JwksFailClosed,
        since: &[(27, 8), (28, 5), (29, 1), (30, 0)],
        until: &[],
        level: Level::Info,
        affects: Affects::ControlPlane,
        title: "While the keys of a RequestAuthentication cannot be fetched, no token is valid",
        detail: "Before, a key pair that is public stood in, so that anyone could make valid tokens meanwhile.",
        fix: "Check that istiod reaches these addresses.",
        setting: None,
        source: "releasenotes/notes/jwks-private-key-leak.yaml",
        reverses: true,
        evidence: fetched_keys,
    },
    Fact {
        code: Code::PolicyNamesLiteral,
        since: &[(28, 7), (29, 3), (30, 0)],
        until: &[],
        level: Level::Warn,
        affects: Affects::ControlPlane,
        title: "Names in AuthorizationPolicies are taken literally",
        detail: "Before, a dot or bracket in a namespace, or in a principal that begins with `*`, matched as in a \
                 regular expression. These policies may have let in more callers than they name.",
        fix: "Check that every caller that is meant is named.",
        setting: None,
        source: "releasenotes/notes/59992.yaml",
        reverses: true,
        evidence: patterns_in_policies,
    },
];

/// Names workloads outside the control plane's namespace that are known to read istiod's debug endpoints.
pub(super) fn debug_readers(cluster: &Cluster) -> Vec<Subject> {
    const READERS: &[&str] = &["kiali"];
    let is_reader = |name: Option<&String>| name.is_some_and(|it| READERS.contains(&it.as_str()));
    let readers = cluster.workloads().filter(|it| {
        let labels = &it.template_labels;
        it.namespace != cluster.namespace
            && (is_reader(Some(&it.name))
                || is_reader(labels.get("app"))
                || is_reader(labels.get("app.kubernetes.io/name")))
    });
    readers
        .map(|it| of_workload(it).field("metadata.namespace"))
        .collect()
}

fn fetched_keys(cluster: &Cluster) -> Vec<Subject> {
    let mut found = Vec::new();
    for item in cluster.objects("security.istio.io", "RequestAuthentication") {
        for (index, rule) in item.items("/spec/jwtRules").iter().enumerate() {
            let given = rule
                .get("jwks")
                .and_then(Value::as_str)
                .is_some_and(|it| !it.is_empty());
            if !given {
                found.push(item.subject(&format!("spec.jwtRules[{index}].jwksUri")));
            }
        }
    }
    found
}

fn patterns_in_policies(cluster: &Cluster) -> Vec<Subject> {
    let special = |it: &str| it.contains(['.', '[', ']', '(', ')', '+', '?', '|', '^', '$']);
    let mut found = Vec::new();
    for item in cluster.objects("security.istio.io", "AuthorizationPolicy") {
        for subject in item.strings("/spec/rules", &special) {
            let field = subject.field.as_deref().unwrap_or_default();
            let text = subject
                .value
                .as_ref()
                .and_then(Value::as_str)
                .unwrap_or_default();
            let principal =
                field.contains(".source.principals") || field.contains(".source.notPrincipals");
            let namespace =
                field.contains(".source.namespaces") || field.contains(".source.notNamespaces");
            if namespace || (principal && text.starts_with('*')) {
                found.push(subject);
            }
        }
    }
    found
}
