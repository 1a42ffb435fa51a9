//! Strategic merge patches, as k8s.io/apimachinery applies them.
//!
//! v0.35.3:pkg/util/strategicpatch/patch.go, with nulls of the patch that match nothing dropped, as `StrategicMergePatch` does.
//! `$setElementOrder` and `$deleteFromPrimitiveList` are not known here: no patch that istioctl makes can hold them.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use crate::go;

/// How a field merges; without one maps merge key by key and lists are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// The patch's value takes the place of the old one.
    Replace,
    /// Elements with an equal value of this key are merged.
    MergeBy(&'static str),
    /// Scalars are added where they are missing.
    Union,
}

/// Says how the field at a path of keys merges (list elements add nothing to the path).
pub(crate) type Schema = fn(&[String]) -> Option<Strategy>;

/// Strategies of the kinds that Istio's charts render, but for what [`disruption_budget`] adds.
///
/// From the tags `patchStrategy` and `patchMergeKey` in k8s.io/api v0.35.3 (core/v1, apps/v1, autoscaling/v2, policy/v1).
pub(crate) fn kubernetes(path: &[String]) -> Option<Strategy> {
    let mut path = path.iter().rev().map(String::as_str);
    let field = path.next()?;
    let holder = path.next().unwrap_or_default();
    let merge_key = match (holder, field) {
        ("metadata", "finalizers") => return Some(Strategy::Union),
        (
            "spec",
            "containers"
            | "initContainers"
            | "ephemeralContainers"
            | "volumes"
            | "imagePullSecrets"
            | "schedulingGates"
            | "resourceClaims",
        )
        | ("containers" | "initContainers" | "ephemeralContainers", "env") => "name",
        ("spec", "hostAliases") => "ip",
        ("spec", "topologySpreadConstraints") => "topologyKey",
        ("spec", "ports") => "port",
        ("containers" | "initContainers" | "ephemeralContainers", "ports") => "containerPort",
        ("containers" | "initContainers" | "ephemeralContainers", "volumeMounts") => "mountPath",
        ("containers" | "initContainers" | "ephemeralContainers", "volumeDevices") => "devicePath",
        ("metadata", "ownerReferences") => "uid",
        (_, "conditions") => "type",
        _ => return None,
    };
    Some(Strategy::MergeBy(merge_key))
}

/// Strategies of a `PodDisruptionBudget`, whose selector is replaced whole.
pub(crate) fn disruption_budget(path: &[String]) -> Option<Strategy> {
    match path {
        [spec, selector] if spec == "spec" && selector == "selector" => Some(Strategy::Replace),
        path => kubernetes(path),
    }
}

/// Merges a patch into an object.
pub(crate) fn merge(object: Value, patch: Value, schema: Schema) -> Result<Value, String> {
    match (object, patch) {
        (Value::Object(mut object), Value::Object(patch)) => {
            Merger {
                schema,
                path: Vec::new(),
            }
            .maps(&mut object, patch)?;
            Ok(Value::Object(object))
        }
        _ => Err("neither the object nor the patch may be anything but a map".to_owned()),
    }
}

struct Merger {
    schema: Schema,
    /// Keys down to the current map.
    path: Vec<String>,
}

impl Merger {
    fn maps(
        &mut self,
        object: &mut Map<String, Value>,
        mut patch: Map<String, Value>,
    ) -> Result<(), String> {
        if let Some(directive) = patch.remove("$patch") {
            match directive.as_str() {
                Some("replace") => *object = patch,
                Some("delete") => object.clear(),
                _ => return Err(format!("unknown patch type {directive}")),
            }
            return Ok(());
        }
        retain_keys(object, &mut patch)?;
        for (key, value) in patch {
            if value.is_null() {
                object.remove(&key);
                continue;
            }
            self.path.push(key.clone());
            let strategy = (self.schema)(&self.path);
            match (object.get_mut(&key), value) {
                (Some(below @ Value::Object(_)), value @ Value::Object(_))
                    if strategy == Some(Strategy::Replace) =>
                {
                    *below = value;
                }
                (Some(Value::Object(below)), Value::Object(value)) => self.maps(below, value)?,
                (Some(Value::Array(below)), Value::Array(value)) => match strategy {
                    Some(Strategy::MergeBy(merge_key)) => self.lists(below, value, merge_key)?,
                    Some(Strategy::Union) => *below = ordered_union(std::mem::take(below), &value),
                    Some(Strategy::Replace) | None => *below = value,
                },
                (_, value) => match without_directives(value) {
                    Some(value) => drop(object.insert(key, value)),
                    None => drop(object.remove(&key)),
                },
            }
            self.path.pop();
        }
        Ok(())
    }

