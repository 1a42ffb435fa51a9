//! Plain data to text, as go-yaml v2's emitter writes it (`emitterc.go`) after `sigs.k8s.io/yaml` has made JSON of it.

use serde_json::{Number, Value};

use crate::float::format_float;
use crate::scalar::needs_quotes;

mod order;
mod pieces;
#[cfg(test)]
mod tests;

pub use order::natural_order;

/// Lines are folded at the first space behind this column.
pub(crate) const WIDTH: usize = 80;

/// Indentation is taken from here.
const SPACES: &str = "                                                                ";

/// Writes data as `sigs.k8s.io/yaml`'s Marshal does: sorted keys in natural order, lists not indented, a final newline.
///
/// A float without fraction is written as an integer if it fits 64 bits (`5000`, `1000000`), because Go's JSON writes it
/// so; others are written as Go prints them (`2.5`, `1e-07`, `1e+20`).
pub fn to_string(value: &Value) -> String {
    emit(value, Lists::Flush)
}

/// Writes data as [`to_string`] does, with lists in mappings indented.
pub fn to_string_indented(value: &Value) -> String {
    emit(value, Lists::Indented)
}

fn emit(value: &Value, lists: Lists) -> String {
    let mut emitter = Emitter::new(lists);
    emitter.value(value);
    emitter.finish()
}

/// Where a list that is the value of a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lists {
    /// As far left as its key, as go-yaml v2 writes it.
    Flush,
    /// Two spaces to the right, as go-yaml v3 writes it.
    Indented,
}

/// Writes data piece by piece, as [`to_string`] writes it whole: for data that is no [`Value`], without making one of it.
///
/// What is written is one piece, which may be a collection of others.
#[derive(Debug)]
pub struct Emitter {
    lists: Lists,
    out: String,
    /// Characters since the last line break.
    column: usize,
    /// None before the first collection.
    indent: Option<usize>,
    /// The last character was white space.
    whitespace: bool,
    /// Only indentation and `-`, `?`, `:` so far on this line.
    indention: bool,
    /// The next piece is the value of a key.
    in_mapping: bool,
}

/// What stands around an indicator.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    /// Nothing: it belongs to what stands before it.
    Nothing,
    /// A space before it.
    Before,
    /// A space before it, and what follows needs none: a flow collection opens.
    Opening,
    /// A space before it, and a block may begin on the same line.
    Block,
}

impl Emitter {
    /// Goes one level down and returns the indentation to come back to.
    fn deeper(&mut self, indentless: bool) -> Option<usize> {
        let outer = self.indent;
        self.indent = match outer {
            None => Some(0),
            Some(indent) if indentless => Some(indent),
            Some(indent) => Some(indent + 2),
        };
        outer
    }

    fn empty(&mut self, open: &str, close: &str) {
        self.indicator(open, Around::Opening);
        self.indicator(close, Around::Nothing);
    }

    fn string(&mut self, text: &str, simple_key: bool) {
        if !text.is_ascii() && text.contains('\u{85}') {
            return self.string(&folded(text), simple_key);
        }
        // What continues on a further line stands one level deeper.
        let outer = self.indent;
        self.indent = Some(outer.map_or(2, |it| it + 2));
        self.styled(text, simple_key);
        self.indent = outer;
    }

    fn styled(&mut self, text: &str, simple_key: bool) {
        if is_simple(text) && !needs_quotes(text) {
            // Nothing to fold, nothing to quote.
            if !self.whitespace {
                self.put(' ');
            }
            self.out.push_str(text);
            self.column += text.len();
            self.whitespace = false;
            self.indention = false;
            return;
        }
        let traits = Traits::new(text);
        let multiline = traits.multiline && text.contains('\n');
        if multiline && traits.block_allowed && !simple_key {
            return self.literal(text);
        }
        // A text of several lines that cannot be a block is double quoted, never single quoted.
        if multiline || needs_quotes(text) {
            return self.double_quoted(text, !simple_key);
        }
        if traits.plain_allowed && !(text.is_empty() && simple_key) {
            return self.plain(text, !simple_key);
        }
        if traits.single_quoted_allowed && !(simple_key && traits.multiline) {
            return self.single_quoted(text, !simple_key);
        }
        self.double_quoted(text, !simple_key);
    }

