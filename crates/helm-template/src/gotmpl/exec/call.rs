//! Calls: arguments evaluated for the types that are expected.

use std::sync::Arc;

use super::{At, Seen, State};
use crate::funcs::{Body, Call, Function, Param};
use crate::gotmpl::node::{Operand, Term};
use crate::value::Value;

impl<'t> State<'t> {
    #[expect(
        clippy::too_many_arguments,
        reason = "a call of a method has these parts"
    )]
    pub(super) fn method(
        &mut self,
        dot: &Seen,
        receiver: &Seen,
        method: crate::object::Method,
        name: &str,
        operand: &'t Operand,
        rest: &'t [Operand],
        piped: Option<Value>,
    ) -> Result<Seen, String> {
        let arguments = self.arguments(dot, name, method.params(), false, rest, piped)?;
        self.charge(self.budget.costs.call())?;
        self.charge(self.budget.costs.before(name, &arguments))?;
        match method.call(&receiver.value, &arguments) {
            Ok(value) => {
                self.charge(self.budget.costs.after(name, &arguments, &value))?;
                Ok(Seen::plain(value))
            }
            Err(message) => {
                self.at = Some(At::Operand(operand));
                self.fail(format_args!("error calling {name}: {message}"))
            }
        }
    }

    pub(super) fn function(
        &mut self,
        dot: &Seen,
        function: &'static Function,
        at: At<'t>,
        rest: &'t [Operand],
        piped: Option<Value>,
    ) -> Result<Seen, String> {
        let name = function.name;
        let body = match function.body {
            Body::Choice { until } => {
                if rest.is_empty() && piped.is_none() {
                    return self.fail(format_args!(
                        "wrong number of args for {name}: want at least 1 got 0"
                    ));
                }
                let mut value = Value::Missing;
                for operand in rest {
                    value = self.argument(dot, Param::Reflect, operand)?;
                    if value.truth() == until {
                        return Ok(Seen::plain(value));
                    }
                }
                return Ok(Seen::plain(piped.unwrap_or(value)));
            }
            Body::Call(body) => body,
        };
        let arguments =
            self.arguments(dot, name, function.params, function.variadic, rest, piped)?;
        let call = Call {
            budget: self.budget,
            templates: self.templates,
        };
        let costs = &self.budget.costs;
        self.at = Some(at);
        self.charge(costs.before(name, &arguments))?;
        self.enter()?;
        let result = body(&call, &arguments);
        self.leave();
        self.at = Some(at);
        match result {
            Ok(value) => {
                self.charge(costs.after(name, &arguments, &value))?;
                Ok(Seen::plain(value))
            }
            Err(message) => self.fail(format_args!("error calling {name}: {message}")),
        }
    }

    /// Evaluates the arguments of a call for the types that are expected.
    fn arguments(
        &mut self,
        dot: &Seen,
        name: &str,
        params: &'static [Param],
        variadic: bool,
        rest: &'t [Operand],
        piped: Option<Value>,
    ) -> Result<Vec<Value>, String> {
        let count = rest.len() + usize::from(piped.is_some());
        let fixed = if variadic {
            params.len().saturating_sub(1)
        } else {
            params.len()
        };
        if variadic && count < fixed {
            return self.fail(format_args!(
                "wrong number of args for {name}: want at least {fixed} got {}",
                rest.len()
            ));
        }
        if !variadic && count != fixed {
            return self.fail(format_args!(
                "wrong number of args for {name}: want {fixed} got {count}"
            ));
        }
        let expected = |at: usize| {
            params
                .get(at)
                .or(params.last())
                .copied()
                .unwrap_or(Param::Any)
        };
        let mut arguments = Vec::with_capacity(count);
        for (at, operand) in rest.iter().enumerate() {
            arguments.push(self.argument(dot, expected(at), operand)?);
        }
        if let Some(value) = piped {
            let at = rest.len();
            arguments.push(self.validate(Seen::plain(value), expected(at))?);
        }
        Ok(arguments)
    }

    fn argument(
        &mut self,
        dot: &Seen,
        param: Param,
        operand: &'t Operand,
    ) -> Result<Value, String> {
        self.at = Some(At::Operand(operand));
        match &operand.term {
            Term::Nil => {
                if param.can_be_nil() {
                    return Ok(Value::Nil);
                }
                return self.fail(format_args!("cannot assign nil to {}", param.type_name()));
            }
            Term::Dot
            | Term::Field(_)
            | Term::Variable(_)
            | Term::Pipe(_)
            | Term::Function(_)
            | Term::Chain(..) => {
                let seen = self.operand(dot, operand)?;
                return self.validate(seen, param);
            }
            Term::Bool(_) | Term::Number(_) | Term::Text { .. } => {}
        }
        let number = match &operand.term {
            Term::Number(it) => Some(it),
            _ => None,
        };
        match (param, &operand.term) {
            (Param::Any | Param::Reflect, _) => self.operand(dot, operand).map(|it| it.value),
            (Param::Bool, Term::Bool(it)) => Ok(Value::Bool(*it)),
            (Param::Bool, _) => self.fail(format_args!("expected bool; found {operand}")),
            (Param::Text, Term::Text { text, .. }) => Ok(Value::Text(Arc::clone(text))),
            (Param::Text, _) => self.fail(format_args!("expected string; found {operand}")),
            (Param::Int, _) => match number.and_then(|it| it.int) {
                Some(it) => Ok(Value::Int(it)),
                None => self.fail(format_args!("expected integer; found {operand}")),
            },
            (Param::Float, _) => match number.and_then(|it| it.float) {
                Some(it) => Ok(Value::Float(it)),
                None => self.fail(format_args!("expected float; found {operand}")),
            },
            (Param::Map | Param::Time | Param::Version, _) => self.fail(format_args!(
                "can't handle {operand} for arg of type {}",
                param.type_name()
            )),
        }
    }

    fn validate(&self, seen: Seen, param: Param) -> Result<Value, String> {
        match (&seen.value, param) {
            (_, Param::Reflect) => Ok(seen.value),
            (Value::Missing, _) if param.can_be_nil() => Ok(Value::Nil),
            (Value::Missing, _) => self.fail(format_args!(
                "invalid value; expected {}",
                param.type_name()
            )),
            (value, _) if param.accepts(value) => Ok(seen.value),
            (value, _) => {
                let found = match value {
                    Value::Nil => "interface {}",
                    other => other.type_name(),
                };
                self.fail(format_args!(
                    "wrong type for value; expected {}; got {found}",
                    param.type_name()
                ))
            }
        }
    }
}
