//! Pipelines: commands, operands and fields to values.

use std::sync::Arc;

use super::{At, Seen, State};
use crate::gotmpl::node::{Command, Number, Operand, Pipe, Term};
use crate::object::Member;
use crate::value::{MapKind, Value};

impl<'t> State<'t> {
    pub(super) fn pipeline(&mut self, dot: &Seen, pipe: &'t Pipe) -> Result<Value, String> {
        self.at = Some(At::Pipe(pipe));
        let mut value = None;
        for command in &pipe.commands {
            let seen = self.command(dot, command, value)?;
            value = Some(match seen.value {
                Value::Nil => Value::Missing,
                other => other,
            });
        }
        let value = value.unwrap_or(Value::Missing);
        for name in &pipe.declared {
            let seen = Seen::plain(value.clone());
            if pipe.assigns {
                self.assign(name, seen)?;
            } else {
                self.variables.push((Arc::clone(name), seen));
            }
        }
        Ok(value)
    }

    pub(super) fn command(
        &mut self,
        dot: &Seen,
        command: &'t Command,
        piped: Option<Value>,
    ) -> Result<Seen, String> {
        let Some((first, rest)) = command.operands.split_first() else {
            return Ok(Seen::plain(Value::Missing));
        };
        let lonely = rest.is_empty() && piped.is_none();
        match &first.term {
            Term::Field(names) => self.fields(dot, dot.clone(), first, names, rest, piped),
            Term::Chain(of, names) => self.chain(dot, first, of, names, rest, piped),
            Term::Function(function) => {
                self.at = Some(At::Operand(first));
                self.function(dot, function, At::Command(command), rest, piped)
            }
            Term::Variable(names) => self.variable(dot, first, names, rest, piped),
            Term::Pipe(pipe) => {
                if !lonely {
                    return self.fail(format_args!("can't give argument to non-function {first}"));
                }
                self.enter()?;
                let value = self.pipeline(dot, pipe);
                self.leave();
                value.map(Seen::plain)
            }
            term => {
                self.at = Some(At::Operand(first));
                if !lonely {
                    return self.fail(format_args!("can't give argument to non-function {first}"));
                }
                match term {
                    Term::Bool(it) => Ok(Seen::plain(Value::Bool(*it))),
                    Term::Dot => Ok(dot.clone()),
                    Term::Number(it) => self.constant(it).map(Seen::plain),
                    Term::Text { text, .. } => Ok(Seen::plain(Value::Text(Arc::clone(text)))),
                    _ => self.fail("nil is not a command"),
                }
            }
        }
    }

    pub(super) fn constant(&self, number: &Number) -> Result<Value, String> {
        let text = &number.text;
        let hex = text.len() > 2
            && (text.starts_with("0x") || text.starts_with("0X"))
            && !text.contains(['p', 'P']);
        if let Some(float) = number.float
            && !hex
            && !text.starts_with('\'')
            && text.contains(['.', 'e', 'E', 'p', 'P'])
        {
            return Ok(Value::Float(float));
        }
        match number.int {
            Some(int) => Ok(Value::Int(int)),
            None => self.fail(format_args!("{text} overflows int")),
        }
    }

    pub(super) fn variable(
        &mut self,
        dot: &Seen,
        operand: &'t Operand,
        names: &'t [Arc<str>],
        rest: &'t [Operand],
        piped: Option<Value>,
    ) -> Result<Seen, String> {
        self.at = Some(At::Operand(operand));
        let (name, fields) = names.split_first().unzip();
        let name: &str = name.map_or("$", AsRef::as_ref);
        let found = self
            .variables
            .iter()
            .rev()
            .find(|(it, _)| **it == *name)
            .map(|(_, value)| value.clone());
        let Some(value) = found else {
            return self.fail(format_args!("undefined variable: {name}"));
        };
        match fields {
            Some(fields) if !fields.is_empty() => {
                self.fields(dot, value, operand, fields, rest, piped)
            }
            _ if rest.is_empty() && piped.is_none() => Ok(value),
            _ => self.fail(format_args!(
                "can't give argument to non-function {operand}"
            )),
        }
    }

