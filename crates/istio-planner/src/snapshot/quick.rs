//! JSON as Go writes it, read into types: what a type does not ask for is passed over a word at a time.
//!
//! What is read here is read as `serde_json` reads it. At whatever is not plainly in order the reader gives up, and whoever
//! called it begins again with `serde_json`, which says what is wrong and where; so no error is told here.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

#[cfg(test)]
mod tests;

/// Deeper data is left to `serde_json`, which knows the bound.
const DEPTH: u32 = 60;

/// Numbers of more digits are left to `serde_json`.
const DIGITS: usize = 18;

/// Why nothing was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halt {
    /// The text ends before its value does, and is in order so far.
    End,
    /// It is not plain what this is.
    GaveUp,
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not read")
    }
}

impl std::error::Error for Halt {}

impl de::Error for Halt {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::GaveUp
    }
}

type Read<T> = Result<T, Halt>;

/// Reads the object at the beginning of a text, and returns it with its length.
pub(super) fn read<T: de::DeserializeOwned>(text: &[u8]) -> Read<(T, usize)> {
    // Only a brace says where a value ends, whatever follows: `0null` begins with no number.
    if text.first() != Some(&b'{') {
        return Err(Halt::GaveUp);
    }
    let mut quick = Quick::new(text);
    let value = T::deserialize(&mut quick)?;
    Ok((value, quick.at))
}

/// A text, and how far it was read.
#[derive(Debug)]
pub(super) struct Quick<'a> {
    text: &'a [u8],
    at: usize,
    depth: u32,
}

/// One in each byte of a word.
const ONES: u64 = u64::MAX / 0xff;
/// The highest bit of each byte of a word.
const HIGH: u64 = ONES << 7;

/// The bytes of a word that are zero; above the first of them others may be marked too.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGH
}

/// Which byte of a word is the first that is marked.
const fn first(marks: u64) -> usize {
    (marks.trailing_zeros() / 8) as usize
}

