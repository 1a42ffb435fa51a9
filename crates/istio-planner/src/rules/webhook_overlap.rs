//! `webhook-overlap`: two injectors would match the same pod.

use super::Code;
use super::Explanation;
use super::Situation;
use super::links::INJECTION;
use super::troubles::finding;
use crate::dataplane::Trouble;
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Two injectors match the same pod.",
    why: "The pod is injected twice or by the wrong one, or the API server refuses it.",
    settle: "Delete the webhook configuration that is no longer meant, or let one injector select by revision.",
    source: "1.31:pkg/config/analysis/analyzers/webhook",
    link: INJECTION,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let found = |wanted, level| {
        finding(
            situation,
            |it| it == wanted,
            Code::WebhookOverlap,
            level,
            |workloads| {
                format!(
                    "More than one injector selects the pods of {}",
                    workloads.to_lowercase()
                )
            },
            "Remove the label or the webhook configuration that should not select them",
        )
    };
    found(Trouble::NewOverlap, Level::Block)
        .into_iter()
        .chain(found(Trouble::Overlap, Level::Warn))
        .collect()
}
