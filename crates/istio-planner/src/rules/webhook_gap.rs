//! `webhook-gap`: pods that are injected today would start without a sidecar.

use super::Code;
use super::Explanation;
use super::Situation;
use super::links::INJECTION;
use super::troubles::finding;
use crate::dataplane::Trouble;
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Pods that are injected today would no longer be selected by any injector afterwards.",
    why: "They start without a sidecar at their next restart: no mTLS, no policy, no telemetry.",
    settle: "Label the namespace (`istio-injection=enabled`), or keep the setting that selects it today.",
    source: "1.31:manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml",
    link: INJECTION,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    finding(
        situation,
        |it| it == Trouble::Gap,
        Code::WebhookGap,
        Level::Warn,
        |workloads| format!("{workloads} would start without a sidecar after the upgrade"),
        "Label the namespaces with `istio-injection=enabled`, or keep the setting that injects without a label",
    )
    .into_iter()
    .collect()
}
