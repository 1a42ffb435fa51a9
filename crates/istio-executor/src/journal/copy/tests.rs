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
    assert!(found(&copy(json!({ "journal.jsonl.gz": whole }))).is_ok());
    for damaged in [
        json!({}),
        json!({ "journal.jsonl.gz": "AAAA" }),
        json!({ "journal.jsonl.gz": whole, "plan.json.gz": "?" }),
    ] {
        assert!(found(&copy(damaged.clone())).is_err(), "{damaged}");
    }
}
