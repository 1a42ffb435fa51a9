//! Lists.

use super::Param::{Any, Int, Text};
use super::{Answer, Arguments, Call, Function, LENGTH, NIL_POINTER, function, variadic};
use crate::format::text_of;
use crate::value::{Elements, List, Value, deep_equal};

pub(super) const FUNCTIONS: &[Function] = &[
    variadic("list", &[Any], |_, args| Ok(Value::list(args.to_vec()))),
    variadic("tuple", &[Any], |_, args| Ok(Value::list(args.to_vec()))),
    function("append", &[Any, Any], append),
    function("mustAppend", &[Any, Any], append),
    function("push", &[Any, Any], append),
    function("mustPush", &[Any, Any], append),
    function("prepend", &[Any, Any], prepend),
    function("mustPrepend", &[Any, Any], prepend),
    function("first", &[Any], |_, args| {
        end(args, "Cannot find first", true)
    }),
    function("mustFirst", &[Any], |_, args| {
        end(args, "Cannot find first", true)
    }),
    function("last", &[Any], |_, args| {
        end(args, "Cannot find last", false)
    }),
    function("mustLast", &[Any], |_, args| {
        end(args, "Cannot find last", false)
    }),
    function("rest", &[Any], |_, args| {
        most(args, "Cannot find rest", true)
    }),
    function("mustRest", &[Any], |_, args| {
        most(args, "Cannot find rest", true)
    }),
    function("initial", &[Any], |_, args| {
        most(args, "Cannot find initial", false)
    }),
    function("mustInitial", &[Any], |_, args| {
        most(args, "Cannot find initial", false)
    }),
    function("reverse", &[Any], reverse),
    function("mustReverse", &[Any], reverse),
    function("uniq", &[Any], uniq),
    function("mustUniq", &[Any], uniq),
    variadic("without", &[Any, Any], without),
    variadic("mustWithout", &[Any, Any], without),
    function("has", &[Any, Any], has),
    function("mustHas", &[Any, Any], has),
    function("compact", &[Any], compact),
    function("mustCompact", &[Any], compact),
    variadic("slice", &[Any, Any], slice),
    variadic("mustSlice", &[Any, Any], slice),
    variadic("concat", &[Any], concat),
    function("chunk", &[Int, Any], chunk),
    function("mustChunk", &[Int, Any], chunk),
    function("sortAlpha", &[Any], |_, args| {
        let mut texts = match args.any(0) {
            value @ Value::List(_) => texts(value),
            value => vec![text_of(value)],
        };
        sorted::sort(&mut texts);
        Ok(Value::texts(texts))
    }),
    function("toStrings", &[Any], |_, args| {
        Ok(Value::texts(texts(args.any(0))))
    }),
    function("join", &[Text, Any], |_, args| {
        Ok(Value::text(texts(args.any(1)).join(args.text(0))))
    }),
    function("until", &[Int], |_, args| {
        let count = args.int(0);
        steps(0, count, if count < 0 { -1 } else { 1 })
    }),
    function("untilStep", &[Int, Int, Int], |_, args| {
        steps(args.int(0), args.int(1), args.int(2))
    }),
];

/// Returns the elements of a list as sprig's reflection finds them, or its complaint.
fn elements<'a>(value: &'a Value, complaint: &str) -> Result<&'a [Value], String> {
    match value {
        Value::List(list) => Ok(list.items()),
        Value::Missing | Value::Nil => Err(NIL_POINTER.to_owned()),
        other => Err(format!("{complaint} on type {}", other.kind())),
    }
}

/// Sprig's `strslice`: texts of all elements that are not nil.
pub(super) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::List(list) => list
            .items()
            .iter()
            .filter(|it| !it.is_nil())
            .map(text_of)
            .collect(),
        Value::Missing | Value::Nil => Vec::new(),
        other => vec![text_of(other)],
    }
}

fn nil_list() -> Value {
    Value::List(List {
        elements: Elements::Any,
        items: None,
    })
}

fn append(_: &Call<'_>, args: &[Value]) -> Answer {
    let mut items = elements(args.any(0), "Cannot push")?.to_vec();
    items.push(args.any(1).clone());
    Ok(Value::list(items))
}

fn prepend(_: &Call<'_>, args: &[Value]) -> Answer {
    let items = elements(args.any(0), "Cannot prepend")?;
    let all = std::iter::once(args.any(1)).chain(items);
    Ok(Value::list(all.cloned().collect()))
}

fn end(args: &[Value], complaint: &str, first: bool) -> Answer {
    let items = elements(args.any(0), complaint)?;
    let found = if first { items.first() } else { items.last() };
    Ok(found.cloned().unwrap_or(Value::Nil))
}

fn most(args: &[Value], complaint: &str, without_first: bool) -> Answer {
    let items = elements(args.any(0), complaint)?;
    let most = if without_first {
        items.split_first().map(|(_, rest)| rest)
    } else {
        items.split_last().map(|(_, rest)| rest)
    };
    Ok(most.map_or_else(nil_list, |it| Value::list(it.to_vec())))
}

