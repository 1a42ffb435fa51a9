//! `request-warning`: the target's own validation warns about the request.

use super::Explanation;
use super::links::OPTIONS;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The target release's own istioctl warns about the request.",
    why: "Most often a setting is deprecated, or contradicts another one.",
    settle: "Read the warning; where it names another setting, use that one.",
    source: "TARGET:operator/pkg/apis/validation/validation.go; TARGET:charts/*/templates/NOTES.txt",
    link: OPTIONS,
};
