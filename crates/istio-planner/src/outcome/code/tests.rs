use super::Code;

#[test]
fn names_are_unique_and_kebab_case() {
    let mut names: Vec<_> = Code::ALL.iter().map(|it| it.as_str()).collect();
    let is_kebab = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    assert!(names.iter().all(|it| it.bytes().all(is_kebab)));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn a_name_leads_back_to_its_code() {
    for code in Code::ALL {
        assert_eq!(Code::parse(code.as_str()), Some(*code));
    }
}

#[test]
fn a_document_holds_codes_by_name_and_no_others() {
    let text = serde_json::to_string(&Code::VersionSkew).unwrap();
    assert_eq!(text, "\"version-skew\"");
    assert_eq!(
        serde_json::from_str::<Code>(&text).unwrap(),
        Code::VersionSkew
    );
    let refused = serde_json::from_str::<Code>("\"no-such-code\"").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "\"no-such-code\" is no code of a finding"
    );
}
