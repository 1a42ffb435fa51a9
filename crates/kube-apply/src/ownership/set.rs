//! Sets of fields.

use serde_json::{Map, Value};
use sorted::{SortedMap, SortedSet};

use super::path::PathElement;
use crate::schema::{Schemas, TypeId};

/// A set of paths. A path may be in it without its parents or its children
/// (structured-merge-diff@v6.3.3:fieldpath/set.go). No child is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSet {
    members: SortedSet<PathElement>,
    children: SortedMap<PathElement, FieldSet>,
}

impl FieldSet {
    /// Reads `fieldsV1`; unknown kinds of keys are passed over.
    pub fn from_fields_v1(fields: &Value) -> Self {
        Self::read(fields).0
    }

    /// Returns the children, and whether the node itself is a member: it says so by `.`, or by having no children.
    fn read(fields: &Value) -> (Self, bool) {
        let mut set = Self::default();
        let mut member = false;
        for (key, below) in fields.as_object().into_iter().flatten() {
            if key == "." {
                member = true;
                continue;
            }
            let Some(element) = PathElement::parse(key) else {
                continue;
            };
            let (children, is_member) = Self::read(below);
            if is_member {
                set.members.insert(element.clone());
            }
            set.put(element, children);
        }
        let leaf = set.is_empty();
        (set, member || leaf)
    }

    /// Writes `fieldsV1`.
    pub fn to_fields_v1(&self) -> Value {
        let mut fields: Map<String, Value> = self
            .members
            .iter()
            .filter(|it| !self.children.contains_key(it))
            .map(|it| (it.to_string(), Value::Object(Map::new())))
            .collect();
        for (element, set) in &self.children {
            let mut below = set.to_fields_v1();
            if let Some(map) = below
                .as_object_mut()
                .filter(|_| self.members.contains(element))
            {
                map.insert(".".to_owned(), Value::Object(Map::new()));
            }
            fields.insert(element.to_string(), below);
        }
        Value::Object(fields)
    }

    /// Adds a path; the empty one is none.
    pub fn insert(&mut self, path: &[PathElement]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    fn put(&mut self, element: PathElement, children: Self) {
        if !children.is_empty() {
            self.children.insert(element, children);
        }
    }

    /// Whether there is no path in it.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.is_empty()
    }

    /// Whether the path itself is in it.
    pub fn has(&self, path: &[PathElement]) -> bool {
        match path {
            [] => false,
            [last] => self.members.contains(last),
            [first, rest @ ..] => self.children.get(first).is_some_and(|it| it.has(rest)),
        }
    }

    /// Whether one step leads to a member.
    pub(super) fn has_member(&self, element: &PathElement) -> bool {
        self.members.contains(element)
    }

    /// Returns what lies below one step.
    pub fn below(&self, element: &PathElement) -> Option<&Self> {
        self.children.get(element)
    }

    /// Returns every first step, those with members or children below them included.
    pub(super) fn steps(&self) -> SortedSet<&PathElement> {
        self.members.iter().chain(self.children.keys()).collect()
    }

    /// Returns every path.
    pub fn paths(&self) -> Vec<Vec<PathElement>> {
        let mut paths: Vec<_> = self.members.iter().map(|it| vec![it.clone()]).collect();
        for (element, set) in &self.children {
            for mut path in set.paths() {
                path.insert(0, element.clone());
                paths.push(path);
            }
        }
        paths
    }

    /// Returns the paths that are in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut union = self.clone();
        union.members.extend(other.members.iter().cloned());
        for (element, set) in &other.children {
            let below = union.children.entry(element.clone()).or_default();
            *below = below.union(set);
        }
        union
    }

    /// Returns the paths that are in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut both = Self {
            members: self.members.intersection(&other.members).cloned().collect(),
            children: SortedMap::new(),
        };
        for (element, set) in &self.children {
            if let Some(below) = other.children.get(element) {
                both.put(element.clone(), set.intersection(below));
            }
        }
        both
    }

    /// Returns the paths that are not in the other; what lies below a path of the other stays.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut rest = Self {
            members: self.members.difference(&other.members).cloned().collect(),
            children: SortedMap::new(),
        };
        for (element, set) in &self.children {
            let below = match other.children.get(element) {
                Some(below) => set.difference(below),
                None => set.clone(),
            };
            rest.put(element.clone(), below);
        }
        rest
    }

    /// Returns the paths that neither are in the other nor lie below one of its paths.
    #[must_use]
    pub fn recursive_difference(&self, other: &Self) -> Self {
        let mut rest = Self {
            members: self.members.difference(&other.members).cloned().collect(),
            children: SortedMap::new(),
        };
        for (element, set) in &self.children {
            if other.members.contains(element) {
                continue;
            }
            let below = match other.children.get(element) {
                Some(below) => set.recursive_difference(below),
                None => set.clone(),
            };
            rest.put(element.clone(), below);
        }
        rest
    }

    /// Returns the set with every named field that lies on the way to a path: owning a field of a struct is owning
    /// the struct.
    #[must_use]
    pub(super) fn with_named_fields(&self, schemas: &Schemas, root: TypeId) -> Self {
        self.named(schemas, Some(root))
    }

    fn named(&self, schemas: &Schemas, id: Option<TypeId>) -> Self {
        let atom = id.map(|it| schemas.atom(it));
        let map = atom.and_then(|it| it.map.as_ref());
        let list = atom.and_then(|it| it.list.as_ref());
        let mut members = self.members.clone();
        let mut children = SortedMap::new();
        for (element, set) in &self.children {
            let below = match element {
                PathElement::Field(name) => {
                    if map.is_some_and(|it| it.fields.contains_key(name)) {
                        members.insert(element.clone());
                    }
                    map.and_then(|it| it.child(name))
                }
                PathElement::Key(_) => list.map(|it| it.element),
                PathElement::Value(_) | PathElement::Index(_) => None,
            };
            children.insert(element.clone(), set.named(schemas, below));
        }
        Self { members, children }
    }
}
