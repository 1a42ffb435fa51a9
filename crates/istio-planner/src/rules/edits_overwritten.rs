//! `edits-overwritten`: fields that others set would be overwritten.

use super::Code;
use super::Explanation;
use super::Situation;
use super::changes::{SCALES, about, changes, fields, is_below};
use super::links::APPLY;
use crate::diff::UNKNOWN;
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Fields that somebody else set, by kubectl or a controller, get the value of the request again.",
    why: "istioctl applies with force: what others edited on its objects is taken over without a word. Edits of the \
          mesh configuration, of resources or arguments are lost that way with every upgrade.",
    settle: "Put the live value into the IstioOperator file, where it is to stay. `changes` names each field with its \
             owner, its live value and what it becomes.",
    source: "1.31:operator/pkg/install/install.go:180 (ForceApply); Kubernetes, Server-Side Apply, Conflicts",
    link: APPLY,
};

/// Managers whose writes belong to an installation: istiod, istioctl and controllers of Kubernetes.
const OWN: [&str; 6] = [
    "pilot-discovery",
    "istioctl",
    "istio-operator",
    "kube-controller-manager",
    "cloud-controller-manager",
    "before-first-apply",
];

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let subjects = fields(situation.snapshot, changes(situation), |change, field| {
        let edited = field.owner.as_deref().is_some_and(|owner| {
            owner != UNKNOWN && owner.split(", ").any(|it| !OWN.contains(&it))
        });
        let scale = SCALES
            .iter()
            .any(|it| change.object.kind == it.0 && is_below(&field.path, it.1));
        edited && !scale
    });
    let finding = Finding::new(
        Code::EditsOverwritten,
        Level::Warn,
        "Fields that others set would be overwritten",
        "The apply takes these fields over from whoever set them last, and sets them to what the request says",
    );
    let finding = about(
        finding,
        subjects,
        "Set the live values in the request where they are to stay; `changes` names the owner of each",
    );
    finding.into_iter().collect()
}
