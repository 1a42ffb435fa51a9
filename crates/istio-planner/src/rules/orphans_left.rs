//! `orphans-left`: istioctl would leave objects behind.

use super::Code;
use super::Explanation;
use super::Situation;
use super::changes::{about, is_gateways, subject};
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Objects of the installation are no longer rendered, and istioctl would leave them behind.",
    why: "istioctl prunes only what carries the new version. A left gateway goes on running at the old version; a left \
          webhook, budget or policy goes on acting.",
    settle: "Look at the objects named `orphan` in `changes`; delete those that nothing uses.",
    source: "1.31:operator/pkg/install/install.go:247-262",
    link: None,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let orphans = situation
        .diff
        .map(|it| it.orphans.as_slice())
        .unwrap_or_default();
    let snapshot = situation.snapshot;
    let subjects = orphans
        .iter()
        .map(|it| subject(snapshot, &it.object))
        .collect();
    let gateways = orphans
        .iter()
        .any(|it| it.object.kind == "Deployment" && is_gateways(&it.component));
    let istioctl = if orphans.iter().any(|it| it.by_istioctl) {
        "istioctl would delete those that carry the very version it installs; here nothing is deleted unasked"
    } else {
        "istioctl deletes only what carries the very version it installs, so they stay"
    };
    let serving = if gateways {
        ". Gateways among them keep serving with the old version"
    } else {
        ""
    };
    let finding = Finding::new(
        Code::OrphansLeft,
        Level::Warn,
        "Objects of the installation are left behind",
        format!("The target does not render them, and {istioctl}{serving}"),
    );
    let finding = about(
        finding,
        subjects,
        "Name what is not wanted any more with `--prune KIND/NAMESPACE/NAME`, or all but gateways and definitions with \
         `--prune-orphans`; keep definitions that hold objects",
    );
    finding.into_iter().collect()
}
