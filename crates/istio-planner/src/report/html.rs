//! An outcome as one HTML file: everything is in it, nothing in it runs, and it asks for nothing.

use maud::{DOCTYPE, Markup, PreEscaped, html as markup};
use serde_json::Value;
use sorted::SortedSet;

use super::agenda::{State, agenda};
use super::outline::Digest;
use super::shown::shown;
use super::words;
use crate::outcome::{Change, Finding, Hop, Level, Outcome, Restart, Subject};
use crate::plan::{Action, Step, Wait};
use crate::words::count;

/// The style of the file. It holds no `</`, so that it ends nothing.
const STYLE: &str = include_str!("report.css");

/// What the file may do: be seen.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// Subjects that are seen without opening anything.
const SEEN: usize = 12;

/// Writes an outcome as a self-contained HTML file. `command` performs the plan; empty, none is shown.
pub fn html(outcome: &Outcome, command: &str) -> String {
    let headline = words::headline(outcome);
    let sections = sections(outcome, command);
    let agenda = agenda(outcome);
    let body = markup! {
        main {
            header class={ "verdict " (state(agenda.state)) } {
                h1 { (agenda.title) }
                p class="line" { (shown(&headline)) ": " (words::verdict(outcome)) }
                @if outcome.hops.len() > 1 { p class="hops" { (shown(&outcome.hops.join(" → "))) } }
                ul { @for line in words::situation(outcome) { li { (spoken(&line)) } } }
            }
            nav aria-label="Sections" {
                @for it in &sections { a href={ "#" (it.id) } { (it.title) " " (it.count) } }
            }
            @for it in &sections {
                section id=(it.id) data-count=(it.count) {
                    h2 { (it.title) " " small { (it.count) } }
                    (it.body)
                }
            }
        }
    };
    file(&headline, &body)
}

/// A self-contained HTML file that is headed so and holds this.
pub(crate) fn file(headline: &str, body: &Markup) -> String {
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Refit: " (shown(headline)) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    };
    let mut text = page.into_string();
    text.push('\n');
    text
}

/// A part of the file that can be gone to.
struct Section {
    id: &'static str,
    title: &'static str,
    count: usize,
    body: Markup,
}

/// All parts that hold something.
fn sections(outcome: &Outcome, command: &str) -> Vec<Section> {
    let digest = Digest::new(&outcome.changes);
    let mut all = Vec::new();
    let mut add = |id, title, count: usize, body: &dyn Fn() -> Markup| {
        // What only gets the release's name in its labels is no change to count, but stands there.
        let beside = id == "objects" && !digest.stamped.is_empty();
        if count > 0 || beside {
            let body = body();
            all.push(Section {
                id,
                title,
                count,
                body,
            });
        }
    };
    let steps = outcome.plan.as_ref().map_or(&[][..], |it| &it.steps);
    // Of one step the findings are the whole way.
    let hops = if outcome.path.len() > 1 {
        &outcome.path[..]
    } else {
        &[]
    };
    add("way", "The way, one minor at a time", hops.len(), &|| {
        way(hops)
    });
    add("findings", "Findings", outcome.findings.len(), &|| {
        findings(&outcome.findings)
    });
    add(
        "notes",
        "Behaviour that changes",
        outcome.notes.len(),
        &|| findings(&outcome.notes),
    );
    add(
        "defaults",
        "Changed defaults",
        outcome.defaults.len(),
        &|| defaults(outcome),
    );
    add(
        "reverted",
        "Settings that the request would revert",
        outcome.reverted.len(),
        &|| reverted(outcome),
    );
    add("objects", "Objects", digest.real.len(), &|| {
        objects(&digest)
    });
    add("restarts", "Restarts", outcome.restarts.len(), &|| {
        restarts(&outcome.restarts)
    });
    add("steps", "Steps", steps.len(), &|| steps_of(steps, command));
    all
}

fn way(hops: &[Hop]) -> Markup {
    markup! {
        ol {
            @for hop in hops {
                li {
                    h3 { (spoken(&words::hop(hop))) }
                    (findings(&hop.findings))
                    (findings(&hop.notes))
                }
            }
        }
    }
}

