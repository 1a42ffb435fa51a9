//! An outcome in the planner's words.

use istio_planner::outcome::RestartReason;
use istio_planner::{Outcome, report};
use serde::Serialize;
use sorted::SortedMap;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::failure::Failure;

/// An outcome in the words that the command line and the page use too.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "types",
    derive(ts_rs::TS),
    ts(export_to = "border.ts", rename = "Description")
)]
pub(crate) struct Words {
    /// For example `Upgrade 1.29.6 → 1.30.3`.
    headline: String,
    /// For example `blocked, 2 blocking`.
    verdict: String,
    /// What runs, in lines.
    situation: Vec<String>,
    /// Words for the reasons of its restarts, for example of `stale-image`.
    reasons: SortedMap<RestartReason, &'static str>,
    /// What is left to people, and which changes are real.
    agenda: report::Agenda,
    /// The whole outcome, for a ticket or a pull request.
    markdown: String,
}

/// Returns an outcome (JSON) as SARIF.
#[wasm_bindgen]
pub fn sarif(outcome: &str) -> Result<String, Failure> {
    let outcome: Outcome = serde_json::from_str(outcome)?;
    Ok(report::sarif(&outcome))
}

/// Returns an outcome (JSON) as a self-contained HTML file; `command` performs the plan.
#[wasm_bindgen]
pub fn html(outcome: &str, command: &str) -> Result<String, Failure> {
    let outcome: Outcome = serde_json::from_str(outcome)?;
    Ok(report::html(&outcome, command))
}

/// Returns an outcome (JSON) without values of the cluster and of the request, as JSON.
#[wasm_bindgen]
pub fn redacted(outcome: &str) -> Result<String, Failure> {
    let outcome: Outcome = serde_json::from_str(outcome)?;
    Ok(serde_json::to_string(&report::redacted(&outcome))?)
}

/// Returns an outcome (JSON) in words, as JSON.
#[wasm_bindgen]
pub fn describe(outcome: &str) -> Result<String, Failure> {
    let outcome: Outcome = serde_json::from_str(outcome)?;
    Ok(serde_json::to_string(&Words {
        headline: report::headline(&outcome),
        verdict: report::verdict(&outcome),
        situation: report::situation(&outcome),
        reasons: outcome
            .restarts
            .iter()
            .map(|it| (it.reason, it.reason.words()))
            .collect(),
        agenda: report::agenda(&outcome),
        markdown: report::Markdown { outcome: &outcome }.to_string(),
    })?)
}
