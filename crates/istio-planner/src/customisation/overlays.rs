//! What no setting says, said by overlays: the way in which an `IstioOperator` can change any field of what it renders
//! (domain §2.3).

use serde_json::{Value, json};
use sorted::{SortedMap, SortedSet};

use super::components::{Installed, LISTS, SINGLE};
use super::residue::{Residue, is_owner_label, is_program, own_fields};
use super::setting::Setting;
use super::steps::{Step, at, steps};
use crate::outcome::{Change, ChangeClass, Ref, Subject};
use crate::plan::FIELD_MANAGER;
use crate::snapshot::Object;
use kube_apply::ownership::{FieldSet, Managers, remove};
use kube_apply::schema::Schemas;

/// How much of an object an overlay replaces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// The very fields that differ, down into elements of lists.
    #[default]
    Field,
    /// The lists in which something differs, as wholes.
    List,
    /// What stands at the top of the object: `spec`, `data`.
    Top,
}

impl Reach {
    /// The next larger one.
    pub(super) fn larger(self) -> Option<Self> {
        match self {
            Self::Field => Some(Self::List),
            Self::List => Some(Self::Top),
            Self::Top => None,
        }
    }
}

/// Returns overlays that give what differs its live value.
pub(super) fn overlays(
    installed: Installed<'_>,
    residue: &Residue,
    reach: &SortedMap<Ref, Reach>,
) -> Vec<Setting> {
    let schemas = Schemas::builtin();
    let mut found: SortedMap<Vec<String>, (Vec<Value>, Subject, SortedSet<String>)> =
        SortedMap::new();
    for change in residue.changes.iter().filter(|it| is_patched(it)) {
        let (Some(kept), Some((rendered, component))) = (
            installed.snapshot.objects.get(&change.object),
            component(installed, residue, change),
        ) else {
            continue;
        };
        let reach = reach.get(&change.object).copied().unwrap_or_default();
        let patches = patches(&schemas, change, kept, rendered, reach);
        if patches.is_empty() {
            continue;
        }
        let (overlays, _, owners) = found.entry(component).or_insert_with(|| {
            let evidence = Subject::kept(&change.object, kept);
            (Vec::new(), evidence, SortedSet::new())
        });
        owners.extend(own_fields(change).filter_map(|it| it.owner.clone()));
        overlays.push(json!({
            "apiVersion": change.object.api_version,
            "kind": change.object.kind,
            "name": change.object.name,
            "patches": patches,
        }));
    }
    let setting =
        |(mut path, (overlays, evidence, owners)): (Vec<String>, (_, _, SortedSet<_>))| {
            path.extend(["k8s", "overlays"].map(str::to_owned));
            let owners: Vec<String> = owners.into_iter().collect();
            let owner = (!owners.is_empty()).then(|| owners.join(", "));
            Setting::new(path, Value::Array(overlays), evidence).by(owner)
        };
    found.into_iter().map(setting).collect()
}

fn is_patched(change: &Change) -> bool {
    matches!(
        change.class,
        ChangeClass::Change | ChangeClass::TakeOver | ChangeClass::Replace
    )
}

/// The rendered object, and where its component stands in `spec`; a gateway by the one whose objects it is among.
fn component<'a>(
    installed: Installed<'_>,
    residue: &'a Residue,
    change: &Change,
) -> Option<(&'a Value, Vec<String>)> {
    let (component, rendered) = residue.rendering_of(&change.object)?;
    let path = |key: &str| vec!["components".to_owned(), key.to_owned()];
    if let Some((_, key)) = SINGLE.iter().find(|(it, _)| component.name == *it) {
        return Some((rendered, path(key)));
    }
    let (name, list) = *LISTS.iter().find(|(it, _)| component.name == *it)?;
    let deployment = component
        .objects
        .iter()
        .find(|it| it["kind"] == "Deployment")?;
    let gateway = Ref::of(deployment)?;
    Some((rendered, installed.element(list, name, &gateway)))
}

