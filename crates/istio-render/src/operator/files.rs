//! `-f` files: read, merged, and searched for the place of a field.

use kube_yaml::{Node, NodeValue, Position};
use serde_json::{Map, Value};

use super::{merge::merge, path, set};
use crate::{Diagnostic, OperatorFile, Options};

mod doubts;

/// The request as written, for finding where a field stands.
#[derive(Debug)]
pub(crate) struct Sources<'a> {
    files: Vec<(&'a str, Node<'a>)>,
    sets: Vec<(&'a str, Vec<String>)>,
}

/// Reads the files and finds out where their fields stand.
///
/// Everything that is wrong is collected; the maps are then those that could be read.
pub(crate) fn read(options: &Options) -> (Vec<Map<String, Value>>, Sources<'_>, Vec<Diagnostic>) {
    let mut documents = Vec::new();
    let mut diagnostics = Vec::new();
    let sets = options
        .sets
        .iter()
        .map(|it| (it.as_str(), set::parse(it).path))
        .collect();
    let mut sources = Sources {
        files: Vec::new(),
        sets,
    };
    for (at, file) in options.files.iter().enumerate() {
        if file.name == "-" && at + 1 != options.files.len() {
            diagnostics.push(Diagnostic::error(
                "invalid-file",
                "stdin is only allowed as the last filename",
            ));
        }
        match read_file(file) {
            Ok(None) => {}
            Ok(Some(node)) => {
                diagnostics.extend(doubts::of(file, &node));
                if let Value::Object(map) = kube_yaml::as_go_json(node.to_json()) {
                    documents.push(map);
                }
                sources.files.push((&file.name, node));
            }
            Err(it) => diagnostics.push(*it),
        }
    }
    (documents, sources, diagnostics)
}

/// Merges what files and sets say, in their order.
pub(crate) fn merge_user(
    documents: &[Map<String, Value>],
    sets: &[String],
) -> (Map<String, Value>, Vec<Diagnostic>) {
    let mut user = empty();
    let mut diagnostics = Vec::new();
    for document in documents {
        let mut document = document.clone();
        // An empty `spec:` is as good as none.
        if document.get("spec").is_some_and(Value::is_null) {
            document.remove("spec");
        }
        merge(&mut user, &document);
    }
    for flag in sets {
        let parsed = set::parse(flag);
        let spec = user
            .entry("spec")
            .or_insert_with(|| Value::Object(Map::new()));
        let path = format!("spec.{}", parsed.path.join("."));
        let place = |it: Diagnostic| it.at(&path).placed(&shown(flag), START);
        let result = match spec {
            Value::Object(spec) => set::write(spec, &parsed.path, parsed.value),
            _ => Err("spec is not a map".to_owned()),
        };
        if let Err(message) = result {
            diagnostics.push(place(Diagnostic::error(
                "invalid-set",
                format!("merge inputs: {message}"),
            )));
        } else if let Some(number) = parsed.kept_text {
            let message = format!("istioctl takes this for {number}; the text is kept");
            diagnostics.push(place(Diagnostic::corrected("f-12", message)));
        } else if flag.matches('=').count() > 1 {
            let message = "istioctl before 1.31 takes a flag with several `=` for a path without value; it is cut at the first";
            diagnostics.push(place(Diagnostic::corrected("f-11", message)));
        }
    }
    (user, diagnostics)
}

/// What sets say that may not be meant; `takes_spec` where the release takes `spec.` before a path.
pub(crate) fn doubtful_sets(sets: &[String], takes_spec: bool) -> Vec<Diagnostic> {
    let doubts = sets.iter().filter_map(|flag| {
        let doubt = set::doubtful(flag, takes_spec)?;
        let (path, _) = flag.split_once('=').unwrap_or((flag, ""));
        let path = path.trim().trim_start_matches("spec.");
        Some(doubt.at(format!("spec.{path}")).placed(&shown(flag), START))
    });
    doubts.collect()
}

const START: Position = Position { line: 1, column: 1 };

fn shown(flag: &str) -> String {
    format!("--set {flag}")
}

fn empty() -> Map<String, Value> {
    let entries = [
        ("apiVersion", Value::from("install.istio.io/v1alpha1")),
        ("kind", Value::from("IstioOperator")),
        ("metadata", Value::Object(Map::new())),
        ("spec", Value::Object(Map::new())),
    ];
    entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// Reads the one document of a file; a file without any is as good as none.
fn read_file(file: &OperatorFile) -> Result<Option<Node<'_>>, Box<Diagnostic>> {
    let mut documents = Vec::new();
    kube_yaml::load(&file.text, |node| documents.push(node)).map_err(|it| {
        let message = format!(
            "merge inputs: unable to parse file: error converting YAML to JSON: yaml: line {}: {}",
            it.position.line, it.message
        );
        let diagnostic = Diagnostic::error("invalid-yaml", message).placed(&file.name, it.position);
        Box::new(match doubts::template(&file.text) {
            Some((position, hint)) => diagnostic.placed(&file.name, position).hinted(hint),
            None => diagnostic,
        })
    })?;
    documents.retain(|it| it.value != NodeValue::Null);
    for document in &documents {
        let refused = |code: &str, message: String| {
            let position = document.position;
            Err(Box::new(
                Diagnostic::error(
                    code,
                    format!("merge inputs: unable to parse file: {message}"),
                )
                .placed(&file.name, position),
            ))
        };
        if !matches!(document.value, NodeValue::Mapping(_)) {
            return refused(
                "invalid-file",
                format!(
                    "cannot unmarshal {} into Go value of type map[string]interface {{}}",
                    described(document)
                ),
            );
        }
        if kind(document).is_empty() {
            let message = format!(
                "Object 'Kind' is missing in the document of line {}",
                document.position.line
            );
            return refused("missing-kind", message).map_err(|mut it: Box<Diagnostic>| {
                it.hint = doubts::without_kind(document);
                it
            });
        }
    }
    if documents.len() > 1 {
        return Err(Box::new(several(file, &documents)));
    }
    Ok(documents.pop())
}

