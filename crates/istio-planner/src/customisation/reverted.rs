//! Which settings of the installation a request would revert.

use istio_catalog::{Catalog, ComponentName, Release, Version};
use serde_json::Value;

use super::{Installation, Setting};
use crate::defaults::tree;
use crate::edit::keys;
use crate::kubernetes::text;
use crate::outcome::Reverted;
use crate::rendering::Rendered;

/// What an apply of the request would leave.
pub(crate) struct After<'a> {
    /// `spec` of the user's files and sets, merged; elements of lists by their names.
    user: Value,
    /// The target's rendering, where there is one.
    rendering: Option<&'a istio_render::Rendering>,
    /// The profile that the request asks for.
    profile: String,
    /// Whether the request says of which profile it is; manifests that were rendered already do not.
    told: bool,
    /// What the catalogue knows of the target.
    release: Option<&'a Release>,
}

impl<'a> After<'a> {
    /// Takes a request together with what the target makes of it.
    pub(crate) fn new(rendered: &'a Rendered, profile: &str, to: Option<&Version>) -> Self {
        Self {
            user: tree::named(rendered.user.clone()),
            rendering: rendered.rendering.as_ref(),
            profile: profile.to_owned(),
            told: !rendered.already,
            release: to.and_then(|it| Catalog::embedded().release(it)),
        }
    }
}

/// Settings of istiod that stand in two places: under `values.pilot`, and in Kubernetes' words in `components.pilot`
/// (domain §1.5; which releases translate one into the other differs by patch).
const ALIASES: [(&[&str], &[&str]); 7] = [
    (&["autoscaleMin"], &["k8s", "hpaSpec", "minReplicas"]),
    (&["autoscaleMax"], &["k8s", "hpaSpec", "maxReplicas"]),
    (&["replicaCount"], &["k8s", "replicaCount"]),
    (
        &["resources", "requests", "cpu"],
        &["k8s", "resources", "requests", "cpu"],
    ),
    (
        &["resources", "limits", "cpu"],
        &["k8s", "resources", "limits", "cpu"],
    ),
    (&["hub"], &["hub"]),
    (&["tag"], &["tag"]),
];

/// Returns the settings that would end up otherwise, sorted by path.
pub(crate) fn reverted(installation: &Installation, after: &After) -> Vec<Reverted> {
    let mut reverted: Vec<_> = installation
        .settings
        .iter()
        .filter(|setting| !after.keeps(setting))
        .map(|setting| Reverted {
            path: setting.name(),
            live: setting.value.clone(),
            request: after.said(&setting.keys()).map(whole),
            default: after.fallback(&setting.keys()),
            evidence: vec![setting.evidence.clone()],
        })
        .collect();
    if after.told && installation.profile != after.profile {
        reverted.push(Reverted {
            path: "profile".to_owned(),
            live: Value::from(installation.profile.clone()),
            request: after.said(&["profile"]).map(whole),
            default: after
                .said(&["profile"])
                .is_none()
                .then(|| Value::from(after.profile.clone())),
            evidence: vec![installation.evidence.clone()],
        });
    }
    sorted::sort_by(&mut reverted, |a, b| a.path.cmp(&b.path));
    reverted
}

