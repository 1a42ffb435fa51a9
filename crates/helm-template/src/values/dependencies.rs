//! Which subcharts take part, under which names, and what they export.

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use sorted::SortedSet;

use super::{coalesce, coalesce_tables};
use crate::Error;
use crate::chart::{Dependency, Loaded};

/// Drops disabled subcharts, renames those with an alias and imports what they export.
pub(crate) fn process_dependencies(chart: &mut Loaded, values: &Json) -> Result<(), Error> {
    enable(chart, values, "")?;
    import_all(chart)
}

fn enable(chart: &mut Loaded, values: &Json, path: &str) -> Result<(), Error> {
    let Some(mut wanted) = chart.metadata.dependencies.take() else {
        return Ok(());
    };
    let mut kept: Vec<Loaded> = chart
        .dependencies
        .iter()
        .filter(|it| !wanted.iter().any(|dependency| is_meant(dependency, it)))
        .cloned()
        .collect();
    for dependency in &mut wanted {
        if let Some(subchart) = chart
            .dependencies
            .iter()
            .find(|it| is_meant(dependency, it))
        {
            let mut subchart = subchart.clone();
            if !dependency.alias.is_empty() {
                subchart.metadata.name.clone_from(&dependency.alias);
                let mut data = subchart.metadata.data.as_ref().clone();
                data.insert("name".to_owned(), Json::String(dependency.alias.clone()));
                subchart.metadata.data = Arc::new(data);
            }
            kept.push(subchart);
        }
        if !dependency.alias.is_empty() {
            dependency.name.clone_from(&dependency.alias);
        }
        dependency.enabled = true;
    }
    chart.dependencies = kept;
    let coalesced = Json::Object(coalesce(chart, values)?);
    apply_tags(&mut wanted, &coalesced);
    apply_conditions(&mut wanted, &coalesced, path);
    let disabled: SortedSet<String> = wanted
        .iter()
        .filter(|it| !it.enabled)
        .map(|it| it.name.clone())
        .collect();
    chart
        .dependencies
        .retain(|it| !disabled.contains(&it.metadata.name));
    wanted.retain(|it| !disabled.contains(&it.name));
    for subchart in &mut chart.dependencies {
        let below = format!("{path}{}.", subchart.metadata.name);
        enable(subchart, &coalesced, &below)?;
    }
    // Go appends to nil: an emptied list is no list.
    chart.metadata.dependencies = (!wanted.is_empty()).then_some(wanted);
    Ok(())
}

fn is_meant(dependency: &Dependency, chart: &Loaded) -> bool {
    dependency.name == chart.metadata.name
        && crate::semver::satisfies(&dependency.version, &chart.metadata.version).unwrap_or(false)
}

fn apply_tags(wanted: &mut [Dependency], values: &Json) {
    let Some(Json::Object(tags)) = values.get("tags") else {
        return;
    };
    for dependency in wanted {
        let set = |wanted: bool| {
            dependency
                .tags
                .iter()
                .any(|it| tags.get(it) == Some(&Json::Bool(wanted)))
        };
        dependency.enabled = set(true) || !set(false);
    }
}

fn apply_conditions(wanted: &mut [Dependency], values: &Json, path: &str) {
    for dependency in wanted {
        for condition in dependency.condition.trim().split(',') {
            if condition.is_empty() {
                continue;
            }
            if let Some(Json::Bool(it)) = at(values, &format!("{path}{condition}")) {
                dependency.enabled = *it;
                break;
            }
        }
    }
}

/// Returns what is at a path of names joined by dots.
fn at<'a>(values: &'a Json, path: &str) -> Option<&'a Json> {
    path.split('.')
        .try_fold(values, |value, name| value.get(name))
}

fn import_all(chart: &mut Loaded) -> Result<(), Error> {
    for subchart in &mut chart.dependencies {
        import_all(subchart)?;
    }
    let Some(mut wanted) = chart.metadata.dependencies.clone() else {
        return Ok(());
    };
    let values = Json::Object(coalesce(chart, &Json::Null)?);
    let mut imported = Map::new();
    for dependency in &mut wanted {
        let mut resolved = Vec::new();
        for import in std::mem::take(&mut dependency.imports) {
            let (child, parent) = match &import {
                Json::Object(it) => {
                    let name =
                        |key: &str| it.get(key).map(crate::chart::scalar).unwrap_or_default();
                    (name("child"), name("parent"))
                }
                Json::String(it) => (format!("exports.{it}"), ".".to_owned()),
                _ => continue,
            };
            resolved.push(Json::Object(Map::from_iter([
                ("child".to_owned(), Json::String(child.clone())),
                ("parent".to_owned(), Json::String(parent.clone())),
            ])));
            let path = format!("{}.{child}", dependency.name);
            let Some(Json::Object(table)) = at(&values, &path) else {
                continue;
            };
            let placed = if parent == "." {
                table.clone()
            } else {
                let nested = parent
                    .split('.')
                    .rev()
                    .fold(Json::Object(table.clone()), |inner, name| {
                        Json::Object(Map::from_iter([(name.to_owned(), inner)]))
                    });
                match nested {
                    Json::Object(it) => it,
                    _ => Map::new(),
                }
            };
            coalesce_tables(&mut imported, placed, false);
        }
        // Templates see what was meant.
        dependency.imports = resolved;
    }
    chart.metadata.dependencies = Some(wanted);
    let Json::Object(mut own) = without_nulls(values) else {
        return Ok(());
    };
    coalesce_tables(&mut own, imported, false);
    chart.values = Arc::new(Json::Object(own));
    Ok(())
}

fn without_nulls(value: Json) -> Json {
    match value {
        Json::Object(entries) => Json::Object(
            entries
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_nulls(value)))
                .collect(),
        ),
        other => other,
    }
}
