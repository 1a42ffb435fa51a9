//! Fields of objects: how two states differ, who owns a field, and what three states make together.
//!
//! List elements are told apart by what the API tells them apart by (a name, a port, a path), so that an element that one
//! writer added is seen as that, and not as a list that is another one.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value};

/// What tells elements of a list apart, the first that does counts.
const KEYS: [&[&str]; 8] = [
    &["name"],
    &["mountPath"],
    &["containerPort", "protocol"],
    &["port", "protocol"],
    &["uid"],
    &["ip"],
    &["topologyKey"],
    &["type"],
];

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A field.
    Field(String),
    /// An element of a list: what tells it apart, as JSON.
    Element(Vec<(String, String)>),
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Where.
    pub path: Vec<Part>,
    /// In the first object; absent for nothing.
    pub from: Option<Value>,
    /// In the second one; absent for nothing.
    pub to: Option<Value>,
}

/// Writes a path as people read it: `spec.template.spec.containers[name=discovery].image`.
pub fn path(parts: &[Part]) -> String {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Field(name) if name.contains(['.', '/']) => {
                let _ = write!(text, "[{name:?}]");
            }
            Part::Field(name) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(name);
            }
            Part::Element(keys) => {
                let keys: Vec<String> = keys
                    .iter()
                    .map(|(key, value)| format!("{key}={}", value.trim_matches('"')))
                    .collect();
                let _ = write!(text, "[{}]", keys.join(","));
            }
        }
    }
    text
}

/// Returns how two values differ, field by field.
pub fn differences(from: Option<&Value>, to: Option<&Value>) -> Vec<Difference> {
    let mut found = Vec::new();
    differ(&mut Vec::new(), from, to, &mut found);
    found
}

fn differ(
    here: &mut Vec<Part>,
    from: Option<&Value>,
    to: Option<&Value>,
    found: &mut Vec<Difference>,
) {
    if from == to {
        return;
    }
    match (from, to) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for name in names {
                here.push(Part::Field(name.clone()));
                differ(here, one.get(name), other.get(name), found);
                here.pop();
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other)))
            if keys_of(&[one, other]).is_some() =>
        {
            let keys = keys_of(&[one, other]).unwrap_or_default();
            let names: BTreeSet<Vec<(String, String)>> = one
                .iter()
                .chain(other)
                .map(|it| identity(it, keys))
                .collect();
            let at = |list: &'_ [Value], name: &[(String, String)]| {
                list.iter()
                    .position(|it| identity(it, keys).as_slice() == name)
            };
            for name in names {
                let (from, to) = (at(one, &name), at(other, &name));
                here.push(Part::Element(name));
                differ(
                    here,
                    from.map(|it| &one[it]),
                    to.map(|it| &other[it]),
                    found,
                );
                here.pop();
            }
        }
        _ => found.push(Difference {
            path: here.clone(),
            from: from.cloned(),
            to: to.cloned(),
        }),
    }
}

/// What tells the elements of all these lists apart; nothing where they count as wholes.
fn keys_of(lists: &[&Vec<Value>]) -> Option<&'static [&'static str]> {
    let unique = |keys: &&&'static [&'static str]| {
        lists.iter().all(|list| {
            let mut seen = BTreeSet::new();
            list.iter().all(|it| {
                // A protocol may be left out; what it stands beside may not.
                it.get(keys[0]).is_some_and(|it| !it.is_object()) && seen.insert(identity(it, keys))
            })
        })
    };
    KEYS.iter().find(unique).copied()
}

fn identity(element: &Value, keys: &[&str]) -> Vec<(String, String)> {
    keys.iter()
        .filter_map(|key| {
            let value = element.get(key)?;
            Some(((*key).to_owned(), value.to_string()))
        })
        .collect()
}

/// Merges three states of a value: what changed between `former` and `left` is as in `former` again, and everything else is
/// as it is in `live`.
pub fn merged(former: Option<&Value>, left: Option<&Value>, live: Option<&Value>) -> Option<Value> {
    if live == left {
        return former.cloned();
    }
    if former == left || former == live {
        return live.cloned();
    }
    match (former, left, live) {
        (
            Some(Value::Object(_)) | None,
            Some(Value::Object(_)) | None,
            Some(Value::Object(now)),
        ) => {
            let none = Map::new();
            let object =
                |it: Option<&Value>| it.and_then(Value::as_object).unwrap_or(&none).clone();
            let (was, after) = (object(former), object(left));
            let names: BTreeSet<&String> = was.keys().chain(now.keys()).collect();
            let both: Map<String, Value> = names
                .into_iter()
                .filter_map(|name| {
                    let value = merged(was.get(name), after.get(name), now.get(name))?;
                    Some((name.clone(), value))
                })
                .collect();
            // An object that the plan made, and in which nothing is left, goes.
            (former.is_some() || !both.is_empty()).then_some(Value::Object(both))
        }
        (Some(Value::Array(was)), Some(Value::Array(after)), Some(Value::Array(now))) => {
            Some(Value::Array(lists(was, after, now)))
        }
        (Some(former), ..) => Some(former.clone()),
        // The plan made a field that others wrote since: it goes.
        (None, ..) => None,
    }
}

