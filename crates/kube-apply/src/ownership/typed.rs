//! Values seen through their types: merging, comparing, removing, naming fields
//! (structured-merge-diff@v6.3.3:typed/).

mod check;
mod list;

pub(super) use check::check;
#[cfg(test)]
pub(super) use check::check_with_duplicates;

use serde_json::{Map, Value};

use super::path::PathElement;
use super::set::FieldSet;
use crate::schema::{Atom, DEDUCED, ListType, MapType, Scalar, Schemas, TypeId, UNTYPED};
pub use list::element_path;
use list::merge_lists;

/// What a value counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape<'a> {
    Map(&'a MapType),
    List(&'a ListType),
    Scalar,
}

/// The shape by the value, where the type leaves a choice; a map first, then a scalar, where it does not.
/// The second field tells whether the value made the choice.
fn shape<'a>(atom: &'a Atom, value: Option<&Value>) -> (Shape<'a>, bool) {
    let chosen = match value {
        Some(Value::Object(_)) => atom.map.as_ref().map(Shape::Map),
        Some(Value::Array(_)) => atom.list.as_ref().map(Shape::List),
        None | Some(Value::Null) => None,
        Some(_) => atom.scalar.map(|_| Shape::Scalar),
    };
    // A choice of one is no choice: the atom is the same with and without.
    let several = [
        atom.map.is_some(),
        atom.list.is_some(),
        atom.scalar.is_some(),
    ];
    let several = several.into_iter().filter(|it| *it).count() > 1;
    let whole = match atom {
        Atom { map: Some(map), .. } => Shape::Map(map),
        Atom {
            scalar: None,
            list: Some(list),
            ..
        } => Shape::List(list),
        _ => Shape::Scalar,
    };
    match chosen {
        Some(chosen) => (chosen, several),
        None => (whole, false),
    }
}

fn map_of(value: Option<&Value>) -> Option<&Map<String, Value>> {
    value.and_then(Value::as_object)
}

fn list_of(value: Option<&Value>) -> Option<&[Value]> {
    value.and_then(Value::as_array).map(Vec::as_slice)
}

/// Merges what is applied into what is there; what is applied wins.
pub fn merge(
    schemas: &Schemas,
    id: TypeId,
    live: Option<&Value>,
    config: Option<&Value>,
) -> Option<Value> {
    let atom = schemas.atom(id);
    let leaf = || config.or(live).cloned();
    match shape(atom, config.or(live)).0 {
        Shape::Scalar => leaf(),
        Shape::List(list) => {
            let (left, right) = (list_of(live), list_of(config));
            let empty = left.is_none_or(<[_]>::is_empty) && right.is_none_or(<[_]>::is_empty);
            if list.keys.is_none() || empty {
                return leaf();
            }
            let merged = merge_lists(
                schemas,
                list,
                left.unwrap_or_default(),
                right.unwrap_or_default(),
                |left, right| merge(schemas, list.element, left, right),
            );
            (!merged.is_empty()).then_some(Value::Array(merged))
        }
        Shape::Map(map) => {
            let (left, right) = (map_of(live), map_of(config));
            let empty = left.is_none_or(Map::is_empty) && right.is_none_or(Map::is_empty);
            if map.atomic || empty {
                return leaf();
            }
            let merged: Map<_, _> = zip(left, right)
                .filter_map(|(key, left, right)| {
                    let below = map.child(key).unwrap_or(UNTYPED);
                    Some((key.clone(), merge(schemas, below, left, right)?))
                })
                .collect();
            (!merged.is_empty()).then_some(Value::Object(merged))
        }
    }
}

/// Keys of either map, with what both hold.
fn zip<'a>(
    left: Option<&'a Map<String, Value>>,
    right: Option<&'a Map<String, Value>>,
) -> impl Iterator<Item = (&'a String, Option<&'a Value>, Option<&'a Value>)> {
    let left_keys = left.into_iter().flatten().map(|(key, _)| key);
    let right_keys = right.into_iter().flatten().map(|(key, _)| key);
    let only_right = right_keys.filter(move |key| left.is_none_or(|it| !it.contains_key(*key)));
    left_keys.chain(only_right).map(move |key| {
        (
            key,
            left.and_then(|it| it.get(key)),
            right.and_then(|it| it.get(key)),
        )
    })
}

/// Returns the fields that a value has.
pub fn field_set(schemas: &Schemas, id: TypeId, value: &Value) -> FieldSet {
    let mut set = FieldSet::default();
    collect(schemas, id, value, &mut Vec::new(), &mut set);
    set
}

