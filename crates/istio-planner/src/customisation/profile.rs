//! The profile that explains an installation best.

use istio_catalog::{ComponentName, Release};
use serde_json::Value;

use super::setting::beyond;
use crate::outcome::Inventory;

/// Components that a profile turns on or off, with how the inventory calls them.
const TOGGLES: [(&str, ComponentName); 5] = [
    ("pilot", ComponentName::Pilot),
    ("cni", ComponentName::Cni),
    ("ztunnel", ComponentName::Ztunnel),
    ("ingressGateways", ComponentName::IngressGateways),
    ("egressGateways", ComponentName::EgressGateways),
];

/// Returns the profile whose values all stand in `values`; among several the one with most of them, then the one whose
/// components run, then `default`, then the first by name.
///
/// Most profiles since 1.21 are told by `values.profile` alone; `minimal` and `empty` only by what does not run.
pub(super) fn guess(release: &Release, values: &Value, inventory: &Inventory) -> String {
    let explained = |name: &str| {
        let spec = release.profile(name)?;
        let own = spec.get("values").cloned().unwrap_or_default();
        let (mut said, mut missing) = (0, 0);
        beyond(&own, None, &mut Vec::new(), &mut |_, _| said += 1);
        beyond(&own, Some(values), &mut Vec::new(), &mut |_, _| {
            missing += 1;
        });
        let running = matching(&spec, inventory);
        (missing == 0).then_some((said, running, name == "default"))
    };
    let mut best = ("default", None);
    for name in release.profiles() {
        let score = explained(name);
        if score > best.1 {
            best = (name, score);
        }
    }
    best.0.to_owned()
}

/// Returns the profile whose components run; among several `default`, then the first by name.
pub(super) fn by_components(release: &Release, inventory: &Inventory) -> String {
    let mut best = ("default", None);
    for name in release.profiles() {
        let score = release
            .profile(name)
            .map(|it| (matching(&it, inventory), name == "default"));
        if score > best.1 {
            best = (name, score);
        }
    }
    best.0.to_owned()
}

/// How many components run as a profile wants them to.
fn matching(spec: &Value, inventory: &Inventory) -> usize {
    let runs = |component: ComponentName| {
        inventory
            .components
            .iter()
            .any(|it| it.component == component)
    };
    TOGGLES
        .iter()
        .filter(|(key, component)| is_on(spec, key) == runs(*component))
        .count()
}

/// Whether a profile turns a component on; a list of gateways counts as on if one of them is.
fn is_on(spec: &Value, key: &str) -> bool {
    let enabled = |it: &Value| it.get("enabled").and_then(Value::as_bool) == Some(true);
    match spec.get("components").and_then(|it| it.get(key)) {
        Some(Value::Array(list)) => list.iter().any(enabled),
        Some(component) => enabled(component),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use istio_catalog::{Catalog, Minor};
    use serde_json::{Value, json};

    use super::guess;
    use crate::outcome::{ComponentVersion, Inventory};

    #[track_caller]
    fn check(values: &Value, components: &[&str], expected: &str) {
        let release = Catalog::embedded().minor(Minor::new(1, 29)).unwrap();
        let component = |it: &&str| ComponentVersion {
            component: (*it).to_owned(),
            ..ComponentVersion::default()
        };
        let inventory = Inventory {
            components: components.iter().map(component).collect(),
            ..Inventory::default()
        };
        let mut whole = release.profile("default").unwrap()["values"].clone();
        for (key, value) in values.as_object().unwrap() {
            whole[key] = value.clone();
        }
        assert_eq!(guess(release, &whole, &inventory), expected);
    }

    #[test]
    fn a_profile_is_told_by_its_values() {
        check(
            &json!({"profile": "demo"}),
            &["Pilot", "IngressGateways", "EgressGateways"],
            "demo",
        );
        check(
            &json!({"profile": "ambient"}),
            &["Pilot", "Cni", "Ztunnel"],
            "ambient",
        );
    }

    #[test]
    fn a_profile_without_values_is_told_by_what_runs() {
        check(&json!({}), &["Pilot", "IngressGateways"], "default");
        check(&json!({}), &["Pilot"], "minimal");
    }
}
