//! What decoding into Go's types and encoding them again does to values.

use serde_json::{Map, Value};

use super::quantity;
use crate::schema::{DEDUCED, Scalar, Schemas, TypeId, UNTYPED};

/// Drops nulls and fields that hold nothing, makes quantities canonical, and whole numbers integers.
pub(super) fn decode(schemas: &Schemas, id: TypeId, value: Value) -> Value {
    walk(schemas, id, value, false)
}

/// As [`decode`], and adds the fields that are written even when they hold nothing.
pub(super) fn encode(schemas: &Schemas, id: TypeId, value: Value) -> Value {
    walk(schemas, id, value, true)
}

fn walk(schemas: &Schemas, id: TypeId, value: Value, complete: bool) -> Value {
    if id == UNTYPED || id == DEDUCED {
        return value;
    }
    let atom = schemas.atom(id);
    match value {
        Value::Object(entries) => {
            let Some(map) = &atom.map else {
                return Value::Object(entries);
            };
            let mut out = Map::new();
            for (key, below) in entries {
                if below.is_null() {
                    continue;
                }
                let below = match map.child(&key) {
                    Some(child) => walk(schemas, child, below, complete),
                    None => continue,
                };
                if map.zero.contains(&key) && is_nothing(&below) {
                    continue;
                }
                out.insert(key, below);
            }
            if complete {
                for (field, nothing) in map.always.iter().filter(|it| *it.0 != "status") {
                    let nothing = serde_json::from_str(nothing).unwrap_or_default();
                    match (out.get(field), map.child(field)) {
                        // Storage cannot tell an empty list from none.
                        (Some(value), _) if nothing == Value::Null && is_nothing(value) => {
                            out.insert(field.clone(), nothing);
                        }
                        (None, Some(child)) => {
                            out.insert(field.clone(), walk(schemas, child, nothing, complete));
                        }
                        _ => {}
                    }
                }
            }
            Value::Object(out)
        }
        Value::Array(items) => {
            let Some(list) = &atom.list else {
                return Value::Array(items);
            };
            items
                .into_iter()
                .map(|it| walk(schemas, list.element, it, complete))
                .collect()
        }
        scalar => self::scalar(atom.scalar, scalar),
    }
}

/// Whether Go leaves a value out that may be left out.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(it) => !it,
        Value::Number(it) => it.as_f64() == Some(0.0),
        Value::String(it) => it.is_empty(),
        Value::Array(it) => it.is_empty(),
        Value::Object(it) => it.is_empty(),
    }
}

fn scalar(kind: Option<Scalar>, value: Value) -> Value {
    match (kind, &value) {
        (Some(Scalar::Quantity), Value::String(text)) => quantity::canonical(text).into(),
        (Some(Scalar::Quantity), Value::Number(number)) => {
            quantity::canonical(&number.to_string()).into()
        }
        (Some(Scalar::Integer | Scalar::Number | Scalar::IntOrString), Value::Number(number)) => {
            match number
                .as_f64()
                .filter(|it| number.is_f64() && it.fract() == 0.0)
            {
                // Go prints a whole float without a point, and decodes only what fits.
                Some(whole) => format!("{whole:.0}")
                    .parse::<i64>()
                    .map_or(value, Value::from),
                None => value,
            }
        }
        _ => value,
    }
}
