//! Which installation it is: its istiod, where its root namespace is, how its revision was written.

use istio_catalog::{ComponentName, DEFAULT_REVISION, Version, revisioned};
use serde_json::Value;

use crate::inventory::{is_istiod, istiod_container};
use crate::kubernetes::text;
use crate::outcome::{ControlPlane, Ref};
use crate::snapshot::{Object, Snapshot};

/// What names an installation.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Identity {
    /// `values.global.istioNamespace`: that of istiod, unless the component has another.
    pub(super) namespace: String,
    /// As it was written: names end in it even if it is `default`. `None`: none was given.
    pub(super) revision: Option<String>,
    /// `metadata.name` of the request: istioctl writes it on everything it applies (domain §2.5).
    pub(super) name: Option<String>,
}

impl Identity {
    /// Reads it off istiod.
    pub(super) fn new(snapshot: &Snapshot, plane: &ControlPlane) -> Self {
        let istiod = istiod(snapshot, plane);
        let label = |key: &str| {
            let labels = istiod.and_then(|it| it.1.value.pointer("/metadata/labels"));
            labels.and_then(|it| it.get(key)?.as_str())
        };
        let namespace = label("install.operator.istio.io/owning-resource-namespace")
            .map(str::to_owned)
            .or_else(|| recorded_namespace(snapshot, plane))
            .unwrap_or_else(|| plane.namespace.clone());
        Self {
            namespace,
            revision: revision(istiod.map(|it| it.0.name.as_str()), plane),
            name: name(snapshot, plane),
        }
    }
}

/// The name that istioctl wrote on all that it applied of istiod; charts write something on a few objects of their own.
fn name(snapshot: &Snapshot, plane: &ControlPlane) -> Option<String> {
    let mut names = snapshot.objects.values().filter_map(|kept| {
        let labels = kept.value.pointer("/metadata/labels")?;
        let label = |key: &str| labels.get(key).and_then(Value::as_str);
        let ours = label("operator.istio.io/component")
            .is_some_and(|it| it == ComponentName::Pilot)
            && label("operator.istio.io/managed").is_some()
            && label("istio.io/rev") == Some(plane.revision.as_str());
        ours.then(|| label("install.operator.istio.io/owning-resource"))
    });
    let first = names.next()??;
    // Without a name there is `unknown`; 1.21 to 1.23 write `installed-state`.
    let is_name = first != "unknown" && !first.starts_with("installed-state");
    (is_name && names.all(|it| it == Some(first))).then(|| first.to_owned())
}

/// Returns the version of the charts that istiod was rendered from: its image may have another tag.
pub(super) fn charts(snapshot: &Snapshot, plane: &ControlPlane) -> Option<Version> {
    let (_, kept) = istiod(snapshot, plane)?;
    let labels = kept.value.pointer("/metadata/labels")?;
    let label = |key: &str| labels.get(key).and_then(Value::as_str);
    let of_chart = || label("helm.sh/chart")?.strip_prefix("istiod-");
    let version = label("operator.istio.io/version").or_else(of_chart)?;
    Version::parse_tag(version)
}

/// The Deployment of a control plane.
pub(super) fn istiod<'a>(
    snapshot: &'a Snapshot,
    plane: &ControlPlane,
) -> Option<(&'a Ref, &'a Object)> {
    let mut all = snapshot.objects.iter().filter(|(object, kept)| {
        let labels = kept.value.pointer("/spec/template/metadata/labels");
        let label = |key: &str| labels.and_then(|it| it.get(key)?.as_str());
        object.kind == "Deployment"
            && object.namespace.as_deref() == Some(plane.namespace.as_str())
            && is_istiod(label)
            && label("istio.io/rev").unwrap_or(DEFAULT_REVISION) == plane.revision
            && istiod_container(&kept.value).is_some()
    });
    all.next()
}

/// The revision as it was written: `istiod-default` was asked for by name.
fn revision(istiod: Option<&str>, plane: &ControlPlane) -> Option<String> {
    let named = istiod.and_then(|it| it.strip_prefix("istiod"));
    match named.map(|it| it.strip_prefix('-').unwrap_or(it)) {
        Some("") | None if plane.revision == DEFAULT_REVISION => None,
        _ => Some(plane.revision.clone()),
    }
}

/// The root namespace that the injector was given.
fn recorded_namespace(snapshot: &Snapshot, plane: &ControlPlane) -> Option<String> {
    let namespace = |name: &str, key: &str| {
        let (_, kept) = config_map(snapshot, plane, name)?;
        let values: Value = serde_json::from_str(text(&kept.value, key)?).ok()?;
        let namespace = text(&values, "/global/istioNamespace")?;
        (!namespace.is_empty()).then(|| namespace.to_owned())
    };
    namespace("values", "/data/original-values")
        .or_else(|| namespace("istio-sidecar-injector", "/data/values"))
}

/// Returns a ConfigMap of a control plane. The revision `default` stands in names only where it was written out.
pub(super) fn config_map<'a>(
    snapshot: &'a Snapshot,
    plane: &ControlPlane,
    name: &str,
) -> Option<(&'a Ref, &'a Object)> {
    let find = |name: String| {
        snapshot.objects.get_key_value(&Ref {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            namespace: Some(plane.namespace.clone()),
            name,
        })
    };
    let written_out = || format!("{name}-{}", plane.revision);
    let plain = find(revisioned(name, &plane.revision));
    match istiod(snapshot, plane) {
        Some((istiod, _)) if istiod.name == format!("istiod-{}", plane.revision) => {
            find(written_out()).or(plain)
        }
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::revision;
    use crate::outcome::ControlPlane;

    #[track_caller]
    fn check(istiod: Option<&str>, of_plane: &str, expected: Option<&str>) {
        let plane = ControlPlane {
            revision: of_plane.to_owned(),
            ..ControlPlane::default()
        };
        assert_eq!(revision(istiod, &plane).as_deref(), expected);
    }

    #[test]
    fn a_revision_is_written_where_names_end_in_it() {
        check(Some("istiod"), "default", None);
        check(Some("istiod-default"), "default", Some("default"));
        check(Some("istiod-canary"), "canary", Some("canary"));
        check(None, "default", None);
        check(None, "canary", Some("canary"));
    }
}
