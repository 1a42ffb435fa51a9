//! One cause, one diagnostic, at a line that somebody wrote.

use serde_json::{Map, Value};

use super::files::Sources;
use super::{advice, merge, path};
use crate::{Diagnostic, Severity, Spot};

/// From so many unknown fields of one file on they have one cause: the file is of another Istio, or of another kind.
const MANY: usize = 12;

/// So many diagnostics are placed and told; of the rest only the number.
const MOST: usize = 300;

/// So many places one diagnostic names.
const MOST_SPOTS: usize = 100;

/// Makes of what was found what is told: each cause once, placed, with what would settle it.
pub(crate) fn told(
    mut found: Vec<Diagnostic>,
    user: &Map<String, Value>,
    sources: &Sources<'_>,
    version: &semver::Version,
) -> Vec<Diagnostic> {
    once(&mut found);
    let left = found.len().saturating_sub(MOST);
    found.truncate(MOST);
    for it in &mut found {
        advice::complete(it, version);
        null(it, user);
        refused_by_chart(it, user);
    }
    let placed = found.into_iter().map(|it| sources.placed(it)).collect();
    let mut told = grouped(placed, version);
    if left > 0 {
        let message = format!("{left} more of these are not shown");
        told.push(Diagnostic::warning("more", message));
    }
    told
}

/// Leaves out what is said again of the `MeshConfig` in the values, to which that of the `IstioOperator` was copied.
fn once(diagnostics: &mut Vec<Diagnostic>) {
    const COPY: &str = "spec.values.meshConfig.";
    let told: sorted::SortedSet<(String, String)> = diagnostics
        .iter()
        .filter_map(|it| {
            let path = it.path.as_deref()?.strip_prefix("spec.meshConfig.")?;
            Some((path.to_owned(), it.code.clone()))
        })
        .collect();
    let mut seen = sorted::SortedSet::new();
    diagnostics.retain(|it| {
        let copied = it.path.as_deref().and_then(|it| it.strip_prefix(COPY));
        let again = copied.is_some_and(|path| told.contains(&(path.to_owned(), it.code.clone())));
        !again && seen.insert((it.code.clone(), it.path.clone(), it.message.clone()))
    });
}

/// Blames a null that stands where a chart reads further: the chart's own words name the component, which is not at fault.
fn null(diagnostic: &mut Diagnostic, user: &Map<String, Value>) {
    if diagnostic.code != "render-failed" {
        return;
    }
    let Some(values) = user.get("spec").and_then(|it| it.get("values")) else {
        return;
    };
    let read = read_values(&diagnostic.message);
    let blamed = read.iter().find_map(|segments| {
        (1..=segments.len()).find_map(|depth| {
            let path: Vec<&str> = segments.iter().take(depth).map(String::as_str).collect();
            let there = merge::get(values, &path);
            there.is_some_and(Value::is_null).then(|| path.join("."))
        })
    });
    if let Some(path) = blamed {
        diagnostic.message = format!(
            "`values.{path}` is written without a value, which takes away everything that a chart reads below it ({})",
            diagnostic.message
        );
        diagnostic.path = Some(format!("spec.values.{path}"));
        diagnostic.hint = Some("Remove the line, or indent below it what belongs there".to_owned());
    }
}

/// Places what a chart refuses by itself (`zzz_profile.yaml` of every chart from 1.21 on) at the setting that it means.
fn refused_by_chart(diagnostic: &mut Diagnostic, user: &Map<String, Value>) {
    const REFUSED: [(&str, &str, &[&str]); 3] = [
        (
            "unknown compatibility version",
            "compatibility-version",
            &[
                "spec.compatibilityVersion",
                "spec.values.compatibilityVersion",
            ],
        ),
        ("unknown profile", "render-failed", &["spec.values.profile"]),
        (
            "unknown platform",
            "render-failed",
            &["spec.values.global.platform"],
        ),
    ];
    if diagnostic.code != "render-failed" {
        return;
    }
    let row = REFUSED
        .iter()
        .find(|(words, ..)| diagnostic.message.contains(words));
    let Some((_, code, paths)) = row else {
        return;
    };
    (*code).clone_into(&mut diagnostic.code);
    let said = paths.iter().find(|path| {
        let segments = path::split(path);
        let mut at = None;
        for segment in &segments {
            at = at.map_or_else(|| user.get(segment), |it: &Value| it.get(segment));
            if at.is_none() {
                return false;
            }
        }
        true
    });
    if let Some(path) = said {
        diagnostic.path = Some((*path).to_owned());
    }
}

/// The paths of values that a chart's error names: `.Values.global.hub`, `$.Values.global`.
fn read_values(message: &str) -> Vec<Vec<String>> {
    let reads = message.split(".Values.").skip(1);
    reads
        .map(|it| {
            let end = it.find(|it: char| !(it.is_ascii_alphanumeric() || "._-".contains(it)));
            let path = it.get(..end.unwrap_or(it.len())).unwrap_or_default();
            path::split(path)
        })
        .collect()
}

/// Makes one of the unknown fields of a file that has many.
fn grouped(diagnostics: Vec<Diagnostic>, version: &semver::Version) -> Vec<Diagnostic> {
    let is_of = |it: &Diagnostic, file: &str| {
        it.severity == Severity::Error
            && matches!(it.code.as_str(), "unknown-field" | "wrong-type")
            && it.place.as_ref().is_some_and(|(name, _)| name == file)
    };
    let mut files: Vec<String> = Vec::new();
    for it in &diagnostics {
        if let Some((name, _)) = &it.place
            && !name.starts_with("--")
            && !files.contains(name)
        {
            files.push(name.clone());
        }
    }
    let mut told = diagnostics;
    for file in files {
        let many = told.iter().filter(|it| is_of(it, &file)).count();
        if many < MANY {
            continue;
        }
        let (of_file, rest): (Vec<_>, Vec<_>) = told.into_iter().partition(|it| is_of(it, &file));
        told = rest;
        told.insert(0, older(&of_file, &file, version));
    }
    told
}

/// Says that a file is of an older Istio.
fn older(found: &[Diagnostic], file: &str, version: &semver::Version) -> Diagnostic {
    let spots: Vec<Spot> = found
        .iter()
        .map(|it| Spot {
            path: it.path.clone().unwrap_or_default(),
            place: it.place.clone(),
        })
        .collect();
    let mut names: Vec<&str> = spots.iter().map(|it| it.path.as_str()).collect();
    sorted::sort(&mut names);
    names.dedup();
    let shown = names
        .iter()
        .take(8)
        .copied()
        .collect::<Vec<_>>()
        .join("`, `");
    let more = match names.len().saturating_sub(8) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let mut gone: Vec<&str> = Vec::new();
    for hint in found.iter().filter_map(|it| it.hint.as_deref()) {
        if !gone.contains(&hint) {
            gone.push(hint);
        }
    }
    let message = format!(
        "{file} is written for an older Istio, or is no IstioOperator: Istio 1.{} does not know {} of its settings: \
         `{shown}`{more}",
        version.minor,
        found.len()
    );
    let told = gone.iter().take(6).copied().collect::<Vec<_>>().join("; ");
    let hint = format!(
        "Start from what the cluster has: `refit recover` writes the request that the installation answers to{}{told}",
        if told.is_empty() {
            ""
        } else {
            ". Of these settings: "
        }
    );
    let mut diagnostic = Diagnostic::error("older-file", message).hinted(hint);
    diagnostic.place = spots.first().and_then(|it| it.place.clone());
    diagnostic.also = spots.into_iter().take(MOST_SPOTS).collect();
    diagnostic
}