fn collect(
    schemas: &Schemas,
    id: TypeId,
    value: &Value,
    path: &mut Vec<PathElement>,
    set: &mut FieldSet,
) {
    match shape(schemas.atom(id), Some(value)).0 {
        Shape::Scalar => set.insert(path),
        Shape::List(list) if list.keys.is_none() => set.insert(path),
        Shape::Map(map) if map.atomic => set.insert(path),
        Shape::List(list) => {
            let items = list_of(Some(value)).unwrap_or_default();
            let paths: Vec<_> = items
                .iter()
                .map(|it| element_path(schemas, list, it))
                .collect();
            for (item, element) in items.iter().zip(&paths) {
                let Some(element) = element else { continue };
                let twice = paths
                    .iter()
                    .filter(|it| it.as_ref() == Some(element))
                    .count()
                    > 1;
                path.push(element.clone());
                if !twice {
                    collect(schemas, list.element, item, path, set);
                }
                set.insert(path);
                path.pop();
            }
        }
        Shape::Map(map) => {
            for (key, below) in map_of(Some(value)).into_iter().flatten() {
                path.push(PathElement::field(key));
                if let Some(child) = map.child(key) {
                    collect(schemas, child, below, path, set);
                }
                let hollow = below.is_null() || below.as_object().is_some_and(Map::is_empty);
                if hollow || !map.fields.contains_key(key) {
                    set.insert(path);
                }
                path.pop();
            }
        }
    }
}

/// How two values differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Only in the second.
    pub added: FieldSet,
    /// In both, but not equal.
    pub modified: FieldSet,
    /// Only in the first.
    pub removed: FieldSet,
}

impl Comparison {
    /// Whether both are equal.
    pub fn is_same(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }
}

/// Compares two values of a type.
pub fn compare(
    schemas: &Schemas,
    id: TypeId,
    old: Option<&Value>,
    new: Option<&Value>,
) -> Comparison {
    let mut comparison = Comparison::default();
    Comparing {
        schemas,
        comparison: &mut comparison,
        path: Vec::new(),
    }
    .at(id, old, new);
    comparison
}

struct Comparing<'a> {
    schemas: &'a Schemas,
    comparison: &'a mut Comparison,
    path: Vec<PathElement>,
}

impl Comparing<'_> {
    fn at(&mut self, id: TypeId, old: Option<&Value>, new: Option<&Value>) {
        let atom = self.schemas.atom(id);
        let (old_shape, new_shape) = (shape(atom, old), shape(atom, new));
        let leaf = if new.is_none() {
            self.shaped(old_shape.0, old, new)
        } else if old.is_none() || old_shape == new_shape {
            self.shaped(new_shape.0, old, new)
        } else {
            self.shaped(old_shape.0, old, new);
            self.shaped(new_shape.0, old, new)
        };
        if !leaf {
            self.note_absent(old, new);
        }
    }

    fn note_absent(&mut self, old: Option<&Value>, new: Option<&Value>) {
        if old.is_none() {
            self.comparison.added.insert(&self.path);
        } else if new.is_none() {
            self.comparison.removed.insert(&self.path);
        }
    }

    /// Compares as one shape and returns whether it was compared as a whole.
    fn shaped(&mut self, shape: Shape<'_>, old: Option<&Value>, new: Option<&Value>) -> bool {
        let atomic = match shape {
            Shape::Scalar => true,
            Shape::List(list) => {
                let (left, right) = (list_of(old), list_of(new));
                list.keys.is_none()
                    || left.is_none_or(<[_]>::is_empty) && right.is_none_or(<[_]>::is_empty)
            }
            Shape::Map(map) => {
                let (left, right) = (map_of(old), map_of(new));
                map.atomic || left.is_none_or(Map::is_empty) && right.is_none_or(Map::is_empty)
            }
        };
        if atomic {
            match (old, new) {
                (Some(old), Some(new)) if !equal(old, new) => {
                    self.comparison.modified.insert(&self.path);
                }
                _ => self.note_absent(old, new),
            }
            return true;
        }
        match shape {
            Shape::Scalar => {}
            Shape::List(list) => self.lists(list, old, new),
            Shape::Map(map) => {
                for (key, old, new) in zip(map_of(old), map_of(new)) {
                    let Some(child) = map.child(key) else {
                        continue;
                    };
                    self.path.push(PathElement::field(key));
                    self.at(child, old, new);
                    self.path.pop();
                }
            }
        }
        false
    }

    fn lists(&mut self, list: &ListType, old: Option<&Value>, new: Option<&Value>) {
        let index = |value| list::index(self.schemas, list, list_of(value).unwrap_or_default());
        let (olds, news) = (index(old), index(new));
        let mut elements: Vec<_> = olds.iter().map(|(element, _)| element.clone()).collect();
        elements.extend(news.iter().map(|(element, _)| element.clone()));
        sorted::sort(&mut elements);
        elements.dedup();
        for element in elements {
            let find = |all: &[(PathElement, &Value)]| -> Vec<Value> {
                all.iter()
                    .filter(|it| it.0 == element)
                    .map(|it| it.1.clone())
                    .collect()
            };
            let (old, new) = (find(&olds), find(&news));
            self.path.push(element);
            match (old.as_slice(), new.as_slice()) {
                ([] | [_], [] | [_]) => self.at(list.element, old.first(), new.first()),
                ([_, _, ..], [_, _, ..]) => {
                    let same = old.len() == new.len()
                        && old.iter().zip(&new).all(|(old, new)| equal(old, new));
                    if !same {
                        self.comparison.modified.insert(&self.path);
                    }
                }
                ([_, _, ..], _) => {
                    if let Some(new) = new.first() {
                        self.at(list.element, None, Some(new));
                    }
                    self.comparison.removed.insert(&self.path);
                }
                (_, _) => {
                    if let Some(old) = old.first() {
                        self.at(list.element, Some(old), None);
                    }
                    self.comparison.added.insert(&self.path);
                }
            }
            self.path.pop();
        }
    }
}

