//! The order of `istioctl manifest generate`'s output, and its text (domain §2.4).

use serde_json::Value;

use crate::Rendering;
use crate::operator::merge::get_str;

/// Returns the objects of a rendering in the order in which `istioctl manifest generate` prints them.
///
/// 1.31:operator/cmd/mesh/manifest-generate.go:150-230.
pub fn in_manifest_order(rendering: &Rendering) -> Vec<&Value> {
    let mut objects: Vec<&Value> = rendering
        .components
        .iter()
        .flat_map(|it| &it.objects)
        .collect();
    sorted::sort_by(&mut objects, |left, right| {
        sort_key(left).cmp(&sort_key(right))
    });
    objects
}

/// Returns what `istioctl manifest generate` prints for a rendering: YAML documents, each followed by `---`.
pub fn manifest_text(rendering: &Rendering) -> String {
    let mut text = String::new();
    for object in in_manifest_order(rendering) {
        text.push_str(&kube_yaml::to_string(object));
        text.push_str("\n---\n");
    }
    text
}

/// An object that was rendered as the text that is printed.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    group: String,
    kind: String,
    name: String,
    text: String,
}

impl Written {
    /// Takes the text of a document; none where it is not what is printed of it, or does not say plainly what it is.
    pub(crate) fn new(document: &str) -> Option<Self> {
        let text = kube_yaml::written(document)?;
        // Keys are sorted: these come before `spec` and all that is long.
        let mut lines = text.lines();
        let version = lines.next()?.strip_prefix("apiVersion: ")?;
        let kind = lines.next()?.strip_prefix("kind: ")?;
        lines.next().filter(|it| *it == "metadata:")?;
        let mut below = lines.take_while(|it| it.starts_with(' '));
        let name = below.find_map(|it| it.strip_prefix("  name: "))?;
        let is_word = |it: &str| {
            it.bytes()
                .all(|it| it.is_ascii_alphanumeric() || b"-./".contains(&it))
        };
        [version, kind, name]
            .into_iter()
            .all(is_word)
            .then(|| Self {
                group: version
                    .split_once('/')
                    .map_or("", |(group, _)| group)
                    .to_owned(),
                kind: kind.to_owned(),
                name: name.to_owned(),
                text: text.to_owned(),
            })
    }

    fn key(&self) -> Key<'_> {
        let (group, kind) = (self.group.as_str(), self.kind.as_str());
        (rank(group, kind), group, kind, &self.name)
    }
}

/// Returns what [`manifest_text`] returns of a rendering with these objects in it; none where the order hangs on where an
/// object was rendered.
pub(crate) fn text(rendering: &Rendering, written: &[Written]) -> Option<String> {
    let objects = rendering.components.iter().flat_map(|it| &it.objects);
    let mut all: Vec<_> = objects.map(|it| (sort_key(it), Ok(it))).collect();
    all.extend(written.iter().map(|it| (it.key(), Err(&it.text))));
    sorted::sort_by(&mut all, |left, right| left.0.cmp(&right.0));
    let is_same = |pair: &[(Key, Result<&Value, &String>)]| match pair {
        [left, right] => left.0 == right.0 && (left.1.is_err() || right.1.is_err()),
        _ => false,
    };
    if all.windows(2).any(is_same) {
        return None;
    }
    let mut text = String::new();
    for (_, object) in all {
        match object {
            Ok(object) => text.push_str(&kube_yaml::to_string(object)),
            Err(written) => {
                text.push_str(written);
                text.push('\n');
            }
        }
        text.push_str("\n---\n");
    }
    Some(text)
}

/// The order in which istioctl before 1.24 applies a component's objects: namespaces, then as they are printed.
pub(crate) fn apply_key(object: &Value) -> (bool, i32, String, String, String) {
    let (rank, group, kind, name) = sort_key(object);
    (
        kind != "Namespace",
        rank,
        group.to_owned(),
        kind.to_owned(),
        name.to_owned(),
    )
}

/// What objects are sorted by: rank, group, kind and name.
type Key<'a> = (i32, &'a str, &'a str, &'a str);

fn sort_key(object: &Value) -> Key<'_> {
    let (group, kind) = group_and_kind(object);
    (
        rank(group, kind),
        group,
        kind,
        get_str(object, &["metadata", "name"]),
    )
}

pub(crate) fn group_and_kind(object: &Value) -> (&str, &str) {
    let version = get_str(object, &["apiVersion"]);
    (
        version.split_once('/').map_or("", |(group, _)| group),
        get_str(object, &["kind"]),
    )
}

/// The rank of a kind; Secrets have none of their own since istioctl's list spells them wrong (domain §11, F-30).
pub(crate) fn rank(group: &str, kind: &str) -> i32 {
    match (group, kind) {
        ("apiextensions.k8s.io", "CustomResourceDefinition") => -1000,
        ("", "ServiceAccount") | ("rbac.authorization.k8s.io", "ClusterRole") => 1,
        ("rbac.authorization.k8s.io", "ClusterRoleBinding") => 2,
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration") => 3,
        ("", "ConfigMap") => 100,
        ("autoscaling", "HorizontalPodAutoscaler") => 1001,
        ("", "Service") => 10_000,
        _ => 1000,
    }
}
