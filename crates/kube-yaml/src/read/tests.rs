#![expect(
    clippy::format_push_string,
    clippy::format_collect,
    reason = "small texts"
)]

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;
use crate::random::Random;

#[track_caller]
fn check(text: &str, expected: &Value) {
    assert_eq!(&from_str(text).expect("valid"), expected, "{text}");
}

#[track_caller]
fn refused(text: &str, expected: &Expect) {
    let error = from_str(text).expect_err("refused");
    expected.assert_eq(&error.to_string());
}

#[test]
fn scalars_are_those_of_go_yaml_2() {
    for (text, expected) in [
        ("yes", json!(true)),
        ("off", json!(false)),
        ("y", json!(true)),
        ("~", json!(null)),
        ("0755", json!(493)),
        ("0o755", json!(493)),
        ("0x1F", json!(31)),
        ("0b11", json!(3)),
        ("1_000", json!(1000)),
        ("08", json!(8.0)),
        ("1:30", json!("1:30")),
        ("18446744073709551615", json!(u64::MAX)),
        ("+18446744073709551615", json!(18_446_744_073_709_551_615.0)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("1e3", json!(1000.0)),
        (".5", json!(0.5)),
        ("1.", json!(1.0)),
        (".", json!(".")),
        ("-", json!([null])),
        ("2001-01-01", json!("2001-01-01")),
        ("1e999", json!("1e999")),
        ("0x", json!("0x")),
        ("'0755'", json!("0755")),
        ("\"yes\"", json!("yes")),
        ("! '5'", json!(5)),
        ("!!str 5", json!("5")),
        ("!!int '5'", json!(5)),
        ("!!float 5", json!(5.0)),
        ("!!binary aGk=", json!("hi")),
        ("!!binary /w==", json!("\u{fffd}")),
        ("!own 5", json!("5")),
        ("", json!(null)),
    ] {
        check(text, &expected);
    }
}

#[test]
fn keys_become_text_as_in_go() {
    check(
        "y: 1\n2: 2\n2.5: 3\n0x10: 4\n'on': 5\n1e6: 6\n",
        &json!({"true": 1, "2": 2, "2.5": 3, "16": 4, "on": 5, "1e+06": 6}),
    );
    refused(
        "~: 1",
        &expect!["1:1: a key must be a string, a number or a truth value"],
    );
}

#[test]
fn a_value_that_its_tag_does_not_fit_is_not_quoted() {
    refused(
        "password: !!int secret",
        &expect!["1:17: cannot decode a !!str as a !!int"],
    );
}

#[test]
fn the_last_of_equal_keys_wins() {
    check("a: 1\nb: 2\na: 3\n", &json!({"a": 3, "b": 2}));
    let many: String = (0..40).map(|it| format!("k{}: {it}\n", it % 20)).collect();
    let expected: Value = (0..20)
        .map(|it| (format!("k{it}"), json!(it + 20)))
        .collect();
    check(&many, &expected);
}

#[test]
fn merge_keys_are_applied_where_they_stand() {
    check(
        "x: &x {a: 1, b: 2}\nw: {a: 5, <<: *x}\nz: {<<: *x, a: 5}\n",
        &json!({"x": {"a": 1, "b": 2}, "w": {"a": 1, "b": 2}, "z": {"a": 5, "b": 2}}),
    );
    check(
        "x: &x {a: 1}\nw: &y {a: 2, c: 3}\nz: {<<: [*x, *y]}\n",
        &json!({"x": {"a": 1}, "w": {"a": 2, "c": 3}, "z": {"a": 1, "c": 3}}),
    );
    refused(
        "a: {<<: 5}",
        &expect!["1:9: map merge requires map or sequence of maps as the value"],
    );
}

#[test]
fn a_block_scalar_at_the_end_gets_no_newline() {
    check("a: |\n  x", &json!({"a": "x"}));
    check("a: |\n  x\n", &json!({"a": "x\n"}));
}

#[test]
fn marks_and_windows_line_ends_are_read_over() {
    check(
        "\u{feff}a: 1\r\nb: |\r\n  x\r\n  y\r\n",
        &json!({"a": 1, "b": "x\ny\n"}),
    );
}

#[test]
fn a_text_that_ends_inside_a_node_is_refused() {
    refused("a: [1, 2", &expect!["1:4: unclosed bracket '['"]);
    refused("a: \"x", &expect!["1:4: unclosed quote"]);
    refused("a: 1\nb", &expect!["2:1: simple key expected ':'"]);
    refused("{a: 1", &expect!["1:1: unclosed bracket '{'"]);
}

#[test]
fn what_json_cannot_hold_is_refused() {
    refused("a: .inf", &expect!["1:4: json: unsupported value: +Inf"]);
}

#[test]
fn aliases_are_bounded() {
    let mut text = "a: &a [1,1,1,1,1,1,1,1,1,1]\n".to_owned();
    for (name, of) in ["b", "c", "d", "e", "f", "g", "h"]
        .iter()
        .zip(["a", "b", "c", "d", "e", "f", "g"])
    {
        text += &format!(
            "{name}: &{name} [{}]\n",
            [format!("*{of}"); 1].concat() + &format!(",*{of}").repeat(9)
        );
    }
    let error = from_str(&text).expect_err("too many");
    assert_eq!(error.message, "document contains excessive aliasing");
    refused(
        "&a [*a]",
        &expect!["1:5: an anchor's value contains itself"],
    );
}

#[test]
fn depth_is_bounded() {
    let deep = "[".repeat(100_000);
    assert!(from_str(&deep).is_err());
    let nested: String = "a: &a0 x\n".to_owned()
        + &(1..300)
            .map(|it| format!("k{it}: &a{it} [*a{}]\n", it - 1))
            .collect::<String>();
    assert!(from_str(&nested).is_err());
}

#[test]
fn nodes_know_their_place() {
    let mut places = Vec::new();
    load("# c\na:\n  - b: x\n---\n---\nq: é1\n", |node| {
        places.push(node.at(["a", "0", "b"]).map(|it| it.position));
        places.push(node.at(["q"]).map(|it| it.position));
    })
    .expect("valid");
    let at = |line, column| Some(Position { line, column });
    assert_eq!(places, [at(3, 8), None, None, at(6, 4)]);
}

#[test]
fn only_the_first_document_is_plain_data() {
    check("a: 1\n---\nb: [", &json!({"a": 1}));
}

#[test]
fn damaged_text_never_panics() {
    let whole = "a: &x [1, {b: 'c', \"d\": |\n  e\n }]\n<<: *x\n? q\n: !!binary aGk=\n--- # z\n- - >+2\n   f\n\n- %x\n- 2001-01-01 1:2:3.4\n- -0x1_f\n";
    let pieces = [
        "\n", " ", "-", ":", "&x", "*x", "|", ">", "'", "\"", "{", "}", "[", "]", "\t", "é",
        "\u{feff}", "\0", "<<", "!", "%", "---", "#", ",", "?", "!!int", "\r",
    ];
    let mut random = Random(7);
    for _ in 0..20_000 {
        let mut text = whole.to_owned();
        for _ in 0..=random.below(4) {
            let mut at = random.below(text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            if random.below(3) == 0 {
                text.truncate(at);
            } else {
                text.insert_str(at, pieces[random.below(pieces.len())]);
            }
        }
        let _ = load(&text, |node| {
            let data = node.to_json();
            let again = from_str(&crate::to_string(&data)).expect("what we write we read");
            assert_eq!(crate::as_go_json(again), crate::as_go_json(data), "{text}");
        });
    }
}

#[test]
fn keys_that_stand_twice_are_told_and_merged_ones_are_not() {
    let told = |text: &str| -> Vec<String> {
        let found = repeated(text);
        let told = found
            .iter()
            .map(|it| format!("{} {} {}", it.key, it.first.line, it.last.line));
        told.collect()
    };
    assert_eq!(
        told("a: 1\nb: {c: 1, c: 2}\na: 2\na: 3\n"),
        ["c 2 2", "a 1 4"]
    );
    assert_eq!(
        told("---\na: 1\n---\na: 1\n---\ntrue: 1\nyes: 2\n"),
        ["true 6 7"]
    );
    assert!(told("x: &x {a: 1}\ny: {<<: *x, a: 2}\n").is_empty());
}
