use super::*;

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
    let (packed, complete) = fit(&records, LIMIT);
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
    let (packed, complete) = fit(&[Record::new("p", String::new(), event)], 8 << 10);
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
    let whole = BASE64_STANDARD.encode(pack(std::iter::empty()));
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
    let copy = Copy::new(&plan("three"), &before);
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
