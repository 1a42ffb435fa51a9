//! A tree and data to output (`text/template/exec.go`, option `missingkey=zero`).

use std::cell::{Cell, RefCell};
use std::fmt::{self, Write as _};
use std::rc::Rc;
use std::sync::Arc;

use sorted::SortedMap;

use super::node::{Branch, Command, Node, Operand, Pipe, Printed, TemplateCall, Tree};
use super::quote::quote;
use crate::format;
use crate::value::{Elements, MapKind, Value};

mod call;
mod cost;
mod pipeline;

/// Templates by name.
pub(crate) type Templates = SortedMap<Arc<str>, Arc<Tree>>;

/// How deep templates, blocks and parentheses may be nested in one another while they run.
const DEPTH: u32 = 220;

/// How many bytes all templates of a chart may write together, with what includes write.
const OUTPUT: usize = 64 << 20;

/// What is counted while the templates of a chart run.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    /// Maps are merged as Helm before 3.16 in Istio's builds did.
    pub(crate) old_merge: bool,
    depth: Cell<u32>,
    written: Cell<usize>,
    /// Calls, and what functions read and make.
    pub(crate) costs: cost::Costs,
    /// How often each template is being included at the moment.
    pub(crate) included: RefCell<SortedMap<Arc<str>, u32>>,
    /// How many random texts have been asked for.
    pub(crate) drawn: Cell<u64>,
    /// The text that `fromYaml` has read last and what it made of it: charts ask for a document's name, then for the
    /// document.
    pub(crate) read: RefCell<Option<(Arc<str>, Value)>>,
}

impl Budget {
    /// Nothing counted yet.
    pub(crate) fn new(old_merge: bool) -> Self {
        Self {
            old_merge,
            ..Self::default()
        }
    }
}

/// Runs a template; the error is Go's, with place and context.
pub(crate) fn execute(
    budget: &Budget,
    templates: &Rc<Templates>,
    tree: &Tree,
    data: &Value,
    out: &mut String,
) -> Result<(), String> {
    let dot = Seen::plain(data.clone());
    let mut state = State {
        budget,
        templates,
        tree,
        variables: vec![("$".into(), dot.clone())],
        at: None,
    };
    state.list(&dot, &tree.root, out).map(|_| ())
}

/// A value, and whether reflection would find it inside an `interface {}`, which only error messages tell.
#[derive(Debug, Clone)]
struct Seen {
    value: Value,
    boxed: bool,
}

impl Seen {
    fn plain(value: Value) -> Self {
        Self {
            value,
            boxed: false,
        }
    }

    fn type_name(&self) -> &'static str {
        match self.value {
            Value::Nil => "interface {}",
            _ if self.boxed => "interface {}",
            _ => self.value.type_name(),
        }
    }
}

enum Flow {
    On,
    Break,
    Continue,
}

