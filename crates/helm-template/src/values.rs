//! Which values a chart and its subcharts get (`helm v3.21:pkg/chartutil/coalesce.go`, `dependencies.go`).

use serde_json::{Map, Value as Json};

use crate::Error;
use crate::chart::Loaded;

mod dependencies;

pub(crate) use dependencies::process_dependencies;

type Table = Map<String, Json>;

/// Lays the user's values over the chart's, and hands subcharts theirs.
///
/// A user's null removes a key of the chart's defaults.
pub(crate) fn coalesce(chart: &Loaded, values: &Json) -> Result<Table, Error> {
    let mut table = match values {
        Json::Object(it) => it.clone(),
        _ => Table::new(),
    };
    coalesce_chart(chart, &mut table, false)?;
    Ok(table)
}

fn coalesce_chart(chart: &Loaded, table: &mut Table, keep_nulls: bool) -> Result<(), Error> {
    coalesce_values(chart, table, keep_nulls);
    for subchart in &chart.dependencies {
        let name = &subchart.metadata.name;
        let mut inner = match table.get_mut(name) {
            None => Table::new(),
            Some(Json::Object(it)) => std::mem::take(it),
            Some(other) => {
                return Err(Error::new(format!(
                    "type mismatch on {name}: %!t({})",
                    type_name(other)
                )));
            }
        };
        coalesce_globals(&mut inner, table);
        coalesce_chart(subchart, &mut inner, keep_nulls)?;
        table.insert(name.clone(), Json::Object(inner));
    }
    Ok(())
}

/// How Go's fmt names and prints a value that it cannot format.
fn type_name(value: &Json) -> String {
    let value = crate::value::Value::from_json(value);
    format!("{}={}", value.type_name(), crate::format::plain(&value))
}

fn coalesce_globals(into: &mut Table, from: &Table) {
    let none = Table::new();
    let globals = match from.get("global") {
        None => &none,
        Some(Json::Object(it)) => it,
        Some(_) => return,
    };
    let mut own = match into.get_mut("global") {
        None => Table::new(),
        Some(Json::Object(it)) => std::mem::take(it),
        Some(_) => return,
    };
    for (key, value) in globals {
        match (value, own.get_mut(key)) {
            (Json::Object(value), Some(Json::Object(slot))) => {
                // The outer chart's globals win; what only the subchart has is added.
                let mut merged = value.clone();
                coalesce_tables(&mut merged, std::mem::take(slot), true);
                *slot = merged;
            }
            // A table is neither put over a value nor a value over a table.
            (Json::Object(_), Some(_)) | (_, Some(Json::Object(_))) => {}
            (value, Some(slot)) => *slot = value.clone(),
            (value, None) => {
                own.insert(key.clone(), value.clone());
            }
        }
    }
    into.insert("global".to_owned(), Json::Object(own));
}

fn coalesce_values(chart: &Loaded, table: &mut Table, keep_nulls: bool) {
    let Json::Object(defaults) = chart.values.as_ref() else {
        return;
    };
    for (key, default) in defaults {
        match (table.get_mut(key), default) {
            (None, _) => {
                table.insert(key.clone(), default.clone());
            }
            (Some(Json::Null), _) if !keep_nulls => {
                table.remove(key);
            }
            (Some(Json::Object(own)), Json::Object(default)) => {
                // A subchart's nulls must last until it is the subchart's turn.
                let is_subchart = chart.dependencies.iter().any(|it| it.metadata.name == *key);
                coalesce_tables(own, default.clone(), keep_nulls || is_subchart);
            }
            (Some(_), _) => {}
        }
    }
}

/// Adds to a table what only the other has.
pub(crate) fn coalesce_tables(table: &mut Table, mut other: Table, keep_nulls: bool) {
    let solid: Vec<String> = other
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, _)| key.clone())
        .collect();
    for (key, value) in table.iter() {
        if value.is_null() {
            other.insert(key.clone(), Json::Null);
        }
    }
    for (key, value) in other {
        match (table.get_mut(&key), value) {
            (Some(Json::Null), _) if !keep_nulls && solid.binary_search(&key).is_ok() => {
                table.remove(&key);
            }
            (None, value) => {
                table.insert(key, value);
            }
            (Some(Json::Object(own)), Json::Object(value)) => {
                coalesce_tables(own, value, keep_nulls);
            }
            (Some(_), _) => {}
        }
    }
}
