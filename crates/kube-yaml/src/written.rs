//! Texts that are already what this crate writes.
//!
//! What a chart's `toYaml` wrote is read, left as it is and written again; where that gives the same text it need not be
//! done. Only what is plainly so is told: ASCII, keys of plain words, scalars in the way in which Go's printer writes
//! descriptions. Everything else is left to reading and writing.

use std::cmp::Ordering;

use crate::emit::{WIDTH, is_simple, means_more, natural_order};
use crate::scalar::needs_quotes;

#[cfg(test)]
mod tests;

/// Deeper data is read and written.
const DEPTH: u32 = 60;

/// Of more keys only letters are compared: each pair takes its time.
const KEYS: usize = 32;

/// Returns the part of a text, without comments before it and a newline behind it, that is what [`crate::to_string`] writes
/// of the mapping in it, but for the newline at the end.
///
/// `None` says nothing: most texts that are written so are told, not all.
pub fn written(text: &str) -> Option<&str> {
    let mut text = text;
    while text.starts_with('#') {
        text = text.split_once('\n')?.1;
    }
    let text = text.strip_suffix('\n').unwrap_or(text);
    let is_plain = |it: u8| (0x20..0x7f).contains(&it) || it == b'\n';
    if !text.bytes().fold(true, |all, it| all & is_plain(it)) {
        return None;
    }
    let mut check = Check {
        rest: Some(text),
        line: None,
        keys: Vec::new(),
    };
    check.advance()?;
    let first = check.line?;
    if first.indent != 0 || first.is_item() {
        return None;
    }
    check.mapping(0, 0)?;
    check.line.is_none().then_some(text)
}

/// A line, and where what is left of it begins.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    text: &'a str,
    indent: usize,
}

impl<'a> Line<'a> {
    fn content(self) -> &'a str {
        self.text.get(self.indent..).unwrap_or_default()
    }

    fn is_item(self) -> bool {
        self.content().starts_with("- ")
    }

    /// What stands behind the hyphen of an item.
    fn inner(self) -> Self {
        Self {
            indent: self.indent + 2,
            ..self
        }
    }
}

/// A line stands where none is written.
#[derive(Debug)]
struct Unclear;

struct Check<'a> {
    /// What follows the current line.
    rest: Option<&'a str>,
    /// The current line, none behind the last.
    line: Option<Line<'a>>,
    /// Keys of the mappings that are open.
    keys: Vec<&'a str>,
}

