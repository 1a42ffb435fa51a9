use super::super::tests::{change, object, outcome};
use super::{State, agenda};
use crate::outcome::{ChangeClass, Code, Finding, Level, Subject, Verdict};

#[test]
fn what_only_names_the_release_is_no_real_change() {
    let it = agenda(&outcome());
    assert_eq!(it.real, [0, 1]);
    assert_eq!(it.stamped, [2]);
    assert_eq!(it.stamps[&0], [1]);
    assert_eq!(it.stamps[&2], [0]);
    assert!(it.tally.ends_with("1 with new version labels only"));
}

#[test]
fn what_is_left_to_people_stands_between_clear_and_blocked() {
    let mut outcome = outcome();
    let it = agenda(&outcome);
    assert_eq!((it.state, it.lost.as_slice()), (State::Decide, &[0][..]));
    assert_eq!(it.title, "Clear, 2 would be lost");
    outcome.findings.push(Finding::new(
        Code::ManualRestart,
        Level::Warn,
        "One pod stays",
        "",
    ));
    assert_eq!(agenda(&outcome).title, "Clear, 2 would be lost, 1 by hand");
    outcome.verdict = Verdict::Blocked;
    let it = agenda(&outcome);
    assert_eq!((it.state, it.title.as_str()), (State::Blocked, "Blocked"));
    // What somebody has decided on is left to nobody.
    outcome.verdict = Verdict::Clear;
    outcome.reverted.clear();
    for finding in &mut outcome.findings {
        finding.accepted = Some("seen".to_owned());
    }
    let it = agenda(&outcome);
    assert_eq!((it.state, it.title.as_str()), (State::Clear, "Clear"));
    assert_eq!(it.known.len(), 2);
}

#[test]
fn what_is_left_behind_is_deleted_by_name_or_together() {
    let mut outcome = outcome();
    let gone = object("Service", "old");
    outcome
        .changes
        .push(change(gone, ChangeClass::Orphan, Vec::new()));
    outcome.findings = vec![Finding::new(
        Code::OrphansLeft,
        Level::Warn,
        "Objects are left",
        "",
    )];
    let it = agenda(&outcome);
    assert_eq!(it.by_hand, [0]);
    let choices = &it.choices[&0];
    assert!(choices[0].prune_orphans);
    assert_eq!(
        choices[1].prune.as_deref(),
        Some("Service/istio-system/old")
    );
}

#[test]
fn a_control_plane_is_chosen_by_its_namespace_where_that_tells_it() {
    let mut outcome = outcome();
    let plane = |namespace: &str| {
        let mut it = object("Deployment", "istiod");
        it.namespace = Some(namespace.to_owned());
        Subject::new(it)
    };
    let finding = |planes: &[&str]| {
        Finding::new(Code::SeveralControlPlanes, Level::Block, "Several", "")
            .about(planes.iter().map(|it| plane(it)))
    };
    outcome.findings = vec![finding(&["mesh-b", "istio-system"])];
    let choices = &agenda(&outcome).choices[&0];
    let namespaces: Vec<_> = choices
        .iter()
        .filter_map(|it| it.namespace.as_deref())
        .collect();
    assert_eq!(namespaces, ["istio-system", "mesh-b"]);
    outcome.findings = vec![finding(&["istio-system", "istio-system"])];
    assert!(agenda(&outcome).choices.is_empty());
    outcome.findings = vec![finding(&[]).instead(&"1.30.3")];
    assert_eq!(
        agenda(&outcome).choices[&0][0].to.as_deref(),
        Some("1.30.3")
    );
}
