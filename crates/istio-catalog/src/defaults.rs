//! Effective defaults: what a chart uses when the user sets nothing but profile, platform and compatibility version.
//!
//! Settings stand where a user would write them in `spec.values` of an `IstioOperator` (domain §2.1), whatever the
//! chart's own layout is: `pilot.env`, `cni.ambient.enabled`, `ztunnel.resources`, `global.proxy`, `meshConfig`.

use serde_json::{Map, Value};
use sorted::SortedMap;

use crate::{ComponentName, Minor, Release};

/// What a release was asked for and does not ship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotShipped {
    /// No such profile.
    #[error("the release ships no such profile")]
    Profile,
    /// No such platform (1.24 and newer; before, platforms chose no defaults).
    #[error("the release ships no such platform")]
    Platform,
    /// No such compatibility version.
    #[error("the release ships no such compatibility version")]
    CompatibilityVersion,
}

/// Roots of `spec.values` that the istiod chart takes as they are; every other key at the top of its values is one of
/// `pilot` (1.31:manifests/charts/istio-control/istio-discovery/templates/zzy_descope_legacy.yaml).
const SHARED_ROOTS: &[&str] = &[
    "base",
    "compatibilityVersion",
    "defaultRevision",
    "experimental",
    "gatewayClasses",
    "gateways",
    "global",
    "istio_cni",
    "istiodRemote",
    "meshConfig",
    "mixer",
    "ownerName",
    "platform",
    "profile",
    "revision",
    "revisionTags",
    "sidecarInjectorWebhook",
    "telemetry",
];

/// Roots that belong to one component alone, and would be strays in the values of another.
const OWN_ROOTS: &[&str] = &["cni", "gateways", "pilot", "ztunnel"];

impl Release {
    /// Returns the effective defaults of every component that it ships, by component (`Pilot`, `Cni`, …).
    ///
    /// Each tree holds the component's own part of `spec.values`; `global`, `meshConfig` and the other shared roots
    /// stand under `Pilot`, but for globals that the istiod chart does not have, and `base` under `Base`. Chart defaults < profile < compatibility version < platform <
    /// values of the profile's `IstioOperator` (domain §1.6); up to 1.20 chart defaults < values of the profile.
    pub fn effective_defaults(
        &self,
        profile: &str,
        platform: Option<&str>,
        compatibility: Option<Minor>,
    ) -> Result<SortedMap<String, Value>, NotShipped> {
        let spec = self.profile(profile).ok_or(NotShipped::Profile)?;
        let values = profile_values(spec);
        let overlay = self.overlay(&values, platform, compatibility)?;
        let effective = |(component, chart): (&String, &Value)| {
            let mut tree = chart.clone();
            merge(&mut tree, &fitting(component, &overlay, chart));
            if *component == ComponentName::Ztunnel && self.archive.ztunnel_takes_globals {
                merge(&mut tree, &known(overlay.get("global"), chart));
            }
            let mut tree = unscoped(component, tree);
            merge(&mut tree, &values);
            (component.clone(), own_part(component, tree))
        };
        Ok(apart(self.archive.charts.iter().map(effective).collect()))
    }

    /// Returns what the charts lay over their defaults.
    fn overlay(
        &self,
        values: &Value,
        platform: Option<&str>,
        compatibility: Option<Minor>,
    ) -> Result<Value, NotShipped> {
        let overlays = &self.archive.overlays;
        let text = |pointer| values.pointer(pointer).and_then(Value::as_str);
        let mut overlay = Value::Object(Map::new());
        if !overlays.profile.is_empty()
            && let Some(name) = text("/profile").or_else(|| text("/global/profile"))
        {
            merge(
                &mut overlay,
                overlays.profile.get(name).ok_or(NotShipped::Profile)?,
            );
        }
        if let Some(version) = compatibility {
            let file = overlays.compatibility.get(&version.to_string());
            merge(&mut overlay, file.ok_or(NotShipped::CompatibilityVersion)?);
        }
        let platform = platform
            .or_else(|| text("/platform"))
            .or_else(|| text("/global/platform"));
        if !overlays.platform.is_empty()
            && let Some(name) = platform.filter(|it| !it.is_empty())
        {
            merge(
                &mut overlay,
                overlays.platform.get(name).ok_or(NotShipped::Platform)?,
            );
        }
        Ok(overlay)
    }
}

/// Returns the Helm values that a profile makes: its `values`, under its `meshConfig` (domain §1.5).
fn profile_values(spec: Value) -> Value {
    let Value::Object(mut spec) = spec else {
        return Value::Object(Map::new());
    };
    let mut values = spec
        .remove("values")
        .filter(Value::is_object)
        .unwrap_or_else(|| Value::Object(Map::new()));
    if let Some(mesh) = spec.remove("meshConfig") {
        let mut tree = Map::new();
        tree.insert("meshConfig".to_owned(), mesh);
        merge(&mut values, &Value::Object(tree));
    }
    values
}