    fn put(&mut self, it: char) {
        self.out.push(it);
        self.column += 1;
    }

    fn put_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    fn write_break(&mut self, it: char) {
        self.out.push(it);
        self.column = 0;
    }

    fn write_indent(&mut self) {
        let indent = self.indent.unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        while let Some(missing) = indent.checked_sub(self.column).filter(|it| *it > 0) {
            let spaces = SPACES.get(..missing).unwrap_or(SPACES);
            self.out.push_str(spaces);
            self.column += spaces.len();
        }
        self.whitespace = true;
        self.indention = true;
    }

    fn indicator(&mut self, text: &str, around: Around) {
        if around != Around::Nothing && !self.whitespace {
            self.put(' ');
        }
        // Indicators are ASCII.
        self.out.push_str(text);
        self.column += text.len();
        self.whitespace = around == Around::Opening;
        self.indention = self.indention && around == Around::Block;
    }

    fn plain(&mut self, text: &str, may_break: bool) {
        if !self.whitespace {
            self.put(' ');
        }
        self.flow_text(text, may_break, None);
        self.whitespace = false;
        self.indention = false;
    }

    fn single_quoted(&mut self, text: &str, may_break: bool) {
        self.indicator("'", Around::Before);
        self.flow_text(text, may_break, Some('\''));
        self.indicator("'", Around::Nothing);
        self.whitespace = false;
        self.indention = false;
    }

    /// Writes the text of a plain or single quoted scalar, `quote` doubled.
    fn flow_text(&mut self, text: &str, may_break: bool, quote: Option<char>) {
        let is_plain = |it: u8| (b' '..=b'~').contains(&it) && Some(char::from(it)) != quote;
        if text.bytes().fold(true, |all, it| all & is_plain(it)) {
            return self.folded_text(text, may_break);
        }
        let mut spaces = false;
        let mut breaks = false;
        let mut chars = text.chars().enumerate().peekable();
        while let Some((at, it)) = chars.next() {
            if it == ' ' {
                let next = chars.peek().map(|(_, it)| *it);
                let inner = quote.is_none() || (at > 0 && next.is_some());
                if may_break && !spaces && self.column > WIDTH && inner && next != Some(' ') {
                    self.write_indent();
                } else {
                    self.put(it);
                }
                spaces = true;
            } else if is_break(it) {
                if !breaks && it == '\n' {
                    self.put_break();
                }
                self.write_break(it);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                if Some(it) == quote {
                    self.put(it);
                }
                self.put(it);
                self.indention = false;
                spaces = false;
                breaks = false;
            }
        }
    }

    /// Writes a text without line breaks and without anything that is doubled.
    fn folded_text(&mut self, text: &str, may_break: bool) {
        let bytes = text.as_bytes();
        let mut rest = 0;
        // A key stays on its line.
        while let Some(from) = may_break.then(|| rest + (WIDTH + 1).saturating_sub(self.column)) {
            let is_single = |at: usize| {
                let beside = [at.checked_sub(1), Some(at + 1)];
                bytes.get(at) == Some(&b' ')
                    && beside.iter().all(|it| {
                        it.and_then(|it| bytes.get(it))
                            .is_some_and(|it| *it != b' ')
                    })
            };
            let Some(space) = (from..bytes.len()).find(|it| is_single(*it)) else {
                break;
            };
            self.out.push_str(text.get(rest..space).unwrap_or_default());
            self.column += space - rest;
            self.indention = false;
            self.write_indent();
            rest = space + 1;
        }
        self.out.push_str(text.get(rest..).unwrap_or_default());
        self.column += text.len() - rest;
        self.indention &= rest == text.len();
    }

