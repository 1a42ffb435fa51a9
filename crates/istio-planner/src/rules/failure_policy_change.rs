//! `failure-policy-change`: the apply changes what happens while istiod does not answer.

use super::Explanation;
use super::links::INJECTION;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The apply changes the failurePolicy of an injection or validation webhook.",
    why: "It decides what happens while istiod does not answer, as in the moments when it is replaced: with Fail pods \
          are not created, with Ignore they start without a sidecar, or unchecked configuration is taken.",
    settle: "Keep the live policy in the request where it is there on purpose, and have two istiod.",
    source: "admissionregistration.k8s.io/v1",
    link: INJECTION,
};
