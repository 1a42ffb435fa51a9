//! `scale-reset`: replicas or autoscaler bounds set by others would be overwritten.

use super::Code;
use super::Explanation;
use super::Situation;
use super::changes::{SCALES, about, changes, fields, is_below};
use super::links::APPLY;
use crate::diff::UNKNOWN;
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Replicas or autoscaler bounds that others set would be overwritten.",
    why: "The workload shrinks in the middle of an upgrade, when it is needed most.",
    settle: "Put the bounds into the request (`values.pilot.autoscaleMin`, `components.*.k8s.hpaSpec`).",
    source: "server-side apply with force, 1.31:operator/pkg/install/install.go",
    link: APPLY,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let subjects = fields(situation.snapshot, changes(situation), |change, field| {
        let known = field.owner.as_deref().is_some_and(|it| it != UNKNOWN);
        known
            && SCALES
                .iter()
                .any(|it| change.object.kind == it.0 && is_below(&field.path, it.1))
    });
    let finding = Finding::new(
        Code::ScaleReset,
        Level::Warn,
        "A scale that others set would be overwritten",
        "Replicas or autoscaler bounds were set by others than istioctl, and the apply sets them to what the request says",
    );
    let finding = about(
        finding,
        subjects,
        "Set the live values in the request, under the component's `k8s`",
    );
    finding.into_iter().collect()
}
