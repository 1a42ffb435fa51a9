//! An outcome in the planner's words.

use std::collections::BTreeMap;

use istio_planner::outcome::RestartReason;
use istio_planner::{Outcome, report};
use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::failure::Failure;

/// What every face says of an outcome.
#[derive(Debug, Serialize)]
struct Words {
    headline: String,
    verdict: String,
    situation: Vec<String>,
    reasons: BTreeMap<RestartReason, &'static str>,
    agenda: report::Agenda,
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
