//! Changes as a unified diff of whole objects, which any diff viewer reads.

use std::fmt;

use imara_diff::{Algorithm, BasicLineDiffPrinter, Diff, InternedInput, UnifiedDiffConfig};
use serde_json::Value;

use super::words;
use crate::credentials::without;
use crate::kubernetes::shown;
use crate::outcome::{Change, ChangeClass, Outcome, Ref};
use crate::snapshot::Snapshot;

/// Changes as a unified diff: of each object its live YAML against the predicted one.
///
/// The outcome has to be planned with [`crate::Request::predicted`]. Words that are no diff stand before an object's
/// head, where `patch` and `git apply` pass them over.
#[derive(Debug, Clone, Copy)]
pub struct Unified<'a> {
    /// What is written.
    pub outcome: &'a Outcome,
    /// The cluster that it was planned for.
    pub snapshot: &'a Snapshot,
}

impl fmt::Display for Unified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes = self.outcome.changes.iter();
        changes
            .filter(|it| it.class != ChangeClass::Unchanged)
            .try_for_each(|it| self.change(f, it))
    }
}

impl Unified<'_> {
    fn change(&self, f: &mut fmt::Formatter<'_>, change: &Change) -> fmt::Result {
        let live = self.live(&change.object);
        let text = |it: Value| kube_yaml::to_string(&without(it));
        let before = live.cloned().map(shown).map(text);
        let after = match change.class {
            ChangeClass::Delete => None,
            ChangeClass::Orphan => before.clone(),
            ChangeClass::Create
            | ChangeClass::Change
            | ChangeClass::Replace
            | ChangeClass::TakeOver
            | ChangeClass::Unchanged => change.predicted.clone().map(text),
        };
        let name = change.object.to_string();
        writeln!(f, "{name} {}", words::class(change.class))?;
        for field in &change.fields {
            if let Some(owner) = &field.owner {
                writeln!(f, "{} is owned by {owner}", field.path)?;
            }
        }
        if before == after {
            return writeln!(f);
        }
        let path = path(&change.object);
        let side = |side: &str, text: &Option<String>| match text {
            Some(_) => format!("{side}/{path}"),
            None => "/dev/null".to_owned(),
        };
        writeln!(f, "--- {}", side("a", &before))?;
        writeln!(f, "+++ {}", side("b", &after))?;
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        let input = InternedInput::new(before.as_str(), after.as_str());
        let mut diff = Diff::compute(Algorithm::Histogram, &input);
        diff.postprocess_lines(&input);
        let printer = BasicLineDiffPrinter(&input.interner);
        let hunks = diff.unified_diff(&printer, UnifiedDiffConfig::default(), &input);
        writeln!(f, "{hunks}")
    }

    /// The live object, in whichever version of its group it was exported.
    fn live(&self, object: &Ref) -> Option<&Value> {
        let group = |it: &Ref| kube_apply::schema::group_of(&it.api_version).to_owned();
        let same = |it: &Ref| {
            (&it.kind, &it.namespace, &it.name) == (&object.kind, &object.namespace, &object.name)
                && group(it) == group(object)
        };
        let objects = &self.snapshot.objects;
        let other = || objects.iter().find(|it| same(it.0)).map(|it| it.1);
        objects.get(object).or_else(other).map(|it| &it.value)
    }
}

/// A path that names an object: group and version, kind, namespace, name.
fn path(object: &Ref) -> String {
    let mut parts = vec![object.api_version.replace('/', "."), object.kind.clone()];
    parts.extend(object.namespace.clone());
    parts.push(object.name.replace(['/', ' '], "_"));
    format!("{}.yaml", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;
    use crate::outcome::FieldChange;
    use crate::snapshot::{Object, Origin};

    fn config_map(data: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": data, "z": "same"},
            "metadata": {"name": "istio", "namespace": "istio-system", "managedFields": []}})
    }

    #[test]
    fn a_changed_object_shows_its_lines_and_who_owns_them() {
        let object = Ref {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            namespace: Some("istio-system".to_owned()),
            name: "istio".to_owned(),
        };
        let change = Change {
            object: object.clone(),
            component: "Pilot".to_owned(),
            class: ChangeClass::TakeOver,
            fields: vec![FieldChange {
                path: "data.a".to_owned(),
                from: Some(json!("1")),
                to: Some(json!("2")),
                owner: Some("kubectl-edit".to_owned()),
            }],
            predicted: Some(shown(config_map("2"))),
        };
        let orphan = Change {
            class: ChangeClass::Orphan,
            fields: Vec::new(),
            predicted: None,
            ..change.clone()
        };
        let mut outcome = crate::plan(&crate::Input::default());
        outcome.changes = vec![change, orphan];
        let mut snapshot = Snapshot::default();
        let kept = Object {
            value: config_map("1"),
            origin: Origin::default(),
        };
        snapshot.objects.insert(object, kept);
        let (outcome, snapshot) = (&outcome, &snapshot);
        expect![[r#"
            ConfigMap istio-system/istio taken over from others
            data.a is owned by kubectl-edit
            --- a/v1/ConfigMap/istio-system/istio.yaml
            +++ b/v1/ConfigMap/istio-system/istio.yaml
            @@ -1,6 +1,6 @@
             apiVersion: v1
             data:
            -  a: "1"
            +  a: "2"
               z: same
             kind: ConfigMap
             metadata:

            ConfigMap istio-system/istio left behind

        "#]]
        .assert_eq(&Unified { outcome, snapshot }.to_string());
    }
}
