//! `webhook-ca-differs`: whether the API server trusts the root of istiod.

use serde_json::Value;
use sorted::SortedSet;

use super::Code;
use super::Explanation;
use super::authority::{ROOT, Roots};
use super::links::CERTIFICATES;
use super::{Situation, enumerate, text};
use crate::fingerprint::of_bundle;
use crate::outcome::{ControlPlane, Finding, Level, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The caBundle of an istiod webhook holds no root certificate of istiod.",
    why: "The API server does not trust the answer then: pods are refused or start without a sidecar, configuration is \
          refused or not checked, as the failurePolicy says.",
    settle: "istiod patches its own webhooks: look why it does not (log, ClusterRole, label istio.io/rev). Make a \
             revision tag again with `istioctl tag set`.",
    source: "1.31:pkg/webhooks/webhookpatch.go",
    link: CERTIFICATES,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let finding = situation.control_plane().and_then(|plane| {
        let own = Roots::new(situation).own(plane)?;
        webhooks(situation, plane, &own)
    });
    finding.into_iter().collect()
}

/// Webhooks by which the API server would not trust istiod.
fn webhooks(situation: &Situation, plane: &ControlPlane, own: &SortedSet<&str>) -> Option<Finding> {
    let kinds = [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ];
    let mut subjects = Vec::new();
    for (object, kept) in kinds
        .into_iter()
        .flat_map(|kind| situation.objects("admissionregistration.k8s.io", kind))
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
    let names: SortedSet<_> = subjects
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
             tag's webhook again with `istioctl tag set`",
        )
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use serde_json::json;

    use super::check;
    use crate::fingerprint::of_pem;
    use crate::rules::fixture::Cluster;

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
}
