//! The regular subset of YAML that Go's printer writes, read line by line.
//!
//! What is read here is read as the full parser reads it, with the same places. At the first line outside of the subset
//! the reader gives up ([`GaveUp`]), and whoever called it begins again with the full parser.
//! In the subset are block mappings and lists (a hyphen may stand alone above its mapping), keys on one line, plain and
//! quoted scalars, `|` and `|-` with or without their indentation, `{}`, lists of scalars in brackets, comments and `---`.

use std::borrow::Cow;

use super::{last_wins, untagged};
use crate::{Node, NodeValue, Position};

mod scalar;
#[cfg(test)]
mod tests;

use scalar::{double_quoted, ends, is_clean, items, key, more, plain, single_quoted, uncommented};

/// The text leaves the subset; what was handed out before stands.
#[derive(Debug)]
pub(super) struct GaveUp;

type Read<T> = Result<T, GaveUp>;

/// Takes a quoted text off the front.
type Take = for<'t> fn(&'t str) -> Read<(Cow<'t, str>, &'t str)>;

/// Deeper data is left to the full parser, which knows the bound.
const DEPTH: u32 = 100;

/// A quoted text over more lines is left to the full parser.
const LINES: usize = 64;

/// A line with data, without the white space around it.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    number: u32,
    /// How many columns stand before the content.
    indent: usize,
    content: &'a str,
    is_marker: bool,
}

impl Line<'_> {
    fn position(&self) -> Position {
        position(self.number, self.indent)
    }

    fn is_item(&self) -> bool {
        matches!(self.content.as_bytes(), [b'-'] | [b'-', b' ', ..])
    }

    /// What stands behind the hyphen of an item, as a line of its own.
    fn inner(self) -> Self {
        let after = self.content.get(1..).unwrap_or_default();
        let content = after.trim_start_matches(' ');
        Self {
            indent: self.indent + 1 + (after.len() - content.len()),
            content,
            ..self
        }
    }

    /// Where the full parser says that a list begins which is the value of a key at `indent`: at the key's own column it
    /// is the content of the first item.
    fn list_position(self, indent: usize) -> Position {
        if self.indent == indent {
            self.inner().position()
        } else {
            self.position()
        }
    }
}

fn position(line: u32, indent: usize) -> Position {
    Position {
        line,
        column: u32::try_from(indent).unwrap_or(u32::MAX).saturating_add(1),
    }
}

/// Reads every document, as [`super::load`] does.
pub(super) fn load<'a>(text: &'a str, each: &mut impl FnMut(Node<'a>)) -> Read<()> {
    let mut reader = Quick::new(text)?;
    while reader.begin_document()? {
        let node = reader.root()?;
        reader.end_document()?;
        each(node);
    }
    Ok(())
}

/// Reads the first document.
pub(super) fn first(text: &str) -> Read<Node<'_>> {
    let mut reader = Quick::new(text)?;
    if !reader.begin_document()? {
        return Err(GaveUp);
    }
    let node = reader.root()?;
    reader.end_document()?;
    Ok(node)
}

struct Quick<'a> {
    /// What follows the current line.
    rest: &'a str,
    /// The number of the first line in it.
    number: u32,
    /// The current line, none behind the last.
    line: Option<Line<'a>>,
    begun: bool,
}

impl<'a> Quick<'a> {
    fn new(text: &'a str) -> Read<Self> {
        let mut reader = Self {
            rest: text,
            number: 1,
            line: None,
            begun: false,
        };
        reader.advance()?;
        Ok(reader)
    }

    /// Takes the next line of the text as it is; none at the end. The truth is whether it has an end.
    fn take(&mut self) -> Option<(&'a str, bool)> {
        if self.rest.is_empty() {
            return None;
        }
        self.number = self.number.saturating_add(1);
        match memchr::memchr(b'\n', self.rest.as_bytes()) {
            Some(end) => {
                let line = self.rest.get(..end).unwrap_or_default();
                self.rest = self.rest.get(end + 1..).unwrap_or_default();
                Some((line, true))
            }
            None => Some((std::mem::take(&mut self.rest), false)),
        }
    }

    /// Goes to the next line with data.
    fn advance(&mut self) -> Read<()> {
        loop {
            let number = self.number;
            let Some((line, _)) = self.take() else {
                self.line = None;
                return Ok(());
            };
            let content = line.trim_start_matches(' ');
            let indent = line.len() - content.len();
            let content = content.trim_end_matches(' ');
            if content.is_empty() {
                continue;
            }
            if !is_clean(content) {
                return Err(GaveUp);
            }
            if content.starts_with('#') {
                continue;
            }
            // Where a list begins whose first hyphen stands alone depends on the white space behind that.
            if content == "-" && line.len() > indent + 1 {
                return Err(GaveUp);
            }
            let is_marker =
                indent == 0 && (content.starts_with("---") || content.starts_with("..."));
            if is_marker && content != "---" {
                return Err(GaveUp);
            }
            self.line = Some(Line {
                number,
                indent,
                content,
                is_marker,
            });
            return Ok(());
        }
    }

