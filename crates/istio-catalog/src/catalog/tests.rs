use crate::{Catalog, Minor, Version};

#[test]
fn every_minor_from_the_oldest_to_the_newest_is_there() {
    let minors: Vec<Minor> = Catalog::embedded().minors().collect();
    let expected: Vec<Minor> = (6..=31).map(|it| Minor::new(1, it)).collect();
    assert_eq!(minors, expected);
}

#[test]
fn every_patch_is_decoded_as_the_release_it_says() {
    let catalog = Catalog::embedded();
    let patches: Vec<&Version> = catalog.patches().collect();
    assert!(patches.len() > 200 && patches.is_sorted());
    for patch in patches {
        let release = catalog.release(patch).unwrap();
        assert_eq!(release.version().to_string(), patch.to_string());
        assert_eq!(
            release.archive.profiles["default"]["tag"],
            patch.to_string(),
            "each archive is stamped with its own version"
        );
    }
}

#[test]
fn a_patch_has_the_defaults_of_its_own_charts() {
    let catalog = Catalog::embedded();
    let hub = |version: &str| catalog.release(&version.parse().unwrap()).unwrap().hub();
    assert_eq!(hub("1.29.0"), Some("docker.io/istio"));
    assert_eq!(hub("1.30.1"), Some("registry.istio.io/release"));
    assert_eq!(hub("1.31.0-rc.0"), Some("docker.io/istio"));
}

#[test]
fn an_unknown_patch_is_answered_by_the_nearest() {
    let catalog = Catalog::embedded();
    let nearest = |version: &str| {
        let version = version.parse().unwrap();
        let nearest = catalog.nearest(&version).map(ToString::to_string);
        let release = catalog.release(&version).map(|it| it.version().to_string());
        assert_eq!(nearest, release);
        (nearest, catalog.is_exact(&version))
    };
    let of = |version: &str, exact| (Some(version.to_owned()), exact);
    assert_eq!(nearest("1.29.4"), of("1.29.4", true));
    assert_eq!(nearest("1.29.4-distroless"), of("1.29.4", true));
    assert_eq!(nearest("1.29.99"), of("1.29.6", false));
    assert_eq!(nearest("1.31.1"), of("1.31.0-rc.0", false));
    assert_eq!(nearest("1.31.0"), of("1.31.0-rc.0", false));
    assert_eq!(nearest("1.99.0"), (None, false));
}

#[test]
fn the_newest_stable_release_is_no_candidate() {
    let newest = Catalog::embedded().newest_stable().map(ToString::to_string);
    assert_eq!(newest.as_deref(), Some("1.30.3"));
}

#[test]
fn the_packed_data_stays_small() {
    assert!(super::DATA.len() < 250_000, "{} bytes", super::DATA.len());
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
