//! `edits-overwritten`: fields that others set would be overwritten.

use super::Explanation;
use super::links::APPLY;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Fields that somebody else set, by kubectl or a controller, get the value of the request again.",
    why: "istioctl applies with force: what others edited on its objects is taken over without a word. Edits of the \
          mesh configuration, of resources or arguments are lost that way with every upgrade.",
    settle: "Put the live value into the IstioOperator file, where it is to stay. `changes` names each field with its \
             owner, its live value and what it becomes.",
    source: "1.31:operator/pkg/install/install.go:180 (ForceApply); Kubernetes, Server-Side Apply, Conflicts",
    link: APPLY,
};
