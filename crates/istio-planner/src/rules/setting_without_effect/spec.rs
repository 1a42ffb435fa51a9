//! The `spec` of an `IstioOperator`, taken apart.
//!
//! A path is the keys from `spec` on; an element of a list (`components.ingressGateways`) is its index.

use serde_json::{Map, Value};

use crate::defaults::tree;
use crate::rules::Situation;

/// What stands at a path.
pub(super) fn get<'a>(spec: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(spec, |node, key| match node {
        Value::Array(list) => list.get(key.parse::<usize>().ok()?),
        _ => node.get(key),
    })
}

/// The `spec` without what stands at a path, which does not end in a list.
pub(super) fn without(spec: &Value, path: &[String]) -> Value {
    let mut spec = spec.clone();
    let Some((last, parents)) = path.split_last() else {
        return spec;
    };
    let parent = parents.iter().try_fold(&mut spec, |node, key| match node {
        Value::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
        _ => node.get_mut(key),
    });
    if let Some(Value::Object(map)) = parent {
        map.remove(last);
    }
    spec
}

/// A path as people write it: `components.ingressGateways[0].k8s.service`.
pub(super) fn name(path: &[String]) -> String {
    path.iter().fold(String::new(), |name, key| match key {
        index if is_index(index) => format!("{name}[{index}]"),
        key if name.is_empty() => tree::text(&[key]),
        key => format!("{name}.{}", tree::text(&[key])),
    })
}

/// The keys before the first element of a list.
pub(super) fn place(path: &[String]) -> Vec<&str> {
    let keys = path.iter().map(String::as_str);
    keys.take_while(|it| !is_index(it)).collect()
}

fn is_index(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|it| it.is_ascii_digit())
}

/// A map with one entry is named by it.
pub(super) fn leaf(path: &[String], value: &Value) -> Vec<String> {
    let mut path = path.to_vec();
    let mut value = value;
    while let Some((key, inner)) = entry(value) {
        path.push(key.clone());
        value = inner;
    }
    path
}

/// What a map with one entry holds, however deep.
pub(super) fn only(value: &Value) -> &Value {
    let mut value = value;
    while let Some((_, inner)) = entry(value) {
        value = inner;
    }
    value
}

fn entry(value: &Value) -> Option<(&String, &Value)> {
    let map = value.as_object().filter(|it| it.len() == 1)?;
    map.iter().next()
}

/// The subtrees of a `spec` that are tried, but for those that `but` says too: everything under `values` but what is
/// written through as it is, and the settings of each component but its name, its place and its overlays (the renderer
/// itself tells of an overlay that meets nothing).
pub(super) fn candidates(spec: &Value, but: Option<&Value>) -> Vec<Vec<String>> {
    /// Always written down: the mesh configuration, environments, the revision.
    const WRITTEN: [&str; 4] = [
        "meshConfig",
        "revision",
        "compatibilityVersion",
        "defaultRevision",
    ];
    const OF_COMPONENT: [&str; 3] = ["enabled", "name", "namespace"];
    let mut paths = Vec::new();
    below(spec, &["values"], &WRITTEN, &mut paths);
    let components = spec.get("components").and_then(Value::as_object);
    for (component, settings) in components.into_iter().flatten() {
        let elements = match settings {
            Value::Array(list) => (0..list.len()).map(|it| Some(it.to_string())).collect(),
            _ => vec![None],
        };
        for index in elements {
            let mut at = vec!["components", component.as_str()];
            at.extend(index.as_deref());
            below(
                spec,
                &at,
                &[&OF_COMPONENT[..], &["k8s"]].concat(),
                &mut paths,
            );
            at.push("k8s");
            below(spec, &at, &["overlays"], &mut paths);
        }
    }
    paths.retain(|path| but.is_none_or(|but| get(but, path) != get(spec, path)));
    paths
}

/// Adds the paths of the entries of the map at `at`, but for some.
fn below(spec: &Value, at: &[&str], but: &[&str], paths: &mut Vec<Vec<String>>) {
    let at: Vec<_> = at.iter().map(|it| (*it).to_owned()).collect();
    let map = get(spec, &at).and_then(Value::as_object);
    for key in map.into_iter().flat_map(Map::keys) {
        if !but.contains(&key.as_str()) {
            paths.push([at.as_slice(), std::slice::from_ref(key)].concat());
        }
    }
}

/// The request with the installation's values and components that it does not say; `None` where it says all of them.
pub(super) fn repeated(situation: &Situation, user: &Value) -> Option<Value> {
    let mut spec = user.clone();
    let mut more = false;
    if !spec.is_object() {
        spec = Value::Object(Map::new());
    }
    for setting in &situation.installation?.settings {
        let keys = setting.keys();
        // Gateways, which are elements of a list, are left as the request names them.
        let is_tried = matches!(keys.as_slice(), ["values" | "components", ..])
            && !keys.iter().any(|it| it.starts_with("[name:"));
        if is_tried && tree::get(user, &keys).is_none() {
            tree::set(&mut spec, &keys, setting.value.clone());
            more = true;
        }
    }
    more.then_some(spec)
}