    pub(super) fn chain(
        &mut self,
        dot: &Seen,
        operand: &'t Operand,
        of: &'t Operand,
        names: &'t [Arc<str>],
        rest: &'t [Operand],
        piped: Option<Value>,
    ) -> Result<Seen, String> {
        self.at = Some(At::Operand(operand));
        if matches!(of.term, Term::Nil) {
            return self.fail(format_args!(
                "indirection through explicit nil in {operand}"
            ));
        }
        let receiver = self.operand(dot, of)?;
        self.fields(dot, receiver, operand, names, rest, piped)
    }

    /// Evaluates an operand for which no type is expected.
    pub(super) fn operand(&mut self, dot: &Seen, operand: &'t Operand) -> Result<Seen, String> {
        self.at = Some(At::Operand(operand));
        match &operand.term {
            Term::Dot => Ok(dot.clone()),
            Term::Field(names) => self.fields(dot, dot.clone(), operand, names, &[], None),
            Term::Variable(names) => self.variable(dot, operand, names, &[], None),
            Term::Pipe(pipe) => {
                self.enter()?;
                let value = self.pipeline(dot, pipe);
                self.leave();
                value.map(Seen::plain)
            }
            Term::Function(function) => {
                self.function(dot, function, At::Operand(operand), &[], None)
            }
            Term::Chain(of, names) => self.chain(dot, operand, of, names, &[], None),
            Term::Bool(it) => Ok(Seen::plain(Value::Bool(*it))),
            Term::Number(it) => self.constant(it).map(Seen::plain),
            Term::Text { text, .. } => Ok(Seen::plain(Value::Text(Arc::clone(text)))),
            Term::Nil => self.fail("evalEmptyInterface: nil (can't happen)"),
        }
    }

    pub(super) fn fields(
        &mut self,
        dot: &Seen,
        mut receiver: Seen,
        operand: &'t Operand,
        names: &'t [Arc<str>],
        rest: &'t [Operand],
        piped: Option<Value>,
    ) -> Result<Seen, String> {
        self.at = Some(At::Operand(operand));
        let Some((last, before)) = names.split_last() else {
            return Ok(receiver);
        };
        for name in before {
            receiver = self.field(dot, &receiver, name, operand, &[], None)?;
        }
        self.field(dot, &receiver, last, operand, rest, piped)
    }

    pub(super) fn field(
        &mut self,
        dot: &Seen,
        receiver: &Seen,
        name: &str,
        operand: &'t Operand,
        rest: &'t [Operand],
        piped: Option<Value>,
    ) -> Result<Seen, String> {
        let has_arguments = !rest.is_empty() || piped.is_some();
        match &receiver.value {
            Value::Missing => return Ok(Seen::plain(Value::Missing)),
            Value::Nil => {
                return self.fail(format_args!("nil pointer evaluating interface {{}}.{name}"));
            }
            Value::Map(map) => {
                if map.kind == MapKind::Values
                    && let Some(method) = crate::object::values_method(name)
                {
                    return self.method(dot, receiver, method, name, operand, rest, piped);
                }
                if has_arguments {
                    return self.fail(format_args!("{name} is not a method but has arguments"));
                }
                let boxed = map.kind != MapKind::Text;
                let value = map
                    .get(name)
                    .unwrap_or_else(|| if boxed { Value::Nil } else { Value::text("") });
                return Ok(Seen { value, boxed });
            }
            Value::Object(object) => match object.member(name) {
                Some(Member::Field(value)) => {
                    if has_arguments {
                        return self.fail(format_args!(
                            "{name} has arguments but cannot be invoked as function"
                        ));
                    }
                    return Ok(Seen::plain(value));
                }
                Some(Member::Method(method)) => {
                    return self.method(dot, receiver, method, name, operand, rest, piped);
                }
                None => {}
            },
            Value::Bool(_)
            | Value::Int(_)
            | Value::Int64(_)
            | Value::Uint(_)
            | Value::Byte(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::List(_) => {}
        }
        self.fail(format_args!(
            "can't evaluate field {name} in type {}",
            receiver.type_name()
        ))
    }
}