impl<'a> Check<'a> {
    /// Takes the next line, which may be empty; none behind the last.
    fn take(&mut self) -> Option<&'a str> {
        let rest = self.rest?;
        match memchr::memchr(b'\n', rest.as_bytes()) {
            Some(end) => {
                self.rest = rest.get(end + 1..);
                rest.get(..end)
            }
            None => self.rest.take(),
        }
    }

    /// Goes to the next line; none where that is blank or ends with a space.
    fn advance(&mut self) -> Option<()> {
        self.line = match self.take() {
            None => None,
            Some(text) => Some(line(text)?),
        };
        Some(())
    }

    fn mapping(&mut self, indent: usize, depth: u32) -> Option<()> {
        if depth > DEPTH {
            return None;
        }
        let before = self.keys.len();
        while let Some(line) = self.line.filter(|it| it.indent == indent) {
            if line.is_item() {
                break;
            }
            let (key, after) = key(line.content())?;
            self.key(before, key)?;
            if let Some(text) = after.strip_prefix(' ') {
                self.scalar(line, text, indent)?;
                continue;
            }
            self.advance()?;
            let below = self.line?;
            if below.indent == indent && below.is_item() {
                self.list(indent, depth + 1)?;
            } else if below.indent == indent + 2 && !below.is_item() {
                self.mapping(indent + 2, depth + 1)?;
            } else {
                return None;
            }
        }
        self.keys.truncate(before);
        self.line.is_none_or(|it| it.indent <= indent).then_some(())
    }

    /// Holds that a key comes behind those before it in its mapping, whatever pairs the printer's sorting compares.
    fn key(&mut self, begin: usize, key: &'a str) -> Option<()> {
        let known = self.keys.get(begin..)?;
        let is_letters = |it: &&str| it.bytes().all(|it| it.is_ascii_alphabetic());
        let follows = match known.last() {
            None => true,
            Some(last) if is_letters(&key) && known.iter().all(is_letters) => *last < key,
            Some(_) => {
                known.len() < KEYS
                    && known
                        .iter()
                        .all(|it| natural_order(it, key) == Ordering::Less)
            }
        };
        self.keys.push(key);
        follows.then_some(())
    }

    fn list(&mut self, indent: usize, depth: u32) -> Option<()> {
        if depth > DEPTH {
            return None;
        }
        while let Some(line) = self.line.filter(|it| it.indent == indent && it.is_item()) {
            let inner = line.inner();
            let content = inner.content();
            if inner.is_item() {
                self.line = Some(inner);
                self.list(inner.indent, depth + 1)?;
            } else if key(content).is_some() {
                self.line = Some(inner);
                self.mapping(inner.indent, depth + 1)?;
            } else {
                self.scalar(line, content, indent)?;
            }
        }
        self.line.is_none_or(|it| it.indent <= indent).then_some(())
    }

    /// Goes behind a scalar or an empty collection that begins in the current line, in a collection at `indent`.
    fn scalar(&mut self, line: Line<'a>, text: &'a str, indent: usize) -> Option<()> {
        match text.as_bytes() {
            b"{}" | b"[]" | b"\"\"" | b"true" | b"false" | b"null" => self.advance()?,
            [b'"', word @ .., b'"'] => {
                let word = std::str::from_utf8(word).ok()?;
                if !is_simple(word) || !needs_quotes(word) {
                    return None;
                }
                self.advance()?;
            }
            [b'|', header @ ..] => {
                let (is_marked, is_stripped) = match header {
                    b"" => (false, false),
                    b"-" => (false, true),
                    b"2" => (true, false),
                    b"2-" => (true, true),
                    _ => return None,
                };
                return self.literal(indent, is_marked, is_stripped);
            }
            [b'\'', ..] => return self.single_quoted(line, text.get(1..)?, indent),
            [b'0'..=b'9', ..] if is_integer(text) => self.advance()?,
            _ => return self.plain(line, text, indent),
        }
        // None of these goes on.
        self.line.is_none_or(|it| it.indent <= indent).then_some(())
    }

    /// The current line if it goes on with a scalar of a collection at `indent`.
    fn continued(&self, indent: usize) -> Result<Option<Line<'a>>, Unclear> {
        match self.line {
            Some(line) if line.indent == indent + 2 => Ok(Some(line)),
            Some(line) if line.indent > indent => Err(Unclear),
            _ => Ok(None),
        }
    }

    fn plain(&mut self, line: Line<'a>, text: &'a str, indent: usize) -> Option<()> {
        let first = *text.as_bytes().first()?;
        if !(first.is_ascii_alphanumeric() || b"/(._<$^".contains(&first))
            || text.starts_with("...")
        {
            return None;
        }
        self.advance()?;
        let mut next = self.continued(indent).ok()?;
        if next.is_none() && is_simple(text) {
            return (!needs_quotes(text)).then_some(());
        }
        if next.is_some() {
            // What begins with a letter and has a space in it is text, whatever follows.
            first.is_ascii_alphabetic().then_some(())?;
        } else if needs_quotes(text) {
            return None;
        }
        let mut current = (line.text, text);
        loop {
            let (whole, part) = current;
            if means_more(part) {
                return None;
            }
            folds(whole, part, next.is_some())?;
            let Some(line) = next else {
                return Some(());
            };
            current = (line.text, line.content());
            self.advance()?;
            next = self.continued(indent).ok()?;
        }
    }

    /// `text` stands behind the quote that opens.
    fn single_quoted(&mut self, line: Line<'a>, text: &'a str, indent: usize) -> Option<()> {
        let first = *text.as_bytes().first()?;
        // Text for sure, whether it goes on or not.
        if first == b' ' || first.is_ascii_digit() || b"+-.~".contains(&first) {
            return None;
        }
        let mut has_reason = b",[]{}&*!|>'\"%@`#".contains(&first);
        let mut current = (line.text, text);
        loop {
            let (whole, part) = current;
            let end = closing(part);
            let inner = part.get(..end.unwrap_or(part.len()))?;
            has_reason |= means_more(inner);
            folds(whole, inner, end.is_none())?;
            self.advance()?;
            let next = self.continued(indent).ok()?;
            match (end, next) {
                (Some(end), None) => {
                    let is_sound = end + 1 == part.len() && !inner.ends_with(' ');
                    let word = is_sound.then_some(inner)?;
                    return (has_reason && !word.is_empty() && !needs_quotes(word)).then_some(());
                }
                (None, Some(line)) => current = (line.text, line.content()),
                _ => return None,
            }
        }
    }

    /// Goes behind the lines of a literal text; a mark says that it begins with white space.
    fn literal(&mut self, indent: usize, is_marked: bool, is_stripped: bool) -> Option<()> {
        let mut lines = 0usize;
        let mut blank = false;
        loop {
            let Some(text) = self.take() else {
                self.line = None;
                break;
            };
            if text.is_empty() {
                if lines == 0 && !is_marked {
                    return None;
                }
                blank = true;
                lines += 1;
                continue;
            }
            let line = line(text)?;
            if line.indent < indent + 2 {
                self.line = Some(line);
                break;
            }
            if lines == 0 && (line.indent == indent + 2) == is_marked {
                return None;
            }
            blank = false;
            lines += 1;
        }
        // A blank line at the end, or a line end that the text's own end has taken.
        if blank || (!is_stripped && self.line.is_none()) {
            return None;
        }
        let is_long = lines > usize::from(is_stripped);
        (is_long && self.line.is_none_or(|it| it.indent <= indent)).then_some(())
    }
}

