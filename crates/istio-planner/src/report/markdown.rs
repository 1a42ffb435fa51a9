//! Markdown, for a ticket or a review: the same words as [`super::Text`].

use std::fmt;

use serde_json::Value;

use super::outline::{Digest, Outline, by_namespace};
use super::shown::shown;
use super::{changes, words};
use crate::outcome::{FieldChange, Finding, Outcome};
use crate::words::count;

/// Workloads that are named one by one.
const WORKLOADS: usize = 20;

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
            escape(&words::headline(outcome)),
            escape(&words::verdict(outcome))
        )?;
        words::situation(outcome)
            .iter()
            .try_for_each(|it| writeln!(f, "- {}", escape(it)))?;
        path(f, outcome)?;
        let outline = Outline::new(outcome);
        findings(f, "To decide", &outline.decide)?;
        findings(f, "To do by hand", &outline.by_hand)?;
        findings(f, "Would be lost", &outline.lost)?;
        reverted(f, outcome)?;
        objects(f, outcome)?;
        defaults(f, outcome)?;
        let notes: Vec<&Finding> = outcome.notes.iter().collect();
        findings(f, "Behaviour that changes", &notes)?;
        findings(f, "Good to know", &outline.known)?;
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

fn findings(f: &mut fmt::Formatter<'_>, title: &str, findings: &[&Finding]) -> fmt::Result {
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n## {title}")?;
    for finding in findings {
        let code = match &finding.link {
            Some(link) => format!("[{}]({})", code_span(finding.code.as_str()), address(link)),
            None => code_span(finding.code.as_str()),
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
        if let Some(reason) = &finding.accepted {
            writeln!(f, "\n**Accepted:** {}", escape(reason))?;
        }
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
    let digest = Digest::new(&outcome.changes);
    writeln!(f, "\n## Changes: {}\n", digest.tally())?;
    for it in &digest.real {
        let object = &it.change.object;
        let fields = match object.kind.as_str() {
            "CustomResourceDefinition" if it.fields.len() > 1 => {
                format!(", schema: {}", count(it.fields.len(), "field"))
            }
            _ => String::new(),
        };
        writeln!(
            f,
            "- {} {}{fields}",
            code_span(&object.to_string()),
            words::class(it.change.class)
        )?;
        if fields.is_empty() {
            it.fields.iter().try_for_each(|it| field(f, it))?;
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
    let pods = words::workloads(&outcome.restarts);
    if outcome.restarts.len() > WORKLOADS {
        writeln!(
            f,
            "\n## Data plane: {pods}\n\n| Namespace | Workloads | Pods | How |\n|---|---|---|---|"
        )?;
        for it in by_namespace(&outcome.restarts) {
            let (workloads, pods) = (it.workloads.to_string(), it.pods.to_string());
            row(f, &[&code_span(it.namespace), &workloads, &pods, it.how])?;
        }
        return Ok(());
    }
    writeln!(
        f,
        "\n## Data plane: {pods}\n\n| Workload | Proxies | To | How | Why |\n|---|---|---|---|---|"
    )?;
    for it in &outcome.restarts {
        let to = it.to.as_deref().unwrap_or_default();
        row(
            f,
            &[
                &code_span(&it.object.to_string()),
                &escape(&words::proxies(it)),
                &escape(to),
                words::how(it.how),
                it.reason.words(),
            ],
        )?;
    }
    Ok(())
}

fn row(f: &mut fmt::Formatter<'_>, cells: &[&str]) -> fmt::Result {
    let cells: Vec<_> = cells.iter().map(|it| it.replace('|', "\\|")).collect();
    writeln!(f, "| {} |", cells.join(" | "))
}

/// An address that ends where it ends.
fn address(link: &str) -> String {
    shown(link).replace(['(', ')', ' ', '\n', '\t', '<', '>'], "")
}

/// A text as code; one that holds backticks gets longer ones around it.
fn code_span(text: &str) -> String {
    let text = shown(text).replace(['\n', '\t'], " ");
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
pub(crate) fn escape(text: &str) -> String {
    let text = shown(text);
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
