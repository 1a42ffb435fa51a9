//! `cargo xtask facts FOLDER`: writes what `istio-catalog` knows of releases beyond their archives.
//!
//! The folder holds `releases.jsonl`, `support.jsonl`, `bulletins.jsonl`, `registries.json`,
//! `note-first-patch.jsonl` and `skew.json`. Ranges and
//! days that stand there in words are read by a small grammar; what it does not understand stops the chore.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use istio_catalog::{
    API_VERSION, Affected, Bulletin, Correction, Ending, Facts, HubRange, Minor, Outage, Place,
    Precondition, Registry, SigningKey, Support, Version,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sorted::SortedMap;

use crate::project;

/// A row of `releases.jsonl`.
#[derive(Deserialize)]
struct ReleaseRow {
    version: Version,
    date: String,
}

/// A row of `support.jsonl`.
#[derive(Deserialize)]
struct SupportRow {
    minor: Minor,
    end_of_support: Option<String>,
    kubernetes: Bounds,
}

#[derive(Deserialize)]
struct Bounds {
    min: Minor,
    max: Minor,
}

/// A row of `bulletins.jsonl`.
#[derive(Deserialize)]
struct BulletinRow {
    id: String,
    published: String,
    cves: Vec<String>,
    cvss: Option<String>,
    affected: Vec<Affected>,
    fixed: Vec<Version>,
    component: Vec<String>,
    needs: Option<String>,
    objects: Vec<Precondition>,
    free: bool,
}

/// A row of `note-first-patch.jsonl`.
#[derive(Deserialize)]
struct NoteRow {
    note: String,
    kind: Option<String>,
    area: Option<String>,
    first: SortedMap<Minor, Version>,
}

/// `registries.json`.
#[derive(Deserialize)]
struct Registries {
    default_hub: Vec<HubRow>,
    images: Vec<ImagesRow>,
    charts: Vec<PlaceRow>,
    artifacts: Vec<PlaceRow>,
    outages: Vec<OutageRow>,
    outages_concern: Vec<String>,
    signing_keys: Vec<KeyRow>,
}

#[derive(Deserialize)]
struct HubRow {
    versions: String,
    hub: String,
}

#[derive(Deserialize)]
struct ImagesRow {
    registry: String,
    ends: Option<String>,
}

#[derive(Deserialize)]
struct PlaceRow {
    place: String,
    ends: Option<String>,
}

#[derive(Deserialize)]
struct OutageRow {
    start: String,
    end: String,
}

#[derive(Deserialize)]
struct KeyRow {
    versions: String,
    key: String,
}

/// `skew.json`.
#[derive(Deserialize)]
struct Skew {
    gateway_api_built_with: SortedMap<Minor, String>,
}

/// Reads the folder and writes the crate's facts.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let [folder] = args else {
        bail!("usage: cargo xtask facts FOLDER");
    };
    let path = file();
    fs::write(&path, text(Path::new(folder))?)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Where the facts lie.
fn file() -> PathBuf {
    project::root().join("crates/istio-catalog/data/facts.json")
}

/// Returns the document, one line for each fact.
fn text(folder: &Path) -> Result<String> {
    let document = serde_json::to_value(facts(folder)?)?;
    let mut lines = vec!["{".to_owned()];
    let entries = document.as_object().context("facts are a map")?;
    let last = entries.len() - 1;
    for (at, (key, value)) in entries.iter().enumerate() {
        let comma = if at == last { "" } else { "," };
        let inner: Vec<String> = match value {
            serde_json::Value::Array(items) => items.iter().map(|it| format!("    {it}")).collect(),
            serde_json::Value::Object(map) => map
                .iter()
                .map(|(key, it)| format!("    {key:?}: {it}"))
                .collect(),
            other => {
                lines.push(format!("  {key:?}: {other}{comma}"));
                continue;
            }
        };
        let (open, close) = if value.is_array() {
            ('[', ']')
        } else {
            ('{', '}')
        };
        lines.push(format!("  {key:?}: {open}"));
        lines.push(inner.join(",\n"));
        lines.push(format!("  {close}{comma}"));
    }
    lines.push("}\n".to_owned());
    Ok(lines.join("\n"))
}

