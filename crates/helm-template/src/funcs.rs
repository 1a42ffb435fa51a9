//! The functions of templates: Go's own, sprig 3.3 and Helm's, one chapter per file.

use std::rc::Rc;
use std::sync::LazyLock;

use sorted::SortedMap;

use crate::gotmpl::exec::{Budget, Templates};
use crate::object::Object;
use crate::value::{Map, MapKind, Value};

mod builtin;
mod crypto;
mod dates;
mod dicts;
mod encoding;
mod flow;
mod lists;
mod math;
mod paths;
mod random;
mod regex;
mod strings;
mod types;
mod url;
mod versions;

pub(crate) use encoding::yaml;
pub(crate) use flow::WARNING;
pub(crate) use paths::{base, clean};

/// Text longer than this is not made by a function.
pub(crate) const TEXT: usize = 16 << 20;

/// Lists longer than this are not made by a function.
const LENGTH: usize = 1_000_000;

/// A function that templates can call.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    /// What it expects; the last stands for any number of arguments if it is variadic.
    pub(crate) params: &'static [Param],
    pub(crate) variadic: bool,
    pub(crate) body: Body,
}

/// How a function runs.
#[derive(Debug)]
pub(crate) enum Body {
    /// On its evaluated arguments; the error is what Go prints behind `error calling NAME: `.
    Call(fn(&Call<'_>, &[Value]) -> Result<Value, String>),
    /// `and` and `or`: evaluates until an argument has this truth.
    Choice { until: bool },
}

/// What a function can reach beside its arguments.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) budget: &'a Budget,
    pub(crate) templates: &'a Rc<Templates>,
}

/// The Go type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Param {
    /// `interface {}`.
    Any,
    /// `reflect.Value`.
    Reflect,
    Bool,
    Int,
    Float,
    Text,
    /// `map[string]interface {}`.
    Map,
    /// `time.Time`.
    Time,
    /// `*semver.Version`.
    Version,
}

impl Param {
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Reflect => "reflect.Value",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float64",
            Self::Text => "string",
            Self::Map => "map[string]interface {}",
            Self::Time => "time.Time",
            Self::Version => "*semver.Version",
        }
    }

    pub(crate) fn can_be_nil(self) -> bool {
        matches!(self, Self::Any | Self::Reflect | Self::Map | Self::Version)
    }

    pub(crate) fn accepts(self, value: &Value) -> bool {
        match self {
            Self::Any | Self::Reflect => true,
            Self::Bool => matches!(value, Value::Bool(_)),
            Self::Int => matches!(value, Value::Int(_)),
            Self::Float => matches!(value, Value::Float(_)),
            Self::Text => matches!(value, Value::Text(_)),
            Self::Map => matches!(value, Value::Map(it) if it.kind != MapKind::Text),
            Self::Time => matches!(value, Value::Object(it) if matches!(**it, Object::Time(_))),
            Self::Version => {
                matches!(value, Value::Object(it) if matches!(**it, Object::Version(_)))
            }
        }
    }
}

/// Returns the function of a name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    static BY_NAME: LazyLock<SortedMap<&'static str, &'static Function>> = LazyLock::new(|| {
        // Later chapters win: sprig's `slice` hides Go's, Helm's `fromJson` hides sprig's.
        [
            builtin::FUNCTIONS,
            strings::FUNCTIONS,
            lists::FUNCTIONS,
            dicts::FUNCTIONS,
            math::FUNCTIONS,
            encoding::FUNCTIONS,
            regex::FUNCTIONS,
            versions::FUNCTIONS,
            dates::FUNCTIONS,
            crypto::FUNCTIONS,
            types::FUNCTIONS,
            paths::FUNCTIONS,
            url::FUNCTIONS,
            random::FUNCTIONS,
            flow::FUNCTIONS,
        ]
        .into_iter()
        .flatten()
        .map(|it| (it.name, it))
        .collect()
    });
    BY_NAME.get(name).copied()
}

/// What a function answers.
type Answer = Result<Value, String>;

const fn function(
    name: &'static str,
    params: &'static [Param],
    body: fn(&Call<'_>, &[Value]) -> Answer,
) -> Function {
    Function {
        name,
        params,
        variadic: false,
        body: Body::Call(body),
    }
}

const fn variadic(
    name: &'static str,
    params: &'static [Param],
    body: fn(&Call<'_>, &[Value]) -> Answer,
) -> Function {
    Function {
        name,
        params,
        variadic: true,
        body: Body::Call(body),
    }
}

/// Arguments by place. Their types have been checked against the parameters, so that a wrong one cannot come here.
trait Arguments {
    fn any(&self, at: usize) -> &Value;
    fn text(&self, at: usize) -> &str;
    fn int(&self, at: usize) -> i64;
    fn float(&self, at: usize) -> f64;
    /// None is a nil map.
    fn map(&self, at: usize) -> Option<&Map>;
}

impl Arguments for [Value] {
    fn any(&self, at: usize) -> &Value {
        self.get(at).unwrap_or(&Value::Nil)
    }

    fn text(&self, at: usize) -> &str {
        match self.get(at) {
            Some(Value::Text(it)) => it,
            _ => "",
        }
    }

    fn int(&self, at: usize) -> i64 {
        match self.get(at) {
            Some(Value::Int(it) | Value::Int64(it)) => *it,
            _ => 0,
        }
    }

    fn float(&self, at: usize) -> f64 {
        match self.get(at) {
            Some(Value::Float(it)) => *it,
            _ => 0.0,
        }
    }

    fn map(&self, at: usize) -> Option<&Map> {
        match self.get(at) {
            Some(Value::Map(it)) => Some(it),
            _ => None,
        }
    }
}

/// What Go says when it reads through a nil pointer.
pub(crate) const NIL_POINTER: &str =
    "runtime error: invalid memory address or nil pointer dereference";

/// Refuses text that would grow beyond the bound.
/// A count of Go's 64-bit `int` as a size of this machine, whose sizes may have 32 bits (WebAssembly's have): none for a
/// negative one, the largest where it is larger than any.
pub(crate) fn size(count: i64) -> Option<usize> {
    let most = usize::MAX >> 1;
    (count >= 0).then(|| usize::try_from(count).map_or(most, |it| it.min(most)))
}

fn bounded(length: usize) -> Result<(), String> {
    if length > TEXT {
        return Err(format!("the text would be longer than {TEXT} bytes"));
    }
    Ok(())
}
