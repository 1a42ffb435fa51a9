//! `apply-refused`: the API server would refuse a rendered object.

use super::Code;
use super::Explanation;
use super::Situation;
use super::links::APPLY;
use crate::outcome::{Finding, Level, Ref, Subject};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The API server would refuse an object as the request renders it.",
    why: "Server-side apply takes no field that the object's schema does not have, and no list element twice. \
          istioctl finds that out in the middle of the installation.",
    settle: "Correct the setting or overlay that writes the field.",
    source: "structured-merge-diff@v6.3.3:typed/validate.go",
    link: APPLY,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let refused = situation
        .diff
        .map(|it| it.refused.as_slice())
        .unwrap_or_default();
    refused
        .iter()
        .map(|(object, reason)| finding(object, reason))
        .collect()
}

/// The API server would refuse an object.
fn finding(object: &Ref, reason: &str) -> Finding {
    Finding::new(
        Code::ApplyRefused,
        Level::Block,
        format!(
            "The API server would refuse {} {}",
            object.kind, object.name
        ),
        format!("Server-side apply answers: {reason}"),
    )
    .about([Subject::new(object.clone())])
    .fix("Correct the setting or overlay that writes this field")
}
