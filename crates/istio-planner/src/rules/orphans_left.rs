//! `orphans-left`: istioctl would leave objects behind.

use super::Explanation;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Objects of the installation are no longer rendered, and istioctl would leave them behind.",
    why: "istioctl prunes only what carries the new version. A left gateway goes on running at the old version; a left \
          webhook, budget or policy goes on acting.",
    settle: "Look at the objects named `orphan` in `changes`; delete those that nothing uses.",
    source: "1.31:operator/pkg/install/install.go:247-262",
    link: None,
};
