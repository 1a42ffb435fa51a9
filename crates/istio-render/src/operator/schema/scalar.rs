//! Scalars as Go's decoders take them.

use serde_json::{Number, Value};

use super::Encoding;
use crate::go;

/// Checks a value that is not null against a type that has no fields.
pub(super) fn check(kind: &str, value: &Value, encoding: Encoding) -> Result<(), String> {
    let proto = matches!(encoding, Encoding::Proto | Encoding::OpenProto);
    match (kind, value) {
        ("any" | "value", _)
        | ("bool", Value::Bool(_))
        | ("struct", Value::Object(_))
        | ("list", Value::Array(_))
        | ("double", Value::Number(_))
        | (
            "string" | "time" | "timestamp" | "bytes" | "intorstring" | "IntOrString",
            Value::String(_),
        ) => Ok(()),
        ("string", Value::Number(_) | Value::Bool(_)) if encoding == Encoding::Yaml => Ok(()),
        ("intorstring" | "IntOrString", Value::Number(_)) => check("int32", value, Encoding::Json),
        // The gogo type behind jsonpb (1.24 to 1.28) is a message of its parts.
        ("intorstring" | "quantity", Value::Object(_)) if proto => Ok(()),
        ("quantity", Value::String(text)) => quantity(text),
        ("quantity", Value::Number(number)) => quantity(&printed(number)),
        ("duration", Value::String(text)) => go::parse_duration(text)
            .map(drop)
            .ok_or_else(|| format!("bad Duration: time: invalid duration {text:?}")),
        ("double", Value::String(text)) if proto => {
            let number =
                matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity") || json_number(text);
            number
                .then_some(())
                .ok_or_else(|| format!("invalid number {text:?}"))
        }
        ("int32" | "int64" | "uint32" | "uint64", Value::Number(number)) => {
            whole(&printed(number), kind)
        }
        ("int32" | "int64" | "uint32" | "uint64", Value::String(text)) if proto => {
            match text.trim_matches(JSON_SPACE) {
                "null" => Ok(()),
                text => whole(text, kind),
            }
        }
        _ => Err(format!(
            "cannot unmarshal {} into Go value of type {kind}",
            described(value)
        )),
    }
}

const JSON_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// A number as `encoding/json` writes it: with an exponent from 1e21 on.
fn printed(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e21 => {
            format!("{float:.0}")
        }
        _ => number.to_string(),
    }
}

fn whole(text: &str, kind: &str) -> Result<(), String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits == "0"
        || digits.starts_with(|it: char| it.is_ascii_digit() && it != '0')
            && digits.bytes().all(|it| it.is_ascii_digit());
    let number = text.parse::<i128>().ok().filter(|_| plain);
    let fits = number.is_some_and(|it| match kind {
        "int32" => i32::try_from(it).is_ok(),
        "int64" => i64::try_from(it).is_ok(),
        "uint32" => u32::try_from(it).is_ok() && !text.starts_with('-'),
        _ => u64::try_from(it).is_ok() && !text.starts_with('-'),
    });
    fits.then_some(())
        .ok_or_else(|| format!("cannot unmarshal number {text} into Go value of type {kind}"))
}

fn json_number(text: &str) -> bool {
    let text = text.trim_matches(JSON_SPACE);
    text == "null" || serde_json::from_str::<Number>(text).is_ok()
}

/// Checks as `resource.ParseQuantity` does.
fn quantity(text: &str) -> Result<(), String> {
    const SUFFIXES: [&str; 16] = [
        "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
    ];
    const WRONG: &str = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    let wrong = || WRONG.to_owned();
    let text = text.trim();
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = unsigned
        .find(|it: char| !it.is_ascii_digit() && it != '.')
        .unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 || number.len() > digits + 1 {
        return Err(wrong());
    }
    let exponent = suffix
        .strip_prefix(['e', 'E'])
        .map(|it| it.strip_prefix(['+', '-']).unwrap_or(it));
    let is_exponent =
        exponent.is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()));
    if is_exponent || SUFFIXES.contains(&suffix) {
        Ok(())
    } else {
        Err("unable to parse quantity's suffix".to_owned())
    }
}

/// What Go calls the kind of a value.
pub(super) fn described(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
