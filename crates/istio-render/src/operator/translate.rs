//! From the `IstioOperator` to Helm values (domain §1.5).

use serde_json::{Map, Value};

use super::merge::{get, get_bool, get_str, merge, set};
use super::set::infer;
use crate::{Diagnostic, go};

/// Writes what the `IstioOperator` says outside `values` into `spec.values`, and the user's own values over that.
///
/// `base_values` are the values of the profile, before the user's were merged.
/// 1.31:operator/pkg/render/manifest.go:354-419.
pub(crate) fn to_values(
    merged: &mut Map<String, Value>,
    user_values: Option<&Map<String, Value>>,
    base_values: Option<&Value>,
) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let tree = Value::Object(std::mem::take(merged));
    let found = |key: &str| get(&tree, &["spec", key]).cloned();
    let (hub, tag, revision) = (found("hub"), found("tag"), found("revision"));
    let (mesh_config, compatibility) = (found("meshConfig"), found("compatibilityVersion"));
    let pilot = get_bool(&tree, &["spec", "components", "pilot", "enabled"]);
    let cni = get_bool(&tree, &["spec", "components", "cni", "enabled"]);
    if let Value::Object(tree) = tree {
        *merged = tree;
    }
    // Istioctl takes every map for a MeshConfig; only force lets one through elsewhere.
    let (mut maps, mut texts) = (Vec::new(), [hub, tag, revision, compatibility]);
    for it in &mut texts {
        maps.extend(it.take_if(|it| it.is_object()));
    }
    let [hub, tag, revision, compatibility] = texts;
    let printed = |it: &Value| Value::String(go::print(it).trim().replace("\\,", ","));
    if let Some(it) = hub {
        set(
            merged,
            &["spec", "values", "global", "hub"],
            infer(go::print(&it).trim()),
        );
    }
    if let Some(it) = tag {
        set(
            merged,
            &["spec", "values", "global", "tag"],
            Value::String(go::print(&it).trim().to_owned()),
        );
    }
    if let Some(it) = compatibility {
        set(
            merged,
            &["spec", "values", "compatibilityVersion"],
            Value::String(go::print(&it).trim().to_owned()),
        );
    }
    if let Some(it) = revision {
        let value = printed(&it);
        if it.is_string() && !infer(go::print(&it).trim()).is_string() {
            let message = "istioctl takes this revision for a number or bool and refuses it; the text is kept";
            diagnostics.push(Diagnostic::corrected("f-12", message).at("spec.revision"));
        }
        set(merged, &["spec", "values", "revision"], value);
    }
    for it in maps.into_iter().chain(mesh_config) {
        translate_mesh_config(merged, it);
    }
    set(
        merged,
        &["spec", "values", "pilot", "enabled"],
        pilot.into(),
    );
    set(
        merged,
        &["spec", "values", "pilot", "cni", "enabled"],
        cni.into(),
    );
    let namespace = merged
        .get("spec")
        .map(|it| get_str(it, &["values", "global", "istioNamespace"]).to_owned());
    if let Some(namespace) = namespace.filter(|it| !it.is_empty()) {
        set(merged, &["metadata", "namespace"], namespace.into());
    }
    if let Some(user) = user_values {
        merge_user_values(merged, user, base_values, (pilot, cni), &mut diagnostics);
    }
    diagnostics
}

/// A map is merged over `values.meshConfig`; anything else is printed and put there.
fn translate_mesh_config(merged: &mut Map<String, Value>, mesh_config: Value) {
    match mesh_config {
        Value::Object(it) => {
            let overlay: Map<_, _> = [(
                "spec".to_owned(),
                serde_json::json!({"values": {"meshConfig": it}}),
            )]
            .into_iter()
            .collect();
            merge(merged, &overlay);
        }
        it => drop(set(
            merged,
            &["spec", "values", "meshConfig"],
            infer(go::print(&it).trim()),
        )),
    }
}

/// Merges the user's values over the translated ones.
///
/// istioctl means to do the same, but by then the maps that it merges hold the translated values
/// themselves (domain §11, F-3).
/// Of `meshConfig` that leaves the translated value on top unless the profile brings a map of its own; that is kept.
fn merge_user_values(
    merged: &mut Map<String, Value>,
    user: &Map<String, Value>,
    base_values: Option<&Value>,
    (pilot, cni): (bool, bool),
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut user = user.clone();
    let profile_has_mesh_config = base_values
        .and_then(|it| it.get("meshConfig"))
        .is_some_and(Value::is_object);
    if !profile_has_mesh_config && user.get("meshConfig").is_some_and(Value::is_object) {
        // The merged map holds the user's already, with `spec.meshConfig` over it.
        user.remove("meshConfig");
    }
    for (path, translated) in [
        (&["pilot", "enabled"][..], pilot),
        (&["pilot", "cni", "enabled"], cni),
    ] {
        let wanted = path.iter().try_fold(None, |below: Option<&Value>, key| {
            let map = below.map_or(Some(&user), Value::as_object)?;
            map.get(*key).map(Some)
        });
        if wanted
            .flatten()
            .and_then(Value::as_bool)
            .is_some_and(|it| it != translated)
        {
            let message = format!("istioctl overwrites this value with {translated}; it is kept");
            diagnostics.push(
                Diagnostic::corrected("f-3", message).at(format!("spec.values.{}", path.join("."))),
            );
        }
    }
    if let Value::Object(user) = kube_yaml::as_go_json(Value::Object(user)) {
        let overlay: Map<_, _> = [("spec".to_owned(), serde_json::json!({"values": user}))]
            .into_iter()
            .collect();
        merge(merged, &overlay);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn maps_where_texts_belong_are_taken_for_mesh_configs() {
        let Value::Object(mut operator) =
            json!({"spec": {"tag": {"rootNamespace": "r"}, "hub": "h"}})
        else {
            panic!("no map")
        };
        to_values(&mut operator, None, None);
        let values = &operator["spec"]["values"];
        assert_eq!(values["global"], json!({"hub": "h"}));
        assert_eq!(values["meshConfig"], json!({"rootNamespace": "r"}));
    }
}
