//! The way from source to target: one minor at a time, over the newest safe release of each minor in between.

use std::cmp::Ordering;

use istio_catalog::{Facts, Minor, Version};

use crate::outcome::Direction;

/// Returns where a request leads.
pub(crate) fn direction(from: &Version, to: &Version) -> Direction {
    match from.minor_release().cmp(&to.minor_release()) {
        Ordering::Less => Direction::Upgrade,
        Ordering::Greater => Direction::Downgrade,
        Ordering::Equal if from == to => Direction::Same,
        Ordering::Equal => Direction::Patch,
    }
}

/// Returns the versions from source to target, both included; the target alone where the source is unknown.
///
/// Only releases that exist are named, no candidates: a minor in between that is not known is left out. Across majors
/// there is no way in between.
///
/// With a day, releases of later days do not exist.
pub(crate) fn hops(
    from: Option<&Version>,
    to: Option<&Version>,
    known: &Facts,
    as_of: Option<&str>,
) -> Vec<String> {
    let Some(to) = to else {
        return from.map(ToString::to_string).into_iter().collect();
    };
    let Some(from) = from else {
        return vec![to.to_string()];
    };
    let mut hops = vec![from.to_string()];
    if from.major == to.major {
        let (low, high) = (from.minor.min(to.minor), from.minor.max(to.minor));
        let minors = known.support.keys();
        let between = minors.filter(|it| it.major == to.major && low < it.minor && it.minor < high);
        let mut releases: Vec<String> = between
            .filter_map(|it: &Minor| known.safest_patch(*it, as_of))
            .map(ToString::to_string)
            .collect();
        if from.minor > to.minor {
            releases.reverse();
        }
        hops.extend(releases);
    }
    hops.push(to.to_string());
    hops
}

#[cfg(test)]
mod tests {
    use istio_catalog::{Facts, Version};

    use super::hops;

    #[track_caller]
    fn check(from: &str, to: &str, minors: &[&str]) {
        let hops = hops(
            Version::parse_tag(from).as_ref(),
            Version::parse_tag(to).as_ref(),
            Facts::embedded(),
            None,
        );
        let seen: Vec<_> = hops
            .iter()
            .map(|it| it.rsplit_once('.').unwrap().0)
            .collect();
        assert_eq!(seen, minors);
        assert_eq!(
            (hops[0].as_str(), hops[hops.len() - 1].as_str()),
            (from, to)
        );
    }

    #[test]
    fn each_minor_in_between_is_a_hop() {
        check(
            "1.26.8",
            "1.30.3",
            &["1.26", "1.27", "1.28", "1.29", "1.30"],
        );
        check("1.30.3", "1.28.10", &["1.30", "1.29", "1.28"]);
    }

    #[test]
    fn adjacent_minors_and_patches_are_two_hops() {
        check("1.29.6", "1.30.3", &["1.29", "1.30"]);
        check("1.30.0", "1.30.3", &["1.30", "1.30"]);
    }

    #[test]
    fn an_unknown_end_leaves_the_other() {
        let version = Version::new(1, 30, 3);
        let hops = |from, to| hops(from, to, Facts::embedded(), None);
        assert_eq!(hops(None, Some(&version)), ["1.30.3"]);
        assert_eq!(hops(Some(&version), None), ["1.30.3"]);
        assert!(hops(None, None).is_empty());
    }

    #[test]
    fn only_releases_that_exist_are_hops_and_no_candidates() {
        check("1.30.3", "1.99.0", &["1.30", "1.31", "1.99"]);
        let (from, to) = (Version::new(1, 29, 6), Version::new(1, 99, 0));
        let hops = hops(Some(&from), Some(&to), Facts::embedded(), None);
        assert_eq!(hops, ["1.29.6", "1.30.5", "1.31.1", "1.99.0"]);
    }

    #[test]
    fn a_release_of_a_later_day_is_no_hop() {
        let (from, to) = (Version::new(1, 28, 0), Version::new(1, 31, 0));
        let hops = |day| hops(Some(&from), Some(&to), Facts::embedded(), Some(day));
        let released = |it| Facts::embedded().released(&it).unwrap();
        let last = released(Version::new(1, 30, 5));
        assert_eq!(hops(last), ["1.28.0", "1.29.8", "1.30.5", "1.31.0"]);
        let before = "2026-06-01";
        for hop in &hops(before)[1..3] {
            assert!(
                released(Version::parse_tag(hop).unwrap()) <= before,
                "{hop}"
            );
        }
        assert_eq!(hops("2026-03-01").len(), 3, "1.30 is not there yet");
    }
}
