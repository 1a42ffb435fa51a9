//! An outcome that can be handed on: what was found and what will be done, nothing of what the cluster holds.

use serde_json::Value;

use crate::outcome::{Code, Finding, Outcome, Subject};
use crate::plan::{Action, Expected};

/// Findings whose detail is in the words of a release or a server, which may quote what the request says.
const QUOTES: [Code; 5] = [
    Code::RequestInvalid,
    Code::RequestWarning,
    Code::RenderFailed,
    Code::ApplyRefused,
    Code::IstioctlDefect,
];

/// Returns the outcome without values of the cluster and of the request.
///
/// Names, places, codes, the planner's own sentences and the defaults of releases stay. Manifests, patches, digests,
/// values of fields and of settings go.
pub fn redacted(outcome: &Outcome) -> Outcome {
    let mut outcome = outcome.clone();
    let evidence = outcome.source.evidence.iter_mut();
    let installers = outcome
        .installers
        .iter_mut()
        .flat_map(|it| &mut it.evidence);
    evidence.chain(installers).for_each(without_value);
    for finding in outcome.findings.iter_mut().chain(&mut outcome.notes) {
        redact_finding(finding);
    }
    for reverted in &mut outcome.reverted {
        reverted.live = Value::Null;
        reverted.request = None;
        reverted.default = None;
        reverted.evidence.iter_mut().for_each(without_value);
    }
    for change in &mut outcome.changes {
        change.predicted = None;
        for field in &mut change.fields {
            field.from = field.from.take().map(|_| Value::Null);
            field.to = field.to.take().map(|_| Value::Null);
        }
    }
    let steps = outcome.plan.iter_mut().flat_map(|it| &mut it.steps);
    for action in steps.flat_map(|it| &mut it.actions) {
        redact_action(action);
    }
    outcome
}

fn redact_finding(finding: &mut Finding) {
    finding.fixes.clear();
    finding.subjects.iter_mut().for_each(without_value);
    if QUOTES.contains(&finding.code) {
        finding.detail.clear();
    }
}

fn without_value(subject: &mut Subject) {
    subject.value = None;
}

fn redact_action(action: &mut Action) {
    match action {
        Action::Ensure { manifest } => *manifest = Value::Null,
        Action::Apply {
            manifest, expected, ..
        }
        | Action::Replace {
            manifest, expected, ..
        } => {
            *manifest = Value::Null;
            forget(expected);
        }
        Action::Patch {
            patch, expected, ..
        } => {
            *patch = Value::Null;
            forget(expected);
        }
        Action::Delete { expected, .. } => forget(expected),
        Action::Restart { .. } => {}
    }
}

fn forget(expected: &mut Expected) {
    *expected = Expected {
        exists: expected.exists,
        ..Expected::default()
    };
}
