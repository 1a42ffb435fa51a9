//! The changes as `kubectl diff` would show them: a line for each field, by object.

use std::fmt::Write as _;

use istio_planner::outcome::{Change, ChangeClass, Outcome};
use serde_json::Value;

/// Shows every object that changes, its fields by path.
pub(super) fn show(outcome: &Outcome) -> String {
    let mut text = String::new();
    for change in outcome
        .changes
        .iter()
        .filter(|it| it.class != ChangeClass::Unchanged)
    {
        object(&mut text, change);
    }
    text
}

fn object(text: &mut String, change: &Change) {
    let namespace = change
        .object
        .namespace
        .as_deref()
        .map(|it| format!("{it}/"))
        .unwrap_or_default();
    let name = format!(
        "{}/{} {namespace}{}",
        change.object.api_version, change.object.kind, change.object.name
    );
    let (before, after) = match change.class {
        ChangeClass::Create => ("/dev/null", name.as_str()),
        ChangeClass::Delete => (name.as_str(), "/dev/null"),
        ChangeClass::Change
        | ChangeClass::Replace
        | ChangeClass::TakeOver
        | ChangeClass::Orphan
        | ChangeClass::Unchanged => (name.as_str(), name.as_str()),
    };
    let note = match change.class {
        ChangeClass::Replace => " (deleted and made anew)",
        ChangeClass::TakeOver => " (takes fields over from others)",
        ChangeClass::Orphan => " (left behind)",
        ChangeClass::Create
        | ChangeClass::Change
        | ChangeClass::Delete
        | ChangeClass::Unchanged => "",
    };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "--- {before}\n+++ {after}{note}");
    for field in &change.fields {
        let owner = field
            .owner
            .as_deref()
            .map(|it| format!(" ({it})"))
            .unwrap_or_default();
        let _ = writeln!(text, "@@ {}{owner}", field.path);
        lines(text, '-', field.from.as_ref());
        lines(text, '+', field.to.as_ref());
    }
    if let (ChangeClass::Create, Some(predicted)) = (change.class, &change.predicted) {
        lines(text, '+', Some(predicted));
    }
}

fn lines(text: &mut String, sign: char, value: Option<&Value>) {
    let Some(value) = value else { return };
    for line in kube_yaml::to_string(value).lines() {
        let _ = writeln!(text, "{sign}{line}");
    }
}

#[cfg(test)]
mod tests {
    use istio_planner::outcome::{FieldChange, Ref};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_changed_field_shows_both_values_and_its_owner() {
        let change = Change {
            object: Ref {
                api_version: "apps/v1".to_owned(),
                kind: "Deployment".to_owned(),
                namespace: Some("istio-system".to_owned()),
                name: "istiod".to_owned(),
            },
            component: "Pilot".to_owned(),
            class: ChangeClass::TakeOver,
            fields: vec![FieldChange {
                path: "spec.replicas".to_owned(),
                from: Some(json!(3)),
                to: Some(json!(1)),
                owner: Some("kubectl".to_owned()),
            }],
            predicted: None,
        };
        let mut text = String::new();
        object(&mut text, &change);
        expect_test::expect![[r"
            --- apps/v1/Deployment istio-system/istiod
            +++ apps/v1/Deployment istio-system/istiod (takes fields over from others)
            @@ spec.replicas (kubectl)
            -3
            +1
        "]]
        .assert_eq(&text);
    }
}
