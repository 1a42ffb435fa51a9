//! What no setting says, said by overlays: the way in which an `IstioOperator` can change any field of what it renders
//! (domain.md §2.3).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Setting;
use super::residue::{LISTS, Residue, SINGLE};
use crate::outcome::{ChangeClass, Ref, Subject};
use crate::ownership::{Managers, PathElement};
use crate::plan::FIELD_MANAGER;
use crate::snapshot::Snapshot;

/// Returns overlays that give what differs its live value, where nobody else owns a part of it.
pub(super) fn overlays(snapshot: &Snapshot, residue: &Residue) -> Vec<Setting> {
    let mut found: BTreeMap<Vec<String>, (Vec<Value>, Subject)> = BTreeMap::new();
    for change in &residue.changes {
        if !matches!(change.class, ChangeClass::Change | ChangeClass::TakeOver)
            || change.object.kind == "CustomResourceDefinition"
        {
            continue;
        }
        let (Some(kept), Some(component)) = (
            snapshot.objects.get(&change.object),
            component(residue, &change.component, &change.object),
        ) else {
            continue;
        };
        let fields = change.fields.iter().filter(|it| it.owner.is_none());
        // istioctl labels everything after its overlays.
        let fields = fields.filter(|it| !it.path.starts_with("metadata.labels"));
        let paths: BTreeSet<_> = fields
            .filter_map(|it| place(&it.path, &kept.value))
            .filter(|path| !is_shared(&kept.value, path))
            .collect();
        let covered = |path: &Vec<String>| (1..path.len()).any(|it| paths.contains(&path[..it]));
        let patches: Vec<_> = paths
            .iter()
            .filter(|it| !covered(it))
            .map(|it| patch(it, &kept.value))
            .collect();
        if patches.is_empty() {
            continue;
        }
        let overlay = json!({
            "apiVersion": change.object.api_version,
            "kind": change.object.kind,
            "name": change.object.name,
            "patches": patches,
        });
        found
            .entry(component)
            .or_insert_with(|| (Vec::new(), Subject::kept(&change.object, kept)))
            .0
            .push(overlay);
    }
    let setting = |(mut path, (overlays, evidence)): (Vec<String>, (Vec<Value>, Subject))| {
        path.extend(["k8s", "overlays"].map(str::to_owned));
        Setting {
            path,
            value: Value::Array(overlays),
            evidence,
        }
    };
    found.into_iter().map(setting).collect()
}

/// Where the component of an object stands in `spec`; a gateway by the one whose objects it is among.
fn component(residue: &Residue, name: &str, object: &Ref) -> Option<Vec<String>> {
    let path = |parts: &[&str]| Some(parts.iter().map(|it| (*it).to_owned()).collect());
    if name == "Base" {
        return path(&["components", "base"]);
    }
    if let Some((_, key)) = SINGLE.iter().find(|(it, _)| *it == name) {
        return path(&["components", key]);
    }
    let (_, list) = LISTS.iter().find(|(it, _)| *it == name)?;
    let is = |it: &Value, kind: &str, name: &str| {
        it["kind"] == kind && it.pointer("/metadata/name").is_some_and(|it| it == name)
    };
    let mut gateways = residue
        .rendering
        .components
        .iter()
        .filter(|it| it.name == name);
    let gateway = gateways.find(|it| {
        it.objects
            .iter()
            .any(|it| is(it, &object.kind, &object.name))
    })?;
    let deployment = gateway
        .objects
        .iter()
        .find(|it| it["kind"] == "Deployment")?;
    let gateway = deployment.pointer("/metadata/name")?.as_str()?;
    path(&["components", list, &format!("[name:{gateway}]")])
}

/// The deepest path that overlays can name without choosing an element, and whose live value they can write: a text
/// that looks like YAML would be parsed, so the map around it is written.
fn place(path: &str, live: &Value) -> Option<Vec<String>> {
    let is_plain = |it: &&str| {
        !it.is_empty()
            && it
                .chars()
                .all(|it| it.is_ascii_alphanumeric() || "-_".contains(it))
    };
    let mut keys = Vec::new();
    for step in path.split('.') {
        let name = step.split(['[', '"']).next().unwrap_or_default();
        if !is_plain(&name) {
            break;
        }
        keys.push(name.to_owned());
        if name != step {
            break;
        }
    }
    while keys.len() > 1 && at(live, &keys).is_some_and(looks_like_yaml) {
        keys.pop();
    }
    (!keys.is_empty()).then_some(keys)
}

fn looks_like_yaml(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|it| it.contains([':', '\n', '{', '[', '#']))
}

fn at<'a>(object: &'a Value, keys: &[String]) -> Option<&'a Value> {
    keys.iter().try_fold(object, |it, key| it.get(key))
}

/// Without a value the field is taken out.
fn patch(keys: &[String], live: &Value) -> Value {
    match at(live, keys) {
        Some(value) => json!({"path": keys.join("."), "value": value}),
        None => json!({"path": keys.join(".")}),
    }
}

/// Whether somebody else owns a part of what stands at a path.
fn is_shared(live: &Value, keys: &[String]) -> bool {
    let below = |path: &[PathElement]| {
        path.len() >= keys.len()
            && path
                .iter()
                .zip(keys)
                .all(|(element, key)| matches!(element, PathElement::Field(it) if it == key))
    };
    Managers::of(live)
        .iter()
        .filter(|it| it.0.name != FIELD_MANAGER)
        .any(|it| it.2.paths().iter().any(|it| below(it)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{is_shared, patch, place};

    #[test]
    fn a_path_ends_before_the_first_choice_and_before_text_that_looks_like_yaml() {
        let live = json!({"spec": {"a": 1, "list": [{"name": "x"}]}, "data": {"mesh": "a: b"}});
        let of = |path: &str| place(path, &live).unwrap().join(".");
        assert_eq!(of("spec.a"), "spec.a");
        assert_eq!(of("spec.list[name=x].image"), "spec.list");
        assert_eq!(of("data.mesh"), "data");
        assert_eq!(
            of("spec.template.metadata.annotations[\"a.b/c\"]"),
            "spec.template.metadata.annotations"
        );
    }

    #[test]
    fn what_is_not_there_is_taken_out() {
        let live = json!({"spec": {"a": 1}});
        let keys = |path: &str| path.split('.').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            patch(&keys("spec.a"), &live),
            json!({"path": "spec.a", "value": 1})
        );
        assert_eq!(patch(&keys("spec.b"), &live), json!({"path": "spec.b"}));
    }

    #[test]
    fn what_somebody_else_owns_is_left_alone() {
        let live = json!({"apiVersion": "v1", "metadata": {"managedFields": [
            {"manager": "pilot-discovery", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
             "fieldsV1": {"f:data": {"f:a": {}}}}]}});
        assert!(is_shared(&live, &["data".to_owned()]));
        assert!(!is_shared(&live, &["spec".to_owned()]));
    }
}
