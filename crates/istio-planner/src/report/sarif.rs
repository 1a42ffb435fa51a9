//! An outcome as SARIF 2.1.0, which code scanning of GitHub, GitLab and editors reads.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::words;
use crate::explain::explain;
use crate::outcome::{Code, Finding, Level, Outcome, Subject};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Writes the findings and notes of an outcome as a SARIF log with one run.
///
/// # Panics
///
/// Never: a log is plain data whose keys are strings.
pub fn sarif(outcome: &Outcome) -> String {
    let all: Vec<&Finding> = outcome.findings.iter().chain(&outcome.notes).collect();
    let mut codes: Vec<Code> = all.iter().map(|it| it.code).collect();
    codes.sort_unstable_by_key(|it| it.as_str());
    codes.dedup();
    let fallback = fallback(outcome, &all);
    let rules: Vec<Value> = codes.iter().map(|it| rule(*it, &all)).collect();
    let results: Vec<Value> = all.iter().map(|it| result(it, &codes, &fallback)).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "refit", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": {
                "verdict": outcome.verdict,
                "source": outcome.source.version,
                "target": outcome.target.version,
            },
        }],
    });
    let mut text = serde_json::to_string_pretty(&log).expect("plain data with string keys");
    text.push('\n');
    text
}

fn rule(code: Code, all: &[&Finding]) -> Value {
    let link = all
        .iter()
        .filter(|it| it.code == code)
        .find_map(|it| it.link.as_deref());
    let mut rule = json!({"id": code});
    if let Some(it) = explain(code) {
        rule["shortDescription"] = json!({"text": it.meaning});
        rule["fullDescription"] = json!({"text": it.why});
        rule["help"] = json!({"text": it.settle});
    }
    if let Some(link) = link.filter(|it| it.starts_with("https://")) {
        rule["helpUri"] = link.into();
    }
    rule
}

/// A file to show what has no place of its own at, since code scanning drops results without one: where the version was
/// read, else the first place that anything has.
fn fallback(outcome: &Outcome, all: &[&Finding]) -> String {
    let evidence = outcome.source.evidence.iter();
    let subjects = evidence.chain(all.iter().flat_map(|it| &it.subjects));
    let mut files = subjects.filter_map(|it| it.file.as_deref().filter(|it| !it.starts_with("--")));
    files.next().unwrap_or("cluster.yaml").to_owned()
}

fn result(finding: &Finding, codes: &[Code], fallback: &str) -> Value {
    let level = match finding.level {
        Level::Block => "error",
        Level::Unknown | Level::Warn => "warning",
        Level::Info => "note",
    };
    let parts = [
        Some(&finding.title),
        Some(&finding.detail),
        finding.fix.as_ref(),
    ];
    let sentences: Vec<&str> = parts
        .into_iter()
        .flatten()
        .map(|it| it.trim_end_matches('.'))
        .filter(|it| !it.is_empty())
        .collect();
    let mut locations: Vec<Value> = finding
        .subjects
        .iter()
        .map(|it| location(it, fallback))
        .collect();
    if locations.is_empty() {
        locations.push(location(&Subject::default(), fallback));
    }
    let mut result = json!({
        "ruleId": finding.code,
        "ruleIndex": codes.iter().position(|it| *it == finding.code).unwrap_or_default(),
        "level": level,
        "message": {"text": format!("{}.", sentences.join(". "))},
        "locations": locations,
        "properties": {"level": words::level(finding.level)},
    });
    if let Some(reason) = &finding.accepted {
        result["suppressions"] = json!([{"kind": "external", "justification": reason}]);
    }
    result
}

fn location(subject: &Subject, fallback: &str) -> Value {
    // A flag is no file.
    let file = subject.file.as_deref().filter(|it| !it.starts_with("--"));
    let mut physical = json!({"artifactLocation": {"uri": uri(file.unwrap_or(fallback))}});
    if let Some(line) = subject.line.filter(|_| file.is_some()) {
        physical["region"] = json!({"startLine": line});
        if let Some(column) = subject.column {
            physical["region"]["startColumn"] = column.into();
        }
    }
    let mut location = json!({"physicalLocation": physical});
    let object = subject.object.as_ref().map(ToString::to_string);
    let names: Vec<&str> = [
        object.as_deref(),
        subject.field.as_deref(),
        subject.file.as_deref().filter(|it| it.starts_with("--")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !names.is_empty() {
        let kind = if subject.object.is_some() {
            "resource"
        } else {
            "member"
        };
        location["logicalLocations"] =
            json!([{"fullyQualifiedName": names.join(" "), "kind": kind}]);
    }
    location
}

/// A file's name as a relative URI.
fn uri(name: &str) -> String {
    let mut uri = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
