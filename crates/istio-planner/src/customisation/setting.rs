//! One setting of the installation.

use serde_json::Value;

use crate::defaults::tree;
use crate::outcome::Subject;

/// What an installation was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Installation {
    /// The profile that explains most of it.
    pub(crate) profile: String,
    /// What goes beyond the profile, sorted by path.
    pub(crate) settings: Vec<Setting>,
    /// Where it was read.
    pub(crate) evidence: Subject,
}

/// One setting beyond the profile.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Setting {
    /// Keys from `spec` of an `IstioOperator` on.
    pub(crate) path: Vec<String>,
    /// What is set.
    pub(crate) value: Value,
    /// Where it was read.
    pub(crate) evidence: Subject,
    /// Who set it, where that was not istioctl.
    pub(crate) owner: Option<String>,
}

impl Installation {
    /// Whether the installation sets a path (`values.pilot.env.X`), or a part of it.
    pub(crate) fn sets(&self, path: &str) -> bool {
        let keys = crate::edit::keys(path);
        self.settings.iter().any(|it| it.path.starts_with(&keys))
    }
}

impl Setting {
    /// A setting of istioctl's.
    pub(crate) fn new(path: Vec<String>, value: Value, evidence: Subject) -> Self {
        Self {
            path,
            value,
            evidence,
            owner: None,
        }
    }

    /// Says who set it; `None` is istioctl.
    pub(crate) fn by(self, owner: Option<String>) -> Self {
        Self { owner, ..self }
    }

    /// Returns the keys as the functions of [`tree`] take them.
    pub(crate) fn keys(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    /// Returns the path as `--set` takes it: `values.pilot.env.X`.
    pub(crate) fn name(&self) -> String {
        tree::text(&self.keys())
    }
}

/// Calls `each` with every leaf of `whole` that `base` does not hold with the same value.
///
/// Maps are walked, all else is a leaf; an empty map or null says nothing. Unlike in [`tree::compare`], `false` and
/// `""` are said where they stand: some readers tell them from absence (the mesh configuration does).
pub(super) fn beyond<'a>(
    whole: &'a Value,
    base: Option<&Value>,
    path: &mut Vec<&'a str>,
    each: &mut impl FnMut(&[&'a str], &'a Value),
) {
    match whole {
        Value::Object(map) => {
            for (key, value) in map {
                path.push(key);
                beyond(value, base.and_then(|it| it.get(key)), path, each);
                path.pop();
            }
        }
        Value::Null => {}
        leaf => {
            let same =
                base.is_some_and(|base| base == leaf || tree::is_same(Some(base), Some(leaf)));
            if !same {
                each(path, leaf);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::beyond;

    #[track_caller]
    fn check(whole: &Value, base: &Value, expected: &[&str]) {
        let mut seen = Vec::new();
        beyond(whole, Some(base), &mut Vec::new(), &mut |path, value| {
            seen.push(format!("{}={value}", path.join(".")));
        });
        assert_eq!(seen, expected);
    }

    #[test]
    fn only_what_the_base_lacks_or_has_otherwise_is_beyond() {
        check(
            &json!({"a": {"b": 1, "c": 2}, "d": [1]}),
            &json!({"a": {"b": 1.0, "c": 3}}),
            &["a.c=2", "d=[1]"],
        );
    }

    #[test]
    fn false_is_said_and_empty_maps_say_nothing() {
        check(
            &json!({"a": false, "b": {}, "c": null}),
            &json!({}),
            &["a=false"],
        );
    }
}
