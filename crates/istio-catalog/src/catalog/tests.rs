use crate::{Catalog, Minor, Release, RemovedSetting, Version};

#[test]
fn every_minor_from_the_oldest_to_the_newest_is_there() {
    let minors: Vec<Minor> = Catalog::embedded().minors().collect();
    let expected: Vec<Minor> = (6..=31).map(|it| Minor::new(1, it)).collect();
    assert_eq!(minors, expected);
}

#[test]
fn the_newest_patch_is_that_of_the_newest_archive() {
    let newest = |minor| {
        Catalog::embedded()
            .newest_patch(Minor::new(1, minor))
            .map(ToString::to_string)
    };
    assert_eq!(newest(30).as_deref(), Some("1.30.3"));
    assert_eq!(newest(6).as_deref(), Some("1.6.14"));
    assert_eq!(newest(5), None);
}

#[test]
fn the_packed_data_stays_small() {
    assert!(super::DATA.len() < 250_000, "{} bytes", super::DATA.len());
}

#[test]
fn every_release_has_kubernetes_bounds_in_order() {
    for release in Catalog::embedded().releases() {
        let bounds = release.kubernetes_bounds();
        assert!(bounds.code_minimum.is_some() || release.minor() == Minor::new(1, 6));
        assert!(
            bounds.code_minimum <= bounds.minimum || bounds.minimum.is_none(),
            "{}",
            release.minor()
        );
        assert!(bounds.minimum <= bounds.maximum, "{}", release.minor());
    }
}

#[test]
fn support_ends_by_table_or_by_rule() {
    let end = |minor| {
        let end = Catalog::embedded()
            .release(Minor::new(1, minor))
            .unwrap()
            .end_of_life();
        end.map(|it| (it.date, it.tabled))
    };
    assert_eq!(end(29), Some(("2026-11-01".to_owned(), true)));
    assert_eq!(end(18), Some(("2023-12-25".to_owned(), false)));
    assert_eq!(end(31), None);
}

#[test]
fn support_ends_later_for_every_newer_release() {
    let ends: Vec<String> = Catalog::embedded()
        .releases()
        .filter_map(Release::end_of_life)
        .map(|it| it.date)
        .collect();
    assert!(ends.is_sorted(), "{ends:?}");
}

#[test]
fn bundle_limits_depend_on_the_patch() {
    let limits = |version: &str| {
        let version: Version = version.parse().unwrap();
        let limits = Catalog::embedded().gateway_api_limits(&version);
        limits
            .filter_map(|it| {
                let name = it.crd.strip_suffix(".gateway.networking.k8s.io")?;
                let bound = |sign, it: &Option<Version>| {
                    it.as_ref().map(|it| format!("{name} {sign} {it}"))
                };
                bound(">=", &it.minimum).or_else(|| bound("<=", &it.maximum))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(limits("1.21.6"), Vec::<String>::new());
    assert_eq!(limits("1.27.8"), ["grpcroutes >= 1.1.0"]);
    assert_eq!(
        limits("1.27.9"),
        ["grpcroutes >= 1.1.0", "tlsroutes <= 1.4.0"]
    );
    assert_eq!(
        limits("1.29.6"),
        [
            "grpcroutes >= 1.1.0",
            "backendtlspolicies >= 1.4.0",
            "tlsroutes <= 1.4.1"
        ]
    );
    assert_eq!(
        limits("1.30.3"),
        [
            "grpcroutes >= 1.1.0",
            "backendtlspolicies >= 1.4.0",
            "tlsroutes >= 1.5.0"
        ]
    );
}

#[test]
fn settings_that_a_chart_lost_are_named() {
    let removed = |from, to| {
        let removed = Catalog::embedded().removed_settings(Minor::new(1, from), Minor::new(1, to));
        let line = |RemovedSetting {
                        component, path, ..
                    }| format!("{component} {path}");
        removed.into_iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(removed(25, 26), ["Cni values.cni.rollingMaxUnavailable"]);
    assert_eq!(
        removed(23, 24),
        [
            "Base values.global.ipFamilies",
            "Base values.global.ipFamilyPolicy",
            "Pilot values.global.autoscalingv2API",
            "Pilot values.global.proxy.enableCoreDump",
            "Pilot values.istio_cni"
        ]
    );
    assert_eq!(removed(29, 30), [""; 0]);
}

#[test]
fn settings_that_moved_say_where_to() {
    let removed = Catalog::embedded().removed_settings(Minor::new(1, 23), Minor::new(1, 24));
    let moved: Vec<&str> = removed
        .iter()
        .filter_map(|it| it.moved_to.as_deref())
        .collect();
    assert_eq!(moved, ["values.pilot.cni"]);
}
