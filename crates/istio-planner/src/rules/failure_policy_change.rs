//! `failure-policy-change`: the apply changes what happens while istiod does not answer.

use super::Code;
use super::Explanation;
use super::Situation;
use super::changes::{about, changes, fields};
use super::links::INJECTION;
use crate::outcome::{Change, FieldChange, Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The apply changes the failurePolicy of an injection or validation webhook.",
    why: "It decides what happens while istiod does not answer, as in the moments when it is replaced: with Fail pods \
          are not created, with Ignore they start without a sidecar, or unchecked configuration is taken.",
    settle: "Keep the live policy in the request where it is there on purpose, and have two istiod.",
    source: "admissionregistration.k8s.io/v1",
    link: INJECTION,
};

/// A validator that istioctl would open stays closed in the plan (`istioctl-defect`), so that is none.
pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let mut closes = false;
    let mut opens = false;
    for (change, field) in changes(situation)
        .iter()
        .flat_map(|change| change.fields.iter().map(move |field| (change, field)))
        .filter(|it| is_policy(it.0, it.1))
    {
        let fails = field.to == Some("Fail".into());
        closes |= fails && change.object.kind == "MutatingWebhookConfiguration";
        opens |= !fails;
    }
    let subjects = fields(situation.snapshot, changes(situation), is_policy);
    let mut why = Vec::new();
    if closes {
        why.push(
            "With Fail, pods that the injector selects cannot be created while no istiod answers",
        );
    }
    if opens {
        why.push("With Ignore, pods start without a sidecar, and configuration is taken unchecked, while no istiod answers");
    }
    let finding = Finding::new(
        Code::FailurePolicyChange,
        Level::Warn,
        "The apply changes what happens while istiod does not answer",
        why.join(". "),
    );
    let finding = about(
        finding,
        subjects,
        "Keep the live failurePolicy in the request by an overlay where it is there on purpose; run two istiod",
    );
    finding.into_iter().collect()
}

fn is_policy(change: &Change, field: &FieldChange) -> bool {
    let opened = change.object.kind == "ValidatingWebhookConfiguration"
        && field.from == Some("Fail".into())
        && field.to == Some("Ignore".into());
    change.object.kind.ends_with("WebhookConfiguration")
        && field.path.ends_with(".failurePolicy")
        && field.from.is_some()
        && field.to.is_some()
        && !opened
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;
    use crate::outcome::{Change, ChangeClass, FieldChange, Ref};
    use crate::rules::fixture::Cluster;

    fn cluster(kind: &str, from: &str, to: &str) -> Cluster {
        let mut cluster = Cluster::new();
        cluster.render("Pilot", json!({}));
        cluster.changes.push(Change {
            object: Ref::new("admissionregistration.k8s.io/v1", kind, "", "istio"),
            component: "Pilot".to_owned(),
            class: ChangeClass::Change,
            fields: vec![FieldChange {
                path: "webhooks[name=a].failurePolicy".to_owned(),
                from: Some(from.into()),
                to: Some(to.into()),
                owner: None,
            }],
            predicted: None,
        });
        cluster
    }

    #[test]
    fn an_injector_that_opens_or_closes_is_told() {
        let kind = "MutatingWebhookConfiguration";
        let detail = |from, to| cluster(kind, from, to).check(check)[0].detail.clone();
        assert!(detail("Fail", "Ignore").starts_with("With Ignore"));
        assert!(detail("Ignore", "Fail").starts_with("With Fail"));
    }

    #[test]
    fn the_validator_of_every_new_installation_starts_open() {
        let cluster = cluster("ValidatingWebhookConfiguration", "Fail", "Ignore");
        assert!(cluster.check(check).is_empty());
    }
}
