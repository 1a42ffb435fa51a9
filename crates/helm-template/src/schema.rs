//! Checks values against `values.schema.json`.
//!
//! Knows the keywords of JSON Schema that charts use: `$ref` within the file, `type`, `enum`, `const`, the sizes and limits,
//! `pattern`, `properties`, `patternProperties`, `additionalProperties`, `propertyNames`, `required`, `items`,
//! `prefixItems`, `additionalItems`, `uniqueItems`, `allOf`, `anyOf`, `oneOf`, `not`, `if`; others are passed over, `format`
//! too. Problems read as those of `santhosh-tekuri/jsonschema` v6, which Helm uses, but properties are in order.

use std::fmt::Write as _;

use regex_lite::Regex;
use serde_json::{Map, Value};

use crate::Error;
use crate::chart::Loaded;
use crate::gotmpl::quote::quote as go_quote;

#[cfg(test)]
mod tests;

/// Schemas applied within one another more often are refused.
const DEPTH: u32 = 100;

/// Checks the values of a chart and its subcharts.
pub(crate) fn validate(chart: &Loaded, values: &Map<String, Value>) -> Result<(), Error> {
    let mut problems = String::new();
    collect(chart, values, &mut problems);
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::new(format!(
        "values don't meet the specifications of the schema(s) in the following chart(s):\n{problems}"
    )))
}

fn collect(chart: &Loaded, values: &Map<String, Value>, problems: &mut String) {
    let name = &chart.metadata.name;
    if let Some(schema) = &chart.schema {
        let found = match serde_json::from_str::<Value>(schema) {
            Ok(schema) => check(&schema, &Value::Object(values.clone())),
            Err(error) => Some(error.to_string()),
        };
        if let Some(found) = found {
            // Writing into a String cannot fail.
            let _ = write!(problems, "{name}:\n{found}\n");
        }
    }
    for subchart in &chart.dependencies {
        match values.get(&subchart.metadata.name) {
            None | Some(Value::Null) => {}
            Some(Value::Object(inner)) => collect(subchart, inner, problems),
            Some(other) => {
                let name = &subchart.metadata.name;
                let found = crate::value::Value::from_json(other).type_name();
                let _ = write!(
                    problems,
                    "{name}:\ninvalid type for values: expected object (map), got {found}\n"
                );
            }
        }
    }
}

/// Checks one value; returns all problems as lines.
fn check(schema: &Value, value: &Value) -> Option<String> {
    let legacy = schema
        .get("$schema")
        .and_then(Value::as_str)
        .is_some_and(|it| {
            ["draft-04", "draft-06", "draft-07"]
                .iter()
                .any(|draft| it.contains(draft))
        });
    let checker = Checker {
        root: schema,
        legacy,
    };
    let problem = checker.validate(schema, value, &[], DEPTH)?;
    let mut out = String::new();
    let causes = if problem.is_group {
        problem.causes
    } else {
        vec![problem]
    };
    for cause in &causes {
        cause.print(&mut out, 0);
    }
    Some(out.trim_start_matches('\n').to_owned())
}

struct Problem {
    /// Where in the values, as a JSON pointer.
    place: String,
    message: String,
    /// Only holds several problems of one place together.
    is_group: bool,
    is_reference: bool,
    causes: Vec<Problem>,
}

impl Problem {
    fn print(&self, out: &mut String, indent: usize) {
        let mut deeper = indent;
        if !(self.is_reference && self.causes.len() == 1) {
            let pad = "  ".repeat(indent);
            // Writing into a String cannot fail.
            let _ = write!(out, "\n{pad}- at {}: {}", quote(&self.place), self.message);
            deeper += 1;
        }
        for cause in &self.causes {
            cause.print(out, deeper);
        }
    }
}

