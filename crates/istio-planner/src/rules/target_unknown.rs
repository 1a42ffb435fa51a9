//! `target-unknown`: the catalogue has to know the target.

use istio_catalog::{Catalog, Version};

use super::Code;
use super::Explanation;
use super::Situation;
use super::links::SUPPORT;
use crate::outcome::{Finding, Level, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The target is not a release that this build has facts about.",
    why: "Kubernetes support, compatibility versions and ends of support are taken from the catalogue. For an unknown \
          release those rules fall silent, so they say unknown instead.",
    settle: "Check the spelling of `--to`, or use a build that knows the release.",
    source: "crates/istio-catalog",
    link: SUPPORT,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let Some(to) = situation.to else {
        return Vec::new();
    };
    let place = Subject::flag("--to").value(situation.request.to.clone());
    let Some(facts) = situation.facts else {
        return vec![
            Finding::new(
                Code::TargetUnknown,
                Level::Unknown,
                format!("Istio {to} is not known to this build"),
                "Its Kubernetes range, compatibility versions and end of support are not checked",
            )
            .about([place])
            .fix("Check the spelling of `--to`, or use a build that knows the release"),
        ];
    };
    let mut sentences = Vec::new();
    if let Some(charts) = facts.charts.as_ref().filter(|it| !is_same(it, to)) {
        sentences.push(instead(to, facts.released.as_deref(), charts));
    }
    let catalog = Catalog::embedded();
    if let Some((from, charts)) = situation
        .from
        .and_then(|from| Some((from, catalog.nearest(from)?)))
        && !is_same(charts, from)
    {
        sentences.push(instead(from, situation.known.released(from), charts));
    }
    if sentences.is_empty() {
        return Vec::new();
    }
    vec![
        Finding::new(
            Code::TargetUnknown,
            Level::Info,
            "Defaults are taken from the charts of another patch",
            sentences.join(". "),
        )
        .about([place]),
    ]
}

/// Tells a release and its candidates apart, and not the variants of an image.
fn is_same(charts: &Version, version: &Version) -> bool {
    charts.to_string() == version.without_variant().to_string()
}

/// Says what stands in for a patch.
fn instead(version: &Version, released: Option<&str>, charts: &Version) -> String {
    let version = version.without_variant();
    let known = released.map_or_else(
        || format!("{version} is no release that this build knows"),
        |day| format!("{version} was released on {day}, and this build does not hold its charts"),
    );
    format!("{known}: those of {charts} stand in for its defaults and profiles")
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::rules::fixture::Cluster;

    #[test]
    fn an_unknown_minor_is_unknown_and_an_unknown_patch_only_told() {
        let mut cluster = Cluster::new();
        cluster.request.to = "1.30.5".to_owned();
        assert_eq!(cluster.codes(check), ["target-unknown Info"]);
        cluster.facts = None;
        assert_eq!(cluster.codes(check), ["target-unknown Unknown"]);
    }

    #[test]
    fn what_stands_in_for_a_patch_is_said_once_for_both_ends() {
        let mut cluster = Cluster::new();
        cluster.request.to = "1.30.5".to_owned();
        cluster.facts.as_mut().unwrap().released = Some("2026-09-21".to_owned());
        cluster.source.version = Some("1.29.77".to_owned());
        let findings = cluster.check(check);
        assert_eq!(findings.len(), 1);
        assert_eq!(
            findings[0].detail,
            "1.30.5 was released on 2026-09-21, and this build does not hold its charts: those of 1.30.3 stand in for \
             its defaults and profiles. 1.29.77 is no release that this build knows: those of 1.29.6 stand in for its \
             defaults and profiles"
        );
    }

    #[test]
    fn a_known_release_is_accepted() {
        assert!(Cluster::new().check(check).is_empty());
    }
}
