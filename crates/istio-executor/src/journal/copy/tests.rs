use super::*;
use crate::journal::{Event, Next, Position, Scope};

fn read_back(packed: &[u8]) -> Vec<Record> {
    unpack(packed)
        .unwrap()
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect()
}

#[test]
fn a_copy_is_read_back_as_written() {
    let records = vec![Record::new(
        "p",
        "2026-01-01T00:00:00Z".to_owned(),
        Event::Finished,
    )];
    let (packed, complete) = Packing::default().fit(&records, LIMIT);
    assert!(complete);
    assert_eq!(read_back(&packed), records);
}

#[test]
fn a_copy_that_would_be_too_large_leaves_out_former_objects() {
    // Digests of a counter do not compress.
    let noise: String = (0..2_000)
        .map(|it| istio_planner::digest::digest(&json!(it)))
        .collect();
    let event = Event::ActionBegan {
        step: "s".to_owned(),
        action: 0,
        object: reference("n"),
        former: Some(json!({ "kind": "ConfigMap", "data": { "noise": noise } })),
        omitted: false,
        mark: None,
        pods: Vec::new(),
    };
    let records = [Record::new("p", String::new(), event)];
    let (packed, complete) = Packing::default().fit(&records, 8 << 10);
    assert!(!complete && packed.len() <= 8 << 10);
    assert!(matches!(
        &read_back(&packed)[0].event,
        Event::ActionBegan {
            former: None,
            omitted: true,
            ..
        }
    ));
}

#[test]
fn an_unreadable_copy_is_not_the_same_as_none() {
    let copy = |data: Value| json!({ "metadata": { "annotations": { "refit/plan": "p" } }, "binaryData": data });
    let whole = BASE64_STANDARD.encode(pack(b""));
    assert!(found(&copy(json!({ "journal.jsonl.gz": whole })), None).is_ok());
    for damaged in [
        json!({}),
        json!({ "journal.jsonl.gz": "AAAA" }),
        json!({ "journal.jsonl.gz": whole, "plan.json.gz": "?" }),
    ] {
        assert!(found(&copy(damaged.clone()), None).is_err(), "{damaged}");
    }
}

fn plan(id: &str) -> Plan {
    Plan {
        id: id.to_owned(),
        source: None,
        target: "1.30.3".to_owned(),
        direction: None,
        cluster: None,
        namespace: "n".to_owned(),
        forced: false,
        freeze: Vec::new(),
        steps: Vec::new(),
    }
}

#[test]
fn plans_that_were_given_up_stand_beside_the_one_that_was_made_for_them() {
    let records = |plan: &str| vec![Record::new(plan, String::new(), Event::Finished)];
    let before = vec![(plan("two"), records("two")), (plan("one"), records("one"))];
    let mut copy = Copy::new(&plan("three"), &before);
    let found = found(&copy.manifest(&records("three")), None).unwrap();
    assert_eq!(found.plan_id, "three");
    assert_eq!(found.records, records("three"));
    assert_eq!(found.predecessors, before);
}

#[test]
fn restarts_have_a_copy_of_their_own() {
    use istio_planner::outcome::RestartHow;
    use istio_planner::plan::{Action, Step};
    let restart = Action::Restart {
        object: reference("n"),
        how: RestartHow::Rollout,
        pods: 1,
        to: None,
        at_once: None,
    };
    let step = Step {
        id: "restart-1".to_owned(),
        title: String::new(),
        component: None,
        actions: vec![restart],
        waits: Vec::new(),
        pause: 0,
    };
    let restarts = Plan {
        steps: vec![step.clone()],
        ..plan("r")
    };
    assert_eq!(Copy::new(&restarts, &[]).object.name, RESTARTS);
    let upgrade = Plan {
        steps: vec![
            Step {
                actions: Vec::new(),
                ..step.clone()
            },
            step,
        ],
        ..plan("u")
    };
    assert_eq!(Copy::new(&upgrade, &[]).object.name, NAME);
}

/// What a restart of `count` workloads writes down, `wave` of them in a step.
fn restarts(count: usize, wave: usize) -> Vec<Record> {
    let mut records = Vec::new();
    let mut record = |event| {
        let at = time(records.len());
        let plan = "restart-1796000000000-0123456789abcdef";
        records.push(Record::new(plan, at, event));
    };
    for first in (0..count).step_by(wave) {
        let step = format!("restart-{}", first / wave + 1);
        record(Event::StepBegan { step: step.clone() });
        for number in first..count.min(first + wave) {
            record(Event::ActionBegan {
                step: step.clone(),
                action: number - first,
                object: Ref {
                    api_version: "apps/v1".to_owned(),
                    kind: "Deployment".to_owned(),
                    namespace: Some(format!("team-{}", number / 40)),
                    name: format!("service-{number}"),
                },
                former: None,
                omitted: true,
                mark: Some(time(number)),
                pods: Vec::new(),
            });
        }
        for number in first..count.min(first + wave) {
            record(Event::ActionEnded {
                step: step.clone(),
                action: number - first,
                digest: None,
                changed: true,
                stored: None,
            });
        }
        record(Event::StepEnded { step });
    }
    records
}

