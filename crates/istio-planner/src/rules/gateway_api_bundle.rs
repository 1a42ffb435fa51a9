//! `gateway-api-bundle`: definitions of the Gateway API that the target's istiod passes over (domain §6.2).
//!
//! istiod compares the bundle version that each definition carries with what it was built for, and does not read a
//! kind outside of it. `istioctl x precheck` further wants `v1` (and `v1beta1` for the older kinds) to be served.

use istio_catalog::{GatewayApiLimit, Version};
use serde_json::Value;

use super::Code;
use super::Explanation;
use super::links::GATEWAY_API;
use super::{Situation, text};
use crate::outcome::{Finding, Level, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The installed Gateway API definitions are of a bundle that the target's istiod ignores or refuses.",
    why: "istiod does not read a kind whose definition is older (or, in some patches, newer) than it was built for: \
          its routes stop working.",
    settle: "Install the bundle version that the finding names, in the order that it names.",
    source: "1.31:pkg/config/schema/gatewayapi/minimumversions.go:28-33; 1.29.6:pkg/kube/kclient/crdwatcher.go:86; 1.31:istioctl/pkg/precheck/precheck.go:234-275",
    link: GATEWAY_API,
};

const GROUP: &str = "gateway.networking.k8s.io";

/// Kinds and the versions of them that must be served (1.30.3:istioctl/pkg/precheck/precheck.go:237-241).
const SERVED: [(&str, &[&str]); 5] = [
    ("Gateway", &["v1", "v1beta1"]),
    ("GatewayClass", &["v1", "v1beta1"]),
    ("HTTPRoute", &["v1", "v1beta1"]),
    ("GRPCRoute", &["v1"]),
    ("ReferenceGrant", &["v1beta1"]),
];

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let (Some(to), Some(facts)) = (situation.to, situation.facts) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for (object, kept) in situation.objects("apiextensions.k8s.io", "CustomResourceDefinition") {
        if text(&kept.value, "/spec/group") != Some(GROUP) {
            continue;
        }
        let subject = Subject::kept(object, kept);
        for limit in facts.gateway_api.iter().filter(|it| it.crd == object.name) {
            let source = facts
                .source_gateway_api
                .iter()
                .find(|it| it.crd == object.name);
            let judged = Judged {
                limit,
                source,
                to,
                from: situation.from,
                guarded: guarded(situation),
            };
            findings.extend(judged.bundle(&kept.value, &subject));
        }
        findings.extend(served(&kept.value, to, subject));
    }
    findings
}

/// Whether the bundle's own policy watches over its definitions: it refuses bundles older than itself (Gateway API
/// v1.5.0:config/crd/standard/…safe-upgrades.yaml).
fn guarded(situation: &Situation) -> bool {
    situation
        .objects(
            "admissionregistration.k8s.io",
            "ValidatingAdmissionPolicyBinding",
        )
        .any(|(object, _)| object.name.starts_with("safe-upgrades."))
}

/// A limit of the target, and what is known beside it.
struct Judged<'a> {
    limit: &'a GatewayApiLimit,
    source: Option<&'a GatewayApiLimit>,
    to: &'a Version,
    from: Option<&'a Version>,
    guarded: bool,
}

/// How a bundle stands to a limit.
enum Stands {
    Inside,
    Below(Version),
    Above(Version),
}

/// A definition without a version, or with one that is none, is outside of every limit.
fn stands(limit: &GatewayApiLimit, version: Option<&Version>) -> Stands {
    let below = |it: &&Version| version.is_none_or(|version| version < *it);
    let above = |it: &&Version| version.is_none_or(|version| version > *it);
    if let Some(minimum) = limit.minimum.as_ref().filter(below) {
        Stands::Below(minimum.clone())
    } else if let Some(maximum) = limit.maximum.as_ref().filter(above) {
        Stands::Above(maximum.clone())
    } else {
        Stands::Inside
    }
}

