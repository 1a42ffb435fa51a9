//! `--set path=value` (domain §1.4).

use istio_catalog::DEFAULT_REVISION;
use semver::Version;
use serde_json::{Map, Number, Value};

use super::path;
use crate::{Diagnostic, go};

/// A flag taken apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Flag {
    /// Below `spec`.
    pub(crate) path: Vec<String>,
    pub(crate) value: Value,
    /// The number that istioctl would have made of a tag or revision, where this kept the text (domain §11, F-12).
    pub(crate) kept_text: Option<String>,
}

/// Paths whose values are texts whatever they look like, below `spec` (1.31:operator/pkg/values/map.go:417-424).
/// Compared as prefixes.
const ALWAYS_TEXT: [&str; 6] = [
    "values.compatibilityVersion",
    "tag",
    "values.global.tag",
    "meshConfig.defaultConfig.proxyMetadata.",
    "values.meshConfig.defaultConfig.proxyMetadata.",
    "compatibilityVersion",
];

/// The `--set` line that `--revision` stands for, if it stands for any.
///
/// Since 1.16.2 `default` means none, as the empty text always did (1.31:operator/cmd/mesh/shared.go:70-78,
/// 1.16.1:operator/cmd/mesh/shared.go:177-185).
pub fn revision_set(release: &Version, revision: &str) -> Option<String> {
    let none =
        revision.is_empty() || revision == DEFAULT_REVISION && *release >= Version::new(1, 16, 2);
    (!none).then(|| format!("revision={revision}"))
}

/// Takes a flag apart at its first `=`.
///
/// Before 1.31 istioctl takes a flag with two or more for a path without value; this does not (domain §11, F-11).
/// Tags and revisions are texts even where istioctl makes numbers of them (domain §11, F-12).
pub(crate) fn parse(flag: &str) -> Flag {
    let (path, value) = match flag.split_once('=') {
        // The blanks before the path stay: istioctl puts `spec.` before it first.
        Some((path, value)) => (path.trim_end(), value.trim()),
        None => (flag, ""),
    };
    let segments = path::split(path.strip_prefix('.').unwrap_or(path));
    let text = || Value::String(value.to_owned());
    if ALWAYS_TEXT.iter().any(|it| path.starts_with(it)) {
        return Flag {
            path: segments,
            value: text(),
            kept_text: None,
        };
    }
    let inferred = infer(value);
    if names_version(&segments) && !inferred.is_string() {
        let printed = go::print(&inferred);
        let kept_text = (printed != value || is_revision(&segments)).then_some(printed);
        return Flag {
            path: segments,
            value: text(),
            kept_text,
        };
    }
    Flag {
        path: segments,
        value: inferred,
        kept_text: None,
    }
}

/// What a flag says that its writer may not mean: `--set` has neither null nor lists nor quotes, and single letters are
/// booleans (domain §11, F-11). istioctl takes it the same way, silently; it panics on numbers that are none.
///
/// `spec.` is no part of a path since 1.24 (1.23.6:operator/pkg/manifest/shared.go:490).
pub(crate) fn doubtful(flag: &str, takes_spec: bool) -> Option<Diagnostic> {
    let warned = |message: String, hint: &str| {
        Some(Diagnostic::warning("doubtful-set", message).hinted(hint))
    };
    let Some((path, value)) = flag.split_once('=') else {
        return warned(
            "a flag without `=` sets the empty text".to_owned(),
            "write `path=value`",
        );
    };
    if !takes_spec && path.trim().starts_with("spec.") {
        return warned(
            "the path of `--set` begins below `spec`: this names `spec.spec`".to_owned(),
            "leave out `spec.`",
        );
    }
    let value = value.trim();
    let is_text_anyway = ALWAYS_TEXT.iter().any(|it| path.starts_with(it))
        || names_version(&path::split(path.strip_prefix('.').unwrap_or(path)));
    if is_text_anyway {
        return None;
    }
    let in_file = "a file given with `-f` can say it";
    match value {
        "null" | "~" => warned(format!("this sets the text `{value}`, not null"), in_file),
        "t" | "T" => warned(
            format!("`{value}` is taken for true"),
            "write `true`; a text needs a file",
        ),
        "f" | "F" => warned(
            format!("`{value}` is taken for false"),
            "write `false`; a text needs a file",
        ),
        _ if go::is_no_json_number(value) => Some(Diagnostic::corrected(
            "f-11",
            format!("istioctl takes `{value}` for a number and fails; the text is kept"),
        )),
        _ if value.starts_with(['[', '{']) && value.ends_with([']', '}']) => {
            warned("this sets a text, not a list or map".to_owned(), in_file)
        }
        _ if value.len() > 1
            && (value.starts_with('"') && value.ends_with('"')
                || value.starts_with('\'') && value.ends_with('\'')) =>
        {
            warned(
                "the quotes become part of the value".to_owned(),
                "leave out the quotes; a text that looks like a number needs a file",
            )
        }
        _ => None,
    }
}

