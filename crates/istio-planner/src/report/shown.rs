//! What a reader sees: no text of an export, a request, an archive or a server can steer a terminal or turn words round.

use std::borrow::Cow;

/// Returns a text with everything escaped that a terminal or a reader would not see as it is: control characters but line
/// feed and tab, marks of direction, separators and characters without width, tags.
///
/// Everything that is printed for people passes through here. An escape looks as in Rust: `\u{202e}`.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
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
    use super::shown;

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
