//! Literal credentials in what an installation is told, an access token of the mesh configuration or a password in istiod's
//! environment: no report says them.
//!
//! A plan has to write them, so its manifests hold them; everything that is read by people, and what is handed on, does not.

use serde_json::Value;

use crate::edit::Edit;
use crate::outcome::{Finding, Hop, Outcome, Subject};

/// What stands in a credential's place.
pub const HIDDEN: &str = "(a credential)";

/// A literal that is shorter is no credential that could be looked for in sentences.
const SHORTEST: usize = 6;

/// What a name ends in that stands for a credential itself, not for where it is, how long it lives or who reads it.
const ENDINGS: [&str; 12] = [
    "token",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "credential",
    "credentials",
    "apikey",
    "api key",
    "access key",
    "private key",
    "secret key",
];

/// Whether a name (`accessToken`, `DB_PASSWORD`, `api-key`) stands for a credential.
pub fn is_credential(name: &str) -> bool {
    let words = words(name);
    ENDINGS.iter().any(|it| {
        words == *it
            || words
                .strip_suffix(it)
                .is_some_and(|rest| rest.ends_with(' '))
    })
}

/// A name as words in lower case with a blank between them.
fn words(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    let mut was_lower = false;
    for it in name.chars() {
        if it.is_alphanumeric() {
            if it.is_uppercase() && was_lower {
                words.push(' ');
            }
            words.extend(it.to_lowercase());
            was_lower = it.is_lowercase() || it.is_ascii_digit();
        } else {
            if !words.ends_with(' ') {
                words.push(' ');
            }
            was_lower = false;
        }
    }
    words.trim().to_owned()
}

/// Whether a text under a credential's name is one: not a place, a switch or nothing.
fn is_literal(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty()
        && text != HIDDEN
        && !text.starts_with('/')
        && !matches!(
            text,
            "true" | "false" | "null" | "~" | "{}" | "[]" | "\"\"" | "''"
        )
}

/// Whether the last field of a path names a credential: `meshConfig.tracing.lightstep.accessToken`,
/// `…env[name=DB_PASSWORD].value`.
fn leads_to_credential(path: &str) -> bool {
    let path = path.strip_suffix(".value").unwrap_or(path);
    let last = match path.strip_suffix(']').and_then(|it| it.rsplit_once('[')) {
        Some((_, key)) => key.strip_prefix("name=").unwrap_or(key),
        None => path.rsplit(['.', ']']).next().unwrap_or_default(),
    };
    is_credential(last.trim_matches(['"', '\'']))
}

