//! Whether a plan would change anything at all.

use istio_planner::outcome::{Change, ChangeClass, Outcome, RestartHow};
use istio_planner::plan::Action;

/// Whether performing the outcome's plan changes an object, or a workload if `restarts`.
pub fn has_effect(outcome: &Outcome, restarts: bool) -> bool {
    let restarted = |it: &istio_planner::outcome::Restart| {
        !matches!(it.how, RestartHow::Auto | RestartHow::None)
    };
    let actions = outcome.plan.iter().flat_map(|it| &it.steps);
    let mut actions = actions.flat_map(|it| &it.actions);
    outcome.changes.iter().any(is_effective)
        // No release renders the namespace, so no change tells of it.
        || actions.any(|it| matches!(it, Action::Ensure { .. }))
        || restarts && outcome.restarts.iter().any(restarted)
}

/// Whether performing the plan changes this object.
///
/// A take-over of fields that hold what is written already changes nothing. Nor does a failurePolicy, or a caBundle, of a
/// validating webhook: the one istiod writes by itself once it is ready, and a plan leaves it alone
/// (pilot and `pkg/webhooks/validation/controller` of Istio 1.30).
fn is_effective(change: &Change) -> bool {
    match change.class {
        ChangeClass::Create | ChangeClass::Replace | ChangeClass::Delete => true,
        // What is not told by field is believed.
        ChangeClass::Change if change.fields.is_empty() => true,
        ChangeClass::Change | ChangeClass::TakeOver => {
            let is_validating = change.object.kind == "ValidatingWebhookConfiguration";
            let of_istiod = |path: &str| {
                is_validating
                    && (path.ends_with(".failurePolicy")
                        || path.ends_with(".clientConfig.caBundle"))
            };
            let mut fields = change.fields.iter();
            fields.any(|it| it.from != it.to && !of_istiod(&it.path))
        }
        ChangeClass::Orphan | ChangeClass::Unchanged => false,
    }
}

#[cfg(test)]
mod tests {
    use istio_planner::outcome::{FieldChange, Ref};
    use serde_json::json;

    use super::*;

    fn change(kind: &str, class: ChangeClass, path: &str, from: &str, to: &str) -> Change {
        Change {
            object: Ref {
                api_version: "v1".to_owned(),
                kind: kind.to_owned(),
                namespace: None,
                name: "n".to_owned(),
            },
            component: "Pilot".to_owned(),
            class,
            fields: vec![FieldChange {
                path: path.to_owned(),
                from: Some(json!(from)),
                to: Some(json!(to)),
                owner: None,
            }],
            predicted: None,
        }
    }

    #[test]
    fn what_holds_already_what_is_written_is_no_effect() {
        use ChangeClass::{Change, Orphan, TakeOver, Unchanged};
        let webhook = "ValidatingWebhookConfiguration";
        for (kind, class, path, from, to, effect) in [
            ("ConfigMap", Change, "data.mesh", "a", "b", true),
            ("ConfigMap", TakeOver, "data.mesh", "a", "b", true),
            ("ConfigMap", TakeOver, "data.mesh", "a", "a", false),
            ("ConfigMap", Unchanged, "data.mesh", "a", "a", false),
            ("ConfigMap", Orphan, "data.mesh", "a", "b", false),
            (
                webhook,
                TakeOver,
                "webhooks[name=a].failurePolicy",
                "Fail",
                "Ignore",
                false,
            ),
            (
                webhook,
                Change,
                "webhooks[name=a].failurePolicy",
                "Fail",
                "Ignore",
                false,
            ),
            (
                webhook,
                Change,
                "webhooks[name=a].sideEffects",
                "a",
                "b",
                true,
            ),
        ] {
            assert_eq!(
                is_effective(&change(kind, class, path, from, to)),
                effect,
                "{kind} {class:?} {path}"
            );
        }
    }
}
