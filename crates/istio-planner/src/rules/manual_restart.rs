//! `manual-restart`: no rollout can restart a proxy.

use super::Code;
use super::Explanation;
use super::Situation;
use super::links::UPGRADE;
use super::troubles::finding;
use crate::dataplane::Trouble;
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A proxy that no rollout restarts: a pod without controller, one injected by hand, a StatefulSet or DaemonSet \
              that waits for deletions, a running Job.",
    why: "It stays at the old version until somebody acts, and falls behind with every upgrade.",
    settle: "Delete the pods yourself when their service allows it, inject by hand again, or let the Job end.",
    source: "1.31:pkg/kube/inject/webhook.go; apps/v1, updateStrategy",
    link: UPGRADE,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    finding(
        situation,
        Trouble::is_manual,
        Code::ManualRestart,
        Level::Warn,
        |workloads| format!("{workloads} cannot be restarted by a rollout"),
        "Evict or recreate the pods by hand, re-inject templates with `istioctl kube-inject`, or wait for Jobs to end",
    )
    .into_iter()
    .collect()
}
