//! `would-lose-proxy`: a restart would remove a proxy.

use super::Code;
use super::Explanation;
use super::Situation;
use super::links::INJECTION;
use super::troubles::finding;
use crate::dataplane::Trouble;
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Pods have a proxy, but nothing would inject one if they were restarted.",
    why: "A restart, also one for another reason, takes them out of the mesh.",
    settle: "Label the namespace or the pods for injection again, or accept that they leave the mesh.",
    source: "1.31:pkg/kube/inject/inject.go",
    link: INJECTION,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    finding(
        situation,
        |it| it == Trouble::LosesProxy,
        Code::WouldLoseProxy,
        Level::Warn,
        |workloads| format!("{workloads} would lose the proxy when restarted"),
        "Label the namespace for injection before restarting it, or restart it on purpose to leave the mesh",
    )
    .into_iter()
    .collect()
}
