//! Edits of a request's file that a finding proposes, and making them in its text.
//!
//! The text stays the user's own: comments, order and blanks are kept, and only the lines of the edited field change.
//! What comes out is read again and compared: an edit that would change anything else is refused.

mod text;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What to change in a request's file. Paths begin below `spec`, as those of `--set` do; elements of lists are
/// `[name:x]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(tag = "edit", rename_all = "kebab-case")]
pub enum Edit {
    /// Sets a field.
    Set {
        /// For example `values.pilot.autoscaleMin`.
        path: String,
        /// Its value, of its type.
        #[cfg_attr(feature = "types", ts(type = "unknown"))]
        value: Value,
    },
    /// Removes a field and all below it.
    Remove {
        /// For example `values.pilot.autoscaleMin`.
        path: String,
    },
    /// Gives a field another name.
    Rename {
        /// For example `values.pilot.autoscaleMni`.
        path: String,
        /// For example `autoscaleMin`.
        to: String,
    },
}

/// One way to settle a finding by editing the request's file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "outcome.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Fix {
    /// What it does, in the imperative, without full stop.
    pub title: String,
    /// All of them together.
    pub edits: Vec<Edit>,
}

/// Why an edit was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct EditError {
    /// The path of the edit.
    pub path: String,
    /// What stands in the way.
    pub message: String,
}

/// Makes edits in the text of an `IstioOperator` file, one after the other; an empty text becomes a file.
///
/// # Errors
///
/// When the text is no YAML, or is written so that the edit would change more than its field.
pub fn edit(text: &str, edits: &[Edit]) -> Result<String, EditError> {
    let mut text = text.to_owned();
    for edit in edits {
        let refused = |message: String| EditError {
            path: edit.path().to_owned(),
            message,
        };
        let before = kube_yaml::from_str(&text).map_err(|it| refused(it.to_string()))?;
        let segments = edit.segments_in(&before);
        let after = text::edited(&text, &segments, edit).map_err(&refused)?;
        let read = kube_yaml::from_str(&after).map_err(|it| refused(it.to_string()))?;
        let mut wanted = if before.is_null() {
            text::skeleton()
        } else {
            before
        };
        edit.apply(&mut wanted, &segments);
        if read != wanted {
            return Err(refused(
                "the file is written so that this field cannot be edited alone; edit it by hand"
                    .to_owned(),
            ));
        }
        text = after;
    }
    Ok(text)
}

/// Splits a path at its dots; `\\.` is a dot inside a key.
pub(crate) fn keys(path: &str) -> Vec<String> {
    let mut keys = vec![String::new()];
    let mut letters = path.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, keys.last_mut()) {
            ('\\', Some(last)) if letters.peek() == Some(&'.') => last.extend(letters.next()),
            ('.', _) => keys.push(String::new()),
            (other, Some(last)) => last.push(other),
            (_, None) => {}
        }
    }
    keys
}

impl Edit {
    fn path(&self) -> &str {
        match self {
            Self::Set { path, .. } | Self::Remove { path } | Self::Rename { path, .. } => path,
        }
    }

    /// The keys from the file's root on.
    fn segments(&self) -> Vec<String> {
        std::iter::once("spec".to_owned())
            .chain(keys(self.path()))
            .collect()
    }

    /// The same; what is removed takes the parents with it that hold nothing else, because a key without a value means
    /// something else than no key.
    fn segments_in(&self, root: &Value) -> Vec<String> {
        let mut segments = self.segments();
        if !matches!(self, Self::Remove { .. }) {
            return segments;
        }
        let mut parents = Vec::new();
        let mut at = root.clone();
        for segment in &segments {
            let alone = at.as_object().is_some_and(|it| it.len() == 1);
            parents.push(alone);
            match child(&mut at, segment, false) {
                Some(below) => at = below.clone(),
                None => return segments,
            }
        }
        while segments.len() > 1 && parents.get(segments.len() - 1) == Some(&true) {
            segments.pop();
        }
        segments
    }

    /// Makes the edit in plain data.
    fn apply(&self, root: &mut Value, segments: &[String]) {
        let Some((last, parents)) = segments.split_last() else {
            return;
        };
        let adds = matches!(self, Self::Set { .. });
        let mut at = root;
        for segment in parents {
            match child(at, segment, adds) {
                Some(it) => at = it,
                None => return,
            }
        }
        match self {
            Self::Set { value, .. } => {
                if let Some(slot) = child(at, last, true) {
                    slot.clone_from(value);
                }
            }
            Self::Remove { .. } => {
                if let Value::Object(map) = at {
                    map.remove(last);
                }
            }
            Self::Rename { to, .. } => {
                if let Value::Object(map) = at
                    && let Some(value) = map.remove(last)
                {
                    map.insert(to.clone(), value);
                }
            }
        }
    }
}

/// Returns what stands below a key, or the element of a name; makes it where that is wanted.
fn child<'a>(at: &'a mut Value, segment: &str, add: bool) -> Option<&'a mut Value> {
    if let Some(name) = element(segment) {
        if at.is_null() && add {
            *at = Value::Array(Vec::new());
        }
        let list = at.as_array_mut()?;
        let found = list
            .iter()
            .position(|it| it.get("name").and_then(Value::as_str) == Some(name));
        let found = match found {
            Some(found) => found,
            None if add => {
                let named = Map::from_iter([("name".to_owned(), Value::from(name))]);
                list.push(Value::Object(named));
                list.len() - 1
            }
            None => return None,
        };
        return list.get_mut(found);
    }
    if at.is_null() && add {
        *at = Value::Object(Map::new());
    }
    let map = at.as_object_mut()?;
    if add {
        return Some(map.entry(segment).or_insert(Value::Null));
    }
    map.get_mut(segment)
}

/// The name in `[name:x]`.
fn element(segment: &str) -> Option<&str> {
    segment.strip_prefix("[name:")?.strip_suffix(']')
}

impl Fix {
    /// A fix of one edit.
    pub(crate) fn one(title: impl Into<String>, edit: Edit) -> Self {
        Self {
            title: title.into(),
            edits: vec![edit],
        }
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set { path, value } => write!(f, "set {path} to {value}"),
            Self::Remove { path } => write!(f, "remove {path}"),
            Self::Rename { path, to } => write!(f, "rename {path} to {to}"),
        }
    }
}

#[cfg(test)]
mod tests;