impl After<'_> {
    /// The platform that the request or its profile names.
    pub(crate) fn platform(&self) -> Option<String> {
        let keys = ["values", "global", "platform"];
        let said = self.said(&keys).cloned().or_else(|| self.merged(&keys));
        said.and_then(|it| it.as_str().filter(|it| !it.is_empty()).map(str::to_owned))
    }

    /// Whether the request sets a path (`values.pilot.env.X`), itself or a part of it.
    pub(crate) fn sets(&self, path: &str) -> bool {
        let keys = keys(path);
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        self.said(&keys).is_some()
    }

    /// Whether the target ends up with the setting's value.
    fn keeps(&self, setting: &Setting) -> bool {
        let keys = setting.keys();
        let live = Some(&setting.value);
        // The mesh configuration tells `false` from absence; values of charts do not.
        let is_mesh = keys.first() == Some(&"meshConfig");
        let same = |after: Option<&Value>| {
            tree::is_same(after, live) && !(is_mesh && after.is_none())
                || after.is_some() && after == live
        };
        let said = self.said(&keys);
        if said.is_some() {
            return same(said) || same(self.merged(&keys).as_ref());
        }
        [self.merged(&keys), self.mesh(&keys), self.default(&keys)]
            .iter()
            .any(|it| it.is_some() && same(it.as_ref()))
            || (!is_mesh
                && [self.merged(&keys), self.default(&keys)]
                    .iter()
                    .all(Option::is_none)
                && same(None))
    }

    /// What a setting falls back to that the request does not say.
    fn fallback(&self, keys: &[&str]) -> Option<Value> {
        if self.said(keys).is_some() {
            return None;
        }
        let merged = self.merged(keys).or_else(|| self.mesh(keys));
        merged.or_else(|| self.default(keys)).as_ref().map(whole)
    }

    /// What the request says at a path, or at one of the other places of the same setting.
    fn said(&self, keys: &[&str]) -> Option<&Value> {
        tree::get(&self.user, keys).or_else(|| {
            let other = other_place(keys)?;
            let other: Vec<_> = other.iter().map(String::as_str).collect();
            tree::get(&self.user, &other)
        })
    }

    /// What the request and its profile say at a path: the merged `IstioOperator`, or the profile alone.
    fn merged(&self, keys: &[&str]) -> Option<Value> {
        let spec = match self.rendering {
            Some(rendering) => rendering.merged.get("spec").cloned()?,
            None => self.release?.profile(&self.profile)?,
        };
        let pilot = self.rendering.and_then(|it| {
            it.components
                .iter()
                .find(|it| it.name == ComponentName::Pilot)
        });
        let chart = || match keys {
            ["values", rest @ ..] => tree::get(&pilot?.values, rest),
            ["meshConfig", ..] => tree::get(&pilot?.values, keys),
            _ => None,
        };
        tree::get(&tree::named(spec), keys).or_else(chart).cloned()
    }

    /// What the target's mesh configuration holds at a path.
    fn mesh(&self, keys: &[&str]) -> Option<Value> {
        let ["meshConfig", rest @ ..] = keys else {
            return None;
        };
        let objects = self.rendering?.components.iter().flat_map(|it| &it.objects);
        let mesh = objects
            .filter(|it| text(it, "/kind") == Some("ConfigMap"))
            .find_map(|it| text(it, "/data/mesh"))?;
        tree::get(&kube_yaml::from_str(mesh).ok()?, rest).cloned()
    }

    /// What the target's charts take by default.
    fn default(&self, keys: &[&str]) -> Option<Value> {
        let ["values", rest @ ..] = keys else {
            return None;
        };
        let release = self.release?;
        let defaults = release.effective_defaults(&self.profile, None, None).ok()?;
        defaults
            .values()
            .find_map(|it| tree::get(it, rest))
            .cloned()
    }
}

/// A value of the request, numbers as they were written: the merge holds each as a float.
fn whole(value: &Value) -> Value {
    match value {
        Value::Number(number) => {
            let integer = number
                .as_f64()
                .filter(|it| it.fract() == 0.0 && it.abs() < 9e15);
            #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
            integer.map_or_else(|| value.clone(), |it| Value::from(it as i64))
        }
        Value::Array(list) => list.iter().map(whole).collect(),
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, it)| (key.clone(), whole(it)))
                .collect(),
        ),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

/// The other place of a setting.
fn other_place(keys: &[&str]) -> Option<Vec<String>> {
    let join = |root: &[&str], rest: &[&str]| {
        Some(
            [root, rest]
                .concat()
                .into_iter()
                .map(str::to_owned)
                .collect(),
        )
    };
    match keys {
        ["meshConfig", ..] | ["compatibilityVersion"] => join(&["values"], keys),
        ["values", "meshConfig", rest @ ..] => join(&["meshConfig"], rest),
        ["values", "global", last @ ("hub" | "tag")] => join(&[], &[last]),
        ["hub" | "tag"] => join(&["values", "global"], keys),
        ["values", "pilot", "env", name] => {
            let element = format!("[name:{name}]");
            join(
                &[
                    "components",
                    "pilot",
                    "k8s",
                    "env",
                    element.as_str(),
                    "value",
                ],
                &[],
            )
        }
        ["values", "pilot", rest @ ..] => {
            let (_, other) = ALIASES.iter().find(|(it, _)| *it == rest)?;
            join(&["components", "pilot"], other)
        }
        ["components", "pilot", rest @ ..] => {
            let (other, _) = ALIASES.iter().find(|(_, it)| *it == rest)?;
            join(&["values", "pilot"], other)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
