//! Defaults, choices, and Helm's functions that run templates or stop them.

use std::rc::Rc;
use std::sync::Arc;

use super::Param::{Any, Bool, Text};
use super::{Answer, Arguments, Call, Function, function, variadic};
use crate::gotmpl::exec::{Templates, execute};
use crate::gotmpl::parse::parse;
use crate::gotmpl::quote::quote;
use crate::value::{Entries, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    variadic("default", &[Any, Any], |_, args| {
        Ok(match args.get(1) {
            Some(given) if given.truth() => given.clone(),
            _ => args.any(0).clone(),
        })
    }),
    function("empty", &[Any], |_, args| {
        Ok(Value::Bool(!args.any(0).truth()))
    }),
    variadic("coalesce", &[Any], |_, args| {
        Ok(args
            .iter()
            .find(|it| it.truth())
            .cloned()
            .unwrap_or(Value::Nil))
    }),
    variadic("all", &[Any], |_, args| {
        Ok(Value::Bool(args.iter().all(Value::truth)))
    }),
    variadic("any", &[Any], |_, args| {
        Ok(Value::Bool(args.iter().any(Value::truth)))
    }),
    function("ternary", &[Any, Any, Bool], |_, args| {
        let at = usize::from(!args.any(2).truth());
        Ok(args.any(at).clone())
    }),
    function("fail", &[Text], |_, args| Err(warning(args.text(0)))),
    function("required", &[Text, Any], |_, args| match args.any(1) {
        Value::Missing | Value::Nil => Err(warning(args.text(0))),
        Value::Text(it) if it.is_empty() => Err(warning(args.text(0))),
        value => Ok(value.clone()),
    }),
    function("include", &[Text, Any], include),
    function("tpl", &[Text, Any], tpl),
    function("lookup", &[Text, Text, Text, Text], |_, _| {
        Ok(Value::map(Entries::new()))
    }),
    function("getHostByName", &[Text], |_, _| Ok(Value::text(""))),
    function("hello", &[], |_, _| Ok(Value::text("Hello!"))),
];

/// The marks around the words of `fail` and `required`; [`crate::render`] takes them out of the chain of errors.
pub(crate) const WARNING: (&str, &str) = ("HELM_ERR_START", "HELM_ERR_END");

fn warning(message: &str) -> String {
    format!("{}{message}{}", WARNING.0, WARNING.1)
}

/// How often a template may be included within itself (`helm v3.21:pkg/engine/engine.go`, `recursionMaxNums`).
const NESTED: u32 = 1000;

fn include(call: &Call<'_>, args: &[Value]) -> Answer {
    let name = args.text(0);
    let key: Arc<str> = name.into();
    {
        let mut included = call.budget.included.borrow_mut();
        let count = included.entry(Arc::clone(&key)).or_insert(0);
        if *count > NESTED {
            return Err(format!(
                "rendering template has a nested reference name: {name}: unable to execute template"
            ));
        }
        *count += 1;
    }
    let result = run(call, name, args.any(1));
    if let Some(count) = call.budget.included.borrow_mut().get_mut(&key) {
        *count -= 1;
    }
    result.map(Value::text)
}

fn run(call: &Call<'_>, name: &str, data: &Value) -> Result<String, String> {
    let Some(tree) = call.templates.get(name) else {
        return Err(format!(
            "template: no template {} associated with template \"gotpl\"",
            quote(name)
        ));
    };
    let mut out = String::new();
    execute(call.budget, call.templates, tree, &passed(data), &mut out)?;
    Ok(out)
}

/// Data that went through an `interface {}` parameter: nil arrives as no value.
fn passed(data: &Value) -> Value {
    match data {
        Value::Nil => Value::Missing,
        other => other.clone(),
    }
}

/// What a message shows of a template: not more than a page, for each `tpl` within another adds its own.
fn start(text: &str) -> &str {
    let mut end = text.len().min(2_000);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn tpl(call: &Call<'_>, args: &[Value]) -> Answer {
    let text = args.text(0);
    let trees = parse("gotpl", text)
        .map_err(|error| format!("cannot parse template {}: {error}", quote(start(text))))?;
    let mut templates: Templates = call.templates.as_ref().clone();
    crate::templates::add(&mut templates, trees);
    let templates = Rc::new(templates);
    let Some(tree) = templates.get("gotpl") else {
        return Ok(Value::text(""));
    };
    let mut out = String::new();
    execute(
        call.budget,
        &templates,
        tree,
        &passed(args.any(1)),
        &mut out,
    )
    .map_err(|error| {
        format!(
            "error during tpl function execution for {}: {error}",
            quote(start(text))
        )
    })?;
    Ok(Value::text(out.replace("<no value>", "")))
}
