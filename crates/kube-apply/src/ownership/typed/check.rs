//! What the server refuses in an applied object.

use serde_json::Value;
use sorted::SortedSet;

use super::list::element_path;
use super::{Shape, shape};
use crate::schema::{Scalar, Schemas, TypeId};

/// Returns the first reason to refuse a value, as the server words it
/// (structured-merge-diff@v6.3.3:typed/validate.go).
pub(in crate::ownership) fn check(
    schemas: &Schemas,
    id: TypeId,
    value: &Value,
) -> Result<(), String> {
    at(schemas, id, value, false, &mut String::new())
}

/// As [`check`], for objects that were not applied: those may name elements twice.
#[cfg(test)]
pub(in crate::ownership) fn check_with_duplicates(
    schemas: &Schemas,
    id: TypeId,
    value: &Value,
) -> Result<(), String> {
    at(schemas, id, value, true, &mut String::new())
}

fn at(
    schemas: &Schemas,
    id: TypeId,
    value: &Value,
    duplicates: bool,
    path: &mut String,
) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    let atom = schemas.atom(id);
    match shape(atom, Some(value)).0 {
        Shape::Scalar => scalar(atom.scalar, value).map_err(|reason| format!("{path}: {reason}")),
        Shape::List(list) => {
            let Value::Array(items) = value else {
                return Err(format!("{path}: expected list, got {value}"));
            };
            let mut seen = SortedSet::new();
            for (index, item) in items.iter().enumerate() {
                let length = path.len();
                if list.keys.is_some() {
                    let Some(element) = element_path(schemas, list, item) else {
                        return Err(format!("{path}: element {index} has no key"));
                    };
                    let name = element.to_string();
                    step(path, name.split_once(':').map_or("", |it| it.1));
                    if !seen.insert(element) && !duplicates {
                        return Err(format!("{path}: duplicate entries for key {name}"));
                    }
                } else {
                    step(path, &index.to_string());
                }
                at(schemas, list.element, item, duplicates, path)?;
                path.truncate(length);
            }
            Ok(())
        }
        Shape::Map(map) => {
            let Value::Object(entries) = value else {
                return Err(format!("{path}: expected map, got {value}"));
            };
            for (key, below) in entries {
                let length = path.len();
                path.push('.');
                path.push_str(key);
                let Some(child) = map.child(key) else {
                    return Err(format!("{path}: field not declared in schema"));
                };
                at(schemas, child, below, duplicates, path)?;
                path.truncate(length);
            }
            Ok(())
        }
    }
}

fn step(path: &mut String, element: &str) {
    path.push('[');
    path.push_str(element);
    path.push(']');
}

fn scalar(expected: Option<Scalar>, value: &Value) -> Result<(), String> {
    let (fits, name) = match expected {
        Some(Scalar::Text | Scalar::Bytes) => (value.is_string(), "string"),
        Some(Scalar::Boolean) => (value.is_boolean(), "boolean"),
        Some(Scalar::Integer | Scalar::Number) => (value.is_number(), "numeric (int or float)"),
        Some(Scalar::Quantity | Scalar::Time | Scalar::IntOrString | Scalar::Any) => {
            (!value.is_object() && !value.is_array(), "any scalar")
        }
        None => (false, "a known type"),
    };
    if fits {
        Ok(())
    } else {
        Err(format!("expected {name}, got {value}"))
    }
}