/// The patches of an object, none below another.
fn patches(
    schemas: &Schemas,
    change: &Change,
    kept: &Object,
    rendered: &Value,
    reach: Reach,
) -> Vec<Value> {
    let live = if reach == Reach::Field {
        kept.value.clone()
    } else {
        without_others(schemas, &change.object, &kept.value)
    };
    // istioctl labels everything after its overlays.
    let fields = own_fields(change)
        .map(|it| steps(&it.path))
        .filter(|it| !is_owner_label(it));
    let places: SortedSet<_> = fields
        .filter_map(|it| place(&it, &live, rendered, reach))
        .collect();
    let covered = |path: &[Step]| (1..path.len()).any(|it| places.contains(&path[..it]));
    // From the end, so that what is taken out of a list moves nothing that is still to be found.
    let mut patches: Vec<_> = places.iter().filter(|it| !covered(it)).collect();
    patches.reverse();
    patches
        .into_iter()
        .filter_map(|it| patch(it, &live, rendered))
        .collect()
}

/// The path of a patch for a field: as deep as `reach` says, and as the path language can name the same place in what is
/// rendered.
fn place(steps: &[Step], live: &Value, rendered: &Value, reach: Reach) -> Option<Vec<Step>> {
    let mut path: Vec<Step> = Vec::new();
    for step in steps {
        if !is_nameable(step, &path, live, rendered, reach) {
            break;
        }
        path.push(step.clone());
        if reach == Reach::Top && !matches!(step, Step::Field(it) if it == "metadata") {
            break;
        }
    }
    // A text that looks like YAML would be read as such, so what is around it is written.
    while at(live, &path).is_some_and(looks_like_yaml) {
        path.pop();
    }
    // Over a scalar nothing is written below.
    while path.len() > 1 {
        let parent = path.split_last().map_or(&[][..], |it| it.1);
        match at(rendered, parent) {
            Some(Value::Object(_) | Value::Array(_) | Value::Null) | None => break,
            Some(_) => drop(path.pop()),
        }
    }
    (!path.is_empty()).then_some(path)
}

fn is_nameable(step: &Step, before: &[Step], live: &Value, rendered: &Value, reach: Reach) -> bool {
    let plain = |it: &str| {
        !it.is_empty()
            && !it.starts_with('.')
            && !it.ends_with(['.', '/', '\\'])
            && !it.contains(['[', ']', '\\'])
            && !["//", "/./", "/../"].iter().any(|odd| it.contains(odd))
    };
    let (there, here) = (at(rendered, before), at(live, before));
    match step {
        Step::Field(name) => plain(name) && !there.is_some_and(Value::is_array),
        Step::Keyed(_) if reach != Reach::Field => false,
        Step::Keyed(pairs) => {
            let Some((Value::Array(there), Value::Array(here))) = there.zip(here) else {
                return false;
            };
            let Some((key, value)) = named(pairs) else {
                return false;
            };
            let only = |list: &[Value]| {
                list.iter().all(Value::is_object)
                    && list.iter().filter(|it| text(it.get(key)) == value).count() == 1
            };
            let order = |list: &[Value]| -> Vec<String> {
                list.iter().map(|it| text(it.get(key))).collect()
            };
            let kept = |list: &[Value], other: &[Value]| -> Vec<String> {
                let other = order(other);
                order(list)
                    .into_iter()
                    .filter(|it| other.contains(it))
                    .collect()
            };
            plain(value)
                && !value.contains(':')
                && only(there)
                && (only(here) || !here.iter().any(|it| text(it.get(key)) == value))
                && kept(here, there) == kept(there, here)
        }
        Step::Place(_) => {
            let length = |it: Option<&Value>| it.and_then(Value::as_array).map(Vec::len);
            reach == Reach::Field && length(there).is_some() && length(there) == length(here)
        }
        Step::Scalar(_) => false,
    }
}

/// The field that names an element in a path: one, and the first that tells it apart.
fn named(pairs: &[(String, String)]) -> Option<(&str, &str)> {
    let letters = |it: &str| {
        !it.is_empty()
            && it
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || b"_-".contains(&it))
    };
    let (key, value) = pairs.first()?;
    letters(key).then_some((key.as_str(), value.as_str()))
}

fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(it)) => it.clone(),
        Some(it) => it.to_string(),
        None => "<nil>".to_owned(),
    }
}

/// Whether istioctl would read a text as a map.
fn looks_like_yaml(value: &Value) -> bool {
    let Some(text) = value.as_str() else {
        return false;
    };
    text.contains(": ") || text.contains('\n') && text.contains(':')
}

