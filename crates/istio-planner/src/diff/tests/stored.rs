//! What `istio-operator` owns after a real upgrade is what it applied. Applied to the export from before the upgrade, it
//! must predict what was stored, and who owns it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use sorted::{SortedMap, SortedSet};

use crate::digest::SERVER_METADATA;
use crate::outcome::Ref;
use crate::snapshot::{Snapshot, SnapshotReader};
use kube_apply::defaulting::{Cluster, complete};
use kube_apply::ownership::{Apply, FieldSet, Manager, Managers, PathElement};
use kube_apply::schema::{Schemas, TypeId};

const ISTIO: &str = "istio-operator";

/// The folder with the exports; a missing one is an error only where the data is promised.
pub(super) fn exports() -> Option<PathBuf> {
    let given = std::env::var_os("REFIT_ISTIO_DATA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = given.clone().unwrap_or(beside).join("exports");
    assert!(
        folder.is_dir() || given.is_none(),
        "{} is missing",
        folder.display()
    );
    folder.is_dir().then_some(folder)
}

pub(super) fn read(archive: &Path) -> Snapshot {
    let mut reader = SnapshotReader::new();
    let name = archive.display().to_string();
    reader
        .read(&name, std::fs::File::open(archive).unwrap())
        .unwrap();
    reader.finish().unwrap()
}

/// Returns the part of a value that a set names.
fn extract(schemas: &Schemas, id: TypeId, value: &Value, set: &FieldSet) -> Value {
    let atom = schemas.atom(id);
    match value {
        Value::Object(entries) => {
            let map = atom.map.as_ref().unwrap();
            let mut out = Map::new();
            for (key, below) in entries {
                let element = PathElement::field(key);
                let child = map.child(key).unwrap();
                if let Some(set) = set.below(&element) {
                    out.insert(key.clone(), extract(schemas, child, below, set));
                } else if set.has(&[element]) {
                    let granular = below.is_object()
                        && schemas
                            .atom(child)
                            .map
                            .as_ref()
                            .is_some_and(|it| !it.atomic);
                    let below = if granular {
                        Value::Object(Map::new())
                    } else {
                        below.clone()
                    };
                    out.insert(key.clone(), below);
                }
            }
            // What was applied empty is owned, but not stored.
            for path in set.paths().iter().filter(|it| it.len() == 1) {
                let PathElement::Field(name) = &path[0] else {
                    continue;
                };
                out.entry(name.clone()).or_insert(Value::Null);
            }
            Value::Object(out)
        }
        Value::Array(items) => {
            let list = atom.list.as_ref().unwrap();
            let element = |item: &Value| -> PathElement {
                let mut named = FieldSet::default();
                let one = Value::Array(vec![item.clone()]);
                for path in kube_apply::ownership::field_set(schemas, id, &one).paths() {
                    named.insert(&path[..1]);
                }
                named.paths().remove(0).remove(0)
            };
            items
                .iter()
                .filter_map(|item| {
                    let element = element(item);
                    if let Some(below) = set.below(&element) {
                        return Some(extract(schemas, list.element, item, below));
                    }
                    set.has(&[element]).then(|| item.clone())
                })
                .collect()
        }
        other => other.clone(),
    }
}

/// As `exports.py` compares.
pub(super) fn normal(object: &Value, created: bool) -> Value {
    let mut object = object.clone();
    object.as_object_mut().unwrap().remove("status");
    let kind = object["kind"].as_str().unwrap().to_owned();
    let metadata = object["metadata"].as_object_mut().unwrap();
    for field in SERVER_METADATA {
        metadata.remove(field);
    }
    if let Some(annotations) = metadata
        .get_mut("annotations")
        .and_then(Value::as_object_mut)
    {
        annotations.remove("deployment.kubernetes.io/revision");
        annotations.remove("deprecated.daemonset.template.generation");
    }
    metadata.retain(|key, it| {
        !(matches!(key.as_str(), "annotations" | "labels")
            && it.as_object().is_some_and(Map::is_empty))
    });
    if created && kind == "Service" {
        let spec = object["spec"].as_object_mut().unwrap();
        spec.retain(|key, _| {
            !matches!(
                key.as_str(),
                "clusterIP" | "clusterIPs" | "healthCheckNodePort"
            )
        });
        for port in object["spec"]["ports"].as_array_mut().into_iter().flatten() {
            port.as_object_mut().unwrap().remove("nodePort");
        }
    }
    object
}

pub(super) fn differences(got: &Value, want: &Value, path: &str, out: &mut String) {
    match (got, want) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: SortedSet<_> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let path = format!("{path}.{key}");
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => differences(a, b, &path, out),
                    (None, Some(b)) => writeln!(out, "    {path}: missing, stored {b}").unwrap(),
                    (Some(a), _) => writeln!(out, "    {path}: predicted {a}, not stored").unwrap(),
                    (None, None) => {}
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                differences(a, b, &format!("{path}[{index}]"), out);
            }
        }
        _ if got == want => {}
        _ => {
            let mut line = format!("    {path}: predicted {got}, stored {want}");
            line.truncate(line.char_indices().nth(300).map_or(line.len(), |it| it.0));
            writeln!(out, "{line}").unwrap();
        }
    }
}

