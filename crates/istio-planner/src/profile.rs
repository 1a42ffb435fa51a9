//! Profiles of releases: list, dump and diff, as istioctl had them up to 1.23, without any archive.
//!
//! Since 1.21 a profile itself is nearly empty, and what it chooses lies in the charts. So everything here can speak of
//! the [`Scope::Effective`] settings too: those that the charts use when the user sets nothing but the profile.

use istio_catalog::{Catalog, Minor, NotShipped, Release, Version, merge};
use serde_json::{Map, Value};

mod compare;
mod print;

/// Which profile of which release.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The release; where the catalogue lacks its charts, those of the nearest patch stand in.
    pub version: Version,
    /// For example `default`.
    pub profile: String,
}

/// How much of a profile is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// The `IstioOperator` of the profile, merged over that of the default profile: what istioctl showed.
    #[default]
    Profile,
    /// The same, with the effective defaults of every chart under `values`.
    Effective,
}

/// How a profile is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// YAML.
    #[default]
    Yaml,
    /// JSON, indented by four.
    Json,
    /// A `--set` value on each line.
    Flags,
}

/// Why there is nothing to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// The catalogue does not hold the release.
    #[error("the catalogue holds no release {minor}; it holds {oldest} to {newest}")]
    UnknownRelease {
        /// The release that was asked for.
        minor: Minor,
        /// The oldest one there is.
        oldest: Minor,
        /// The newest one there is.
        newest: Minor,
    },
    /// The release does not ship the profile.
    #[error("{minor} ships no profile {profile:?}; it ships {}", .shipped.join(", "))]
    UnknownProfile {
        /// The release.
        minor: Minor,
        /// What was asked for.
        profile: String,
        /// What there is.
        shipped: Vec<String>,
    },
    /// Nothing stands at the path.
    #[error("nothing stands at {0}")]
    NothingThere(String),
}

/// Returns the names of a release's profiles, as `istioctl profile list` printed them.
pub fn list(version: &Version) -> Result<String, ProfileError> {
    let names: Vec<&str> = release(version)?.profiles().collect();
    Ok(format!(
        "Istio configuration profiles:\n    {}\n",
        names.join("\n    ")
    ))
}

/// Returns a profile as text, as `istioctl profile dump` printed it, with a final newline.
///
/// `path` chooses a part, for example `components.pilot` or `values.global`; its root is `spec`.
pub fn dump(
    choice: &Choice,
    scope: Scope,
    path: Option<&str>,
    format: Format,
) -> Result<String, ProfileError> {
    let spec = spec(choice, scope)?;
    let (document, flags) = match path {
        Some(path) => {
            let part =
                part(&spec, path).ok_or_else(|| ProfileError::NothingThere(path.to_owned()))?;
            (part.clone(), part.clone())
        }
        None => (operator(spec.clone()), spec),
    };
    Ok(match format {
        Format::Yaml => print::yaml(document),
        Format::Json => print::json(&document),
        Format::Flags => print::flags(&flags),
    })
}

/// Returns how two profiles differ, `None` where they do not.
///
/// The text is a tree of what differs, each leaf `old -> new`, `<empty> -> new (ADDED)` or `old -> <empty> (REMOVED)`;
/// elements of lists stand under `[#0]` (domain §5.2, istio 1.23.6:operator/pkg/compare/compare.go:45-75).
pub fn diff(from: &Choice, to: &Choice, scope: Scope) -> Result<Option<String>, ProfileError> {
    let tree = compare::difference(&spec(from, scope)?, &spec(to, scope)?);
    Ok(tree.map(|it| format!("The difference between profiles:\n{}", print::yaml(it))))
}

fn release(version: &Version) -> Result<&'static Release, ProfileError> {
    let catalog = Catalog::embedded();
    catalog
        .release(version)
        .ok_or_else(|| ProfileError::UnknownRelease {
            minor: version.minor_release(),
            oldest: catalog.minors().next().unwrap_or_default(),
            newest: catalog.minors().next_back().unwrap_or_default(),
        })
}

/// Returns `spec` of a profile's `IstioOperator`.
fn spec(choice: &Choice, scope: Scope) -> Result<Value, ProfileError> {
    let release = release(&choice.version)?;
    let unknown = || ProfileError::UnknownProfile {
        minor: release.minor(),
        profile: choice.profile.clone(),
        shipped: release.profiles().map(str::to_owned).collect(),
    };
    let mut spec = release.profile(&choice.profile).ok_or_else(unknown)?;
    if scope == Scope::Effective
        && let Value::Object(spec) = &mut spec
    {
        // The charts see `meshConfig` as a value.
        spec.remove("meshConfig");
        spec.insert(
            "values".to_owned(),
            effective_values(release, &choice.profile).map_err(|_| unknown())?,
        );
    }
    Ok(spec)
}

/// Returns the effective defaults of all charts as one tree of values.
fn effective_values(release: &Release, profile: &str) -> Result<Value, NotShipped> {
    let mut values = Value::Object(Map::new());
    for part in release
        .effective_defaults(profile, None, None)?
        .into_values()
    {
        // Gateways share a root, each with its own name; globals of one chart alone join those of istiod.
        merge(&mut values, &part);
    }
    Ok(values)
}

fn operator(spec: Value) -> Value {
    let header = [
        ("apiVersion", "install.istio.io/v1alpha1"),
        ("kind", "IstioOperator"),
    ];
    let mut document: Map<String, Value> = header
        .into_iter()
        .map(|(key, it)| (key.to_owned(), it.into()))
        .collect();
    document.insert("spec".to_owned(), spec);
    Value::Object(document)
}

/// Returns what stands at a path: keys divided by dots, list elements as `[0]` or `[name:istio-ingressgateway]`.
fn part<'a>(spec: &'a Value, path: &str) -> Option<&'a Value> {
    let path = path.strip_prefix("spec.").unwrap_or(path);
    path.split('.').try_fold(spec, |at, step| {
        let Some(selector) = step.strip_prefix('[').and_then(|it| it.strip_suffix(']')) else {
            return at.get(step);
        };
        match selector.split_once(':') {
            Some((key, value)) => at
                .as_array()?
                .iter()
                .find(|it| it.get(key).and_then(Value::as_str) == Some(value)),
            None => at.get(selector.parse::<usize>().ok()?),
        }
    })
}

#[cfg(test)]
mod tests;
