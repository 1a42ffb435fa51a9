use super::*;

#[test]
fn addresses_are_judged_as_by_istiod() {
    for good in [
        "istiod.istio-system.svc:15012",
        "10.0.0.1:80",
        "[::1]:80",
        "localhost:1",
    ] {
        assert!(is_proxy_address(good), "{good}");
    }
    for bad in ["istiod", "istiod:0", "::1:80", "a_b:80", "10.0.0:80", ":80"] {
        assert!(!is_proxy_address(bad), "{bad}");
    }
}

#[test]
fn domains_may_begin_with_a_wildcard() {
    for good in ["*", "*.x", "*-a.b", "*a.b", "A.b.", "a."] {
        assert!(is_wildcard_domain(good), "{good}");
    }
    for bad in ["", "**", "*_", "a_b", "a..b", "a.1", "*."] {
        assert_eq!(is_wildcard_domain(bad), bad == "*.", "{bad}");
    }
}

#[test]
fn nulls_and_names_of_protos_are_seen_through() {
    for mesh in [
        serde_json::json!({"serviceSettings": [{"hosts": [null]}]}),
        serde_json::json!({"trustDomainAliases": [null]}),
        serde_json::json!({"mesh_mTLS": {"ecdhCurves": ["P-256"]}}),
    ] {
        let mut diagnostics = Vec::new();
        check(
            &mesh,
            "spec.meshConfig",
            &Version::new(1, 25, 5),
            &mut diagnostics,
        );
        assert_eq!(diagnostics.len(), 1, "{mesh}");
    }
}

#[test]
fn trust_domains_are_labels_parted_by_dots() {
    for (domain, good) in [
        ("a.b", true),
        ("a.", true),
        ("TD", true),
        ("", false),
        (".", false),
        ("a..", false),
    ] {
        assert_eq!(is_trust_domain(domain), good, "{domain:?}");
    }
}

#[test]
fn localities_may_not_overlap() {
    assert!(localities_fit(&["a/b/c", "a/b/d", "a/c/*", "b"]));
    assert!(!localities_fit(&["a", "a/b"]));
    assert!(!localities_fit(&["a/*/c"]));
    assert!(!localities_fit(&["a//c"]));
    assert!(!localities_fit(&["a/*", "a/b"]));
    assert!(!localities_fit(&["a/b/*", "a/b/c"]));
    assert!(localities_fit(&["a/b/c", "a/b/*"]));
}
