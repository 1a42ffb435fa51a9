//! The `IstioOperator` resource `installed-state`: everything that istioctl of 1.6 to 1.20 was asked for, merged with
//! the profile.
//!
//! 1.21 to 1.23 delete it and 1.24 leaves it alone, so it may be stale: it counts only if its tag is the version that
//! runs.

use istio_catalog::{Release, Version, revisioned, stated_revision};

use super::setting::{Installation, Setting, beyond};

use crate::defaults::tree;
use crate::kubernetes::text;
use crate::outcome::{ControlPlane, Subject};
use crate::snapshot::Snapshot;
use crate::snapshot::objects;

/// Keys of `spec` that istioctl itself writes: the release's own, and where its files lay.
const OWN: [&str; 5] = ["profile", "hub", "tag", "installPackagePath", "revision"];

/// Reads the resource of a control plane.
pub(super) fn read(
    snapshot: &Snapshot,
    plane: &ControlPlane,
    source: &Version,
    release: &Release,
) -> Option<Installation> {
    let plain = revisioned("installed-state", &plane.revision);
    let (object, kept) =
        objects(snapshot, "install.istio.io", "IstioOperator").find(|(object, kept)| {
            // `installed-state-NAME` for a request with a name of its own.
            let named = object.name == plain || object.name.starts_with("installed-state-");
            let revision = text(&kept.value, "/spec/revision").unwrap_or_default();
            named
                && object.namespace.as_deref() == Some(plane.namespace.as_str())
                && stated_revision(revision) == plane.revision
        })?;
    let spec = kept.value.get("spec")?;
    if Version::parse_tag(text(spec, "/tag")?).as_ref() != Some(source) {
        return None;
    }
    let evidence = Subject::kept(object, kept);
    let profile = text(spec, "/profile")
        .filter(|it| !it.is_empty())
        .unwrap_or("default")
        .to_owned();
    let base = release
        .profile(&profile)
        .or_else(|| release.profile("default"))?;
    let (whole, base) = (tree::named(spec.clone()), tree::named(base));
    let mut settings = Vec::new();
    beyond(&whole, Some(&base), &mut Vec::new(), &mut |path, value| {
        if path.first().is_some_and(|it| OWN.contains(it)) {
            return;
        }
        let field = format!("spec.{}", tree::text(path));
        settings.push(Setting::new(
            path.iter().map(|it| (*it).to_owned()).collect(),
            value.clone(),
            evidence.clone().field(field).value(value.clone()),
        ));
    });
    Some(Installation {
        profile,
        settings,
        evidence,
    })
}
