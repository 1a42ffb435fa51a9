//! `cargo xtask catalog ARCHIVE…`: writes the data of `istio-catalog` from release archives.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;
use istio_catalog::{Archive, Catalog, ComponentName, Delta, Minor, Overlays, Version};
use serde_json::{Map, Value};
use sorted::SortedMap;

use crate::project;

/// Components and the folders of their charts (domain §2.1).
const CHARTS: &[(&str, &str)] = &[
    (ComponentName::Base.as_str(), "base"),
    (ComponentName::Cni.as_str(), "istio-cni"),
    (
        ComponentName::EgressGateways.as_str(),
        "gateways/istio-egress",
    ),
    ("Grafana", "istio-telemetry/grafana"),
    (
        ComponentName::IngressGateways.as_str(),
        "gateways/istio-ingress",
    ),
    ("Istiocoredns", "istiocoredns"),
    (ComponentName::IstiodRemote.as_str(), "istiod-remote"),
    ("Kiali", "istio-telemetry/kiali"),
    (
        ComponentName::Pilot.as_str(),
        "istio-control/istio-discovery",
    ),
    (ComponentName::Policy.as_str(), "istio-policy"),
    ("Prometheus", "istio-telemetry/prometheus"),
    ("PrometheusOperator", "istio-telemetry/prometheusOperator"),
    (
        ComponentName::Telemetry.as_str(),
        "istio-telemetry/mixer-telemetry",
    ),
    ("Tracing", "istio-telemetry/tracing"),
    (ComponentName::Ztunnel.as_str(), "ztunnel"),
];

/// Keys under which a chart hides its defaults from Helm (domain §1.6).
const WRAPPERS: &[&str] = &["defaults", "_internal_defaults_do_not_set"];

/// Reads the archives and writes one file for each minor release. What the catalogue holds of other releases stays.
pub(crate) fn run(args: &[String]) -> Result<()> {
    if args.is_empty() {
        bail!("usage: cargo xtask catalog ARCHIVE…");
    }
    let archives = args
        .iter()
        .map(Path::new)
        .map(Path::to_path_buf)
        .collect::<Vec<_>>();
    let folder = folder();
    let catalog = Catalog::embedded();
    let known = catalog.patches().filter_map(|it| catalog.release(it));
    let known = known.map(|it| it.archive().clone()).collect();
    for (minor, text) in files(known, &archives)? {
        let path = folder.join(format!("{minor}.json"));
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Where the data lies.
fn folder() -> PathBuf {
    project::root().join("crates/istio-catalog/data")
}

/// Returns the text of the data file of each minor release: what its first patch changed since the first patch of the
/// minor before, and then what each patch changed since the one before.
fn files(known: Vec<Archive>, archives: &[PathBuf]) -> Result<SortedMap<Minor, String>> {
    let mut minors: SortedMap<Minor, SortedMap<Version, Archive>> = SortedMap::new();
    let mut add = |archive: Archive| {
        let patches = minors.entry(archive.version.minor_release()).or_default();
        // A release and its candidate are equal versions: what comes later counts.
        patches.remove(&archive.version);
        patches.insert(archive.version.clone(), archive);
    };
    known.into_iter().for_each(&mut add);
    for path in archives {
        add(read(path).with_context(|| format!("cannot read {}", path.display()))?);
    }
    let mut first = Value::Null;
    let mut files = SortedMap::new();
    for (minor, patches) in minors {
        let mut before = first;
        first = Value::Null;
        let mut deltas = Vec::new();
        for archive in patches.into_values() {
            let document = serde_json::to_value(archive)?;
            deltas.push(Delta::between(&before, &document));
            if first.is_null() {
                first = document.clone();
            }
            before = document;
        }
        let text = serde_json::to_string_pretty(&deltas)?;
        files.insert(minor, format!("{text}\n"));
    }
    Ok(files)
}

/// Reads what the catalogue keeps of an archive.
fn read(path: &Path) -> Result<Archive> {
    let texts = texts(path)?;
    let version = texts
        .keys()
        .find_map(|it| it.strip_prefix("istio-")?.split_once('/'))
        .and_then(|(version, _)| Version::parse_tag(version))
        .context("it is not a release archive: no folder istio-VERSION")?;
    let manifests = format!("istio-{version}/manifests");
    let mut charts = SortedMap::new();
    for (component, chart) in CHARTS {
        if let Some(text) = texts.get(&format!("{manifests}/charts/{chart}/values.yaml")) {
            charts.insert((*component).to_owned(), unwrapped(yaml(text)?));
        }
    }
    let ztunnel = texts.get(&format!(
        "{manifests}/charts/ztunnel/templates/zzz_profile.yaml"
    ));
    Ok(Archive {
        charts,
        overlays: overlays(
            &texts,
            &format!("{manifests}/charts/istio-control/istio-discovery/files/profile-"),
        )?,
        profiles: profiles(&texts, &format!("{manifests}/profiles/"))?,
        ztunnel_takes_globals: ztunnel.is_some_and(|it| it.contains("($profile.global)")),
        version,
    })
}

/// Returns the files of the archive that may matter, by path.
fn texts(path: &Path) -> Result<SortedMap<String, String>> {
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(path)?));
    let mut texts = SortedMap::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        let is_yaml = Path::new(&name).extension().is_some_and(|it| it == "yaml");
        if is_yaml && name.contains("/manifests/") {
            let mut text = String::new();
            entry.read_to_string(&mut text)?;
            texts.insert(name, text);
        }
    }
    Ok(texts)
}

/// Returns the files that the charts lay over their defaults.
fn overlays(texts: &SortedMap<String, String>, prefix: &str) -> Result<Overlays> {
    let mut overlays = Overlays::default();
    for (name, text) in texts {
        let Some(name) = name
            .strip_prefix(prefix)
            .and_then(|it| it.strip_suffix(".yaml"))
        else {
            continue;
        };
        if let Some(version) = name.strip_prefix("compatibility-version-") {
            overlays
                .compatibility
                .insert(version.to_owned(), yaml(text)?);
        } else if let Some(platform) = name.strip_prefix("platform-") {
            overlays.platform.insert(platform.to_owned(), yaml(text)?);
        } else {
            overlays.profile.insert(name.to_owned(), yaml(text)?);
        }
    }
    Ok(overlays)
}

/// Returns `spec` of each profile.
fn profiles(texts: &SortedMap<String, String>, prefix: &str) -> Result<SortedMap<String, Value>> {
    let mut profiles = SortedMap::new();
    for (name, text) in texts {
        if let Some(name) = name
            .strip_prefix(prefix)
            .and_then(|it| it.strip_suffix(".yaml"))
        {
            let Value::Object(mut profile) = yaml(text)? else {
                bail!("profile {name} is not a map")
            };
            let spec = profile.remove("spec").filter(Value::is_object);
            profiles.insert(
                name.to_owned(),
                spec.unwrap_or_else(|| Value::Object(Map::new())),
            );
        }
    }
    Ok(profiles)
}

/// Takes the wrapper off a chart's values.
fn unwrapped(values: Value) -> Value {
    let Value::Object(mut values) = values else {
        return Value::Object(Map::new());
    };
    let wrapped = WRAPPERS.iter().find_map(|it| values.remove(*it));
    wrapped
        .filter(Value::is_object)
        .unwrap_or(Value::Object(values))
}

fn yaml(text: &str) -> Result<Value> {
    let value = kube_yaml::from_str(text)?;
    Ok(if value.is_null() {
        Value::Object(Map::new())
    } else {
        value
    })
}

#[cfg(test)]
mod tests;
