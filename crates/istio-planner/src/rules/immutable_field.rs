//! `immutable-field`: a change needs deletion and creation.

use super::Explanation;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A field that cannot be changed in place differs, so the object must be deleted and made anew.",
    why: "Between the two its pods, its addresses or its rules are gone. istioctl fails on it.",
    settle: "Choose a time when that is acceptable, or keep the field as it is through the request.",
    source: "the API's own validation",
    link: None,
};