/// A time whose nanoseconds compress as badly as those of a real clock.
fn time(count: usize) -> String {
    let digest = istio_planner::digest::digest(&json!(count));
    let nanoseconds = u32::from_str_radix(&digest[..7], 16).unwrap();
    let (hour, minute, second) = (count / 3_600 % 24, count / 60 % 60, count % 60);
    format!("2026-11-30T{hour:02}:{minute:02}:{second:02}.{nanoseconds:09}Z")
}

#[test]
fn ten_thousand_restarts_fit() {
    let records = restarts(10_000, 10);
    let (packed, complete) = Packing::default().fit(&records, LIMIT);
    assert!(packed.len() <= LIMIT, "{} bytes", packed.len());
    assert!(complete);
    assert_eq!(read_back(&packed), records);
}

#[test]
fn a_copy_that_grows_holds_what_one_made_at_once_holds() {
    let records = restarts(2_000, 10);
    let mut growing = Packing::default();
    for end in (0..records.len()).step_by(7) {
        growing.fit(&records[..end], LIMIT);
    }
    assert!(growing.taken > 0, "a member is full");
    let (packed, _) = growing.fit(&records, LIMIT);
    assert_eq!(read_back(&packed), records);
    assert_eq!(packed, Packing::default().fit(&records, LIMIT).0);
}

/// How many workloads [`a_restart_on_paper`] restarts.
const SIZE: &str = "REFIT_PAPER";

/// What a run does besides asking the cluster: says what comes next, writes it down, makes the copy. Also a process of its
/// own, whose instructions are counted.
#[test]
fn a_restart_on_paper() {
    use istio_planner::outcome::RestartHow;
    use istio_planner::plan::{Action, Step};
    const WAVE: usize = 30;
    let size: usize = std::env::var(SIZE).map_or(30, |it| it.parse().unwrap());
    let story = restarts(size, WAVE);
    let restart = |record: &Record| {
        let Event::ActionBegan { object, .. } = &record.event else {
            return None;
        };
        Some(Action::Restart {
            object: object.clone(),
            how: RestartHow::Rollout,
            pods: 1,
            to: None,
            at_once: None,
        })
    };
    let actions: Vec<Action> = story.iter().filter_map(restart).collect();
    let step = |(number, actions): (usize, &[Action])| Step {
        id: format!("restart-{}", number + 1),
        title: String::new(),
        component: None,
        actions: actions.to_vec(),
        waits: Vec::new(),
        pause: 0,
    };
    let plan = Plan {
        steps: actions.chunks(WAVE).enumerate().map(step).collect(),
        ..plan("r")
    };
    let mut position = Position::new(&plan, Scope::All);
    let mut copy = Copy::new(&plan, &[]);
    let mut records: Vec<Record> = Vec::new();
    let mut story = story.into_iter().peekable();
    loop {
        let is_wave = match position.next(&records) {
            Next::Done => break,
            Next::Begin(_) | Next::Act { begun: None, .. } | Next::Wait(_) => true,
            Next::Act { .. } => false,
        };
        records.extend(story.next());
        // All actions of a wave begin at once.
        let begins = |it: &Record| matches!(it.event, Event::ActionBegan { .. });
        while let Some(record) = story.next_if(begins) {
            records.push(record);
        }
        position.take(&records);
        if is_wave {
            copy.manifest(&records);
        }
    }
    assert_eq!(story.next(), None);
}

/// Ten times the restarts cost ten times the work, by instructions (valgrind's cachegrind).
#[test]
fn a_record_costs_the_same_however_many_there_were() {
    let count = |size: usize| -> f64 {
        let output = std::process::Command::new("valgrind")
            .args([
                "--tool=cachegrind",
                "--cache-sim=no",
                "--cachegrind-out-file=/dev/null",
            ])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "journal::copy::tests::a_restart_on_paper"])
            .env(SIZE, size.to_string())
            .output();
        let output = match output {
            Ok(output) => output,
            Err(error) => {
                let ci = std::env::var_os("CI").is_some_and(|it| it == "true");
                assert!(!ci, "valgrind: {error}");
                eprintln!("skipped: valgrind is not installed");
                return 0.0;
            }
        };
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        let count = text.lines().find_map(|it| it.split_once("refs:")).unwrap();
        count.1.trim().replace(',', "").parse().unwrap()
    };
    let bare = count(0);
    let (one, ten) = (count(300) - bare, count(3_000) - bare);
    println!("{:.0} Mi for 300, ratio {:.1}", one / 1e6, ten / one);
    assert!(ten <= one * 12.0, "{:.1} times", ten / one);
}
