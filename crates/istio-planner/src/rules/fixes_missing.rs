//! `fixes-missing`: the target is an early patch of its minor, and lacks fixes that the source has.

use istio_catalog::Correction;
use sorted::SortedMap;

use super::{Explanation, Situation, count};
use crate::outcome::{Finding, Level, Subject};
use crate::rules::Code;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The version that runs has fixes that came to the target's minor only with a later patch.",
    why: "A patch of an older minor may be younger than the first patches of a newer one. What was settled there comes \
          back with the upgrade.",
    settle: "Go to the newest patch of the minor.",
    source: "releasenotes/notes of istio/istio, by the first tag of each minor that has them",
    link: Some("https://istio.io/latest/news/releases/"),
};

/// How many notes the detail names.
const NAMED: usize = 5;

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let Some((from, to)) = situation
        .from
        .zip(situation.to)
        .filter(|(from, to)| from < to)
    else {
        return Vec::new();
    };
    let missing: Vec<&Correction> = situation.known.fixes_missing(from, to).collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let mut areas: SortedMap<&str, usize> = SortedMap::new();
    for fix in &missing {
        *areas.entry(&fix.area).or_default() += 1;
    }
    let areas: Vec<String> = areas
        .iter()
        .map(|(area, number)| format!("{area} {number}"))
        .collect();
    let notes: Vec<&str> = missing
        .iter()
        .take(NAMED)
        .map(|it| it.note.as_str())
        .collect();
    let newest = situation
        .known
        .newest_patch(to.minor_release(), situation.as_of);
    let better = newest
        .map(|(newest, _)| newest)
        .filter(|newest| situation.known.fixes_missing(from, newest).next().is_none());
    let level = if better.is_some() {
        Level::Warn
    } else {
        Level::Info
    };
    let finding = Finding::new(
        Code::FixesMissing,
        level,
        format!(
            "{to} lacks {} that {from} has",
            count(missing.len(), "correction")
        ),
        format!(
            "By area: {}. Their release notes begin with {}",
            areas.join(", "),
            notes.join(", ")
        ),
    );
    let place = Subject::flag("--to").value(situation.request.to.clone());
    let finding = finding.about([place]);
    vec![match better {
        Some(newest) => finding
            .fix(format!("Go to {newest}, which has all of them"))
            .instead(newest),
        None => finding.fix("No patch of this minor has all of them yet; read the notes"),
    }]
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::rules::fixture::Cluster;

    #[test]
    fn an_early_patch_lacks_what_a_late_one_of_the_minor_before_has() {
        let mut cluster = Cluster::new();
        cluster.request.to = "1.30.0".to_owned();
        assert_eq!(cluster.codes(check), ["fixes-missing Warn"]);
    }

    #[test]
    fn a_patch_that_has_them_all_is_silent_and_so_is_a_way_back() {
        let mut cluster = Cluster::new();
        assert!(cluster.check(check).is_empty());
        cluster.source.version = Some("1.30.3".to_owned());
        cluster.request.to = "1.29.0".to_owned();
        assert!(cluster.check(check).is_empty());
    }
}
