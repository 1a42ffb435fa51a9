//! Paths of fields, as differences name them, step by step.

use serde_json::Value;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// Into a map.
    Field(String),
    /// To the element of a list with these fields: `name=discovery`, `port=80,protocol=TCP`.
    Keyed(Vec<(String, String)>),
    /// To an element of a list by its place.
    Place(usize),
    /// To a scalar of a list.
    Scalar(String),
}

/// Reads `spec.template.spec.containers[name=discovery].env`, as [`crate::outcome::FieldChange`] writes it.
pub(super) fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let quoted = quoted(inside);
            let (step, after) = quoted.unwrap_or_else(|| {
                let (inside, after) = inside.split_once(']').unwrap_or((inside, ""));
                (element(inside), after)
            });
            steps.push(step);
            rest = after;
        } else {
            let plain = rest.strip_prefix('.').unwrap_or(rest);
            let end = plain.find(['.', '[']).unwrap_or(plain.len());
            let (name, after) = plain.split_at(end);
            if name.is_empty() && after.starts_with('.') {
                break;
            }
            if !name.is_empty() {
                steps.push(Step::Field(name.to_owned()));
            }
            rest = after;
        }
    }
    steps
}

/// A key in quotes, and what stands after its bracket.
fn quoted(inside: &str) -> Option<(Step, &str)> {
    let mut texts = serde_json::Deserializer::from_str(inside).into_iter::<String>();
    let name = texts.next()?.ok()?;
    let after = inside.get(texts.byte_offset()..)?.strip_prefix(']')?;
    Some((Step::Field(name), after))
}

fn element(inside: &str) -> Step {
    if let Ok(place) = inside.parse() {
        return Step::Place(place);
    }
    let pair = |it: &str| {
        it.split_once('=')
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
    };
    match inside.split(',').map(pair).collect() {
        Some(pairs) => Step::Keyed(pairs),
        None => Step::Scalar(inside.to_owned()),
    }
}

impl Step {
    /// Takes the step, where there is something.
    pub(super) fn from<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        match self {
            Self::Field(name) => value.get(name),
            Self::Place(index) => value.as_array()?.get(*index),
            Self::Keyed(pairs) => value.as_array()?.iter().find(|it| is_keyed(it, pairs)),
            Self::Scalar(text) => value.as_array()?.iter().find(|it| plain(it) == *text),
        }
    }
}

/// Whether an element has these fields; the server fills the protocol of ports in.
fn is_keyed(element: &Value, pairs: &[(String, String)]) -> bool {
    pairs.iter().all(|(key, wanted)| {
        element.get(key).map_or_else(
            || key == "protocol" && wanted == "TCP",
            |it| plain(it) == *wanted,
        )
    })
}

/// A scalar as paths write it.
fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns what stands at the end of a path.
pub(super) fn at<'a>(value: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    steps.iter().try_fold(value, |it, step| step.from(it))
}

/// Returns the names of the fields that a path begins with, and what comes after them.
pub(super) fn fields(steps: &[Step]) -> (Vec<&str>, &[Step]) {
    let mut names = Vec::new();
    for step in steps {
        let Step::Field(name) = step else { break };
        names.push(name.as_str());
    }
    let rest = steps.get(names.len()..).unwrap_or_default();
    (names, rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Step, at, steps};

    fn field(name: &str) -> Step {
        Step::Field(name.to_owned())
    }

    #[test]
    fn paths_of_differences_are_read() {
        let keyed = |key: &str, value: &str| Step::Keyed(vec![(key.to_owned(), value.to_owned())]);
        assert_eq!(
            steps("spec.containers[name=a.b].env[3].x"),
            [
                field("spec"),
                field("containers"),
                keyed("name", "a.b"),
                field("env"),
                Step::Place(3),
                field("x")
            ]
        );
        assert_eq!(
            steps("metadata.annotations[\"a.b/c\"]"),
            [field("metadata"), field("annotations"), field("a.b/c")]
        );
        assert_eq!(
            steps("metadata.finalizers[x]")[2],
            Step::Scalar("x".to_owned())
        );
    }

    #[test]
    fn a_path_leads_to_an_element_by_its_keys() {
        let live = json!({"ports": [{"port": 80}, {"port": 81, "protocol": "UDP", "name": "x"}]});
        let name = |path: &str| at(&live, &steps(path)).cloned();
        assert_eq!(name("ports[port=81,protocol=UDP].name"), Some(json!("x")));
        assert_eq!(name("ports[port=80,protocol=TCP].port"), Some(json!(80)));
        assert_eq!(name("ports[port=82,protocol=TCP]"), None);
    }
}
