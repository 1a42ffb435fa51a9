//! One step of a path to a field.

use serde_json::Value;

/// One step of a path: how `fieldsV1` names fields and list elements
/// (structured-merge-diff@v6.3.3:fieldpath/serialize-pe.go).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathElement {
    /// `f:name`.
    Field(String),
    /// `k:{"name":"x"}`: fields and their values as JSON texts, sorted by field.
    Key(Vec<(String, String)>),
    /// `v:"x"`: an element of a set, as JSON text.
    Value(String),
    /// `i:3`.
    Index(i64),
}

impl PathElement {
    /// Returns the step into a field.
    pub fn field(name: &str) -> Self {
        Self::Field(name.to_owned())
    }

    /// Reads a key of `fieldsV1`; `None` for what is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "f" => Some(Self::field(rest)),
            "v" => Some(Self::Value(json(&serde_json::from_str(rest).ok()?))),
            "i" => rest.parse().ok().map(Self::Index),
            "k" => {
                let Value::Object(map) = serde_json::from_str(rest).ok()? else {
                    return None;
                };
                Some(Self::Key(
                    map.iter()
                        .map(|(key, it)| (key.clone(), json(it)))
                        .collect(),
                ))
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for PathElement {
    /// As in `fieldsV1`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Field(name) => write!(f, "f:{name}"),
            Self::Value(value) => write!(f, "v:{value}"),
            Self::Index(index) => write!(f, "i:{index}"),
            Self::Key(fields) => {
                f.write_str("k:{")?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{}:{value}", json(&Value::String(name.clone())))?;
                }
                f.write_str("}")
            }
        }
    }
}

/// A value's text in Go's JSON: equal numbers have equal texts, and HTML's characters are escaped.
pub(super) fn json(value: &Value) -> String {
    if let Some(number) = value.as_f64().filter(|_| value.is_f64()) {
        // Exact for all integers that a float can tell apart.
        if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
            return format!("{number:.0}");
        }
    }
    let mut text = String::new();
    for char in value.to_string().chars() {
        match char {
            '<' => text.push_str("\\u003c"),
            '>' => text.push_str("\\u003e"),
            '&' => text.push_str("\\u0026"),
            '\u{2028}' => text.push_str("\\u2028"),
            '\u{2029}' => text.push_str("\\u2029"),
            other => text.push(other),
        }
    }
    text
}