fn lists(was: &Vec<Value>, after: &Vec<Value>, now: &Vec<Value>) -> Vec<Value> {
    let Some(keys) = keys_of(&[was, after, now]) else {
        // Words (finalizers) are a set; other lists count as wholes, and the plan's change of one goes back.
        let words = [was, after, now]
            .into_iter()
            .all(|it| it.iter().all(Value::is_string));
        if !words || was.len() + after.len() + now.len() == 0 {
            return was.clone();
        }
        let added = now
            .iter()
            .filter(|it| !after.contains(it) && !was.contains(it));
        let stays = was
            .iter()
            .filter(|it| !after.contains(it) || now.contains(it));
        return stays.chain(added).cloned().collect();
    };
    let at = |list: &'_ [Value], name: &[(String, String)]| {
        list.iter()
            .position(|it| identity(it, keys).as_slice() == name)
    };
    let mut names: Vec<_> = was.iter().map(|it| identity(it, keys)).collect();
    // What others added stands where they put it: before the same element as now.
    for (index, it) in now.iter().enumerate() {
        let name = identity(it, keys);
        if names.contains(&name) {
            continue;
        }
        let mut following = now[index + 1..].iter().map(|it| identity(it, keys));
        let next = following.find_map(|it| names.iter().position(|name| *name == it));
        names.insert(next.unwrap_or(names.len()), name);
    }
    names
        .iter()
        .filter_map(|name| {
            merged(
                at(was, name).map(|it| &was[it]),
                at(after, name).map(|it| &after[it]),
                at(now, name).map(|it| &now[it]),
            )
        })
        .collect()
}

/// Who wrote a field last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The field manager.
    pub manager: String,
    /// When, in RFC 3339.
    pub time: Option<String>,
}

/// Returns who wrote a field of an object last, as its `managedFields` tell.
pub fn author(object: &Value, path: &[Part]) -> Option<Author> {
    let entries = object["metadata"]["managedFields"].as_array()?;
    entries
        .iter()
        .filter(|it| owns(&it["fieldsV1"], Some(object), path))
        .max_by_key(|it| it["time"].as_str().unwrap_or_default().to_owned())
        .map(|it| Author {
            manager: it["manager"].as_str().unwrap_or("unknown").to_owned(),
            time: it["time"].as_str().map(str::to_owned),
        })
}

/// Returns the managers of all who own a field of an object, as its `managedFields` tell.
pub fn owners<'a>(object: &'a Value, path: &[Part]) -> Vec<&'a str> {
    let entries = object["metadata"]["managedFields"].as_array();
    entries
        .into_iter()
        .flatten()
        .filter(|it| owns(&it["fieldsV1"], None, path))
        .filter_map(|it| it["manager"].as_str())
        .collect()
}

/// Returns `to` with those of its differences from `from` undone that are meant: each is asked about by its path, and by
/// what stands there in `to`.
pub fn but_for(
    from: &Value,
    to: &Value,
    is_meant: &dyn Fn(&[Part], Option<&Value>) -> bool,
) -> Value {
    undone(&mut Vec::new(), Some(from), Some(to), is_meant).unwrap_or_default()
}

