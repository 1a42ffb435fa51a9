//! The pieces that data is written of.

use serde_json::{Number, Value};

use super::order::in_order;
use super::{Around, Emitter, Lists, is_break, number};

impl Emitter {
    /// Nothing is written yet.
    pub fn new(lists: Lists) -> Self {
        Self {
            lists,
            out: String::new(),
            column: 0,
            indent: None,
            whitespace: true,
            indention: true,
            in_mapping: false,
        }
    }

    /// Ends the text with a newline and returns it.
    pub fn finish(mut self) -> String {
        self.indent = None;
        self.write_indent();
        self.out
    }

    /// Writes plain data.
    pub fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.null(),
            Value::Bool(it) => self.bool(*it),
            Value::Number(it) => self.number(it),
            Value::String(it) => self.text(it),
            Value::Array(items) => self.list(items, Self::value),
            Value::Object(entries) => {
                let entries = entries.iter().map(|(key, value)| (key.as_str(), value));
                self.mapping(entries, Self::value);
            }
        }
    }

    /// Writes null.
    pub fn null(&mut self) {
        self.plain("null", false);
    }

    /// Writes true or false.
    pub fn bool(&mut self, it: bool) {
        self.plain(if it { "true" } else { "false" }, false);
    }

    /// Writes a number.
    pub fn number(&mut self, it: &Number) {
        self.plain(&number(it), false);
    }

    /// Writes a string.
    pub fn text(&mut self, it: &str) {
        self.string(it, false);
    }

    /// Writes a list; `each` writes one item.
    pub fn list<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        if items.is_empty() {
            return self.empty("[", "]");
        }
        let outer = self.deeper(self.in_mapping && !self.indention && self.lists == Lists::Flush);
        for item in items {
            self.write_indent();
            self.indicator("-", Around::Block);
            self.in_mapping = false;
            each(self, item);
        }
        self.indent = outer;
    }

    /// Writes a mapping, whose entries come in the order of their keys' bytes; `each` writes the value of one.
    pub fn mapping<'a, T: 'a>(
        &mut self,
        entries: impl Iterator<Item = (&'a str, &'a T)>,
        mut each: impl FnMut(&mut Self, &T),
    ) {
        let entries: Vec<_> = entries.collect();
        if entries.is_empty() {
            return self.empty("{", "}");
        }
        let outer = self.deeper(false);
        for (key, value) in in_order(entries) {
            self.write_indent();
            if key.len() <= 128 && !key.chars().any(is_break) {
                self.string(key, true);
                self.indicator(":", Around::Nothing);
            } else {
                self.indicator("?", Around::Block);
                self.string(key, false);
                self.write_indent();
                self.indicator(":", Around::Block);
            }
            self.in_mapping = true;
            each(self, value);
        }
        self.indent = outer;
    }
}
