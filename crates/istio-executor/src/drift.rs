//! Whether the live object still is the one that the plan relies on.

use std::fmt;

use istio_planner::credentials;
use istio_planner::digest::{digest, relevant};
use istio_planner::outcome::Ref;
use istio_planner::plan::Expected;
use serde_json::Value;

use crate::cluster;
use crate::fields::{self, Author, Part};
use crate::run::back::preview::{by, shown as whole};

/// A field that is not as the plan expects.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The path, as in `fields` of a plan.
    pub path: String,
    /// What the plan expects; absent for nothing.
    pub expected: Option<Value>,
    /// What is there now; absent for nothing.
    pub live: Option<Value>,
    /// Who wrote it last, where that is known.
    pub author: Option<Author>,
}

/// The cluster has changed since the plan was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// The object that changed.
    pub object: Ref,
    /// How.
    pub kind: Kind,
}

/// How an object differs from what the plan relies on.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// It was there.
    Gone,
    /// It was not there.
    Appeared,
    /// It was changed; the fields that the plan would change and that are no longer as they were.
    Changed(Vec<Field>),
    /// Others own fields by now that the plan would write; in the server's words.
    Owned(Box<str>),
    /// Its webhooks refuse when they cannot be asked; the plan would have them let everything pass.
    Loosened,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = cluster::name(&self.object);
        match &self.kind {
            Kind::Gone => write!(f, "{name} is gone since the plan was made"),
            Kind::Appeared => write!(f, "{name} has appeared since the plan was made"),
            Kind::Changed(fields) if fields.is_empty() => {
                write!(
                    f,
                    "{name} has changed since the plan was made, in fields that the plan writes"
                )
            }
            Kind::Changed(fields) => {
                write!(f, "{name} has changed since the plan was made:")?;
                for field in fields {
                    let told = |it: &Option<Value>| {
                        let mut it = it.clone();
                        let values = it.iter_mut();
                        values.for_each(|it| credentials::hide(&field.path, it, &mut |_| {}));
                        it
                    };
                    let (expected, live) = (told(&field.expected), told(&field.live));
                    let (expected, live) = shown(expected.as_ref(), live.as_ref());
                    write!(
                        f,
                        "\n  {}: expected {expected}, found {live}{}",
                        field.path,
                        by(field.author.as_ref())
                    )?;
                }
                Ok(())
            }
            Kind::Owned(said) => write!(
                f,
                "fields of {name} have been taken by others since the plan was made: {said}"
            ),
            Kind::Loosened => write!(
                f,
                "{name} has failurePolicy Fail, and the plan would set Ignore: configuration would go unchecked"
            ),
        }
    }
}

impl std::error::Error for Drift {}

/// Compares the live object with what the plan relies on. The same resourceVersion, or the same content, is no drift; nor
/// is a change of fields that the write (`content`) neither sends nor changes, such as an autoscaler's: those stay.
pub fn compare(
    object: &Ref,
    expected: &Expected,
    content: Option<&Value>,
    live: Option<&Value>,
) -> Result<(), Drift> {
    let drift = |kind| {
        Err(Drift {
            object: object.clone(),
            kind,
        })
    };
    match (expected.exists, live) {
        (false, None) => Ok(()),
        (false, Some(_)) => drift(Kind::Appeared),
        (true, None) => drift(Kind::Gone),
        (true, Some(live)) => {
            let version = live["metadata"]["resourceVersion"].as_str();
            let same_version = expected.resource_version.is_some()
                && expected.resource_version.as_deref() == version;
            if same_version || expected.digest.as_deref() == Some(digest(live).as_str()) {
                return Ok(());
            }
            if expected.resource_version.is_none() && expected.digest.is_none() {
                return Ok(());
            }
            let mut changed = fields(expected, live);
            if changed.is_empty()
                && expected.relevant.is_some()
                && expected.relevant == Some(relevant(live, content))
            {
                return Ok(());
            }
            if let Some(content) = content.filter(|_| changed.is_empty()) {
                changed = written(expected, content, live);
            }
            drift(Kind::Changed(changed))
        }
    }
}

/// Refuses to let a validating webhook pass what it cannot check, where the live one refuses it (domain §11, F-7).
pub fn keeps_validation(object: &Ref, manifest: &Value, live: Option<&Value>) -> Result<(), Drift> {
    if object.kind != "ValidatingWebhookConfiguration" {
        return Ok(());
    }
    let webhooks = |it: &Value| it["webhooks"].as_array().cloned().unwrap_or_default();
    let live = live.map(webhooks).unwrap_or_default();
    let loosened = webhooks(manifest).iter().any(|new| {
        new["failurePolicy"] == "Ignore"
            && live
                .iter()
                .any(|old| old["name"] == new["name"] && old["failurePolicy"] == "Fail")
    });
    if loosened {
        Err(Drift {
            object: object.clone(),
            kind: Kind::Loosened,
        })
    } else {
        Ok(())
    }
}