/// Returns the part of an overlay that has a meaning in the chart of a component.
///
/// The files are the same in every chart, so each holds keys of the others: a root of another component is a stray, and
/// so is a key at the top that the chart does not have.
fn fitting(component: &str, overlay: &Value, chart: &Value) -> Value {
    let own = own_root(component);
    let keep = |key: &str| {
        if OWN_ROOTS.contains(&key) {
            own == Some(key)
        } else {
            // ztunnel's values are flat: it takes no root of the others.
            chart.get(key).is_some() || (SHARED_ROOTS.contains(&key) && own != Some("ztunnel"))
        }
    };
    let entries = overlay.as_object().into_iter().flatten();
    entries
        .filter(|(key, _)| keep(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Returns the entries of a map whose keys the chart has at its top.
fn known(map: Option<&Value>, chart: &Value) -> Value {
    let entries = map.and_then(Value::as_object).into_iter().flatten();
    entries
        .filter(|(key, _)| chart.get(key).is_some())
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// The root of `spec.values` that is a component's own.
fn own_root(component: &str) -> Option<&'static str> {
    match ComponentName::parse(component)? {
        ComponentName::Pilot => Some("pilot"),
        ComponentName::Cni => Some("cni"),
        ComponentName::Ztunnel => Some("ztunnel"),
        ComponentName::IngressGateways | ComponentName::EgressGateways => Some("gateways"),
        _ => None,
    }
}

/// Moves what stands at the top of a chart's values to where a user writes it.
fn unscoped(component: &str, tree: Value) -> Value {
    let (Some(root), Value::Object(tree)) = (own_root(component), &tree) else {
        return tree;
    };
    let mut roots = Map::new();
    let mut own = Value::Object(Map::new());
    for (key, value) in tree {
        let shared = SHARED_ROOTS.contains(&key.as_str());
        // ztunnel's values are `values.ztunnel`, but for `global` (domain §1.5).
        if (shared && root != "ztunnel") || key == "global" {
            roots.insert(key.clone(), value.clone());
        } else if key != root {
            let mut one = Map::new();
            one.insert(key.clone(), value.clone());
            merge(&mut own, &Value::Object(one));
        }
    }
    // Nothing in the ztunnel chart reads `ztunnel`; the others lay it over the top.
    if root != "ztunnel"
        && let Some(scoped) = tree.get(root)
    {
        merge(&mut own, scoped);
    }
    roots.insert(root.to_owned(), own);
    Value::Object(roots)
}

/// Returns the part of the values that is a component's own.
fn own_part(component: &str, tree: Value) -> Value {
    let Value::Object(tree) = tree else {
        return tree;
    };
    let name = ComponentName::parse(component);
    let gateway = match name {
        Some(ComponentName::IngressGateways) => Some("istio-ingressgateway"),
        Some(ComponentName::EgressGateways) => Some("istio-egressgateway"),
        _ => None,
    };
    let keep = |key: &str| match name {
        Some(ComponentName::Pilot) => !matches!(
            key,
            "base" | "cni" | "defaultRevision" | "gateways" | "ztunnel"
        ),
        Some(ComponentName::Base) => matches!(key, "base" | "defaultRevision" | "global"),
        Some(ComponentName::IstiodRemote) => key == "istiodRemote",
        _ => key == "global" || own_root(component).is_none_or(|root| root == key),
    };
    let mut part: Map<String, Value> = tree.into_iter().filter(|(key, _)| keep(key)).collect();
    if let (Some(name), Some(Value::Object(gateways))) = (gateway, part.get_mut("gateways")) {
        gateways.retain(|key, _| key == name);
    }
    Value::Object(part)
}

/// Leaves to every other component only those globals that the istiod chart does not have: each stands once.
fn apart(mut parts: SortedMap<String, Value>) -> SortedMap<String, Value> {
    let shared = parts
        .get(ComponentName::Pilot.as_str())
        .and_then(|it| it.get("global"))
        .cloned();
    for (component, part) in &mut parts {
        let Some(part) = part
            .as_object_mut()
            .filter(|_| *component != ComponentName::Pilot)
        else {
            continue;
        };
        if let (Some(global), Some(shared)) = (part.get_mut("global"), &shared) {
            without(global, shared);
        }
        if part
            .get("global")
            .is_some_and(|it| it.as_object().is_none_or(Map::is_empty))
        {
            part.remove("global");
        }
    }
    parts
}

/// Takes out of a tree the leaves that another has too, and the maps that are empty then.
fn without(tree: &mut Value, other: &Value) {
    let (Some(tree), Some(other)) = (tree.as_object_mut(), other.as_object()) else {
        return;
    };
    tree.retain(|key, value| match (other.get(key), &value) {
        (Some(there), Value::Object(_)) if there.is_object() => {
            without(value, there);
            value.as_object().is_some_and(|it| !it.is_empty())
        }
        (Some(_), _) => false,
        (None, _) => true,
    });
}

/// Lays one tree over another: maps are merged, everything else is replaced, also by null (domain §1.2).
pub fn merge(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                match under.get_mut(key) {
                    Some(slot) => merge(slot, value),
                    None => {
                        under.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (under, over) => *under = over.clone(),
    }
}

/// Like [`merge`], but lists of maps that have a `name` are merged by it, as up to 1.23
/// (1.23.6:operator/pkg/util/merge_iop.go:56-57).
pub(crate) fn merge_by_name(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                match under.get_mut(key) {
                    Some(slot) => merge_by_name(slot, value),
                    None => {
                        under.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (Value::Array(under), Value::Array(over))
            if over.iter().all(|it| it.get("name").is_some()) =>
        {
            for value in over {
                match under
                    .iter_mut()
                    .find(|it| it.get("name") == value.get("name"))
                {
                    Some(slot) => merge_by_name(slot, value),
                    None => under.push(value.clone()),
                }
            }
        }
        (under, over) => *under = over.clone(),
    }
}

#[cfg(test)]
mod tests;
