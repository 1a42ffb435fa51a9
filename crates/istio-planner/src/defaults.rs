//! Defaults that differ between two releases, for a profile.
//!
//! Two kinds of change are found: defaults of charts and profiles that differ, and behaviour that the target changed
//! and a compatibility version brings back. The latter stands in no chart's defaults; the files of the compatibility
//! versions are its list (domain §1.6).

use istio_catalog::{Catalog, ComponentName, Facts, Minor, NotShipped, Release, Version};
use serde_json::Value;
use sorted::SortedMap;

use crate::edit::Edit;
use crate::outcome::DefaultChange;

mod about;
pub(crate) mod tree;

pub(crate) use about::about;

/// Paths under which each component's defaults stand, by component.
type Defaults = SortedMap<String, Value>;

/// The installation whose defaults are compared: in `from` as it is, in `to` as it will be.
struct Comparison<'a> {
    from: Minor,
    to: &'a Release,
    /// What runs before.
    before: Defaults,
    /// What will run.
    after: Defaults,
    /// The source's behaviour in the target's words: the target with the source as compatibility version.
    restored: Option<Defaults>,
    pinned: &'a dyn Fn(&str) -> bool,
}

/// Returns every default that differs between two releases, sorted by component and path.
///
/// `compatibility_version` is the one that the request asks for; a side that does not ship it, or the profile or
/// platform, is taken without. `pinned` tells whether the request, or what is recovered from the cluster, sets a path
/// (`values.pilot.env.X`, `components.cni.enabled`). The tag that a release stamps is no default change; the registry is
/// one, said once, for istiod's chart. Components that one of the releases does not ship are passed over. Of a patch
/// whose charts the catalogue lacks, those of the nearest are taken. Empty where it lacks a minor.
pub fn default_changes(
    from: &Version,
    to: &Version,
    profile: &str,
    platform: Option<&str>,
    compatibility_version: Option<&str>,
    pinned: &dyn Fn(&str) -> bool,
) -> Vec<DefaultChange> {
    let catalog = Catalog::embedded();
    let (Some(source), Some(target)) = (catalog.release(from), catalog.release(to)) else {
        return Vec::new();
    };
    let compatibility = compatibility_version.and_then(|it| it.parse().ok());
    let defaults = |release| chosen_defaults(release, profile, platform, compatibility);
    let older = |release: &Release, other: &Release| {
        let as_other = release
            .effective_defaults(known_profile(release, profile), None, Some(other.minor()))
            .ok()?;
        let plain = release
            .effective_defaults(known_profile(release, profile), None, None)
            .ok()?;
        Some((plain, as_other))
    };
    let (mut before, mut after) = (defaults(source), defaults(target));
    // What the newer release lists as the older one's behaviour becomes visible on the older one's side.
    if let Some((plain, restored)) = older(target, source) {
        complete(&mut before, &plain, &restored);
    }
    if let Some((plain, restored)) = older(source, target) {
        complete(&mut after, &plain, &restored);
    }
    let comparison = Comparison {
        from: source.minor(),
        to: target,
        restored: restored(target, profile, platform, source.minor()),
        before,
        after,
        pinned,
    };
    let mut changes = component_changes(source, target, profile, pinned);
    changes.extend(comparison.changes());
    sorted::sort_by(&mut changes, |a, b| {
        (&a.component, &a.path).cmp(&(&b.component, &b.path))
    });
    changes
}

/// Returns the effective defaults; what the release does not ship is left out.
fn chosen_defaults(
    release: &Release,
    profile: &str,
    platform: Option<&str>,
    compatibility: Option<Minor>,
) -> Defaults {
    let profile = known_profile(release, profile);
    let compatibility = compatibility.filter(|it| release.compatibility_settings(*it).is_some());
    release
        .effective_defaults(profile, platform, compatibility)
        .or_else(|missing| match missing {
            NotShipped::Platform => release.effective_defaults(profile, None, compatibility),
            NotShipped::Profile | NotShipped::CompatibilityVersion => Err(missing),
        })
        .unwrap_or_default()
}

