//! The values of templates, with the kinds and the sharing they have in Go.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Number, Value as Json};
use sorted::SortedMap;

use crate::object::Object;

/// Data nested deeper than this is neither printed, compared, copied nor written.
pub(crate) const DEPTH: u32 = 200;

/// How many values one walk through data may visit: a map that holds itself twice has no end worth waiting for.
const VISITS: usize = 20_000_000;

/// Counts the values that a walk visits.
#[derive(Debug, Default)]
pub(crate) struct Walk(Cell<usize>);

impl Walk {
    /// Visits a value; returns the depth that is left below it, none if there is no more to go.
    pub(crate) fn step(&self, depth: u32) -> Option<u32> {
        let visits = self.0.get() + 1;
        self.0.set(visits);
        if visits > VISITS {
            return None;
        }
        depth.checked_sub(1)
    }
}

/// A value, as Go's reflection sees it.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// No value at all: what a pipeline makes of nil; prints `<no value>`.
    Missing,
    /// A nil interface: an entry that is null or is not there.
    Nil,
    Bool(bool),
    /// Go's `int`.
    Int(i64),
    /// Go's `int64`.
    Int64(i64),
    /// Go's `uint64`.
    Uint(u64),
    /// Go's `uint8`, an element of bytes.
    Byte(u8),
    /// Go's `float64`.
    Float(f64),
    Text(Arc<str>),
    List(List),
    Map(Map),
    Object(Rc<Object>),
}

/// What the elements of a list are in Go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Elements {
    /// `[]interface {}`.
    Any,
    /// `[]string`.
    Text,
    /// `[]int`.
    Int,
    /// `[]uint8`.
    Byte,
    /// `[][]interface {}`.
    Lists,
}

/// A slice. Templates cannot change a slice's elements, so it is shared as it is.
#[derive(Debug, Clone)]
pub(crate) struct List {
    pub(crate) elements: Elements,
    /// None is a nil slice.
    pub(crate) items: Option<Rc<Items>>,
}

/// The elements of a list.
#[derive(Debug)]
pub(crate) struct Items(pub(crate) Vec<Value>);

/// Which map type a map is in Go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MapKind {
    /// `map[string]interface {}`.
    Any,
    /// `map[string]string`.
    Text,
    /// Helm's `chartutil.Values`.
    Values,
}

/// A map: a reference, all copies of it are one.
#[derive(Debug, Clone)]
pub(crate) struct Map {
    pub(crate) kind: MapKind,
    cells: Rc<Cells>,
}

#[derive(Debug, Default)]
struct Cells {
    entries: RefCell<Entries>,
    /// An entry was put in or taken out since the map was made.
    is_changed: Cell<bool>,
}

/// What a map holds, in the order Go prints and ranges over it.
pub(crate) type Entries = SortedMap<Arc<str>, Value>;

impl Drop for Cells {
    fn drop(&mut self) {
        take_apart(std::mem::take(self.entries.get_mut()).into_values());
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        take_apart(std::mem::take(&mut self.0).into_iter());
    }
}

/// Takes nested data apart piece by piece, because a template can nest it deeper than the stack is.
fn take_apart(values: impl Iterator<Item = Value>) {
    let mut rest: Vec<Value> = Vec::new();
    gather(values, &mut rest);
    while let Some(value) = rest.pop() {
        match value {
            Value::Map(map) => {
                if let Ok(mut cells) = Rc::try_unwrap(map.cells) {
                    gather(
                        std::mem::take(cells.entries.get_mut()).into_values(),
                        &mut rest,
                    );
                }
            }
            Value::List(List {
                items: Some(items), ..
            }) => {
                if let Ok(mut items) = Rc::try_unwrap(items) {
                    gather(std::mem::take(&mut items.0).into_iter(), &mut rest);
                }
            }
            _ => {}
        }
    }
}

fn gather(values: impl Iterator<Item = Value>, into: &mut Vec<Value>) {
    into.extend(values.filter(|it| matches!(it, Value::Map(_) | Value::List(_))));
}

