//! Changes grouped for reading: by component, only what changes.

use imara_diff::{Algorithm, BasicLineDiffPrinter, Diff, InternedInput, UnifiedDiffConfig};
use serde_json::Value;

use super::words;
use crate::outcome::{Change, ChangeClass, FieldChange};

/// Ends of paths that name the release and change with every one.
const STAMPS: [&str; 3] = [
    "labels[\"app.kubernetes.io/version\"]",
    "labels[\"helm.sh/chart\"]",
    "labels[\"operator.istio.io/version\"]",
];

/// What a component's objects go through.
pub(super) struct Group<'a> {
    pub(super) component: &'a str,
    pub(super) objects: Vec<&'a Change>,
}

/// Groups changes by component in the order of their first appearance; unchanged objects are left out.
pub(super) fn by_component(changes: &[Change]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group> = Vec::new();
    for change in changes
        .iter()
        .filter(|it| it.class != ChangeClass::Unchanged)
    {
        let known = groups
            .iter()
            .position(|it| it.component == change.component);
        let at = known.unwrap_or(groups.len());
        if known.is_none() {
            groups.push(Group {
                component: &change.component,
                objects: Vec::new(),
            });
        }
        let Some(group) = groups.get_mut(at) else {
            continue;
        };
        group.objects.push(change);
    }
    groups
}

/// Whether a field only names the release; one that others own is worth showing.
pub(super) fn is_stamp(field: &FieldChange) -> bool {
    field.owner.is_none() && STAMPS.iter().any(|it| field.path.ends_with(it))
}

/// Returns the difference of two texts of several lines, or of two lists too long for a line, as `diff -u` prints it
/// without its head; `None` for others.
pub(super) fn difference(field: &FieldChange) -> Option<String> {
    let lists = [&field.from, &field.to].map(|it| it.as_ref().filter(|it| it.is_array()));
    let long = |it: &Value| it.to_string().chars().count() > words::FOLD;
    let folded = match lists {
        [Some(from), Some(to)] => long(from) || long(to),
        _ => false,
    };
    let text = |side: &Option<Value>| match side {
        Some(Value::String(text)) => Some(text.clone()),
        Some(list) if folded => Some(kube_yaml::to_string(list)),
        None => Some(String::new()),
        Some(_) => None,
    };
    let (from, to) = (text(&field.from)?, text(&field.to)?);
    if !from.contains('\n') && !to.contains('\n') {
        return None;
    }
    let input = InternedInput::new(from.as_str(), to.as_str());
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let printer = BasicLineDiffPrinter(&input.interner);
    Some(
        diff.unified_diff(&printer, UnifiedDiffConfig::default(), &input)
            .to_string(),
    )
}
