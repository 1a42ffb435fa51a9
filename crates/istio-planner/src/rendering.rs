//! The request as the target renders it, and what the target has to say about it.

use istio_catalog::{DEFAULT_REVISION, Version};
use istio_render::{Diagnostic, OperatorFile, Options, Release, Rendering, Severity};
use serde_json::Value;

use crate::input::Request;
use crate::outcome::Kubernetes;

/// A request, read and rendered.
pub(crate) struct Rendered {
    /// `spec` of what files and sets say, merged.
    pub(crate) user: Value,
    /// What the target makes of it; `None` where the release was not found, or refuses.
    pub(crate) rendering: Option<Rendering>,
    /// It was rendered before the request was made, so that no profile is known.
    pub(crate) already: bool,
    /// All of the request could be read, be it refused or not: `user` lacks nothing.
    pub(crate) readable: bool,
    /// What is wrong, or worth knowing.
    pub(crate) diagnostics: Vec<Diagnostic>,
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
    let readable = diagnostics.iter().all(|it| it.severity != Severity::Error);
    let user = user.get("spec").cloned().unwrap_or_default();
    let Some(release) = to.and_then(|to| find(releases, to)) else {
        return Rendered {
            user,
            rendering: None,
            already: false,
            readable,
            diagnostics,
        };
    };
    match istio_render::render(release, &options) {
        Ok(rendering) => Rendered {
            // What is rendered already does not ask what the request says.
            user: if release.is_rendered() {
                Value::Null
            } else {
                user
            },
            already: release.is_rendered(),
            readable,
            diagnostics: rendering.diagnostics.clone(),
            rendering: Some(rendering),
        },
        Err(diagnostics) => Rendered {
            user,
            rendering: None,
            already: false,
            readable,
            diagnostics,
        },
    }
}

/// Returns the release of a version among those that were found.
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
        .filter(|it| !it.is_empty() && *it != DEFAULT_REVISION);
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
