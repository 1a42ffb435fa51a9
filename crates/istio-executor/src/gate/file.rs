//! Files of gates: what is asked beside the built-in gates, and which limits those have.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use kube_yaml::{Node, NodeValue, Position};

use super::promql::escaped;
use super::rule::{Ask, BuiltIn, Limits, Rule};
use crate::duration::duration;

/// No file of gates is larger.
const LIMIT: u64 = 1 << 20;

/// What files of gates say, one after the other.
#[derive(Debug, Clone)]
pub(super) struct File {
    /// Labels of Istio's series.
    pub(super) labels: BTreeMap<String, String>,
    /// When a series is stale.
    pub(super) fresh: Option<Duration>,
    /// All gates, the built-in ones first.
    pub(super) rules: Vec<Rule>,
}

impl Default for File {
    /// The built-in gates, as they are.
    fn default() -> Self {
        Self {
            labels: BTreeMap::new(),
            fresh: None,
            rules: BuiltIn::ALL.iter().map(|it| Rule::built_in(*it)).collect(),
        }
    }
}

/// What is wrong with a file, and where.
struct Problem {
    position: Position,
    message: String,
}

impl File {
    /// Takes in a file; the error names the file, line and column.
    pub(super) fn read(&mut self, path: &Path) -> Result<(), String> {
        let name = path.display();
        let length = std::fs::metadata(path).map(|it| it.len());
        let text = match length {
            Ok(length) if length > LIMIT => {
                return Err(format!("{name} is too large for a file of gates"));
            }
            _ => std::fs::read_to_string(path).map_err(|it| format!("cannot read {name}: {it}"))?,
        };
        self.take(&text).map_err(|it| format!("{name}:{it}"))
    }

    /// Takes in a file's text; the error begins with line and column.
    pub(super) fn take(&mut self, text: &str) -> Result<(), String> {
        let root = kube_yaml::first(text).map_err(|it| it.to_string())?;
        let Some(root) = root else { return Ok(()) };
        self.root(&root).map_err(|it| {
            let Position { line, column } = it.position;
            format!("{line}:{column}: {}", it.message)
        })
    }

    fn root(&mut self, root: &Node<'_>) -> Result<(), Problem> {
        for (key, value) in mapping(root, "a file of gates")? {
            match key.as_str().unwrap_or_default() {
                "labels" => {
                    for (key, value) in mapping(value, "labels")? {
                        let label = string(key)?;
                        let begins = |it: char| it.is_ascii_alphabetic() || it == '_';
                        let goes_on = |it: char| begins(it) || it.is_ascii_digit();
                        if !label.starts_with(begins) || !label.chars().all(goes_on) {
                            return Err(problem(
                                key,
                                format!("{label:?} is no label of Prometheus"),
                            ));
                        }
                        self.labels.insert(label, string(value)?);
                    }
                }
                "fresh" => self.fresh = Some(span(value)?),
                "gates" => {
                    for it in list(value)? {
                        self.gate(it)?;
                    }
                }
                other => {
                    return Err(problem(
                        key,
                        format!("{other:?} is unknown here; there are labels, fresh and gates"),
                    ));
                }
            }
        }
        Ok(())
    }

