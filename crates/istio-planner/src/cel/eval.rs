//! From a tree to a value.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::parse::{Expression, parse};
use super::{Error, Variables};

type Evaluated = Result<Value, Error>;

/// The key under which an absent optional value is kept; no object of Kubernetes has it.
const ABSENT: &str = "\u{0}absent";

/// How many steps an expression may take.
const STEPS: u32 = 200_000;

/// Names and what they stand for.
pub(super) struct Scope<'a> {
    variables: &'a Variables,
    composed: &'a [(String, String)],
    /// Of macros, the innermost last.
    bound: Vec<(String, Value)>,
    steps: u32,
    /// Composed variables that are being evaluated.
    depth: u32,
}

fn unknown(what: impl Into<String>) -> Error {
    Error::Unknown(what.into())
}

fn failed(what: impl Into<String>) -> Error {
    Error::Failed(what.into())
}

fn absent() -> Value {
    Value::Object(Map::from_iter([(ABSENT.to_owned(), Value::Null)]))
}

fn is_absent(value: &Value) -> bool {
    value.as_object().is_some_and(|it| it.contains_key(ABSENT))
}

impl<'a> Scope<'a> {
    pub(super) fn new(variables: &'a Variables, composed: &'a [(String, String)]) -> Self {
        Self {
            variables,
            composed,
            bound: Vec::new(),
            steps: 0,
            depth: 0,
        }
    }

    pub(super) fn value(&mut self, expression: &Expression) -> Evaluated {
        self.steps += 1;
        if self.steps > STEPS {
            return Err(unknown("an expression that takes too many steps"));
        }
        match expression {
            Expression::Literal(value) => Ok(value.clone()),
            Expression::Name(name) => self.name(name),
            Expression::List(list) => list.iter().map(|it| self.value(it)).collect(),
            Expression::Map(entries) => {
                let mut map = Map::new();
                for (key, value) in entries {
                    let Value::String(key) = self.value(key)? else {
                        return Err(unknown("a map whose keys are no strings"));
                    };
                    map.insert(key, self.value(value)?);
                }
                Ok(Value::Object(map))
            }
            Expression::Field(of, name, optional) => self.field(of, name, *optional),
            Expression::Index(of, index, optional) => {
                let of = self.value(of)?;
                let index = self.value(index)?;
                if is_absent(&of) {
                    return Ok(of);
                }
                let found = match (&of, &index) {
                    (Value::Array(list), Value::Number(at)) => at
                        .as_u64()
                        .and_then(|it| list.get(usize::try_from(it).ok()?)),
                    (Value::Object(map), Value::String(key)) => map.get(key),
                    _ => None,
                };
                match found {
                    Some(found) => Ok(found.clone()),
                    None if *optional => Ok(absent()),
                    None => Err(failed(format!("no such key: {index}"))),
                }
            }
            Expression::Call(of, name, arguments) => self.call(of.as_deref(), name, arguments),
            Expression::Not(expression) => match self.value(expression)? {
                Value::Bool(expression) => Ok((!expression).into()),
                _ => Err(failed("`!` of what is neither true nor false")),
            },
            Expression::Minus(expression) => match self.value(expression)? {
                Value::Number(expression) => number(-expression.as_f64().unwrap_or_default()),
                _ => Err(failed("`-` of what is no number")),
            },
            Expression::Binary("&&", left, right) => self.logical(left, right, false),
            Expression::Binary("||", left, right) => self.logical(left, right, true),
            Expression::Binary(sign, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                binary(sign, &left, &right)
            }
            Expression::Choice(condition, yes, no) => match self.value(condition)? {
                Value::Bool(true) => self.value(yes),
                Value::Bool(false) => self.value(no),
                _ => Err(failed("a condition that is neither true nor false")),
            },
        }
    }

    fn name(&mut self, name: &str) -> Evaluated {
        let bound = self.bound.iter().rev().find(|it| it.0 == name);
        if let Some((_, value)) = bound {
            return Ok(value.clone());
        }
        self.variables
            .get(name)
            .cloned()
            .ok_or_else(|| unknown(format!("`{name}`")))
    }

    fn field(&mut self, of: &Expression, name: &str, optional: bool) -> Evaluated {
        if matches!(of, Expression::Name(it) if it == "variables") {
            return self.variable(name);
        }
        let of = self.value(of)?;
        if is_absent(&of) {
            return Ok(of);
        }
        match of.get(name) {
            Some(found) => Ok(found.clone()),
            None if optional => Ok(absent()),
            None => Err(failed(format!("no such key: {name}"))),
        }
    }