    fn double_quoted(&mut self, text: &str, may_break: bool) {
        self.indicator("\"", Around::Before);
        let mut spaces = false;
        // Go's `is_bom` looks at the start of the text, whatever place it is asked about.
        let marked = text.starts_with('\u{feff}');
        let mut chars = text.chars().enumerate().peekable();
        while let Some((at, it)) = chars.next() {
            if it == ' ' && !marked {
                let next = chars.peek().map(|(_, it)| *it);
                if may_break && !spaces && self.column > WIDTH && at > 0 && next.is_some() {
                    self.write_indent();
                    if next == Some(' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(it);
                }
                spaces = true;
                continue;
            }
            spaces = false;
            if is_printable(it) && !is_break(it) && !matches!(it, '"' | '\\') && !marked {
                self.put(it);
                continue;
            }
            self.put('\\');
            let short = match it {
                '\0' => '0',
                '\u{7}' => 'a',
                '\u{8}' => 'b',
                '\t' => 't',
                '\n' => 'n',
                '\u{b}' => 'v',
                '\u{c}' => 'f',
                '\r' => 'r',
                '\u{1b}' => 'e',
                '"' | '\\' => it,
                '\u{85}' => 'N',
                '\u{a0}' => '_',
                '\u{2028}' => 'L',
                '\u{2029}' => 'P',
                _ => {
                    let code = u32::from(it);
                    let escape = match code {
                        0..=0xFF => format!("x{code:02X}"),
                        0x100..=0xFFFF => format!("u{code:04X}"),
                        _ => format!("U{code:08X}"),
                    };
                    escape.chars().for_each(|it| self.put(it));
                    continue;
                }
            };
            self.put(short);
        }
        self.indicator("\"", Around::Nothing);
        self.whitespace = false;
        self.indention = false;
    }

    fn literal(&mut self, text: &str) {
        self.indicator("|", Around::Before);
        if text.starts_with(|it| it == ' ' || is_break(it)) {
            self.indicator("2", Around::Nothing);
        }
        let mut ends = text.chars().rev();
        match (ends.next().map(is_break), ends.next().map(is_break)) {
            (Some(true), Some(false)) => {}
            (Some(true), _) => self.indicator("+", Around::Nothing),
            _ => self.indicator("-", Around::Nothing),
        }
        self.put_break();
        self.indention = true;
        self.whitespace = true;
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(is_break).unwrap_or(rest.len());
            let (line, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            if !line.is_empty() {
                self.write_indent();
                self.out.push_str(line);
                self.column += line.chars().count();
                self.indention = false;
            }
            let mut chars = after.chars();
            if let Some(it) = chars.next() {
                self.write_break(it);
                self.indention = true;
            }
            rest = chars.as_str();
        }
    }
}

/// Folds the line break U+0085, which Go's JSON does not escape, so that reading the JSON as YAML folds it.
fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    let mut breaks = 0;
    for it in text.chars().chain(['\0']) {
        match it {
            ' ' => run.push(it),
            '\u{85}' => breaks += 1,
            _ => {
                match breaks {
                    0 => out.push_str(&run),
                    1 => out.push(' '),
                    more => out.extend(std::iter::repeat_n('\n', more - 1)),
                }
                run.clear();
                breaks = 0;
                out.push(it);
            }
        }
    }
    // The mark of the end.
    out.pop();
    out
}

/// Tells whether a text is one word of letters, digits and marks that mean nothing in YAML, so that it may stand plain.
pub(crate) fn is_simple(text: &str) -> bool {
    let bytes = text.as_bytes();
    let begins = |it: &u8| it.is_ascii_alphanumeric() || *it == b'/';
    bytes.first().is_some_and(begins) && bytes.iter().all(|it| SIMPLE[usize::from(*it)])
}

/// Letters, digits and marks that mean nothing.
const SIMPLE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0u8;
    while byte < 0x80 {
        table[byte as usize] =
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
        byte += 1;
    }
    table
};

/// How a text may be written (`yaml_emitter_analyze_scalar`).
#[expect(
    clippy::struct_excessive_bools,
    reason = "the four answers of libyaml's analysis"
)]
struct Traits {
    multiline: bool,
    plain_allowed: bool,
    single_quoted_allowed: bool,
    block_allowed: bool,
}