/// What others own and `istio-operator` owns, without times.
fn owners(managers: &Managers) -> SortedMap<String, Value> {
    managers
        .iter()
        .filter(|it| it.0.subresource.is_empty())
        .map(|(manager, version, set)| (format!("{manager:?} {version}"), set.to_fields_v1()))
        .collect()
}

#[test]
fn what_upgrades_applied_predicts_what_they_stored() {
    let Some(exports) = exports() else { return };
    let (mut objects, mut wrong, mut report) = (0, 0, String::new());
    let mut scenarios: Vec<_> = std::fs::read_dir(exports)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    scenarios.sort();
    for scenario in scenarios
        .iter()
        .filter(|it| it.join("after.tar.gz").exists())
    {
        let (before, after) = (
            read(&scenario.join("export.tar.gz")),
            read(&scenario.join("after.tar.gz")),
        );
        let mut schemas = Schemas::builtin();
        for object in before.objects.values() {
            schemas.add_crd(&object.value);
        }
        let services: Vec<&Value> = before
            .objects
            .values()
            .map(|it| &it.value)
            .filter(|it| it["kind"] == "Service")
            .collect();
        let cluster = Cluster::new(&services);
        for (reference, stored) in &after.objects {
            let (stored, created) = (&stored.value, !before.objects.contains_key(reference));
            let Some(applied) = Managers::new(stored).get(&Manager::apply(ISTIO)).cloned() else {
                continue;
            };
            let unchanged = before.objects.get(reference).is_some_and(|it| {
                it.value["metadata"]["resourceVersion"] == stored["metadata"]["resourceVersion"]
            });
            if unchanged {
                continue;
            }
            objects += 1;
            let live = before.objects.get(reference).map(|it| &it.value);
            let problems = check(
                &schemas,
                &cluster,
                reference,
                (live, stored),
                &applied,
                created,
            );
            if !problems.is_empty() {
                wrong += 1;
                let name = scenario.file_name().unwrap().display();
                writeln!(
                    report,
                    "{name} {} {}\n{problems}",
                    reference.kind, reference.name
                )
                .unwrap();
            }
        }
    }
    assert_eq!(wrong, 0, "of {objects} objects\n{report}");
    assert!(objects > 100, "only {objects} objects");
}

fn check(
    schemas: &Schemas,
    cluster: &Cluster,
    reference: &Ref,
    (live, stored): (Option<&Value>, &Value),
    applied: &FieldSet,
    created: bool,
) -> String {
    let root = schemas.root(&reference.api_version, &reference.kind);
    let mut config = extract(schemas, root, stored, applied);
    config["apiVersion"] = reference.api_version.clone().into();
    config["kind"] = reference.kind.clone().into();
    for field in ["name", "namespace"] {
        if let Some(value) = stored["metadata"].get(field) {
            config["metadata"][field] = value.clone();
        }
    }
    let apply = Apply {
        schemas,
        live,
        config: &config,
        manager: ISTIO,
        force: true,
    };
    let mut problems = String::new();
    match apply.predict() {
        Ok(predicted) => {
            let object = complete(schemas, cluster, live, predicted.object);
            differences(
                &normal(&object, created),
                &normal(stored, created),
                "",
                &mut problems,
            );
            let (ours, theirs) = (owners(&predicted.managers), owners(&Managers::new(stored)));
            for key in ours.keys().chain(theirs.keys()).collect::<SortedSet<_>>() {
                let nothing = Value::Null;
                let (ours, theirs) = (
                    ours.get(key).unwrap_or(&nothing),
                    theirs.get(key).unwrap_or(&nothing),
                );
                differences(ours, theirs, &format!("owner {key}"), &mut problems);
            }
        }
        Err(error) => writeln!(problems, "    {error}").unwrap(),
    }
    problems
}
