use super::{Facts, days_between, six_weeks_after};
use crate::{Catalog, FactsError, Minor, Version};

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

#[test]
fn six_weeks_cross_months_and_years() {
    assert_eq!(six_weeks_after("2023-08-31").as_deref(), Some("2023-10-12"));
    assert_eq!(six_weeks_after("2023-12-01").as_deref(), Some("2024-01-12"));
    assert_eq!(six_weeks_after("2024-02-01").as_deref(), Some("2024-03-14"));
    assert_eq!(six_weeks_after("soon"), None);
}

#[test]
fn days_are_counted_over_leap_days_and_years() {
    assert_eq!(days_between("2024-02-28", "2024-03-01"), Some(2));
    assert_eq!(days_between("2026-02-28", "2026-03-01"), Some(1));
    assert_eq!(days_between("2026-12-31", "2027-01-01"), Some(1));
    assert_eq!(days_between("2027-01-01", "2026-01-01"), Some(-365));
    assert_eq!(days_between("soon", "2026-01-01"), None);
}

/// What a new minor needs by hand is said by this test.
#[test]
fn every_release_has_kubernetes_bounds_in_order() {
    for minor in Catalog::embedded().minors() {
        let bounds = Facts::embedded().kubernetes(minor);
        assert!(
            bounds.code_minimum.is_some() || minor == Minor::new(1, 6),
            "data/kept.json lacks a line below kubernetesMinimum: \"{minor}\": \"…\" (MinK8SVersion in \
             istioctl/pkg/install/k8sversion/version.go)"
        );
        assert!(
            bounds.minimum.is_some(),
            "support.jsonl lacks a row for {minor}"
        );
        assert!(bounds.code_minimum <= bounds.minimum, "{minor}");
        assert!(bounds.minimum <= bounds.maximum, "{minor}");
    }
}

#[test]
fn every_archive_is_of_a_known_release_or_a_candidate() {
    for patch in Catalog::embedded().patches() {
        let is_candidate = patch.suffix.is_some();
        let day = Facts::embedded().released(patch);
        assert_eq!(
            day.is_none(),
            is_candidate,
            "releases.jsonl lacks a row for {patch}"
        );
    }
}

#[test]
fn releases_newer_than_the_archives_are_known_by_day() {
    let facts = Facts::embedded();
    assert_eq!(facts.released(&version("1.31.1")), Some("2026-09-21"));
    assert_eq!(facts.released(&version("1.31.0-rc.0")), None);
    assert_eq!(facts.released(&version("1.99.0")), None);
    let newest = |minor| {
        facts
            .newest_patch(Minor::new(1, minor), None)
            .map(|(it, _)| it.to_string())
    };
    assert_eq!(newest(29).as_deref(), Some("1.29.8"));
    assert_eq!(newest(32), None);
    assert_eq!(
        facts.newest_release().map(ToString::to_string).as_deref(),
        Some("1.31.1")
    );
}

#[test]
fn support_ends_as_published_or_by_rule() {
    let end = |minor| {
        let end = Facts::embedded().end_of_life(Minor::new(1, minor));
        end.map(|it| (it.date, it.published))
    };
    assert_eq!(end(29), Some(("2026-10-12".to_owned(), true)));
    assert_eq!(end(26), Some(("2025-12-22".to_owned(), true)));
    assert_eq!(end(30), None);
    assert_eq!(end(31), None);
    let mut facts = Facts::embedded().clone();
    facts
        .releases
        .insert(version("1.32.0"), "2026-12-01".to_owned());
    let end = facts.end_of_life(Minor::new(1, 30)).unwrap();
    assert_eq!((end.date.as_str(), end.published), ("2027-01-12", false));
}

#[test]
fn support_ends_later_for_every_newer_release() {
    let facts = Facts::embedded();
    let ends: Vec<String> = facts
        .support
        .keys()
        .filter_map(|it| facts.end_of_life(*it))
        .map(|it| it.date)
        .collect();
    assert!(ends.len() > 20 && ends.is_sorted(), "{ends:?}");
}

