//! `istioctl-defect`: a known defect of istioctl is corrected here.

use super::Explanation;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The request meets a known defect of the target's istioctl, and what is rendered here is corrected.",
    why: "istioctl would render something that cannot be meant, or fail for no reason of yours.",
    settle: "Nothing, if the plan is carried out from here. With istioctl itself, use the form that the finding names.",
    source: "1.31:operator/pkg; each finding names its own place",
    link: None,
};