    fn gate(&mut self, node: &Node<'_>) -> Result<(), Problem> {
        let name_at = node
            .get("name")
            .ok_or_else(|| problem(node, "a gate needs a name".to_owned()))?;
        let name = string(name_at)?;
        if name.is_empty()
            || !name
                .chars()
                .all(|it| it.is_ascii_alphanumeric() || "-_.".contains(it))
        {
            return Err(problem(
                name_at,
                format!("{name:?} is no name: letters, digits, - _ and . make one"),
            ));
        }
        let built_in = BuiltIn::named(&name);
        let mut rule = match (built_in, node.get("query")) {
            (Some(_), Some(query)) => {
                return Err(problem(
                    query,
                    format!(
                        "{name} is a built-in gate, which has its own query: give the gate another name"
                    ),
                ));
            }
            (Some(it), None) => Rule::built_in(it),
            (None, None) => {
                let all: Vec<&str> = BuiltIn::ALL.iter().map(|it| it.name()).collect();
                return Err(problem(
                    name_at,
                    format!(
                        "{name} has no query, and is none of the built-in gates ({})",
                        all.join(", ")
                    ),
                ));
            }
            (None, Some(query)) => {
                if self.rules.iter().any(|it| it.name == name) {
                    return Err(problem(name_at, format!("there are two gates {name}")));
                }
                Rule {
                    name: name.clone(),
                    ask: Ask::Query {
                        text: string(query)?,
                        each: placeholders(query)?,
                    },
                    ..Rule::built_in(BuiltIn::Errors)
                }
            }
        };
        let own = built_in.is_none();
        let mut limits = if own { Limits::default() } else { rule.limits };
        let mut enabled = true;
        for (key, value) in mapping(node, "a gate")? {
            match key.as_str().unwrap_or_default() {
                "name" | "query" => {}
                "max" => limits.max = Some(float(value)?),
                "min" => limits.min = Some(float(value)?),
                "maxRatio" => limits.max_ratio = Some(float(value)?),
                "minRatio" => limits.min_ratio = Some(float(value)?),
                "slack" => limits.slack = float(value)?,
                "window" => {
                    rule.window = span(value)?;
                    if rule.window.as_secs() == 0 {
                        return Err(problem(value, "a window has a second at least".to_owned()));
                    }
                }
                "for" => rule.lasting = span(value)?,
                "enabled" => {
                    enabled = value
                        .as_bool()
                        .ok_or_else(|| problem(value, "enabled is true or false".to_owned()))?;
                }
                other => {
                    return Err(problem(
                        key,
                        format!(
                            "{other:?} is unknown here; a gate has name, query, max, min, maxRatio, minRatio, slack, window, for and enabled"
                        ),
                    ));
                }
            }
        }
        if limits.is_empty() {
            return Err(problem(
                node,
                format!("{name} has no limit: max, min, maxRatio or minRatio"),
            ));
        }
        rule.limits = limits;
        self.rules.retain(|it| it.name != name);
        if enabled {
            self.rules.push(rule);
        }
        Ok(())
    }

    /// The labels as a selector writes them.
    pub(super) fn selector(&self) -> String {
        let labels = self.labels.iter();
        let labels: Vec<String> = labels
            .map(|(key, value)| format!("{key}=\"{}\"", escaped(value)))
            .collect();
        labels.join(",")
    }
}

/// Whether a query asks for each workload; what else stands between double braces is a slip.
fn placeholders(node: &Node<'_>) -> Result<bool, Problem> {
    let text = node.as_str().unwrap_or_default();
    let mut each = false;
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("{{") {
        let (name, after) = after
            .split_once("}}")
            .ok_or_else(|| problem(node, "{{ without }}".to_owned()))?;
        match name.trim() {
            "namespace" | "workload" => each = true,
            "window" => {}
            other => {
                return Err(problem(
                    node,
                    format!(
                        "{{{{{other}}}}} is unknown; there are {{{{namespace}}}}, {{{{workload}}}} and {{{{window}}}}"
                    ),
                ));
            }
        }
        rest = after;
    }
    Ok(each)
}

fn problem(node: &Node<'_>, message: String) -> Problem {
    Problem {
        position: node.position,
        message,
    }
}

fn mapping<'n, 'a>(node: &'n Node<'a>, what: &str) -> Result<&'n [(Node<'a>, Node<'a>)], Problem> {
    match &node.value {
        NodeValue::Mapping(entries) => Ok(entries),
        _ => Err(problem(node, format!("{what} is a mapping"))),
    }
}

fn list<'n, 'a>(node: &'n Node<'a>) -> Result<&'n [Node<'a>], Problem> {
    match &node.value {
        NodeValue::Sequence(items) => Ok(items),
        _ => Err(problem(node, "gates are a list".to_owned())),
    }
}

fn string(node: &Node<'_>) -> Result<String, Problem> {
    match node.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(problem(
            node,
            "expected a text; put it in quotes".to_owned(),
        )),
    }
}

fn float(node: &Node<'_>) -> Result<f64, Problem> {
    let value = node.to_json();
    value
        .as_f64()
        .ok_or_else(|| problem(node, "expected a number".to_owned()))
}

fn span(node: &Node<'_>) -> Result<Duration, Problem> {
    let text = match &node.value {
        NodeValue::Int(seconds) => seconds.to_string(),
        _ => string(node)?,
    };
    duration(&text).map_err(|it| problem(node, it))
}
