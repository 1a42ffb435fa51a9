//! The request as the target renders it, and what the target has to say about it.

use istio_catalog::Version;
use istio_render::{Diagnostic, OperatorFile, Options, Release, Rendering, Severity};
use serde_json::Value;

use crate::edit::{Edit, Fix};
use crate::finding::Code;
use crate::input::Request;
use crate::outcome::{Finding, Kubernetes, Level, Subject};

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
fn options(request: &Request, kubernetes: &Kubernetes) -> Options {
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

/// Leaves out what a rule has said already: that the target does not ship a compatibility version, which charts refuse.
pub(crate) fn untold<'a>(
    rendered: &'a Rendered,
    told: &'a [Finding],
) -> impl Iterator<Item = Finding> + 'a {
    let unsupported = Code::CompatibilityVersionUnsupported.as_str();
    let told = told
        .iter()
        .any(|it| it.code == unsupported && it.level == Level::Block);
    let again = move |it: &&Finding| {
        told && it.code == Code::RenderFailed.as_str() && it.title == COMPATIBILITY
    };
    rendered
        .findings
        .iter()
        .filter(move |it| !again(it))
        .cloned()
}

/// The title of what charts say of a compatibility version that they do not have.
const COMPATIBILITY: &str = "The target's charts do not have this compatibility version";

/// Turns what the renderer says into a finding.
fn finding(diagnostic: &Diagnostic) -> Finding {
    let (code, level) = match diagnostic.severity {
        Severity::Error if is_of_chart(diagnostic) => (Code::RenderFailed, Level::Block),
        Severity::Error => (Code::RequestInvalid, Level::Block),
        Severity::Warning => (Code::RequestWarning, Level::Warn),
        Severity::Corrected => (Code::IstioctlDefect, Level::Info),
    };
    let finding = Finding::new(code, level, title(diagnostic), diagnostic.message.clone());
    let subject = subject(diagnostic.place.as_ref(), diagnostic.path.as_deref());
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

/// What a finding of the request is called.
fn title(diagnostic: &Diagnostic) -> String {
    let place = diagnostic.path.as_deref().unwrap_or("the request");
    match (diagnostic.severity, diagnostic.code.as_str()) {
        (Severity::Error, "compatibility-version") => COMPATIBILITY.to_owned(),
        (Severity::Error, _) if is_of_chart(diagnostic) => {
            "A chart of the target refuses the values".to_owned()
        }
        (Severity::Error, "older-file") => {
            "The request is written for an older Istio, or is no IstioOperator".to_owned()
        }
        (Severity::Error, "other-documents") => {
            "The request's file holds other objects than the IstioOperator".to_owned()
        }
        (Severity::Error, _) => format!("The target refuses {place}"),
        (Severity::Warning, "doubtful-set") => {
            format!("`--set` may not say what is meant for {place}")
        }
        (Severity::Warning, "unknown-mesh-field") => format!("Nothing reads {place}"),
        (Severity::Warning, "repeated-key") => format!("The request says {place} twice"),
        (Severity::Warning, "unrendered-template") => {
            format!("The value of {place} is a placeholder that nobody filled in")
        }
        (Severity::Warning, "other-kind") => "The request is no IstioOperator".to_owned(),
        (Severity::Warning, "more") => "The request has more of these faults".to_owned(),
        (Severity::Warning, _) => format!("The target warns about {place}"),
        (Severity::Corrected, "leading-document") => {
            "The request begins with an empty document, which istioctl takes for all of it"
                .to_owned()
        }
        (Severity::Corrected, code) => format!(
            "A defect of istioctl is corrected ({})",
            code.to_uppercase()
        ),
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
    matches!(
        diagnostic.code.as_str(),
        "render-failed" | "chart-failed" | "compatibility-version"
    )
}
