use super::*;

#[test]
fn only_our_colours_pass_where_colours_do() {
    let ours = "\u{1b}[1m\u{1b}[31merror\u{1b}[0m: a\tb\nc";
    assert_eq!(coloured_only(ours), ours);
    for (theirs, shown) in [
        ("\u{1b}[2J", r"\u{1b}[2J"),
        ("\u{1b}[8mhidden", r"\u{1b}[8mhidden"),
        ("\u{1b}[31;5m", r"\u{1b}[31;5m"),
        ("\u{1b}[38;5;0m", r"\u{1b}[38;5;0m"),
        ("\u{1b}]0;title\u{7}", r"\u{1b}]0;title\u{7}"),
        ("\u{1b}[999999m", r"\u{1b}[999999m"),
        ("\u{1b}", r"\u{1b}"),
        (
            "\u{1b}[1mbold\u{9b}2J\u{202e}",
            "\u{1b}[1mbold\\u{9b}2J\\u{202e}",
        ),
    ] {
        assert_eq!(coloured_only(theirs), shown);
    }
}

#[test]
fn words_of_others_are_one_line() {
    assert_eq!(
        line("a\r\n b\u{85}c\u{2028}hint: d\u{7}"),
        r"a b c hint: d\u{7}"
    );
    assert_eq!(cut("an answer that is long", 9), "an answer…");
    assert_eq!(cut("short", 9), "short");
}
