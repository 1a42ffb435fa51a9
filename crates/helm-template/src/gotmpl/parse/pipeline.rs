//! Pipelines: declarations, commands, operands and constants.

use std::sync::Arc;

use super::{DEPTH, Parser};
use crate::funcs;
use crate::gotmpl::lex::{Item, Kind};
use crate::gotmpl::node::{Command, Number, Operand, Pipe, Term};
use crate::gotmpl::quote::{quote, unquote, unquote_char};

impl Parser<'_> {
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Result<Pipe, String> {
        let position = self.peek_solid().position;
        let mut pipe = Pipe {
            position,
            assigns: false,
            declared: Vec::new(),
            commands: Vec::new(),
        };
        self.declarations(&mut pipe, context)?;
        loop {
            let item = self.next_solid();
            if item.kind == end {
                break;
            }
            match item.kind {
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.back(item);
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return self.unexpected(&item, context),
            }
        }
        pipe.commands.shrink_to_fit();
        if pipe.commands.is_empty() {
            return self.refuse(format_args!("missing value for {context}"));
        }
        for (at, command) in pipe.commands.iter().enumerate().skip(1) {
            if let Some(
                Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::Text { .. },
            ) = command.operands.first().map(|it| &it.term)
            {
                return self.refuse(format_args!(
                    "non executable command in pipeline stage {}",
                    at + 1
                ));
            }
        }
        Ok(pipe)
    }

    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Result<(), String> {
        while self.peek_solid().kind == Kind::Variable {
            let variable = self.next();
            let after = self.peek().clone();
            let next = self.peek_solid();
            match next.kind {
                Kind::Assign | Kind::Declare => {
                    pipe.assigns = next.kind == Kind::Assign;
                    self.next_solid();
                    self.declare(pipe, &variable);
                    return Ok(());
                }
                Kind::Char if next.text == "," => {
                    self.next_solid();
                    self.declare(pipe, &variable);
                    if context == "range" && pipe.declared.len() < 2 {
                        match self.peek_solid().kind {
                            Kind::Variable | Kind::RightDelim | Kind::RightParen => continue,
                            _ => return self.refuse("range can only initialize variables"),
                        }
                    }
                    return self.refuse(format_args!("too many declarations in {context}"));
                }
                _ => {
                    if after.kind == Kind::Space {
                        self.back(after);
                    }
                    self.back(variable);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn declare(&mut self, pipe: &mut Pipe, variable: &Item<'_>) {
        let name: Arc<str> = variable.text.as_ref().into();
        pipe.declared.push(Arc::clone(&name));
        self.variables.push(name);
    }

    fn command(&mut self) -> Result<Command, String> {
        let position = self.peek_solid().position;
        let mut operands = Vec::new();
        loop {
            self.peek_solid();
            operands.extend(self.operand()?);
            let item = self.next();
            match item.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.back(item),
                Kind::Pipe => {}
                _ => return self.unexpected(&item, "operand"),
            }
            break;
        }
        if operands.is_empty() {
            return self.refuse("empty command");
        }
        operands.shrink_to_fit();
        Ok(Command { position, operands })
    }

    fn operand(&mut self) -> Result<Option<Operand>, String> {
        let Some(operand) = self.term()? else {
            return Ok(None);
        };
        if self.peek().kind != Kind::Field {
            return Ok(Some(operand));
        }
        let position = self.peek().position;
        let mut names: Vec<Arc<str>> = Vec::new();
        while self.peek().kind == Kind::Field {
            let item = self.next();
            names.push(item.text.trim_start_matches('.').into());
        }
        let term = match operand.term {
            Term::Field(mut first) => {
                first.extend(names);
                Term::Field(first)
            }
            Term::Variable(mut first) => {
                first.extend(names);
                Term::Variable(first)
            }
            Term::Bool(_) | Term::Text { .. } | Term::Number(_) | Term::Nil | Term::Dot => {
                let text = quote(&operand.to_string());
                return self.refuse(format_args!("unexpected . after term {text}"));
            }
            Term::Function(_) | Term::Chain(..) | Term::Pipe(_) => {
                Term::Chain(Box::new(operand), names)
            }
        };
        Ok(Some(Operand { position, term }))
    }

    fn term(&mut self) -> Result<Option<Operand>, String> {
        let item = self.next_solid();
        let term = match item.kind {
            Kind::Identifier => {
                if let Some(function) = funcs::find(&item.text) {
                    Term::Function(function)
                } else {
                    let name = quote(&item.text);
                    return self.refuse(format_args!("function {name} not defined"));
                }
            }
            Kind::Dot => Term::Dot,
            Kind::Nil => Term::Nil,
            Kind::Variable => {
                if !self.variables.iter().any(|it| **it == *item.text) {
                    let name = quote(&item.text);
                    return self.refuse(format_args!("undefined variable {name}"));
                }
                Term::Variable(vec![item.text.as_ref().into()])
            }
            Kind::Field => Term::Field(vec![item.text.trim_start_matches('.').into()]),
            Kind::Bool => Term::Bool(item.text == "true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                Term::Number(match number(&item.text, item.kind) {
                    Ok(number) => number.into(),
                    Err(message) => return self.refuse(message),
                })
            }
            Kind::LeftParen => {
                self.depth += 1;
                if self.depth > DEPTH {
                    return self.refuse("max expression depth exceeded");
                }
                let pipe = self.pipeline("parenthesized pipeline", Kind::RightParen)?;
                self.depth -= 1;
                Term::Pipe(Box::new(pipe))
            }
            Kind::String | Kind::RawString => match unquote(&item.text) {
                Some(text) => Term::Text {
                    quoted: item.text.as_ref().into(),
                    text: text.into(),
                },
                None => return self.refuse("invalid syntax"),
            },
            _ => {
                self.back(item);
                return Ok(None);
            }
        };
        let position = match &term {
            // The position of parentheses is that of what they hold.
            Term::Pipe(pipe) => pipe.position,
            _ => item.position,
        };
        Ok(Some(Operand { position, term }))
    }
}

fn number(text: &str, kind: Kind) -> Result<Number, String> {
    let boxed: Box<str> = text.into();
    if kind == Kind::CharConstant {
        let Some(it) = unquote_char(text) else {
            return Err("invalid syntax".to_owned());
        };
        let code = u32::from(it);
        return Ok(Number {
            text: boxed,
            int: Some(code.into()),
            uint: Some(code.into()),
            float: Some(code.into()),
        });
    }
    if kind == Kind::Complex || text.ends_with('i') {
        return Err(format!(
            "complex numbers are not supported: {}",
            quote(text)
        ));
    }
    let int = crate::number::parse_int(text, 0);
    let uint = crate::number::parse_uint(text, 0).or((int == Some(0)).then_some(0));
    #[expect(clippy::cast_precision_loss, reason = "Go converts the same way")]
    let mut number = Number {
        text: boxed,
        int,
        uint,
        float: int.map(|it| it as f64).or(uint.map(|it| it as f64)),
    };
    if number.float.is_none() {
        number.float = crate::number::parse_float(text);
        if let Some(value) = number.float {
            if !text.contains(['.', 'e', 'E', 'p', 'P']) {
                return Err(format!("integer overflow: {}", quote(text)));
            }
            number.int = crate::number::whole(value);
            number.uint = number.int.and_then(|it| u64::try_from(it).ok());
        }
    }
    if number.float.is_none() {
        return Err(format!("illegal number syntax: {}", quote(text)));
    }
    Ok(number)
}