    fn variable(&mut self, name: &str) -> Evaluated {
        let (_, text) = self
            .composed
            .iter()
            .find(|it| it.0 == name)
            .ok_or_else(|| unknown(format!("`variables.{name}`")))?;
        self.depth += 1;
        if self.depth > 8 {
            return Err(unknown("variables that are too deep in each other"));
        }
        let bound = std::mem::take(&mut self.bound);
        let value = parse(text).and_then(|it| self.value(&it));
        self.bound = bound;
        self.depth -= 1;
        value
    }

    /// An error on one side does not matter where the other side decides.
    fn logical(&mut self, left: &Expression, right: &Expression, decides: bool) -> Evaluated {
        let left = self.value(left);
        if left == Ok(Value::Bool(decides)) {
            return left;
        }
        let right = self.value(right);
        if right == Ok(Value::Bool(decides)) {
            return right;
        }
        match (left?, right?) {
            (Value::Bool(_), right @ Value::Bool(_)) => Ok(right),
            _ => Err(failed("`&&` or `||` of what is neither true nor false")),
        }
    }

    fn call(&mut self, of: Option<&Expression>, name: &str, arguments: &[Expression]) -> Evaluated {
        match (of, name, arguments) {
            (None, "has", [Expression::Field(inner, field, _)]) => {
                let inner = self.value(inner)?;
                Ok(inner.get(field).is_some_and(|it| !it.is_null()).into())
            }
            (Some(of), "all" | "exists" | "exists_one" | "filter" | "map", _) => {
                self.macros(of, name, arguments)
            }
            (of, _, _) => {
                let of = of.map(|it| self.value(it)).transpose()?;
                let arguments = arguments
                    .iter()
                    .map(|it| self.value(it))
                    .collect::<Result<Vec<_>, _>>()?;
                function(of.as_ref(), name, &arguments)
            }
        }
    }

    fn macros(&mut self, of: &Expression, name: &str, arguments: &[Expression]) -> Evaluated {
        let [Expression::Name(variable), rest @ ..] = arguments else {
            return Err(unknown(format!("`{name}` in this form")));
        };
        let (condition, result) = match (name, rest) {
            ("map", [result]) => (None, Some(result)),
            ("map", [condition, result]) => (Some(condition), Some(result)),
            (_, [condition]) => (Some(condition), None),
            _ => return Err(unknown(format!("`{name}` in this form"))),
        };
        let items: Vec<Value> = match self.value(of)? {
            Value::Array(list) => list,
            Value::Object(map) => map.keys().cloned().map(Value::from).collect(),
            _ => return Err(failed(format!("`{name}` of what is no list"))),
        };
        let mut met = 0_usize;
        let mut kept = Vec::new();
        let mut error = None;
        let total = items.len();
        for item in items {
            self.bound.push((variable.clone(), item.clone()));
            let holds = condition.map_or(Ok(Value::Bool(true)), |it| self.value(it));
            let outcome = holds.and_then(|it| {
                let holds = it == Value::Bool(true);
                let value = match result {
                    Some(result) if holds => self.value(result)?,
                    _ => item,
                };
                Ok((holds, value))
            });
            self.bound.pop();
            match outcome {
                Ok((true, value)) => {
                    met += 1;
                    kept.push(value);
                }
                Ok((false, _)) if name == "all" => return Ok(false.into()),
                Ok((false, _)) => {}
                Err(it) => error = Some(it),
            }
            if name == "exists" && met > 0 {
                return Ok(true.into());
            }
        }
        if let Some(error) = error {
            return Err(error);
        }
        Ok(match name {
            "all" => (met == total).into(),
            "exists" => false.into(),
            "exists_one" => (met == 1).into(),
            _ => kept.into(),
        })
    }
}

fn number(value: f64) -> Evaluated {
    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
    if value.fract() == 0.0 && value.abs() < 9e15 {
        return Ok((value as i64).into());
    }
    serde_json::Number::from_f64(value)
        .map(Value::from)
        .ok_or_else(|| failed("no number"))
}

fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        _ => left == right,
    }
}

