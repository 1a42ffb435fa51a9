//! An outcome as `JUnit` XML, which every CI shows: a case for each rule that found something.

use std::fmt::Write as _;

use super::words;
use crate::outcome::{Finding, Level, Outcome};

/// Writes the findings and notes of an outcome as one test suite: what blocks or is unknown has failed, a warning or a
/// note has passed and tells itself in `system-out`. Accepted findings have passed.
pub fn junit(outcome: &Outcome) -> String {
    let all = || outcome.findings.iter().chain(&outcome.notes);
    let fails =
        |it: &&Finding| it.accepted.is_none() && matches!(it.level, Level::Block | Level::Unknown);
    let failures = all().filter(fails).count();
    let name = words::headline(outcome);
    // Writing to a string cannot fail.
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        text,
        "<testsuites><testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\">",
        xml(&line(&name)),
        all().count()
    );
    for finding in all() {
        let title = xml(&line(&finding.title));
        let _ = write!(
            text,
            "<testcase classname=\"refit.{}\" name=\"{title}\">",
            xml(finding.code.as_str())
        );
        let body = xml(&told(finding));
        let level = words::level(finding.level);
        let _ = if fails(&finding) {
            write!(
                text,
                "<failure type=\"{level}\" message=\"{title}\">{body}</failure>"
            )
        } else {
            write!(text, "<system-out>{level}: {body}</system-out>")
        };
        text.push_str("</testcase>\n");
    }
    text.push_str("</testsuite></testsuites>\n");
    text
}

/// Detail, subjects and fix, a line each.
fn told(finding: &Finding) -> String {
    let mut lines = vec![line(&finding.detail)];
    lines.extend(finding.subjects.iter().map(|it| line(&words::subject(it))));
    lines.extend(finding.fix.iter().map(|it| format!("→ {}", line(it))));
    lines.join("\n")
}

/// A text without breaks of its own: what was read may not look like a part that is ours.
fn line(text: &str) -> String {
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
