//! `security-open`: security bulletins that hit the very target.

use istio_catalog::Version;

use super::Code;
use super::vulnerable::{Concern, bulletins, details, hits, subjects};
use super::{Explanation, Situation, enumerate};
use crate::outcome::{Finding, Level, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Security bulletins hit the target, and the objects of this cluster do not rule them out.",
    why: "The upgrade would end at a version with known vulnerabilities, although a newer patch may settle them. Where a \
          bulletin says in prose which releases it hits, the level is unknown.",
    settle: "Go to the newest patch that they do not hit. Read what each needs to be exploited: it may not be so here.",
    source: "istio.io, Security Bulletins: affected releases, fixing releases and conditions of each",
    link: Some("https://istio.io/latest/news/security/"),
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let Some(to) = situation.to else {
        return Vec::new();
    };
    open(situation, to)
        .into_iter()
        .chain(in_prose(situation))
        .collect()
}

fn open(situation: &Situation, to: &Version) -> Option<Finding> {
    let hits = hits(situation, situation.known.bulletins_of(to));
    if hits.is_empty() {
        return None;
    }
    let newest = situation
        .known
        .newest_patch(to.minor_release(), situation.as_of);
    let safe = newest
        .map(|(newest, _)| newest)
        .filter(|newest| *newest > to && !hits.iter().any(|it| it.bulletin.hits(newest)));
    let fix = safe.map_or_else(
        || {
            let settled: Vec<String> = hits
                .iter()
                .filter_map(|hit| {
                    let fix = situation.known.fix_of(hit.bulletin, to)?;
                    Some(format!("{} is settled in {fix}", hit.bulletin.id))
                })
                .collect();
            if settled.is_empty() {
                "Read the bulletins: no release of a minor from this one on settles them".to_owned()
            } else {
                format!(
                    "No newer patch of this minor settles all of them; {}",
                    enumerate(&settled)
                )
            }
        },
        |safe| format!("Go to {safe}, which they do not hit"),
    );
    let finding = Finding::new(
        Code::SecurityOpen,
        Level::Warn,
        format!("{} the target {to} itself", bulletins(hits.len(), "hit")),
        details(&hits),
    );
    let place = Subject::flag("--to").value(situation.request.to.clone());
    let finding = finding.about([place]).about(subjects(&hits)).fix(fix);
    Some(match safe {
        Some(safe) => finding.instead(safe),
        None => finding,
    })
}

/// Bulletins whose ranges are prose: whether the target is hit stays unknown.
fn in_prose(situation: &Situation) -> Option<Finding> {
    let mut hits = hits(situation, situation.known.bulletins_in_prose());
    hits.retain(|it| matches!(it.concern, Concern::By(_)));
    if hits.is_empty() {
        return None;
    }
    let finding = Finding::new(
        Code::SecurityOpen,
        Level::Unknown,
        format!(
            "{} in prose which releases are hit",
            bulletins(hits.len(), "say")
        ),
        details(&hits),
    );
    Some(
        finding
            .about(subjects(&hits))
            .fix("Read them: they ask for other configuration, not for another release"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;
    use crate::rules::fixture::Cluster;

    fn filter() -> serde_json::Value {
        json!({"apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter",
            "metadata": {"name": "f", "namespace": "shop"},
            "spec": {"configPatches": [{"match": {"proxy": {"proxyVersion": ".*"}}}]}})
    }

    #[test]
    fn a_target_that_is_hit_is_told_with_the_patch_that_is_not() {
        let mut cluster = Cluster::new();
        cluster.object(filter());
        let findings = cluster.check(check);
        assert_eq!(cluster.codes(check), ["security-open Warn"]);
        assert_eq!(
            findings[0].fix.as_deref(),
            Some("Go to 1.30.5, which they do not hit")
        );
        assert_eq!(findings[0].subjects.len(), 2);
    }

    #[test]
    fn a_target_that_is_not_hit_is_silent() {
        let mut cluster = Cluster::new();
        cluster.object(filter());
        cluster.request.to = "1.30.5".to_owned();
        assert!(cluster.check(check).is_empty());
    }

    #[test]
    fn a_bulletin_whose_objects_are_not_there_is_silent() {
        assert!(Cluster::new().check(check).is_empty());
    }

    #[test]
    fn ranges_in_prose_are_unknown() {
        let route = |spec: serde_json::Value| {
            let mut cluster = Cluster::new();
            cluster.object(
                json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
                "metadata": {"name": "v", "namespace": "shop"}, "spec": spec}),
            );
            cluster.codes(check)
        };
        for spec in [
            json!({"hosts": ["a"], "gateways": ["mesh"]}),
            json!({"hosts": ["a"]}),
        ] {
            assert_eq!(route(spec), ["security-open Unknown"]);
        }
        let of_a_gateway = json!({"hosts": ["a"], "gateways": ["istio-ingress/public"]});
        assert!(route(of_a_gateway).is_empty());
    }
}
