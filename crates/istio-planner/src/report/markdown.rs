//! Markdown, for a ticket or a review: the same words as [`super::Text`].

use std::fmt;

use serde_json::Value;

use super::{changes, words};
use crate::outcome::{FieldChange, Finding, Outcome};

/// An outcome as Markdown.
#[derive(Debug, Clone, Copy)]
pub struct Markdown<'a> {
    /// What is written.
    pub outcome: &'a Outcome,
}

impl fmt::Display for Markdown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = self.outcome;
        writeln!(
            f,
            "# {}\n\n**{}**\n",
            words::headline(outcome),
            words::verdict(outcome)
        )?;
        words::situation(outcome)
            .iter()
            .try_for_each(|it| writeln!(f, "- {}", escape(it)))?;
        path(f, outcome)?;
        findings(f, "Findings", &outcome.findings)?;
        findings(f, "Behaviour that changes", &outcome.notes)?;
        defaults(f, outcome)?;
        reverted(f, outcome)?;
        objects(f, outcome)?;
        restarts(f, outcome)?;
        if let Some(plan) = outcome.plan.as_ref().filter(|it| !it.steps.is_empty()) {
            writeln!(f, "\n## Plan\n")?;
            plan.steps
                .iter()
                .try_for_each(|it| writeln!(f, "1. {}", escape(&it.title)))?;
        }
        Ok(())
    }
}

fn path(f: &mut fmt::Formatter<'_>, outcome: &Outcome) -> fmt::Result {
    if outcome.path.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n## The way, hop by hop\n")?;
    for hop in &outcome.path {
        writeln!(f, "1. {}", escape(&words::hop(hop)))?;
        for finding in hop.findings.iter().chain(&hop.notes) {
            let level = words::level(finding.level);
            writeln!(f, "   - {level}: {}", escape(&finding.title))?;
        }
    }
    Ok(())
}

fn findings(f: &mut fmt::Formatter<'_>, title: &str, findings: &[Finding]) -> fmt::Result {
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n## {title}")?;
    for finding in findings {
        let code = match &finding.link {
            Some(link) => format!("[`{}`]({link})", finding.code),
            None => format!("`{}`", finding.code),
        };
        writeln!(
            f,
            "\n### {}: {}\n",
            words::level(finding.level),
            escape(&finding.title)
        )?;
        writeln!(f, "{code}. {}\n", escape(&finding.detail))?;
        finding
            .subjects
            .iter()
            .try_for_each(|it| writeln!(f, "- {}", code_span(&words::subject(it))))?;
        if let Some(fix) = &finding.fix {
            writeln!(f, "\n**Fix:** {}", escape(fix))?;
        }
    }
    Ok(())
}

fn defaults(f: &mut fmt::Formatter<'_>, outcome: &Outcome) -> fmt::Result {
    if outcome.defaults.is_empty() {
        return Ok(());
    }
    writeln!(
        f,
        "\n## Changed defaults\n\n| Component | Setting | From | To | Keep |\n|---|---|---|---|---|"
    )?;
    for it in &outcome.defaults {
        let keep = match (&it.keep, it.pinned) {
            (_, true) => "set by the installation or the request".to_owned(),
            (Some(keep), false) => code_span(keep),
            (None, false) => String::new(),
        };
        let (from, to) = (words::side(it.from.as_ref()), words::side(it.to.as_ref()));
        row(
            f,
            &[
                &escape(&it.component),
                &code_span(&it.path),
                &code_span(&from),
                &code_span(&to),
                &keep,
            ],
        )?;
    }
    Ok(())
}

fn reverted(f: &mut fmt::Formatter<'_>, outcome: &Outcome) -> fmt::Result {
    if outcome.reverted.is_empty() {
        return Ok(());
    }
    writeln!(
        f,
        "\n## Settings that the request would revert\n\n| Setting | Live | Request | Read from |\n|---|---|---|---|"
    )?;
    for it in &outcome.reverted {
        let evidence = it.evidence.first().map(words::origin).unwrap_or_default();
        let request = words::side(it.request.as_ref());
        row(
            f,
            &[
                &code_span(&it.path),
                &code_span(&words::value(&it.live)),
                &code_span(&request),
                &escape(&evidence),
            ],
        )?;
    }
    Ok(())
}

fn objects(f: &mut fmt::Formatter<'_>, outcome: &Outcome) -> fmt::Result {
    if outcome.changes.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n## Changes: {}", words::tally(&outcome.changes))?;
    for group in changes::by_component(&outcome.changes, false) {
        writeln!(f, "\n### {}\n", escape(group.component))?;
        for (change, fields) in &group.objects {
            writeln!(
                f,
                "- {} {}",
                code_span(&change.object.to_string()),
                words::class(change.class)
            )?;
            fields.iter().try_for_each(|it| field(f, it))?;
        }
        if let Some(words) = changes::stamped(&group) {
            writeln!(f, "- {words}")?;
        }
    }
    Ok(())
}

fn field(f: &mut fmt::Formatter<'_>, field: &FieldChange) -> fmt::Result {
    let path = code_span(&field.path);
    let owner = match &field.owner {
        Some(owner) => format!(" (owned by {})", escape(owner)),
        None => String::new(),
    };
    if let Some(difference) = changes::difference(field) {
        return writeln!(f, "  - {path}: {}{owner}", words::difference(&difference));
    }
    let side = |side: Option<&Value>| code_span(&words::side(side));
    writeln!(
        f,
        "  - {path}: {} → {}{owner}",
        side(field.from.as_ref()),
        side(field.to.as_ref())
    )
}

fn restarts(f: &mut fmt::Formatter<'_>, outcome: &Outcome) -> fmt::Result {
    if outcome.restarts.is_empty() {
        return Ok(());
    }
    writeln!(
        f,
        "\n## Data plane\n\n| Workload | Proxies | To | How | Why |\n|---|---|---|---|---|"
    )?;
    for it in &outcome.restarts {
        let to = it.to.as_deref().unwrap_or_default();
        let reason = escape(words::reason(&it.reason));
        row(
            f,
            &[
                &code_span(&it.object.to_string()),
                &words::proxies(it),
                to,
                words::how(it.how),
                &reason,
            ],
        )?;
    }
    Ok(())
}

fn row(f: &mut fmt::Formatter<'_>, cells: &[&str]) -> fmt::Result {
    let cells: Vec<_> = cells.iter().map(|it| it.replace('|', "\\|")).collect();
    writeln!(f, "| {} |", cells.join(" | "))
}

/// A text as code; one that holds backticks gets longer ones around it.
fn code_span(text: &str) -> String {
    let text = text.replace('\n', " ");
    let longest = text
        .split(|it| it != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    if longest > 0 {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

/// A text that cannot be taken for markup. Backticks stay: our own sentences use them for code.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '*' | '_' | '[' | ']' | '#' => escaped.extend(['\\', it]),
            '\n' => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}
