//! Text to items (`text/template/parse/lex.go`).

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The text is the error's message.
    Error,
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Kind {
    fn keyword(word: &str) -> Option<Self> {
        Some(match word {
            "." => Self::Dot,
            "block" => Self::Block,
            "break" => Self::Break,
            "continue" => Self::Continue,
            "define" => Self::Define,
            "else" => Self::Else,
            "end" => Self::End,
            "if" => Self::If,
            "nil" => Self::Nil,
            "range" => Self::Range,
            "template" => Self::Template,
            "with" => Self::With,
            _ => return None,
        })
    }

    fn is_keyword(self) -> bool {
        matches!(
            self,
            Self::Block
                | Self::Break
                | Self::Continue
                | Self::Dot
                | Self::Define
                | Self::Else
                | Self::End
                | Self::If
                | Self::Nil
                | Self::Range
                | Self::Template
                | Self::With
        )
    }
}

/// A piece of a template.
#[derive(Debug, Clone)]
pub(crate) struct Item<'a> {
    pub(crate) kind: Kind,
    /// Where it begins, in bytes.
    pub(crate) position: usize,
    /// Its text, or an error's message.
    pub(crate) text: std::borrow::Cow<'a, str>,
    /// The line where it begins.
    pub(crate) line: usize,
}

impl std::fmt::Display for Item<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let quoted = |text: &str| super::quote::quote(text);
        match self.kind {
            Kind::Eof => f.write_str("EOF"),
            Kind::Error => f.write_str(&self.text),
            it if it.is_keyword() => write!(f, "<{}>", self.text),
            _ if self.text.len() > 10 => {
                let short: String = self.text.chars().take(10).collect();
                write!(f, "{}...", quoted(&short))
            }
            _ => f.write_str(&quoted(&self.text)),
        }
    }
}

/// Hands out the items of a template one by one.
pub(crate) struct Lexer<'a> {
    input: &'a str,
    at: usize,
    start: usize,
    line: usize,
    start_line: usize,
    depth: usize,
    inside: bool,
}

const LEFT: &str = "{{";
const RIGHT: &str = "}}";

impl<'a> Lexer<'a> {
    pub(crate) fn new(input: &'a str) -> Self {
        Self {
            input,
            at: 0,
            start: 0,
            line: 1,
            start_line: 1,
            depth: 0,
            inside: false,
        }
    }

