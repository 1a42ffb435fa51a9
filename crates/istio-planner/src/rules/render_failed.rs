//! `render-failed`: a chart of the target refuses the values.

use super::Explanation;
use super::links::CUSTOMISE;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A chart of the target release refuses the values.",
    why: "Nothing would be applied, with or without `--force`.",
    settle: "The message is the chart's own: remove or replace the setting that it names.",
    source: "TARGET:manifests/charts",
    link: CUSTOMISE,
};
