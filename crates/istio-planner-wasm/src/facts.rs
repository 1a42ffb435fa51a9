//! What needs no cluster.

use istio_catalog::{Catalog, Facts, Minor, Release, Version};
use istio_planner::defaults::default_changes;
use istio_planner::explain::Explained;
use istio_planner::{Request, required};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::failure::Failure;

/// A minor release of Istio, as far as a target is chosen by it.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "types",
    derive(ts_rs::TS),
    ts(export_to = "border.ts", rename = "Release")
)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReleaseFacts {
    /// Its newest patch whose charts are known, for example `1.30.3`.
    version: String,
    /// For example `1.30`.
    minor: String,
    /// The day of its release, as `YYYY-MM-DD`; `null` for a candidate.
    released: Option<String>,
    /// `version` is a candidate: of its minor no release's charts are known.
    candidate: bool,
    /// The newest release of the minor, whether its charts are known or not.
    newest: Option<String>,
    /// When its support ends, as `YYYY-MM-DD`; `null` where no date is known.
    end_of_life: Option<String>,
    /// The oldest Kubernetes version that it is documented for, for example `1.32`.
    kubernetes_minimum: Option<String>,
    /// The newest.
    kubernetes_maximum: Option<String>,
    /// The profiles that it ships.
    profiles: Vec<String>,
    /// What `compatibilityVersion` may be.
    compatibility_versions: Vec<String>,
}

/// What has to be found before a request can be planned.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "types",
    derive(ts_rs::TS),
    ts(export_to = "border.ts", rename = "Requirement")
)]
pub(crate) struct Needs {
    /// Versions of the releases that are needed in any case.
    releases: Vec<String>,
    /// Shell lines that export what is read of a cluster, one for each file. Secrets are not among it.
    commands: Vec<String>,
}

/// Two releases to compare.
#[derive(Debug, Deserialize)]
#[cfg_attr(
    feature = "types",
    derive(ts_rs::TS),
    ts(export_to = "border.ts", rename = "DefaultsRequest")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Compared {
    /// For example `1.29.6`.
    from: String,
    /// For example `1.30.3`.
    to: String,
    /// For example `default`.
    profile: String,
    /// For example `gke`.
    #[cfg_attr(feature = "types", ts(optional))]
    platform: Option<String>,
    /// For example `1.29`.
    #[cfg_attr(feature = "types", ts(optional))]
    compatibility_version: Option<String>,
}

/// Returns what a code of a finding means, in words; `undefined` for a name that is no code.
#[wasm_bindgen]
pub fn explain(code: &str) -> Option<String> {
    let code = istio_planner::Code::parse(code)?;
    istio_planner::explain::explain(code).map(|it| it.to_string())
}

/// Returns what every code means, as JSON: those of findings, then those of notes.
#[wasm_bindgen]
pub fn codes() -> Result<String, Failure> {
    let all = istio_planner::explain::catalogue().into_iter();
    let all: Vec<Explained> = all.filter_map(Explained::read).collect();
    Ok(serde_json::to_string(&all)?)
}

/// Returns the releases whose charts are known, oldest first, as JSON; `facts` (JSON, as `refit facts -o json` prints it)
/// are newer dates than this module has.
#[wasm_bindgen]
pub fn releases(facts: Option<String>) -> Result<String, Failure> {
    let newer = facts.map(|it| read_facts(&it)).transpose()?;
    let known = newer.as_ref().unwrap_or_else(|| Facts::embedded());
    let all: Vec<ReleaseFacts> = Catalog::embedded()
        .releases()
        .map(|it| release_facts(it, known))
        .collect();
    Ok(serde_json::to_string(&all)?)
}

/// Returns the facts of releases that this module has, as JSON: the format of newer ones.
#[wasm_bindgen(js_name = facts)]
pub fn embedded() -> Result<String, Failure> {
    Ok(serde_json::to_string(Facts::embedded())?)
}

/// Reads facts that replace the module's; older ones, and other documents, are refused.
pub(crate) fn read_facts(text: &str) -> Result<Facts, Failure> {
    Facts::newer(text).map_err(|it| Failure::refused(format!("the facts are not taken: {it}")))
}

/// Returns a profile of a minor release (`1.30`) as JSON, `null` where there is none of this name.
#[wasm_bindgen]
pub fn profile(minor: &str, name: &str) -> Result<String, Failure> {
    let minor: Option<Minor> = minor.parse().ok();
    let release = minor.and_then(|it| Catalog::embedded().minor(it));
    let profile: Option<Value> = release.and_then(|it| it.profile(name));
    Ok(serde_json::to_string(&profile)?)
}

/// Returns every default that differs between two releases, as JSON of `DefaultChange`s.
#[wasm_bindgen]
pub fn defaults(options: JsValue) -> Result<String, Failure> {
    let asked: Compared = serde_wasm_bindgen::from_value(options)?;
    let changes = default_changes(
        &version(&asked.from)?,
        &version(&asked.to)?,
        &asked.profile,
        asked.platform.as_deref(),
        asked.compatibility_version.as_deref(),
        &|_| false,
    );
    Ok(serde_json::to_string(&changes)?)
}

/// Returns the releases that a request (JSON) needs, and the shell lines that export what it reads, as JSON.
#[wasm_bindgen(js_name = required)]
pub fn needs(request: &str) -> Result<String, Failure> {
    let required = required(&serde_json::from_str::<Request>(request)?);
    Ok(serde_json::to_string(&Needs {
        releases: required.releases,
        commands: required.commands.lines().map(str::to_owned).to_vec(),
    })?)
}

fn version(text: &str) -> Result<Version, Failure> {
    Version::parse_tag(text)
        .ok_or_else(|| Failure::refused(format!("{text} is no version of Istio")))
}

fn release_facts(release: &Release, facts: &Facts) -> ReleaseFacts {
    let minor = release.minor();
    let kubernetes = facts.kubernetes(minor);
    let newest = facts.newest_patch(minor, None);
    ReleaseFacts {
        version: release.version().to_string(),
        minor: minor.to_string(),
        released: facts.released(release.version()).map(str::to_owned),
        candidate: release.version().suffix.is_some(),
        newest: newest.map(|(it, _)| it.to_string()),
        end_of_life: facts.end_of_life(minor).map(|it| it.date),
        kubernetes_minimum: kubernetes.minimum.map(|it| it.to_string()),
        kubernetes_maximum: kubernetes.maximum.map(|it| it.to_string()),
        profiles: release.profiles().map(ToOwned::to_owned).collect(),
        compatibility_versions: release
            .compatibility_versions()
            .iter()
            .map(ToString::to_string)
            .collect(),
    }
}