/// Returns the profile where the release ships it, else the default one.
fn known_profile<'a>(release: &Release, profile: &'a str) -> &'a str {
    if release.profiles().any(|it| it == profile) {
        profile
    } else {
        "default"
    }
}

/// Returns the target's defaults with the source as compatibility version, where the target ships it.
fn restored(
    target: &Release,
    profile: &str,
    platform: Option<&str>,
    source: Minor,
) -> Option<Defaults> {
    target.compatibility_settings(source)?;
    Some(chosen_defaults(target, profile, platform, Some(source)))
}

/// Adds to `defaults` what `restored` sets and `plain` does not, where `defaults` has no value of its own.
fn complete(defaults: &mut Defaults, plain: &Defaults, restored: &Defaults) {
    for (component, restored) in restored {
        let (Some(plain), Some(own)) = (plain.get(component), defaults.get_mut(component)) else {
            continue;
        };
        tree::compare(Some(plain), Some(restored), &mut |path, _, restored| {
            if let Some(value) = restored
                && tree::get(own, path).is_none()
            {
                tree::set(own, path, value.clone());
            }
        });
    }
}

impl Comparison<'_> {
    fn changes(&self) -> Vec<DefaultChange> {
        let mut changes = Vec::new();
        for (component, before) in &self.before {
            let Some(after) = self.after.get(component) else {
                continue;
            };
            tree::compare(Some(before), Some(after), &mut |path, from, to| {
                if !is_choice_or_stamp(path) && !is_stray(component, path) {
                    let text = format!("values.{}", tree::text(path));
                    let keep = if ends(path, from) {
                        Err(ENDS)
                    } else {
                        self.keep(component, path, &text, from, to)
                    };
                    let (keep, unkept) = parted(keep);
                    changes.push(DefaultChange {
                        pinned: self.is_pinned(&text),
                        edit: keep.as_deref().map(|it| kept_by(it, &text, from)),
                        keep,
                        unkept,
                        component: component.clone(),
                        path: text,
                        from: from.cloned(),
                        to: to.cloned(),
                        about: None,
                    });
                }
            });
        }
        changes
    }

    /// Tells whether a path is set, `values.meshConfig.x` and `meshConfig.x` being one setting (domain §1.5).
    fn is_pinned(&self, path: &str) -> bool {
        let mesh = path
            .strip_prefix("values.")
            .filter(|it| it.starts_with("meshConfig."));
        let hub = (path == "values.global.hub").then_some("hub");
        let is_set = |it: &str| (self.pinned)(it);
        is_set(path) || mesh.is_some_and(is_set) || hub.is_some_and(is_set)
    }

    /// Returns the one setting that keeps the old value: the source as compatibility version where that restores it,
    /// else the setting itself where the target's chart knows it; or why there is none.
    fn keep(
        &self,
        component: &str,
        path: &[&str],
        text: &str,
        from: Option<&Value>,
        to: Option<&Value>,
    ) -> Result<String, &'static str> {
        if path.last().is_some_and(|it| self.to.is_unread(it)) {
            return Err(UNREAD);
        }
        let restored = self.restored.as_ref().and_then(|it| it.get(component));
        if restored.is_some_and(|it| tree::is_same(tree::get(it, path), from)) {
            return Ok(format!("compatibilityVersion: \"{}\"", self.from));
        }
        let after = self.after.get(component);
        if !after.is_some_and(|it| tree::is_known(it, path)) {
            return Err(UNKNOWN);
        }
        match (from, to) {
            (Some(from), _) => kept_alone(text, from),
            // The older chart had no such setting, which is as if it were off.
            (None, Some(Value::Bool(true))) => Ok(format!("{text}=false")),
            (None, _) => Err(NEW),
        }
    }
}

/// Why no setting keeps an old default.
const UNREAD: &str = "the target no longer reads it";
const UNKNOWN: &str = "the target's chart has no such setting";
const NEW: &str = "the source has no such setting, so no value of it is the old behaviour";
const LONG: &str = "more than one value: write what is to stay into a file of the request";
const ENDS: &str = "the registry of before ends";
const LISTED: &str = "a gateway of the profile: write it with its name into a file of the request";

