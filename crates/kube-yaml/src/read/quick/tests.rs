use serde_json::{Map, Value};

use super::super::load_fully;
use super::*;
use crate::random::Random;

/// Holds the reader against the full one; tells whether it read all by itself.
#[track_caller]
fn check(text: &str) -> bool {
    let mut documents = Vec::new();
    let error = load_fully(text, |it| documents.push(it)).err();
    let mut quick = Vec::new();
    let ended = load(text, &mut |it| quick.push(it)).is_ok();
    let common = documents.len().min(quick.len());
    assert_eq!(quick, documents[..common], "{text}");
    if ended {
        assert_eq!((quick.len(), error), (documents.len(), None), "{text}");
    }
    ended
}

#[test]
fn what_go_prints_is_read_here() {
    for text in [
        "a: 1\n",
        "apiVersion: v1\nitems:\n- a: b\n  c:\n  - d\n  - e: f\n    g: h\n- {}\nkind: List\nmetadata:\n  resourceVersion: \"\"\n",
        "a: |\n  x\n\n    y\n  z\nb: |-\n  q\n\nc: 'it''s'\nd: \"a\\n\\\"\\\\\"\n",
        "# c\n---\na: {}\nb: []\n# c\n---\n- x\n- - y\n  - z\n- |\n  t\n",
        "f:metadata:\n  .: {}\n  k:{\"type\":\"Ready\"}:\n    f:a: {}\n\"1\": x\n'y': 2\n",
        "a: -1\nb: --x\nc: a:b\nd: a#b\ne: \u{e9}\u{1f600}\nf: 1.5\ng: 0x1F\nh: true\ni: ~\nj: 2001-01-01\n",
        "items: []\nkind: List",
        "a: some text\n  that goes on\n  and on\nb: 'quoted\n  it''s'\nc: \"d\n  e\"\nd:\n- x y\n  z\n- 'k\n  l'\n",
        "a:\n    b:\n      - c\n      - d: e\n",
        "a: some text\n  'that' goes\n  `on` and\n  [on] &x *y %z @w !v |\nb: c\n",
        "a: |2-\n     x\n    y\n\n    z\nb:\n- |2-\n\n  \n    c\n   d\n- |2\n    c\n   d\n",
        "a: b # c\nd: \"e\" # f\ng: 'h'   # i\nj: {} # k\nl: # m\n  nn: o # p # q\nr: s#t # u\n",
        "a: [\"b\"]\nc: [ 'd', e, 1, true ] # f\ng: [ ]\nh:\n- [i-j, \"*\"]\n",
        "a: |-\n  x\n  y",
        "-\n  a: b\n",
        "a:\n  -\n    b: c\n    d: e\n  - f\n  -\n    - g\n",
        "a:\n-\n  b: c\n- d: e\n",
    ] {
        assert!(check(text), "{text}");
    }
}

#[test]
fn what_is_outside_is_left_to_the_full_reader() {
    for text in [
        "",
        "a:\n",
        "a: b\n\n  c\n",
        "a: b\n  # c\n  d\n",
        "a: b\n  c: d\n",
        "- a\n b\n",
        "a:\n- b\n c\nd: e\n",
        "a: 'b\n\n  c'\n",
        "a: \"b\\\n  c\"\n",
        "a: 'b\nc'\n",
        "a: b\n  - c\n",
        "a: &x 1\nb: *x\n",
        "a: {b: c}\n",
        "a: >\n  x\n",
        "a: |2\n   x\n",
        "a: |\n\n  x\n",
        "a: |\n  x\n   \n  y\n",
        "a: b: c\n",
        "a: b #c\n",
        "a: \"b\n  c\"\n",
        "? a\n: b\n",
        "a: 'b' c\n",
        "<<: {a: b}\n",
        "1: a\n",
        "y: a\n",
        "a\n",
        "- a\nb: c\n",
        "a:\n- b\n c\n",
        "a: x\tb\n",
        "a: b\r\n",
        "--- a\n",
        "a: b\n...\nc: d\n",
        "a: !!str 1\n",
        "%YAML 1.1\n---\na: b\n",
        "a: .inf\n",
        "-\n",
        "a:\n- \n  b: c\n- d: e\n",
        "a:\n-   \n    b: c\n",
        "-\n  a\n",
        "-\n  |\n  a\n",
        "- a: b\n-\n- c\n",
        "a:\n-\nb: c\n",
        "a:\n-\n-\n  b: c\n",
        "-\n# d\n  a: b\n",
        "- # d\n  a: b\n",
        "-\n\n  a: b\n",
        "-\n -\n  a: b\n",
        "-\n---\na: b\n",
        "- -\n  a: b\n",
        "- -\n    a: b\n",
        "a: -\n",
        "a: |\n  x",
        "a:\tb\n",
        "a: @x\n",
        "a: |\n x\n# c\n  y\n",
        "\u{feff}a: b\n",
        "---\n---\na: b\n",
        "items:\n- a\n- b c\n- {d: e}\nkind: List\n",
        "a b: c\n",
        "a: \"\\u0041\"\n",
        "a: ? b\n",
        "- ? b\n",
        "a: b # c\n  d\n",
        "a: |2\n\n    x\n",
        "a: |3\n  x\n",
        "- a: |1-\n   b\n   c\n- d\n",
        "a:\n  - |1\n    b\n",
        "a: |-2\n   b\n",
        "a: |20\n   b\n",
        "a: [b, ]\n",
        "a: [b c]\n",
        "a: [b\n  c]\n",
        "a: [*b]\n",
        "a: [b: c]\n",
        "a: [b, 0x1F, 1e3, .inf, ~, y]\n",
        "a: [b]c\n",
        "a: [b] c\n",
        "a: b\n  #c\n",
        "a: 'b'#c\n",
        "a: b\n  c # d\n  e\n",
        "a: |\n  x\n  y",
        "a: | # c\n  x\n",
    ] {
        check(text);
    }
}