/// A line that is not blank and ends without space.
fn line(text: &str) -> Option<Line<'_>> {
    let indent = text.bytes().position(|it| it != b' ')?;
    (!text.ends_with(' ')).then_some(Line { text, indent })
}

/// Takes a key and its colon off a line; the rest is empty or begins with a space.
fn key(content: &str) -> Option<(&str, &str)> {
    let is_of_key = |it: &u8| it.is_ascii_alphanumeric() || b"-_./".contains(it);
    let end = content.bytes().position(|it| !is_of_key(&it))?;
    let (key, after) = content.split_at_checked(end)?;
    let after = after.strip_prefix(':')?;
    let is_sound = (after.is_empty() || after.starts_with(' '))
        && end <= 128
        && is_simple(key)
        && !needs_quotes(key);
    is_sound.then_some((key, after))
}

/// Holds that a line of a scalar ends where it is folded: at the first space behind the width.
fn folds(whole: &str, part: &str, goes_on: bool) -> Option<()> {
    let from = whole.len().checked_sub(part.len())?;
    // A quote that closes behind the part moves its beginning by one at most, to the safe side.
    let last = memchr::memrchr(b' ', part.as_bytes());
    let is_full = last.is_none_or(|it| from + it <= WIDTH);
    let is_long = !goes_on || whole.len() > WIDTH;
    (is_full && is_long).then_some(())
}

/// Where the quote stands that closes a text in single quotes; none if it does not end in this line.
fn closing(part: &str) -> Option<usize> {
    let bytes = part.as_bytes();
    let mut from = 0;
    loop {
        let at = from + memchr::memchr(b'\'', bytes.get(from..)?)?;
        if bytes.get(at + 1) != Some(&b'\'') {
            return Some(at);
        }
        from = at + 2;
    }
}

/// Whether a text is an integer as it is written: of few digits, without a zero before them.
fn is_integer(text: &str) -> bool {
    text.len() <= 18
        && text.bytes().all(|it| it.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'))
}