impl Traits {
    fn new(text: &str) -> Self {
        let is_plain = |it: u8| (b' '..=b'~').contains(&it);
        match (text.as_bytes().first(), text.as_bytes().last()) {
            (Some(first), Some(last)) if text.bytes().fold(true, |all, it| all & is_plain(it)) => {
                Self::of_line(text, *first, *last)
            }
            _ => Self::of_any(text),
        }
    }

    /// Of printable ASCII on one line.
    fn of_line(text: &str, first: u8, last: u8) -> Self {
        let indicators = b",[]{}&*!|>'\"%@`".contains(&first)
            || (matches!(first, b'?' | b'-')
                && matches!(text.as_bytes().get(1), None | Some(b' ')))
            || text.starts_with("---")
            || text.starts_with("...")
            || means_more(text);
        Self {
            multiline: false,
            plain_allowed: !(first == b' ' || last == b' ' || indicators),
            single_quoted_allowed: true,
            block_allowed: last != b' ',
        }
    }

    fn of_any(text: &str) -> Self {
        let Some(first) = text.chars().next() else {
            return Self {
                multiline: false,
                plain_allowed: true,
                single_quoted_allowed: true,
                block_allowed: false,
            };
        };
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let mut special = false;
        let mut multiline = false;
        let mut break_space = false;
        let mut space_break = false;
        let mut previous_space = false;
        let mut previous_break = false;
        let mut after_white = true;
        let mut chars = text.chars().enumerate().peekable();
        while let Some((at, it)) = chars.next() {
            let before_white = chars.peek().is_none_or(|(_, it)| matches!(it, ' ' | '\t'));
            indicators |= match it {
                ':' => before_white,
                '?' | '-' => at == 0 && before_white,
                '#' => at == 0 || after_white,
                ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
                | '@' | '`' => at == 0,
                _ => false,
            };
            special |= !is_printable(it);
            if it == ' ' {
                break_space |= previous_break;
                previous_space = true;
                previous_break = false;
            } else if is_break(it) {
                multiline = true;
                space_break |= previous_space;
                previous_space = false;
                previous_break = true;
            } else {
                previous_space = false;
                previous_break = false;
            }
            after_white = matches!(it, ' ' | '\t' | '\0') || is_break(it);
        }
        let outer = |it: char| it == ' ' || is_break(it);
        let padded = outer(first) || text.ends_with(outer);
        let broken = space_break || special;
        Self {
            multiline,
            plain_allowed: !(padded || break_space || broken || multiline || indicators),
            single_quoted_allowed: !(break_space || broken),
            block_allowed: !(text.ends_with(' ') || broken),
        }
    }
}

/// Whether a colon or a hash in a line of printable ASCII would mean more than itself in a plain scalar.
pub(crate) fn means_more(part: &str) -> bool {
    let bytes = part.as_bytes();
    memchr::memchr2_iter(b':', b'#', bytes).any(|at| {
        if bytes.get(at) == Some(&b':') {
            matches!(bytes.get(at + 1), None | Some(b' '))
        } else {
            at == 0 || bytes.get(at - 1) == Some(&b' ')
        }
    })
}

fn is_break(it: char) -> bool {
    matches!(it, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What libyaml takes for printable; nothing beyond the basic plane is.
fn is_printable(it: char) -> bool {
    matches!(it,
        '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && it != '\u{feff}'
}

/// Writes a number as it comes out of Go's JSON and go-yaml's reading of that.
fn number(number: &Number) -> String {
    let Some(value) = number.as_f64().filter(|_| number.is_f64()) else {
        return number.to_string();
    };
    let magnitude = value.abs();
    if value.fract() == 0.0 && magnitude < 1e21 {
        // Without exponent this is the shortest text that gives the same float back.
        let digits = format!("{value}");
        if digits == "-0" {
            return "0".to_owned();
        }
        if digits.parse::<i64>().is_ok() || digits.parse::<u64>().is_ok() {
            return digits;
        }
    }
    format_float(value)
}
