//! Maps.

use std::sync::Arc;

use super::Param::{Any, Map as MapParam, Text};
use super::{Answer, Arguments, Call, Function, function, variadic};
use crate::format::text_of;
use crate::value::{DEPTH, Entries, Map, Value, Walk, deep_copy};

pub(super) const FUNCTIONS: &[Function] = &[
    variadic("dict", &[Any], dict),
    function("get", &[MapParam, Text], |_, args| {
        let value = args.map(0).and_then(|it| it.get(args.text(1)));
        Ok(value.unwrap_or_else(|| Value::text("")))
    }),
    function("set", &[MapParam, Text, Any], |_, args| match args.map(0) {
        Some(map) => {
            map.insert(args.text(1).into(), args.any(2).clone());
            Ok(args.any(0).clone())
        }
        None => Err("assignment to entry in nil map".to_owned()),
    }),
    function("unset", &[MapParam, Text], |_, args| {
        if let Some(map) = args.map(0) {
            map.remove(args.text(1));
        }
        Ok(args.any(0).clone())
    }),
    function("hasKey", &[MapParam, Text], |_, args| {
        Ok(Value::Bool(
            args.map(0).is_some_and(|it| it.contains(args.text(1))),
        ))
    }),
    variadic("pluck", &[Text, MapParam], |_, args| {
        let (_, maps) = args.split_at_checked(1).unwrap_or_default();
        Ok(Value::list(
            (0..maps.len())
                .filter_map(|at| maps.map(at)?.get(args.text(0)))
                .collect(),
        ))
    }),
    // Go's order is random; here it is that of the keys.
    variadic("keys", &[MapParam], |_, args| {
        let keys = (0..args.len()).filter_map(|at| args.map(at));
        Ok(Value::texts(
            keys.flat_map(Map::entries).map(|(key, _)| key),
        ))
    }),
    function("values", &[MapParam], |_, args| {
        let entries = args.map(0).map(Map::entries).unwrap_or_default();
        Ok(Value::list(
            entries.into_iter().map(|(_, value)| value).collect(),
        ))
    }),
    variadic("pick", &[MapParam, Text], |_, args| {
        let mut picked = Entries::new();
        for at in 1..args.len() {
            let key = args.text(at);
            if let Some(value) = args.map(0).and_then(|it| it.get(key)) {
                picked.insert(key.into(), value);
            }
        }
        Ok(Value::map(picked))
    }),
    variadic("omit", &[MapParam, Text], |_, args| {
        let entries = args.map(0).map(Map::entries).unwrap_or_default();
        let omitted = |key: &str| (1..args.len()).any(|at| args.text(at) == key);
        Ok(Value::map(
            entries
                .into_iter()
                .filter(|(key, _)| !omitted(key))
                .collect(),
        ))
    }),
    variadic("merge", &[MapParam, MapParam], |call, args| {
        Ok(merged(call, args, false).unwrap_or(Value::text("")))
    }),
    variadic("mustMerge", &[MapParam, MapParam], |call, args| {
        merged(call, args, false)
    }),
    variadic("mergeOverwrite", &[MapParam, MapParam], |call, args| {
        Ok(merged(call, args, true).unwrap_or(Value::text("")))
    }),
    variadic("mustMergeOverwrite", &[MapParam, MapParam], |call, args| {
        merged(call, args, true)
    }),
    function("deepCopy", &[Any], |_, args| copy(args)),
    function("mustDeepCopy", &[Any], |_, args| copy(args)),
    variadic("dig", &[Any], dig),
];

fn dict(_: &Call<'_>, args: &[Value]) -> Answer {
    let mut entries = Entries::new();
    for pair in args.chunks(2) {
        let key = text_of(pair.any(0)).into();
        entries.insert(key, pair.get(1).cloned().unwrap_or_else(|| Value::text("")));
    }
    Ok(Value::map(entries))
}

fn copy(args: &[Value]) -> Answer {
    if args.any(0).is_nil() {
        return Err("reflect: call of reflect.Value.Type on zero Value".to_owned());
    }
    deep_copy(args.any(0)).ok_or_else(|| "the data is nested too deeply".to_owned())
}

fn dig(_: &Call<'_>, args: &[Value]) -> Answer {
    let (Some((map, before)), true) = (args.split_last(), args.len() >= 3) else {
        return Err("dig needs at least three arguments".to_owned());
    };
    let Some((default, keys)) = before.split_last() else {
        return Err("dig needs at least three arguments".to_owned());
    };
    let converted = |value: &Value, wanted: &str| {
        let found = match value {
            Value::Missing | Value::Nil => "nil",
            other => other.type_name(),
        };
        format!("interface conversion: interface {{}} is {found}, not {wanted}")
    };
    let mut at = map.clone();
    if !super::Param::Map.accepts(&at)
        || matches!(&at, Value::Map(it) if it.kind != crate::value::MapKind::Any)
    {
        return Err(converted(&at, "map[string]interface {}"));
    }
    let mut names: Vec<&Arc<str>> = Vec::new();
    for key in keys {
        match key {
            Value::Text(it) => names.push(it),
            other => return Err(converted(other, "string")),
        }
    }
    for name in names {
        let Value::Map(map) = &at else {
            return Err(converted(&at, "map[string]interface {}"));
        };
        match map.get(name) {
            Some(value) => at = value,
            None => return Ok(default.clone()),
        }
    }
    Ok(at)
}

fn merged(call: &Call<'_>, args: &[Value], overwrite: bool) -> Answer {
    let rules = Rules {
        overwrite,
        old: call.budget.old_merge,
    };
    let Some(target) = args.map(0) else {
        // A nil map cannot be written to; mergo makes a new one that nobody sees.
        let mut result = Value::map(Entries::new());
        if let Value::Map(map) = &mut result {
            for at in 1..args.len() {
                if let Some(source) = args.map(at) {
                    merge(map, source, rules, &Walk::default(), DEPTH)?;
                }
            }
        }
        return Ok(result);
    };
    for at in 1..args.len() {
        if let Some(source) = args.map(at) {
            merge(target, source, rules, &Walk::default(), DEPTH)?;
        }
    }
    Ok(args.any(0).clone())
}

/// How maps are merged.
#[derive(Debug, Clone, Copy)]
struct Rules {
    overwrite: bool,
    /// As mergo v0.3.5 does: nil of the source changes nothing, a map does not take the place of anything else.
    old: bool,
}

/// Merges as mergo does on `map[string]interface {}` (`mergo v1.0.1:merge.go`, `mergo v0.3.5:merge.go`, `deepMerge`).
fn merge(target: &Map, source: &Map, rules: Rules, walk: &Walk, depth: u32) -> Result<(), String> {
    let Some(deeper) = walk.step(depth) else {
        return Err("the data is nested too deeply".to_owned());
    };
    if target.is(source) {
        return Ok(());
    }
    for (key, value) in source.entries() {
        // Null never fills a gap, but overwrites in newer versions.
        if value.is_nil() && (rules.old || !rules.overwrite) {
            continue;
        }
        match (target.get(&key), &value) {
            (Some(Value::Map(inner)), Value::Map(other)) if inner.kind == other.kind => {
                merge(&inner, other, rules, walk, deeper)?;
            }
            (Some(_), Value::Map(_)) if rules.old => {}
            (Some(old), _) => {
                if rules.overwrite || !old.truth() {
                    target.insert(key, value);
                }
            }
            (None, _) => target.insert(key, value),
        }
    }
    Ok(())
}