fn findings(all: &[Finding]) -> Markup {
    markup! { @for it in all { (finding(it)) } }
}

fn finding(it: &Finding) -> Markup {
    markup! {
        article class=(words::level(it.level)) {
            h3 { b { (label(it.level)) ": " } (spoken(&it.title)) " " code { (it.code) } }
            @if !it.detail.is_empty() { p { (spoken(&it.detail)) } }
            (evidence(&it.subjects))
            @if let Some(reason) = &it.accepted { p class="fix" { b { "Accepted: " } (spoken(reason)) } }
            @if let Some(fix) = &it.fix { p class="fix" { b { "Fix: " } (spoken(fix)) } }
            @if let Some(link) = &it.link { p class="soft" { (shown(link)) } }
        }
    }
}

fn evidence(subjects: &[Subject]) -> Markup {
    let list = markup! { ul class="evidence" { @for it in subjects { (subject(it)) } } };
    match subjects.len() {
        0 => Markup::default(),
        number if number > SEEN => {
            markup! { details { summary { (count(number, "subject")) } (list) } }
        }
        _ => list,
    }
}

fn subject(subject: &Subject) -> Markup {
    let object = subject.object.as_ref().map(ToString::to_string);
    let value = subject.value.as_ref().map(typed);
    let parts = [object, subject.field.clone(), value];
    markup! {
        li {
            @for part in parts.iter().flatten().filter(|it| !it.is_empty()) { code { (shown(part)) } " " }
            @if let Some(place) = place(subject) { span class="soft" { (shown(&place)) } }
        }
    }
}

pub(crate) fn table<'a>(head: &[&str], rows: impl Iterator<Item = Vec<Markup>> + 'a) -> Markup {
    markup! {
        div class="scroll" {
            table {
                thead { tr { @for it in head { th scope="col" { (it) } } } }
                tbody { @for row in rows { tr { @for cell in row { td { (cell) } } } } }
            }
        }
    }
}

fn defaults(outcome: &Outcome) -> Markup {
    let head = [
        "Component",
        "Setting",
        "Before",
        "After",
        "Keeps the old behaviour",
    ];
    let row = |it: &crate::outcome::DefaultChange| {
        vec![
            markup! { (shown(&it.component)) },
            markup! { (code(&it.path)) @if it.pinned { " (pinned)" } @if let Some(about) = &it.about { p class="soft" { (shown(about)) } } },
            side(it.from.as_ref()),
            side(it.to.as_ref()),
            markup! { @if let Some(keep) = &it.keep { (code(keep)) } @if let Some(why) = &it.unkept { (shown(why)) } },
        ]
    };
    table(&head, outcome.defaults.iter().map(row))
}

fn reverted(outcome: &Outcome) -> Markup {
    let head = ["Setting", "In the cluster", "With the request", "Read from"];
    let from = |it: &Subject| {
        let object = it
            .object
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        format!("{object} {}", place(it).unwrap_or_default())
            .trim()
            .to_owned()
    };
    let row = |it: &crate::outcome::Reverted| {
        let evidence: Vec<String> = it.evidence.iter().map(from).collect();
        vec![
            code(&it.path),
            side(Some(&it.live)),
            side(it.request.as_ref().or(it.default.as_ref())),
            markup! { (shown(&evidence.join(", "))) },
        ]
    };
    table(&head, outcome.reverted.iter().map(row))
}

fn objects(digest: &Digest) -> Markup {
    let mut seen = SortedSet::new();
    let changes: Vec<&Change> = digest.real.iter().map(|it| it.change).collect();
    let components = changes.iter().map(|it| it.component.as_str());
    let components: Vec<&str> = components.filter(|it| seen.insert(*it)).collect();
    markup! {
        p class="soft" { (digest.tally()) }
        @for component in components {
            h3 { @if component.is_empty() { "No component" } @else { (shown(component)) } }
            @for it in changes.iter().filter(|it| it.component == component) { (object(it)) }
        }
        @if !digest.stamped.is_empty() {
            details {
                summary { (count(digest.stamped.len(), "object")) " with new version labels only" }
                @for it in &digest.stamped { (object(it)) }
            }
        }
    }
}

