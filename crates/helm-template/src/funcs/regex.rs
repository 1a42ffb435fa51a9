//! Regular expressions. Go's RE2 syntax is read by regex-lite, which knows the same but for Unicode classes.

use regex_lite::Regex;

use super::Param::{Int, Text};
use super::{Answer, Arguments, Call, Function, bounded, function};
use crate::value::{Elements, List, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    function("regexMatch", &[Text, Text], |_, args| {
        Ok(Value::Bool(
            compile(args.text(0)).is_ok_and(|it| it.is_match(args.text(1))),
        ))
    }),
    function("mustRegexMatch", &[Text, Text], |_, args| {
        compile(args.text(0)).map(|it| Value::Bool(it.is_match(args.text(1))))
    }),
    function("regexFind", &[Text, Text], |call, args| {
        find(call, args).map_err(|it| panicked(args, &it))
    }),
    function("mustRegexFind", &[Text, Text], find),
    function("regexFindAll", &[Text, Text, Int], |call, args| {
        find_all(call, args).map_err(|it| panicked(args, &it))
    }),
    function("mustRegexFindAll", &[Text, Text, Int], find_all),
    function("regexReplaceAll", &[Text, Text, Text], |call, args| {
        replace(call, args).map_err(|it| panicked(args, &it))
    }),
    function("mustRegexReplaceAll", &[Text, Text, Text], replace),
    function(
        "regexReplaceAllLiteral",
        &[Text, Text, Text],
        |call, args| literal(call, args).map_err(|it| panicked(args, &it)),
    ),
    function("mustRegexReplaceAllLiteral", &[Text, Text, Text], literal),
    function("regexSplit", &[Text, Text, Int], |call, args| {
        split(call, args).map_err(|it| panicked(args, &it))
    }),
    function("mustRegexSplit", &[Text, Text, Int], split),
    function("regexQuoteMeta", &[Text], |_, args| {
        let mut out = String::new();
        for it in args.text(0).chars() {
            if r"\.+*?()|[]{}^$".contains(it) {
                out.push('\\');
            }
            out.push(it);
        }
        Ok(Value::text(out))
    }),
];

fn compile(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).map_err(|error| format!("error parsing regexp: {error}: `{pattern}`"))
}

/// What Go's `regexp.MustCompile` panics with.
fn panicked(args: &[Value], error: &str) -> String {
    if error.starts_with("error parsing") {
        format!("regexp: Compile(`{}`): {error}", args.text(0))
    } else {
        error.to_owned()
    }
}

fn find(_: &Call<'_>, args: &[Value]) -> Answer {
    let found = compile(args.text(0))?
        .find(args.text(1))
        .map(|it| Value::text(it.as_str()));
    Ok(found.unwrap_or_else(|| Value::text("")))
}

fn limit(count: i64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn find_all(_: &Call<'_>, args: &[Value]) -> Answer {
    let regex = compile(args.text(0))?;
    let found: Vec<Value> = matches(&regex, args.text(1))
        .take(limit(args.int(2)))
        .map(|it| Value::text(it.as_str()))
        .collect();
    if found.is_empty() {
        return Ok(Value::List(List {
            elements: Elements::Text,
            items: None,
        }));
    }
    Ok(Value::List(List::new(Elements::Text, found)))
}

/// The matches as Go finds them: no empty one where the one before ends.
fn matches<'a>(regex: &'a Regex, text: &'a str) -> impl Iterator<Item = regex_lite::Match<'a>> {
    let mut end = None;
    regex.find_iter(text).filter(move |it| {
        let repeated = it.is_empty() && end == Some(it.start());
        end = Some(it.end());
        !repeated
    })
}

fn replace(_: &Call<'_>, args: &[Value]) -> Answer {
    let regex = compile(args.text(0))?;
    let (text, template) = (args.text(1), args.text(2));
    let mut out = String::new();
    let mut last = 0;
    let mut end = None;
    for found in regex.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        if whole.is_empty() && end == Some(whole.start()) {
            continue;
        }
        end = Some(whole.end());
        out.push_str(text.get(last..whole.start()).unwrap_or_default());
        last = whole.end();
        expand(&mut out, template, &|name| {
            match name.parse::<usize>() {
                Ok(at) => found.get(at),
                Err(_) => found.name(name),
            }
            .map_or("", |it| it.as_str())
        });
        bounded(out.len())?;
    }
    out.push_str(text.get(last..).unwrap_or_default());
    Ok(Value::text(out))
}

/// Go's `Regexp.Expand`: `$1`, `$name`, `${name}`, `$$`.
fn expand<'a>(out: &mut String, template: &str, group: &dyn Fn(&str) -> &'a str) {
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let braced = rest.strip_prefix('{');
        let body = braced.unwrap_or(rest);
        let length = body
            .find(|it: char| !(it.is_alphanumeric() || it == '_'))
            .unwrap_or(body.len());
        let name = body.get(..length).unwrap_or_default();
        let after = body.get(length..).unwrap_or_default();
        let after = if braced.is_some() {
            after.strip_prefix('}')
        } else {
            Some(after)
        };
        match after {
            Some(after) if !name.is_empty() => {
                out.push_str(group(name));
                rest = after;
            }
            _ => out.push('$'),
        }
    }
    out.push_str(rest);
}

fn literal(_: &Call<'_>, args: &[Value]) -> Answer {
    let regex = compile(args.text(0))?;
    let text = args.text(1);
    let mut out = String::new();
    let mut last = 0;
    for found in matches(&regex, text) {
        out.push_str(text.get(last..found.start()).unwrap_or_default());
        out.push_str(args.text(2));
        last = found.end();
        bounded(out.len())?;
    }
    out.push_str(text.get(last..).unwrap_or_default());
    Ok(Value::text(out))
}

/// Go's `Regexp.Split`.
fn split(_: &Call<'_>, args: &[Value]) -> Answer {
    let regex = compile(args.text(0))?;
    let (text, count) = (args.text(1), args.int(2));
    if count == 0 {
        return Ok(Value::List(List {
            elements: Elements::Text,
            items: None,
        }));
    }
    if !args.text(0).is_empty() && text.is_empty() {
        return Ok(Value::texts([""]));
    }
    let limit = limit(count);
    let mut parts: Vec<&str> = Vec::new();
    let mut begin = 0;
    let mut end = 0;
    for found in matches(&regex, text).take(limit) {
        if count > 0 && parts.len() + 1 == limit {
            break;
        }
        end = found.start();
        if found.end() != 0 {
            parts.push(text.get(begin..end).unwrap_or_default());
        }
        begin = found.end();
    }
    if end != text.len() {
        parts.push(text.get(begin..).unwrap_or_default());
    }
    Ok(Value::texts(parts))
}
