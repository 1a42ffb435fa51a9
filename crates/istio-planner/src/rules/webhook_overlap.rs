//! `webhook-overlap`: two injectors would match the same pod.

use super::Explanation;
use super::links::INJECTION;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Two injectors match the same pod.",
    why: "The pod is injected twice or by the wrong one, or the API server refuses it.",
    settle: "Delete the webhook configuration that is no longer meant, or let one injector select by revision.",
    source: "1.31:pkg/config/analysis/analyzers/webhook",
    link: INJECTION,
};
