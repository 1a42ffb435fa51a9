//! `immutable-field`: a change needs deletion and creation.

use super::Code;
use super::Explanation;
use super::Situation;
use super::changes::subject;
use crate::outcome::{Finding, Level, Ref};
use crate::snapshot::Snapshot;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A field that cannot be changed in place differs, so the object must be deleted and made again.",
    why: "Between the two its pods, its addresses or its rules are gone. istioctl fails on it.",
    settle: "Choose a time when that is acceptable, or keep the field as it is through the request.",
    source: "the API's own validation",
    link: None,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let immutable = situation
        .diff
        .map(|it| it.immutable.as_slice())
        .unwrap_or_default();
    immutable
        .iter()
        .map(|(object, fields)| finding(situation.snapshot, object, fields))
        .collect()
}

/// A fixed field changes.
fn finding(snapshot: &Snapshot, object: &Ref, fields: &[String]) -> Finding {
    let definition = object.kind == "CustomResourceDefinition";
    let level = if definition {
        Level::Block
    } else {
        Level::Warn
    };
    let detail = if definition {
        "Making the definition again would delete every object of its kind"
    } else {
        "The API server refuses the change, so the plan deletes the object and makes it again; it is away for a moment"
    };
    let subjects = fields
        .iter()
        .map(|it| subject(snapshot, object).field(it.as_str()));
    Finding::new(
        Code::ImmutableField,
        level,
        format!("{} {} cannot be changed in place", object.kind, object.name),
        detail,
    )
    .about(subjects)
    .fix(
        "Set the live value in the request, under the component's `k8s` or by an overlay, where the object has to stay",
    )
}
