//! Go's own functions (`text/template/funcs.go`).

use std::cmp::Ordering;
use std::fmt::Write as _;

use super::Param::{Any, Reflect, Text};
use super::{Answer, Arguments, Body, Call, Function, function, variadic};
use crate::format;
use crate::value::{Elements, MapKind, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "and",
        params: &[Reflect, Reflect],
        variadic: true,
        body: Body::Choice { until: false },
    },
    Function {
        name: "or",
        params: &[Reflect, Reflect],
        variadic: true,
        body: Body::Choice { until: true },
    },
    function("not", &[Reflect], |_, args| {
        Ok(Value::Bool(!args.any(0).truth()))
    }),
    variadic("eq", &[Reflect, Reflect], |_, args| {
        eq(args).map(Value::Bool)
    }),
    function("ne", &[Reflect, Reflect], |_, args| {
        eq(args).map(|it| Value::Bool(!it))
    }),
    function("lt", &[Reflect, Reflect], |_, args| {
        less(args.any(0), args.any(1)).map(Value::Bool)
    }),
    function("le", &[Reflect, Reflect], |_, args| {
        less_or_equal(args).map(Value::Bool)
    }),
    function("gt", &[Reflect, Reflect], |_, args| {
        less_or_equal(args).map(|it| Value::Bool(!it))
    }),
    function("ge", &[Reflect, Reflect], |_, args| {
        less(args.any(0), args.any(1)).map(|it| Value::Bool(!it))
    }),
    function("len", &[Reflect], len),
    variadic("index", &[Reflect, Reflect], index),
    variadic("print", &[Any], |_, args| {
        Ok(Value::text(format::sprint(args)))
    }),
    variadic("println", &[Any], |_, args| {
        Ok(Value::text(format::sprintln(args)))
    }),
    variadic("printf", &[Text, Any], |_, args| {
        let (_, values) = args.split_at_checked(1).unwrap_or((&[], &[]));
        Ok(Value::text(format::sprintf(args.text(0), values)))
    }),
    variadic("html", &[Any], |_, args| {
        Ok(Value::text(html(&joined(args))))
    }),
    variadic("js", &[Any], |_, args| Ok(Value::text(js(&joined(args))))),
    variadic("urlquery", &[Any], |_, args| {
        Ok(Value::text(super::url::query_escape(&joined(args))))
    }),
    variadic("call", &[Reflect, Reflect], |_, args| match args.any(0) {
        Value::Missing | Value::Nil => Err("call of nil".to_owned()),
        other => Err(format!("non-function of type {}", other.type_name())),
    }),
];

/// The kinds that can be compared.
#[derive(Clone, Copy, PartialEq)]
enum Basic<'a> {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(&'a str),
    None,
}

fn basic(value: &Value) -> Basic<'_> {
    match value {
        Value::Bool(it) => Basic::Bool(*it),
        Value::Int(it) | Value::Int64(it) => Basic::Int(*it),
        Value::Uint(it) => Basic::Uint(*it),
        Value::Byte(it) => Basic::Uint((*it).into()),
        Value::Float(it) => Basic::Float(*it),
        Value::Text(it) => Basic::Text(it),
        Value::Missing | Value::Nil | Value::List(_) | Value::Map(_) | Value::Object(_) => {
            Basic::None
        }
    }
}

fn incompatible(a: &Value, b: &Value) -> String {
    format!(
        "incompatible types for comparison: {} and {}",
        a.type_name(),
        b.type_name()
    )
}

