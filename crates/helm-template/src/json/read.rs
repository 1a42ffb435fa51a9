//! Why a text is not JSON, in the words of Go's scanner (`encoding/json/scanner.go`).

use crate::gotmpl::quote::quote_char;

/// Texts nested deeper are refused, as Go does at 10,000; here recursion must end sooner.
const DEPTH: u32 = 120;

/// Returns Go's complaint about a text; none if it is one JSON value.
pub(crate) fn mistake(text: &str) -> Option<String> {
    let mut scanner = Scanner {
        bytes: text.as_bytes(),
        at: 0,
    };
    let result = scanner.value(DEPTH).and_then(|()| {
        scanner.space();
        match scanner.peek() {
            None => Ok(()),
            Some(it) => Err(invalid(it, "after top-level value")),
        }
    });
    result.err()
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

type Step = Result<(), String>;

fn invalid(byte: u8, context: &str) -> String {
    // Go takes every byte for a character.
    let shown = quote_char(char::from(byte), false);
    format!("invalid character {shown} {context}")
}

fn end() -> String {
    "unexpected end of JSON input".to_owned()
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Returns the next byte; at the end a space, by which Go sees whether the text is complete.
    fn next_or_space(&mut self) -> u8 {
        self.next().unwrap_or(b' ')
    }

    fn space(&mut self) {
        while self
            .peek()
            .is_some_and(|it| matches!(it, b' ' | b'\t' | b'\r' | b'\n'))
        {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: u32) -> Step {
        let Some(depth) = depth.checked_sub(1) else {
            return Err("exceeded max depth".to_owned());
        };
        self.space();
        match self.next() {
            None => Err(end()),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.text(),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            Some(it @ (b'-' | b'0'..=b'9')) => self.number(it),
            Some(it) => Err(invalid(it, "looking for beginning of value")),
        }
    }

    fn object(&mut self, depth: u32) -> Step {
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.space();
            match self.next() {
                None => return Err(end()),
                Some(b'"') => self.text()?,
                Some(it) => {
                    return Err(invalid(it, "looking for beginning of object key string"));
                }
            }
            self.space();
            match self.next() {
                None => return Err(end()),
                Some(b':') => {}
                Some(it) => return Err(invalid(it, "after object key")),
            }
            self.value(depth)?;
            self.space();
            match self.next() {
                None => return Err(end()),
                Some(b',') => {}
                Some(b'}') => return Ok(()),
                Some(it) => return Err(invalid(it, "after object key:value pair")),
            }
        }
    }

    fn array(&mut self, depth: u32) -> Step {
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth)?;
            self.space();
            match self.next() {
                None => return Err(end()),
                Some(b',') => {}
                Some(b']') => return Ok(()),
                Some(it) => return Err(invalid(it, "after array element")),
            }
        }
    }

    fn text(&mut self) -> Step {
        loop {
            match self.next() {
                None => return Err(end()),
                Some(b'"') => return Ok(()),
                Some(b'\\') => match self.next_or_space() {
                    b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => {}
                    b'u' => {
                        for _ in 0..4 {
                            let it = self.next_or_space();
                            if !it.is_ascii_hexdigit() {
                                return Err(invalid(it, "in \\u hexadecimal character escape"));
                            }
                        }
                    }
                    it => return Err(invalid(it, "in string escape code")),
                },
                Some(it) if it < b' ' => return Err(invalid(it, "in string literal")),
                Some(_) => {}
            }
        }
    }

    /// Reads a word whose first letter has been read.
    fn literal(&mut self, word: &str) -> Step {
        for expected in word.bytes().skip(1) {
            let it = self.next_or_space();
            if it != expected {
                let expected = quote_char(char::from(expected), false);
                return Err(invalid(
                    it,
                    &format!("in literal {word} (expecting {expected})"),
                ));
            }
        }
        Ok(())
    }

    /// Reads a number whose first byte has been read.
    fn number(&mut self, first: u8) -> Step {
        let mut lead = first;
        if first == b'-' {
            lead = self.digit("in numeric literal")?;
        }
        if lead != b'0' {
            self.digits();
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digit("after decimal point in numeric literal")?;
            self.digits();
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digit("in exponent of numeric literal")?;
            self.digits();
        }
        Ok(())
    }

    fn digit(&mut self, context: &str) -> Result<u8, String> {
        let it = self.next_or_space();
        if it.is_ascii_digit() {
            Ok(it)
        } else {
            Err(invalid(it, context))
        }
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|it| it.is_ascii_digit()) {
            self.at += 1;
        }
    }
}