/// Hides the credentials in a value that stands at a path. Each is told to `found`.
pub fn hide(path: &str, value: &mut Value, found: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) if leads_to_credential(path) => {
            if is_literal(text) {
                found(text);
                HIDDEN.clone_into(text);
            }
        }
        Value::String(text) => {
            if text.contains(':')
                && let Some(hidden) = hidden_text(text, found)
            {
                *text = hidden;
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|it| hide("", it, found)),
        Value::Object(fields) => {
            // An entry of an environment.
            let named = fields.get("name").and_then(Value::as_str);
            let named = named.is_some_and(is_credential);
            for (key, value) in fields.iter_mut() {
                let path = if named && key == "value" {
                    "token"
                } else {
                    key
                };
                // A key may have dots, and a value below it is none of the key's.
                let path = if is_credential(path) { "token" } else { "" };
                hide(path, value, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The same value without credentials.
pub(crate) fn without(mut value: Value) -> Value {
    hide("", &mut value, &mut |_| {});
    value
}

/// A text of YAML or JSON (a `ConfigMap`'s mesh configuration, a request's file) without the credentials in it; nothing
/// where there are none.
pub fn hidden_text(text: &str, found: &mut dyn FnMut(&str)) -> Option<String> {
    let mut hidden = String::new();
    let mut rest = text;
    let mut any = false;
    while let Some(colon) = rest.find([':', '=']) {
        let (before, after) = rest.split_at(colon + 1);
        hidden.push_str(before);
        rest = after;
        let key = before[..colon].trim_end_matches(['"', '\'']);
        let begin = key
            .rfind(|it: char| !(it.is_alphanumeric() || matches!(it, '_' | '-')))
            .map_or(0, |it| {
                it + key[it..].chars().next().map_or(1, char::len_utf8)
            });
        if !is_credential(&key[begin..]) {
            continue;
        }
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let (indent, value) = rest.split_at(blanks);
        let length = scalar(value, indent_of(text, text.len() - rest.len()));
        let (own, after) = value.split_at(length);
        let plain = own.trim_matches(['"', '\'']);
        if !is_literal(plain) || plain.starts_with(['{', '[']) {
            continue;
        }
        found(plain.trim());
        any = true;
        hidden.push_str(indent);
        let quote = own.chars().next().filter(|it| matches!(it, '"' | '\''));
        hidden.extend(quote);
        hidden.push_str(HIDDEN);
        hidden.extend(quote);
        rest = after;
    }
    hidden.push_str(rest);
    any.then_some(hidden)
}

/// How far the line at a place is indented.
fn indent_of(text: &str, at: usize) -> usize {
    let line = text[..at].rsplit('\n').next().unwrap_or_default();
    line.len() - line.trim_start_matches([' ', '-']).len()
}

/// How long a scalar is: quoted, a block of lines that are indented deeper, or plain to the end of its line.
fn scalar(value: &str, indent: usize) -> usize {
    let mut all = value.char_indices();
    match all.next() {
        Some((_, quote @ ('"' | '\''))) => {
            let mut escaped = false;
            for (at, it) in all {
                if escaped {
                    escaped = false;
                } else if it == '\\' && quote == '"' {
                    escaped = true;
                } else if it == quote {
                    return at + 1;
                }
            }
            value.len()
        }
        Some((_, '|' | '>')) => {
            let mut length = 0;
            for (number, line) in value.split_inclusive('\n').enumerate() {
                let deep = line.len() - line.trim_start_matches(' ').len();
                if number > 0 && deep <= indent && !line.trim().is_empty() {
                    break;
                }
                length += line.len();
            }
            value[..length].trim_end().len()
        }
        _ => {
            let line = value.find('\n').unwrap_or(value.len());
            let line = &value[..line];
            let end = line.find([',', '}', ']']).unwrap_or(line.len());
            let end = line[..end].find(" #").unwrap_or(end);
            line[..end].trim_end().len()
        }
    }
}

/// What is called with each text of a source.
type Quoted<'a> = dyn FnMut(&str) + 'a;

/// Hides credentials wherever an outcome says them in words or as values; what its plan writes stays.
///
/// `sources` are what may be quoted beside the outcome's own values: the request's texts, objects of the cluster.
pub(crate) fn hide_in(outcome: &mut Outcome, sources: &mut dyn FnMut(&mut Quoted)) {
    let mut literals: Vec<String> = Vec::new();
    let mut found = |it: &str| {
        if it.len() >= SHORTEST && !literals.iter().any(|known| known == it) {
            literals.push(it.to_owned());
        }
    };
    sources(&mut found);
    let Outcome {
        source,
        installers,
        findings,
        defaults,
        reverted,
        changes,
        notes,
        path,
        ..
    } = outcome;
    let evidence = source.evidence.iter_mut();
    let installed = installers.iter_mut().flat_map(|it| &mut it.evidence);
    evidence
        .chain(installed)
        .for_each(|it| subject(it, &mut found));
    for it in defaults {
        it.from
            .iter_mut()
            .chain(&mut it.to)
            .for_each(|value| hide(&it.path, value, &mut found));
    }
    for it in reverted {
        hide(&it.path, &mut it.live, &mut found);
        it.request
            .iter_mut()
            .chain(&mut it.default)
            .for_each(|value| hide(&it.path, value, &mut found));
        it.evidence
            .iter_mut()
            .for_each(|it| subject(it, &mut found));
    }
    for it in changes.iter_mut().flat_map(|it| &mut it.fields) {
        it.from
            .iter_mut()
            .chain(&mut it.to)
            .for_each(|value| hide(&it.path, value, &mut found));
    }
    let of_hops = |it: &mut Hop| std::mem::take(&mut it.findings);
    let mut hops: Vec<Vec<Finding>> = path.iter_mut().map(of_hops).collect();
    let all = |findings: &mut Vec<Finding>,
               notes: &mut Vec<Finding>,
               hops: &mut Vec<Vec<Finding>>,
               each: &mut dyn FnMut(&mut Finding)| {
        findings
            .iter_mut()
            .chain(notes)
            .chain(hops.iter_mut().flatten())
            .for_each(each);
    };
    all(findings, notes, &mut hops, &mut |finding| {
        finding
            .subjects
            .iter_mut()
            .for_each(|it| subject(it, &mut found));
        // An edit would write what stands in the place of the credential: nobody is offered it.
        finding
            .fixes
            .retain(|it| !it.edits.iter().any(sets_credential));
    });
    if !literals.is_empty() {
        // The longest first: one may be a part of another.
        sorted::sort_by_key(&mut literals, |it| std::cmp::Reverse(it.len()));
        all(findings, notes, &mut hops, &mut |it| {
            let words = [&mut it.title, &mut it.detail]
                .into_iter()
                .chain(&mut it.fix);
            words.for_each(|words| scrub(words, &literals));
            let titles = it.fixes.iter_mut().map(|it| &mut it.title);
            titles.for_each(|words| scrub(words, &literals));
        });
    }
    for (hop, findings) in path.iter_mut().zip(hops) {
        hop.findings = findings;
    }
}

fn subject(subject: &mut Subject, found: &mut dyn FnMut(&str)) {
    let field = subject.field.as_deref().unwrap_or_default();
    if let Some(value) = &mut subject.value {
        hide(field, value, found);
    }
}

fn sets_credential(edit: &Edit) -> bool {
    match edit {
        Edit::Set { path, value } => {
            let mut any = false;
            hide(path, &mut value.clone(), &mut |_| any = true);
            any
        }
        Edit::Remove { .. } | Edit::Rename { .. } => false,
    }
}

fn scrub(words: &mut String, literals: &[String]) {
    for literal in literals {
        if words.contains(literal.as_str()) {
            *words = words.replace(literal.as_str(), HIDDEN);
        }
    }
}

#[cfg(test)]
mod tests;