    /// Returns the next item; after the end, or after an error, the end again and again.
    pub(crate) fn next_item(&mut self) -> Item<'a> {
        if self.inside {
            self.inside_action()
        } else {
            self.text()
        }
    }

    fn rest(&self) -> &'a str {
        self.input.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let it = self.peek()?;
        self.at += it.len_utf8();
        if it == '\n' {
            self.line += 1;
        }
        Some(it)
    }

    /// Moves over bytes and counts their lines.
    fn skip(&mut self, bytes: usize) {
        let passed = self.rest().get(..bytes).unwrap_or_default();
        self.line += passed.bytes().filter(|it| *it == b'\n').count();
        self.at += bytes;
    }

    /// Moves over letters and digits.
    fn skip_word(&mut self) {
        let rest = self.rest();
        let end = rest.find(|it| !is_alphanumeric(it));
        self.at += end.unwrap_or(rest.len());
    }

    fn ignore(&mut self) {
        self.start = self.at;
        self.start_line = self.line;
    }

    fn emit(&mut self, kind: Kind) -> Item<'a> {
        let item = Item {
            kind,
            position: self.start,
            text: self
                .input
                .get(self.start..self.at)
                .unwrap_or_default()
                .into(),
            line: self.start_line,
        };
        self.ignore();
        item
    }

    fn error(&mut self, message: String) -> Item<'a> {
        let item = Item {
            kind: Kind::Error,
            position: self.start,
            text: message.into(),
            line: self.start_line,
        };
        self.input = "";
        self.at = 0;
        self.start = 0;
        self.inside = false;
        item
    }

    fn text(&mut self) -> Item<'a> {
        loop {
            let rest = self.rest();
            let Some(length) = find_left(rest) else {
                if rest.is_empty() {
                    return self.emit(Kind::Eof);
                }
                self.skip(rest.len());
                return self.emit(Kind::Text);
            };
            if length > 0 {
                let text = rest.get(..length).unwrap_or_default();
                let after = rest.get(length + LEFT.len()..).unwrap_or_default();
                let kept = if trims_left(after) {
                    text.trim_end_matches(is_space).len()
                } else {
                    length
                };
                self.skip(kept);
                let item = self.emit(Kind::Text);
                self.skip(length - kept);
                self.ignore();
                if !item.text.is_empty() {
                    return item;
                }
            }
            let after = self.rest().get(LEFT.len()..).unwrap_or_default();
            let marker = if trims_left(after) { 2 } else { 0 };
            if after.get(marker..).unwrap_or_default().starts_with("/*") {
                self.skip(LEFT.len() + marker);
                self.ignore();
                if let Some(error) = self.comment() {
                    return error;
                }
                continue;
            }
            self.skip(LEFT.len());
            let item = self.emit(Kind::LeftDelim);
            self.inside = true;
            self.skip(marker);
            self.ignore();
            self.depth = 0;
            return item;
        }
    }

    /// Passes over a comment; returns an error if it does not end.
    fn comment(&mut self) -> Option<Item<'a>> {
        let body = self.rest().get(2..).unwrap_or_default();
        let Some(length) = body.find("*/") else {
            self.skip(2);
            return Some(self.error("unclosed comment".to_owned()));
        };
        self.skip(2 + length + 2);
        let Some(trims) = self.at_right() else {
            return Some(self.error("comment ends before closing delimiter".to_owned()));
        };
        self.skip(if trims { 2 } else { 0 } + RIGHT.len());
        if trims {
            let rest = self.rest();
            self.skip(rest.len() - rest.trim_start_matches(is_space).len());
        }
        self.ignore();
        None
    }

    /// Tells whether the closing delimiter comes next, and whether it trims.
    fn at_right(&self) -> Option<bool> {
        let rest = self.rest();
        if trims_right(rest) && rest.get(2..).unwrap_or_default().starts_with(RIGHT) {
            return Some(true);
        }
        rest.starts_with(RIGHT).then_some(false)
    }

    fn right_delim(&mut self, trims: bool) -> Item<'a> {
        if trims {
            self.skip(2);
            self.ignore();
        }
        self.skip(RIGHT.len());
        let item = self.emit(Kind::RightDelim);
        if trims {
            let rest = self.rest();
            self.skip(rest.len() - rest.trim_start_matches(is_space).len());
            self.ignore();
        }
        self.inside = false;
        item
    }

    fn inside_action(&mut self) -> Item<'a> {
        if let Some(trims) = self.at_right() {
            if self.depth == 0 {
                return self.right_delim(trims);
            }
            return self.error("unclosed left paren".to_owned());
        }
        let Some(it) = self.peek() else {
            return self.error("unclosed action".to_owned());
        };
        if is_space(it) {
            return self.space();
        }
        if it == '+' || it == '-' || it.is_ascii_digit() || self.dot_number() {
            return self.number();
        }
        if is_alphanumeric(it) {
            return self.identifier();
        }
        self.next();
        match it {
            '=' => self.emit(Kind::Assign),
            ':' => {
                if self.next() == Some('=') {
                    self.emit(Kind::Declare)
                } else {
                    self.error("expected :=".to_owned())
                }
            }
            '|' => self.emit(Kind::Pipe),
            '"' => self.quoted('"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant"),
            '`' => {
                while let Some(it) = self.next() {
                    if it == '`' {
                        return self.emit(Kind::RawString);
                    }
                }
                self.error("unterminated raw quoted string".to_owned())
            }
            '$' => self.field_or_variable(Kind::Variable),
            '.' => self.field_or_variable(Kind::Field),
            '(' => {
                self.depth += 1;
                self.emit(Kind::LeftParen)
            }
            ')' => match self.depth.checked_sub(1) {
                Some(depth) => {
                    self.depth = depth;
                    self.emit(Kind::RightParen)
                }
                None => self.error("unexpected right paren".to_owned()),
            },
            it if it.is_ascii_graphic() => self.emit(Kind::Char),
            it => self.error(format!(
                "unrecognized character in action: {}",
                character(Some(it))
            )),
        }
    }

    /// Tells whether a dot comes next that begins a number.
    fn dot_number(&self) -> bool {
        let rest = self.rest().as_bytes();
        rest.first() == Some(&b'.') && rest.get(1).is_none_or(u8::is_ascii_digit)
    }

    fn space(&mut self) -> Item<'a> {
        let rest = self.rest();
        let length = rest.len() - rest.trim_start_matches(is_space).len();
        // The last space belongs to a trimming delimiter.
        let last = rest.get(length.saturating_sub(1)..).unwrap_or_default();
        if trims_right(last) && last.get(2..).unwrap_or_default().starts_with(RIGHT) {
            if length == 1 {
                return self.right_delim(true);
            }
            self.skip(length - 1);
        } else {
            self.skip(length);
        }
        self.emit(Kind::Space)
    }

    fn identifier(&mut self) -> Item<'a> {
        self.skip_word();
        if !self.at_terminator() {
            let bad = character(self.peek());
            return self.error(format!("bad character {bad}"));
        }
        let word = self.input.get(self.start..self.at).unwrap_or_default();
        let kind = match word {
            "true" | "false" => Kind::Bool,
            _ => Kind::keyword(word).unwrap_or(Kind::Identifier),
        };
        self.emit(kind)
    }

    fn field_or_variable(&mut self, kind: Kind) -> Item<'a> {
        if self.at_terminator() {
            return self.emit(match kind {
                Kind::Variable => Kind::Variable,
                _ => Kind::Dot,
            });
        }
        self.skip_word();
        if !self.at_terminator() {
            let bad = character(self.peek());
            return self.error(format!("bad character {bad}"));
        }
        self.emit(kind)
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some('.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(it) => is_space(it) || self.rest().starts_with(RIGHT),
        }
    }

    fn quoted(&mut self, end: char, kind: Kind, unterminated: &str) -> Item<'a> {
        loop {
            match self.next() {
                Some('\\') => {
                    if matches!(self.next(), None | Some('\n')) {
                        return self.error(unterminated.to_owned());
                    }
                }
                None | Some('\n') => return self.error(unterminated.to_owned()),
                Some(it) if it == end => return self.emit(kind),
                Some(_) => {}
            }
        }
    }

    fn number(&mut self) -> Item<'a> {
        let mut sound = self.scan_number();
        let mut kind = Kind::Number;
        if sound && matches!(self.peek(), Some('+' | '-')) {
            kind = Kind::Complex;
            sound = self.scan_number()
                && self
                    .input
                    .get(..self.at)
                    .is_some_and(|it| it.ends_with('i'));
        }
        if sound {
            return self.emit(kind);
        }
        let text = self.input.get(self.start..self.at).unwrap_or_default();
        self.error(format!("bad number syntax: {}", super::quote::quote(text)))
    }

    fn scan_number(&mut self) -> bool {
        self.accept("+-");
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        let exponent = match digits.len() {
            11 => "eE",
            23 => "pP",
            _ => "",
        };
        if self.accept(exponent) {
            self.accept("+-");
            self.accept_run("0123456789_");
        }
        self.accept("i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }

    fn accept(&mut self, valid: &str) -> bool {
        let found = self.peek().is_some_and(|it| valid.contains(it));
        if found {
            self.next();
        }
        found
    }

    fn accept_run(&mut self, valid: &str) {
        while self.accept(valid) {}
    }
}

fn is_space(it: char) -> bool {
    matches!(it, ' ' | '\t' | '\r' | '\n')
}

fn is_alphanumeric(it: char) -> bool {
    it == '_' || it.is_alphanumeric()
}

/// Where the next opening delimiter stands.
fn find_left(rest: &str) -> Option<usize> {
    memchr::memchr_iter(b'{', rest.as_bytes()).find(|at| {
        let from_here = rest.get(*at..).unwrap_or_default();
        from_here.starts_with(LEFT)
    })
}

fn trims_left(after: &str) -> bool {
    let mut chars = after.chars();
    chars.next() == Some('-') && chars.next().is_some_and(is_space)
}

fn trims_right(rest: &str) -> bool {
    let mut chars = rest.chars();
    chars.next().is_some_and(is_space) && chars.next() == Some('-')
}

/// Go's `%#U`.
fn character(it: Option<char>) -> String {
    match it {
        None => "U+FFFFFFFFFFFFFFFF".to_owned(),
        Some(it) if it.is_control() => format!("U+{:04X}", u32::from(it)),
        Some(it) => format!("U+{:04X} '{it}'", u32::from(it)),
    }
}