impl<'a> Quick<'a> {
    /// Begins at the first byte.
    pub(super) const fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
        }
    }

    /// The next eight bytes, the first of them lowest.
    fn word(&self) -> Option<u64> {
        let bytes = self.text.get(self.at..)?.first_chunk()?;
        Some(u64::from_le_bytes(*bytes))
    }

    /// Goes to the next byte that is no white space and returns it.
    #[inline]
    fn token(&mut self) -> Read<u8> {
        match self.text.get(self.at) {
            Some(byte) if *byte > b' ' => Ok(*byte),
            // Between a colon and its value.
            Some(b' ') if self.text.get(self.at + 1).is_some_and(|it| *it > b' ') => {
                self.at += 1;
                Ok(self.text.get(self.at).copied().unwrap_or_default())
            }
            _ => self.behind_blank(),
        }
    }

    fn behind_blank(&mut self) -> Read<u8> {
        loop {
            match self.text.get(self.at) {
                Some(b' ') => self.spaces(),
                Some(b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) if *byte > b' ' => return Ok(*byte),
                Some(_) => return Err(Halt::GaveUp),
                None => return Err(Halt::End),
            }
        }
    }

    /// Goes behind a run of spaces.
    fn spaces(&mut self) {
        const SPACES: u64 = ONES * b' ' as u64;
        let (chunks, _) = self
            .text
            .get(self.at..)
            .unwrap_or_default()
            .as_chunks::<16>();
        let full = chunks.iter().take_while(|it| **it == [b' '; 16]).count();
        self.at += 16 * full;
        while let Some(word) = self.word() {
            let others = word ^ SPACES;
            if others != 0 {
                self.at += first(others);
                return;
            }
            self.at += 8;
        }
        while self.text.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
    }

    /// Goes behind a token that has to come next.
    #[inline]
    fn expect(&mut self, byte: u8) -> Read<()> {
        if self.token()? != byte {
            return Err(Halt::GaveUp);
        }
        self.at += 1;
        Ok(())
    }

    /// Goes behind the quote that closes a string; says whether there is an escape in it.
    fn close(&mut self) -> Read<bool> {
        const QUOTES: u64 = ONES * b'"' as u64;
        const SLASHES: u64 = ONES * b'\\' as u64;
        const CONTROLS: u64 = ONES * 0x20;
        let mut escaped = false;
        loop {
            while let Some(word) = self.word() {
                let controls = word.wrapping_sub(CONTROLS) & !word & HIGH;
                let marks = zeros(word ^ QUOTES) | zeros(word ^ SLASHES) | controls;
                if marks != 0 {
                    self.at += first(marks);
                    break;
                }
                self.at += 8;
            }
            match self.text.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(0..0x20) => return Err(Halt::GaveUp),
                Some(_) => self.at += 1,
                // Of half a surrogate `serde_json` tells before the end.
                None if escaped => return Err(Halt::GaveUp),
                None => return Err(Halt::End),
            }
        }
    }

    fn escape(&mut self) -> Read<()> {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        self.at += match rest {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(|it| it.is_ascii_hexdigit()) => 6,
            _ => return Err(Halt::GaveUp),
        };
        Ok(())
    }

    /// Reads a string.
    fn string(&mut self) -> Read<Cow<'a, str>> {
        self.expect(b'"')?;
        let begin = self.at;
        if self.close()? {
            let quoted = self.text.get(begin - 1..self.at).unwrap_or_default();
            let text = serde_json::from_slice(quoted).map_err(|_| Halt::GaveUp)?;
            return Ok(Cow::Owned(text));
        }
        let bytes = self.text.get(begin..self.at - 1).unwrap_or_default();
        let text = std::str::from_utf8(bytes).map_err(|_| Halt::GaveUp)?;
        Ok(Cow::Borrowed(text))
    }

    /// Goes behind a key and its colon.
    fn key(&mut self) -> Read<()> {
        self.expect(b'"')?;
        self.close()?;
        self.expect(b':')
    }

    /// Goes behind a word.
    fn literal(&mut self, word: &[u8]) -> Read<()> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if rest.starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        Err(if word.starts_with(rest) {
            Halt::End
        } else {
            Halt::GaveUp
        })
    }

    /// Goes behind digits, of which there is at least one, and something behind them; returns how many.
    fn digits(&mut self) -> Read<usize> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.iter().take_while(|it| it.is_ascii_digit()).count();
        self.at += length;
        match (length, self.text.get(self.at)) {
            // Of some numbers that end with the text `serde_json` says that they are none, of others that they are whole.
            (0, _) | (_, None) => Err(Halt::GaveUp),
            _ => Ok(length),
        }
    }

    /// Goes behind a number; says whether it is an integer.
    fn pass_number(&mut self) -> Read<bool> {
        if self.text.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        let begins = self.text.get(self.at).copied();
        if self.digits()? > 1 && begins == Some(b'0') {
            return Err(Halt::GaveUp);
        }
        let mut whole = true;
        if self.text.get(self.at) == Some(&b'.') {
            whole = false;
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            whole = false;
            self.at += 1;
            if let Some(b'+' | b'-') = self.text.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(whole)
    }

    fn number<V: Visitor<'a>>(&mut self, visitor: V) -> Read<V::Value> {
        let begin = self.at;
        let whole = self.pass_number()?;
        let digits = self.text.get(begin..self.at).unwrap_or_default();
        if !whole || digits.len() > DIGITS || digits == b"-0" {
            return Err(Halt::GaveUp);
        }
        let value = |digits: &[u8]| {
            let each = digits.iter().map(|it| u64::from(it - b'0'));
            each.fold(0, |sum, it| sum * 10 + it)
        };
        match digits.strip_prefix(b"-") {
            Some(digits) => {
                let value = i64::try_from(value(digits)).map_err(|_| Halt::GaveUp)?;
                visitor.visit_i64(-value)
            }
            None => visitor.visit_u64(value(digits)),
        }
    }

    /// Goes behind a value that nobody asks for.
    fn pass(&mut self) -> Read<()> {
        // A bit for each container that is open: set for an object.
        let mut open = 0u64;
        let mut depth = 0;
        loop {
            match self.token()? {
                b'"' => {
                    self.at += 1;
                    self.close()?;
                }
                byte @ (b'{' | b'[') => {
                    self.at += 1;
                    let is_object = byte == b'{';
                    if self.token()? == (if is_object { b'}' } else { b']' }) {
                        self.at += 1;
                    } else {
                        depth += 1;
                        if self.depth + depth > DEPTH {
                            return Err(Halt::GaveUp);
                        }
                        open = open << 1 | u64::from(is_object);
                        if is_object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                b't' => self.literal(b"true")?,
                b'f' => self.literal(b"false")?,
                b'n' => self.literal(b"null")?,
                b'-' | b'0'..=b'9' => {
                    self.pass_number()?;
                }
                _ => return Err(Halt::GaveUp),
            }
            loop {
                if depth == 0 {
                    return Ok(());
                }
                let is_object = open & 1 == 1;
                match self.token()? {
                    b',' => {
                        self.at += 1;
                        if is_object {
                            self.key()?;
                        }
                        break;
                    }
                    b'}' if is_object => {}
                    b']' if !is_object => {}
                    _ => return Err(Halt::GaveUp),
                }
                self.at += 1;
                open >>= 1;
                depth -= 1;
            }
        }
    }

    /// Reads an object or a list, which `ends` open and close.
    #[inline]
    fn inside<T>(
        &mut self,
        ends: [u8; 2],
        read: impl FnOnce(Container<'_, 'a>) -> Read<T>,
    ) -> Read<T> {
        let [open, close] = ends;
        if self.token()? != open {
            return Err(Halt::GaveUp);
        }
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Halt::GaveUp);
        }
        let value = read(Container {
            quick: self,
            is_first: true,
        })?;
        self.depth -= 1;
        self.expect(close)?;
        Ok(value)
    }

    /// Goes to the next element of a container that `end` closes; false where there is none.
    #[inline]
    fn element(&mut self, is_first: &mut bool, end: u8) -> Read<bool> {
        let token = self.token()?;
        if token == end {
            return Ok(false);
        }
        if std::mem::take(is_first) {
            return Ok(true);
        }
        if token != b',' {
            return Err(Halt::GaveUp);
        }
        self.at += 1;
        Ok(true)
    }

    /// Reads one of the words that are no strings.
    fn constant<V: Visitor<'a>>(&mut self, byte: u8, visitor: V) -> Read<V::Value> {
        match byte {
            b't' => {
                self.literal(b"true")?;
                visitor.visit_bool(true)
            }
            b'f' => {
                self.literal(b"false")?;
                visitor.visit_bool(false)
            }
            b'n' => {
                self.literal(b"null")?;
                visitor.visit_unit()
            }
            _ => Err(Halt::GaveUp),
        }
    }
}