/// Go's quoting with single quotes.
fn quote(text: &str) -> String {
    let quoted = go_quote(text).replace("\\\"", "\"").replace('\'', "\\'");
    let inner = quoted.get(1..quoted.len() - 1).unwrap_or_default();
    format!("'{inner}'")
}

fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(quote).collect();
    names.join(", ")
}

struct Checker<'a> {
    root: &'a Value,
    /// Keywords beside `$ref` do not count.
    legacy: bool,
}

/// The problems of one value against one schema.
struct Found {
    place: String,
    problems: Vec<Problem>,
}

impl Found {
    fn add(&mut self, message: impl Into<String>) {
        self.add_with(message, Vec::new());
    }

    fn add_with(&mut self, message: impl Into<String>, causes: Vec<Problem>) {
        self.problems.push(Problem {
            place: self.place.clone(),
            message: message.into(),
            is_group: false,
            is_reference: false,
            causes,
        });
    }

    fn done(mut self) -> Option<Problem> {
        if self.problems.len() < 2 {
            return self.problems.pop();
        }
        Some(Problem {
            place: self.place,
            message: "validation failed".to_owned(),
            is_group: true,
            is_reference: false,
            causes: self.problems,
        })
    }
}

impl Checker<'_> {
    fn validate(
        &self,
        schema: &Value,
        value: &Value,
        path: &[&str],
        depth: u32,
    ) -> Option<Problem> {
        let place = path.iter().fold(String::new(), |place, it| {
            place + "/" + &it.replace('~', "~0").replace('/', "~1")
        });
        let mut found = Found {
            place,
            problems: Vec::new(),
        };
        let Some(depth) = depth.checked_sub(1) else {
            found.add("the schema refers to itself too deeply");
            return found.done();
        };
        let schema = match schema {
            Value::Bool(false) => {
                found.add("false schema");
                return found.done();
            }
            Value::Object(it) => it,
            _ => return None,
        };
        if refused_at_once(schema, value, &mut found) {
            return found.done();
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            match self.resolve(reference) {
                None => found.add(format!("cannot resolve {}", quote(reference))),
                Some(target) => {
                    if let Some(problem) = self.validate(target, value, path, depth) {
                        let causes = if problem.is_group {
                            problem.causes
                        } else {
                            vec![problem]
                        };
                        found.add_with("validation failed", causes);
                        if let Some(last) = found.problems.last_mut() {
                            last.is_reference = true;
                        }
                    }
                }
            }
            if self.legacy {
                return found.done();
            }
        }
        match value {
            Value::Object(it) => self.object(schema, it, path, depth, &mut found),
            Value::Array(it) => self.array(schema, it, path, depth, &mut found),
            Value::String(it) => text(schema, it, &mut found),
            Value::Number(it) => number(schema, it.as_f64().unwrap_or(f64::NAN), &mut found),
            Value::Null | Value::Bool(_) => {}
        }
        self.conditions(schema, value, path, depth, &mut found);
        found.done()
    }

    /// Follows a reference within the schema.
    fn resolve(&self, reference: &str) -> Option<&Value> {
        let pointer = reference.strip_prefix('#')?;
        self.root.pointer(pointer)
    }

    fn object(
        &self,
        schema: &Map<String, Value>,
        value: &Map<String, Value>,
        path: &[&str],
        depth: u32,
        found: &mut Found,
    ) {
        size(schema, "minProperties", "maxProperties", value.len(), found);
        let required = schema.get("required").and_then(Value::as_array);
        let missing: Vec<&str> = required
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .filter(|it| !value.contains_key(*it))
            .collect();
        match missing.as_slice() {
            [] => {}
            [one] => found.add(format!("missing property {}", quote(one))),
            _ => found.add(format!("missing properties {}", quoted(missing))),
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        let mut additional = Vec::new();
        for (name, inner) in value {
            let below: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
            let mut evaluated = false;
            if let Some(schema) = properties.and_then(|it| it.get(name)) {
                evaluated = true;
                found
                    .problems
                    .extend(self.validate(schema, inner, &below, depth));
            }
            for (pattern, schema) in patterns.into_iter().flatten() {
                if Regex::new(pattern).is_ok_and(|it| it.is_match(name)) {
                    evaluated = true;
                    found
                        .problems
                        .extend(self.validate(schema, inner, &below, depth));
                }
            }
            match schema.get("additionalProperties") {
                Some(Value::Bool(false)) if !evaluated => additional.push(name.as_str()),
                Some(schema @ Value::Object(_)) if !evaluated => {
                    found
                        .problems
                        .extend(self.validate(schema, inner, &below, depth));
                }
                _ => {}
            }
            if let Some(schema) = schema.get("propertyNames")
                && self
                    .validate(schema, &Value::String(name.clone()), path, depth)
                    .is_some()
            {
                found.add(format!("invalid propertyName {}", quote(name)));
            }
        }
        if !additional.is_empty() {
            found.add(format!(
                "additional properties {} not allowed",
                quoted(additional)
            ));
        }
    }

    fn array(
        &self,
        schema: &Map<String, Value>,
        value: &[Value],
        path: &[&str],
        depth: u32,
        found: &mut Found,
    ) {
        size(schema, "minItems", "maxItems", value.len(), found);
        if schema.get("uniqueItems") == Some(&Value::Bool(true)) {
            let twins = (1..value.len()).find_map(|at| {
                let first = value
                    .iter()
                    .take(at)
                    .position(|it| value.get(at).is_some_and(|other| same(it, other)))?;
                Some((first, at))
            });
            if let Some((first, second)) = twins {
                found.add(format!("items at {first} and {second} are equal"));
            }
        }
        let items = schema.get("items");
        let (front, rest) = match items {
            Some(Value::Array(front)) => (Some(front), schema.get("additionalItems")),
            _ => (schema.get("prefixItems").and_then(Value::as_array), items),
        };
        let front = front.map_or(&[][..], Vec::as_slice);
        if rest == Some(&Value::Bool(false)) && value.len() > front.len() {
            found.add(format!(
                "last {} additionalItem(s) not allowed",
                value.len() - front.len()
            ));
            return;
        }
        for (at, item) in value.iter().enumerate() {
            if let Some(schema) = front.get(at).or(rest) {
                let at = at.to_string();
                let below: Vec<&str> = path.iter().copied().chain([at.as_str()]).collect();
                found
                    .problems
                    .extend(self.validate(schema, item, &below, depth));
            }
        }
    }

    fn conditions(
        &self,
        schema: &Map<String, Value>,
        value: &Value,
        path: &[&str],
        depth: u32,
        found: &mut Found,
    ) {
        let list = |name: &str| schema.get(name).and_then(Value::as_array);
        let check = |schema: &Value| self.validate(schema, value, path, depth);
        if let Some(not) = schema.get("not")
            && check(not).is_none()
        {
            found.add("'not' failed");
        }
        if let Some(all) = list("allOf") {
            let problems: Vec<Problem> = all.iter().filter_map(check).collect();
            if !problems.is_empty() {
                found.add_with("'allOf' failed", problems);
            }
        }
        if let Some(any) = list("anyOf") {
            let problems: Vec<Problem> = any.iter().map_while(check).collect();
            if problems.len() == any.len() {
                found.add_with("'anyOf' failed", problems);
            }
        }
        if let Some(one) = list("oneOf") {
            let checked: Vec<Option<Problem>> = one.iter().map(check).collect();
            let mut matched = checked
                .iter()
                .enumerate()
                .filter(|(_, it)| it.is_none())
                .map(|(at, _)| at);
            match (matched.next(), matched.next()) {
                (None, _) => found.add_with(
                    "'oneOf' failed, none matched",
                    checked.into_iter().flatten().collect(),
                ),
                (Some(first), Some(second)) => found.add(format!(
                    "'oneOf' failed, subschemas {first}, {second} matched"
                )),
                (Some(_), None) => {}
            }
        }
        if let Some(condition) = schema.get("if") {
            let branch = if check(condition).is_none() {
                "then"
            } else {
                "else"
            };
            found.problems.extend(schema.get(branch).and_then(check));
        }
    }
}

