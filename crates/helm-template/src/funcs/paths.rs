//! Slash-separated paths; those of the operating system are the same.

use super::Param::Text;
use super::{Arguments, Function, function};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    function("base", &[Text], |_, args| {
        Ok(Value::text(base(args.text(0))))
    }),
    function("osBase", &[Text], |_, args| {
        Ok(Value::text(base(args.text(0))))
    }),
    function("dir", &[Text], |_, args| Ok(Value::text(dir(args.text(0))))),
    function("osDir", &[Text], |_, args| {
        Ok(Value::text(dir(args.text(0))))
    }),
    function("clean", &[Text], |_, args| {
        Ok(Value::text(clean(args.text(0))))
    }),
    function("osClean", &[Text], |_, args| {
        Ok(Value::text(clean(args.text(0))))
    }),
    function("ext", &[Text], |_, args| Ok(Value::text(ext(args.text(0))))),
    function("osExt", &[Text], |_, args| {
        Ok(Value::text(ext(args.text(0))))
    }),
    function("isAbs", &[Text], |_, args| {
        Ok(Value::Bool(args.text(0).starts_with('/')))
    }),
    function("osIsAbs", &[Text], |_, args| {
        Ok(Value::Bool(args.text(0).starts_with('/')))
    }),
];

/// Go's `path.Base`.
pub(crate) fn base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit('/').next() {
        Some(last) if !last.is_empty() => last,
        _ => "/",
    }
}

/// Go's `path.Dir`.
fn dir(path: &str) -> String {
    let end = path.rfind('/').map_or(0, |at| at + 1);
    clean(path.get(..end).unwrap_or_default())
}

fn ext(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rfind('.')
        .and_then(|at| name.get(at..))
        .unwrap_or_default()
}

/// Go's `path.Clean`.
pub(crate) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|it| *it != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}
