//! Which fields differ, in words of paths.

use serde_json::Value;
use sorted::{SortedMap, SortedSet};

use crate::outcome::FieldChange;
use crate::plan::FIELD_MANAGER;
use kube_apply::ownership::{FieldSet, Managers, Operation, PathElement, compare};
use kube_apply::schema::{Schemas, TypeId};

/// The owner where the export does not tell.
pub(crate) const UNKNOWN: &str = "unknown";

/// istioctl also writes without apply; what it wrote so is its own.
const OWN: [&str; 2] = [FIELD_MANAGER, super::webhook::ISTIOCTL];

/// Returns the fields in which two objects differ, sorted by path; `owners` is who owned what of the first one.
pub(super) fn changes(
    schemas: &Schemas,
    root: TypeId,
    (old, new): (&Value, &Value),
    owners: Option<&Managers>,
) -> Vec<FieldChange> {
    let comparison = compare(schemas, root, Some(old), Some(new));
    let mut paths = topmost(&comparison.added);
    paths.extend(topmost(&comparison.removed));
    // An atomic value is compared as a whole, so every path is one.
    paths.extend(comparison.modified.paths());
    sorted::sort(&mut paths);
    paths.dedup();
    let mut changes = Vec::new();
    for path in paths.into_iter().filter(|it| !is_server_field(it)) {
        let (from, to) = (
            value_at(schemas, root, old, &path),
            value_at(schemas, root, new, &path),
        );
        let owner = match owners {
            Some(owners) => owner(owners, &path),
            None => from.is_some().then(|| UNKNOWN.to_owned()),
        };
        refine(&display(&path), from, to, owner.as_deref(), &mut changes);
    }
    sorted::sort_by(&mut changes, |a, b| a.path.cmp(&b.path));
    changes
}

/// Goes down into what is replaced as a whole, as far as names or equal lengths tell which part is which.
fn refine(
    path: &str,
    from: Option<Value>,
    to: Option<Value>,
    owner: Option<&str>,
    changes: &mut Vec<FieldChange>,
) {
    if from == to {
        return;
    }
    match (&from, &to) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let keys: SortedSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                let mut path = path.to_owned();
                field(&mut path, key);
                refine(
                    &path,
                    old.get(key).cloned(),
                    new.get(key).cloned(),
                    owner,
                    changes,
                );
            }
            return;
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            if let (Some(old), Some(new)) = (by_name(old), by_name(new)) {
                let names: SortedSet<&str> = old.keys().chain(new.keys()).copied().collect();
                for name in names {
                    let part = |of: &SortedMap<&str, &Value>| of.get(name).map(|it| (*it).clone());
                    let path = format!("{path}[name={name}]");
                    refine(&path, part(&old), part(&new), owner, changes);
                }
                return;
            }
            let objects = old.iter().chain(new).all(Value::is_object);
            if old.len() == new.len() && objects {
                for (index, (old, new)) in old.iter().zip(new).enumerate() {
                    let path = format!("{path}[{index}]");
                    refine(&path, Some(old.clone()), Some(new.clone()), owner, changes);
                }
                return;
            }
        }
        _ => {}
    }
    changes.push(FieldChange {
        path: path.to_owned(),
        from,
        to,
        owner: owner.map(str::to_owned),
    });
}

/// Elements by their name, where every one has its own.
fn by_name(list: &[Value]) -> Option<SortedMap<&str, &Value>> {
    let mut named = SortedMap::new();
    for item in list {
        if named.insert(item.get("name")?.as_str()?, item).is_some() {
            return None;
        }
    }
    (!named.is_empty()).then_some(named)
}

/// Paths of a set that lie below no other path of it.
fn topmost(set: &FieldSet) -> Vec<Vec<PathElement>> {
    let paths = set.paths();
    let below = |path: &Vec<PathElement>| (1..path.len()).any(|length| set.has(&path[..length]));
    paths.iter().filter(|path| !below(path)).cloned().collect()
}

fn is_server_field(path: &[PathElement]) -> bool {
    let field = |index: usize| match path.get(index) {
        Some(PathElement::Field(name)) => name.as_str(),
        _ => "",
    };
    field(0) == "status"
        || field(0) == "metadata" && crate::digest::SERVER_METADATA.contains(&field(1))
}

/// Other managers that own a path, or something above or below it.
fn owner(owners: &Managers, path: &[PathElement]) -> Option<String> {
    let mut names: Vec<&str> = owners
        .iter()
        .filter(|it| !OWN.contains(&it.0.name.as_str()))
        .filter(|it| {
            it.0.operation == Operation::Apply || it.0.subresource.is_empty() || is_scale(path)
        })
        .filter(|it| owns(it.2, path))
        .map(|it| it.0.name.as_str())
        .collect();
    sorted::sort(&mut names);
    names.dedup();
    (!names.is_empty()).then(|| names.join(", "))
}

/// Replicas are set through a subresource as well.
fn is_scale(path: &[PathElement]) -> bool {
    matches!(path, [PathElement::Field(spec), PathElement::Field(field)] if spec == "spec" && field == "replicas")
}

fn owns(set: &FieldSet, path: &[PathElement]) -> bool {
    set.has(path)
        || path
            .iter()
            .try_fold(set, |set, element| set.below(element))
            .is_some_and(|it| !it.is_empty())
}

/// Returns what stands at a path.
fn value_at(
    schemas: &Schemas,
    root: TypeId,
    object: &Value,
    path: &[PathElement],
) -> Option<Value> {
    let [first, rest @ ..] = path else {
        return Some(object.clone());
    };
    let atom = schemas.atom(root);
    match first {
        PathElement::Field(name) => {
            let child = atom.map.as_ref()?.child(name)?;
            value_at(schemas, child, object.get(name)?, rest)
        }
        PathElement::Index(index) => {
            let item = object.get(usize::try_from(*index).ok()?)?;
            value_at(schemas, atom.list.as_ref()?.element, item, rest)
        }
        PathElement::Key(_) | PathElement::Value(_) => {
            let list = atom.list.as_ref()?;
            let item = object.as_array()?.iter().find(|it| {
                kube_apply::ownership::element_path(schemas, list, it).as_ref() == Some(first)
            })?;
            value_at(schemas, list.element, item, rest)
        }
    }
}

/// `spec.template.spec.containers[name=discovery].image`; keys that are no plain words in quotes.
fn display(path: &[PathElement]) -> String {
    let mut text = String::new();
    for element in path {
        match element {
            PathElement::Field(name) => field(&mut text, name),
            PathElement::Key(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, value)| format!("{name}={}", plain(value)))
                    .collect();
                bracket(&mut text, &fields.join(","));
            }
            PathElement::Value(value) => bracket(&mut text, &plain(value)),
            PathElement::Index(index) => bracket(&mut text, &index.to_string()),
        }
    }
    text
}

fn field(text: &mut String, name: &str) {
    if name.is_empty() || name.contains(['.', '/', '[', ']', '"']) {
        bracket(text, &Value::String(name.to_owned()).to_string());
        return;
    }
    if !text.is_empty() {
        text.push('.');
    }
    text.push_str(name);
}

fn bracket(text: &mut String, inside: &str) {
    text.push('[');
    text.push_str(inside);
    text.push(']');
}

/// A JSON text without the quotes of a string.
fn plain(json: &str) -> String {
    match serde_json::from_str(json) {
        Ok(Value::String(text)) => text,
        _ => json.to_owned(),
    }
}
