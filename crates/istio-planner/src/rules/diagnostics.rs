//! What the renderer says of the request, as findings.

use istio_render::{Diagnostic, Severity};

use super::Code;
use crate::edit::{Edit, Fix};
use crate::outcome::{Finding, Level, Subject};

/// The code of an overlay that hit nothing, which a rule of its own tells.
pub(super) const OVERLAY: &str = "f-8";

/// Turns a diagnostic into a finding of a title.
pub(super) fn finding(
    code: Code,
    level: Level,
    title: impl Into<String>,
    diagnostic: &Diagnostic,
) -> Finding {
    let subject = subject(diagnostic.place.as_ref(), diagnostic.path.as_deref());
    let finding = Finding::new(code, level, title, diagnostic.message.clone());
    let fixes = fix(diagnostic, &subject);
    let subjects: Vec<_> = if diagnostic.also.is_empty() {
        vec![subject]
    } else {
        let also = diagnostic.also.iter();
        also.map(|it| self::subject(it.place.as_ref(), Some(it.path.as_str())))
            .collect()
    };
    let known = subjects.into_iter().filter(|it| *it != Subject::default());
    let finding = finding.about(known).by(fixes);
    match &diagnostic.hint {
        Some(hint) => finding.fix(hint.clone()),
        None => finding,
    }
}

/// A place of the request, and the field that stands there.
fn subject(place: Option<&(String, kube_yaml::Position)>, path: Option<&str>) -> Subject {
    let mut subject = match place {
        // A flag has no lines.
        Some((name, _)) if name.starts_with("--") => Subject::flag(name),
        Some((name, position)) => Subject::place(name, position.line, position.column),
        None => Subject::default(),
    };
    subject.field = path.map(str::to_owned);
    subject
}

/// What a diagnostic speaks of.
pub(super) fn place(diagnostic: &Diagnostic) -> &str {
    diagnostic.path.as_deref().unwrap_or("the request")
}

/// Whether the target refuses the request itself.
pub(super) fn refuses(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity == Severity::Error && !is_of_chart(diagnostic)
}

/// The edit that a diagnostic's nearest field stands for, where the field is in a file.
fn fix(diagnostic: &Diagnostic, subject: &Subject) -> Option<Fix> {
    subject.line?;
    let nearest = diagnostic.nearest.as_ref()?;
    let path = diagnostic.path.as_deref()?.strip_prefix("spec.")?;
    let title = format!("Rename it to `{nearest}`");
    let edit = Edit::Rename {
        path: path.to_owned(),
        to: nearest.clone(),
    };
    Some(Fix::one(title, edit))
}

/// Whether a chart failed, rather than the request itself.
pub(super) fn is_of_chart(diagnostic: &Diagnostic) -> bool {
    matches!(
        diagnostic.code.as_str(),
        "render-failed" | "chart-failed" | "compatibility-version"
    )
}
