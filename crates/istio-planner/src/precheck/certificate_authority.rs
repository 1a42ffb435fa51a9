//! `root-certificates-differ`, `webhook-ca-differs`, `ca-change`: who signs the certificates of the mesh, and whether
//! everybody trusts him.
//!
//! istiod writes its root into a ConfigMap of every namespace and into the `caBundle` of its webhooks
//! (1.31:pilot/pkg/serviceregistry/kube/controller/namespacecontroller.go; pkg/webhooks/webhookpatch.go). The export's
//! certificates are kept as fingerprints alone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{DEFAULT_REVISION, Desired, Situation, count, enumerate, text};
use crate::finding::Code;
use crate::fingerprint::{ROOT_KEY, of_bundle};
use crate::outcome::{ControlPlane, Finding, Level, Ref, Subject};
use crate::snapshot::Object;

/// The ConfigMap with the root certificates of a namespace.
const ROOT: &str = "istio-ca-root-cert";

pub(super) fn check(it: &Situation) -> Vec<Finding> {
    let Some(plane) = it.control_plane() else {
        return Vec::new();
    };
    let roots = Roots::of(it);
    let own = roots.own(plane);
    [
        roots.differ(it, plane),
        own.and_then(|own| webhooks(it, plane, &own)),
        it.desired
            .as_ref()
            .and_then(|desired| settings(it, plane, desired)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Fingerprints by namespace.
struct Roots<'a>(BTreeMap<&'a str, (BTreeSet<&'a str>, &'a Ref, &'a Object)>);

impl<'a> Roots<'a> {
    fn of(it: &Situation<'a>) -> Self {
        let roots = it
            .objects("", "ConfigMap")
            .filter(|(object, _)| object.name == ROOT)
            .filter_map(|(object, kept)| {
                let all = kept.value.pointer("/data")?.get(ROOT_KEY)?.as_str()?;
                let all: BTreeSet<_> = all.split_whitespace().collect();
                let namespace = object.namespace.as_deref()?;
                (!all.is_empty()).then_some((namespace, (all, object, kept)))
            });
        Self(roots.collect())
    }

    /// The root of the control plane itself.
    fn own(&self, plane: &ControlPlane) -> Option<BTreeSet<&'a str>> {
        self.0.get(plane.namespace.as_str()).map(|it| it.0.clone())
    }

    /// Namespaces whose root is another one.
    fn differ(&self, it: &Situation, plane: &ControlPlane) -> Option<Finding> {
        // Two control planes have two authorities, and which namespace belongs to whom is not told here.
        let namespaces: BTreeSet<_> = it
            .inventory
            .control_planes
            .iter()
            .map(|it| &it.namespace)
            .collect();
        let own = self.own(plane).filter(|_| namespaces.len() == 1)?;
        let others: Vec<_> = self.0.values().filter(|it| it.0 != own).collect();
        if others.is_empty() {
            return None;
        }
        let names: Vec<_> = others
            .iter()
            .filter_map(|it| it.1.namespace.clone())
            .take(5)
            .collect();
        let finding = Finding::new(
            Code::RootCertificatesDiffer,
            Level::Warn,
            format!(
                "{} trust another root certificate than istiod's namespace",
                match others.len() {
                    1 => "The pods of one namespace".to_owned(),
                    many => format!("The pods of {many} namespaces"),
                }
            ),
            format!(
                "{ROOT} of {} is not that of {}: the proxies started there refuse istiod, or each other, once \
                 they are restarted. A rotation of the root is not finished, or nobody renews the ConfigMap",
                enumerate(&names),
                plane.namespace
            ),
        );
        let subjects = others.iter().map(|(found, object, kept)| {
            Subject::kept(object, kept)
                .field(format!("data.{ROOT_KEY}"))
                .value(joined(found))
        });
        Some(finding.about(subjects).fix(
            "Let istiod write them anew (delete the ConfigMap of the namespace, and look who else writes it), or finish \
             the rotation, before any workload is restarted",
        ))
    }
}

fn joined(fingerprints: &BTreeSet<&str>) -> String {
    fingerprints.iter().copied().collect::<Vec<_>>().join(" ")
}

/// Webhooks by which the API server would not trust istiod.
fn webhooks(it: &Situation, plane: &ControlPlane, own: &BTreeSet<&str>) -> Option<Finding> {
    let kinds = [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ];
    let mut subjects = Vec::new();
    for (object, kept) in kinds
        .into_iter()
        .flat_map(|kind| it.objects("admissionregistration.k8s.io", kind))
    {
        let webhooks = kept.value.get("webhooks").and_then(Value::as_array);
        for (index, webhook) in webhooks.into_iter().flatten().enumerate() {
            let service = |field: &str| text(webhook, &format!("/clientConfig/service/{field}"));
            let istiod = service("namespace") == Some(plane.namespace.as_str())
                && service("name").is_some_and(|it| it.starts_with("istiod"));
            let bundle = text(webhook, "/clientConfig/caBundle").unwrap_or_default();
            let found = of_bundle(bundle);
            if istiod && !found.is_empty() && !found.iter().any(|it| own.contains(it.as_str())) {
                let field = format!("webhooks[{index}].clientConfig.caBundle");
                subjects.push(
                    Subject::kept(object, kept)
                        .field(field)
                        .value(found.join(" ")),
                );
            }
        }
    }
    let names: BTreeSet<_> = subjects
        .iter()
        .filter_map(|it| Some(it.object.as_ref()?.name.as_str()))
        .collect();
    let names: Vec<_> = names.into_iter().collect();
    let finding = Finding::new(
        Code::WebhookCaDiffers,
        Level::Warn,
        format!(
            "{} trusted by another certificate than istiod's root",
            if names.len() == 1 {
                "A webhook is"
            } else {
                "Webhooks are"
            }
        ),
        format!(
            "{}: no certificate of the caBundle is in {ROOT} of {}, so the API server refuses istiod's answer, and pods or \
             configuration with it. The webhooks of the default tag are copied from the injector's",
            enumerate(&names),
            plane.namespace
        ),
    );
    (!subjects.is_empty()).then(|| {
        finding.about(subjects).fix(
            "Look whether istiod may patch its webhooks (its log, its ClusterRole), and restart it; make a revision \
             tag's webhook anew with `istioctl tag set`",
        )
    })
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
fn settings(it: &Situation, plane: &ControlPlane, desired: &Desired) -> Option<Finding> {
    let pilot = desired
        .rendering
        .components
        .iter()
        .find(|it| it.name == "Pilot")?;
    let mut changes = Vec::new();
    let mut subjects = Vec::new();
    for (kind, group, name, read) in SOURCES {
        let name = with_revision(name, &plane.revision);
        let live = it.objects(group, kind).find(|(object, _)| {
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
    let mesh: Value = serde_yaml::from_str(text(config_map, "/data/mesh")?).ok()?;
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
    let containers = deployment
        .pointer("/spec/template/spec/containers")?
        .as_array()?;
    let discovery = containers
        .iter()
        .find(|it| text(it, "/name") == Some("discovery"))?;
    let env = discovery.get("env").and_then(Value::as_array);
    let of = |(name, default): &(&str, &str)| {
        let mut entries = env.into_iter().flatten();
        let entry = entries.find(|it| text(it, "/name") == Some(name));
        let value = entry.and_then(|it| it.get("value").or_else(|| it.get("valueFrom")));
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

fn with_revision(name: &str, revision: &str) -> String {
    if revision == DEFAULT_REVISION {
        name.to_owned()
    } else {
        format!("{name}-{revision}")
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use serde_json::{Value, json};

    use super::check;
    use crate::fingerprint::of_pem;
    use crate::precheck::fixture::{Cluster, control_plane};

    fn pem(body: &str) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
    }

    fn root(cluster: &mut Cluster, namespace: &str, body: &str) {
        cluster.object(json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "istio-ca-root-cert", "namespace": namespace},
            "data": {"root-cert.pem": of_pem(&pem(body)).join(" ")},
        }));
    }

    fn webhook(cluster: &mut Cluster, body: &str) {
        let bundle = base64::engine::general_purpose::STANDARD.encode(pem(body));
        cluster.object(json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "istio-revision-tag-default"},
            "webhooks": [{"name": "a", "clientConfig": {"caBundle": bundle,
                "service": {"name": "istiod", "namespace": "istio-system"}}}],
        }));
    }

    #[test]
    fn a_namespace_with_another_root_is_named_with_its_fingerprint() {
        let mut cluster = Cluster::new();
        root(&mut cluster, "istio-system", "YWJj");
        root(&mut cluster, "shop", "YWJj");
        assert!(cluster.check(check).is_empty());
        root(&mut cluster, "bank", "eHl6");
        let findings = cluster.check(check);
        assert_eq!(findings[0].code, "root-certificates-differ");
        assert_eq!(findings[0].subjects.len(), 1);
        let value = findings[0].subjects[0]
            .value
            .as_ref()
            .and_then(Value::as_str)
            .unwrap();
        assert!(value.starts_with("sha256:"));
        // Which of two control planes it belongs to is not told.
        cluster
            .inventory
            .control_planes
            .push(control_plane("other", "canary", "1.29.6"));
        assert!(
            !cluster
                .codes(check)
                .contains(&"root-certificates-differ Warn".to_owned())
        );
    }

    #[test]
    fn a_webhook_must_trust_the_root_of_istiod() {
        let mut cluster = Cluster::new();
        webhook(&mut cluster, "eHl6");
        // Without the root in the export nothing is claimed.
        assert!(cluster.check(check).is_empty());
        root(&mut cluster, "istio-system", "YWJj");
        assert_eq!(cluster.codes(check), ["webhook-ca-differs Warn"]);
        webhook(&mut cluster, "YWJj");
        assert!(cluster.check(check).is_empty());
    }

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
        assert_eq!(findings[0].code, "ca-change");
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