impl List {
    pub(crate) fn new(elements: Elements, items: Vec<Value>) -> Self {
        Self {
            elements,
            items: Some(Rc::new(Items(items))),
        }
    }

    pub(crate) fn items(&self) -> &[Value] {
        self.items.as_deref().map_or(&[], |it| &it.0)
    }
}

impl Map {
    pub(crate) fn new(kind: MapKind, entries: Entries) -> Self {
        Self {
            kind,
            cells: Rc::new(Cells {
                entries: RefCell::new(entries),
                is_changed: Cell::new(false),
            }),
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<Value> {
        self.cells.entries.borrow().get(key).cloned()
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.cells.entries.borrow().contains_key(key)
    }

    pub(crate) fn insert(&self, key: Arc<str>, value: Value) {
        self.cells.is_changed.set(true);
        // What was there is dropped after the map is free again.
        let old = self.cells.entries.borrow_mut().insert(key, value);
        drop(old);
    }

    pub(crate) fn remove(&self, key: &str) {
        self.cells.is_changed.set(true);
        let old = self.cells.entries.borrow_mut().remove(key);
        drop(old);
    }

    pub(crate) fn len(&self) -> usize {
        self.cells.entries.borrow().len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns what is in the map now; later changes do not show.
    pub(crate) fn entries(&self) -> Vec<(Arc<str>, Value)> {
        self.cells
            .entries
            .borrow()
            .iter()
            .map(|(key, value)| (Arc::clone(key), value.clone()))
            .collect()
    }

    /// Looks at the entries; `look` must not change this map.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&Entries) -> T) -> T {
        look(&self.cells.entries.borrow())
    }

    /// Returns the same map seen as another Go type.
    pub(crate) fn of_kind(&self, kind: MapKind) -> Self {
        Self {
            kind,
            cells: Rc::clone(&self.cells),
        }
    }

    /// Tells whether two are one map.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.cells, &other.cells)
    }
}

impl Value {
    pub(crate) fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// Makes a `[]interface {}`.
    pub(crate) fn list(items: Vec<Self>) -> Self {
        Self::List(List::new(Elements::Any, items))
    }

    /// Makes a `[]string`.
    pub(crate) fn texts<T: Into<Arc<str>>>(items: impl IntoIterator<Item = T>) -> Self {
        let items = items.into_iter().map(|it| Self::Text(it.into())).collect();
        Self::List(List::new(Elements::Text, items))
    }

    /// Makes a `map[string]interface {}`.
    pub(crate) fn map(entries: Entries) -> Self {
        Self::Map(Map::new(MapKind::Any, entries))
    }

    pub(crate) fn object(object: Object) -> Self {
        Self::Object(Rc::new(object))
    }

    pub(crate) fn is_nil(&self) -> bool {
        matches!(self, Self::Missing | Self::Nil)
    }

    /// Whether nobody else holds it or a part of it, and nobody has changed it since it was made.
    ///
    /// For data that was read: it is as deep as a text can say.
    pub(crate) fn is_as_read(&self) -> bool {
        match self {
            Self::List(it) => it.items.as_ref().is_none_or(|items| {
                Rc::strong_count(items) == 1 && items.0.iter().all(Self::is_as_read)
            }),
            Self::Map(it) => {
                Rc::strong_count(&it.cells) == 1
                    && !it.cells.is_changed.get()
                    && it.with(|entries| entries.values().all(Self::is_as_read))
            }
            Self::Object(_) => false,
            _ => true,
        }
    }

    /// Go templates' truth, which is also sprig's opposite of `empty`.
    pub(crate) fn truth(&self) -> bool {
        match self {
            Self::Missing | Self::Nil => false,
            Self::Bool(it) => *it,
            Self::Int(it) | Self::Int64(it) => *it != 0,
            Self::Uint(it) => *it != 0,
            Self::Byte(it) => *it != 0,
            Self::Float(it) => *it != 0.0,
            Self::Text(it) => !it.is_empty(),
            Self::List(it) => !it.items().is_empty(),
            Self::Map(it) => !it.is_empty(),
            Self::Object(it) => it.truth(),
        }
    }

