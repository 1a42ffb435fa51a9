//! Compares with Kubernetes' own library, as `tests/oracles/yaml` offers it.
//!
//! The environment names the compiled program in `YAML_ORACLE`.

#![expect(clippy::print_stderr, reason = "says that nothing was compared")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};

/// Splitmix64: the cases must be the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((it ^ (it >> 31)) % bound as u64).expect("below a usize")
    }

    fn text(&mut self) -> String {
        const PIECES: &[&str] = &[
            "a",
            "B",
            "0",
            "1",
            "9",
            "x",
            "e",
            "y",
            "n",
            "no",
            "true",
            "null",
            "~",
            "-",
            "+",
            ".",
            "_",
            ":",
            ": ",
            " #",
            "#",
            " ",
            "  ",
            "\n",
            "\n\n",
            "\t",
            "'",
            "\"",
            "\\",
            "{",
            "}",
            "[",
            "]",
            ",",
            "&",
            "*",
            "!",
            "|",
            ">",
            "%",
            "@",
            "`",
            "?",
            "=",
            "<<",
            "é",
            "→",
            "\u{85}",
            "\u{a0}",
            "\u{2028}",
            "😀",
            "\u{feff}",
            "\r",
            "---",
            "...",
            "2024-01-02",
            "T10:11:12Z",
            "0x",
            "0b",
            "0o",
            "1:30",
            "lorem ipsum dolor sit amet",
            "a-very-long-word-without-any-space-in-it",
            "\u{7}",
            "inf",
            ".nan",
            "1e3",
            "key",
        ];
        let count = match self.below(8) {
            0 => 0,
            1..5 => 1 + self.below(3),
            5 | 6 => 3 + self.below(6),
            _ => 10 + self.below(12),
        };
        (0..count)
            .map(|_| PIECES[self.below(PIECES.len())])
            .collect()
    }

    fn data(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 6 } else { 9 }) {
            0 => Value::Null,
            1 => Value::Bool(self.below(2) == 0),
            2 => {
                let numbers = [
                    0.0,
                    -1.0,
                    5.0,
                    2.5,
                    1e6,
                    12_345_678.0,
                    1e-7,
                    1e20,
                    1e21,
                    1.5e300,
                    -0.000_123,
                    123_456.75,
                    18_446_744_073_709_551_615.0,
                ];
                json!(numbers[self.below(numbers.len())])
            }
            3..6 => Value::String(self.text()),
            6 => (0..self.below(4)).map(|_| self.data(depth - 1)).collect(),
            _ => {
                let mut entries = Map::new();
                for _ in 0..self.below(5) {
                    entries.insert(self.text(), self.data(depth - 1));
                }
                Value::Object(entries)
            }
        }
    }

    /// Text that is often, but not always, YAML.
    fn yaml(&mut self) -> String {
        let scalars = [
            "0755",
            "1_000",
            "0x1F",
            "yes",
            "Off",
            "~",
            "",
            "null",
            "1.5",
            ".5",
            "1e3",
            "-0",
            "+7",
            "08",
            "1:30",
            "'q'",
            "\"d\\u00e9\\n\"",
            "plain text",
            "2024-01-02",
            "2024-1-2 3:4:5",
            "2024-02-30",
            "0b101",
            "0o17",
            "1__0",
            "._5",
            "-",
            "!!str 5",
            "!!int \"5\"",
            "!!float 3",
            "!!binary aGVsbG8=",
            "! 'x'",
            "!t v",
            "&a 5",
            "*a",
            "18446744073709551615",
            "-9223372036854775808",
            "99999999999999999999",
            "0.1e-400",
            "a: b",
            "[1, 'x', {k: v}]",
            "{a: 1, b: [2]}",
            "|\n    x\n    y\n",
            ">-\n    folded\n    text\n\n    more\n",
            "a#b",
            "a #b",
            "<<",
            "TRUE",
            "n",
            "Y",
            "=",
            "0x",
            "1e",
            "1.e+2",
            "++1",
            "0_7",
            "-0x1F",
            "-0b1",
            "1_.5",
        ];
        let keys = [
            "a",
            "b",
            "y",
            "1",
            "1.5",
            "0x10",
            "yes",
            "'quoted'",
            "key with space",
            "~",
            "a",
            "<<",
            "on",
            "1e3",
            "-1",
        ];
        let mut out = String::new();
        for _ in 0..=self.below(4) {
            let key = keys[self.below(keys.len())];
            let value = scalars[self.below(scalars.len())];
            match self.below(6) {
                0 => {
                    let _ = writeln!(
                        out,
                        "{key}:\n- {value}\n- {}",
                        scalars[self.below(scalars.len())]
                    );
                }
                1 => {
                    let _ = writeln!(out, "{key}: # comment\n  inner: {value}");
                }
                _ => {
                    let _ = writeln!(out, "{key}: {value}");
                }
            }
        }
        out
    }
}

