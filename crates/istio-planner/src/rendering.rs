//! The request as the target renders it, and what the target has to say about it.

use istio_catalog::Version;
use istio_render::{Diagnostic, OperatorFile, Options, Release, Rendering, Severity};
use serde_json::Value;

use crate::edit::{Edit, Fix};
use crate::finding::Code;
use crate::input::Request;
use crate::outcome::{Finding, Kubernetes, Level, Subject};
use crate::rules::setting_without_effect;

/// A request, read and rendered.
pub(crate) struct Rendered {
    /// `spec` of what files and sets say, merged.
    pub(crate) user: Value,
    /// What the target makes of it; `None` where the release is not at hand, or refuses.
    pub(crate) rendering: Option<Rendering>,
    /// What is wrong, or worth knowing.
    pub(crate) findings: Vec<Finding>,
}

/// Reads a request and renders it with the target's release.
pub(crate) fn render(
    request: &Request,
    releases: &[Release],
    to: Option<&Version>,
    kubernetes: &Kubernetes,
) -> Rendered {
    let options = options(request, kubernetes);
    let (user, diagnostics) = istio_render::read_user(&options);
    let user = user.get("spec").cloned().unwrap_or_default();
    let Some(release) = to.and_then(|to| find(releases, to)) else {
        let mut findings: Vec<_> = diagnostics.iter().map(finding).collect();
        findings.extend(to.map(missing));
        return Rendered {
            user,
            rendering: None,
            findings,
        };
    };
    match istio_render::render(release, &options) {
        Ok(rendering) => {
            let findings = rendering.diagnostics.iter().map(finding).collect();
            Rendered {
                user,
                rendering: Some(rendering),
                findings,
            }
        }
        Err(diagnostics) => Rendered {
            user,
            rendering: None,
            findings: diagnostics.iter().map(finding).collect(),
        },
    }
}

/// Returns the release of a version among those at hand.
pub(crate) fn find<'a>(releases: &'a [Release], version: &Version) -> Option<&'a Release> {
    releases
        .iter()
        .find(|it| Version::parse_tag(&it.version().to_string()).as_ref() == Some(version))
}

/// What istioctl would be called with: `--revision` becomes the last `--set` (domain §1.1).
pub(crate) fn options(request: &Request, kubernetes: &Kubernetes) -> Options {
    let revision = request
        .revision
        .iter()
        .filter(|it| !it.is_empty() && *it != "default");
    Options {
        files: request
            .files
            .iter()
            .map(|it| OperatorFile {
                name: it.name.clone(),
                text: it.text.clone(),
            })
            .collect(),
        sets: request
            .sets
            .iter()
            .cloned()
            .chain(revision.map(|it| format!("revision={it}")))
            .collect(),
        force: request.force,
        kubernetes: kubernetes.server.as_ref().map(|it| format!("v{it}")),
    }
}

/// The target is not at hand.
fn missing(to: &Version) -> Finding {
    Finding::new(
        Code::TargetReleaseMissing,
        Level::Unknown,
        format!("The release archive of Istio {to} is not at hand"),
        "Nothing was rendered: the changes of objects and the target's own validation of the request are missing here, and \
         restarts are told by today's webhooks",
    )
    .about([Subject::flag("--to").value(to.to_string())])
    .fix(format!("Give istio-{to}.tar.gz, or the folder that holds it, with `--releases`"))
}

/// The source is not at hand: what it would have applied by default is not told from what the installation set.
pub(crate) fn source_missing(from: &Version) -> Finding {
    Finding::new(
        Code::SourceReleaseMissing,
        Level::Unknown,
        format!("The release archive of Istio {from} is not at hand"),
        "What the installation set is told from what the source would apply by default; without it some settings that \
         the request would revert can be missing here",
    )
    .about([Subject::flag("--releases").value(from.to_string())])
    .fix(format!("Give istio-{from}.tar.gz, or the folder that holds it, with `--releases`"))
}

/// Turns what the renderer says into a finding.
fn finding(diagnostic: &Diagnostic) -> Finding {
    let place = diagnostic.path.as_deref().unwrap_or("the request");
    if diagnostic.code == "f-8" {
        let subject = subject(diagnostic);
        let known = subject != Subject::default();
        return setting_without_effect::overlay(
            known.then_some(subject),
            place,
            &diagnostic.message,
        );
    }
    let (code, level, title) = match diagnostic.severity {
        Severity::Error if is_of_chart(diagnostic) => (
            Code::RenderFailed,
            Level::Block,
            "A chart of the target refuses the values".to_owned(),
        ),
        Severity::Error => (
            Code::RequestInvalid,
            Level::Block,
            format!("The target refuses {place}"),
        ),
        Severity::Warning if diagnostic.code == "doubtful-set" => (
            Code::RequestWarning,
            Level::Warn,
            format!("`--set` may not say what is meant for {place}"),
        ),
        Severity::Warning => (
            Code::RequestWarning,
            Level::Warn,
            format!("The target warns about {place}"),
        ),
        Severity::Corrected => (
            Code::IstioctlDefect,
            Level::Info,
            format!(
                "A defect of istioctl is corrected ({})",
                diagnostic.code.to_uppercase()
            ),
        ),
    };
    let subject = subject(diagnostic);
    let finding = Finding::new(code, level, title, diagnostic.message.clone());
    let fixes = fix(diagnostic, &subject);
    let known = subject != Subject::default();
    let finding = finding.about(known.then_some(subject)).by(fixes);
    match &diagnostic.hint {
        Some(hint) => finding.fix(hint.clone()),
        None => finding,
    }
}

/// Where it stands.
fn subject(diagnostic: &Diagnostic) -> Subject {
    let mut subject = match &diagnostic.place {
        // A flag has no lines.
        Some((name, _)) if name.starts_with("--") => Subject::flag(name),
        Some((name, position)) => Subject::place(name, position.line, position.column),
        None => Subject::default(),
    };
    subject.field.clone_from(&diagnostic.path);
    subject
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
fn is_of_chart(diagnostic: &Diagnostic) -> bool {
    matches!(diagnostic.code.as_str(), "render-failed" | "chart-failed")
}