fn eq(args: &[Value]) -> Result<bool, String> {
    let Some((first, others)) = args.split_first().filter(|(_, others)| !others.is_empty()) else {
        return Err("missing argument for comparison".to_owned());
    };
    for other in others {
        let equal = match (basic(first), basic(other)) {
            (Basic::None, Basic::None) => same(first, other)?,
            (Basic::Int(a), Basic::Uint(b)) | (Basic::Uint(b), Basic::Int(a)) => {
                u64::try_from(a) == Ok(b)
            }
            (Basic::Bool(a), Basic::Bool(b)) => a == b,
            (Basic::Int(a), Basic::Int(b)) => a == b,
            (Basic::Uint(a), Basic::Uint(b)) => a == b,
            (Basic::Float(a), Basic::Float(b)) => a == b,
            (Basic::Text(a), Basic::Text(b)) => a == b,
            _ if first.is_nil() || other.is_nil() => false,
            _ => return Err(incompatible(first, other)),
        };
        if equal {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Compares what is neither a number nor text nor a truth value.
fn same(a: &Value, b: &Value) -> Result<bool, String> {
    if a.is_nil() || b.is_nil() {
        return Ok(is_nil(a) && is_nil(b));
    }
    if a.kind() != b.kind() {
        // Go prints values where its format says types, and the other way round.
        return Err(format!(
            "non-comparable types {}: {}, {}: {}",
            format::plain(a),
            a.type_name(),
            b.type_name(),
            format::plain(b)
        ));
    }
    if is_nil(a) || is_nil(b) {
        return Ok(is_nil(a) == is_nil(b));
    }
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => Ok(a == b),
        _ => Err(format!(
            "non-comparable type {}: {}",
            format::plain(b),
            b.type_name()
        )),
    }
}

fn is_nil(value: &Value) -> bool {
    match value {
        Value::List(it) => it.items.is_none(),
        other => other.is_nil(),
    }
}

fn less(a: &Value, b: &Value) -> Result<bool, String> {
    const BAD: &str = "invalid type for comparison";
    let order = match (basic(a), basic(b)) {
        (Basic::None, _) | (_, Basic::None) | (Basic::Bool(_), Basic::Bool(_)) => {
            return Err(BAD.to_owned());
        }
        (Basic::Int(a), Basic::Int(b)) => a.cmp(&b),
        (Basic::Uint(a), Basic::Uint(b)) => a.cmp(&b),
        (Basic::Float(a), Basic::Float(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Greater),
        (Basic::Text(a), Basic::Text(b)) => a.cmp(b),
        (Basic::Int(a), Basic::Uint(b)) => i128::from(a).cmp(&i128::from(b)),
        (Basic::Uint(a), Basic::Int(b)) => i128::from(a).cmp(&i128::from(b)),
        _ => return Err(incompatible(a, b)),
    };
    Ok(order == Ordering::Less)
}

fn less_or_equal(args: &[Value]) -> Result<bool, String> {
    Ok(less(args.any(0), args.any(1))? || eq(args)?)
}

fn len(_: &Call<'_>, args: &[Value]) -> Answer {
    let length = match args.any(0) {
        Value::Nil => return Err("len of nil pointer".to_owned()),
        Value::Missing => {
            return Err("reflect: call of reflect.Value.Type on zero Value".to_owned());
        }
        Value::Text(it) => it.len(),
        Value::List(it) => it.items().len(),
        Value::Map(it) => it.len(),
        Value::Object(it) => match it.entries() {
            Some(entries) => entries.len(),
            None => return Err(format!("len of type {}", it.type_name())),
        },
        other => return Err(format!("len of type {}", other.type_name())),
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn index(_: &Call<'_>, args: &[Value]) -> Answer {
    let Some((item, indexes)) = args.split_first() else {
        return Ok(Value::Nil);
    };
    if item.is_nil() {
        return Err("index of untyped nil".to_owned());
    }
    let mut item = item.clone();
    for index in indexes {
        item = match &item {
            Value::Missing | Value::Nil => return Err("index of nil pointer".to_owned()),
            Value::Text(text) => {
                let at = place(index, text.len())?;
                match text.as_bytes().get(at) {
                    Some(byte) => Value::Byte(*byte),
                    None => return Err(format!("index out of range: {at}")),
                }
            }
            Value::List(list) => {
                let at = place(index, list.items().len())?;
                match list.items().get(at) {
                    Some(it) => it.clone(),
                    None => return Err("reflect: slice index out of range".to_owned()),
                }
            }
            Value::Map(map) => {
                let key = match index {
                    Value::Text(key) => key,
                    Value::Missing | Value::Nil => {
                        return Err("value is nil; should be of type string".to_owned());
                    }
                    other => {
                        return Err(format!(
                            "value has type {}; should be string",
                            other.type_name()
                        ));
                    }
                };
                map.get(key).unwrap_or_else(|| match map.kind {
                    MapKind::Text => Value::text(""),
                    MapKind::Any | MapKind::Values => Value::Nil,
                })
            }
            Value::Object(object) => match (object.entries(), index) {
                (Some(entries), Value::Text(_)) => entries
                    .into_iter()
                    .find(|(key, _)| crate::value::deep_equal(key, index))
                    .map_or(
                        Value::List(crate::value::List {
                            elements: Elements::Byte,
                            items: None,
                        }),
                        |(_, value)| value,
                    ),
                (Some(entries), _) => {
                    let at = place(index, entries.len())?;
                    match entries.into_iter().nth(at) {
                        Some((_, value)) => value,
                        None => return Err("reflect: slice index out of range".to_owned()),
                    }
                }
                (None, _) => {
                    return Err(format!("can't index item of type {}", object.type_name()));
                }
            },
            other => return Err(format!("can't index item of type {}", other.type_name())),
        };
    }
    Ok(item)
}

/// Reads an index into a list of a length.
fn place(index: &Value, length: usize) -> Result<usize, String> {
    let wanted = match index {
        Value::Int(it) | Value::Int64(it) => i128::from(*it),
        Value::Uint(it) => i128::from(*it),
        Value::Byte(it) => i128::from(*it),
        Value::Missing | Value::Nil => return Err("cannot index slice/array with nil".to_owned()),
        other => {
            return Err(format!(
                "cannot index slice/array with type {}",
                other.type_name()
            ));
        }
    };
    match usize::try_from(wanted) {
        Ok(at) if at <= length => Ok(at),
        _ => Err(format!("index out of range: {wanted}")),
    }
}

/// The text of arguments as Go's escapers take it.
fn joined(args: &[Value]) -> String {
    if let [Value::Text(it)] = args {
        return it.as_ref().to_owned();
    }
    let args: Vec<Value> = args
        .iter()
        .map(|it| {
            if it.is_nil() {
                Value::text("<no value>")
            } else {
                it.clone()
            }
        })
        .collect();
    format::sprint(&args)
}

fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '\0' => out.push('\u{fffd}'),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            it => out.push(it),
        }
    }
    out
}

fn js(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' | '>' | '&' | '=' | '\0'..='\x1f' => {
                // Writing into a String cannot fail.
                let _ = write!(out, "\\u{:04X}", u32::from(it));
            }
            it if it.is_ascii() || crate::gotmpl::quote::is_print(it) => out.push(it),
            it => {
                let _ = write!(out, "\\u{:04X}", u32::from(it));
            }
        }
    }
    out
}
