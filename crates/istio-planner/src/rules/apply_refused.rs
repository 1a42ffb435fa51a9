//! `apply-refused`: the API server would refuse a rendered object.

use super::Explanation;
use super::links::APPLY;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The API server would refuse an object as the request renders it.",
    why: "Server-side apply takes no field that the object's schema does not have, and no list element twice. \
          istioctl finds that out in the middle of the installation.",
    settle: "Correct the setting or overlay that writes the field.",
    source: "structured-merge-diff@v6.3.3:typed/validate.go",
    link: APPLY,
};
