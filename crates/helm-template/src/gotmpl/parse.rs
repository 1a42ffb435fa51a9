//! Items to a tree (`text/template/parse/parse.go`).

use std::collections::VecDeque;
use std::sync::Arc;

use super::lex::{Item, Kind, Lexer};
use super::node::{Branch, Node, Source, TemplateCall, Tree, is_empty};
use super::quote::{quote, unquote};

mod pipeline;

/// Blocks and parentheses nested deeper are refused: they are walked by recursion.
const DEPTH: usize = 100;

/// Reads a file into its own template and those that it defines, in the order of their ends; the error is Go's.
pub(crate) fn parse(name: &str, text: &str) -> Result<Vec<Arc<Tree>>, String> {
    let source = Arc::new(Source {
        name: name.into(),
        text: text.into(),
    });
    let mut parser = Parser {
        lexer: Lexer::new(text),
        ahead: VecDeque::new(),
        last_line: 1,
        source: &source,
        trees: Vec::new(),
        variables: vec!["$".into()],
        action_line: 0,
        ranges: 0,
        depth: 0,
    };
    let root = parser.root()?;
    parser.add(source.name.clone(), root)?;
    Ok(parser.trees)
}

/// What ends a list of nodes.
enum End {
    End,
    /// `{{else}}`; with the keyword that follows, if one does.
    Else,
}

impl End {
    fn text(&self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else => "{{else}}",
        }
    }
}

