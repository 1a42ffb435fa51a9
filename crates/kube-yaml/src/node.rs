//! Nodes of a document, and plain data.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

use crate::Position;

/// A node of a document with the place where it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Node<'a> {
    /// Where it begins.
    pub position: Position,
    /// What it is.
    pub value: NodeValue<'a>,
}

/// What a node is, scalars resolved by the rules of YAML 1.1.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeValue<'a> {
    /// `~`, `null` or nothing.
    Null,
    /// `true`, `yes`, `on`, … and their opposites.
    Bool(bool),
    /// Fits 64 bits with sign.
    Int(i64),
    /// Larger than [`i64::MAX`].
    UInt(u64),
    /// Everything else that is a number; always finite.
    Float(f64),
    /// A string.
    String(Cow<'a, str>),
    /// A list.
    Sequence(Vec<Node<'a>>),
    /// Keys and values in the order of the text; every key a [`NodeValue::String`], as Go prints it when it makes JSON of
    /// it, and no key twice.
    Mapping(Vec<(Node<'a>, Node<'a>)>),
}

impl<'a> Node<'a> {
    /// Returns plain data.
    pub fn to_json(&self) -> Value {
        match &self.value {
            NodeValue::Null => Value::Null,
            NodeValue::Bool(it) => Value::Bool(*it),
            NodeValue::Int(it) => Value::from(*it),
            NodeValue::UInt(it) => Value::from(*it),
            NodeValue::Float(it) => Value::from(*it),
            NodeValue::String(it) => Value::String(it.clone().into_owned()),
            NodeValue::Sequence(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            NodeValue::Mapping(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, value)| {
                        (key.as_str().unwrap_or_default().to_owned(), value.to_json())
                    })
                    .collect(),
            ),
        }
    }

    /// Returns plain data, taking the texts instead of copying them where they are owned.
    pub fn into_json(self) -> Value {
        match self.value {
            NodeValue::Null => Value::Null,
            NodeValue::Bool(it) => Value::Bool(it),
            NodeValue::Int(it) => Value::from(it),
            NodeValue::UInt(it) => Value::from(it),
            NodeValue::Float(it) => Value::from(it),
            NodeValue::String(it) => Value::String(it.into_owned()),
            NodeValue::Sequence(items) => {
                Value::Array(items.into_iter().map(Node::into_json).collect())
            }
            NodeValue::Mapping(entries) => Value::Object(
                entries
                    .into_iter()
                    .map(|(key, value)| (key.into_text(), value.into_json()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    fn into_text(self) -> String {
        match self.value {
            NodeValue::String(it) => it.into_owned(),
            NodeValue::Null
            | NodeValue::Bool(_)
            | NodeValue::Int(_)
            | NodeValue::UInt(_)
            | NodeValue::Float(_)
            | NodeValue::Sequence(_)
            | NodeValue::Mapping(_) => String::new(),
        }
    }

    /// Returns the node at a path of keys and indexes (`spec`, `containers`, `0`), if there is one.
    pub fn at<'b>(&self, path: impl IntoIterator<Item = &'b str>) -> Option<&Node<'a>> {
        path.into_iter()
            .try_fold(self, |node, step| match &node.value {
                NodeValue::Sequence(items) => items.get(step.parse::<usize>().ok()?),
                _ => node.get(step),
            })
    }

    /// Returns the value of a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node<'a>> {
        self.entries()
            .iter()
            .find(|(it, _)| it.as_str() == Some(key))
            .map(|(_, value)| value)
    }

    /// Returns keys and values of a mapping; of anything else none.
    pub fn entries(&self) -> &[(Node<'a>, Node<'a>)] {
        match &self.value {
            NodeValue::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the items of a list; of anything else none.
    pub fn items(&self) -> &[Node<'a>] {
        match &self.value {
            NodeValue::Sequence(items) => items,
            _ => &[],
        }
    }

    /// Returns the text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            NodeValue::String(it) => Some(it),
            _ => None,
        }
    }

    /// Returns a truth value.
    pub fn as_bool(&self) -> Option<bool> {
        match &self.value {
            NodeValue::Bool(it) => Some(*it),
            _ => None,
        }
    }

    /// Returns a whole number that fits 64 bits with sign.
    pub fn as_i64(&self) -> Option<i64> {
        match &self.value {
            NodeValue::Int(it) => Some(*it),
            _ => None,
        }
    }

    /// Tells whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self.value, NodeValue::Null)
    }
}

/// Turns every number into a float, as `sigs.k8s.io/yaml` → `map[string]any` does in Go.
pub fn as_go_json(value: Value) -> Value {
    match value {
        Value::Number(number) => number
            .as_f64()
            .and_then(Number::from_f64)
            .map_or(Value::Null, Value::Number),
        Value::Array(items) => Value::Array(items.into_iter().map(as_go_json).collect()),
        Value::Object(entries) => Value::Object(
            entries
                .into_iter()
                .map(|(key, value)| (key, as_go_json(value)))
                .collect(),
        ),
        Value::Null | Value::Bool(_) | Value::String(_) => value,
    }
}
