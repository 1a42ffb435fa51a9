//! JSON as Go's encoding/json writes it.

pub(crate) mod read;

use std::fmt::Write as _;

use serde_json::{Number, Value};

/// Writes data on one line; with `html`, `<`, `>` and `&` are escaped as Go does unless told otherwise.
pub(crate) fn compact(value: &Value, html: bool) -> String {
    let mut out = String::new();
    write(&mut out, value, html, None, 0);
    out
}

/// Writes data as `json.MarshalIndent(v, "", "  ")` does.
pub(crate) fn pretty(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, true, Some("  "), 0);
    out
}

fn write(out: &mut String, value: &Value, html: bool, indent: Option<&str>, depth: usize) {
    let line = |out: &mut String, depth: usize| {
        if let Some(indent) = indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(indent, depth));
        }
    };
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(it) => out.push_str(if *it { "true" } else { "false" }),
        Value::Number(it) => out.push_str(&number(it)),
        Value::String(it) => text(out, it, html),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                write(out, item, html, indent, depth + 1);
            }
            if !items.is_empty() {
                line(out, depth);
            }
            out.push(']');
        }
        Value::Object(entries) => {
            out.push('{');
            for (at, (key, item)) in entries.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                text(out, key, html);
                out.push_str(if indent.is_some() { ": " } else { ":" });
                write(out, item, html, indent, depth + 1);
            }
            if !entries.is_empty() {
                line(out, depth);
            }
            out.push('}');
        }
    }
}

fn text(out: &mut String, text: &str, html: bool) {
    out.push('"');
    for it in text.chars() {
        match it {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' if !html => out.push(it),
            // Writing into a String cannot fail.
            '\0'..='\x1f' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(it));
            }
            it => out.push(it),
        }
    }
    out.push('"');
}

/// Go's floats in JSON: plain between 1e-6 and 1e21, otherwise with an exponent of as few digits as it takes.
fn number(number: &Number) -> String {
    let Some(value) = number.as_f64().filter(|_| number.is_f64()) else {
        return number.to_string();
    };
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let text = format!("{value:e}");
        return match text.split_once('e') {
            Some((mantissa, exponent)) if !exponent.starts_with('-') => {
                format!("{mantissa}e+{exponent}")
            }
            _ => text,
        };
    }
    format!("{value}")
}
