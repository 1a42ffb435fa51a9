//! What objects of the Gateway API refer to: certificates and authorities, and who may read them.

use serde_json::Value;

use super::cluster::{Cluster, Item};
use crate::outcome::Subject;

/// The reference of a `BackendTLSPolicy` to an authority that istiod does not find
/// (`1.31:pilot/pkg/config/kube/gateway/backend_policies.go`, `getBackendTLSCredentialName`).
pub(super) fn unresolved_authority(cluster: &Cluster, policy: Item) -> Option<Subject> {
    let reference = policy.items("/spec/validation/caCertificateRefs").first()?;
    let text = |key: &str| reference.get(key).and_then(Value::as_str);
    let name = text("name").unwrap_or_default();
    let place = (policy.namespace().to_owned(), name.to_owned());
    let is_resolved = text("group").unwrap_or_default().is_empty()
        && text("kind") == Some("ConfigMap")
        && cluster.snapshot.authorities.contains(&place);
    let subject = policy.subject("spec.validation.caCertificateRefs[0]");
    (!is_resolved).then(|| subject.value(name))
}

/// Listeners whose certificates lie in another namespace than the Gateway, and Deployments of Gateways with such
/// listeners whose service account is not the one that istiod expects.
pub(super) fn certificates(cluster: &Cluster) -> Vec<Subject> {
    let gateways = cluster
        .objects("gateway.networking.k8s.io", "Gateway")
        .filter(|it| {
            it.text("/spec/gatewayClassName")
                .is_some_and(|it| it.starts_with("istio"))
        });
    let mut found = Vec::new();
    for gateway in gateways {
        for (at, listener) in gateway.items("/spec/listeners").iter().enumerate() {
            let references = listener.pointer("/tls/certificateRefs");
            let references = references.and_then(Value::as_array).into_iter().flatten();
            let foreign = references
                .filter_map(|it| it.get("namespace")?.as_str())
                .find(|namespace| *namespace != gateway.namespace());
            if let Some(namespace) = foreign.filter(|it| !is_granted(cluster, gateway, it)) {
                let field = format!("spec.listeners[{at}].tls.certificateRefs");
                found.push(gateway.subject(&field).value(namespace));
            }
        }
        found.extend(other_accounts(cluster, gateway));
    }
    found
}

/// Deployments that serve a Gateway by another service account than the one whose pods get its Secrets. Of a Gateway
/// with a host name for its address, whose pods somebody else makes, istiod expects none in particular
/// (`1.31:pilot/pkg/config/kube/gateway/gateway_collection.go`, `GatewayCollection`).
fn other_accounts(cluster: &Cluster, gateway: Item) -> Vec<Subject> {
    let listeners = gateway.items("/spec/listeners").iter();
    let mut references = listeners.filter_map(|it| it.pointer("/tls/certificateRefs"));
    let has_secrets = references.any(|it| it.as_array().is_some_and(|it| !it.is_empty()));
    let is_managed = match gateway.items("/spec/addresses") {
        [] => true,
        [one] => one
            .get("type")
            .and_then(Value::as_str)
            .is_none_or(|it| it == "IPAddress"),
        _ => false,
    };
    if !has_secrets || !is_managed {
        return Vec::new();
    }
    let class = gateway.text("/spec/gatewayClassName").unwrap_or_default();
    let named = gateway.annotation("gateway.istio.io/service-account");
    let expected = named.map_or_else(|| format!("{}-{class}", gateway.name()), str::to_owned);
    let serves = |it: &Item| {
        let labels = it.at("/spec/template/metadata/labels");
        [
            "gateway.networking.k8s.io/gateway-name",
            "istio.io/gateway-name",
        ]
        .iter()
        .filter_map(|key| labels?.get(*key)?.as_str())
        .any(|it| it == gateway.name())
    };
    let deployments = cluster
        .objects("apps", "Deployment")
        .filter(|it| it.namespace() == gateway.namespace() && serves(it));
    deployments
        .filter_map(|it| {
            let account = it
                .text("/spec/template/spec/serviceAccountName")
                .unwrap_or("default");
            let subject = it.subject("spec.template.spec.serviceAccountName");
            (account != expected).then(|| subject.value(account))
        })
        .collect()
}

/// Whether a grant lets Gateways of a namespace read Secrets of another.
fn is_granted(cluster: &Cluster, gateway: Item, namespace: &str) -> bool {
    let grants = cluster.objects("gateway.networking.k8s.io", "ReferenceGrant");
    grants
        .filter(|it| it.namespace() == namespace)
        .any(|grant| {
            let from = grant.items("/spec/from").iter().any(|it| {
                let text = |key: &str| it.get(key).and_then(Value::as_str);
                text("kind") == Some("Gateway") && text("namespace") == Some(gateway.namespace())
            });
            let to = grant
                .items("/spec/to")
                .iter()
                .any(|it| it.get("kind").and_then(Value::as_str) == Some("Secret"));
            from && to
        })
}
