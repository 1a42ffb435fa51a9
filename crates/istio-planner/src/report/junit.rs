//! `JUnit` XML, which every CI shows: an outcome as a case for each rule that found something.

use std::fmt::Write as _;

use super::words;
use crate::outcome::{Finding, Level, Outcome};

/// A case of a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What is looked at, for example `refit.version-skew`.
    pub class: String,
    /// Its name.
    pub name: String,
    /// How it ended.
    pub end: End,
}

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Well; with what it has to say.
    Passed(Option<String>),
    /// It was looked at, and is not as it should be.
    Failed {
        /// In a word.
        kind: String,
        /// In a line.
        message: String,
        /// At length.
        body: String,
    },
    /// It could not be looked at.
    Error {
        /// In a word.
        kind: String,
        /// Why.
        message: String,
    },
}

/// Writes one test suite.
pub fn suite(name: &str, cases: &[Case]) -> String {
    let number = |is: fn(&End) -> bool| cases.iter().filter(|it| is(&it.end)).count();
    let failures = number(|it| matches!(it, End::Failed { .. }));
    let errors = number(|it| matches!(it, End::Error { .. }));
    // Writing to a string cannot fail.
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        text,
        "<testsuites><testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\">",
        xml(&line(name)),
        cases.len()
    );
    for case in cases {
        let _ = write!(
            text,
            "<testcase classname=\"{}\" name=\"{}\">",
            xml(&line(&case.class)),
            xml(&line(&case.name))
        );
        let _ = match &case.end {
            End::Passed(None) => Ok(()),
            End::Passed(Some(words)) => write!(text, "<system-out>{}</system-out>", xml(words)),
            End::Failed {
                kind,
                message,
                body,
            } => write!(
                text,
                "<failure type=\"{}\" message=\"{}\">{}</failure>",
                xml(kind),
                xml(&line(message)),
                xml(body)
            ),
            End::Error { kind, message } => write!(
                text,
                "<error type=\"{}\" message=\"{}\"/>",
                xml(kind),
                xml(&line(message))
            ),
        };
        text.push_str("</testcase>\n");
    }
    text.push_str("</testsuite></testsuites>\n");
    text
}

/// Writes the findings and notes of an outcome as one test suite: what blocks or is unknown has failed, a warning or a
/// note has passed and tells itself in `system-out`. Accepted findings have passed.
pub fn junit(outcome: &Outcome) -> String {
    let all = outcome.findings.iter().chain(&outcome.notes);
    let cases: Vec<Case> = all
        .map(|it| Case {
            class: format!("refit.{}", it.code),
            name: it.title.clone(),
            end: end(it.level, it.accepted.is_some(), &it.title, told(it)),
        })
        .collect();
    suite(&words::headline(outcome), &cases)
}

/// How a finding ends: what blocks or is unknown has failed, unless somebody accepted it.
pub(crate) fn end(level: Level, accepted: bool, title: &str, body: String) -> End {
    let kind = words::level(level).to_owned();
    if !accepted && matches!(level, Level::Block | Level::Unknown) {
        End::Failed {
            kind,
            message: title.to_owned(),
            body,
        }
    } else {
        End::Passed(Some(format!("{kind}: {body}")))
    }
}

/// Detail, subjects and fix, a line each.
fn told(finding: &Finding) -> String {
    let mut lines = vec![line(&finding.detail)];
    lines.extend(finding.subjects.iter().map(|it| line(&words::subject(it))));
    lines.extend(finding.fix.iter().map(|it| format!("→ {}", line(it))));
    lines.join("\n")
}

/// A text without breaks of its own: what was read may not look like a part that is ours.
pub(crate) fn line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

/// A text that is one in XML 1.0, which has no words for most control characters.
fn xml(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for it in super::shown(text).chars() {
        match it {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => {}
            other => safe.push(other),
        }
    }
    safe
}
