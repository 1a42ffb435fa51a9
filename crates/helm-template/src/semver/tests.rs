use super::*;

#[test]
fn constraints_hold_as_with_masterminds() {
    for (constraint, version, expected) in [
        (">=1.21-0", "v1.29.3-gke.100", true),
        (">=1.21", "v1.29.3-gke.100", false),
        (">=1.21.0", "1.21", true),
        ("1.2", "1.2.9", true),
        ("~1.2.3", "1.2.9", true),
        ("~1.2.3", "1.3.0", false),
        ("^1.2.3", "1.9.0", true),
        ("^0.2.3", "0.3.0", false),
        ("^0.0.3", "0.0.4", false),
        ("1.x", "1.99.0", true),
        ("*", "3.0.0", true),
        ("!=1.2.x", "1.2.3", false),
        (">1.2.x", "1.2.9", false),
        ("<=1.2.x", "1.2.9", true),
        ("1.2 - 1.4", "1.4.5", true),
        (">1 <2 || =3.0.0", "3.0.0", true),
        ("=>1.0.0-alpha", "1.0.0-beta", true),
    ] {
        assert_eq!(
            satisfies(constraint, version),
            Ok(expected),
            "{constraint} {version}"
        );
    }
    assert_eq!(
        satisfies("foo", "1.0.0"),
        Err("improper constraint: foo".to_owned())
    );
    assert_eq!(
        satisfies("1", "foo"),
        Err("invalid semantic version".to_owned())
    );
}

#[test]
fn prereleases_are_ordered_by_their_parts() {
    let sorted = [
        "1.0.0-1",
        "1.0.0-2",
        "1.0.0-10",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-beta",
        "1.0.0",
    ];
    for pair in sorted.windows(2) {
        let [a, b] = pair else { continue };
        let (a, b) = (
            Version::parse(a).expect("valid"),
            Version::parse(b).expect("valid"),
        );
        assert_eq!(a.compare(&b), Ordering::Less, "{a} {b}");
    }
}
