//! Whether a cluster is as it is to be: values and owners, object by object.

use std::collections::{BTreeMap, BTreeSet};

use istio_planner::digest::{SERVER_METADATA, TEMPLATE_COUNTS};
use istio_planner::plan::{Action, Plan};
use kube_model::{Key, Server};
use serde_json::{Value, json};

use super::installation::{NAMESPACE, key};
use super::network::NOTE;
use crate::journal::{copy, seal};

/// Compares two clusters but for what others changed where the plan writes; says the first difference.
pub(super) fn same(
    live: &Server,
    wanted: &Server,
    drifted: &BTreeSet<Key>,
    plan: &Plan,
) -> Result<(), String> {
    let actions = || plan.steps.iter().flat_map(|it| &it.actions);
    let objects = |is_meant: fn(&Action) -> bool| -> BTreeSet<Key> {
        let meant = actions().filter(|it| is_meant(it));
        meant.map(|it| key(&crate::apply::object(it))).collect()
    };
    // Restarted pods stay, and so does a namespace that was made.
    let apart = objects(|it| matches!(it, Action::Restart { .. } | Action::Ensure { .. }));
    // What others noted on an object goes with it.
    let made_again = objects(|it| matches!(it, Action::Replace { .. } | Action::Delete { .. }));
    let is_own = |it: &Key| {
        it.namespace == NAMESPACE
            && (it.name.starts_with(copy::NAME) || it.name == seal::SECRET || it.kind == "Lease")
    };
    let all: BTreeSet<&Key> = live
        .objects()
        .chain(wanted.objects())
        .map(|it| it.0)
        .collect();
    for it in all {
        if is_own(it) || drifted.contains(it) || apart.contains(it) {
            continue;
        }
        let noted = !made_again.contains(it);
        let [found, meant] = [live, wanted].map(|server| server.object(it));
        let (one, other) = (content(found, noted), content(meant, noted));
        if one != other {
            return Err(format!("{} {} is {one}, not {other}", it.kind, it.name));
        }
        let (one, other) = (owners(found, noted), owners(meant, noted));
        if one != other {
            return Err(format!(
                "{} {} belongs to {one:#?}, not to {other:#?}",
                it.kind, it.name
            ));
        }
    }
    Ok(())
}

/// Without what only the server and controllers write.
fn content(object: Option<&Value>, noted: bool) -> Value {
    let Some(object) = object else {
        return Value::Null;
    };
    let mut object = object.clone();
    object.as_object_mut().map(|it| it.remove("status"));
    let metadata = &mut object["metadata"];
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.retain(|key, _| !SERVER_METADATA.contains(&key.as_str()));
    }
    if let Some(annotations) = metadata["annotations"].as_object_mut() {
        annotations
            .retain(|key, _| !TEMPLATE_COUNTS.contains(&key.as_str()) && (noted || key != NOTE));
    }
    if metadata["annotations"] == json!({}) || metadata["annotations"].is_null() {
        metadata.as_object_mut().map(|it| it.remove("annotations"));
    }
    object
}

/// Who owns what, whenever that was.
fn owners(object: Option<&Value>, noted: bool) -> BTreeMap<String, String> {
    let entries = object.and_then(|it| it["metadata"]["managedFields"].as_array());
    entries
        .into_iter()
        .flatten()
        .filter(|it| it["subresource"].is_null())
        .filter(|it| noted || it["manager"] != "kubectl-edit")
        .map(|it| {
            (
                format!("{} {}", it["manager"], it["operation"]),
                it["fieldsV1"].to_string(),
            )
        })
        .collect()
}
