use istio_planner::outcome::{Ref, RestartHow};
use istio_planner::plan::{Action, Expected, Plan, Step};
use serde_json::json;

use super::*;

fn object(name: &str) -> Ref {
    Ref {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        namespace: Some("n".to_owned()),
        name: name.to_owned(),
    }
}

fn plan() -> Plan {
    let apply = |name: &str| Action::Apply {
        object: object(name),
        manifest: json!({}),
        force: true,
        expected: Expected::default(),
    };
    let restart = Action::Restart {
        object: object("w"),
        how: RestartHow::Rollout,
        pods: 1,
        to: None,
        at_once: None,
    };
    let step = |id: &str, actions| Step {
        id: id.to_owned(),
        title: String::new(),
        component: None,
        actions,
        waits: Vec::new(),
        pause: 0,
    };
    Plan {
        id: "p".to_owned(),
        source: None,
        target: "1.30.3".to_owned(),
        direction: None,
        cluster: None,
        namespace: "n".to_owned(),
        forced: false,
        freeze: Vec::new(),
        steps: vec![
            step("one", vec![apply("a"), apply("b")]),
            step("restart-1", vec![restart]),
        ],
    }
}

/// Does what `next` says until nothing is left, and returns what was done, in words.
fn carry_out(plan: &Plan, records: &mut Vec<Record>, scope: Scope, most: usize) -> Vec<String> {
    let mut done = Vec::new();
    for _ in 0..most {
        let (word, event) = match next(plan, records, scope) {
            Next::Begin(step) => (
                format!("begin {}", step.id),
                Event::StepBegan {
                    step: step.id.clone(),
                },
            ),
            Next::Act {
                step,
                action,
                begun,
            } => (
                format!(
                    "act {} {action}{}",
                    step.id,
                    if begun.is_some() { " again" } else { "" }
                ),
                Event::ActionEnded {
                    step: step.id.clone(),
                    action,
                    digest: None,
                    changed: true,
                    stored: None,
                },
            ),
            Next::Wait(step) => (
                format!("wait {}", step.id),
                Event::StepEnded {
                    step: step.id.clone(),
                },
            ),
            Next::Done => return done,
        };
        done.push(word);
        records.push(Record::new("p", String::new(), event));
    }
    done
}

#[test]
fn steps_go_in_order_each_begun_acted_and_waited_for() {
    let mut records = Vec::new();
    assert_eq!(
        carry_out(&plan(), &mut records, Scope::All, 99),
        [
            "begin one",
            "act one 0",
            "act one 1",
            "wait one",
            "begin restart-1",
            "act restart-1 0",
            "wait restart-1"
        ]
    );
}

#[test]
fn restarts_can_be_left_out() {
    let mut records = Vec::new();
    let done = carry_out(&plan(), &mut records, Scope::WithoutRestarts, 99);
    assert_eq!(done.last().unwrap(), "wait one");
}

#[test]
fn stopping_anywhere_and_going_on_does_the_same() {
    let plan = plan();
    let whole = carry_out(&plan, &mut Vec::new(), Scope::All, 99);
    for stop in 0..whole.len() {
        let mut records = Vec::new();
        let mut parts = carry_out(&plan, &mut records, Scope::All, stop);
        parts.extend(carry_out(&plan, &mut records, Scope::All, 99));
        assert_eq!(parts, whole, "stopped after {stop}");
    }
}

#[test]
fn an_action_that_began_and_did_not_end_is_done_again() {
    let mut records = Vec::new();
    carry_out(&plan(), &mut records, Scope::All, 1);
    let began = Event::ActionBegan {
        step: "one".to_owned(),
        action: 0,
        object: object("a"),
        former: None,
        omitted: false,
        mark: None,
        pods: Vec::new(),
    };
    records.push(Record::new("p", String::new(), began));
    assert_eq!(
        carry_out(&plan(), &mut records, Scope::All, 1),
        ["act one 0 again"]
    );
}