/// Infers the type of a value: integer, float, bool, else text in which `\,` is a comma.
pub(crate) fn infer(value: &str) -> Value {
    if let Some(whole) = go::atoi(value) {
        return Value::from(whole);
    }
    if let Some(number) = go::parse_float(value).and_then(Number::from_f64) {
        return Value::Number(number);
    }
    match go::parse_bool(value) {
        Some(it) => Value::Bool(it),
        None => Value::String(value.replace("\\,", ",")),
    }
}

fn names_version(segments: &[String]) -> bool {
    is_revision(segments) || segments.last().is_some_and(|it| it == "tag")
}

fn is_revision(segments: &[String]) -> bool {
    let segments: Vec<_> = segments.iter().map(String::as_str).collect();
    matches!(segments.as_slice(), ["revision"] | ["values", "revision"])
}

/// Writes a value at a path below `map`, making maps and list elements on the way.
///
/// `[n]` beyond the end (or negative) appends one element, `[key:value]` must be there
/// (1.31:operator/pkg/values/map.go:308-369).
/// Where istioctl panics or loses the value this does what was asked: an existing element is replaced,
/// a map takes the place of an explicit null (domain §11, F-11).
pub(crate) fn write(
    map: &mut Map<String, Value>,
    path: &[String],
    value: Value,
) -> Result<(), String> {
    if path.len() > path::MOST_SEGMENTS {
        return Err(format!("a path of {} segments is too long", path.len()));
    }
    let Some((key, rest)) = path.split_first() else {
        return Err("the path is empty".to_owned());
    };
    if let Some((selector, rest)) = rest.split_first().filter(|(it, _)| it.starts_with('[')) {
        let list = map
            .entry(key.clone())
            .or_insert_with(|| Value::Array(Vec::new()));
        if list.is_null() {
            *list = Value::Array(Vec::new());
        }
        let Value::Array(list) = list else {
            return Err(format!("{key} is not a list, {selector} cannot be in it"));
        };
        return write_element(list, selector, rest, value);
    }
    if rest.is_empty() {
        map.insert(key.clone(), value);
        return Ok(());
    }
    let below = map.entry(key.clone()).or_insert(Value::Null);
    if below.is_null() {
        *below = Value::Object(Map::new());
    }
    match below {
        Value::Object(below) => write(below, rest, value),
        _ => Err(format!(
            "{key} is not a map, {} cannot be in it",
            rest.join(".")
        )),
    }
}

fn write_element(
    list: &mut Vec<Value>,
    selector: &str,
    rest: &[String],
    value: Value,
) -> Result<(), String> {
    let inside = path::in_brackets(selector).unwrap_or_default();
    let index = if let Some((key, wanted)) = inside.split_once(':') {
        let is_wanted = |it: &Value| it.get(key).and_then(Value::as_str) == Some(wanted);
        list.iter()
            .position(is_wanted)
            .ok_or_else(|| format!("element {selector} not found"))?
    } else {
        let index = go::atoi(inside).ok_or_else(|| format!("unknown segment {selector}"))?;
        usize::try_from(index).unwrap_or(usize::MAX)
    };
    if index >= list.len() {
        let mut element = value;
        if !rest.is_empty() {
            let mut map = Map::new();
            write(&mut map, rest, element)?;
            element = Value::Object(map);
        }
        list.push(element);
        return Ok(());
    }
    let element = &mut list[index];
    if rest.is_empty() {
        *element = value;
        return Ok(());
    }
    if element.is_null() {
        *element = Value::Object(Map::new());
    }
    match element {
        Value::Object(map) => write(map, rest, value),
        _ => Err(format!(
            "{selector} is not a map, {} cannot be in it",
            rest.join(".")
        )),
    }
}

#[cfg(test)]
mod tests;
