//! TOML as BurntSushi/toml v1.6 writes and reads it; moments in time are not read.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Map as JsonMap, Value as Json};

use crate::gotmpl::quote::quote;
use crate::value::{Entries, Map, Value};

/// Arrays and inline tables nested deeper are refused.
const DEPTH: u32 = 100;

/// Writes data; the error is the library's.
pub(super) fn write(data: &Json) -> Result<String, String> {
    let mut writer = Writer { out: String::new() };
    match data {
        Json::Object(entries) => writer.table(&[], entries)?,
        Json::Null => return Err(super::super::NIL_POINTER.to_owned()),
        other => {
            if is_tables(other)? {
                return Err("toml: top-level values must be Go maps or structs".to_owned());
            }
            writer.element(other)?;
        }
    }
    Ok(writer.out)
}

struct Writer {
    out: String,
}

/// Tells whether a value is an array that is written as `[[tables]]`.
fn is_tables(value: &Json) -> Result<bool, String> {
    let Json::Array(items) = value else {
        return Ok(false);
    };
    if items.iter().any(Json::is_null) {
        return Err("toml: cannot encode array with nil element".to_owned());
    }
    Ok(!items.is_empty() && items.iter().all(Json::is_object))
}

impl Writer {
    fn newline(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn table(&mut self, key: &[&str], entries: &JsonMap<String, Json>) -> Result<(), String> {
        let mut tables = Vec::new();
        for (name, value) in entries {
            if value.is_object() || is_tables(value)? {
                tables.push((name, value));
            } else if !value.is_null() {
                let pad = "  ".repeat(key.len());
                // Writing into a String cannot fail.
                let _ = write!(self.out, "{pad}{} = ", bare(name));
                self.element(value)?;
                self.newline();
            }
        }
        for (name, value) in tables {
            let path: Vec<&str> = key.iter().copied().chain([name.as_str()]).collect();
            let pad = "  ".repeat(key.len());
            let shown: Vec<String> = path.iter().map(|it| bare(it)).collect();
            let shown = shown.join(".");
            match value {
                Json::Array(items) => {
                    for item in items.iter().filter_map(Json::as_object) {
                        self.newline();
                        let _ = writeln!(self.out, "{pad}[[{shown}]]");
                        self.table(&path, item)?;
                    }
                }
                Json::Object(entries) => {
                    if path.len() == 1 {
                        self.newline();
                    }
                    let _ = writeln!(self.out, "{pad}[{shown}]");
                    self.table(&path, entries)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn element(&mut self, value: &Json) -> Result<(), String> {
        match value {
            Json::Null => return Err("toml: cannot encode array with nil element".to_owned()),
            Json::Bool(it) => self.out.push_str(if *it { "true" } else { "false" }),
            Json::Number(it) => match it.as_f64().filter(|_| it.is_f64()) {
                Some(float) => {
                    let text = kube_yaml::format_float(float);
                    self.out.push_str(&text);
                    if !text.contains(['e', '.']) {
                        self.out.push_str(".0");
                    }
                }
                None => self.out.push_str(&it.to_string()),
            },
            Json::String(it) => self.out.push_str(&quoted(it)),
            Json::Array(items) => {
                is_tables(value)?;
                self.out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.out.push_str(", ");
                    }
                    self.element(item)?;
                }
                self.out.push(']');
            }
            Json::Object(entries) => {
                self.out.push('{');
                let solid = entries.iter().filter(|(_, it)| !it.is_null());
                let (tables, direct): (Vec<_>, Vec<_>) =
                    solid.partition(|(_, it)| it.is_object() || is_tables(it) == Ok(true));
                for (at, (name, item)) in direct.into_iter().chain(tables).enumerate() {
                    if at > 0 {
                        self.out.push_str(", ");
                    }
                    let _ = write!(self.out, "{} = ", bare(name));
                    self.element(item)?;
                }
                self.out.push('}');
            }
        }
        Ok(())
    }
}

fn is_bare(it: char) -> bool {
    it.is_ascii_alphanumeric() || it == '_' || it == '-'
}

fn bare(name: &str) -> String {
    if !name.is_empty() && name.chars().all(is_bare) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for it in text.chars() {
        match it {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\x1f' | '\x7f' => {
                let _ = write!(out, "\\u{:04x}", u32::from(it));
            }
            it => out.push(it),
        }
    }
    out.push('"');
    out
}

/// Reads a text.
pub(super) fn read(text: &str) -> Result<Entries, String> {
    let mut reader = Reader {
        rest: text,
        line: 1,
    };
    let Value::Map(top) = Value::map(Entries::new()) else {
        return Ok(Entries::new());
    };
    let mut table = top.clone();
    loop {
        reader.blank();
        let Some(first) = reader.rest.chars().next() else {
            break;
        };
        if first == '[' {
            let many = reader.rest.starts_with("[[");
            let close = if many { "]]" } else { "]" };
            reader.skip(close.len());
            let path = reader.key()?;
            reader.expect(close)?;
            table = reader.open(&top, &path, many)?;
        } else {
            reader.pair(&table, DEPTH)?;
        }
        reader.line_end()?;
    }
    Ok(top.entries().into_iter().collect())
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl Reader<'_> {
    fn refuse<T>(&self, message: impl std::fmt::Display) -> Result<T, String> {
        Err(format!("toml: line {}: {message}", self.line))
    }

    fn skip(&mut self, bytes: usize) {
        let (passed, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.line += passed.matches('\n').count();
        self.rest = rest;
    }

    /// Passes over spaces and tabs.
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    /// Passes over white space, lines and comments.
    fn blank(&mut self) {
        loop {
            let trimmed = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
            self.skip(self.rest.len() - trimmed.len());
            if !self.rest.starts_with('#') {
                return;
            }
            self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
        }
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        self.space();
        if !self.rest.starts_with(token) {
            let found: String = self.rest.chars().take(1).collect();
            return self.refuse(format_args!("expected '{token}' but got {}", quote(&found)));
        }
        self.skip(token.len());
        Ok(())
    }

    fn line_end(&mut self) -> Result<(), String> {
        self.space();
        match self.rest.chars().next() {
            None | Some('\n' | '\r' | '#') => Ok(()),
            Some(it) => self.refuse(format_args!(
                "expected a top-level item to end with a newline, comment, or EOF, but got '{it}' instead"
            )),
        }
    }

    fn key(&mut self) -> Result<Vec<Arc<str>>, String> {
        let mut parts = Vec::new();
        loop {
            self.space();
            match self.rest.chars().next() {
                Some('"' | '\'') => parts.push(self.text()?.into()),
                Some(it) if is_bare(it) => {
                    let end = self.rest.find(|it| !is_bare(it)).unwrap_or(self.rest.len());
                    parts.push(self.rest.get(..end).unwrap_or_default().into());
                    self.skip(end);
                }
                Some(it) => {
                    return self.refuse(format_args!("unexpected '{it}': key name appears blank"));
                }
                None => return self.refuse("unexpected EOF; expected a key"),
            }
            self.space();
            match self.rest.strip_prefix('.') {
                Some(rest) => self.rest = rest,
                None => return Ok(parts),
            }
        }
    }

    /// Finds or makes the table of a header.
    fn open(&self, top: &Map, header: &[Arc<str>], many: bool) -> Result<Map, String> {
        let mut table = top.clone();
        for (at, name) in header.iter().enumerate() {
            let last = at + 1 == header.len();
            let found = table.get(name);
            if last && many {
                let Value::Map(new) = Value::map(Entries::new()) else {
                    return Ok(table);
                };
                let mut tables = match found {
                    None => Vec::new(),
                    Some(Value::List(old)) => old.items().to_vec(),
                    Some(_) => {
                        return self.refuse(format_args!("Key '{name}' has already been defined."));
                    }
                };
                tables.push(Value::Map(new.clone()));
                table.insert(Arc::clone(name), Value::list(tables));
                return Ok(new);
            }
            table = match found {
                Some(Value::Map(inner)) => inner,
                Some(Value::List(old)) => match old.items().last() {
                    Some(Value::Map(inner)) => inner.clone(),
                    _ => {
                        return self.refuse(format_args!("Key '{name}' has already been defined."));
                    }
                },
                Some(_) => {
                    return self.refuse(format_args!("Key '{name}' has already been defined."));
                }
                None => {
                    let inner = Value::map(Entries::new());
                    table.insert(Arc::clone(name), inner.clone());
                    match inner {
                        Value::Map(inner) => inner,
                        _ => return Ok(table),
                    }
                }
            };
        }
        Ok(table)
    }

    fn pair(&mut self, table: &Map, depth: u32) -> Result<(), String> {
        let path = self.key()?;
        self.expect("=")?;
        self.space();
        let value = self.value(depth)?;
        let Some((name, before)) = path.split_last() else {
            return Ok(());
        };
        let table = self.open(table, before, false)?;
        if table.contains(name) {
            return self.refuse(format_args!("Key '{name}' has already been defined."));
        }
        table.insert(Arc::clone(name), value);
        Ok(())
    }

    fn value(&mut self, depth: u32) -> Result<Value, String> {
        let Some(deeper) = depth.checked_sub(1) else {
            return self.refuse("nested too deeply");
        };
        match self.rest.chars().next() {
            Some('"' | '\'') => self.text().map(Value::text),
            Some('[') => {
                self.skip(1);
                let mut items = Vec::new();
                loop {
                    self.blank();
                    if self.rest.starts_with(']') {
                        self.skip(1);
                        return Ok(Value::list(items));
                    }
                    items.push(self.value(deeper)?);
                    self.blank();
                    if self.rest.starts_with(',') {
                        self.skip(1);
                    } else if !self.rest.starts_with(']') {
                        return self.refuse("expected a comma or array terminator ']'");
                    }
                }
            }
            Some('{') => {
                self.skip(1);
                let inner = Value::map(Entries::new());
                loop {
                    self.blank();
                    if self.rest.starts_with('}') {
                        self.skip(1);
                        return Ok(inner);
                    }
                    if let Value::Map(map) = &inner {
                        self.pair(map, deeper)?;
                    }
                    self.blank();
                    if self.rest.starts_with(',') {
                        self.skip(1);
                    } else if !self.rest.starts_with('}') {
                        return self.refuse("expected a comma or an inline table terminator '}'");
                    }
                }
            }
            _ => self.plain(),
        }
    }

    /// Reads a truth value or a number.
    fn plain(&mut self) -> Result<Value, String> {
        let end = self
            .rest
            .find(|it: char| it.is_whitespace() || matches!(it, ',' | ']' | '}' | '#'))
            .unwrap_or(self.rest.len());
        let text = self.rest.get(..end).unwrap_or_default().to_owned();
        let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
        let based = ["0x", "0o", "0b"].iter().any(|it| digits.starts_with(it));
        let octal = digits.len() > 1 && digits.starts_with('0') && !based;
        let value = match text.as_str() {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            "inf" | "+inf" => Some(Value::Float(f64::INFINITY)),
            "-inf" => Some(Value::Float(f64::NEG_INFINITY)),
            "nan" | "+nan" | "-nan" => Some(Value::Float(f64::NAN)),
            _ if digits.contains(['.', 'e', 'E']) && !based => {
                crate::number::parse_float(&text).map(Value::Float)
            }
            _ if octal => None,
            _ => crate::number::parse_int(&text, 0).map(Value::Int64),
        };
        match value {
            Some(value) => {
                self.skip(end);
                Ok(value)
            }
            None => self.refuse(format_args!(
                "expected value but found {} instead",
                quote(&text)
            )),
        }
    }

    /// Reads a string of any of the four forms.
    fn text(&mut self) -> Result<String, String> {
        for (mark, multiline) in [("\"\"\"", true), ("'''", true), ("\"", false), ("'", false)] {
            if !self.rest.starts_with(mark) {
                continue;
            }
            self.skip(mark.len());
            if multiline {
                let line = self.rest.strip_prefix('\r').unwrap_or(self.rest);
                if line.starts_with('\n') {
                    self.skip(self.rest.len() - line.len() + 1);
                }
            }
            let escapes = mark.starts_with('"');
            let mut out = String::new();
            while let Some(it) = self.rest.chars().next() {
                if self.rest.starts_with(mark) {
                    self.skip(mark.len());
                    return Ok(out);
                }
                if it == '\n' && !multiline {
                    return self.refuse("strings cannot contain newlines");
                }
                self.skip(it.len_utf8());
                if it == '\\' && escapes {
                    self.escape(&mut out)?;
                } else {
                    out.push(it);
                }
            }
            return self.refuse("unexpected EOF; expected a string terminator");
        }
        self.refuse("expected a string")
    }

    fn escape(&mut self, out: &mut String) -> Result<(), String> {
        let Some(it) = self.rest.chars().next() else {
            return self.refuse("unexpected EOF");
        };
        self.skip(it.len_utf8());
        let length = match it {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            ' ' | '\t' | '\r' | '\n' => {
                let trimmed = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
                self.skip(self.rest.len() - trimmed.len());
                return Ok(());
            }
            it => {
                out.push(match it {
                    'b' => '\u{8}',
                    't' => '\t',
                    'n' => '\n',
                    'f' => '\u{c}',
                    'r' => '\r',
                    'e' => '\u{1b}',
                    '"' | '\\' => it,
                    it => return self.refuse(format_args!("invalid escape character '{it}'")),
                });
                return Ok(());
            }
        };
        let code = self
            .rest
            .get(..length)
            .filter(|it| it.bytes().all(|it| it.is_ascii_hexdigit()))
            .and_then(|it| u32::from_str_radix(it, 16).ok())
            .and_then(char::from_u32);
        match code {
            Some(it) => {
                self.skip(length);
                out.push(it);
                Ok(())
            }
            None => self.refuse("invalid escape"),
        }
    }
}