/// Equal as Go compares: `1` is `1.0`.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        _ => left == right,
    }
}

/// Removes paths from a value; a map or list that nothing is left of becomes null, as in the original.
pub fn remove(schemas: &Schemas, id: TypeId, value: &Value, gone: &FieldSet) -> Option<Value> {
    match shape(schemas.atom(id), Some(value)).0 {
        Shape::Scalar => Some(value.clone()),
        Shape::List(list) => {
            let items = list_of(Some(value)).filter(|it| !it.is_empty() && list.keys.is_some())?;
            let mut left = Vec::new();
            for item in items {
                let element = element_path(schemas, list, item);
                if element.as_ref().is_some_and(|it| gone.has_member(it)) {
                    continue;
                }
                left.push(match element.and_then(|it| gone.below(&it).cloned()) {
                    Some(below) => remove(schemas, list.element, item, &below).unwrap_or_default(),
                    None => item.clone(),
                });
            }
            (!left.is_empty()).then_some(Value::Array(left))
        }
        Shape::Map(map) => {
            let entries = map_of(Some(value)).filter(|it| !it.is_empty() && !map.atomic)?;
            let mut left = Map::new();
            for (key, below) in entries {
                let element = PathElement::field(key);
                if gone.has_member(&element) {
                    continue;
                }
                let below = match (gone.below(&element), map.child(key)) {
                    (Some(gone), Some(child)) => {
                        remove(schemas, child, below, gone).unwrap_or_default()
                    }
                    _ => below.clone(),
                };
                left.insert(key.clone(), below);
            }
            (!left.is_empty()).then_some(Value::Object(left))
        }
    }
}

/// Follows a type that changed between granular and atomic: owning a part of what is atomic now is owning it all
/// (structured-merge-diff@v6.3.3:typed/reconcile_schema.go).
pub(super) fn reconcile(schemas: &Schemas, root: TypeId, set: &FieldSet) -> FieldSet {
    let mut atomic = FieldSet::default();
    find_atomic(
        schemas,
        root,
        Some(set),
        false,
        &mut Vec::new(),
        &mut atomic,
    );
    if atomic.is_empty() {
        set.clone()
    } else {
        set.recursive_difference(&atomic).union(&atomic)
    }
}

fn find_atomic(
    schemas: &Schemas,
    id: TypeId,
    set: Option<&FieldSet>,
    whole: bool,
    path: &mut Vec<PathElement>,
    atomic: &mut FieldSet,
) {
    let deduced = id == DEDUCED;
    match shape(schemas.atom(id), None).0 {
        Shape::Scalar => {}
        Shape::Map(map) if deduced || map.fields.is_empty() && is_any(schemas, map.element) => {}
        Shape::Map(map) if map.atomic => {
            if !whole && set.is_some() {
                atomic.insert(path);
            }
        }
        Shape::List(list) if list.keys.is_none() => {
            if !whole {
                atomic.insert(path);
            }
        }
        Shape::Map(_) | Shape::List(_) => {
            let Some(set) = set else { return };
            for element in set.steps() {
                let below = match (shape(schemas.atom(id), None).0, element) {
                    (Shape::Map(map), PathElement::Field(name)) => map.child(name),
                    (Shape::Map(map), _) => map.element,
                    (Shape::List(list), _) => Some(list.element),
                    (Shape::Scalar, _) => None,
                };
                let Some(below) = below else { continue };
                let children = set.below(element);
                let whole = set.has_member(element) && children.is_none();
                path.push(element.clone());
                find_atomic(schemas, below, children, whole, path, atomic);
                path.pop();
            }
        }
    }
}

/// A map of anything is never reconciled.
fn is_any(schemas: &Schemas, element: Option<TypeId>) -> bool {
    element.is_some_and(|it| {
        it == DEDUCED || {
            let atom = schemas.atom(it);
            atom.scalar == Some(Scalar::Any) && it != UNTYPED
        }
    })
}
