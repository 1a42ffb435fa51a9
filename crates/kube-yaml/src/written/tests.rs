use serde_json::{Value, json};

use super::written;
use crate::random::Random;
use crate::{from_str, to_string};

/// Holds that what is told to be written is what would be written; says whether it was told.
#[track_caller]
fn check(text: &str) -> bool {
    let Some(part) = written(text) else {
        return false;
    };
    let value = from_str(text).unwrap_or_else(|it| panic!("{it}:\n{text}"));
    assert_eq!(to_string(&value), format!("{part}\n"), "of:\n{text}");
    true
}

impl Random {
    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    /// Words as descriptions have them, more of them than fit a line now and then, and odd ones.
    fn words(&mut self) -> String {
        const PLAIN: [&str; 8] = [
            "the",
            "address",
            "Istio",
            "https://x.y/z",
            "e.g.",
            "v1",
            "a",
            "configuration",
        ];
        const ODD: [&str; 30] = [
            ":",
            "#",
            "- ",
            "'",
            "''",
            "\"",
            "\n",
            "\n\n",
            "  ",
            " ",
            ": ",
            " #",
            "~",
            "y",
            "no",
            "null",
            "1",
            "1.5",
            "2001-01-01 ",
            "10:30",
            "é",
            "\t",
            "|",
            ">",
            "{",
            "[",
            "%",
            "...",
            "---",
            "0x1",
        ];
        let many = [1, 3, 20, 60][self.below(4)];
        let odd = [0, 0, 8, 40][self.below(4)];
        let mut text = String::new();
        for at in 0..=self.below(many) {
            if odd > 0 && self.below(100) < odd {
                text.push_str(self.of(&ODD));
            } else {
                if at > 0 {
                    text.push(' ');
                }
                text.push_str(self.of(&PLAIN));
            }
        }
        text
    }

    fn key(&mut self) -> String {
        const KEYS: [&str; 16] = [
            "kind", "name", "spec", "a.b/c", "x-k8s", "a10", "a9", "y", "1", "on", "A", "_x", "v1",
            "v2", "a_b", "é",
        ];
        format!(
            "{}{}",
            self.of(&KEYS),
            self.of(&["", "", "x", "Y", "1", "-"])
        )
    }

    fn data(&mut self, depth: usize) -> Value {
        let empty = self.below(12) == 0;
        match self.below(if depth > 5 { 5 } else { 9 }) {
            0 => [
                json!(null),
                json!(true),
                json!(false),
                json!(0),
                json!(17),
                json!(-3),
                json!(1.5),
                json!(1e30),
            ][self.below(8)]
            .clone(),
            1..5 => self.words().into(),
            5 | 6 if empty => json!([]),
            5 | 6 => (0..=self.below(4)).map(|_| self.data(depth + 1)).collect(),
            _ if empty => json!({}),
            _ => {
                let entries = 0..=self.below(5);
                Value::Object(
                    entries
                        .map(|_| (self.key(), self.data(depth + 1)))
                        .collect(),
                )
            }
        }
    }
}

const DESCRIBED: &str = r#"apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  annotations:
    helm.sh/resource-policy: keep
  name: trafficextensions.extensions.istio.io
spec:
  names:
    categories:
    - istio-io
    - extensions-istio-io
  versions:
  - additionalPrinterColumns:
    - description: 'CreationTimestamp is a timestamp representing the server time
        when this object was created. It is not guaranteed to be set in happens-before
        order across separate operations. More info: https://git.k8s.io/community'
      jsonPath: .metadata.creationTimestamp
      type: date
    schema:
      openAPIV3Schema:
        description: The Lua code that is run, as long as it takes and for as long as
          somebody wants it to be run.
        oneOf:
        - - not: {}
          - items: []
        x-kubernetes-validations:
        - message: must be one of [A, B]
          rule: |-
            self.a == 1

            || self.b
    served: true
    minimum: 0
    pattern: "1"
    text: |
      a
        b
    begun: |2-

      '^a' or "b"
    moved: |2
        a
      b
    value: ""
"#;

#[test]
fn what_describes_a_kind_is_told() {
    assert!(!check(DESCRIBED), "`pattern` stands behind `minimum`");
    let sorted = to_string(&from_str(DESCRIBED).unwrap());
    assert!(check(&sorted));
    assert!(check(&format!("# generated\n# twice\n{sorted}")));
    assert!(check(sorted.trim_end()));
    for other in [
        "",
        "a",
        "- a\n",
        "a:\n",
        "a: b\n\n",
        "a: 'b'\n",
        "a: y\n",
        "b: c\na: d\n",
        "a: b\na: c\n",
    ] {
        assert!(!check(other), "{other}");
    }
}

#[test]
fn a_text_that_was_changed_anywhere_is_told_only_where_it_is_written_so() {
    let mut random = Random(1);
    let text = to_string(&from_str(DESCRIBED).unwrap());
    let pieces = [
        " ",
        "\n",
        "  ",
        "\n  ",
        "'",
        "\"",
        ":",
        ": ",
        " #",
        "- ",
        "-",
        "y",
        "0",
        ".",
        "|",
        "{}",
        "a",
        "~",
        "\n\n",
        "word word ",
        "b: c\n",
    ];
    for at in (0..=text.len()).step_by(2) {
        let (before, after) = text.split_at(at);
        for piece in pieces {
            check(&format!("{before}{piece}{after}"));
        }
        let until = (at + 1 + random.below(12)).min(text.len());
        check(&format!("{before}{}", &text[until..]));
        check(&format!("{before}{}{}", random.of(&pieces), &text[until..]));
        check(before);
    }
}

#[test]
fn generated_data_is_told_only_as_it_is_written() {
    let mut random = Random(2);
    let mut told = 0;
    for _ in 0..2000 {
        let value = json!({ random.key(): random.data(0), random.key(): random.data(0) });
        let text = to_string(&value);
        told += usize::from(check(&text));
        let ends = [random.below(text.len()), random.below(text.len())];
        let (from, to) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
        if text.is_char_boundary(from) && text.is_char_boundary(to) {
            check(&format!("{}{}", &text[..from], &text[to..]));
            check(&format!(
                "{}{}{}",
                &text[..from],
                random.words(),
                &text[from..]
            ));
        }
    }
    assert!(told > 200, "{told}");
}