enum Read {
    Node(Node),
    End(End),
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// Items read but not taken.
    ahead: VecDeque<Item<'a>>,
    last_line: usize,
    source: &'a Arc<Source>,
    trees: Vec<Arc<Tree>>,
    variables: Vec<Arc<str>>,
    /// The line where the current action began, 0 outside of actions.
    action_line: usize,
    ranges: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Item<'a> {
        let item = match self.ahead.pop_front() {
            Some(item) => item,
            None => self.lexer.next_item(),
        };
        self.last_line = item.line;
        item
    }

    fn back(&mut self, item: Item<'a>) {
        self.ahead.push_front(item);
    }

    fn peek(&mut self) -> &Item<'a> {
        if self.ahead.is_empty() {
            let item = self.lexer.next_item();
            self.ahead.push_back(item);
        }
        let item = self.ahead.front().expect("an item was just put there");
        self.last_line = item.line;
        item
    }

    fn next_solid(&mut self) -> Item<'a> {
        loop {
            let item = self.next();
            if item.kind != Kind::Space {
                return item;
            }
        }
    }

    fn peek_solid(&mut self) -> &Item<'a> {
        while self.peek().kind == Kind::Space {
            self.next();
        }
        self.peek()
    }

    fn refuse<T>(&self, message: impl std::fmt::Display) -> Result<T, String> {
        Err(format!(
            "template: {}:{}: {message}",
            self.source.name, self.last_line
        ))
    }

    fn unexpected<T>(&self, item: &Item<'_>, context: &str) -> Result<T, String> {
        if item.kind == Kind::Error {
            let mut extra = String::new();
            if self.action_line != 0 && self.action_line != item.line {
                extra = format!(
                    " in action started at {}:{}",
                    self.source.name, self.action_line
                );
                if item.text.ends_with(" action") {
                    extra = extra.trim_start_matches(" in action").to_owned();
                }
            }
            return self.refuse(format_args!("{item}{extra}"));
        }
        self.refuse(format_args!("unexpected {item} in {context}"))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Result<Item<'a>, String> {
        let item = self.next_solid();
        if item.kind == kind {
            Ok(item)
        } else {
            self.unexpected(&item, context)
        }
    }

    /// Adds a template; an empty one replaces none and is replaced by any.
    fn add(&mut self, name: Arc<str>, root: Vec<Node>) -> Result<(), String> {
        let empty = is_empty(&root, self.source);
        if let Some(at) = self.trees.iter().position(|it| it.name == name) {
            let old_empty = self
                .trees
                .get(at)
                .is_some_and(|it| is_empty(&it.root, self.source));
            if !old_empty {
                if empty {
                    return Ok(());
                }
                let name = quote(&name);
                return self.refuse(format_args!(
                    "template: multiple definition of template {name}"
                ));
            }
            self.trees.remove(at);
        }
        self.trees.push(Arc::new(Tree {
            name,
            source: Arc::clone(self.source),
            root,
        }));
        Ok(())
    }

    fn root(&mut self) -> Result<Vec<Node>, String> {
        let mut nodes = Vec::new();
        while self.peek().kind != Kind::Eof {
            if self.peek().kind == Kind::LeftDelim {
                let delimiter = self.next();
                let item = self.next_solid();
                if item.kind == Kind::Define {
                    self.definition()?;
                    continue;
                }
                self.back(item);
                self.back(delimiter);
            }
            match self.text_or_action()? {
                Read::Node(node) => nodes.push(node),
                Read::End(end) => return self.refuse(format_args!("unexpected {}", end.text())),
            }
        }
        Ok(nodes)
    }

    fn definition(&mut self) -> Result<(), String> {
        const CONTEXT: &str = "define clause";
        let item = self.next_solid();
        let name = self.template_name(&item, CONTEXT)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        let body = self.separate(CONTEXT)?;
        self.add(name, body)
    }

    /// Reads a body with variables of its own, up to its end.
    fn separate(&mut self, context: &str) -> Result<Vec<Node>, String> {
        let outer = std::mem::replace(&mut self.variables, vec!["$".into()]);
        let ranges = std::mem::take(&mut self.ranges);
        let line = std::mem::take(&mut self.action_line);
        let (body, end) = self.list()?;
        self.variables = outer;
        self.ranges = ranges;
        self.action_line = line;
        match end {
            End::End => Ok(body),
            End::Else => self.refuse(format_args!("unexpected {} in {context}", End::Else.text())),
        }
    }

    fn list(&mut self) -> Result<(Vec<Node>, End), String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return self.refuse("blocks are nested too deeply");
        }
        let mut nodes = Vec::new();
        while self.peek_solid().kind != Kind::Eof {
            match self.text_or_action()? {
                Read::Node(node) => nodes.push(node),
                Read::End(end) => {
                    self.depth -= 1;
                    nodes.shrink_to_fit();
                    return Ok((nodes, end));
                }
            }
        }
        self.refuse("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Result<Read, String> {
        let item = self.next_solid();
        match item.kind {
            Kind::Text => Ok(Read::Node(Node::Text(
                item.position..item.position + item.text.len(),
            ))),
            Kind::LeftDelim => {
                self.action_line = item.line;
                let read = self.action()?;
                self.action_line = 0;
                Ok(read)
            }
            _ => self.unexpected(&item, "input"),
        }
    }

    fn action(&mut self) -> Result<Read, String> {
        let item = self.next_solid();
        let node = match item.kind {
            Kind::Block => return self.block().map(Read::Node),
            Kind::Break | Kind::Continue => {
                let name = format!("{{{{{}}}}}", item.text);
                let end = self.next_solid();
                if end.kind != Kind::RightDelim {
                    return self.unexpected(&end, &name);
                }
                if self.ranges == 0 {
                    return self.refuse(format_args!("{name} outside {{{{range}}}}"));
                }
                if item.kind == Kind::Break {
                    Node::Break(item.position)
                } else {
                    Node::Continue(item.position)
                }
            }
            Kind::Else => {
                if !matches!(self.peek_solid().kind, Kind::If | Kind::With) {
                    self.expect(Kind::RightDelim, "else")?;
                }
                return Ok(Read::End(End::Else));
            }
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Read::End(End::End));
            }
            Kind::If => Node::If(Box::new(self.control("if")?)),
            Kind::Range => Node::Range(Box::new(self.control("range")?)),
            Kind::With => Node::With(Box::new(self.control("with")?)),
            Kind::Template => {
                const CONTEXT: &str = "template clause";
                let item = self.next_solid();
                let name = self.template_name(&item, CONTEXT)?;
                let end = self.next_solid();
                let pipe = if end.kind == Kind::RightDelim {
                    None
                } else {
                    self.back(end);
                    Some(self.pipeline(CONTEXT, Kind::RightDelim)?)
                };
                Node::Template(Box::new(TemplateCall {
                    position: item.position,
                    name,
                    pipe,
                }))
            }
            _ => {
                self.back(item);
                Node::Action(self.pipeline("command", Kind::RightDelim)?)
            }
        };
        Ok(Read::Node(node))
    }

    fn block(&mut self) -> Result<Node, String> {
        const CONTEXT: &str = "block clause";
        let item = self.next_solid();
        let name = self.template_name(&item, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        let body = self.separate(CONTEXT)?;
        self.add(Arc::clone(&name), body)?;
        Ok(Node::Template(Box::new(TemplateCall {
            position: item.position,
            name,
            pipe: Some(pipe),
        })))
    }

    fn template_name(&self, item: &Item<'_>, context: &str) -> Result<Arc<str>, String> {
        if !matches!(item.kind, Kind::String | Kind::RawString) {
            return self.unexpected(item, context);
        }
        match unquote(&item.text) {
            Some(name) => Ok(name.into()),
            None => self.refuse("invalid syntax"),
        }
    }

    fn control(&mut self, context: &'static str) -> Result<Branch, String> {
        let variables = self.variables.len();
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        if context == "range" {
            self.ranges += 1;
        }
        let (body, end) = self.list()?;
        if context == "range" {
            self.ranges -= 1;
        }
        let otherwise = match end {
            End::End => None,
            End::Else => Some(match (context, self.peek().kind) {
                ("if", Kind::If) => {
                    self.next();
                    vec![Node::If(Box::new(self.chained("if")?))]
                }
                ("with", Kind::With) => {
                    self.next();
                    vec![Node::With(Box::new(self.chained("with")?))]
                }
                _ => {
                    let (nodes, end) = self.list()?;
                    if let End::Else = end {
                        return self
                            .refuse(format_args!("expected end; found {}", End::Else.text()));
                    }
                    nodes
                }
            }),
        };
        self.variables.truncate(variables);
        Ok(Branch {
            pipe,
            body,
            otherwise,
        })
    }

    /// Reads what follows `else if`, which nests as a block in an `else` does.
    fn chained(&mut self, context: &'static str) -> Result<Branch, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return self.refuse("blocks are nested too deeply");
        }
        let branch = self.control(context)?;
        self.depth -= 1;
        Ok(branch)
    }
}
