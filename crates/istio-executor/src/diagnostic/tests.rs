use super::*;

#[test]
fn a_span_covers_the_key_or_the_value() {
    let text = "a: 1\nspec:\n  é: wörd # no\n  end:\n";
    let at = |line, column| &text[span(text, Position { line, column })];
    assert_eq!(at(1, 1), "a");
    assert_eq!(at(1, 4), "1");
    assert_eq!(at(3, 3), "é");
    assert_eq!(at(3, 6), "wörd");
    assert_eq!(at(4, 3), "end");
    assert_eq!(at(9, 9), "");
}

#[test]
fn the_line_is_shown_with_the_nearest_field() {
    let diagnostic = Diagnostic {
        code: "unknown-field".to_owned(),
        severity: Severity::Error,
        message: "unknown field \"hubb\"".to_owned(),
        path: Some("spec.hubb".to_owned()),
        place: Some(("iop.yaml".to_owned(), Position { line: 2, column: 3 })),
        hint: Some("hub".to_owned()),
        nearest: Some("hub".to_owned()),
        also: Vec::new(),
    };
    let shown = show(&diagnostic, &[("iop.yaml", "spec:\n  hubb: x\n")]);
    let plain = anstream::adapter::strip_str(&shown).to_string();
    expect_test::expect![[r#"
        error[unknown-field]: unknown field "hubb"
         --> iop.yaml:2:3
          |
        2 |   hubb: x
          |   ^^^^ spec.hubb
          |
          = help: hub"#]]
    .assert_eq(&plain);
}

#[test]
fn what_steers_a_terminal_is_shown_and_the_same_word_is_marked() {
    let diagnostic = Diagnostic {
        code: "unknown-field".to_owned(),
        severity: Severity::Error,
        message: "unknown field \"\u{1b}[2Jhubb\"".to_owned(),
        path: Some("spec.\u{202e}hubb".to_owned()),
        place: Some(("io\u{9b}p.yaml".to_owned(), Position { line: 2, column: 4 })),
        hint: Some("hu\u{1b}]0;x\u{7}b".to_owned()),
        nearest: None,
        also: Vec::new(),
    };
    let source = "spec: \u{1b}[8m\n  \u{202e}hubb: x\n";
    let text = show(&diagnostic, &[("io\u{9b}p.yaml", source)]);
    let plain = anstream::adapter::strip_str(&text).to_string();
    expect_test::expect![[r#"
        error[unknown-field]: unknown field "\u{1b}[2Jhubb"
         --> io\u{9b}p.yaml:2:11
          |
        2 |   \u{202e}hubb: x
          |           ^^^^ spec.\u{202e}hubb
          |
          = help: hu\u{1b}]0;x\u{7}b"#]]
    .assert_eq(&plain);
}
