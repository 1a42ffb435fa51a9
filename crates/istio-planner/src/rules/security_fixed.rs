//! `security-fixed`: security bulletins that hit the source and not the target.

use istio_catalog::Version;
use sorted::SortedMap;

use super::Code;
use super::vulnerable::{bulletins, hits, subjects};
use super::{Explanation, Situation, enumerate};
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Security bulletins hit the version that runs and not the target.",
    why: "They are a reason to go. Those of the proxy are settled only once the proxies have been restarted.",
    settle: "Nothing has to be done but the upgrade and its restarts.",
    source: "istio.io, Security Bulletins: affected releases and fixing releases of each",
    link: Some("https://istio.io/latest/news/security/"),
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    situation
        .from
        .zip(situation.to)
        .and_then(|(from, to)| fixed(situation, from, to))
        .into_iter()
        .collect()
}

fn fixed(situation: &Situation, from: &Version, to: &Version) -> Option<Finding> {
    let hits = hits(situation, situation.known.bulletins_fixed(from, to));
    if hits.is_empty() {
        return None;
    }
    let mut by_component: SortedMap<&str, Vec<&str>> = SortedMap::new();
    for hit in &hits {
        for component in &hit.bulletin.component {
            by_component
                .entry(component)
                .or_default()
                .push(&hit.bulletin.id);
        }
    }
    let lines: Vec<String> = by_component
        .iter()
        .map(|(component, ids)| format!("{component}: {}", enumerate(ids)))
        .collect();
    let finding = Finding::new(
        Code::SecurityFixed,
        Level::Info,
        format!(
            "{to} settles what {} in {from}",
            bulletins(hits.len(), "describe")
        ),
        lines.join("; "),
    );
    Some(finding.about(subjects(&hits)))
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::rules::fixture::Cluster;

    #[test]
    fn bulletins_that_the_step_settles_are_told_by_component() {
        let mut cluster = Cluster::new();
        cluster.source.version = Some("1.29.3".to_owned());
        let findings = cluster.check(check);
        assert_eq!(cluster.codes(check), ["security-fixed Info"]);
        assert_eq!(findings[0].detail, "proxy: ISTIO-SECURITY-2026-004");
    }

    #[test]
    fn a_step_that_settles_none_is_silent() {
        let mut cluster = Cluster::new();
        cluster.source.version = Some("1.29.6".to_owned());
        assert!(cluster.check(check).is_empty());
        cluster.source.version = None;
        assert!(cluster.check(check).is_empty());
    }
}
