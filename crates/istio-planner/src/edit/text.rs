//! One edit in a text: which lines change, and how.

use kube_yaml::{Node, NodeValue};
use serde_json::{Value, json};

use super::{Edit, element};

/// What an empty file becomes.
pub(super) fn skeleton() -> Value {
    json!({"apiVersion": "install.istio.io/v1alpha1", "kind": "IstioOperator", "spec": null})
}

const SKELETON: &str = "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec:\n";
const OTHERWISE: &str = "this part is not written in blocks; edit it by hand";

/// Returns the text with the edit made. What comes out has still to be checked.
pub(super) fn edited(text: &str, segments: &[String], edit: &Edit) -> Result<String, String> {
    let mut text = text.to_owned();
    let is_empty = kube_yaml::first(&text).map_err(|it| it.to_string())?;
    if is_empty.is_none_or(|it| it.is_null()) {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(SKELETON);
    }
    let root = kube_yaml::first(&text)
        .map_err(|it| it.to_string())?
        .ok_or("the file holds nothing")?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let end = document_end(&lines, &root);
    let found = Place::find(&root, segments, end);
    match edit {
        Edit::Set { value, .. } => found.set(&mut lines, segments, value)?,
        Edit::Remove { .. } => {
            let (key, _) = found.entry(segments)?;
            let from = index(key.position.line);
            let to = last_line(&lines, from, found.end) + 1;
            if !starts_its_line(&lines, key) {
                return Err(OTHERWISE.to_owned());
            }
            lines.drain(from..to);
        }
        Edit::Rename { to, .. } => {
            let (key, _) = found.entry(segments)?;
            replace_token(&mut lines, key, to)?;
        }
    }
    let mut text = lines.join("\n");
    text.push('\n');
    Ok(text)
}

/// How far a path leads into a document.
struct Place<'n, 'a> {
    /// How many segments were found.
    depth: usize,
    /// The key of the last one found, where it has one, and what stands there.
    key: Option<&'n Node<'a>>,
    node: &'n Node<'a>,
    /// The line after the last that belongs to it (from 0).
    end: usize,
    /// Columns before the keys of the map that holds it.
    indent: usize,
}

impl<'n, 'a> Place<'n, 'a> {
    fn find(root: &'n Node<'a>, segments: &[String], end: usize) -> Self {
        let mut at = Self {
            depth: 0,
            key: None,
            node: root,
            end,
            indent: 0,
        };
        for segment in segments {
            let Some(next) = at.child(segment) else {
                return at;
            };
            at = next;
        }
        at
    }

    fn child(&self, segment: &str) -> Option<Self> {
        if let Some(name) = element(segment) {
            let items = self.node.items();
            let found = items
                .iter()
                .position(|it| it.get("name").and_then(Node::as_str) == Some(name))?;
            let node = items.get(found)?;
            return Some(Self {
                depth: self.depth + 1,
                key: None,
                node,
                end: items
                    .get(found + 1)
                    .map_or(self.end, |it| index(it.position.line)),
                indent: self.indent,
            });
        }
        let entries = self.node.entries();
        let found = entries
            .iter()
            .position(|it| it.0.as_str() == Some(segment))?;
        let (key, node) = entries.get(found)?;
        Some(Self {
            depth: self.depth + 1,
            key: Some(key),
            node,
            end: entries
                .get(found + 1)
                .map_or(self.end, |it| index(it.0.position.line)),
            indent: index(key.position.column),
        })
    }

    /// The field itself, where the whole path was found.
    fn entry(&self, segments: &[String]) -> Result<(&'n Node<'a>, &'n Node<'a>), String> {
        match self.key {
            Some(key) if self.depth == segments.len() => Ok((key, self.node)),
            _ => Err("the file does not hold this field".to_owned()),
        }
    }

    fn set(
        &self,
        lines: &mut Vec<String>,
        segments: &[String],
        value: &Value,
    ) -> Result<(), String> {
        let rest = segments.get(self.depth..).unwrap_or_default();
        if rest.is_empty() {
            return self.replace(lines, value);
        }
        match (&self.node.value, rest.first().and_then(|it| element(it))) {
            (NodeValue::Mapping(entries), None) if !entries.is_empty() => {
                let indent = entries.first().map_or(0, |it| index(it.0.position.column));
                if is_flow(lines, self.node) {
                    return Err(OTHERWISE.to_owned());
                }
                let at = last_line(lines, index(self.node.position.line), self.end) + 1;
                insert(lines, at, &written(rest, value), indent);
            }
            (NodeValue::Sequence(items), Some(_)) if !items.is_empty() => {
                if is_flow(lines, self.node) {
                    return Err(OTHERWISE.to_owned());
                }
                let dash = items
                    .first()
                    .and_then(|it| lines.get(index(it.position.line)))
                    .and_then(|it| it.find('-'))
                    .ok_or(OTHERWISE)?;
                let at = last_line(lines, index(self.node.position.line), self.end) + 1;
                insert(lines, at, &written(rest, value), dash);
            }
            // Nothing stands there yet: `pilot:`, `pilot: {}`.
            (NodeValue::Null | NodeValue::Mapping(_) | NodeValue::Sequence(_), _) => {
                let key = self.key.ok_or(OTHERWISE)?;
                Self::clear(lines, key)?;
                let line = index(key.position.line);
                insert(lines, line + 1, &written(rest, value), self.indent + 2);
            }
            _ => return Err("something that is no map stands in the way".to_owned()),
        }
        Ok(())
    }

