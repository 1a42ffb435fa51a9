//! `fleet-trust-domains-differ`: clusters of one mesh have trust domains that do not know each other.

use std::collections::BTreeSet;

use super::{Code, Finding, Situation, Told};
use crate::explain::Explanation;
use crate::outcome::Level;

/// What `refit explain fleet-trust-domains-differ` says.
pub(super) const EXPLANATION: Explanation = Explanation {
    meaning: "Two clusters of one mesh have different trust domains, and one of them does not name the other's among \
              meshConfig.trustDomainAliases.",
    why: "An AuthorizationPolicy that names a principal of the other cluster does not match, and a proxy that checks the name \
          of its peer refuses it.",
    settle: "Give all clusters of the mesh one meshConfig.trustDomain, or name the others among trustDomainAliases in each, \
             and restart the workloads: a trust domain is part of every certificate.",
    source: "istio.io, Trust Domain Migration; 1.30.3:pilot/pkg/trustbundle; 1.30.3:pilot/pkg/security/trustdomain",
    link: Some("https://istio.io/latest/docs/tasks/security/authorization/authz-td-migration/"),
};

pub(super) fn check(situation: &Situation) -> Vec<Finding> {
    let meshes = situation.meshes();
    meshes
        .filter_map(|(_, all)| {
            let domains: Vec<_> = all
                .iter()
                .filter_map(|it| Some((it.0, it.1.trust_domain.as_ref()?)))
                .collect();
            let first = domains.first()?;
            let other = domains.iter().skip(1).find(|it| {
                let (own, other) = (&first.1.value, &it.1.value);
                !knows(own, other) || !knows(other, own)
            })?;
            let told = Told {
                code: Code::TrustDomainsDiffer,
                level: Level::Warn,
                title: format!(
                    "{} and {} have trust domains that do not know each other",
                    first.0, other.0
                ),
                detail: format!(
                    "That of {} is {}, that of {} is {}, and they are of one mesh; policies that name principals of the other \
                     cluster do not match",
                    first.0, first.1.value.0, other.0, other.1.value.0
                ),
                fix: "Give both one meshConfig.trustDomain, or name each other's among meshConfig.trustDomainAliases"
                    .to_owned(),
            };
            Some(told.about(vec![first.1.of(first.0), other.1.of(other.0)]))
        })
        .collect()
}

/// A trust domain, and its aliases.
type Domain = (String, BTreeSet<String>);

/// Whether one takes the other's principals.
fn knows(own: &Domain, other: &Domain) -> bool {
    own.0 == other.0 || own.1.contains(&other.0)
}
