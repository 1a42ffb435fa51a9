//! YAML, JSON, TOML, base 64 and base 32.

use std::sync::Arc;

use kube_yaml::{Emitter, Lists};
use serde_json::Number;

use super::Param::{Any, Text};
use super::{Answer, Arguments, Call, Function, function};
use crate::value::{DEPTH, Elements, Entries, Value, Walk};
use crate::{encoding, json};

mod toml;

pub(super) const FUNCTIONS: &[Function] = &[
    function("toYaml", &[Any], to_yaml),
    function("toYamlPretty", &[Any], to_yaml_pretty),
    function("fromYaml", &[Text], from_yaml),
    function("fromYamlArray", &[Text], from_yaml_array),
    function("toJson", &[Any], |_, args| {
        let text = args.any(0).to_json().map(|it| json::compact(&it, true));
        Ok(Value::text(text.unwrap_or_default()))
    }),
    function("mustToJson", &[Any], |_, args| {
        args.any(0)
            .to_json()
            .map(|it| Value::text(json::compact(&it, true)))
    }),
    function("toPrettyJson", &[Any], |_, args| {
        let text = args.any(0).to_json().map(|it| json::pretty(&it));
        Ok(Value::text(text.unwrap_or_default()))
    }),
    function("mustToPrettyJson", &[Any], |_, args| {
        args.any(0)
            .to_json()
            .map(|it| Value::text(json::pretty(&it)))
    }),
    function("toRawJson", &[Any], raw_json),
    function("mustToRawJson", &[Any], raw_json),
    function("fromJson", &[Text], from_json),
    function("fromJsonArray", &[Text], from_json_array),
    function("mustFromJson", &[Text], |_, args| read_json(args.text(0))),
    function("toToml", &[Any], |_, args| {
        let text = args.any(0).to_json().and_then(|it| toml::write(&it));
        Ok(Value::text(text.unwrap_or_else(|error| error)))
    }),
    function("fromToml", &[Text], |_, args| {
        match toml::read(args.text(0)) {
            Ok(entries) => Ok(Value::map(entries)),
            Err(error) => Ok(error_map(&error)),
        }
    }),
    function("b64enc", &[Text], |_, args| {
        Ok(Value::text(encoding::base64(args.text(0).as_bytes())))
    }),
    function("b64dec", &[Text], |_, args| {
        Ok(decoded(encoding::from_base64(args.text(0))))
    }),
    function("b32enc", &[Text], |_, args| {
        Ok(Value::text(encoding::base32(args.text(0).as_bytes())))
    }),
    function("b32dec", &[Text], |_, args| {
        Ok(decoded(encoding::from_base32(args.text(0))))
    }),
];

fn decoded(bytes: Result<Vec<u8>, String>) -> Value {
    match bytes {
        Ok(bytes) => Value::text(String::from_utf8_lossy(&bytes).as_ref()),
        Err(error) => Value::text(error),
    }
}

/// Writes YAML without its last newline, nothing for what cannot be written.
pub(crate) fn yaml(value: &Value) -> String {
    written(value, Emitter::new(Lists::Flush))
}

fn written(value: &Value, mut emitter: Emitter) -> String {
    if write(value, &mut emitter, &Walk::default(), DEPTH).is_none() {
        return String::new();
    }
    let mut text = emitter.finish();
    if text.ends_with('\n') {
        text.pop();
    }
    text
}

/// Writes a value as the plain data that Go's `json.Marshal` sees in it; none for what JSON cannot hold.
fn write(value: &Value, emitter: &mut Emitter, walk: &Walk, depth: u32) -> Option<()> {
    let deeper = walk.step(depth)?;
    let mut all = Some(());
    let mut each = |emitter: &mut Emitter, it: &Value| {
        all = all.and_then(|()| write(it, emitter, walk, deeper));
    };
    match value {
        Value::Missing | Value::Nil => emitter.null(),
        Value::Bool(it) => emitter.bool(*it),
        Value::Int(it) | Value::Int64(it) => emitter.number(&Number::from(*it)),
        Value::Uint(it) => emitter.number(&Number::from(*it)),
        Value::Byte(it) => emitter.number(&Number::from(*it)),
        Value::Float(it) => emitter.number(&Number::from_f64(*it)?),
        Value::Text(it) => emitter.text(it),
        Value::List(it) => match (&it.items, it.elements) {
            (None, _) => emitter.null(),
            (Some(_), Elements::Byte) => emitter.text(&encoding::base64(&it.bytes())),
            (Some(items), _) => emitter.list(&items.0, each),
        },
        Value::Map(it) => it.with(|entries| {
            let entries = entries.iter().map(|(key, value)| (key.as_ref(), value));
            emitter.mapping(entries, &mut each);
        }),
        Value::Object(it) => emitter.value(&it.to_json().ok()?),
    }
    all
}