/// Asks all questions at once; none where the environment names no program, which only a continuous integration must not
/// lack.
fn ask(questions: &[Value]) -> Option<Vec<Value>> {
    let Some(program) = std::env::var_os("YAML_ORACLE") else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "YAML_ORACLE is not set"
        );
        eprintln!("not compared: YAML_ORACLE is not set (go build in tests/oracles/yaml)");
        return None;
    };
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the oracle starts");
    let mut input = child.stdin.take().expect("piped");
    let lines = questions.iter().fold(String::new(), |mut all, it| {
        let _ = writeln!(all, "{it}");
        all
    });
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let answers = BufReader::new(child.stdout.take().expect("piped"))
        .lines()
        .map(|it| serde_json::from_str(&it.expect("a line")).expect("an answer is JSON"))
        .collect();
    writer.join().expect("written").expect("read");
    child.wait().expect("ended");
    Some(answers)
}

#[track_caller]
fn report(compared: usize, differences: &[String]) {
    assert!(
        differences.is_empty(),
        "{} of {compared} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

#[test]
fn data_is_written_as_by_kubernetes() {
    let mut random = Random(1);
    let questions: Vec<Value> = (0..20_000)
        .map(|_| json!({"write": random.data(3)}))
        .collect();
    let Some(answers) = ask(&questions) else {
        return;
    };
    let mut differences = Vec::new();
    for (question, answer) in questions.iter().zip(&answers) {
        let ours = kube_yaml::to_string(&question["write"]);
        // Go refuses to write what holds control characters that it cannot read back, and keys longer than 1024.
        if let Some(theirs) = answer["text"].as_str()
            && ours != theirs
        {
            differences.push(format!(
                "{}\n--- ours\n{ours}--- theirs\n{theirs}",
                question["write"]
            ));
        }
    }
    report(questions.len(), &differences);
}

#[test]
fn text_is_read_as_by_kubernetes() {
    let mut random = Random(2);
    let questions: Vec<Value> = (0..20_000)
        .map(|_| json!({"read": random.yaml()}))
        .collect();
    let Some(answers) = ask(&questions) else {
        return;
    };
    let mut differences = Vec::new();
    let mut stricter = 0;
    for (question, answer) in questions.iter().zip(&answers) {
        let text = question["read"].as_str().unwrap_or_default();
        match (kube_yaml::from_str(text), answer.get("data")) {
            (Ok(ours), Some(theirs)) => {
                if kube_yaml::as_go_json(ours.clone()) != kube_yaml::as_go_json(theirs.clone()) {
                    differences.push(format!("{text}--- ours\n{ours}\n--- theirs\n{theirs}"));
                }
            }
            (Ok(ours), None) => {
                differences.push(format!(
                    "{text}--- ours\n{ours}\n--- theirs\n{}",
                    answer["error"]
                ));
            }
            (Err(error), Some(theirs)) => {
                stricter += 1;
                differences.push(format!("{text}--- ours\n{error}\n--- theirs\n{theirs}"));
            }
            (Err(_), None) => {}
        }
    }
    assert!(stricter < questions.len());
    report(questions.len(), &differences);
}