/// Where an error would be reported.
#[derive(Clone, Copy)]
enum At<'t> {
    Node(&'t Node),
    Pipe(&'t Pipe),
    Command(&'t Command),
    Operand(&'t Operand),
}

impl At<'_> {
    fn position(self) -> usize {
        match self {
            Self::Node(node) => match node {
                Node::Text(range) => range.start,
                Node::Action(pipe) => pipe.position,
                Node::Break(position) | Node::Continue(position) => *position,
                Node::If(it) | Node::Range(it) | Node::With(it) => it.pipe.position,
                Node::Template(it) => it.position,
            },
            Self::Pipe(it) => it.position,
            Self::Command(it) => it.position,
            Self::Operand(it) => it.position,
        }
    }
}

struct State<'t> {
    budget: &'t Budget,
    templates: &'t Rc<Templates>,
    tree: &'t Tree,
    variables: Vec<(Arc<str>, Seen)>,
    at: Option<At<'t>>,
}

impl<'t> State<'t> {
    /// Makes an error of Go's form.
    fn error(&self, message: impl fmt::Display) -> String {
        let Some(at) = self.at else {
            return format!("template: {}: {message}", self.tree.name);
        };
        let location = self.tree.source.location(at.position());
        let mut context = String::new();
        // Writing into a String cannot fail.
        let _ = match at {
            At::Node(node) => write!(context, "{}", Printed(node, &self.tree.source)),
            At::Pipe(it) => write!(context, "{it}"),
            At::Command(it) => write!(context, "{it}"),
            At::Operand(it) => write!(context, "{it}"),
        };
        format!(
            "template: {location}: executing {} at <{context}>: {message}",
            quote(&self.tree.name)
        )
    }

    fn fail<T>(&self, message: impl fmt::Display) -> Result<T, String> {
        Err(self.error(message))
    }

    /// Goes one level deeper; [`Self::leave`] comes back.
    fn enter(&self) -> Result<(), String> {
        let depth = self.budget.depth.get() + 1;
        if depth > DEPTH {
            return self.fail(format_args!("exceeded maximum template depth ({DEPTH})"));
        }
        self.charge(self.budget.costs.call())?;
        self.budget.depth.set(depth);
        Ok(())
    }

    /// Tells of what costs too much where it stands.
    fn charge(&self, cost: Result<(), String>) -> Result<(), String> {
        cost.map_err(|it| self.error(it))
    }

    fn leave(&self) {
        self.budget
            .depth
            .set(self.budget.depth.get().saturating_sub(1));
    }

    fn list(&mut self, dot: &Seen, nodes: &'t [Node], out: &mut String) -> Result<Flow, String> {
        self.enter()?;
        let result = self.nodes(dot, nodes, out);
        self.leave();
        result
    }

    fn nodes(&mut self, dot: &Seen, nodes: &'t [Node], out: &mut String) -> Result<Flow, String> {
        for node in nodes {
            self.at = Some(At::Node(node));
            let before = out.len();
            let flow = match node {
                Node::Text(range) => {
                    out.push_str(self.tree.source.text.get(range.clone()).unwrap_or_default());
                    Flow::On
                }
                Node::Action(pipe) => {
                    let value = self.pipeline(dot, pipe)?;
                    if pipe.declared.is_empty() {
                        self.at = Some(At::Node(node));
                        self.charge(self.budget.costs.print(&value))?;
                        format::print_value(out, &value);
                    }
                    Flow::On
                }
                Node::Break(_) => return Ok(Flow::Break),
                Node::Continue(_) => return Ok(Flow::Continue),
                Node::If(branch) => self.choose(dot, branch, false, out)?,
                Node::With(branch) => self.choose(dot, branch, true, out)?,
                Node::Range(branch) => self.range(dot, branch, out)?,
                Node::Template(call) => {
                    self.template(dot, call, out)?;
                    Flow::On
                }
            };
            if matches!(node, Node::Text(_) | Node::Action(_)) {
                self.count(out.len() - before)?;
            }
            if !matches!(flow, Flow::On) {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn count(&self, bytes: usize) -> Result<(), String> {
        let written = self.budget.written.get().saturating_add(bytes);
        self.budget.written.set(written);
        if written > OUTPUT {
            return self.fail(format_args!("the templates write more than {OUTPUT} bytes"));
        }
        Ok(())
    }

    fn choose(
        &mut self,
        dot: &Seen,
        branch: &'t Branch,
        rebinds: bool,
        out: &mut String,
    ) -> Result<Flow, String> {
        let mark = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let flow = if value.truth() {
            if rebinds {
                self.list(&Seen::plain(value), &branch.body, out)?
            } else {
                self.list(dot, &branch.body, out)?
            }
        } else if let Some(otherwise) = &branch.otherwise {
            self.list(dot, otherwise, out)?
        } else {
            Flow::On
        };
        self.variables.truncate(mark);
        Ok(flow)
    }

    fn range(&mut self, dot: &Seen, branch: &'t Branch, out: &mut String) -> Result<Flow, String> {
        let mark = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        self.charge(self.budget.costs.range(&value))?;
        let mut ran = false;
        match &value {
            Value::Int(_) | Value::Int64(_) | Value::Uint(_) | Value::Byte(_) => {
                let end = match &value {
                    Value::Int(it) | Value::Int64(it) => u64::try_from(*it).unwrap_or(0),
                    Value::Uint(it) => *it,
                    Value::Byte(it) => (*it).into(),
                    _ => 0,
                };
                if branch.pipe.declared.len() > 1 {
                    return self.fail(format_args!(
                        "can't use {} to iterate over more than one variable",
                        format::plain(&value)
                    ));
                }
                for at in 0..end {
                    ran = true;
                    #[expect(clippy::cast_possible_wrap, reason = "below an i64 at its start")]
                    let it = match &value {
                        Value::Int(_) => Value::Int(at as i64),
                        Value::Int64(_) => Value::Int64(at as i64),
                        _ => Value::Uint(at),
                    };
                    let flow = self.turn(Value::Missing, &Seen::plain(it), branch, out)?;
                    if matches!(flow, Flow::Break) {
                        break;
                    }
                }
            }
            Value::List(list) => {
                let boxed = list.elements == Elements::Any;
                for (at, it) in list.items().iter().enumerate() {
                    ran = true;
                    let element = Seen {
                        value: it.clone(),
                        boxed,
                    };
                    let index = Value::Int(i64::try_from(at).unwrap_or(i64::MAX));
                    let flow = self.turn(index, &element, branch, out)?;
                    if matches!(flow, Flow::Break) {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                let boxed = map.kind != MapKind::Text;
                for (key, value) in map.entries() {
                    ran = true;
                    let flow = self.turn(Value::Text(key), &Seen { value, boxed }, branch, out)?;
                    if matches!(flow, Flow::Break) {
                        break;
                    }
                }
            }
            Value::Object(object) => {
                let Some(entries) = object.entries() else {
                    return self.fail(format_args!(
                        "range can't iterate over {}",
                        format::plain(&value)
                    ));
                };
                for (key, value) in entries {
                    ran = true;
                    let flow = self.turn(key, &Seen::plain(value), branch, out)?;
                    if matches!(flow, Flow::Break) {
                        break;
                    }
                }
            }
            Value::Missing | Value::Nil => {}
            Value::Bool(_) | Value::Float(_) | Value::Text(_) => {
                return self.fail(format_args!(
                    "range can't iterate over {}",
                    format::plain(&value)
                ));
            }
        }
        // A break ends this range only.
        let mut flow = Flow::On;
        if !ran && let Some(otherwise) = &branch.otherwise {
            flow = self.list(dot, otherwise, out)?;
        }
        self.variables.truncate(mark);
        Ok(flow)
    }

    /// Runs the body of a range once.
    fn turn(
        &mut self,
        index: Value,
        element: &Seen,
        branch: &'t Branch,
        out: &mut String,
    ) -> Result<Flow, String> {
        let mark = self.variables.len();
        let index = Seen::plain(index);
        match (branch.pipe.declared.as_slice(), branch.pipe.assigns) {
            ([], _) => {}
            ([name], true) => self.assign(name, element.clone())?,
            ([name, other, ..], true) => {
                self.assign(name, index)?;
                self.assign(other, element.clone())?;
            }
            (declared, false) => {
                let last = mark.checked_sub(1);
                if let Some((_, value)) = last.and_then(|it| self.variables.get_mut(it)) {
                    *value = element.clone();
                }
                if declared.len() > 1 {
                    let before = mark.checked_sub(2);
                    if let Some((_, value)) = before.and_then(|it| self.variables.get_mut(it)) {
                        *value = index;
                    }
                }
            }
        }
        let flow = self.list(element, &branch.body, out)?;
        self.variables.truncate(mark);
        Ok(flow)
    }

    fn template(
        &mut self,
        dot: &Seen,
        call: &'t TemplateCall,
        out: &mut String,
    ) -> Result<(), String> {
        let Some(tree) = self.templates.get(&call.name) else {
            return self.fail(format_args!("template {} not defined", quote(&call.name)));
        };
        let data = match &call.pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Value::Missing,
        };
        let dot = Seen::plain(data);
        let mut state = State {
            budget: self.budget,
            templates: self.templates,
            tree,
            variables: vec![("$".into(), dot.clone())],
            at: self.at,
        };
        self.enter()?;
        let result = state.list(&dot, &tree.root, out);
        self.leave();
        result.map(|_| ())
    }

    fn assign(&mut self, name: &str, value: Seen) -> Result<(), String> {
        let found = self
            .variables
            .iter_mut()
            .rev()
            .find(|(it, _)| **it == *name);
        match found {
            Some((_, slot)) => {
                *slot = value;
                Ok(())
            }
            None => self.fail(format_args!("undefined variable: {name}")),
        }
    }
}
