//! What a file says that its writer may not have meant.

use kube_yaml::{Node, NodeValue, Position};

use crate::{Diagnostic, OperatorFile};

const UNRENDERED: &str = "The file looks like a template that was not rendered: render it first (`helm template`, `envsubst`, \
    your tool's own command), and give what comes out";

/// So many keys that stand twice are told.
const MOST_REPEATED: usize = 20;

/// Warns of what istioctl reads otherwise than it is written.
pub(super) fn of(file: &OperatorFile, document: &Node<'_>) -> Vec<Diagnostic> {
    let mut diagnostics = repeated(file, document);
    diagnostics.extend(other_kind(file, document));
    if leads_with_nothing(&file.text) {
        let message = "the file begins with an empty document, for which istioctl takes it: it renders the default profile; \
            here the IstioOperator behind it is rendered";
        diagnostics.push(
            Diagnostic::corrected("leading-document", message)
                .placed(&file.name, Position { line: 1, column: 1 })
                .hinted("Remove the lines above the IstioOperator"),
        );
    }
    if let Some((path, node)) = placeholder(document, &mut Vec::new()) {
        let text = node.as_str().unwrap_or_default();
        let message = format!("{text:?} is taken as it stands, for a value");
        diagnostics.push(
            Diagnostic::warning("unrendered-template", message)
                .at(path)
                .placed(&file.name, node.position)
                .hinted(UNRENDERED),
        );
    }
    diagnostics
}

/// A document of another kind: istioctl looks at what it says all the same.
fn other_kind(file: &OperatorFile, document: &Node<'_>) -> Option<Diagnostic> {
    let (key, value) = document
        .entries()
        .iter()
        .find(|(key, _)| key.as_str() == Some("kind"))?;
    let kind = value.as_str().filter(|it| *it != "IstioOperator")?;
    let hint = if kind == "IstioControlPlane" {
        "This kind ended with Istio 1.5, which migrated it (`istioctl experimental profile`); write an IstioOperator, or let \
         `refit recover` write the one that the installation answers to"
    } else {
        "Give the IstioOperator with -f, and apply other objects with kubectl"
    };
    let message = format!("a {kind} stands where an IstioOperator is expected");
    let diagnostic = Diagnostic::warning("other-kind", message).at("kind");
    Some(diagnostic.placed(&file.name, key.position).hinted(hint))
}

/// Keys that a mapping holds twice: the last one wins, and what the first says is lost.
fn repeated(file: &OperatorFile, document: &Node<'_>) -> Vec<Diagnostic> {
    let repeated = kube_yaml::repeated(&file.text);
    let told = repeated.iter().take(MOST_REPEATED).map(|it| {
        let message = format!(
            "`{}` stands in line {} and again in line {}: the last one counts, and all that the first says is lost",
            it.key, it.first.line, it.last.line
        );
        let diagnostic = Diagnostic::warning("repeated-key", message)
            .placed(&file.name, it.first)
            .hinted("Merge both into one");
        match path_of(document, it.last, &mut Vec::new()) {
            Some(path) => diagnostic.at(path),
            None => diagnostic,
        }
    });
    told.collect()
}

/// The path of the key that stands at a place.
fn path_of(node: &Node<'_>, wanted: Position, above: &mut Vec<String>) -> Option<String> {
    for (key, value) in node.entries() {
        above.push(key.as_str().unwrap_or_default().replace('.', "\\."));
        if key.position == wanted {
            return Some(above.join("."));
        }
        if let Some(found) = path_of(value, wanted, above) {
            return Some(found);
        }
        above.pop();
    }
    for (index, item) in node.items().iter().enumerate() {
        above.push(format!("[{index}]"));
        if let Some(found) = path_of(item, wanted, above) {
            return Some(found);
        }
        above.pop();
    }
    None
}

/// Whether the first document of a text is written and says nothing.
fn leads_with_nothing(text: &str) -> bool {
    matches!(kube_yaml::first(text), Ok(Some(first)) if first.is_null())
}

/// Where a text has the marks of a template, outside comments.
pub(super) fn template(text: &str) -> Option<(Position, &'static str)> {
    let marks = ["{{", "{%", "<%", "[[ "];
    text.lines().enumerate().find_map(|(index, line)| {
        let line_number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        if line.trim_start().starts_with('#') {
            return None;
        }
        let at = marks.iter().filter_map(|it| line.find(it)).min()?;
        let column = line.get(..at).unwrap_or_default().chars().count() + 1;
        let position = Position {
            line: line_number,
            column: u32::try_from(column).unwrap_or(u32::MAX),
        };
        Some((position, UNRENDERED))
    })
}

/// The first value that is nothing but a placeholder. Templates of sidecars and patches hold such in the midst of others.
fn placeholder<'n, 'a>(
    node: &'n Node<'a>,
    above: &mut Vec<String>,
) -> Option<(String, &'n Node<'a>)> {
    if let NodeValue::String(text) = &node.value {
        return is_placeholder(text).then(|| (above.join("."), node));
    }
    for (key, value) in node.entries() {
        let key = key.as_str().unwrap_or_default();
        // What istiod itself fills in.
        if matches!(
            key,
            "templates" | "overlays" | "runtimeValues" | "annotations"
        ) {
            continue;
        }
        above.push(key.replace('.', "\\."));
        if let Some(found) = placeholder(value, above) {
            return Some(found);
        }
        above.pop();
    }
    for (index, item) in node.items().iter().enumerate() {
        above.push(format!("[{index}]"));
        if let Some(found) = placeholder(item, above) {
            return Some(found);
        }
        above.pop();
    }
    None
}

/// `{{ … }}`, `{% … %}`, `<% … %>`, `${NAME}` and nothing else; `$(NAME)` is filled in by the kubelet.
fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    let between = |open: &str, close: &str| {
        let inside = text
            .strip_prefix(open)
            .and_then(|it| it.strip_suffix(close));
        inside.is_some_and(|it| !it.is_empty() && !it.contains('\n'))
    };
    let name = text.strip_prefix("${").and_then(|it| it.strip_suffix('}'));
    let is_name = |it: &str| {
        !it.is_empty()
            && it
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || it == b'_')
    };
    between("{{", "}}") || between("{%", "%}") || between("<%", "%>") || name.is_some_and(is_name)
}

/// What a document without a kind looks like.
pub(super) fn without_kind(document: &Node<'_>) -> Option<String> {
    let has = |key: &str| document.get(key).is_some();
    let values = [
        "global",
        "pilot",
        "meshConfig",
        "cni",
        "gateways",
        "defaults",
        "revision",
    ];
    let spec = ["profile", "components", "values", "hub", "tag"];
    if has("spec") {
        Some("Add `apiVersion: install.istio.io/v1alpha1` and `kind: IstioOperator`".to_owned())
    } else if spec.iter().any(|it| has(it)) {
        Some("It looks like the spec of an IstioOperator: put it below `spec`, with `apiVersion` and `kind` above".to_owned())
    } else if values.iter().any(|it| has(it)) {
        Some(
            "It looks like values of a Helm chart: put them below `spec.values` of an IstioOperator"
                .to_owned(),
        )
    } else {
        None
    }
}