    /// Puts another value in the place of one.
    fn replace(&self, lines: &mut Vec<String>, value: &Value) -> Result<(), String> {
        let key = self.key.ok_or(OTHERWISE)?;
        let new = kube_yaml::to_string(value);
        let new = new.trim_end();
        let line = index(key.position.line);
        let last = last_line(lines, line, self.end);
        let is_scalar = !matches!(
            self.node.value,
            NodeValue::Mapping(_) | NodeValue::Sequence(_) | NodeValue::Null
        );
        if is_scalar && last == line && !new.contains('\n') && is_plain(value) {
            return replace_token(lines, self.node, new);
        }
        let head = lines.get(line).cloned().unwrap_or_default();
        let before: String = head.chars().take(self.indent).collect();
        let mut fresh = Vec::new();
        insert(
            &mut fresh,
            0,
            &written(&[key.as_str().unwrap_or_default().to_owned()], value),
            self.indent,
        );
        if let Some(first) = fresh.first_mut() {
            first.replace_range(..self.indent, &before);
        }
        lines.splice(line..=last, fresh);
        Ok(())
    }

    /// Takes an empty value off the line of its key.
    fn clear(lines: &mut [String], key: &Node<'_>) -> Result<(), String> {
        let line = lines.get_mut(index(key.position.line)).ok_or(OTHERWISE)?;
        for nothing in ["{}", "[]", "null", "~"] {
            let head: String = line.chars().take(index(key.position.column)).collect();
            let rest = line.get(head.len()..).unwrap_or_default();
            if let Some((name, tail)) = rest.split_once(':')
                && let Some(tail) = tail.trim_start().strip_prefix(nothing)
            {
                *line = format!("{head}{name}:{tail}");
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Lines of a value below keys, without indentation.
fn written(keys: &[String], value: &Value) -> String {
    let nested = keys
        .iter()
        .rev()
        .fold(value.clone(), |inner, key| match element(key) {
            Some(name) => {
                let mut map = inner.as_object().cloned().unwrap_or_default();
                map.insert("name".to_owned(), name.into());
                json!([map])
            }
            None => json!({key: inner}),
        });
    kube_yaml::to_string(&nested)
}

fn insert(lines: &mut Vec<String>, at: usize, text: &str, indent: usize) {
    let indented = text.lines().map(|it| {
        if it.is_empty() {
            String::new()
        } else {
            format!("{}{it}", " ".repeat(indent))
        }
    });
    let at = at.min(lines.len());
    lines.splice(at..at, indented.collect::<Vec<_>>());
}

/// Replaces a scalar that stands on one line, and nothing behind it.
fn replace_token(lines: &mut [String], node: &Node<'_>, new: &str) -> Result<(), String> {
    let line = lines
        .get_mut(index(node.position.line))
        .ok_or("the file ends before this field")?;
    let before: String = line.chars().take(index(node.position.column)).collect();
    let rest = line.get(before.len()..).unwrap_or_default();
    let length = match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => rest
            .char_indices()
            .skip(1)
            .find(|(_, it)| *it == quote)
            .map(|(at, _)| at + 1)
            .ok_or(OTHERWISE)?,
        Some('|' | '>' | '&' | '*' | '!' | '{' | '[') | None => return Err(OTHERWISE.to_owned()),
        Some(_) => rest
            .find(" #")
            .into_iter()
            .chain(rest.find(": "))
            .chain(rest.strip_suffix(':').map(str::len))
            .min()
            .map_or(rest.trim_end().len(), |it| {
                rest.get(..it).unwrap_or_default().trim_end().len()
            }),
    };
    let tail = rest.get(length..).unwrap_or_default();
    *line = format!("{before}{new}{tail}");
    Ok(())
}

fn is_plain(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

fn is_flow(lines: &[String], node: &Node<'_>) -> bool {
    let line = lines.get(index(node.position.line));
    let first = line.and_then(|it| it.chars().nth(index(node.position.column)));
    matches!(first, Some('{' | '['))
}

fn starts_its_line(lines: &[String], key: &Node<'_>) -> bool {
    let line = lines.get(index(key.position.line));
    line.is_some_and(|it| {
        it.chars()
            .take(index(key.position.column))
            .all(|it| it == ' ')
    })
}

/// The last line before `end` that says something.
fn last_line(lines: &[String], from: usize, end: usize) -> usize {
    let says = |at: &usize| {
        let line = lines.get(*at).map_or("", |it| it.trim());
        !line.is_empty() && !line.starts_with('#')
    };
    (from..end.min(lines.len()))
        .rev()
        .find(says)
        .unwrap_or(from)
}

/// The line where the first document ends (from 0).
fn document_end(lines: &[String], root: &Node<'_>) -> usize {
    let from = index(root.position.line);
    let ends = |line: &String| line.starts_with("---") || line.starts_with("...");
    lines
        .iter()
        .skip(from)
        .position(ends)
        .map_or(lines.len(), |it| it + from)
}

/// Lines and columns count from 1.
fn index(position: u32) -> usize {
    usize::try_from(position)
        .unwrap_or_default()
        .saturating_sub(1)
}
