//! Keys and scalars on one line.

use std::borrow::Cow;

use super::super::untagged;
use super::{GaveUp, Line, Read, position};
use crate::scalar::{Resolved, resolve};
use crate::{Node, NodeValue};

/// A longer key may not be a key on one line.
const KEY: usize = 1000;

/// Whether all characters may stand in YAML and none of them breaks a line.
pub(super) fn is_clean(text: &str) -> bool {
    if is_printable(text.as_bytes()) {
        return true;
    }
    text.chars().all(|it| {
        !it.is_control()
            && !matches!(
                it,
                '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
            )
    })
}

/// Whether all of it is printable ASCII.
fn is_printable(text: &[u8]) -> bool {
    let all = |bytes: &[u8]| {
        let is = |it: u8| (0x20..0x7f).contains(&it);
        bytes.iter().fold(true, |all, it| all & is(*it))
    };
    let (chunks, rest) = text.as_chunks::<16>();
    chunks.iter().all(|it| all(it)) && all(rest)
}

/// Takes a key and its colon off a line; the rest is empty or begins with a space.
pub(super) fn key(line: Line<'_>) -> Read<(Node<'_>, &str)> {
    let content = line.content;
    let (text, rest) = match content.as_bytes().first() {
        Some(b'"') => double_quoted(content)?,
        Some(b'\'') => single_quoted(content)?,
        Some(first) if first.is_ascii_alphanumeric() || b"_./".contains(first) => {
            let end = plain_key(content.as_bytes()).ok_or(GaveUp)?;
            let (text, rest) = content.split_at_checked(end).ok_or(GaveUp)?;
            if matches!(resolve(text), Resolved::Value(_)) {
                return Err(GaveUp);
            }
            (Cow::Borrowed(text), rest)
        }
        _ => return Err(GaveUp),
    };
    let after = rest.strip_prefix(':').ok_or(GaveUp)?;
    let is_sound = (after.is_empty() || after.starts_with(' '))
        && content.len() - rest.len() <= KEY
        // Columns are counted in bytes here.
        && text.is_ascii();
    if !is_sound {
        return Err(GaveUp);
    }
    let node = Node {
        position: line.position(),
        value: NodeValue::String(text),
    };
    Ok((node, after))
}

/// Where a plain key without white space ends.
fn plain_key(bytes: &[u8]) -> Option<usize> {
    for (at, byte) in bytes.iter().enumerate().take(KEY) {
        match byte {
            b':' if matches!(bytes.get(at + 1), None | Some(b' ')) => return Some(at),
            0x21..=0x7e => {}
            _ => return None,
        }
    }
    None
}

/// A line without the comment behind it, and whether there was one.
pub(super) fn uncommented(text: &str) -> (&str, bool) {
    // Most scalars have no hash at all.
    if memchr::memchr(b'#', text.as_bytes()).is_none() {
        return (text, false);
    }
    match text.split_once(" #") {
        Some((text, _)) => (text.trim_end_matches(' '), true),
        None => (text, false),
    }
}

/// Holds that nothing but a comment stands behind a scalar.
pub(super) fn ends(rest: &str) -> Read<()> {
    let is_comment = rest.starts_with(' ') && rest.trim_start_matches(' ').starts_with('#');
    if rest.is_empty() || is_comment {
        Ok(())
    } else {
        Err(GaveUp)
    }
}

/// Whether a line is the first one of a plain scalar.
pub(super) fn plain(text: &str) -> Read<&str> {
    let bytes = text.as_bytes();
    let begins = match bytes.first() {
        Some(b'-') => {
            !matches!(bytes.get(1), None | Some(b' ' | b'-'))
                || bytes.starts_with(b"--") && !bytes.starts_with(b"---")
        }
        Some(
            b'?' | b':' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|'
            | b'>' | b'\'' | b'"' | b'%' | b'@' | b'`',
        )
        | None => false,
        Some(_) => true,
    };
    if begins { more(text) } else { Err(GaveUp) }
}