impl Judged<'_> {
    /// Compares the bundle of a definition with the limits of source and target.
    fn bundle(&self, definition: &Value, subject: &Subject) -> Option<Finding> {
        let (limit, to) = (self.limit, self.to);
        let written = text(
            definition,
            "/metadata/annotations/gateway.networking.k8s.io~1bundle-version",
        );
        // A release candidate counts as its release, as in istiod.
        let version = written.and_then(Version::parse_tag);
        let (wanted, older) = match stands(limit, version.as_ref()) {
            Stands::Inside => return None,
            Stands::Below(minimum) => (format!("{minimum} or newer"), false),
            Stands::Above(maximum) => (format!("{maximum} or older"), true),
        };
        let name = &limit.crd;
        let has = written.map_or_else(
            || "no bundle version".to_owned(),
            |it| format!("bundle {}", it.trim_start_matches('v')),
        );
        let already = self
            .source
            .is_some_and(|it| !matches!(stands(it, version.as_ref()), Stands::Inside));
        let from = self.from.map(ToString::to_string).unwrap_or_default();
        let (level, title, detail) = if already {
            (
                Level::Info,
                format!("istiod {to} ignores {name}, as {from} does"),
                format!(
                    "It has {has}; {to} reads it from bundle {wanted} only, and {from} does not read it either: the upgrade \
                     changes nothing for its objects"
                ),
            )
        } else {
            (
                Level::Warn,
                format!("istiod {to} ignores {name}"),
                format!(
                    "It has {has}; {to} reads it from bundle {wanted} only, so its objects stop working"
                ),
            )
        };
        let finding = Finding::new(Code::GatewayApiBundle, level, title, detail);
        let subject = subject
            .clone()
            .field("metadata.annotations.gateway\\.networking\\.k8s\\.io/bundle-version");
        let subject = match written {
            Some(written) => subject.value(written),
            None => subject,
        };
        Some(
            finding
                .about([subject])
                .fix(self.fix(&wanted, older, already)),
        )
    }

    /// What to do; never what the bundle's own policy refuses.
    fn fix(&self, wanted: &str, older: bool, already: bool) -> String {
        let newer = self.limit.before.as_ref();
        if older && let Some(newer) = newer {
            let else_install = if self.guarded {
                "; an older bundle is refused by the policy safe-upgrades that this one brought"
                    .to_owned()
            } else {
                format!("; or install bundle {wanted}")
            };
            return format!(
                "Go to Istio {newer}, which reads this bundle, or a newer release{else_install}"
            );
        }
        if older && self.guarded {
            return "Take a target that reads this bundle: an older one is refused by the policy safe-upgrades that this one \
                    brought"
                .to_owned();
        }
        if already {
            return format!(
                "Nothing is to be done for the upgrade; to have it read, install bundle {wanted}"
            );
        }
        let clash = self.source.is_some_and(|source| {
            let over = |least: &Option<Version>, most: &Option<Version>| {
                least
                    .as_ref()
                    .zip(most.as_ref())
                    .is_some_and(|(least, most)| least > most)
            };
            over(&self.limit.minimum, &source.maximum) || over(&source.minimum, &self.limit.maximum)
        });
        if clash {
            format!(
                "Install bundle {wanted} in the same change window, as soon as the new istiod is ready: no bundle suits both \
                 releases"
            )
        } else {
            format!("Install bundle {wanted} before the upgrade")
        }
    }
}

/// Compares the served versions of a definition with what the target's istiod reads.
fn served(definition: &Value, to: &Version, subject: Subject) -> Option<Finding> {
    let kind = text(definition, "/spec/names/kind")?;
    let (_, wanted) = SERVED.iter().find(|(it, _)| *it == kind)?;
    let versions = definition
        .pointer("/spec/versions")
        .and_then(Value::as_array);
    let served: Vec<_> = versions
        .into_iter()
        .flatten()
        .filter(|it| it.get("served").and_then(Value::as_bool) == Some(true))
        .filter_map(|it| text(it, "/name"))
        .collect();
    // What was not kept of the definition cannot be missed.
    let missing: Vec<_> = wanted
        .iter()
        .filter(|it| !served.contains(*it))
        .copied()
        .collect();
    if served.is_empty() || missing.is_empty() {
        return None;
    }
    let finding = Finding::new(
        Code::GatewayApiBundle,
        Level::Warn,
        format!(
            "The definition of {kind} does not serve {}",
            missing.join(" and ")
        ),
        format!(
            "It serves {}; istiod {to} may not read its objects",
            served.join(" and ")
        ),
    );
    Some(
        finding
            .about([subject.field("spec.versions")])
            .fix("Install a current standard bundle of the Gateway API"),
    )
}

