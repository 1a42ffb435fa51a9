use std::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use sorted::SortedMap;

use super::super::wire::{AnyObject, NodeObject, PodObject, SecretObject, WorkloadObject};
use super::{Halt, read};

/// Holds that a type is read as `serde_json` reads it, or not at all; says whether it was.
#[track_caller]
fn as_one<T: DeserializeOwned + Debug>(text: &[u8]) -> bool {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<T>();
    let expected = values.next().unwrap_or_else(|| {
        let nothing: Result<T, _> = serde_json::from_slice(b"");
        nothing
    });
    let shown = || String::from_utf8_lossy(text).into_owned();
    match (read::<T>(text), expected) {
        (Ok((found, length)), Ok(expected)) => {
            assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{}", shown());
            assert_eq!(length, values.byte_offset(), "{}", shown());
            true
        }
        (Ok(_), Err(error)) => panic!("{error}, but it was read: {}", shown()),
        (Err(Halt::End), expected) => {
            let is_eof = expected.as_ref().is_err_and(serde_json::Error::is_eof);
            assert!(is_eof, "{expected:?} of {}", shown());
            false
        }
        (Err(Halt::GaveUp), _) => false,
    }
}

/// Reads as everything that an export is read as.
#[track_caller]
fn check(text: &[u8]) -> bool {
    let object = text.first() == Some(&b'{');
    let known = [
        as_one::<Value>(text),
        as_one::<IgnoredAny>(text),
        !object || as_one::<PodObject>(text),
        !object || as_one::<AnyObject>(text),
        !object || as_one::<NodeObject>(text),
        !object || as_one::<SecretObject>(text),
        !object || as_one::<WorkloadObject>(text),
        !object || as_one::<SortedMap<String, IgnoredAny>>(text),
    ];
    known.iter().all(|it| *it)
}

const POD: &str = r#"{
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "annotations": {
            "sidecar.istio.io/status": "{\"revision\":\"default\",\"a\":\"\u003c\u0026é\"}",
            "kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"
        },
        "deletionTimestamp": null,
        "labels": {"app": "shop-é\n", "version": "v1"},
        "managedFields": [{"fieldsV1": {"f:spec": {"k:{\"name\":\"a\"}": {}}}, "time": "2026-01-01T00:00:00Z"}],
        "name": "shop-7d9f8b6c5-x",
        "namespace": "shop",
        "ownerReferences": [{"apiVersion": "apps/v1", "controller": true, "kind": "ReplicaSet", "name": "shop-7d9f8b6c5"}]
    },
    "spec": {
        "containers": [
            {
                "env": [{"name": "A", "value": "\\\"\/\b\f\n\r\t"}, {}],
                "image": "r.example.com/app:1",
                "name": "app",
                "ports": [{"containerPort": 8080, "hostPort": 80}],
                "resources": {"requests": {"cpu": "100m", "memory": 1024}}
            }
        ],
        "hostNetwork": false,
        "nodeName": "n1",
        "priority": -1,
        "weights": [0, 1.5, -2e3, 1E+2, 12345678901234567890, []],
        "terminationGracePeriodSeconds": 30
    },
    "status": {
        "conditions": [{"lastProbeTime": null, "status": "True", "type": "Ready"}],
        "containerStatuses": [{"name": "app", "restartCount": 3, "state": {"running": {}}}],
        "phase": "Running"
    }
}
"#;

