//! `ca-change`: who signs the certificates of the mesh afterwards.

use istio_catalog::{ComponentName, revisioned};
use serde_json::Value;

use super::Code;
use super::Explanation;
use super::links::CERTIFICATES;
use super::{Desired, Situation, count, enumerate, text};
use crate::inventory::{istiod_container, istiod_environment};
use crate::outcome::{ControlPlane, Finding, Level, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The apply changes the trust domain, the address or provider of the certificate authority, or the roots that \
              the mesh trusts.",
    why: "Identities and signatures of proxies started before and after differ. Until everything is restarted they may \
          refuse each other, and authorization policies by principal match other callers.",
    settle: "Keep the live values in the request. Change the authority apart from an upgrade: trust both, change, restart, \
             then drop the old one.",
    source: "1.31:pkg/config/mesh/mesh.go; 1.31:pilot/pkg/features/security.go",
    link: CERTIFICATES,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let finding = situation
        .control_plane()
        .zip(situation.desired.as_ref())
        .and_then(|(plane, desired)| settings(situation, plane, desired));
    finding.into_iter().collect()
}

/// Where the certificate authority is said in the MeshConfig, and what holds where nothing is said
/// (1.31:pkg/config/mesh/mesh.go, `DefaultMeshConfig`).
const MESH: [(&str, &str); 5] = [
    ("trustDomain", "cluster.local"),
    ("trustDomainAliases", ""),
    ("caCertificates", ""),
    ("certificates", ""),
    ("ca", ""),
];

/// Where the injector's values say it.
const VALUES: [(&str, &str); 5] = [
    ("caAddress", ""),
    ("caName", ""),
    ("pilotCertProvider", "istiod"),
    ("certSigners", ""),
    ("trustBundleName", "istio-ca-root-cert"),
];

/// The environment of istiod that says it (1.31:pilot/pkg/features/security.go, security/pkg/pki).
const VARIABLES: [(&str, &str); 10] = [
    ("ENABLE_CA_SERVER", "true"),
    ("EXTERNAL_CA", ""),
    ("PILOT_CERT_PROVIDER", "istiod"),
    ("ROOT_CA_DIR", "./etc/cacerts"),
    ("CERT_SIGNER_DOMAIN", ""),
    ("K8S_SIGNER", ""),
    ("USE_CACERTS_FOR_SELF_SIGNED_CA", "false"),
    ("CITADEL_ENABLE_JITTER_FOR_ROOT_CERT_ROTATOR", "true"),
    ("ISTIO_MULTIROOT_MESH", "false"),
    ("CITADEL_SELF_SIGNED_CA_CERT_TTL", "87600h0m0s"),
];

/// Settings that decide who signs, and that the apply changes.
fn settings(situation: &Situation, plane: &ControlPlane, desired: &Desired) -> Option<Finding> {
    let pilot = desired
        .rendering
        .components
        .iter()
        .find(|it| it.name == ComponentName::Pilot)?;
    let mut changes = Vec::new();
    let mut subjects = Vec::new();
    for (kind, group, name, read) in SOURCES {
        let name = revisioned(name, &plane.revision);
        let live = situation.objects(group, kind).find(|(object, _)| {
            object.name == name && object.namespace.as_deref() == Some(plane.namespace.as_str())
        });
        let rendered = pilot.objects.iter().find(|it| {
            text(it, "/kind") == Some(kind) && text(it, "/metadata/name") == Some(name.as_str())
        });
        let (Some((object, kept)), Some(rendered)) = (live, rendered) else {
            continue;
        };
        let (Some(live), Some(rendered)) = (read(&kept.value), read(rendered)) else {
            continue;
        };
        for ((path, from), (_, to)) in live.iter().zip(&rendered) {
            if from == to {
                continue;
            }
            changes.push(format!("{path} from {} to {}", shown(from), shown(to)));
            subjects.push(
                Subject::kept(object, kept)
                    .field(path.as_str())
                    .value(from.as_str()),
            );
        }
    }
    let finding = Finding::new(
        Code::CaChange,
        Level::Warn,
        format!(
            "The apply changes {} of the certificate authority",
            count(changes.len(), "setting")
        ),
        format!(
            "It sets {}. Proxies that run keep the identity and the roots they have; those that are restarted get others, \
             and the two may refuse each other, or match other policies, until all are renewed",
            enumerate(&changes)
        ),
    );
    (!changes.is_empty()).then(|| {
        finding.about(subjects).fix(
            "Keep the live values in the request, and change the authority in a window of its own: first let everybody \
             trust both (`meshConfig.trustDomainAliases`, both roots in `cacerts`), then change, then restart",
        )
    })
}