    /// The name of its type, Go's `%T`.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Missing | Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Int64(_) => "int64",
            Self::Uint(_) => "uint64",
            Self::Byte(_) => "uint8",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::List(it) => match it.elements {
                Elements::Any => "[]interface {}",
                Elements::Text => "[]string",
                Elements::Int => "[]int",
                Elements::Byte => "[]uint8",
                Elements::Lists => "[][]interface {}",
            },
            Self::Map(it) => match it.kind {
                MapKind::Any => "map[string]interface {}",
                MapKind::Text => "map[string]string",
                MapKind::Values => "chartutil.Values",
            },
            Self::Object(it) => it.type_name(),
        }
    }

    /// The name of its kind, Go's `reflect.Kind`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Missing | Self::Nil => "invalid",
            Self::List(_) => "slice",
            Self::Map(_) => "map",
            Self::Object(it) => it.kind(),
            Self::Bool(_)
            | Self::Int(_)
            | Self::Int64(_)
            | Self::Uint(_)
            | Self::Byte(_)
            | Self::Float(_)
            | Self::Text(_) => self.type_name(),
        }
    }

    /// Makes a value of plain data: `f64` becomes a float, `i64` an `int64`.
    pub(crate) fn from_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Nil,
            Json::Bool(it) => Self::Bool(*it),
            Json::Number(it) => from_number(it),
            Json::String(it) => Self::text(it.as_str()),
            Json::Array(items) => Self::list(items.iter().map(Self::from_json).collect()),
            Json::Object(entries) => Self::map(
                entries
                    .iter()
                    .map(|(key, value)| (key.as_str().into(), Self::from_json(value)))
                    .collect(),
            ),
        }
    }

    /// Makes a value of a document as Go's untyped JSON holds it: all numbers are floats.
    pub(crate) fn from_node(node: kube_yaml::Node<'_>) -> Self {
        use kube_yaml::NodeValue;
        #[expect(clippy::cast_precision_loss, reason = "Go loses it too")]
        match node.value {
            NodeValue::Null => Self::Nil,
            NodeValue::Bool(it) => Self::Bool(it),
            NodeValue::Int(it) => Self::Float(it as f64),
            NodeValue::UInt(it) => Self::Float(it as f64),
            NodeValue::Float(it) => Self::Float(it),
            NodeValue::String(it) => Self::text(it.as_ref()),
            NodeValue::Sequence(items) => {
                Self::list(items.into_iter().map(Self::from_node).collect())
            }
            NodeValue::Mapping(entries) => Self::map(
                entries
                    .into_iter()
                    .map(|(key, value)| {
                        (
                            key.as_str().unwrap_or_default().into(),
                            Self::from_node(value),
                        )
                    })
                    .collect(),
            ),
        }
    }

    /// Returns plain data as Go's `json.Marshal` sees it; an error for what JSON cannot hold.
    pub(crate) fn to_json(&self) -> Result<Json, String> {
        self.to_json_within(&Walk::default(), DEPTH)
    }

    fn to_json_within(&self, walk: &Walk, depth: u32) -> Result<Json, String> {
        let Some(deeper) = walk.step(depth) else {
            return Err("json: unsupported value: encountered a cycle".to_owned());
        };
        Ok(match self {
            Self::Missing | Self::Nil => Json::Null,
            Self::Bool(it) => Json::Bool(*it),
            Self::Int(it) | Self::Int64(it) => Json::from(*it),
            Self::Uint(it) => Json::from(*it),
            Self::Byte(it) => Json::from(*it),
            Self::Float(it) => match Number::from_f64(*it) {
                Some(number) => Json::Number(number),
                None => {
                    return Err(format!(
                        "json: unsupported value: {}",
                        kube_yaml::format_float(*it)
                    ));
                }
            },
            Self::Text(it) => Json::String(it.as_ref().to_owned()),
            Self::List(it) => match (&it.items, it.elements) {
                (None, _) => Json::Null,
                (Some(_), Elements::Byte) => Json::String(crate::encoding::base64(&it.bytes())),
                (Some(items), _) => Json::Array(
                    items
                        .0
                        .iter()
                        .map(|it| it.to_json_within(walk, deeper))
                        .collect::<Result<_, _>>()?,
                ),
            },
            Self::Map(it) => it.with(|entries| {
                entries
                    .iter()
                    .map(|(key, value)| {
                        Ok((key.as_ref().to_owned(), value.to_json_within(walk, deeper)?))
                    })
                    .collect::<Result<serde_json::Map<_, _>, String>>()
                    .map(Json::Object)
            })?,
            Self::Object(it) => it.to_json()?,
        })
    }
}

