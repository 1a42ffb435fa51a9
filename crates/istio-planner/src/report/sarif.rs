//! An outcome as SARIF 2.1.0, which code scanning of GitHub, GitLab and editors reads.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::words;
use crate::explain::explain;
use crate::outcome::{Finding, Level, Outcome, Subject};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Writes the findings and notes of an outcome as a SARIF log with one run.
///
/// # Panics
///
/// Never: a log is plain data whose keys are strings.
pub fn sarif(outcome: &Outcome) -> String {
    let all: Vec<&Finding> = outcome.findings.iter().chain(&outcome.notes).collect();
    let mut codes: Vec<&str> = all.iter().map(|it| it.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules: Vec<Value> = codes.iter().map(|it| rule(it, &all)).collect();
    let results: Vec<Value> = all.iter().map(|it| result(it, &codes)).collect();
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

fn rule(code: &str, all: &[&Finding]) -> Value {
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

fn result(finding: &Finding, codes: &[&str]) -> Value {
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
    json!({
        "ruleId": finding.code,
        "ruleIndex": codes.binary_search(&finding.code.as_str()).unwrap_or_default(),
        "level": level,
        "message": {"text": format!("{}.", sentences.join(". "))},
        "locations": finding.subjects.iter().map(location).collect::<Vec<_>>(),
        "properties": {"level": words::level(finding.level)},
    })
}

fn location(subject: &Subject) -> Value {
    let mut location = json!({});
    // A flag is no file.
    if let Some(file) = subject.file.as_deref().filter(|it| !it.starts_with("--")) {
        let mut physical = json!({"artifactLocation": {"uri": uri(file)}});
        if let Some(line) = subject.line {
            physical["region"] = json!({"startLine": line});
            if let Some(column) = subject.column {
                physical["region"]["startColumn"] = column.into();
            }
        }
        location["physicalLocation"] = physical;
    }
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
