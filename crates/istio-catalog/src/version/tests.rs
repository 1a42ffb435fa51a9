use super::{Minor, Version};

#[track_caller]
fn check(tag: &str, expected: Option<&str>) {
    assert_eq!(
        Version::parse_tag(tag).map(|it| it.to_string()).as_deref(),
        expected,
        "{tag}"
    );
}

#[test]
fn tags_are_read_as_istio_reads_them() {
    check("1.30.3", Some("1.30.3"));
    check("1.30.3-distroless", Some("1.30.3-distroless"));
    check("1.30.3-rc.1", Some("1.30.3-rc.1"));
    check("1.31-alpha.abc", Some("1.31.0-alpha.abc"));
    check("release-1.30", Some("1.30.0"));
    check("v1.2.3", Some("1.2.3"));
    check("1.2.3.4", Some("1.2.3"));
    check("1.30.3+build", Some("1.30.3"));
}

#[test]
fn tags_that_name_no_release_are_no_version() {
    for tag in [
        "latest",
        "",
        "1.30.3_foo",
        "1.30.3-",
        "1.30.3-a_b",
        "3f2504e",
        "20250101",
        "1.",
        ".1",
        "1.x",
        "-1.2",
        "99999999999.1",
    ] {
        check(tag, None);
    }
}

#[test]
fn a_release_has_three_numbers() {
    let read = |text: &str| Version::parse_release(text).map(|it| it.to_string());
    assert_eq!(read("1.30.3").as_deref(), Some("1.30.3"));
    assert_eq!(read("v1.31.0-rc.0").as_deref(), Some("1.31.0-rc.0"));
    for text in ["1.30", "1.30.3.4", "release-1.30", "latest", ""] {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn only_numbers_are_compared() {
    let version = |text: &str| text.parse::<Version>().unwrap();
    assert!(version("1.28.9") < version("1.28.10"));
    assert!(version("1.9.9") < version("1.10.0"));
    assert_eq!(version("1.30.3-distroless"), version("1.30.3"));
    assert_eq!(version("1.31.0-rc.0"), version("1.31.0"));
}

#[test]
fn an_image_gives_the_version_of_its_tag() {
    let version = |image: &str| Version::parse_image(image).map(|it| it.to_string());
    assert_eq!(
        version("docker.io/istio/pilot:1.29.6").as_deref(),
        Some("1.29.6")
    );
    assert_eq!(
        version("localhost:5000/pilot:1.29.6@sha256:00").as_deref(),
        Some("1.29.6")
    );
    assert_eq!(version("localhost:5000/pilot"), None);
    assert_eq!(version("istio/pilot@sha256:00"), None);
    assert_eq!(version("auto"), None);
}

#[test]
fn a_variant_is_told_from_a_pre_release() {
    let check = |tag: &str, plain: &str, variant: Option<&str>| {
        let version = Version::parse_tag(tag).unwrap();
        assert_eq!(version.without_variant().to_string(), plain);
        assert_eq!(version.variant(), variant);
    };
    check("1.30.3", "1.30.3", None);
    check("1.30.3-distroless", "1.30.3", Some("distroless"));
    check("1.31.0-rc.0-debug", "1.31.0-rc.0", Some("debug"));
    check("1.31.0-rc.0", "1.31.0-rc.0", None);
    check("1.31.0-solo-distroless", "1.31.0-solo", Some("distroless"));
}

#[test]
fn minors_have_neighbours() {
    assert_eq!(Minor::new(1, 9).next().to_string(), "1.10");
    assert_eq!(Minor::new(1, 0).previous(), None);
    assert_eq!("1.30".parse(), Ok(Minor::new(1, 30)));
    assert!("1.30.3".parse::<Minor>().is_err());
}