/// Settings of an object by where they stand there, in a fixed order.
type Read = fn(&Value) -> Option<Vec<(String, String)>>;

const SOURCES: [(&str, &str, &str, Read); 3] = [
    ("ConfigMap", "", "istio", of_mesh),
    ("ConfigMap", "", "istio-sidecar-injector", of_injector),
    ("Deployment", "apps", "istiod", of_environment),
];

fn of_mesh(config_map: &Value) -> Option<Vec<(String, String)>> {
    let mesh = kube_yaml::from_str(text(config_map, "/data/mesh")?).ok()?;
    let of = |(field, default): &(&str, &str)| {
        (
            format!("data.mesh.{field}"),
            printed(mesh.get(field), default),
        )
    };
    Some(MESH.iter().map(of).collect())
}

fn of_injector(config_map: &Value) -> Option<Vec<(String, String)>> {
    let values: Value = serde_json::from_str(text(config_map, "/data/values")?).ok()?;
    let global = values.get("global")?;
    let of = |(field, default): &(&str, &str)| {
        (
            format!("data.values.global.{field}"),
            printed(global.get(field), default),
        )
    };
    Some(VALUES.iter().map(of).collect())
}

fn of_environment(deployment: &Value) -> Option<Vec<(String, String)>> {
    istiod_container(deployment)?;
    let of = |(name, default): &(&str, &str)| {
        let entry = istiod_environment(deployment).find(|it| it.0 == *name);
        let value = entry.and_then(|(_, it)| it.get("value").or_else(|| it.get("valueFrom")));
        (
            format!("spec.template.spec.containers[name=discovery].env[name={name}]"),
            printed(value, default),
        )
    };
    Some(VARIABLES.iter().map(of).collect())
}

/// A value as one text; nothing, and what holds nothing, is the default.
fn printed(value: Option<&Value>, default: &str) -> String {
    match value {
        None | Some(Value::Null) => default.to_owned(),
        Some(Value::Array(it)) if it.is_empty() => default.to_owned(),
        Some(Value::Object(it)) if it.is_empty() => default.to_owned(),
        Some(Value::String(it)) if it.is_empty() => default.to_owned(),
        Some(Value::String(it)) => it.clone(),
        Some(other) => other.to_string(),
    }
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "nothing" } else { value }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Code, check};
    use crate::rules::fixture::Cluster;

    fn mesh(trust_domain: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "istio", "namespace": "istio-system"},
            "data": {"mesh": trust_domain}})
    }

    fn istiod(env: &Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "istiod", "namespace": "istio-system"},
            "spec": {"template": {"spec": {"containers": [{"name": "discovery", "env": env}]}}}})
    }

    #[test]
    fn another_trust_domain_or_authority_is_a_change() {
        let mut cluster = Cluster::new();
        cluster.object(mesh("trustDomain: cluster.local"));
        cluster.object(istiod(&json!([])));
        cluster.render("Pilot", mesh("trustDomain: other.domain"));
        let pilot = &mut cluster.rendering.as_mut().unwrap().components[0].objects;
        pilot.push(istiod(
            &json!([{"name": "ENABLE_CA_SERVER", "value": "false"}]),
        ));
        let findings = cluster.check(check);
        assert_eq!(findings[0].code, Code::CaChange);
        assert_eq!(
            findings[0].title,
            "The apply changes 2 settings of the certificate authority"
        );
        assert_eq!(findings[0].subjects[0].value, Some(json!("cluster.local")));
    }

    #[test]
    fn what_was_the_default_and_is_said_now_is_no_change() {
        let mut cluster = Cluster::new();
        cluster.object(mesh("{}"));
        cluster.object(istiod(&json!([])));
        cluster.render("Pilot", mesh("trustDomain: cluster.local"));
        let pilot = &mut cluster.rendering.as_mut().unwrap().components[0].objects;
        pilot.push(istiod(
            &json!([{"name": "ENABLE_CA_SERVER", "value": "true"}]),
        ));
        assert!(cluster.check(check).is_empty());
    }
}