/// Checks what stands alone if it fails: `type`, `const`, `enum`.
fn refused_at_once(schema: &Map<String, Value>, value: &Value, found: &mut Found) -> bool {
    let wanted: Vec<&str> = match schema.get("type") {
        Some(Value::String(it)) => vec![it],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let own = type_name(value);
    let is_integer = value.as_f64().is_some_and(|it| it.fract() == 0.0);
    let matched =
        wanted.is_empty() || wanted.contains(&own) || (is_integer && wanted.contains(&"integer"));
    if !matched {
        // The library keeps types as a set, in this order.
        let order = [
            "null", "boolean", "number", "integer", "string", "array", "object",
        ];
        let named: Vec<&str> = order.into_iter().filter(|it| wanted.contains(it)).collect();
        found.add(format!("got {own}, want {}", named.join(" or ")));
        return true;
    }
    if let Some(constant) = schema.get("const")
        && !same(constant, value)
    {
        found.add(match constant {
            Value::Array(_) | Value::Object(_) => "'const' failed".to_owned(),
            other => format!("value must be {}", display(other)),
        });
        return true;
    }
    if let Some(Value::Array(allowed)) = schema.get("enum")
        && !allowed.iter().any(|it| same(it, value))
    {
        let simple = !allowed.iter().any(|it| it.is_array() || it.is_object());
        found.add(match allowed.as_slice() {
            [one] if simple => format!("value must be {}", display(one)),
            all if simple => {
                let all: Vec<String> = all.iter().map(display).collect();
                format!("value must be one of {}", all.join(", "))
            }
            _ => "'enum' failed".to_owned(),
        });
        return true;
    }
    false
}

fn text(schema: &Map<String, Value>, value: &str, found: &mut Found) {
    size(
        schema,
        "minLength",
        "maxLength",
        value.chars().count(),
        found,
    );
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
        && Regex::new(pattern).is_ok_and(|it| !it.is_match(value))
    {
        found.add(format!(
            "{} does not match pattern {}",
            quote(value),
            quote(pattern)
        ));
    }
}

fn number(schema: &Map<String, Value>, value: f64, found: &mut Found) {
    let mut limit = |name: &str, holds: &dyn Fn(f64) -> bool| {
        if let Some(wanted) = schema.get(name).and_then(Value::as_f64)
            && !holds(wanted)
        {
            found.add(format!("{name}: got {value}, want {wanted}"));
        }
    };
    limit("minimum", &|it| value >= it);
    limit("maximum", &|it| value <= it);
    limit("exclusiveMinimum", &|it| value > it);
    limit("exclusiveMaximum", &|it| value < it);
    limit("multipleOf", &|it| (value / it).fract() == 0.0);
}

fn size(schema: &Map<String, Value>, min: &str, max: &str, size: usize, found: &mut Found) {
    let limit = |name: &str| {
        let wanted = schema.get(name).and_then(Value::as_f64)?;
        crate::funcs::size(crate::number::whole(wanted)?)
    };
    if let Some(wanted) = limit(min).filter(|it| size < *it) {
        found.add(format!("{min}: got {size}, want {wanted}"));
    }
    if let Some(wanted) = limit(max).filter(|it| size > *it) {
        found.add(format!("{max}: got {size}, want {wanted}"));
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn display(value: &Value) -> String {
    match value {
        Value::String(it) => quote(it),
        Value::Null => "<nil>".to_owned(),
        Value::Array(_) | Value::Object(_) => "value".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Compares data; numbers by value.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && same(a, b))
        }
        _ => a == b,
    }
}