#[cfg(test)]
mod tests {
    use istio_catalog::{GatewayApiLimit, Version};
    use serde_json::json;

    use super::check;
    use crate::rules::fixture::Cluster;

    fn limit(minimum: Option<&str>, maximum: Option<&str>) -> GatewayApiLimit {
        GatewayApiLimit {
            crd: "tlsroutes.gateway.networking.k8s.io".to_owned(),
            minimum: minimum.and_then(Version::parse_tag),
            maximum: maximum.and_then(Version::parse_tag),
            since: Version::new(1, 30, 0),
            before: None,
        }
    }

    fn cluster(bundle: &str, target: GatewayApiLimit) -> Cluster {
        let mut cluster = Cluster::new();
        cluster.facts.as_mut().unwrap().gateway_api = vec![target];
        cluster.object(json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {
                "name": "tlsroutes.gateway.networking.k8s.io",
                "annotations": {"gateway.networking.k8s.io/bundle-version": bundle},
            },
            "spec": {"group": "gateway.networking.k8s.io", "names": {"kind": "TLSRoute"}, "versions": []},
        }));
        cluster
    }

    #[test]
    fn a_bundle_below_the_minimum_is_ignored() {
        let findings = cluster("v1.4.1", limit(Some("1.5.0"), None)).check(check);
        assert_eq!(
            findings[0].title,
            "istiod 1.30.3 ignores tlsroutes.gateway.networking.k8s.io"
        );
        assert_eq!(
            findings[0].fix.as_deref(),
            Some("Install bundle 1.5.0 or newer before the upgrade")
        );
    }

    #[test]
    fn a_bundle_that_suits_only_one_of_both_has_to_move_with_the_upgrade() {
        let mut cluster = cluster("v1.4.1", limit(Some("1.5.0"), None));
        cluster.facts.as_mut().unwrap().source_gateway_api = vec![limit(None, Some("1.4.1"))];
        assert!(
            cluster.check(check)[0]
                .fix
                .as_deref()
                .unwrap()
                .contains("same change window")
        );
    }

    #[test]
    fn a_bundle_that_the_source_ignores_too_changes_nothing() {
        let mut cluster = cluster("v1.5.0", limit(None, Some("1.4.1")));
        cluster.facts.as_mut().unwrap().source_gateway_api = vec![limit(None, Some("1.4.1"))];
        assert_eq!(cluster.codes(check), ["gateway-api-bundle Info"]);
        let fix = cluster.check(check)[0].fix.clone().unwrap();
        assert!(fix.contains("1.4.1 or older"), "{fix}");
        // Its own policy refuses an older bundle, so that is not the advice.
        cluster.object(json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": "safe-upgrades.gateway.networking.k8s.io"},
        }));
        cluster.facts.as_mut().unwrap().gateway_api[0].before = Some(Version::new(1, 31, 0));
        let fix = cluster.check(check)[0].fix.clone().unwrap();
        assert!(fix.contains("1.31.0") && !fix.contains("1.4.1"), "{fix}");
    }

    #[test]
    fn a_bundle_above_the_maximum_is_ignored() {
        assert_eq!(
            cluster("v1.5.0", limit(None, Some("1.4.1"))).codes(check),
            ["gateway-api-bundle Warn"]
        );
    }

    #[test]
    fn a_release_candidate_counts_as_its_release() {
        assert!(
            cluster("v1.5.0-rc.1", limit(Some("1.5.0"), None))
                .check(check)
                .is_empty()
        );
    }

    #[test]
    fn a_definition_that_does_not_serve_v1_is_told() {
        let mut cluster = Cluster::new();
        cluster.object(json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "httproutes.gateway.networking.k8s.io"},
            "spec": {
                "group": "gateway.networking.k8s.io", "names": {"kind": "HTTPRoute"},
                "versions": [{"name": "v1beta1", "served": true}],
            },
        }));
        assert_eq!(
            cluster.check(check)[0].title,
            "The definition of HTTPRoute does not serve v1"
        );
    }
}
