use expect_test::{Expect, expect};
use serde_json::json;

use super::*;

#[track_caller]
fn check(value: &Value, expected: &Expect) {
    expected.assert_eq(&to_string(value));
}

#[test]
fn lists_are_not_indented_and_keys_are_in_natural_order() {
    check(
        &json!({"a10": [1, {"x": 2, "y": [[3, 4], []]}], "a9": {}, "B": null, "_": true, "1": {"k": {"l": "m"}}}),
        &expect![[r#"
            _: true
            "1":
              k:
                l: m
            B: null
            a9: {}
            a10:
            - 1
            - x: 2
              "y":
              - - 3
                - 4
              - []
        "#]],
    );
}

#[test]
fn strings_that_would_be_read_as_something_else_are_quoted() {
    check(
        &json!([
            "",
            "yes",
            "0755",
            "1_000",
            "1:30",
            "2001-01-01",
            "1e3",
            "~",
            "null",
            ".inf",
            "=",
            "<<",
            "a: b",
            "- a",
            "-a",
            "#",
            "a #",
            "a#",
            " a",
            "a ",
            "'",
            "a\tb",
            "é",
            "😀",
            "%a",
            "@",
            "a:",
            ":a",
            "?",
            "a,b",
            "[a",
            "\u{7f}",
            "a\rb"
        ]),
        &expect![[r#"
            - ""
            - "yes"
            - "0755"
            - "1_000"
            - "1:30"
            - "2001-01-01"
            - "1e3"
            - "~"
            - "null"
            - ".inf"
            - =
            - <<
            - 'a: b'
            - '- a'
            - -a
            - '#'
            - 'a #'
            - a#
            - ' a'
            - 'a '
            - ''''
            - "a\tb"
            - é
            - "\U0001F600"
            - '%a'
            - '@'
            - 'a:'
            - :a
            - '?'
            - a,b
            - '[a'
            - "\x7F"
            - "a\rb"
        "#]],
    );
}

#[test]
fn texts_of_several_lines_are_blocks() {
    check(
        &json!({"a": "x\ny\n", "b": "x\ny", "c": "x\n\n\n", "d": " x\ny\n", "e": "x \ny", "f": "\n", "g": ["x\n"], "h": "x\ty\n"}),
        &expect![[r#"
            a: |
              x
              y
            b: |-
              x
              y
            c: |+
              x


            d: |2
               x
              y
            e: "x \ny"
            f: |2+

            g:
            - |
              x
            h: "x\ty\n"
        "#]],
    );
}

#[test]
fn long_lines_are_folded() {
    let words = "lorem ipsum dolor sit amet ".repeat(5);
    let words = words.trim_end();
    check(
        &json!({"plain": words, "single": format!("# {words}"), "double": format!("{words}\t"), "nested": {"x": words}}),
        &expect![[r#"
            double: "lorem ipsum dolor sit amet lorem ipsum dolor sit amet lorem ipsum dolor sit
              amet lorem ipsum dolor sit amet lorem ipsum dolor sit amet\t"
            nested:
              x: lorem ipsum dolor sit amet lorem ipsum dolor sit amet lorem ipsum dolor sit amet
                lorem ipsum dolor sit amet lorem ipsum dolor sit amet
            plain: lorem ipsum dolor sit amet lorem ipsum dolor sit amet lorem ipsum dolor sit
              amet lorem ipsum dolor sit amet lorem ipsum dolor sit amet
            single: '# lorem ipsum dolor sit amet lorem ipsum dolor sit amet lorem ipsum dolor
              sit amet lorem ipsum dolor sit amet lorem ipsum dolor sit amet'
        "#]],
    );
}

#[test]
fn numbers_are_written_as_through_go_json() {
    check(
        &json!([
            1,
            -1,
            u64::MAX,
            5000.0,
            1e6,
            12_345_678.0,
            2.5,
            1e-7,
            1e20,
            1e22,
            -0.0,
            1_234_567.5
        ]),
        &expect![[r"
            - 1
            - -1
            - 18446744073709551615
            - 5000
            - 1000000
            - 12345678
            - 2.5
            - 1e-07
            - 1e+20
            - 1e+22
            - 0
            - 1.2345675e+06
        "]],
    );
}

#[test]
fn long_keys_are_explicit() {
    let key = "k".repeat(129);
    assert_eq!(
        to_string(&json!({ &key: {"a": 1} })),
        format!("? {key}\n: a: 1\n")
    );
}