fn reverse(_: &Call<'_>, args: &[Value]) -> Answer {
    let items = elements(args.any(0), "Cannot find reverse")?;
    Ok(Value::list(items.iter().rev().cloned().collect()))
}

fn uniq(_: &Call<'_>, args: &[Value]) -> Answer {
    let mut kept: Vec<Value> = Vec::new();
    for item in elements(args.any(0), "Cannot find uniq")? {
        if !kept.iter().any(|it| deep_equal(item, it)) {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn without(_: &Call<'_>, args: &[Value]) -> Answer {
    let items = elements(args.any(0), "Cannot find without")?;
    let omitted = args.get(1..).unwrap_or_default();
    let kept = items
        .iter()
        .filter(|item| !omitted.iter().any(|it| deep_equal(item, it)));
    Ok(Value::list(kept.cloned().collect()))
}

fn has(_: &Call<'_>, args: &[Value]) -> Answer {
    if args.any(1).is_nil() {
        return Ok(Value::Bool(false));
    }
    let items = elements(args.any(1), "Cannot find has")?;
    Ok(Value::Bool(
        items.iter().any(|it| deep_equal(args.any(0), it)),
    ))
}

fn compact(_: &Call<'_>, args: &[Value]) -> Answer {
    let items = elements(args.any(0), "Cannot compact")?;
    Ok(Value::list(
        items.iter().filter(|it| it.truth()).cloned().collect(),
    ))
}

fn slice(_: &Call<'_>, args: &[Value]) -> Answer {
    let list = match args.any(0) {
        Value::List(list) => list,
        Value::Missing | Value::Nil => return Err(NIL_POINTER.to_owned()),
        other => {
            return Err(format!(
                "list should be type of slice or array but {}",
                other.kind()
            ));
        }
    };
    let items = list.items();
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let start = args.get(1).map_or(0, super::math::to_int);
    let end = match args.get(2) {
        Some(it) => super::math::to_int(it),
        None => i64::try_from(items.len()).unwrap_or(i64::MAX),
    };
    let place = super::size;
    match place(start)
        .zip(place(end))
        .and_then(|(start, end)| items.get(start..end))
    {
        Some(part) => Ok(Value::List(List::new(list.elements, part.to_vec()))),
        None => Err("reflect.Value.Slice: slice index out of bounds".to_owned()),
    }
}

fn concat(_: &Call<'_>, args: &[Value]) -> Answer {
    let mut all: Vec<Value> = Vec::new();
    for list in args {
        match list {
            Value::List(list) => all.extend_from_slice(list.items()),
            Value::Missing | Value::Nil => return Err(NIL_POINTER.to_owned()),
            other => return Err(format!("Cannot concat type {} as list", other.kind())),
        }
    }
    if all.is_empty() {
        return Ok(nil_list());
    }
    Ok(Value::list(all))
}

fn chunk(_: &Call<'_>, args: &[Value]) -> Answer {
    let items = match args.any(1) {
        Value::List(list) => list.items(),
        Value::Missing | Value::Nil => return Err(NIL_POINTER.to_owned()),
        other => return Err(format!("Cannot chunk type {}", other.kind())),
    };
    let size = match super::size(args.int(0)) {
        Some(size) if size > 0 => size,
        _ => return chunk_backwards(args.int(0), items),
    };
    let chunks = items.chunks(size).map(|it| Value::list(it.to_vec()));
    Ok(Value::List(List::new(Elements::Lists, chunks.collect())))
}

/// What sprig's arithmetic makes of a size that is not positive.
fn chunk_backwards(size: i64, items: &[Value]) -> Answer {
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let lists = |all: Vec<Value>| Ok(Value::List(List::new(Elements::Lists, all)));
    match length {
        1 if size < 0 => lists(vec![Value::list(items.to_vec())]),
        // One chunk less than none is none, if the size reaches over all.
        2.. if size < 0 && size <= 1 - length => lists(Vec::new()),
        _ => Err("runtime error: makeslice: len out of range".to_owned()),
    }
}

/// Sprig's `untilStep`.
pub(super) fn numbers(start: i64, end: i64, step: i64) -> Result<Vec<i64>, String> {
    let mut all = Vec::new();
    let mut at = start;
    let down = end < start;
    if (down && step >= 0) || (!down && step <= 0) {
        return Ok(all);
    }
    while if down { at > end } else { at < end } {
        if all.len() >= LENGTH {
            return Err(format!("the list would be longer than {LENGTH}"));
        }
        all.push(at);
        let Some(next) = at.checked_add(step) else {
            break;
        };
        at = next;
    }
    Ok(all)
}

fn steps(start: i64, end: i64, step: i64) -> Answer {
    let items = numbers(start, end, step)?.into_iter().map(Value::Int);
    Ok(Value::List(List::new(Elements::Int, items.collect())))
}
