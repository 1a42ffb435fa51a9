//! Numbers, lists, objects and their places in words: shared by findings, reports and files.

use serde_json::Value;

use crate::outcome::Subject;

/// The longest value that stands in a line.
pub(crate) const FOLD: usize = 80;

/// Joins words as a sentence does: `a`, `a and b`, `a, b and c`.
pub(crate) fn enumerate<T: AsRef<str>>(words: &[T]) -> String {
    match words {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<_> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

/// Returns the number and the word, with an `s` but for one.
pub(crate) fn count(number: usize, word: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {word}{plural}")
}

/// `Deployment istio-system/istiod spec.replicas: 1 (cluster.yaml:31)`.
pub(crate) fn subject(subject: &Subject) -> String {
    let place = subject
        .file
        .as_ref()
        .map(|file| match (subject.line, subject.column) {
            (Some(line), Some(column)) => format!("{file}:{line}:{column}"),
            (Some(line), None) => format!("{file}:{line}"),
            (None, _) => file.clone(),
        });
    let mut words = match (&subject.object, &place) {
        (Some(it), _) => it.to_string(),
        (None, Some(place)) => place.clone(),
        (None, None) => String::new(),
    };
    for part in [subject.field.clone(), subject.value.as_ref().map(value)]
        .into_iter()
        .flatten()
        .enumerate()
    {
        let glue = match part.0 {
            _ if words.is_empty() => "",
            0 => " ",
            _ => ": ",
        };
        words = format!("{words}{glue}{}", part.1);
    }
    match place {
        Some(place) if subject.object.is_some() => format!("{words} ({place})"),
        _ => words,
    }
}

/// Where a setting was read: the object and its place, without the path that says it already.
pub(crate) fn origin(subject: &Subject) -> String {
    self::subject(&Subject {
        field: None,
        value: None,
        ..subject.clone()
    })
}

/// A value in one line; a long one is folded.
pub(crate) fn value(value: &Value) -> String {
    let text = match value {
        Value::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() <= FOLD {
        return text;
    }
    match value {
        Value::String(text) if text.contains('\n') => {
            format!("({})", count(text.lines().count(), "line"))
        }
        Value::String(text) => format!("{}…", text.chars().take(FOLD).collect::<String>()),
        Value::Array(list) => format!("[{}]", count(list.len(), "element")),
        Value::Object(map) => format!("{{{}}}", count(map.len(), "field")),
        Value::Null | Value::Bool(_) | Value::Number(_) => text,
    }
}

/// Whether a text needs no quotes to be taken for one.
fn is_plain(text: &str) -> bool {
    let number = text.parse::<f64>().is_ok();
    let word = matches!(text, "" | "true" | "false" | "null");
    // Control characters are quoted, so that no export can steer a terminal.
    !number && !word && !text.chars().any(char::is_control) && text.trim() == text
}