/// The fields that the plan names and that are no longer as it found them.
fn fields(expected: &Expected, live: &Value) -> Vec<Field> {
    expected
        .fields
        .iter()
        .map(|(path, value)| (path, value, at(live, path)))
        .filter(|(_, expected, found)| match found {
            Some((found, _)) => found != expected,
            None => !expected.is_null(),
        })
        .map(|(path, expected, found)| Field {
            path: path.clone(),
            expected: Some(expected.clone()).filter(|it| !it.is_null()),
            live: found.as_ref().map(|it| it.0.clone()),
            author: found.and_then(|it| fields::author(live, &it.1)),
        })
        .collect()
}

/// The fields that the plan writes as they were, and that are otherwise now: it named none of them, since it would not have
/// changed them.
fn written(expected: &Expected, content: &Value, live: &Value) -> Vec<Field> {
    fields::differences(Some(content), Some(live))
        .into_iter()
        .filter(|it| it.from.is_some())
        .map(|it| (fields::path(&it.path), it))
        .filter(|(path, _)| {
            expected
                .fields
                .keys()
                .all(|it| !path.starts_with(it.as_str()) && !it.starts_with(path.as_str()))
        })
        .map(|(path, it)| Field {
            path,
            author: fields::author(live, &it.path),
            expected: it.from,
            live: it.to,
        })
        .collect()
}

/// Two values as people compare them: of texts the first line in which they differ.
fn shown(expected: Option<&Value>, live: Option<&Value>) -> (String, String) {
    let text = |it: Option<&Value>| it.and_then(Value::as_str).map(str::to_owned);
    if let (Some(one), Some(other)) = (text(expected), text(live))
        && (one.contains('\n') || other.contains('\n'))
    {
        let (ones, others): (Vec<&str>, Vec<&str>) =
            (one.lines().collect(), other.lines().collect());
        let count = ones.len().max(others.len());
        let first = (0..count).find(|it| ones.get(*it) != others.get(*it));
        if let Some(first) = first {
            let show = |lines: &[&str]| match lines.get(first) {
                Some(text) => format!("{:?} in line {}", text.trim(), first + 1),
                None => format!("no line {}", first + 1),
            };
            return (show(&ones), show(&others));
        }
    }
    (whole("", expected), whole("", live))
}

/// Follows a path: names with dots between, list elements by key (`containers[name=discovery]`), value or index, and
/// names that hold dots in brackets or quotes (`annotations["a.b/c"]`). Returns the value, and the way to it.
fn at<'a>(value: &'a Value, path: &str) -> Option<(&'a Value, Vec<Part>)> {
    let mut value = value;
    let mut way = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (step, after) = match inner.strip_prefix('"') {
                Some(quoted) => quoted.split_once("\"]")?,
                None => inner.split_once(']')?,
            };
            value = element(value, step)?;
            way.push(part(step, value));
            rest = after;
        } else {
            rest = rest.strip_prefix('.').unwrap_or(rest);
            // A key may itself hold dots: the longest one that exists wins.
            let ends = rest
                .match_indices(['.', '['])
                .map(|it| it.0)
                .chain([rest.len()]);
            let end = ends.filter(|it| value.get(&rest[..*it]).is_some()).max()?;
            value = value.get(&rest[..end])?;
            way.push(Part::Field(rest[..end].to_owned()));
            rest = &rest[end..];
        }
    }
    Some((value, way))
}

/// The step of a path that leads to this element.
fn part(step: &str, element: &Value) -> Part {
    if !step.contains('=') {
        return Part::Field(step.to_owned());
    }
    let keys = step.split(',').filter_map(|it| {
        let key = it.split_once('=')?.0;
        Some((key.to_owned(), element.get(key)?.to_string()))
    });
    Part::Element(keys.collect())
}

fn element<'a>(value: &'a Value, step: &str) -> Option<&'a Value> {
    match value {
        Value::Object(map) => map.get(step),
        Value::Array(list) => {
            if let Ok(index) = step.parse::<usize>() {
                return list.get(index);
            }
            let plain = |it: &Value| it.as_str().map_or_else(|| it.to_string(), str::to_owned);
            list.iter().find(|it| match step.split_once('=') {
                // Several keys: `[port=80,protocol=TCP]`.
                Some(_) => step.split(',').all(|pair| {
                    pair.split_once('=').is_some_and(|(key, wanted)| {
                        it.get(key).map(plain).as_deref() == Some(wanted)
                    })
                }),
                None => plain(it) == step,
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
