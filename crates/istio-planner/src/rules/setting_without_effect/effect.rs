//! What a rendering does, without what it only writes down.

use istio_render::Rendering;
use serde_json::Value;
use sorted::SortedMap;

use crate::rules::text;

/// Objects by kind, namespace and name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Effect(SortedMap<(String, String, String), Value>);

impl Effect {
    pub(super) fn new(rendering: &Rendering) -> Self {
        let mut objects = SortedMap::new();
        for component in &rendering.components {
            for object in &component.objects {
                let kind = text(object, "/kind").unwrap_or_default().to_owned();
                let name = text(object, "/metadata/name")
                    .unwrap_or_default()
                    .to_owned();
                let is_record = name == "values" || name.starts_with("values-");
                if kind == "ConfigMap" && is_record {
                    continue;
                }
                let namespace = text(object, "/metadata/namespace").unwrap_or_default();
                let mut object = object.clone();
                if kind == "ConfigMap" && name.starts_with("istio-sidecar-injector") {
                    only_read(&mut object);
                }
                objects.insert((kind, namespace.to_owned(), name), object);
            }
        }
        Self(objects)
    }

    /// The objects that are otherwise, or missing, in `other`.
    pub(super) fn beyond(&self, other: &Self) -> Vec<String> {
        let keys = self.0.keys().chain(other.0.keys());
        let mut names: Vec<_> = keys
            .filter(|it| self.0.get(*it) != other.0.get(*it))
            .map(|(kind, _, name)| format!("{kind} {name}"))
            .collect();
        sorted::sort(&mut names);
        names.dedup();
        let more = names.len().saturating_sub(4);
        if more > 0 {
            names.truncate(4);
            names.push(format!("{more} more"));
        }
        names
    }
}

/// Leaves of the injector's values only those that its templates name. istiod itself reads those of `global`,
/// `sidecarInjectorWebhook` and `revision` (1.30.3:pkg/kube/inject/template.go, inject.go).
fn only_read(config_map: &mut Value) {
    let Some(values) =
        text(config_map, "/data/values").and_then(|it| serde_json::from_str::<Value>(it).ok())
    else {
        return;
    };
    let template = text(config_map, "/data/config")
        .unwrap_or_default()
        .to_owned();
    let mut values = values;
    if let Some(map) = values.as_object_mut() {
        map.retain(|key, _| {
            matches!(
                key.as_str(),
                "global" | "sidecarInjectorWebhook" | "revision"
            ) || template.contains(&format!(".Values.{key}"))
        });
    }
    config_map["data"]["values"] = values;
}