    /// Goes to the first line of the next document; false behind the last.
    fn begin_document(&mut self) -> Read<bool> {
        let begun = std::mem::replace(&mut self.begun, true);
        match self.line {
            None if begun => Ok(false),
            Some(line) if line.is_marker => {
                self.advance()?;
                match self.line {
                    Some(line) if !line.is_marker => Ok(true),
                    _ => Err(GaveUp),
                }
            }
            Some(_) if !begun => Ok(true),
            _ => Err(GaveUp),
        }
    }

    fn end_document(&self) -> Read<()> {
        match self.line {
            Some(line) if !line.is_marker => Err(GaveUp),
            _ => Ok(()),
        }
    }

    fn root(&mut self) -> Read<Node<'a>> {
        match self.line {
            Some(line) if line.indent == 0 => self.block(line, 0),
            _ => Err(GaveUp),
        }
    }

    /// Reads the mapping or list that begins at the current line.
    fn block(&mut self, line: Line<'a>, depth: u32) -> Read<Node<'a>> {
        if depth > DEPTH || line.is_marker {
            return Err(GaveUp);
        }
        let value = if line.is_item() {
            NodeValue::Sequence(self.list(line.indent, depth)?)
        } else {
            NodeValue::Mapping(self.mapping(line.indent, depth)?)
        };
        Ok(Node {
            position: line.position(),
            value,
        })
    }

    /// The current line if it has a key of a mapping; none if the mapping has ended before it.
    fn at_key(&self, indent: usize) -> Read<Option<Line<'a>>> {
        match self.line {
            Some(line) if line.is_marker => Ok(None),
            Some(line) if line.indent > indent => Err(GaveUp),
            Some(line) if line.indent == indent => {
                if line.is_item() {
                    Err(GaveUp)
                } else {
                    Ok(Some(line))
                }
            }
            _ => Ok(None),
        }
    }

    fn mapping(&mut self, indent: usize, depth: u32) -> Read<Vec<(Node<'a>, Node<'a>)>> {
        let mut entries = Vec::new();
        while let Some(line) = self.at_key(indent)? {
            let (key, after) = key(line)?;
            let value = self.value(line, after, indent, depth + 1)?;
            entries.push((key, value));
        }
        last_wins(&mut entries);
        Ok(entries)
    }

    fn list(&mut self, indent: usize, depth: u32) -> Read<Vec<Node<'a>>> {
        let mut items = Vec::new();
        while self.at_item(indent)? {
            items.push(self.item(indent, depth + 1)?);
        }
        Ok(items)
    }

    fn at_item(&self, indent: usize) -> Read<bool> {
        match self.line {
            Some(line) if line.is_marker => Ok(false),
            Some(line) if line.indent > indent => Err(GaveUp),
            Some(line) => Ok(line.indent == indent && line.is_item()),
            None => Ok(false),
        }
    }

    fn item(&mut self, indent: usize, depth: u32) -> Read<Node<'a>> {
        if depth > DEPTH {
            return Err(GaveUp);
        }
        let line = self.line.ok_or(GaveUp)?;
        let inner = line.inner();
        if inner.content.is_empty() {
            // What it holds begins below its hyphen.
            self.advance()?;
            return match self.line {
                Some(below) if below.indent > indent => self.block(below, depth),
                _ => Err(GaveUp),
            };
        }
        if inner.is_item() || key(inner).is_ok() {
            self.line = Some(inner);
            return self.block(inner, depth);
        }
        self.scalar(line.number, inner.indent, inner.content, indent)
    }

    /// Reads the value of a key whose line is the current one, and goes behind it.
    fn value(
        &mut self,
        line: Line<'a>,
        after: &'a str,
        indent: usize,
        depth: u32,
    ) -> Read<Node<'a>> {
        let text = after.trim_start_matches(' ');
        if !text.is_empty() && !text.starts_with('#') {
            let column = indent + (line.content.len() - text.len());
            return self.scalar(line.number, column, text, indent);
        }
        self.advance()?;
        match self.line {
            Some(below) if below.is_marker => Err(GaveUp),
            Some(below) if below.indent > indent => self.block(below, depth),
            Some(below) if below.indent == indent && below.is_item() => Ok(Node {
                position: below.list_position(indent),
                ..self.block(below, depth)?
            }),
            _ => Err(GaveUp),
        }
    }

    /// Reads a scalar or an empty collection that ends its line; `indent` is that of the collection it stands in.
    fn scalar(
        &mut self,
        number: u32,
        column: usize,
        text: &'a str,
        indent: usize,
    ) -> Read<Node<'a>> {
        let position = position(number, column);
        let value = match text.as_bytes().first() {
            Some(b'|') => return self.block_scalar(indent, text),
            Some(b'"') => self.quoted(number, text, indent, double_quoted)?,
            Some(b'\'') => self.quoted(number, text, indent, single_quoted)?,
            Some(b'[') => {
                let items = items(number, column, text)?;
                self.advance()?;
                NodeValue::Sequence(items)
            }
            Some(b'{') if uncommented(text).0 == "{}" => {
                self.advance()?;
                NodeValue::Mapping(Vec::new())
            }
            _ => self.plain(number, text, indent)?,
        };
        Ok(Node { position, value })
    }

    /// Goes to the next line if it goes on with a scalar of a collection at `indent`: right behind the line before it.
    fn continued(&mut self, last: u32, indent: usize) -> Read<Option<&'a str>> {
        self.advance()?;
        Ok(match self.line {
            Some(line) if !line.is_marker && line.indent > indent => {
                if line.number != last.saturating_add(1) {
                    return Err(GaveUp);
                }
                Some(line.content)
            }
            _ => None,
        })
    }

    /// Reads a plain scalar, which may go on over several lines.
    fn plain(&mut self, number: u32, text: &'a str, indent: usize) -> Read<NodeValue<'a>> {
        let (text, is_commented) = uncommented(text);
        let mut all = Cow::Borrowed(plain(text)?);
        let mut last = number;
        while let Some(line) = self.continued(last, indent)? {
            // A comment ends what stands before it.
            if is_commented {
                return Err(GaveUp);
            }
            let all = all.to_mut();
            all.push(' ');
            all.push_str(more(line)?);
            last = last.saturating_add(1);
        }
        match untagged(all) {
            NodeValue::Float(it) if !it.is_finite() => Err(GaveUp),
            value => Ok(value),
        }
    }

    /// Reads a quoted scalar, which may go on over several lines.
    fn quoted(
        &mut self,
        number: u32,
        text: &'a str,
        indent: usize,
        take: Take,
    ) -> Read<NodeValue<'a>> {
        if let Ok((value, rest)) = take(text) {
            ends(rest)?;
            self.advance()?;
            return Ok(NodeValue::String(value));
        }
        let mut all = text.to_owned();
        for last in (number..).take(LINES) {
            let more = self.continued(last, indent)?.ok_or(GaveUp)?;
            all.push(' ');
            all.push_str(more);
            if let Ok((value, rest)) = take(&all) {
                ends(rest)?;
                let value = value.into_owned();
                self.advance()?;
                return Ok(NodeValue::String(Cow::Owned(value)));
            }
        }
        Err(GaveUp)
    }

    /// Reads the lines of a literal scalar below its header; it stands where its first line does.
    fn block_scalar(&mut self, indent: usize, header: &str) -> Read<Node<'a>> {
        let header = header.strip_prefix('|').ok_or(GaveUp)?;
        let (digit, is_stripped) = match header.strip_suffix('-') {
            Some(digit) => (digit, true),
            None => (header, false),
        };
        // What the header says is meant from the collection's own column.
        let said = match digit.as_bytes() {
            [] => None,
            [digit @ b'1'..=b'9'] => Some(indent + usize::from(digit - b'0')),
            _ => return Err(GaveUp),
        };
        let mut text = String::new();
        let mut begins = Position::default();
        let mut blank = 0usize;
        let mut own = said;
        let mut first = true;
        loop {
            let (before, number) = (self.rest, self.number);
            let Some((line, is_whole)) = self.take() else {
                break;
            };
            let content = line.trim_start_matches(' ');
            let spaces = line.len() - content.len();
            if content.is_empty() {
                // Where the text's indentation is not known, or white space may be text, it is not decided here.
                if own.is_none_or(|it| spaces > it) || !is_whole {
                    return Err(GaveUp);
                }
                blank += 1;
                continue;
            }
            let depth = *own.get_or_insert(spaces);
            if spaces < depth || depth <= indent {
                if first || spaces > indent {
                    return Err(GaveUp);
                }
                (self.rest, self.number) = (before, number);
                break;
            }
            if !(is_whole || is_stripped) || (first && content.starts_with('\t')) {
                return Err(GaveUp);
            }
            let line = line.get(depth..).ok_or(GaveUp)?;
            if !line.split('\t').all(is_clean) {
                return Err(GaveUp);
            }
            if first {
                begins = position(number, depth);
            } else {
                text.push('\n');
            }
            text.extend(std::iter::repeat_n('\n', std::mem::take(&mut blank)));
            text.push_str(line);
            first = false;
        }
        if first {
            return Err(GaveUp);
        }
        if !is_stripped {
            text.push('\n');
        }
        self.advance()?;
        Ok(Node {
            position: begins,
            value: NodeValue::String(Cow::Owned(text)),
        })
    }
}