#[test]
fn what_the_archives_stamp_is_what_is_documented() {
    let catalog = Catalog::embedded();
    let facts = Facts::embedded();
    for patch in catalog.patches() {
        let documented = facts.hubs.iter().rfind(|it| it.contains(patch));
        let stamped = catalog.release(patch).and_then(|it| it.hub());
        assert_eq!(documented.map(|it| it.hub.as_str()), stamped, "{patch}");
    }
}

#[test]
fn a_registry_is_a_stamp_of_its_own_releases_only() {
    let facts = Facts::embedded();
    let stamp = |it: &str, hub| facts.is_stamp(&version(it), hub);
    assert!(stamp("1.29.6", "docker.io/istio"));
    assert!(stamp("1.30.5", "registry.istio.io/release"));
    assert!(stamp("1.31.1", "docker.io/istio"));
    assert!(stamp("1.31.0-alpha.0", "registry.istio.io/release"));
    assert!(!stamp("1.29.6", "gcr.io/istio-release"));
    assert!(!stamp("1.29.6", "registry.istio.io/release"));
    assert!(!stamp("1.30.3", "docker.io/istio"));
}

#[test]
fn an_image_is_found_in_its_registry() {
    let facts = Facts::embedded();
    let place = |image| facts.registry(image).map(|it| it.place.as_str());
    assert_eq!(
        place("gcr.io/istio-release/pilot:1.29.6"),
        Some("gcr.io/istio-release")
    );
    assert_eq!(place("gcr.io/istio-release-mine/pilot:1.29.6"), None);
    assert_eq!(place("istio/proxyv2:1.29.6"), Some("docker.io/istio"));
    assert_eq!(
        place("registry.istio.io/release"),
        Some("registry.istio.io/release")
    );
    assert_eq!(place("registry.example/istio/pilot:1.29.6"), None);
}

#[test]
fn the_signing_key_changes_once() {
    let facts = Facts::embedded();
    let key = |it| facts.signing_key(&version(it)).map(|it| it.key.as_str());
    assert_eq!(key("1.30.5"), key("1.31.0"));
    assert_ne!(key("1.31.0"), key("1.31.1"));
    assert_eq!(key("1.17.8"), None);
}

#[test]
fn a_step_settles_bulletins_and_leaves_others() {
    let facts = Facts::embedded();
    let (from, to) = (version("1.29.4"), version("1.29.6"));
    let fixed: Vec<&str> = facts
        .bulletins_fixed(&from, &to)
        .map(|it| it.id.as_str())
        .collect();
    assert_eq!(fixed, ["ISTIO-SECURITY-2026-005"]);
    let open: Vec<_> = facts.bulletins_of(&to).collect();
    assert_eq!(open.len(), 1);
    assert_eq!(facts.fix_of(open[0], &to).unwrap().to_string(), "1.29.8");
    assert_eq!(facts.bulletins_of(&version("1.31.1")).count(), 0);
    assert!(facts.bulletins_in_prose().count() > 0);
}

#[test]
fn newer_facts_replace_and_older_do_not() {
    let same = serde_json::to_string(Facts::embedded()).unwrap();
    assert_eq!(&Facts::newer(&same).unwrap(), Facts::embedded());
    let mut older = Facts::embedded().clone();
    older.releases.retain(|_, day| day.as_str() < "2026-01-01");
    older.bulletins.clear();
    let older = serde_json::to_string(&older).unwrap();
    assert!(matches!(
        Facts::newer(&older),
        Err(FactsError::Older { .. })
    ));
    let other = same.replace("facts/v1", "facts/v2");
    assert!(matches!(Facts::newer(&other), Err(FactsError::Version(_))));
    assert!(matches!(Facts::newer("{}"), Err(FactsError::Unreadable(_))));
}

#[test]
fn a_newer_minor_may_lack_fixes_of_an_older_one() {
    let facts = Facts::embedded();
    let missing = |from, to| facts.fixes_missing(&version(from), &version(to)).count();
    assert_eq!(missing("1.29.6", "1.30.3"), 0);
    assert!(missing("1.29.6", "1.30.0") > 10);
    assert_eq!(missing("1.29.0", "1.30.0"), 0);
}
