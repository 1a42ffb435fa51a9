//! Lists whose elements have names.

use serde_json::Value;
use sorted::{SortedMap, SortedSet};

use crate::ownership::path::{PathElement, json};
use crate::schema::{ListType, Schemas};

/// What stands for an element that is there twice.
const AMBIGUOUS: Value = Value::Null;

/// Returns the name of an element of a list that is not atomic; `None` where it has none.
pub fn element_path(schemas: &Schemas, list: &ListType, item: &Value) -> Option<PathElement> {
    let keys = list.keys.as_ref()?;
    if keys.is_empty() {
        let scalar = !item.is_object() && !item.is_array() && !item.is_null();
        return scalar.then(|| PathElement::Value(json(item)));
    }
    let item = item.as_object()?;
    let defaults = schemas
        .atom(list.element)
        .map
        .as_ref()
        .map(|it| &it.defaults);
    let mut fields: Vec<(String, String)> = keys
        .iter()
        .filter_map(|key| {
            let default = || defaults.and_then(|it| it.get(key)).cloned();
            Some((key.clone(), item.get(key).map(json).or_else(default)?))
        })
        .collect();
    sorted::sort(&mut fields);
    (!fields.is_empty()).then_some(PathElement::Key(fields))
}

/// Returns elements with their names; those without one are left out.
pub(super) fn index<'a>(
    schemas: &Schemas,
    list: &ListType,
    items: &'a [Value],
) -> Vec<(PathElement, &'a Value)> {
    items
        .iter()
        .filter_map(|it| Some((element_path(schemas, list, it)?, it)))
        .collect()
}

/// Merges lists: elements of both in the order of what is applied, those of the live list alone where they stood
/// (structured-merge-diff@v6.3.3:typed/merge.go, `visitListItems`).
pub(super) fn merge_lists(
    schemas: &Schemas,
    list: &ListType,
    live: &[Value],
    config: &[Value],
    merge: impl Fn(Option<&Value>, Option<&Value>) -> Option<Value>,
) -> Vec<Value> {
    let (lives, configs) = (index(schemas, list, live), index(schemas, list, config));
    let mut live_of: SortedMap<&PathElement, &Value> = SortedMap::new();
    for (element, item) in &lives {
        live_of
            .entry(element)
            .and_modify(|it| *it = &AMBIGUOUS)
            .or_insert(item);
    }
    let config_of: SortedMap<&PathElement, &Value> = configs
        .iter()
        .map(|(element, item)| (element, *item))
        .collect();
    let mut shared = configs
        .iter()
        .map(|it| &it.0)
        .filter(|it| live_of.contains_key(it));
    let mut next = shared.next();
    let mut done: SortedSet<&PathElement> = SortedSet::new();
    let mut out = Vec::new();
    let (mut left, mut right) = (0, 0);
    loop {
        let (at_left, at_right) = (lives.get(left), configs.get(right));
        if at_left.is_none() && at_right.is_none() {
            return out;
        }
        if let (Some((live, _)), Some((config, _))) = (at_left, at_right) {
            if live == config {
                done.insert(config);
                let both = (live_of.get(live).copied(), config_of.get(config).copied());
                out.extend(merge(both.0, both.1));
                left += 1;
                right += 1;
                next = shared.next();
                continue;
            }
            if config_of.contains_key(live) && next.is_some_and(|it| it != live) {
                // Shared, but not the next to come: it moves to where the applied list has it.
                left += 1;
                continue;
            }
        }
        if let Some((element, item)) = at_left {
            if !config_of.contains_key(element) {
                out.extend(merge(Some(item), None));
                left += 1;
                continue;
            }
            if done.contains(element) {
                left += 1;
            }
        }
        if let Some((element, _)) = at_right {
            done.insert(element);
            out.extend(merge(
                live_of.get(element).copied(),
                config_of.get(element).copied(),
            ));
            right += 1;
            if next == Some(element) {
                next = shared.next();
            }
        }
    }
}