#[test]
fn a_torn_last_line_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), "p").unwrap();
    journal
        .append(Event::StepBegan {
            step: "one".to_owned(),
        })
        .unwrap();
    let path = journal.path().to_owned();
    drop(journal);
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend_from_slice(br#"{"schema":"refit.rec"#);
    fs::write(&path, bytes).unwrap();
    let mut journal = Journal::open(folder.path(), "p").unwrap();
    assert_eq!(journal.records().len(), 1);
    journal.append(Event::Finished).unwrap();
    drop(journal);
    assert_eq!(
        Journal::open(folder.path(), "p").unwrap().records().len(),
        2
    );
}

#[test]
fn another_plans_records_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    Journal::open(folder.path(), "p")
        .unwrap()
        .append(Event::Finished)
        .unwrap();
    fs::rename(folder.path().join("p.jsonl"), folder.path().join("q.jsonl")).unwrap();
    assert!(matches!(
        Journal::open(folder.path(), "q"),
        Err(Error::Plan { .. })
    ));
}

#[test]
fn a_copy_that_another_machine_wrote_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), "p").unwrap();
    let began = |step: &str| Event::StepBegan {
        step: step.to_owned(),
    };
    journal.append(began("one")).unwrap();
    let mut copy = journal.records().to_vec();
    copy.push(Record::new("p", "t".to_owned(), began("two")));
    journal.adopt(copy.clone()).unwrap();
    assert_eq!(journal.records(), copy);
    journal.adopt(copy[..1].to_vec()).unwrap();
    assert_eq!(journal.records(), copy, "an older copy tells nothing");
}

#[test]
fn a_journal_is_open_once() {
    let folder = tempfile::tempdir().unwrap();
    let _journal = Journal::open(folder.path(), "p").unwrap();
    assert!(matches!(
        Journal::open(folder.path(), "p"),
        Err(Error::Locked { .. })
    ));
}

#[test]
fn restarts_are_kept_to_once_they_were_asked_for() {
    let began = |restarts| {
        let event = Event::RunBegan {
            by: "me".to_owned(),
            cluster: None,
            cluster_id: None,
            request: None,
            restarts,
            instead_of: None,
        };
        Record::new("p", String::new(), event)
    };
    assert!(progress(&[began(true), began(false)]).restarts);
    assert!(!progress(&[began(false)]).restarts);
}

#[cfg(unix)]
#[test]
fn a_journal_is_its_owners_alone_and_no_link_is_followed() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("refit/journals");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let journal = Journal::open(&folder, "p").unwrap();
    assert_eq!((mode(&folder), mode(journal.path())), (0o700, 0o600));
    // One that an older program left for all to read.
    drop(journal);
    let path = folder.join("p.jsonl");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    drop(Journal::open(&folder, "p").unwrap());
    assert_eq!(mode(&path), 0o600);
    let other = home.path().join("other");
    fs::write(&other, "").unwrap();
    std::os::unix::fs::symlink(&other, folder.join("q.jsonl")).unwrap();
    assert!(matches!(Journal::open(&folder, "q"), Err(Error::Io { .. })));
    assert_eq!(fs::read_to_string(&other).unwrap(), "");
}

/// What another version of the schema means is not guessed: nothing is gone on with, and nothing is cut off.
#[test]
fn records_of_another_schema_are_refused_and_stay() {
    for schema in [r#""refit.record/v2""#, r#""""#, "1", "null"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.jsonl");
        let line =
            format!("{{\"schema\":{schema},\"at\":\"t\",\"plan\":\"p\",\"event\":\"finished\"}}\n");
        fs::write(&path, &line).unwrap();
        let error = Journal::open(folder.path(), "p").unwrap_err();
        let words = crate::output::chain(&error);
        assert!(
            words.contains("this refit reads refit.record/v1"),
            "{words}"
        );
        assert!(Journal::peek(folder.path(), "p").is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), line);
    }
}
