//! Shows what is wrong with a request the way a compiler does: the line, and what stands in it.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use istio_planner::Request;
use istio_planner::outcome::{self, Outcome};
use istio_planner::report::shown;
use istio_render::{Diagnostic, Options, Severity};
use kube_yaml::Position;

use crate::output;

/// Says every diagnostic on standard error.
pub fn say_all(diagnostics: &[Diagnostic], options: &Options) {
    for diagnostic in diagnostics {
        output::say_styled(&show(diagnostic, &sources(options)));
    }
}

/// So many lines are shown of one finding.
const SHOWN: usize = 3;

/// Shows the lines of the request that findings point at, as [`say_all`] shows them; nothing where none does.
pub fn snippets(outcome: &Outcome, request: &Request) -> String {
    let mut text = String::new();
    for finding in &outcome.findings {
        let subjects = finding.subjects.iter();
        for subject in subjects.filter(|it| it.line.is_some()).take(SHOWN) {
            let (Some(file), Some(line)) = (&subject.file, subject.line) else {
                continue;
            };
            let Some(source) = request.files.iter().find(|it| it.name == *file) else {
                continue;
            };
            let level = match finding.level {
                outcome::Level::Block => Level::ERROR,
                outcome::Level::Unknown | outcome::Level::Warn => Level::WARNING,
                outcome::Level::Info => Level::NOTE,
            };
            let position = Position {
                line,
                column: subject.column.unwrap_or(1),
            };
            let (lines, span) = escaped(&source.text, span(&source.text, position));
            let annotation = AnnotationKind::Primary
                .span(span)
                .label(shown(subject.field.as_deref().unwrap_or_default()));
            let mut group = level
                .primary_title(shown(&finding.detail))
                .id(finding.code.as_str())
                .element(
                    Snippet::source(lines)
                        .path(shown(&source.name))
                        .annotation(annotation),
                );
            if let Some(fix) = &finding.fix {
                group = group.element(Level::HELP.message(shown(fix)));
            }
            text.push('\n');
            text.push_str(&renderer().render(&[group]));
            text.push('\n');
        }
    }
    text
}

/// In colour where standard output shows it.
fn renderer() -> Renderer {
    let renderer = if output::coloured() {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    renderer.decor_style(DecorStyle::Ascii)
}

/// The texts that a diagnostic may point into, by name.
fn sources(options: &Options) -> Vec<(&str, &str)> {
    options
        .files
        .iter()
        .map(|it| (it.name.as_str(), it.text.as_str()))
        .collect()
}

/// Renders one diagnostic, with the source where it points into one.
fn show(diagnostic: &Diagnostic, sources: &[(&str, &str)]) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Corrected => Level::NOTE,
    };
    let title = level
        .primary_title(shown(&diagnostic.message))
        .id(&*diagnostic.code);
    let label = shown(diagnostic.path.as_deref().unwrap_or_default());
    let mut group = match &diagnostic.place {
        Some((file, position)) => match sources.iter().find(|it| it.0 == file) {
            Some((name, text)) => {
                let (lines, span) = escaped(text, span(text, *position));
                let annotation = AnnotationKind::Primary.span(span).label(label);
                let snippet = Snippet::source(lines).path(shown(name));
                title.element(snippet.annotation(annotation))
            }
            None => title.element(Level::NOTE.message(format!("in {}", shown(file)))),
        },
        None if label.is_empty() => Group::with_title(title),
        None => title.element(Level::NOTE.message(format!("at {label}"))),
    };
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.message(shown(hint)));
    }
    Renderer::styled()
        .decor_style(DecorStyle::Ascii)
        .render(&[group])
}

/// Returns a text as it is shown, and where a part of it lies then.
fn escaped(text: &str, part: Range<usize>) -> (String, Range<usize>) {
    let at = |it: Range<usize>| shown(text.get(it).unwrap_or_default());
    let mut all = at(0..part.start).into_owned();
    let start = all.len();
    all.push_str(&at(part.clone()));
    let end = all.len();
    all.push_str(&at(part.end..text.len()));
    (all, start..end)
}

/// The bytes of the word or value that begins at a position.
fn span(text: &str, position: Position) -> Range<usize> {
    let line = position.line.saturating_sub(1) as usize;
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    let rest = rest.split('\n').next().unwrap_or_default();
    let column = position.column.saturating_sub(1) as usize;
    let from = rest
        .char_indices()
        .nth(column)
        .map_or(rest.len(), |it| it.0);
    let word = &rest[from..];
    // A key ends at its colon, a value at a comment or the end of the line.
    let length = word
        .find(": ")
        .or_else(|| word.find(" #"))
        .unwrap_or_else(|| word.trim_end().len());
    let length = if word.ends_with(':') {
        length.min(word.len() - 1)
    } else {
        length
    };
    start + from..start + from + length
}

#[cfg(test)]
mod tests;
