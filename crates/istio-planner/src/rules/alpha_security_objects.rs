//! `alpha-security-objects`: policies that nothing enforces since 1.6 (domain §5.1 E7).

use super::Code;
use super::Explanation;
use super::{Situation, count, enumerate, group_of};
use crate::outcome::{Finding, Level, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Objects of the alpha security APIs (rbac.istio.io, authentication.istio.io) exist.",
    why: "Istio 1.6 and newer ignore them: what they enforce is enforced no longer.",
    settle: "Replace them by AuthorizationPolicy, PeerAuthentication and RequestAuthentication, then delete them.",
    source: "1.12.9:operator/cmd/mesh/upgrade.go (checkUnsupportedAlphaSecurityCRD; lost since 1.13.0)",
    link: Some("https://istio.io/latest/blog/2021/migrate-alpha-policy/"),
};

/// Group and kind of the removed APIs.
const REMOVED: [(&str, &str); 6] = [
    ("rbac.istio.io", "ClusterRbacConfig"),
    ("rbac.istio.io", "RbacConfig"),
    ("rbac.istio.io", "ServiceRole"),
    ("rbac.istio.io", "ServiceRoleBinding"),
    ("authentication.istio.io", "Policy"),
    ("authentication.istio.io", "MeshPolicy"),
];

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let objects: Vec<_> = situation
        .snapshot
        .objects
        .iter()
        .filter(|(object, _)| {
            REMOVED.contains(&(group_of(&object.api_version), object.kind.as_str()))
        })
        .collect();
    if objects.is_empty() {
        return Vec::new();
    }
    let mut kinds: Vec<_> = objects
        .iter()
        .map(|(object, _)| object.kind.as_str())
        .collect();
    kinds.dedup();
    let finding = Finding::new(
        Code::AlphaSecurityObjects,
        Level::Block,
        format!(
            "{} of removed alpha security APIs",
            if objects.len() == 1 {
                "There is an object"
            } else {
                "There are objects"
            }
        ),
        format!(
            "{} ({}) are ignored by Istio 1.6 and newer",
            count(objects.len(), "object"),
            enumerate(&kinds)
        ),
    );
    let subjects = objects
        .into_iter()
        .map(|(object, kept)| Subject::kept(object, kept));
    vec![finding.about(subjects).fix("Replace them by AuthorizationPolicy, PeerAuthentication and RequestAuthentication, then delete them")]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;
    use crate::rules::fixture::Cluster;

    #[test]
    fn an_object_of_a_removed_api_blocks() {
        let mut cluster = Cluster::new();
        let metadata = json!({"name": "x", "namespace": "shop"});
        cluster.object(json!({"apiVersion": "rbac.istio.io/v1alpha1", "kind": "ServiceRole", "metadata": metadata}));
        assert_eq!(cluster.codes(check), ["alpha-security-objects Block"]);
    }

    #[test]
    fn a_policy_of_another_group_is_none() {
        let mut cluster = Cluster::new();
        let metadata = json!({"name": "x", "namespace": "shop"});
        cluster.object(
            json!({"apiVersion": "example.com/v1", "kind": "Policy", "metadata": metadata}),
        );
        assert!(cluster.check(check).is_empty());
    }
}
