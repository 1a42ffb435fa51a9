//! The tree of a template, and how Go prints its nodes (`text/template/parse/node.go`).

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::quote::quote;
use crate::funcs::Function;

/// One named template.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Its own name.
    pub(crate) name: Arc<str>,
    /// The file that it stands in.
    pub(crate) source: Arc<Source>,
    pub(crate) root: Vec<Node>,
}

/// The file of templates.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: Arc<str>,
    pub(crate) text: Arc<str>,
}

impl Source {
    /// Writes a place as errors name it: `file:line:column`, the column a count of bytes from 0.
    pub(crate) fn location(&self, position: usize) -> String {
        let before = self.text.as_bytes().get(..position).unwrap_or_default();
        let line = before.split(|it| *it == b'\n').count();
        let column = before
            .iter()
            .rposition(|it| *it == b'\n')
            .map_or(position, |at| position - at - 1);
        format!("{}:{line}:{column}", self.name)
    }
}

#[derive(Debug)]
pub(crate) enum Node {
    /// Bytes of the source.
    Text(Range<usize>),
    Action(Pipe),
    Break(usize),
    Continue(usize),
    If(Box<Branch>),
    Range(Box<Branch>),
    With(Box<Branch>),
    Template(Box<TemplateCall>),
}

#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) pipe: Pipe,
    pub(crate) body: Vec<Node>,
    pub(crate) otherwise: Option<Vec<Node>>,
}

#[derive(Debug)]
pub(crate) struct TemplateCall {
    pub(crate) position: usize,
    pub(crate) name: Arc<str>,
    pub(crate) pipe: Option<Pipe>,
}

#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) position: usize,
    pub(crate) assigns: bool,
    pub(crate) declared: Vec<Arc<str>>,
    pub(crate) commands: Vec<Command>,
}

#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) position: usize,
    /// Never empty.
    pub(crate) operands: Vec<Operand>,
}

#[derive(Debug)]
pub(crate) struct Operand {
    pub(crate) position: usize,
    pub(crate) term: Term,
}

#[derive(Debug)]
pub(crate) enum Term {
    Bool(bool),
    Dot,
    Nil,
    Number(Box<Number>),
    Text {
        quoted: Box<str>,
        text: Arc<str>,
    },
    /// `.a.b`.
    Field(Vec<Arc<str>>),
    /// `$x.a.b`; the first is the variable with its `$`.
    Variable(Vec<Arc<str>>),
    Function(&'static Function),
    /// `(…).a.b`.
    Chain(Box<Operand>, Vec<Arc<str>>),
    Pipe(Box<Pipe>),
}

/// A number of a template, which may be several things at once.
#[derive(Debug)]
pub(crate) struct Number {
    pub(crate) text: Box<str>,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
}

/// Tells whether nothing but white space is in a tree, so that it replaces no other.
pub(crate) fn is_empty(nodes: &[Node], source: &Source) -> bool {
    nodes.iter().all(|it| match it {
        Node::Text(range) => source
            .text
            .get(range.clone())
            .unwrap_or_default()
            .trim()
            .is_empty(),
        _ => false,
    })
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.declared.is_empty() {
            f.write_str(&self.declared.join(", "))?;
            f.write_str(if self.assigns { " = " } else { " := " })?;
        }
        for (at, command) in self.commands.iter().enumerate() {
            if at > 0 {
                f.write_str(" | ")?;
            }
            write!(f, "{command}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, operand) in self.operands.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            match &operand.term {
                Term::Pipe(pipe) => write!(f, "({pipe})")?,
                _ => write!(f, "{operand}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.term {
            Term::Bool(it) => write!(f, "{it}"),
            Term::Dot => f.write_str("."),
            Term::Nil => f.write_str("nil"),
            Term::Number(it) => f.write_str(&it.text),
            Term::Text { quoted, .. } => f.write_str(quoted),
            Term::Field(names) => names.iter().try_for_each(|it| write!(f, ".{it}")),
            Term::Variable(names) => f.write_str(&names.join(".")),
            Term::Function(it) => f.write_str(it.name),
            Term::Chain(of, names) => {
                match &of.term {
                    Term::Pipe(pipe) => write!(f, "({pipe})")?,
                    _ => write!(f, "{of}")?,
                }
                names.iter().try_for_each(|it| write!(f, ".{it}"))
            }
            Term::Pipe(pipe) => write!(f, "{pipe}"),
        }
    }
}

impl fmt::Display for TemplateCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{template {}", quote(&self.name))?;
        if let Some(pipe) = &self.pipe {
            write!(f, " {pipe}")?;
        }
        f.write_str("}}")
    }
}

/// A node of a tree with its file, to print it.
pub(crate) struct Printed<'a>(pub(crate) &'a Node, pub(crate) &'a Source);

impl fmt::Display for Printed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(node, source) = self;
        match node {
            Node::Text(range) => f.write_str(source.text.get(range.clone()).unwrap_or_default()),
            Node::Action(pipe) => write!(f, "{{{{{pipe}}}}}"),
            Node::Break(_) => f.write_str("{{break}}"),
            Node::Continue(_) => f.write_str("{{continue}}"),
            Node::If(it) => branch(f, "if", it, source),
            Node::Range(it) => branch(f, "range", it, source),
            Node::With(it) => branch(f, "with", it, source),
            Node::Template(it) => write!(f, "{it}"),
        }
    }
}

fn branch(f: &mut fmt::Formatter<'_>, name: &str, it: &Branch, source: &Source) -> fmt::Result {
    write!(f, "{{{{{name} {}}}}}", it.pipe)?;
    for node in &it.body {
        write!(f, "{}", Printed(node, source))?;
    }
    if let Some(otherwise) = &it.otherwise {
        f.write_str("{{else}}")?;
        for node in otherwise {
            write!(f, "{}", Printed(node, source))?;
        }
    }
    f.write_str("{{end}}")
}
