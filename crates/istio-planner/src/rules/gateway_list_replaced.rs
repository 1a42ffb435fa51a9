//! `gateway-list-replaced`: a gateway that runs is not in the request (domain §1.2, F-13).
//!
//! Spoken of are gateways that the installation itself rendered last: one left behind by an earlier upgrade carries
//! an older version, and is an orphan already.

use istio_catalog::{ComponentName, Version};
use serde_json::Value;

use super::Code;
use super::Explanation;
use super::links::CUSTOMISE;
use super::{Situation, count, enumerate, text};
use crate::outcome::{ComponentVersion, Finding, Level, Ref, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A gateway that runs now is not in the request's list of gateways.",
    why: "A list in the request replaces the profile's and the earlier one. The gateway is no longer rendered: it stays \
          behind at the old version, and nobody upgrades it.",
    settle: "Add the gateway to the list, or delete its objects once nothing uses it.",
    source: "1.31:operator/pkg/values/map.go:132-152 (lists are replaced whole)",
    link: CUSTOMISE,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let Some(desired) = situation.desired else {
        return Vec::new();
    };
    let rendered = |gateway: &ComponentVersion| {
        desired
            .rendering
            .components
            .iter()
            .filter(|it| it.name == gateway.component)
            .any(|component| {
                component.objects.iter().any(|it| {
                    text(it, "/kind") == Some("Deployment")
                        && text(it, "/metadata/name") == Some(&gateway.name)
                        && text(it, "/metadata/namespace").unwrap_or(&component.namespace)
                            == gateway.namespace
                })
            })
    };
    let missing: Vec<_> = situation
        .inventory
        .components
        .iter()
        .filter(|gateway| {
            ComponentName::parse(&gateway.component).is_some_and(ComponentName::is_list)
        })
        .filter(|gateway| is_current(situation, gateway) && !rendered(gateway))
        .collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let names: Vec<_> = missing
        .iter()
        .map(|it| format!("{}/{}", it.namespace, it.name))
        .collect();
    let finding = Finding::new(
        Code::GatewayListReplaced,
        Level::Warn,
        format!(
            "{} that run{} now {} not in the request",
            count(missing.len(), "gateway"),
            if missing.len() == 1 { "s" } else { "" },
            if missing.len() == 1 { "is" } else { "are" }
        ),
        format!(
            "{}: a list of gateways in the request replaces the profile's and that of the installation; what is not in it is \
             left behind at the old version",
            enumerate(&names)
        ),
    );
    let subjects = missing.iter().map(|it| Subject::new(deployment(it)));
    vec![
        finding
            .about(subjects)
            .fix("Add the gateway to the list, or delete its objects once nothing uses it"),
    ]
}

fn deployment(gateway: &ComponentVersion) -> Ref {
    Ref {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        namespace: Some(gateway.namespace.clone()),
        name: gateway.name.clone(),
    }
}

/// Whether the source's istioctl rendered a gateway last; one without its label is not istioctl's.
fn is_current(situation: &Situation, gateway: &ComponentVersion) -> bool {
    let kept = situation.snapshot.objects.get(&deployment(gateway));
    let label = kept
        .and_then(|it| {
            it.value
                .pointer("/metadata/labels/operator.istio.io~1version")
        })
        .and_then(Value::as_str);
    label
        .and_then(Version::parse_tag)
        .is_some_and(|it_version| Some(&it_version) == situation.from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;
    use crate::rules::fixture::{Cluster, component};

    fn cluster(version: &str) -> Cluster {
        let mut cluster = Cluster::new();
        cluster.render("Pilot", json!({}));
        cluster
            .inventory
            .components
            .push(component("IngressGateways", "edge", "1.29.6"));
        cluster.object(json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "namespace": "istio-system",
                "name": "edge",
                "labels": {"operator.istio.io/version": version},
            },
        }));
        cluster
    }

    #[test]
    fn a_gateway_that_runs_and_is_not_rendered_is_named() {
        assert_eq!(
            cluster("1.29.6").codes(check),
            ["gateway-list-replaced Warn"]
        );
    }

    #[test]
    fn one_that_is_rendered_or_left_by_an_older_release_is_not() {
        let mut rendered = cluster("1.29.6");
        rendered.render(
            "IngressGateways",
            json!({"kind": "Deployment", "metadata": {"namespace": "istio-system", "name": "edge"}}),
        );
        assert!(rendered.check(check).is_empty());
        assert!(cluster("1.28.1").check(check).is_empty());
    }
}
