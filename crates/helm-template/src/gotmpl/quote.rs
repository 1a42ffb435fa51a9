//! Quoting as Go's strconv does it.

use std::fmt::Write as _;

/// Writes a text as Go's `%q`.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for it in text.chars() {
        escape(&mut out, it, '"', false);
    }
    out.push('"');
    out
}

/// Writes a text as Go's `%+q`: only ASCII.
pub(crate) fn quote_ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for it in text.chars() {
        escape(&mut out, it, '"', true);
    }
    out.push('"');
    out
}

/// Writes a character as Go's `%q` writes a number.
pub(crate) fn quote_char(it: char, ascii: bool) -> String {
    let mut out = String::from("'");
    escape(&mut out, it, '\'', ascii);
    out.push('\'');
    out
}

fn escape(out: &mut String, it: char, quote: char, ascii: bool) {
    match it {
        '\\' => out.push_str("\\\\"),
        _ if it == quote => {
            out.push('\\');
            out.push(it);
        }
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        ' '..='~' => out.push(it),
        it if !ascii && is_print(it) => out.push(it),
        // Writing into a String cannot fail.
        it if it < ' ' || it == '\u{7f}' => {
            let _ = write!(out, "\\x{:02x}", u32::from(it));
        }
        it if u32::from(it) < 0x1_0000 => {
            let _ = write!(out, "\\u{:04x}", u32::from(it));
        }
        it => {
            let _ = write!(out, "\\U{:08x}", u32::from(it));
        }
    }
}

/// Go's `strconv.IsPrint`, as near as the standard library's tables come: letters, marks, numbers, punctuation, symbols
/// and the ASCII space.
pub(crate) fn is_print(it: char) -> bool {
    if it.is_ascii() {
        return matches!(it, ' '..='~');
    }
    // What Rust's Debug escapes is not printable in Go either, but for combining marks, which Go prints.
    let code = u32::from(it);
    if it.is_whitespace() || it.is_control() || matches!(code, 0xAD | 0xE000..=0xF8FF | 0xF_0000..)
    {
        return false;
    }
    let debug = it.escape_debug();
    debug.len() == 1 || is_mark(code)
}

/// The combining marks that Rust escapes because they would join a preceding quote.
fn is_mark(code: u32) -> bool {
    matches!(code,
        0x300..=0x36F | 0x483..=0x489 | 0x591..=0x5BD | 0x610..=0x61A | 0x64B..=0x65F | 0x93C | 0x94D
        | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20F0 | 0x302A..=0x302D | 0x3099 | 0x309A | 0xFE00..=0xFE0F | 0xFE20..=0xFE2F)
}

/// Reads a quoted text of a template, `"…"` or `` `…` ``.
pub(crate) fn unquote(text: &str) -> Option<String> {
    if let Some(raw) = text.strip_prefix('`').and_then(|it| it.strip_suffix('`')) {
        // Go drops carriage returns from raw strings.
        return Some(raw.replace('\r', ""));
    }
    let body = text.strip_prefix('"')?.strip_suffix('"')?;
    unescape(body, '"')
}

/// Reads a character constant, `'…'`.
pub(crate) fn unquote_char(text: &str) -> Option<char> {
    let body = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let text = unescape(body, '\'')?;
    let mut chars = text.chars();
    let it = chars.next()?;
    chars.next().is_none().then_some(it)
}

fn unescape(body: &str, quote: char) -> Option<String> {
    if !body.contains('\\') {
        return (!body.contains(quote)).then(|| body.to_owned());
    }
    // Escapes make bytes, which need not be characters one by one.
    let mut out: Vec<u8> = Vec::with_capacity(body.len());
    let mut chars = body.chars();
    while let Some(it) = chars.next() {
        if it == quote {
            return None;
        }
        if it != '\\' {
            out.extend(it.encode_utf8(&mut [0; 4]).bytes());
            continue;
        }
        let mut character = |code: u32| {
            char::from_u32(code).map(|it| out.extend(it.encode_utf8(&mut [0; 4]).bytes()))
        };
        match chars.next()? {
            'a' => out.push(7),
            'b' => out.push(8),
            'f' => out.push(12),
            'n' => out.push(b'\n'),
            'r' => out.push(b'\r'),
            't' => out.push(b'\t'),
            'v' => out.push(11),
            '\\' => out.push(b'\\'),
            it if it == quote => out.push(u8::try_from(it).ok()?),
            'x' => {
                let digits: String = chars.by_ref().take(2).collect();
                out.push(hex(&digits, 2).and_then(|it| u8::try_from(it).ok())?);
            }
            'u' => {
                let digits: String = chars.by_ref().take(4).collect();
                character(hex(&digits, 4)?)?;
            }
            'U' => {
                let digits: String = chars.by_ref().take(8).collect();
                character(hex(&digits, 8)?)?;
            }
            first @ '0'..='7' => {
                let digits: String = std::iter::once(first)
                    .chain(chars.by_ref().take(2))
                    .collect();
                if digits.len() != 3 {
                    return None;
                }
                out.push(u8::try_from(u32::from_str_radix(&digits, 8).ok()?).ok()?);
            }
            _ => return None,
        }
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

fn hex(digits: &str, count: usize) -> Option<u32> {
    let sound = digits.len() == count && digits.bytes().all(|it| it.is_ascii_hexdigit());
    sound
        .then(|| u32::from_str_radix(digits, 16).ok())
        .flatten()
}
