//! Prints trees as Go programs do.

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};

/// As `sigs.k8s.io/yaml` writes it.
pub(super) fn yaml(value: Value) -> String {
    kube_yaml::to_string(&kube_yaml::as_go_json(value))
}

/// As Go's `json.MarshalIndent` with four blanks, and a newline.
pub(super) fn json(value: &Value) -> String {
    let mut text = Vec::new();
    let mut serializer =
        Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"    "));
    value
        .serialize(&mut serializer)
        .expect("a tree of values is written to memory");
    text.push(b'\n');
    String::from_utf8(text).expect("JSON is text")
}

/// A `--set` value for each leaf, sorted (istio 1.23.6:operator/cmd/mesh/profile-dump.go).
pub(super) fn flags(value: &Value) -> String {
    let mut flags = Vec::new();
    walk(&mut flags, "", value);
    sorted::sort(&mut flags);
    flags.push(String::new());
    flags.join("\n")
}

fn walk(flags: &mut Vec<String>, path: &str, value: &Value) {
    match value {
        Value::Object(map) => {
            let separator = if path.is_empty() { "" } else { "." };
            for (key, it) in map {
                walk(
                    flags,
                    &format!("{path}{separator}{}", key.replace('.', "\\.")),
                    it,
                );
            }
        }
        Value::Array(list) => {
            for (index, it) in list.iter().enumerate() {
                walk(flags, &format!("{path}[{index}]"), it);
            }
        }
        Value::String(text) => flags.push(format!("{path}={text:?}")),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            flags.push(format!("{path}={}", go(value)));
        }
    }
}

/// As Go's `%v` prints untyped data.
pub(super) fn go(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(it) => it.to_string(),
        Value::Number(_) => yaml(value.clone()).trim_end().to_owned(),
        Value::String(it) => it.clone(),
        Value::Array(list) => format!("[{}]", list.iter().map(go).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let entries: Vec<String> = map
                .iter()
                .map(|(key, it)| format!("{key}:{}", go(it)))
                .collect();
            format!("map[{}]", entries.join(" "))
        }
    }
}