impl Random {
    fn text(&mut self) -> String {
        const PIECES: &[&str] = &[
            "a",
            "b-c",
            "x.y/z",
            " ",
            ":",
            ": ",
            "#",
            " #",
            "'",
            "\"",
            "\\",
            "\n",
            "\n\n",
            "\t",
            "-",
            "- ",
            "1",
            "0x",
            "true",
            "~",
            "{",
            "}",
            "[",
            ",",
            "\u{e9}",
            "|",
            ">",
            "&",
            "*",
            "%",
            "@",
            "k:{\"a\":1}",
            "\u{85}",
            "\u{2028}",
            "\u{7f}",
            "  x",
        ];
        let count = self.below(4) + usize::from(self.below(4) > 0);
        (0..count)
            .map(|_| PIECES[self.below(PIECES.len())])
            .collect()
    }

    fn value(&mut self, depth: u32) -> Value {
        match self.below(if depth > 4 { 4 } else { 9 }) {
            0 => Value::from(self.below(100)),
            1 => [Value::Null, true.into(), 1.5.into()][self.below(3)].clone(),
            2 | 3 => self.text().into(),
            4 | 5 => (0..self.below(4)).map(|_| self.value(depth + 1)).collect(),
            _ => {
                let mut map = Map::new();
                for _ in 0..self.below(5) {
                    let key = if self.below(3) > 0 {
                        ["items", "kind", "a", "b-c", "x.y/z"][self.below(5)].to_owned()
                    } else {
                        self.text()
                    };
                    map.insert(key, self.value(depth + 1));
                }
                Value::Object(map)
            }
        }
    }

    fn damaged(&mut self, text: &str) -> String {
        let mut out = text.to_owned();
        for _ in 0..self.below(3) {
            let mut at = self.below(out.len() + 1);
            while !out.is_char_boundary(at) {
                at -= 1;
            }
            let piece = self.text();
            if self.below(3) == 0 {
                let mut end = (at + self.below(8)).min(out.len());
                while !out.is_char_boundary(end) {
                    end -= 1;
                }
                out.replace_range(at..end.max(at), "");
            } else {
                out.insert_str(at, &piece);
            }
        }
        out
    }
}

#[test]
fn generated_and_damaged_documents_are_read_alike() {
    let mut random = Random(7);
    let mut by_itself = 0;
    for _ in 0..6000 {
        let mut text = crate::to_string(&random.value(0));
        if random.below(3) == 0 {
            text = format!("{text}---\n{}", crate::to_string(&random.value(0)));
        }
        by_itself += usize::from(check(&text));
        check(&random.damaged(&text));
    }
    assert!(by_itself > 500, "{by_itself}");
}

/// Real files, where the data of the checks is found.
#[test]
fn real_files_are_read_alike() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let mut folders = vec![std::path::PathBuf::from(data)];
    let mut left: usize = 24 << 20;
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        for path in entries.map(|it| it.path()) {
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "yaml") {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                if let Some(rest) = left.checked_sub(text.len()) {
                    left = rest;
                    check(&text);
                }
            }
        }
    }
}