fn object(it: &Change) -> Markup {
    let fields = it.fields.len();
    markup! {
        details class="object" {
            summary {
                b { (words::class(it.class)) } " " (code(&it.object.to_string()))
                @if fields > 0 { " " (count(fields, "field")) }
            }
            @for field in &it.fields {
                div class="field" {
                    (code(&field.path))
                    @if let Some(owner) = &field.owner { span class="soft" { " owned by " (shown(owner)) } }
                    @if let Some(from) = &field.from { pre class="minus" { (shown(&typed(from))) } }
                    @if let Some(to) = &field.to { pre class="plus" { (shown(&typed(to))) } }
                }
            }
        }
    }
}

fn restarts(all: &[Restart]) -> Markup {
    let head = ["Workload", "Pods", "Proxies", "To", "How", "Why"];
    let row = |it: &Restart| {
        vec![
            code(&it.object.to_string()),
            markup! { (it.pods) },
            markup! { (shown(&words::proxies(it))) },
            markup! { (shown(it.to.as_deref().unwrap_or("unknown"))) },
            markup! { (words::how(it.how)) },
            markup! { (shown(it.reason.words())) },
        ]
    };
    table(&head, all.iter().map(row))
}

fn steps_of(all: &[Step], command: &str) -> Markup {
    markup! {
        @if !command.is_empty() { pre { (shown(command)) } }
        ol { @for step in all {
            li { details {
                summary { b { (shown(&step.title)) } " " (count(step.actions.len(), "write")) }
                ul {
                    @for it in &step.actions { li { (action(it)) } }
                    @for it in &step.waits { li class="soft" { (wait(it)) } }
                }
            } }
        } }
    }
}

fn action(it: &Action) -> Markup {
    let (verb, object) = match it {
        Action::Ensure { .. } => ("ensure", None),
        Action::Apply { object, .. } => ("apply", Some(object)),
        Action::Replace { object, .. } => ("replace", Some(object)),
        Action::Patch { object, .. } => ("patch", Some(object)),
        Action::Delete { object, .. } => ("delete", Some(object)),
        Action::Restart { object, .. } => ("restart", Some(object)),
    };
    let object = object.map_or_else(|| "its namespace".to_owned(), ToString::to_string);
    markup! { (verb) " " (code(&object)) }
}

fn wait(it: &Wait) -> Markup {
    let (what, object) = match it {
        Wait::Deployment { object } | Wait::DaemonSet { object } | Wait::StatefulSet { object } => {
            ("until it is rolled out", object)
        }
        Wait::Established { object } => ("until it is established", object),
        Wait::WebhookReachable { object } => ("until its service answers", object),
        Wait::AutoRollout { object, .. } => ("until istiod has rolled it out", object),
        Wait::Proxies { object, .. } => ("until its proxies run the target", object),
    };
    markup! { "wait " (what) ": " (code(&object.to_string())) }
}

/// A text of the planner, what stands between backticks as code.
pub(crate) fn spoken(text: &str) -> Markup {
    let text = shown(text);
    markup! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn code(text: &str) -> Markup {
    markup! { code { (shown(text)) } }
}

fn side(value: Option<&Value>) -> Markup {
    code(&value.map_or_else(|| "not set".to_owned(), typed))
}

/// A value as one would type it.
fn typed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // Printing plain data cannot fail.
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

/// `cluster.yaml:120:5`.
fn place(it: &Subject) -> Option<String> {
    let file = it.file.as_deref()?;
    Some(match (it.line, it.column) {
        (Some(line), Some(column)) => format!("{file}:{line}:{column}"),
        (Some(line), None) => format!("{file}:{line}"),
        (None, _) => file.to_owned(),
    })
}

fn state(state: State) -> &'static str {
    match state {
        State::Clear => "clear",
        State::Decide => "decide",
        State::Blocked => "blocked",
        State::Unknown => "unknown",
    }
}

/// The word of a level as a label.
pub(crate) fn label(level: Level) -> &'static str {
    match level {
        Level::Block => "Blocking",
        Level::Unknown => "Unknown",
        Level::Warn => "Warning",
        Level::Info => "Info",
    }
}