/// Reads the folder.
fn facts(folder: &Path) -> Result<Facts> {
    let releases: Vec<ReleaseRow> = rows(&folder.join("releases.jsonl"))?;
    let support: Vec<SupportRow> = rows(&folder.join("support.jsonl"))?;
    let bulletins: Vec<BulletinRow> = rows(&folder.join("bulletins.jsonl"))?;
    let notes: Vec<NoteRow> = rows(&folder.join("note-first-patch.jsonl"))?;
    let registries: Registries = document(&folder.join("registries.json"))?;
    let skew: Skew = document(&folder.join("skew.json"))?;
    let support = support.into_iter().map(|it| {
        let support = Support {
            end: it.end_of_support,
            kubernetes_minimum: it.kubernetes.min,
            kubernetes_maximum: it.kubernetes.max,
        };
        (it.minor, support)
    });
    let places = registries.outages_concern;
    Ok(Facts {
        api_version: API_VERSION.to_owned(),
        releases: releases
            .into_iter()
            .map(|it| (it.version, it.date))
            .collect(),
        support: support.collect(),
        gateway_api: skew.gateway_api_built_with,
        hubs: hubs(&registries.default_hub)?,
        registries: [
            images(&registries.images)?,
            at(Place::Charts, &registries.charts)?,
            at(Place::Artifacts, &registries.artifacts)?,
        ]
        .concat(),
        outages: registries
            .outages
            .into_iter()
            .map(|it| Outage {
                start: it.start,
                end: it.end,
                places: places.clone(),
            })
            .collect(),
        signing_keys: registries
            .signing_keys
            .iter()
            .map(|it| {
                let (from, _) = range(first(&it.versions))?;
                let key = it.key.clone();
                Ok(SigningKey { from, key })
            })
            .collect::<Result<_>>()?,
        bulletins: bulletins.into_iter().map(bulletin).collect::<Result<_>>()?,
        fixes: notes.into_iter().filter_map(correction).collect(),
    })
}

/// A note of a fix; others are no loss where they lack.
fn correction(row: NoteRow) -> Option<Correction> {
    let is_fix = matches!(row.kind.as_deref(), Some("bug-fix" | "security-fix"));
    is_fix.then(|| Correction {
        note: row.note,
        area: row.area.unwrap_or_else(|| "other".to_owned()),
        first: row.first.into_values().collect(),
    })
}

fn bulletin(row: BulletinRow) -> Result<Bulletin> {
    if row.free != row.affected.is_empty() {
        bail!("{}: ranges in words, and ranges as data", row.id);
    }
    Ok(Bulletin {
        id: row.id,
        published: row.published,
        cves: row.cves,
        cvss: row.cvss,
        affected: row.affected,
        fixed: row.fixed,
        component: row.component,
        needs: row.needs,
        objects: row.objects,
    })
}

fn hubs(rows: &[HubRow]) -> Result<Vec<HubRange>> {
    let mut hubs = Vec::new();
    for row in rows {
        for part in row.versions.split(',') {
            let (from, to) = range(part)?;
            hubs.push(HubRange {
                from,
                to,
                hub: row.hub.clone(),
            });
        }
    }
    Ok(hubs)
}

fn images(rows: &[ImagesRow]) -> Result<Vec<Registry>> {
    let mut places = Vec::new();
    for row in rows {
        for place in row.registry.split(',') {
            places.push(Registry {
                place: place.trim().to_owned(),
                holds: Place::Images,
                ends: row.ends.as_deref().map(ending).transpose()?.flatten(),
            });
        }
    }
    Ok(places)
}

fn at(holds: Place, rows: &[PlaceRow]) -> Result<Vec<Registry>> {
    let registry = |it: &PlaceRow| {
        Ok(Registry {
            place: it.place.trim_end_matches("/VERSION").to_owned(),
            holds,
            ends: it.ends.as_deref().map(ending).transpose()?.flatten(),
        })
    };
    rows.iter().map(registry).collect()
}

/// The first part of a list in words.
fn first(versions: &str) -> &str {
    versions.split(',').next().unwrap_or(versions)
}

/// Reads `1.6.0 to 1.29.8`, `1.31.1 and newer` (its beginning, twice) and `1.30.0`.
fn range(words: &str) -> Result<(Version, Version)> {
    let words = words.trim();
    let version = |it: &str| {
        Version::parse_release(it.trim())
            .with_context(|| format!("{words:?} is no range of versions that is understood"))
    };
    if let Some((from, to)) = words.split_once(" to ") {
        return Ok((version(from)?, version(to)?));
    }
    let one = version(words.strip_suffix(" and newer").unwrap_or(words))?;
    Ok((one.clone(), one))
}

/// Reads an end in words: a month and a year, whatever follows; `None` where it is said that none is known.
fn ending(words: &str) -> Result<Option<Ending>> {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    if words == "not said" {
        return Ok(None);
    }
    let mut parts = words.split([' ', ',']);
    let month = parts
        .next()
        .and_then(|it| MONTHS.iter().position(|m| *m == it));
    let year = parts.next().and_then(|it| it.parse::<u32>().ok());
    let (Some(month), Some(year)) = (month, year) else {
        bail!("{words:?} is no end that is understood: a month and a year");
    };
    let (after, next) = if month == 11 {
        (year + 1, 1)
    } else {
        (year, month + 2)
    };
    Ok(Some(Ending {
        from: format!("{year}-{:02}-01", month + 1),
        by: format!("{after}-{next:02}-01"),
    }))
}

/// Reads a file of one JSON document on each line.
fn rows<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text
        .lines()
        .enumerate()
        .filter(|it| !it.1.trim().is_empty());
    lines
        .map(|(at, line)| {
            serde_json::from_str(line).with_context(|| format!("{}:{}", path.display(), at + 1))
        })
        .collect()
}

/// Reads a file of one JSON document.
fn document<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests;
