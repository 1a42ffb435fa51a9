//! Labels that istioctl puts on everything it applies (domain §2.5).

use istio_catalog::stated_revision;
use sorted::SortedMap;

use semver::Version;
use serde_json::{Map, Value};

use crate::operator::merge::{get, get_str};

/// Who owns the objects of a run.
#[derive(Debug, Clone)]
pub struct Owner<'a> {
    /// [`crate::Rendering::merged`].
    pub merged: &'a Value,
    /// [`crate::Rendering::user`].
    pub user: &'a Value,
    /// `values.revision`; empty and `default` are the same.
    pub revision: &'a str,
    /// The version of istioctl, or of what takes its place.
    pub version: &'a Version,
}

/// Returns the labels that istioctl adds at apply time to every object of a component.
///
/// `component` is [`crate::Component::name`]; without one (webhooks made out of band) its label is left out.
/// From 1.24 on the owning resource is named only where the user's `IstioOperator` has a name; before,
/// it is `installed-state` with that name and the revision (1.31:operator/pkg/install/install.go:318-337,
/// 1.23.6:operator/cmd/mesh/install.go:279-288).
pub fn owner_labels(owner: &Owner<'_>, component: Option<&str>) -> SortedMap<String, String> {
    let mut labels = SortedMap::new();
    let mut add = |key: &str, value: &str| drop(labels.insert(key.to_owned(), value.to_owned()));
    add("operator.istio.io/managed", "Reconcile");
    add("operator.istio.io/version", &owner.version.to_string());
    add("istio.io/rev", stated_revision(owner.revision));
    if let Some(component) = component {
        add("operator.istio.io/component", component);
    }
    let namespace = control_plane_namespace(owner.merged);
    if !namespace.is_empty() {
        add(
            "install.operator.istio.io/owning-resource-namespace",
            namespace,
        );
    }
    let name = get_str(owner.user, &["metadata", "name"]);
    if owner.version.minor >= 24 {
        if !name.is_empty() {
            add("install.operator.istio.io/owning-resource", name);
        }
    } else {
        let parts = ["installed-state", name, owner.revision];
        let parts: Vec<&str> = parts.into_iter().filter(|it| !it.is_empty()).collect();
        add(
            "install.operator.istio.io/owning-resource",
            &parts.join("-"),
        );
    }
    labels
}

/// Returns where a merged request puts the control plane: `values.global.istioNamespace`, else `metadata.namespace`.
pub fn control_plane_namespace(merged: &Value) -> &str {
    let namespaces = [
        get_str(merged, &["spec", "values", "global", "istioNamespace"]),
        get_str(merged, &["metadata", "namespace"]),
    ];
    namespaces
        .into_iter()
        .find(|it| !it.is_empty())
        .unwrap_or_default()
}

/// Puts labels on an object, over those that it has.
pub fn add_labels(object: &mut Value, labels: &SortedMap<String, String>) {
    let Value::Object(object) = object else {
        return;
    };
    let metadata = object
        .entry("metadata")
        .or_insert_with(|| Value::Object(Map::new()));
    let Value::Object(metadata) = metadata else {
        return;
    };
    let present = metadata
        .entry("labels")
        .or_insert_with(|| Value::Object(Map::new()));
    if !present.is_object() {
        *present = Value::Object(Map::new());
    }
    if let Value::Object(present) = present {
        present.extend(
            labels
                .iter()
                .map(|(key, value)| (key.clone(), value.as_str().into())),
        );
    }
}

/// Returns `values.revision` of a rendering's merged request, empty where there is none.
pub fn revision(merged: &Value) -> &str {
    let from_values = get(merged, &["spec", "values", "revision"])
        .and_then(Value::as_str)
        .filter(|it| !it.is_empty());
    from_values.unwrap_or_else(|| get_str(merged, &["spec", "revision"]))
}
