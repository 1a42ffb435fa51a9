use serde_json::json;

use super::*;

#[track_caller]
fn check(flags: &[&str], expected: &Value) {
    let mut map = Map::new();
    for flag in flags {
        let flag = parse(flag);
        write(&mut map, &flag.path, flag.value).unwrap();
    }
    assert_eq!(&Value::Object(map), expected);
}

#[test]
fn values_have_the_types_that_istioctl_infers() {
    check(
        &[
            "a=01", "b=1e3", "c=T", "d=null", "e=[1]", "f=a\\,b", "g", "h=1.50", "i= x ",
        ],
        &json!({"a": 1, "b": 1000.0, "c": true, "d": "null", "e": "[1]", "f": "a,b", "g": "", "h": 1.5, "i": "x"}),
    );
}

#[test]
fn a_flag_is_cut_at_its_first_equals_sign() {
    check(
        &["values.pilot.env.FOO=a=b"],
        &json!({"values": {"pilot": {"env": {"FOO": "a=b"}}}}),
    );
}

#[test]
fn tags_and_revisions_stay_texts() {
    check(
        &["tag=1.30", "components.pilot.tag=1.30", "revision=1"],
        &json!({"tag": "1.30", "components": {"pilot": {"tag": "1.30"}}, "revision": "1"}),
    );
    assert_eq!(
        parse("components.pilot.tag=1.30").kept_text.as_deref(),
        Some("1.3")
    );
    assert_eq!(parse("components.pilot.tag=5").kept_text, None);
}

#[test]
fn lists_grow_and_elements_are_selected() {
    check(
        &[
            "a[9].name=x",
            "a.[name:x].enabled=true",
            "a[-1].name=y",
            "a[0].n=1",
        ],
        &json!({"a": [{"name": "x", "enabled": true, "n": 1}, {"name": "y"}]}),
    );
}

#[test]
fn a_missing_element_is_an_error() {
    let flag = parse("a.[name:x].b=1");
    assert_eq!(
        write(&mut Map::new(), &flag.path, flag.value),
        Err("element [name:x] not found".to_owned())
    );
}

#[test]
fn an_existing_element_is_replaced() {
    check(&["a[0]=1", "a[0]=2"], &json!({"a": [2]}));
}

#[test]
fn the_default_revision_is_none_since_1_16_2() {
    let set = |minor, patch, revision| revision_set(&Version::new(1, minor, patch), revision);
    assert_eq!(set(30, 3, "canary").as_deref(), Some("revision=canary"));
    assert_eq!(set(30, 3, "default"), None);
    assert_eq!(set(16, 2, "default"), None);
    assert_eq!(set(16, 1, "default").as_deref(), Some("revision=default"));
    assert_eq!(set(12, 9, ""), None);
}

#[test]
fn what_may_not_be_meant_is_told() {
    let told = |flag: &str| doubtful(flag, false).map(|it| it.message);
    for flag in [
        "values.a",
        "spec.values.a=1",
        "values.a=null",
        "values.a=T",
        "values.a=f",
        "values.a=NaN",
        "values.a=-Inf",
        "values.a=[1,2]",
        "values.a={\"b\": 1}",
        "values.a='1'",
    ] {
        assert!(told(flag).is_some(), "{flag}");
    }
    for flag in [
        "values.a=",
        "values.a=1",
        "values.a=true",
        "values.a=nullable",
        "values.a=x[0]",
        "tag=t",
        "meshConfig.defaultConfig.proxyMetadata.A=T",
    ] {
        assert_eq!(told(flag), None, "{flag}");
    }
    assert!(doubtful("spec.values.a=1", true).is_none());
}
