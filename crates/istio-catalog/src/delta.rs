//! What changes from one document to the next, so that the data files hold each fact once.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sorted::SortedMap;

/// The difference of two documents, by JSON Pointers (RFC 6901). Lists are replaced whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delta {
    /// What is gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// What is new, or differs.
    #[serde(default, skip_serializing_if = "SortedMap::is_empty")]
    pub set: SortedMap<String, Value>,
}

impl Delta {
    /// Returns what turns `from` into `to`.
    pub fn between(from: &Value, to: &Value) -> Self {
        let mut delta = Self::default();
        delta.compare("", from, to);
        delta
    }

    fn compare(&mut self, path: &str, from: &Value, to: &Value) {
        let (Value::Object(from), Value::Object(to)) = (from, to) else {
            if from != to {
                self.set.insert(path.to_owned(), to.clone());
            }
            return;
        };
        for key in from.keys().filter(|it| !to.contains_key(*it)) {
            self.removed.push(join(path, key));
        }
        for (key, to) in to {
            let path = join(path, key);
            match from.get(key) {
                Some(from) => self.compare(&path, from, to),
                None => {
                    self.set.insert(path, to.clone());
                }
            }
        }
    }

    /// Applies the difference to a document. Parents that are missing are made.
    pub fn apply(&self, document: &mut Value) {
        self.clone().apply_owned(document);
    }

    /// Applies the difference to a document, and is used up.
    pub(crate) fn apply_owned(self, document: &mut Value) {
        for pointer in &self.removed {
            if let Some((parent, key)) = pointer.rsplit_once('/')
                && let Some(Value::Object(parent)) = document.pointer_mut(parent)
            {
                parent.remove(&unescape(key));
            }
        }
        for (pointer, value) in self.set {
            *slot(document, &pointer) = value;
        }
    }
}

/// Returns the place that a pointer names, made where it is missing.
fn slot<'a>(document: &'a mut Value, pointer: &str) -> &'a mut Value {
    pointer.split('/').skip(1).fold(document, |at, key| {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        let map = at.as_object_mut().expect("made an object just now");
        map.entry(unescape(key)).or_insert(Value::Null)
    })
}

fn join(path: &str, key: &str) -> String {
    format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn unescape(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::Delta;
    use serde_json::{Value, json};

    #[track_caller]
    fn check([from, to, expected]: [Value; 3]) {
        let delta = Delta::between(&from, &to);
        assert_eq!(serde_json::to_value(&delta).unwrap(), expected);
        let mut document = from;
        delta.apply(&mut document);
        assert_eq!(document, to);
    }

    #[test]
    fn only_what_differs_is_kept() {
        check([
            json!({"a": {"x": 1, "y": [1, 2]}, "b": 1, "k/~": 1}),
            json!({"a": {"x": 2, "y": [1, 2], "z": null}, "k/~": 2}),
            json!({"removed": ["/b"], "set": {"/a/x": 2, "/a/z": null, "/k~1~0": 2}}),
        ]);
    }

    #[test]
    fn the_first_document_is_set_whole() {
        check([Value::Null, json!({"a": 1}), json!({"set": {"": {"a": 1}}})]);
    }

    #[test]
    fn kinds_of_values_replace_each_other() {
        check([
            json!({"a": {"b": 1}}),
            json!({"a": [1]}),
            json!({"set": {"/a": [1]}}),
        ]);
        check([
            json!({"a": 1}),
            json!({"a": {"b": 1}}),
            json!({"set": {"/a": {"b": 1}}}),
        ]);
    }
}