impl List {
    /// The bytes of a `[]uint8`.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.items()
            .iter()
            .map(|it| match it {
                Value::Byte(it) => *it,
                _ => 0,
            })
            .collect()
    }
}

fn from_number(number: &Number) -> Value {
    if let Some(it) = number.as_i64() {
        Value::Int64(it)
    } else if let Some(it) = number.as_u64() {
        Value::Uint(it)
    } else {
        Value::Float(number.as_f64().unwrap_or(0.0))
    }
}

/// Go's `reflect.DeepEqual`.
pub(crate) fn deep_equal(a: &Value, b: &Value) -> bool {
    equal_within(a, b, &Walk::default(), DEPTH)
}

fn equal_within(a: &Value, b: &Value, walk: &Walk, depth: u32) -> bool {
    let Some(deeper) = walk.step(depth) else {
        return false;
    };
    match (a, b) {
        (Value::Missing | Value::Nil, Value::Missing | Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) | (Value::Int64(a), Value::Int64(b)) => a == b,
        (Value::Uint(a), Value::Uint(b)) => a == b,
        (Value::Byte(a), Value::Byte(b)) => a == b,
        #[expect(clippy::float_cmp, reason = "Go compares exactly")]
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Text(a), Value::Text(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            a.elements == b.elements
                && a.items.is_some() == b.items.is_some()
                && a.items().len() == b.items().len()
                && a.items()
                    .iter()
                    .zip(b.items())
                    .all(|(a, b)| equal_within(a, b, walk, deeper))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.is(b)
                || (a.kind == b.kind
                    && a.with(|a| {
                        b.with(|b| {
                            a.len() == b.len()
                                && a.iter().zip(b).all(|((k, a), (l, b))| {
                                    k == l && equal_within(a, b, walk, deeper)
                                })
                        })
                    }))
        }
        (Value::Object(a), Value::Object(b)) => a == b,
        _ => false,
    }
}

/// Sprig's `deepCopy`; None where the data is nested too deeply.
pub(crate) fn deep_copy(value: &Value) -> Option<Value> {
    copy_within(value, &Walk::default(), DEPTH)
}

fn copy_within(value: &Value, walk: &Walk, depth: u32) -> Option<Value> {
    let deeper = walk.step(depth)?;
    Some(match value {
        Value::List(list) => Value::List(List {
            elements: list.elements,
            items: match &list.items {
                None => None,
                Some(items) => Some(Rc::new(Items(
                    items
                        .0
                        .iter()
                        .map(|it| copy_within(it, walk, deeper))
                        .collect::<Option<_>>()?,
                ))),
            },
        }),
        Value::Map(map) => Value::Map(Map::new(
            map.kind,
            map.with(|entries| {
                entries
                    .iter()
                    .map(|(key, value)| Some((Arc::clone(key), copy_within(value, walk, deeper)?)))
                    .collect::<Option<_>>()
            })?,
        )),
        other => other.clone(),
    })
}