#[test]
fn a_pod_is_read_and_what_is_odd_is_not() {
    // Numbers that are no small integers are read where nobody asks for them.
    assert!(as_one::<PodObject>(POD.as_bytes()));
    assert!(as_one::<IgnoredAny>(POD.as_bytes()));
    assert!(!as_one::<Value>(POD.as_bytes()));
    assert!(check(
        POD.replace("1.5, -2e3, 1E+2, 12345678901234567890, ", "")
            .as_bytes()
    ));
    let compact = serde_json::from_str::<Value>(POD).unwrap().to_string();
    assert!(as_one::<PodObject>(compact.as_bytes()));
    let deep = |it: usize| format!("{{\"a\": {}{}}}", "[".repeat(it), "]".repeat(it));
    for it in [1, 58, 59, 60, 61, 126, 127, 128, 200] {
        check(deep(it).as_bytes());
    }
    for odd in [
        "",
        "{",
        "{}",
        "{} {}",
        "[]",
        "-",
        "-0",
        "-1",
        "-0.",
        "1.5",
        "1e5",
        "tru",
        "\"a\\",
        "\"\\ud800a",
        "\"\\ud800\\",
        "{\"metadata\":{\"name\":\"\\ud800a",
        "{\"spec\":{\"hostNetwork\":12",
        "{\"spec\":{\"hostNetwork\":tr",
        "{\"status\":{\"phase\":-1",
        "01",
        "0null",
        "nulltrue",
        "{}null",
        "1",
        "1.",
        "1.e1",
        "1e",
        "{\"a\":-0}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":1e}",
        "{\"a\":.1}",
        "{\"a\":+1}",
        "{\"a\":1e999}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}",
        "[1,]",
        "[,1]",
        "{\"a\":[1,]}",
        "{\"a\":nul}",
        "{\"a\":nulll}",
        "{\"a\":tru",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"\\ud800\":1}",
        "{\"a\":\"\\ud83d\\ude00\"}",
        "{\"a\":\"\n\"}",
        "{\"a\":1,\"a\":2}",
        "{\"metadata\":{},\"metadata\":{}}",
        "{\"metadata\":[]}",
        "{\"metadata\":{\"name\":1}}",
        "{\"spec\":[]}",
        "{a:1}",
        "{\"a\":{]}",
        "{\"a\":[}}",
        "{\"metadata\":{\"labels\":{\"a\":null}}}",
        "\u{feff}{}",
        "{\u{a0}}",
        "{\u{1}}",
        "{\u{c}}",
        "{\"spec\":{\"containers\":[[\"a\",\"b\",null,{}]]}}",
        "{\"status\":{\"replicas\":1.0}}",
        "{\"status\":{\"replicas\":9223372036854775807}}",
        "{\"status\":{\"replicas\":-999999999999999999}}",
    ] {
        check(odd.as_bytes());
    }
    for bytes in [
        &b"{\"a\":\"\xff\"}"[..],
        b"{\"\xff\":1}",
        b"{\"metadata\":{\"name\":\"\xc3\"}}",
        b"\xff",
    ] {
        check(bytes);
    }
}

/// What texts are changed by.
const PIECES: [&[u8]; 24] = [
    b" ",
    b"\n",
    b"        \t",
    b"\"",
    b"\\",
    b"\\u0",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"0",
    b"-",
    b"1.5e3",
    b"null",
    b"true,",
    b"\"a\": 1,",
    b"\x01",
    b"\xff",
    b"\xc3\xa9",
    b"\x00",
    b"\x7f",
];

#[test]
fn a_text_that_was_changed_anywhere_is_read_as_serde_json_reads_it() {
    let text = POD.as_bytes();
    for at in 0..=text.len() {
        let (before, after) = text.split_at(at);
        as_one::<Value>(before);
        as_one::<PodObject>(before);
        // Each place is tried with some of the pieces.
        for (number, piece) in PIECES.iter().enumerate().skip(at % 4).step_by(4) {
            check(&[before, piece, after].concat());
            // One byte or some more are left out.
            let left = after.get(number..).unwrap_or_default();
            as_one::<Value>(&[before, left].concat());
            as_one::<PodObject>(&[before, left].concat());
        }
    }
}

/// Several changes, drawn by chance; `REFIT_LONG` makes half a million texts.
#[test]
fn a_text_that_was_changed_in_several_places_is_read_as_serde_json_reads_it() {
    let cases = if std::env::var_os("REFIT_LONG").is_some() {
        500_000
    } else {
        300
    };
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let change = (any::<Index>(), 0..4_usize, select(&PIECES[..]));
    TestRunner::new_with_rng(config, rng)
        .run(&vec(change, 1..6), |changes| {
            let mut text = POD.as_bytes().to_vec();
            for (place, length, piece) in changes {
                let from = place.index(text.len() + 1);
                let to = text.len().min(from + length);
                text.splice(from..to, piece.iter().copied());
            }
            check(&text);
            Ok(())
        })
        .unwrap();
}