fn to_yaml(_: &Call<'_>, args: &[Value]) -> Answer {
    Ok(Value::text(yaml(args.any(0))))
}

/// Helm's `toYamlPretty`: the same with lists indented by two spaces, as go-yaml v3 writes them.
fn to_yaml_pretty(_: &Call<'_>, args: &[Value]) -> Answer {
    Ok(Value::text(written(
        args.any(0),
        Emitter::new(Lists::Indented),
    )))
}

/// What Helm returns in place of data that cannot be read.
fn error_map(message: &str) -> Value {
    Value::map(Entries::from([("Error".into(), Value::text(message))]))
}

/// Reads the first document of a text.
fn read_yaml(text: &str) -> Result<Value, String> {
    kube_yaml::first(text)
        .map(|node| node.map_or(Value::Nil, Value::from_node))
        .map_err(|error| {
            format!(
                "error converting YAML to JSON: yaml: line {}: {}",
                error.position.line, error.message
            )
        })
}

/// Go's complaint about JSON of another kind than wanted.
fn mismatch(value: &Value, wanted: &str) -> String {
    let found = match value {
        Value::List(_) => "array",
        Value::Map(_) => "object",
        Value::Text(_) => "string",
        Value::Bool(_) => "bool",
        _ => "number",
    };
    format!("json: cannot unmarshal {found} into Go value of type {wanted}")
}

const MAP: &str = "map[string]interface {}";
const LIST: &str = "[]interface {}";
const DECODING: &str = "error unmarshaling JSON: while decoding JSON: ";

fn from_yaml(call: &Call<'_>, args: &[Value]) -> Answer {
    // It is given away: charts seldom ask a third time.
    let read = call.budget.read.take();
    if let Some((text, value)) = read
        && *text == *args.text(0)
        && value.is_as_read()
    {
        return Ok(value);
    }
    Ok(match read_yaml(args.text(0)) {
        Ok(value @ Value::Map(_)) => {
            if let Value::Text(text) = args.any(0) {
                *call.budget.read.borrow_mut() = Some((Arc::clone(text), value.clone()));
            }
            value
        }
        Ok(Value::Nil) => Value::map(Entries::new()),
        Ok(other) => error_map(&(DECODING.to_owned() + &mismatch(&other, MAP))),
        Err(error) => error_map(&error),
    })
}

fn from_yaml_array(_: &Call<'_>, args: &[Value]) -> Answer {
    Ok(match read_yaml(args.text(0)) {
        Ok(value @ Value::List(_)) => value,
        Ok(Value::Nil) => Value::list(Vec::new()),
        Ok(other) => Value::list(vec![Value::text(
            DECODING.to_owned() + &mismatch(&other, LIST),
        )]),
        Err(error) => Value::list(vec![Value::text(error)]),
    })
}

fn raw_json(_: &Call<'_>, args: &[Value]) -> Answer {
    args.any(0)
        .to_json()
        .map(|it| Value::text(json::compact(&it, false)))
}

/// Reads JSON as Go does into untyped data.
fn read_json(text: &str) -> Result<Value, String> {
    if let Some(mistake) = json::read::mistake(text) {
        return Err(mistake);
    }
    serde_json::from_str(text)
        .map(|it| Value::from_json(&kube_yaml::as_go_json(it)))
        .map_err(|error| error.to_string())
}

fn from_json(_: &Call<'_>, args: &[Value]) -> Answer {
    Ok(match read_json(args.text(0)) {
        Ok(value @ Value::Map(_)) => value,
        Ok(Value::Nil) => Value::map(Entries::new()),
        Ok(other) => error_map(&mismatch(&other, MAP)),
        Err(error) => error_map(&error),
    })
}

fn from_json_array(_: &Call<'_>, args: &[Value]) -> Answer {
    Ok(match read_json(args.text(0)) {
        Ok(value @ Value::List(_)) => value,
        Ok(Value::Nil) => Value::list(Vec::new()),
        Ok(other) => Value::list(vec![Value::text(mismatch(&other, LIST))]),
        Err(error) => Value::list(vec![Value::text(error)]),
    })
}
