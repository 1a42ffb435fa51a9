//! Helm's `--set`: `a.b=1,c[0]=x,d={x,y},e\.f=z` (helm: `pkg/strvals/parser.go`).

use serde_json::{Map, Value};

/// A step of a path.
#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Key(String),
    Index(usize),
}

/// Lists longer than this are refused, as Helm does.
const MAX_INDEX: usize = 65_536;

/// Applies one `--set` argument, which may hold several assignments.
pub(super) fn apply(values: &mut Value, set: &str) -> Result<(), String> {
    for assignment in split(set, ',')? {
        let mut halves = split(&assignment, '=')?.into_iter();
        let path = halves.next().unwrap_or_default();
        let rest: Vec<String> = halves.collect();
        if rest.is_empty() {
            return Err(format!("key {path:?} has no value"));
        }
        assign(values, &parse_path(&path)?, value(&rest.join("="))?)?;
    }
    Ok(())
}

/// Splits at a character that is neither escaped nor in braces; the escapes stay.
fn split(text: &str, at: char) -> Result<Vec<String>, String> {
    let mut parts = vec![String::new()];
    let (mut depth, mut escaped) = (0_usize, false);
    for c in text.chars() {
        let part = parts.last_mut().expect("it begins with one part");
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => depth += 1,
            '}' => depth = depth.checked_sub(1).ok_or("a } without {")?,
            _ if c == at && depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    if depth > 0 {
        Err("a { without }".to_owned())
    } else {
        Ok(parts)
    }
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' {
            chars.next().unwrap_or('\\')
        } else {
            c
        });
    }
    out
}

fn parse_path(path: &str) -> Result<Vec<Segment>, String> {
    let mut segments = Vec::new();
    for part in split(path, '.')? {
        let (key, indexes) = match part.find('[') {
            Some(at) => part.split_at(at),
            None => (part.as_str(), ""),
        };
        if key.is_empty() && (segments.is_empty() || indexes.is_empty()) {
            return Err(format!("{path:?} has an empty key"));
        }
        if !key.is_empty() {
            segments.push(Segment::Key(unescape(key)));
        }
        for index in indexes.split_terminator(']') {
            let number = index
                .strip_prefix('[')
                .and_then(|it| it.parse::<usize>().ok());
            let number = number
                .filter(|it| *it <= MAX_INDEX)
                .ok_or(format!("{index}] is no index"))?;
            segments.push(Segment::Index(number));
        }
    }
    Ok(segments)
}

/// `true`, `false`, `null` and integers are typed; a list stands in braces; all else is a string.
fn value(text: &str) -> Result<Value, String> {
    if let Some(inner) = text.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
        if inner.is_empty() {
            return Ok(Value::Array(Vec::new()));
        }
        return split(inner, ',')?
            .iter()
            .map(|it| Ok(typed(it)))
            .collect::<Result<_, String>>()
            .map(Value::Array);
    }
    Ok(typed(text))
}

fn typed(text: &str) -> Value {
    let plain = unescape(text);
    match plain.as_str() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "null" => Value::Null,
        "0" => Value::from(0),
        // A leading zero keeps a string: it may be a port of a file mode.
        it if !it.starts_with('0') => it
            .parse::<i64>()
            .map_or_else(|_| Value::from(it), Value::from),
        it => Value::from(it),
    }
}

fn assign(into: &mut Value, path: &[Segment], value: Value) -> Result<(), String> {
    let Some((first, rest)) = path.split_first() else {
        *into = value;
        return Ok(());
    };
    let slot = match first {
        Segment::Key(key) => {
            if !into.is_object() {
                *into = Value::Object(Map::new());
            }
            into.as_object_mut()
                .expect("made above")
                .entry(key.clone())
                .or_insert(Value::Null)
        }
        Segment::Index(index) => {
            if !into.is_array() {
                *into = Value::Array(Vec::new());
            }
            let list = into.as_array_mut().expect("made above");
            if list.len() <= *index {
                list.resize(index + 1, Value::Null);
            }
            &mut list[*index]
        }
    };
    assign(slot, rest, value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(sets: &[&str], expected: &Value) {
        let mut values = json!({});
        for set in sets {
            apply(&mut values, set).unwrap();
        }
        assert_eq!(&values, expected);
    }

    #[test]
    fn values_are_typed_as_helm_types_them() {
        check(
            &["a=1,b=true,c=null,d=012,e=1.5,f="],
            &json!({"a": 1, "b": true, "c": null, "d": "012", "e": "1.5", "f": ""}),
        );
    }

    #[test]
    fn paths_go_through_maps_and_lists() {
        check(
            &["a.b[1].c=x", r"n.io/x\.y=z"],
            &json!({"a": {"b": [null, {"c": "x"}]}, "n": {"io/x.y": "z"}}),
        );
    }

    #[test]
    fn a_list_stands_in_braces_and_an_equals_sign_in_a_value() {
        check(
            &[r"l={a,b\,c,3}", "q=x=y"],
            &json!({"l": ["a", "b,c", 3], "q": "x=y"}),
        );
    }

    #[test]
    fn what_is_no_assignment_is_refused() {
        for set in ["a", "=1", "a[x]=1", "a={1", "a[99999999]=1", "a..b=1"] {
            assert!(apply(&mut json!({}), set).is_err(), "{set}");
        }
    }
}