/// Whether a line goes on with a plain scalar: nothing but a key, a comment and a hyphen means more there than itself.
pub(super) fn more(text: &str) -> Read<&str> {
    let mut before = b' ';
    for byte in text.as_bytes() {
        if (before == b':' && *byte == b' ') || (before == b' ' && *byte == b'#') {
            return Err(GaveUp);
        }
        before = *byte;
    }
    if before == b':' || text == "-" || text.starts_with("- ") {
        return Err(GaveUp);
    }
    Ok(text)
}

/// Reads a list of scalars in brackets that ends its line.
pub(super) fn items(number: u32, column: usize, text: &str) -> Read<Vec<Node<'_>>> {
    // Columns are counted in bytes here.
    if !text.is_ascii() {
        return Err(GaveUp);
    }
    let mut items = Vec::new();
    let mut rest = text
        .strip_prefix('[')
        .ok_or(GaveUp)?
        .trim_start_matches(' ');
    if let Some(after) = rest.strip_prefix(']') {
        ends(after)?;
        return Ok(items);
    }
    loop {
        let position = position(number, column + (text.len() - rest.len()));
        let (value, after) = match rest.as_bytes().first() {
            Some(b'"') => double_quoted(rest).map(|it| (NodeValue::String(it.0), it.1))?,
            Some(b'\'') => single_quoted(rest).map(|it| (NodeValue::String(it.0), it.1))?,
            Some(first) if first.is_ascii_alphanumeric() => {
                let is_plain = |it: char| it.is_ascii_alphanumeric() || "_./-".contains(it);
                let end = rest.find(|it| !is_plain(it)).ok_or(GaveUp)?;
                let (word, after) = rest.split_at_checked(end).ok_or(GaveUp)?;
                (untagged(Cow::Borrowed(word)), after)
            }
            _ => return Err(GaveUp),
        };
        items.push(Node { position, value });
        let after = after.trim_start_matches(' ');
        if let Some(after) = after.strip_prefix(']') {
            ends(after)?;
            return Ok(items);
        }
        rest = after
            .strip_prefix(',')
            .ok_or(GaveUp)?
            .trim_start_matches(' ');
    }
}

/// Takes a text in double quotes off the front; of escapes it knows those that Go writes most.
pub(super) fn double_quoted(text: &str) -> Read<(Cow<'_, str>, &str)> {
    let inner = text.get(1..).ok_or(GaveUp)?;
    let end = inner.find(['"', '\\']).ok_or(GaveUp)?;
    if inner.as_bytes().get(end) == Some(&b'"') {
        let (value, rest) = inner.split_at_checked(end).ok_or(GaveUp)?;
        return Ok((Cow::Borrowed(value), rest.get(1..).ok_or(GaveUp)?));
    }
    let mut value = String::new();
    let mut rest = inner;
    loop {
        let end = rest.find(['"', '\\']).ok_or(GaveUp)?;
        value.push_str(rest.get(..end).ok_or(GaveUp)?);
        let (found, after) = (rest.as_bytes().get(end), rest.get(end + 1..).ok_or(GaveUp)?);
        if found == Some(&b'"') {
            return Ok((Cow::Owned(value), after));
        }
        value.push(match after.as_bytes().first() {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            _ => return Err(GaveUp),
        });
        rest = after.get(1..).ok_or(GaveUp)?;
    }
}

/// Takes a text in single quotes off the front.
pub(super) fn single_quoted(text: &str) -> Read<(Cow<'_, str>, &str)> {
    let inner = text.get(1..).ok_or(GaveUp)?;
    let mut from = 0;
    loop {
        let end = from
            + inner
                .get(from..)
                .and_then(|it| it.find('\''))
                .ok_or(GaveUp)?;
        if inner.as_bytes().get(end + 1) == Some(&b'\'') {
            from = end + 2;
            continue;
        }
        let (value, rest) = inner.split_at_checked(end).ok_or(GaveUp)?;
        let rest = rest.get(1..).ok_or(GaveUp)?;
        return Ok(if from == 0 {
            (Cow::Borrowed(value), rest)
        } else {
            (Cow::Owned(value.replace("''", "'")), rest)
        });
    }
}