/// Says which document of several does not belong there.
fn several(file: &OperatorFile, documents: &[Node<'_>]) -> Diagnostic {
    let others: Vec<_> = documents
        .iter()
        .filter(|it| kind(it) != "IstioOperator")
        .collect();
    if let [first, ..] = others.as_slice()
        && others.len() + 1 >= documents.len()
    {
        let mut kinds: Vec<_> = others.iter().map(|it| kind(it)).collect();
        kinds.dedup();
        let message = format!(
            "merge inputs: a file of -f holds one IstioOperator and nothing else, and this one also holds: {}",
            kinds.join(", ")
        );
        return Diagnostic::error("other-documents", message)
            .placed(&file.name, first.position)
            .hinted("Keep other objects in files of their own, and apply them with kubectl");
    }
    let message =
        "merge inputs: contains multiple IstioOperator CRs, only one per file is supported";
    let second = documents
        .iter()
        .filter(|it| kind(it) == "IstioOperator")
        .nth(1)
        .or_else(|| documents.get(1));
    let diagnostic = Diagnostic::error("multiple-operators", message);
    match second {
        Some(it) => diagnostic.placed(&file.name, it.position),
        None => diagnostic,
    }
}

/// The kind of a document, empty where it says none.
fn kind<'n>(document: &'n Node<'_>) -> &'n str {
    document
        .get("kind")
        .and_then(Node::as_str)
        .unwrap_or_default()
}

fn described(node: &Node<'_>) -> &'static str {
    match node.value {
        NodeValue::Null => "null",
        NodeValue::Bool(_) => "bool",
        NodeValue::Int(_) | NodeValue::UInt(_) | NodeValue::Float(_) => "number",
        NodeValue::String(_) => "string",
        NodeValue::Sequence(_) => "array",
        NodeValue::Mapping(_) => "object",
    }
}

/// A key as text; keys come as Go prints them.
fn text<'n>(key: &'n Node<'_>) -> Option<&'n str> {
    match &key.value {
        NodeValue::String(it) => Some(it),
        _ => None,
    }
}

impl Sources<'_> {
    /// Returns where a field stands: in the last set, else the last file, that names it or the longest part of its path.
    ///
    /// The path is one of [`crate::Diagnostic::path`]: keys with dots escaped, `[n]` for elements.
    pub(crate) fn place(&self, path: &str) -> Option<(String, Position)> {
        let path = path::split(path);
        let below_spec = path
            .split_first()
            .filter(|(first, _)| *first == "spec")
            .map(|(_, rest)| rest);
        if let Some(below_spec) = below_spec {
            let named = |(_, set): &&(&str, Vec<String>)| {
                !set.is_empty() && (below_spec.starts_with(set) || set.starts_with(below_spec))
            };
            if let Some((flag, _)) = self.sets.iter().rev().find(named) {
                return Some((shown(flag), START));
            }
        }
        let mut best: Option<(usize, &str, Position)> = None;
        for (name, node) in self.files.iter().rev() {
            let (depth, position) = deepest(node, &path);
            if best.is_none_or(|(most, ..)| depth > most) {
                best = Some((depth, name, position));
            }
        }
        best.filter(|(depth, ..)| *depth > 0)
            .map(|(_, name, position)| (name.to_owned(), position))
    }

    /// Places a diagnostic that has a path and no place yet.
    pub(crate) fn placed(&self, mut diagnostic: Diagnostic) -> Diagnostic {
        if let (None, Some(path)) = (&diagnostic.place, &diagnostic.path) {
            diagnostic.place = self.place(path);
        }
        diagnostic
    }
}

/// How much of a path a document has, and where the last part of that begins (its key, for a field).
fn deepest(node: &Node<'_>, path: &[String]) -> (usize, Position) {
    let mut node = node;
    let mut position = node.position;
    for (depth, segment) in path.iter().enumerate() {
        let next = match &node.value {
            NodeValue::Mapping(entries) => entries
                .iter()
                .rfind(|(key, _)| text(key) == Some(segment))
                .map(|(key, value)| (key.position, value)),
            NodeValue::Sequence(items) => {
                let index = path::in_brackets(segment).and_then(|it| it.parse::<usize>().ok());
                index
                    .and_then(|it| items.get(it))
                    .map(|it| (it.position, it))
            }
            _ => None,
        };
        let Some((found, below)) = next else {
            return (depth, position);
        };
        (position, node) = (found, below);
    }
    (path.len(), position)
}
