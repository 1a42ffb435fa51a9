//! `would-lose-proxy`: a restart would remove a proxy.

use super::Explanation;
use super::links::INJECTION;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Pods have a proxy, but nothing would inject one if they were restarted.",
    why: "A restart, also one for another reason, takes them out of the mesh.",
    settle: "Label the namespace or the pods for injection again, or accept that they leave the mesh.",
    source: "1.31:pkg/kube/inject/inject.go",
    link: INJECTION,
};