/// A value as the setting that says it.
fn kept_alone(text: &str, value: &Value) -> Result<String, &'static str> {
    tree::scalar(value)
        .map(|it| format!("{text}={it}"))
        .ok_or(LONG)
}

/// The setting that keeps, and why there is none.
fn parted(keep: Result<String, &'static str>) -> (Option<String>, Option<String>) {
    match keep {
        Ok(keep) => (Some(keep), None),
        Err(why) => (None, Some(why.to_owned())),
    }
}

/// Returns the edit that does what a setting of [`DefaultChange::keep`] does, its value of its type.
fn kept_by(keep: &str, path: &str, from: Option<&Value>) -> Edit {
    let (path, value) = match keep.strip_prefix("compatibilityVersion: ") {
        Some(version) => (
            "compatibilityVersion",
            Value::from(version.trim_matches('"')),
        ),
        None => (path, from.cloned().unwrap_or(Value::Bool(false))),
    };
    Edit::Set {
        path: path.to_owned(),
        value,
    }
}

/// Tells a registry that ends: nobody is told how to keep it.
fn ends(path: &[&str], value: Option<&Value>) -> bool {
    let hub = value
        .and_then(Value::as_str)
        .filter(|_| path == ["global", "hub"]);
    let registry = hub.and_then(|it| Facts::embedded().registry(it));
    registry.is_some_and(|it| it.ends.is_some())
}

/// Tells paths that say which release or profile it is, not how it behaves.
fn is_choice_or_stamp(path: &[&str]) -> bool {
    match path {
        ["meshConfig", ..] | ["global", "hub"] => false,
        [] | ["profile" | "compatibilityVersion" | "platform"] | ["global", "profile"] => true,
        [.., last] => matches!(*last, "hub" | "tag"),
    }
}

/// Tells settings that a chart is given and does not read: of `meshConfig` ztunnel reads `proxyMetadata` alone
/// (1.30.3:manifests/charts/ztunnel/templates/daemonset.yaml).
fn is_stray(component: &str, path: &[&str]) -> bool {
    component == ComponentName::Ztunnel
        && matches!(path, ["ztunnel", "meshConfig", rest @ ..] if !rest.starts_with(&["defaultConfig", "proxyMetadata"]))
}

/// Returns the components that a profile enables, disables or configures otherwise.
///
/// Settings under `k8s` are compared only up to 1.20: since 1.21 profiles keep them in the charts.
fn component_changes(
    source: &Release,
    target: &Release,
    profile: &str,
    pinned: &dyn Fn(&str) -> bool,
) -> Vec<DefaultChange> {
    let components = |release: &Release| {
        release
            .profile(known_profile(release, profile))?
            .get_mut("components")
            .map(Value::take)
            .map(tree::named)
    };
    let (from, to) = (components(source), components(target));
    let with_k8s = source.minor().max(target.minor()) < Minor::new(1, 21);
    let mut changes = Vec::new();
    tree::compare(from.as_ref(), to.as_ref(), &mut |path, from, to| {
        if path.contains(&"k8s") && !with_k8s {
            return;
        }
        let component = path.first().map(|it| tree::capitalised(it));
        let text = format!("components.{}", tree::text(path));
        // A gateway chosen by name needs a file: `--set` finds only those that the user listed (domain §1.4).
        let keep = match (from, to) {
            (None, _) => Err(NEW),
            (_, None) => Err(UNKNOWN),
            _ if text.contains('[') => Err(LISTED),
            (Some(from), _) => kept_alone(&text, from),
        };
        let (keep, unkept) = parted(keep);
        changes.push(DefaultChange {
            component: component.unwrap_or_default(),
            pinned: pinned(&text),
            edit: keep.as_deref().map(|it| kept_by(it, &text, from)),
            keep,
            unkept,
            path: text,
            from: from.cloned(),
            to: to.cloned(),
            about: None,
        });
    });
    changes
}

#[cfg(test)]
mod tests;