fn binary(sign: &str, left: &Value, right: &Value) -> Evaluated {
    if is_absent(left) || is_absent(right) {
        return Err(unknown("an optional value that is compared"));
    }
    match (sign, left, right) {
        ("==", _, _) => Ok(same(left, right).into()),
        ("!=", _, _) => Ok((!same(left, right)).into()),
        ("in", _, Value::Array(list)) => Ok(list.iter().any(|it| same(it, left)).into()),
        ("in", Value::String(key), Value::Object(map)) => Ok(map.contains_key(key).into()),
        ("+", Value::String(a), Value::String(b)) => Ok(format!("{a}{b}").into()),
        ("+", Value::Array(a), Value::Array(b)) => Ok([a.as_slice(), b].concat().into()),
        (_, Value::Number(a), Value::Number(b)) => {
            let whole = a.as_i64().is_some() && b.as_i64().is_some();
            let (a, b) = (
                a.as_f64().unwrap_or_default(),
                b.as_f64().unwrap_or_default(),
            );
            match sign {
                "+" => number(a + b),
                "-" => number(a - b),
                "*" => number(a * b),
                "/" | "%" if b == 0.0 => Err(failed("division by zero")),
                "/" => number(if whole { (a / b).trunc() } else { a / b }),
                "%" => number(a % b),
                _ => order(sign, a.partial_cmp(&b)),
            }
        }
        (_, Value::String(a), Value::String(b)) => order(sign, Some(a.cmp(b))),
        _ => Err(failed(format!("`{sign}` of these types"))),
    }
}

fn order(sign: &str, order: Option<Ordering>) -> Evaluated {
    let order = order.ok_or_else(|| failed("no order"))?;
    Ok(match sign {
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        _ => return Err(failed(format!("`{sign}` of these types"))),
    }
    .into())
}

fn function(of: Option<&Value>, name: &str, arguments: &[Value]) -> Evaluated {
    let length = |it: &Value| match it {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(list) => Some(list.len()),
        Value::Object(map) => Some(map.len()),
        _ => None,
    };
    match (of, name, arguments) {
        (Some(it), "size", []) | (None, "size", [it]) => length(it)
            .map(Value::from)
            .ok_or_else(|| failed("`size` of this type")),
        (Some(it), "orValue", [other]) => Ok(if is_absent(it) { other } else { it }.clone()),
        (Some(it), "hasValue", []) => Ok((!is_absent(it)).into()),
        (Some(it), "value", []) if !is_absent(it) => Ok(it.clone()),
        (Some(it), "value", []) => Err(failed(format!("no value in {it}"))),
        (Some(Value::String(text)), _, _) => of_text(text, name, arguments),
        (Some(Value::Array(list)), "join", rest) => {
            let between = rest.first().and_then(Value::as_str).unwrap_or_default();
            let texts: Vec<_> = list.iter().filter_map(Value::as_str).collect();
            Ok(texts.join(between).into())
        }
        (None, "string", [Value::String(text)]) => Ok(text.clone().into()),
        (None, "string", [it @ (Value::Number(_) | Value::Bool(_))]) => Ok(it.to_string().into()),
        (None, "int", [Value::String(text)]) => text
            .parse::<i64>()
            .map(Value::from)
            .map_err(|_| failed("`int` of what is no number")),
        (None, "int", [it @ Value::Number(_)]) => number(it.as_f64().unwrap_or_default().trunc()),
        _ => Err(unknown(format!("`{name}()`"))),
    }
}

fn of_text(text: &str, name: &str, arguments: &[Value]) -> Evaluated {
    let place = |it: &Value| it.as_u64().and_then(|it| usize::try_from(it).ok());
    match (name, arguments) {
        ("startsWith", [Value::String(it)]) => Ok(text.starts_with(it).into()),
        ("endsWith", [Value::String(it)]) => Ok(text.ends_with(it).into()),
        ("contains", [Value::String(it)]) => Ok(text.contains(it).into()),
        ("matches", [Value::String(it)]) => regex_lite::Regex::new(it)
            .map(|it| it.is_match(text).into())
            .map_err(|_| unknown(format!("the pattern {it}"))),
        ("lowerAscii", []) => Ok(text.to_ascii_lowercase().into()),
        ("upperAscii", []) => Ok(text.to_ascii_uppercase().into()),
        ("trim", []) => Ok(text.trim().into()),
        ("replace", [Value::String(from), Value::String(to)]) => Ok(text.replace(from, to).into()),
        ("split", [Value::String(at)]) => Ok(text.split(at.as_str()).collect()),
        ("indexOf", [Value::String(it)]) => {
            let at = text.find(it).map(|at| text[..at].chars().count());
            Ok(at
                .and_then(|it| i64::try_from(it).ok())
                .unwrap_or(-1)
                .into())
        }
        ("substring", [from, rest @ ..]) => {
            let from = place(from).ok_or_else(|| failed("`substring` of this place"))?;
            let to = rest.first().and_then(place).unwrap_or(usize::MAX);
            let taken = text.chars().skip(from).take(to.saturating_sub(from));
            Ok(taken.collect::<String>().into())
        }
        _ => Err(unknown(format!("`{name}()`"))),
    }
}