fn undone(
    here: &mut Vec<Part>,
    from: Option<&Value>,
    to: Option<&Value>,
    is_meant: &dyn Fn(&[Part], Option<&Value>) -> bool,
) -> Option<Value> {
    if from == to {
        return to.cloned();
    }
    let mut inner = |part: Part, from: Option<&Value>, to: Option<&Value>| {
        here.push(part);
        let value = undone(here, from, to, is_meant);
        here.pop();
        value
    };
    match (from, to) {
        (Some(Value::Object(_)) | None, Some(Value::Object(new))) if !new.is_empty() => {
            let none = Map::new();
            let old = from.and_then(Value::as_object).unwrap_or(&none);
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let all: Map<String, Value> = names
                .into_iter()
                .filter_map(|name| {
                    let part = Part::Field(name.clone());
                    Some((name.clone(), inner(part, old.get(name), new.get(name))?))
                })
                .collect();
            (from.is_some() || !all.is_empty()).then_some(Value::Object(all))
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if keys_of(&[old, new]).is_some() => {
            let keys = keys_of(&[old, new]).unwrap_or_default();
            let find = |list: &'_ [Value], name: &[(String, String)]| {
                list.iter()
                    .position(|it| identity(it, keys).as_slice() == name)
            };
            let mut names: Vec<_> = new.iter().map(|it| identity(it, keys)).collect();
            names.extend(
                old.iter()
                    .map(|it| identity(it, keys))
                    .filter(|it| find(new, it).is_none()),
            );
            let all = names.into_iter().filter_map(|name| {
                let (from, to) = (find(old, &name), find(new, &name));
                let (from, to) = (from.map(|it| &old[it]), to.map(|it| &new[it]));
                inner(Part::Element(name), from, to)
            });
            Some(Value::Array(all.collect()))
        }
        _ if is_meant(here, to) => from.cloned(),
        _ => to.cloned(),
    }
}

/// Whether a set of fields holds this one, or the list or map around it as a whole. Where the object is given, its elements
/// are found by whatever the API tells them apart by.
fn owns(fields: &Value, object: Option<&Value>, path: &[Part]) -> bool {
    let (mut here, mut live) = (fields, object);
    for (depth, part) in path.iter().enumerate() {
        live = live.and_then(|it| inside(it, part));
        let next = match part {
            Part::Field(name) => here.get(format!("f:{name}")),
            Part::Element(keys) => here.as_object().and_then(|map| {
                map.iter().find_map(|(key, inner)| {
                    let wanted: Map<String, Value> =
                        serde_json::from_str(key.strip_prefix("k:")?).ok()?;
                    // The API may tell elements apart by other fields than are told here: a Service's ports by number.
                    let same = match live {
                        Some(live) => wanted
                            .iter()
                            .all(|(key, value)| live.get(key) == Some(value)),
                        None => keys.iter().all(|(key, value)| {
                            wanted.get(key).map(Value::to_string).as_ref() == Some(value)
                        }),
                    };
                    same.then_some(inner)
                })
            }),
        };
        match next {
            Some(next) => here = next,
            // `f:list: {}` owns all that is in it.
            None => return depth > 0 && here.as_object().is_some_and(Map::is_empty),
        }
    }
    true
}

/// A part of a value.
fn inside<'a>(value: &'a Value, part: &Part) -> Option<&'a Value> {
    match part {
        Part::Field(name) => value.get(name),
        Part::Element(keys) => value.as_array()?.iter().find(|element| {
            keys.iter()
                .all(|(key, value)| element.get(key).map(Value::to_string).as_ref() == Some(value))
        }),
    }
}

/// Writes a difference so that another state can be made of one: by JSON pointers, null for what goes.
pub fn patch(from: &Value, to: &Value) -> Map<String, Value> {
    let mut found = Map::new();
    note(String::new(), from, to, &mut found);
    found
}

fn note(pointer: String, from: &Value, to: &Value, found: &mut Map<String, Value>) {
    let inner = |name: &str| format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
    match (from, to) {
        (one, other) if one == other => {}
        (Value::Object(one), Value::Object(other)) => {
            for (name, value) in other {
                match one.get(name) {
                    Some(before) => note(inner(name), before, value, found),
                    None => {
                        found.insert(inner(name), value.clone());
                    }
                }
            }
            for name in one.keys().filter(|it| !other.contains_key(*it)) {
                found.insert(inner(name), Value::Null);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (before, value)) in one.iter().zip(other).enumerate() {
                note(format!("{pointer}/{index}"), before, value, found);
            }
        }
        _ => {
            found.insert(pointer, to.clone());
        }
    }
}

/// Makes the state of which [`patch`] wrote the difference.
pub fn patched(from: &Value, patch: &Map<String, Value>) -> Value {
    let mut to = from.clone();
    for (pointer, value) in patch {
        let Some((parent, name)) = pointer.rsplit_once('/') else {
            to = value.clone();
            continue;
        };
        let name = name.replace("~1", "/").replace("~0", "~");
        match to.pointer_mut(parent) {
            Some(Value::Object(map)) if value.is_null() => {
                map.remove(&name);
            }
            Some(Value::Object(map)) => {
                map.insert(name, value.clone());
            }
            Some(Value::Array(list)) => {
                if let Some(element) = name.parse().ok().and_then(|it: usize| list.get_mut(it)) {
                    *element = value.clone();
                }
            }
            _ => {}
        }
    }
    to
}

#[cfg(test)]
mod tests;
