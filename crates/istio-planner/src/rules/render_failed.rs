//! `render-failed`: a chart of the target refuses the values.

use istio_render::Severity;

use super::Code;
use super::Explanation;
use super::Situation;
use super::diagnostics::{finding, is_of_chart};
use super::links::CUSTOMISE;
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A chart of the target release refuses the values.",
    why: "Nothing would be applied, with or without `--force`.",
    settle: "The message is the chart's own: remove or replace the setting that it names.",
    source: "TARGET:manifests/charts",
    link: CUSTOMISE,
};

/// What is said where charts do not have the compatibility version.
pub(super) const COMPATIBILITY: &str = "The target's charts do not have this compatibility version";

pub(crate) fn check(it: &Situation) -> Vec<Finding> {
    let failed = it
        .diagnostics
        .iter()
        .filter(|it| it.severity == Severity::Error && is_of_chart(it));
    failed
        .map(|it| {
            let title = match it.code.as_str() {
                "compatibility-version" => COMPATIBILITY,
                _ => "A chart of the target refuses the values",
            };
            finding(Code::RenderFailed, Level::Block, title, it)
        })
        .collect()
}
