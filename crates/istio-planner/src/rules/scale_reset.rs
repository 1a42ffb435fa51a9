//! `scale-reset`: replicas or autoscaler bounds set by others would be overwritten.

use super::Explanation;
use super::links::APPLY;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Replicas or autoscaler bounds that others set would be overwritten.",
    why: "The workload shrinks in the middle of an upgrade, when it is needed most.",
    settle: "Put the bounds into the request (`values.pilot.autoscaleMin`, `components.*.k8s.hpaSpec`).",
    source: "server-side apply with force, 1.31:operator/pkg/install/install.go",
    link: APPLY,
};
