use super::verdict;
use crate::outcome::{Code, Finding, Level, Ref, Subject, Verdict, sort};

fn finding(code: Code, level: Level) -> Finding {
    Finding::new(code, level, "title", "detail")
}

fn object(kind: &str, namespace: Option<&str>, name: &str) -> Subject {
    Subject::new(Ref {
        api_version: "v1".to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    })
}

#[test]
fn findings_stand_by_level_then_code_then_subject() {
    let mut findings = vec![
        finding(Code::ScaleReset, Level::Warn),
        finding(Code::EndOfLife, Level::Warn).about([object("Service", Some("b"), "x")]),
        finding(Code::EndOfLife, Level::Warn).about([object("Service", Some("a"), "x")]),
        finding(Code::KubernetesUnknown, Level::Unknown),
        finding(Code::VersionSkew, Level::Block),
    ];
    sort(&mut findings);
    let seen: Vec<_> = findings.iter().map(|it| it.code.as_str()).collect();
    assert_eq!(
        seen,
        [
            "version-skew",
            "kubernetes-unknown",
            "end-of-life",
            "end-of-life",
            "scale-reset"
        ]
    );
    let namespace = findings[2].subjects[0]
        .object
        .as_ref()
        .and_then(|it| it.namespace.as_deref());
    assert_eq!(namespace, Some("a"));
}

#[test]
fn subjects_are_sorted_and_named_once() {
    let mut findings = vec![finding(Code::EndOfLife, Level::Warn).about([
        Subject::place("iop.yaml", 3, 1),
        object("Service", Some("a"), "y"),
        object("Service", Some("a"), "x"),
        object("Service", Some("a"), "x"),
    ])];
    sort(&mut findings);
    let names: Vec<_> = findings[0]
        .subjects
        .iter()
        .map(|it| it.object.as_ref().map_or("file", |it| &it.name))
        .collect();
    assert_eq!(names, ["x", "y", "file"]);
}

#[test]
fn a_block_beats_an_unknown() {
    let block = finding(Code::VersionSkew, Level::Block);
    let unknown = finding(Code::KubernetesUnknown, Level::Unknown);
    assert_eq!(verdict(&[unknown.clone(), block]), Verdict::Blocked);
    assert_eq!(verdict(&[unknown]), Verdict::Unknown);
}

#[test]
fn missing_ownership_alone_does_not_hide_a_block() {
    let findings = [
        finding(Code::OwnershipUnknown, Level::Unknown),
        finding(Code::ScaleReset, Level::Warn),
    ];
    assert_eq!(verdict(&findings), Verdict::Clear);
}