    fn lists(
        &mut self,
        list: &mut Vec<Value>,
        patch: Vec<Value>,
        merge_key: &'static str,
    ) -> Result<(), String> {
        let missing =
            |it: &Value| format!("map: {it} does not contain declared merge key: {merge_key}");
        if list.iter().chain(&patch).any(|it| !it.is_object()) {
            return Err(format!(
                "elements of {} are not all maps",
                self.path.join(".")
            ));
        }
        let key_of = |it: &Value| it.get(merge_key).cloned();
        let mut ordered = Vec::new();
        let mut replace = false;
        for element in patch {
            match element
                .get("$patch")
                .map(|it| it.as_str().unwrap_or_default())
            {
                None => ordered.push(element),
                Some("delete") => {
                    let key = key_of(&element).ok_or_else(|| missing(&element))?;
                    list.retain(|it| !same_key(it.get(merge_key), Some(&key)));
                }
                Some("replace") => replace = true,
                Some(other) => return Err(format!("unknown patch type {other:?}")),
            }
        }
        if replace {
            *list = ordered;
            return Ok(());
        }
        let before: Vec<Option<Value>> = list.iter().map(key_of).collect();
        let order: Vec<Option<Value>> = ordered.iter().map(key_of).collect();
        for element in ordered {
            let key = key_of(&element).ok_or_else(|| missing(&element))?;
            let found = list
                .iter_mut()
                .find(|it| same_key(it.get(merge_key), Some(&key)));
            match (found, element) {
                (Some(Value::Object(found)), Value::Object(element)) => {
                    self.maps(found, element)?;
                }
                (_, element) => list.push(element),
            }
        }
        if let Some(element) = list.iter().find(|it| it.get(merge_key).is_none()) {
            return Err(missing(element));
        }
        *list = reordered(std::mem::take(list), &before, &order, key_of);
        Ok(())
    }
}

/// Puts merged elements in order: patched ones as the patch has them, the others where they stood among them.
fn reordered(
    merged: Vec<Value>,
    before: &[Option<Value>],
    order: &[Option<Value>],
    key_of: impl Fn(&Value) -> Option<Value>,
) -> Vec<Value> {
    let position = |keys: &[Option<Value>], it: &Value| {
        let wanted = key_of(it);
        keys.iter()
            .position(|key| same_key(key.as_ref(), wanted.as_ref()))
    };
    let (mut patched, kept): (Vec<Value>, Vec<Value>) = merged
        .into_iter()
        .partition(|it| position(order, it).is_some());
    sorted::sort_by_key(&mut patched, |it| position(order, it));
    interleaved(kept, patched, |kept, patched| {
        let found = position(before, kept).zip(position(before, patched));
        found.map_or(Ordering::Greater, |(kept, patched)| kept.cmp(&patched))
    })
}

/// All scalars of both lists, each once.
fn ordered_union(list: Vec<Value>, patch: &[Value]) -> Vec<Value> {
    let keys = |list: &[Value]| list.iter().cloned().map(Some).collect::<Vec<_>>();
    let (before, order) = (keys(&list), keys(patch));
    let mut merged: Vec<Value> = Vec::new();
    for value in list.into_iter().chain(patch.iter().cloned()) {
        if !merged.iter().any(|it| go::same_scalar(it, &value)) {
            merged.push(value);
        }
    }
    reordered(merged, &before, &order, |it| Some(it.clone()))
}

/// `$retainKeys` drops all of the object's keys that it does not list; the patch may have no others.
fn retain_keys(
    object: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
) -> Result<(), String> {
    let Some(kept) = patch.remove("$retainKeys") else {
        return Ok(());
    };
    let Value::Array(kept) = kept else {
        return Err("invalid patch format of retainKeys".to_owned());
    };
    let is_kept = |key: &str| kept.iter().any(|it| it.as_str() == Some(key));
    if patch
        .iter()
        .any(|(key, value)| !value.is_null() && !is_kept(key))
    {
        return Err("invalid patch format of retainKeys".to_owned());
    }
    object.retain(|key, _| is_kept(key));
    Ok(())
}

/// A value of the patch that has nothing to be merged with: nulls and whatever has a directive are left out.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(entries) => {
            if entries.contains_key("$patch") {
                return None;
            }
            let entries = entries.into_iter().filter(|(_, it)| !it.is_null());
            Some(Value::Object(
                entries
                    .filter_map(|(key, it)| Some((key, without_directives(it)?)))
                    .collect(),
            ))
        }
        Value::Array(items) => Some(Value::Array(
            items.into_iter().filter_map(without_directives).collect(),
        )),
        scalar => Some(scalar),
    }
}

/// Merges two sorted lists: an element that was there goes first only where it stood before the next patched one.
fn interleaved(
    kept: Vec<Value>,
    patched: Vec<Value>,
    compare: impl Fn(&Value, &Value) -> Ordering,
) -> Vec<Value> {
    let mut all = Vec::with_capacity(kept.len() + patched.len());
    let (mut kept, mut patched) = (kept.into_iter().peekable(), patched.into_iter().peekable());
    loop {
        let next = match (kept.peek(), patched.peek()) {
            (Some(left), Some(right)) if compare(left, right) == Ordering::Less => kept.next(),
            (_, Some(_)) => patched.next(),
            (Some(_), None) => kept.next(),
            (None, None) => return all,
        };
        all.extend(next);
    }
}

fn same_key(left: Option<&Value>, right: Option<&Value>) -> bool {
    left.zip(right)
        .is_some_and(|(left, right)| go::same_scalar(left, right))
}