/// Without a value the field is taken out; an element that is not rendered is put at the end.
fn patch(path: &[Step], live: &Value, rendered: &Value) -> Option<Value> {
    let escaped = |it: &str| it.replace('.', "\\.");
    let segment = |step: &Step| match step {
        Step::Field(name) => Some(escaped(name)),
        Step::Keyed(pairs) => {
            let (key, value) = named(pairs)?;
            Some(format!("[{key}:{}]", escaped(value)))
        }
        Step::Place(index) => Some(format!("[{index}]")),
        Step::Scalar(_) => None,
    };
    let segments: Option<Vec<_>> = path.iter().map(segment).collect();
    let written = segments?.join(".");
    match at(live, path) {
        Some(value) => Some(json!({"path": written, "value": value})),
        None if at(rendered, path).is_some() => Some(json!({"path": written})),
        None => None,
    }
}

/// An object without the fields that programs alone own: istiod's certificate in its webhooks, an autoscaler's replicas.
fn without_others(schemas: &Schemas, object: &Ref, live: &Value) -> Value {
    let (mut ours, mut others) = (FieldSet::default(), FieldSet::default());
    for (manager, _, set) in Managers::new(live).iter() {
        if manager.name == FIELD_MANAGER {
            ours = ours.union(set);
        } else if is_program(&manager.name) || manager.subresource == "status" {
            others = others.union(set);
        }
    }
    let gone = others.difference(&ours);
    let root = schemas.root(&object.api_version, &object.kind);
    let mut kept = remove(schemas, root, live, &gone).unwrap_or_else(|| live.clone());
    if let Some(spec) = kept.get_mut("spec").and_then(Value::as_object_mut)
        && object.kind == "Service"
        && spec.get("clusterIP").is_some_and(|it| it != "None")
    {
        spec.retain(|key, _| {
            !["clusterIP", "clusterIPs", "healthCheckNodePort"].contains(&key.as_str())
        });
    }
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Reach, patch, place, steps};

    #[track_caller]
    fn check(path: &str, reach: Reach, expected: &Value) {
        let rendered = json!({
            "spec": {"a": 0, "gone": 1, "list": [{"name": "x", "v": 0}, {"name": "y.z"}], "ports": [{"port": 1}]},
            "data": {"mesh": "a: c"}, "metadata": {"annotations": {}},
        });
        let live = json!({
            "spec": {"a": 1, "list": [{"name": "x", "v": 1}, {"name": "y.z", "w": 2}], "ports": [{"port": 1}, {"port": 2}]},
            "data": {"mesh": "a: b"}, "metadata": {"annotations": {"a.b/c": "d"}},
        });
        let place = place(&steps(path), &live, &rendered, reach).unwrap();
        assert_eq!(&patch(&place, &live, &rendered).unwrap(), expected);
    }

    #[test]
    fn a_patch_reaches_as_deep_as_paths_can_name() {
        check(
            "spec.a",
            Reach::Field,
            &json!({"path": "spec.a", "value": 1}),
        );
        check(
            "spec.list[name=x].v",
            Reach::Field,
            &json!({"path": "spec.list.[name:x].v", "value": 1}),
        );
        check(
            "spec.list[name=y.z].w",
            Reach::Field,
            &json!({"path": "spec.list.[name:y\\.z].w", "value": 2}),
        );
        let annotation = &json!({"path": "metadata.annotations.a\\.b/c", "value": "d"});
        check("metadata.annotations[\"a.b/c\"]", Reach::Field, annotation);
    }

    #[test]
    fn a_list_of_other_elements_is_written_whole() {
        let whole = &json!({"path": "spec.ports", "value": [{"port": 1}, {"port": 2}]});
        check("spec.ports[port=2,protocol=TCP]", Reach::Field, whole);
        let whole = &json!({"path": "spec.list", "value": [{"name": "x", "v": 1}, {"name": "y.z", "w": 2}]});
        check("spec.list[name=x].v", Reach::List, whole);
    }

    #[test]
    fn text_that_looks_like_yaml_is_written_with_what_is_around_it() {
        check(
            "data.mesh",
            Reach::Field,
            &json!({"path": "data", "value": {"mesh": "a: b"}}),
        );
    }

    #[test]
    fn what_is_not_there_is_taken_out() {
        check("spec.gone", Reach::Field, &json!({"path": "spec.gone"}));
    }
}