impl<'a> Deserializer<'a> for &mut Quick<'a> {
    type Error = Halt;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
        match self.token()? {
            b'"' => self.deserialize_str(visitor),
            b'{' => self.deserialize_map(visitor),
            b'[' => self.deserialize_seq(visitor),
            b'-' | b'0'..=b'9' => self.number(visitor),
            byte => self.constant(byte, visitor),
        }
    }

    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
        match self.string()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_string<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
        if self.token()? == b'n' {
            self.literal(b"null")?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
        self.inside(*b"{}", |container| visitor.visit_map(container))
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        self.deserialize_map(visitor)
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
        self.inside(*b"[]", |container| visitor.visit_seq(container))
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Read<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Read<V::Value> {
        self.pass()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        <V: Visitor<'a>>
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct enum
    }
}

/// An object or a list that is being read.
struct Container<'q, 'a> {
    quick: &'q mut Quick<'a>,
    is_first: bool,
}

impl<'a> MapAccess<'a> for Container<'_, 'a> {
    type Error = Halt;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Read<Option<K::Value>> {
        if !self.quick.element(&mut self.is_first, b'}')? {
            return Ok(None);
        }
        if self.quick.token()? != b'"' {
            return Err(Halt::GaveUp);
        }
        seed.deserialize(&mut *self.quick).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Read<V::Value> {
        self.quick.expect(b':')?;
        seed.deserialize(&mut *self.quick)
    }
}

impl<'a> SeqAccess<'a> for Container<'_, 'a> {
    type Error = Halt;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Read<Option<T::Value>> {
        if !self.quick.element(&mut self.is_first, b']')? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.quick).map(Some)
    }
}
