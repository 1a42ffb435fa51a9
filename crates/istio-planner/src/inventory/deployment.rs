//! istiod's Deployment, as data.

use istio_catalog::ComponentName;
use serde_json::Value;

use crate::kubernetes::text;

/// Returns the container that istiod runs in.
pub(crate) fn istiod_container(deployment: &Value) -> Option<&Value> {
    let containers = deployment.pointer("/spec/template/spec/containers")?;
    let mut containers = containers.as_array()?.iter();
    containers.find(|it| text(it, "/name") == Some(ComponentName::Pilot.container()))
}

/// Returns its variables, each as its name and its entry.
pub(crate) fn istiod_environment(deployment: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let entries = istiod_container(deployment).and_then(|it| it.get("env")?.as_array());
    let entries = entries.into_iter().flatten();
    entries.filter_map(|it| Some((text(it, "/name")?, it)))
}
