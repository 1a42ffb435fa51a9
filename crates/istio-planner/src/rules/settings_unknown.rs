//! `settings-unknown`: the installation has settings that the target does not know.

use super::Explanation;
use super::links::CUSTOMISE;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The installation was made with settings that the target release does not have.",
    why: "What they do ends with the apply: the target ignores them, or refuses a request that repeats them.",
    settle: "Look what takes their place in the target, before the upgrade or downgrade.",
    source: "TARGET:operator/pkg/apis",
    link: CUSTOMISE,
};
