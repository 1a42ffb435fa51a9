//! What a reader sees: no text of an export, a request, an archive or a server can steer a terminal or turn words round.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Returns a text with everything escaped that a terminal or a reader would not see as it is: control characters but line
/// feed and tab, marks of direction, separators and characters without width, tags.
///
/// Everything that is printed for people passes through here. An escape looks as in Rust: `\u{202e}`.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !is_steered(text) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for it in text.chars() {
        if steers(it) {
            escaped.extend(it.escape_unicode());
        } else {
            escaped.push(it);
        }
    }
    Cow::Owned(escaped)
}

/// Returns a JSON document in which nothing steers: the same document, since JSON has its own escapes for what stands in
/// its strings, and nothing of the kind stands elsewhere.
pub fn shown_json(text: &str) -> Cow<'_, str> {
    if !is_steered(text) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for it in text.chars() {
        if steers(it) {
            let mut units = [0; 2];
            for unit in it.encode_utf16(&mut units) {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(it);
        }
    }
    Cow::Owned(escaped)
}

/// Whether a text has a character that [`steers`]. Most lines of most texts are plain ASCII, which is seen at a glance.
fn is_steered(text: &str) -> bool {
    let is_plain = |it: u8| matches!(it, b' '..=b'~' | b'\t');
    let mut lines = text.split('\n');
    lines.any(|line| {
        let plain = line.bytes().fold(true, |all, it| all & is_plain(it));
        !plain && line.contains(steers)
    })
}

/// Whether a character does something else than to show itself (Unicode 16, general categories Cc, Cf, Zl and Zp as far
/// as terminals heed them; `CVE-2021-42574`).
fn steers(it: char) -> bool {
    match it {
        '\n' | '\t' => false,
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => true,
        other => other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::{shown, shown_json};

    #[test]
    fn a_document_of_json_is_the_same_document() {
        let text = "x\u{202e}y\u{9b}31m\u{1b}[2J\u{e0041}\u{7f}\n\t\u{200b}é";
        let written = serde_json::to_string(&[text]).unwrap();
        let shown = shown_json(&written);
        assert_eq!(
            shown,
            r#"["x\u202ey\u009b31m\u001b[2J\udb40\udc41\u007f\n\t\u200bé"]"#
        );
        assert_eq!(serde_json::from_str::<[String; 1]>(&shown).unwrap(), [text]);
    }

    #[test]
    fn what_steers_is_escaped_and_the_rest_stays() {
        assert_eq!(shown("a\nb\tü → 漢"), "a\nb\tü → 漢");
        assert_eq!(shown("\u{1b}[2J\r"), r"\u{1b}[2J\u{d}");
        assert_eq!(shown("\u{9b}31m\u{7f}"), r"\u{9b}31m\u{7f}");
        assert_eq!(
            shown("x\u{202e}y\u{2066}z\u{200b}"),
            r"x\u{202e}y\u{2066}z\u{200b}"
        );
    }
}
