//! `istioctl-defect`: a known defect of istioctl is corrected here.

use istio_render::Severity;

use super::Code;
use super::Explanation;
use super::Situation;
use super::diagnostics::{OVERLAY, finding};
use crate::outcome::{Finding, Level, Ref, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The request meets a known defect of the target's istioctl, and what is rendered here is corrected.",
    why: "istioctl would render something that cannot be meant, or fail for no reason of yours.",
    settle: "Nothing, if the plan is carried out from here. With istioctl itself, use the form that the finding names.",
    source: "1.31:operator/pkg; each finding names its own place",
    link: None,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let corrected = situation
        .diagnostics
        .iter()
        .filter(|it| it.severity == Severity::Corrected && it.code != OVERLAY)
        .map(|it| {
            let title = match it.code.as_str() {
                "leading-document" => {
                    "The request begins with an empty document, which istioctl takes for all of it"
                        .to_owned()
                }
                code => format!(
                    "A defect of istioctl is corrected ({})",
                    code.to_uppercase()
                ),
            };
            finding(Code::IstioctlDefect, Level::Info, title, it)
        });
    let closed = situation
        .diff
        .map(|it| it.kept_closed.as_slice())
        .unwrap_or_default();
    corrected
        .chain(closed.iter().map(validation_stays_closed))
        .collect()
}

/// The plan keeps `failurePolicy: Fail`.
fn validation_stays_closed(object: &Ref) -> Finding {
    Finding::new(
        Code::IstioctlDefect,
        Level::Info,
        "Validation of configuration stays closed",
        "istioctl turns the validator to Ignore with every upgrade, until istiod turns it back to Fail; the plan leaves \
         the field alone, although `changes` shows what istioctl's apply would store",
    )
    .about([Subject::new(object.clone()).field("webhooks.failurePolicy")])
}
