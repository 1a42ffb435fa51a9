//! One line of a journal.

use istio_planner::outcome::Ref;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::reading::{Measure, Reading, Verdict};

/// The value of [`Record::schema`].
pub const SCHEMA: &str = "refit.record/v1";

/// Something that happened while a plan was carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(
    test,
    derive(ts_rs::TS),
    ts(export_to = "wire.ts", rename = "JournalRecord")
)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// When, in RFC 3339.
    pub at: String,
    /// The plan's id.
    pub plan: String,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// Why a line is no record.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// It is no JSON, or has other fields.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// Another version of refit wrote it.
    #[error("it is of schema {0:?}, and this refit reads {SCHEMA}")]
    Schema(String),
}

impl Record {
    /// Reads a line. What another version of the schema means is not guessed.
    pub fn parse(line: &[u8]) -> Result<Self, ParseError> {
        let named: Value = serde_json::from_slice(line)?;
        match named["schema"].as_str() {
            Some(SCHEMA) => Ok(serde_json::from_value(named)?),
            other => Err(ParseError::Schema(other.unwrap_or_default().to_owned())),
        }
    }

    /// Makes a record.
    pub fn new(plan: &str, at: String, event: Event) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            at,
            plan: plan.to_owned(),
            event,
        }
    }
}

/// A time of a record as people read it: to the second.
pub(crate) fn to_the_second(at: &str) -> String {
    match at.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => at.to_owned(),
    }
}

/// What happened. The list is closed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(
    test,
    derive(ts_rs::TS),
    ts(export_to = "wire.ts", rename = "JournalEvent")
)]
#[serde(
    tag = "event",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Event {
    /// A run began, the first one or one that goes on.
    RunBegan {
        /// Who carries it out: user, host, process.
        by: String,
        /// The cluster, as a person knows it: context and address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        cluster: Option<String>,
        /// The cluster itself: the uid of its namespace `kube-system`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        cluster_id: Option<String>,
        /// The SHA-256 of the request that was planned for, where it was planned by this run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        request: Option<String>,
        /// Whether the pods of workloads are restarted too. A run that goes on keeps to it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
        restarts: bool,
        /// The plan that was given up for this one, half-way: rolling back goes on with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        instead_of: Option<String>,
    },
    /// A step began.
    StepBegan {
        /// The step.
        step: String,
    },
    /// An action is about to be done.
    ActionBegan {
        /// The step.
        step: String,
        /// From 0, in the step.
        action: usize,
        /// What it touches.
        object: Ref,
        /// The object as it was; absent where there was none. Secrets without their data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional, type = "unknown"))]
        former: Option<Value>,
        /// There was an object, but this copy of the journal had no room for it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
        omitted: bool,
        /// For a restart: the time that marks the new pods.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        mark: Option<String>,
        /// For a restart pod by pod: the uids of the pods that are to go.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[cfg_attr(test, ts(optional, as = "Option<Vec<String>>"))]
        pods: Vec<String>,
    },
    /// An action is done.
    ActionEnded {
        /// The step.
        step: String,
        /// From 0, in the step.
        action: usize,
        /// [`istio_planner::digest::relevant`] of the object as stored, without a content; absent where there is none any more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        digest: Option<String>,
        /// Whether the action changed anything.
        changed: bool,
        /// How the object as stored differs from what it was, by JSON pointers; null for what went. Only of an object
        /// that was there before, and only where the copy has room for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional, type = "Record<string, unknown>"))]
        stored: Option<Map<String, Value>>,
    },
    /// A wait of a step gave up waiting, and the step goes on without it.
    WaitGivenUp {
        /// The step.
        step: String,
        /// What was waited for.
        object: Ref,
        /// What was missing.
        reason: String,
    },
    /// An action was left out, because its object is gone or must not be touched now.
    ActionSkipped {
        /// The step.
        step: String,
        /// From 0, in the step.
        action: usize,
        /// Why.
        reason: String,
    },
    /// The lock by which istiod's replicas agree who makes gateways was taken away, so that one takes it again and tries
    /// again.
    LockTaken {
        /// The step.
        step: String,
        /// The lock.
        object: Ref,
    },
    /// A step does not begin yet: a pause between waves, or a freeze window.
    Held {
        /// The step.
        step: String,
        /// Why, and until when.
        reason: String,
    },
    /// What waves are judged by was measured, before the first of them.
    BaselineTaken {
        /// The values.
        measures: Vec<Measure>,
    },
    /// Gates said whether a wave did harm.
    Judged {
        /// The step.
        step: String,
        /// The heaviest of all.
        verdict: Verdict,
        /// What each said.
        readings: Vec<Reading>,
    },
    /// A step's actions are done and its waits are over.
    StepEnded {
        /// The step.
        step: String,
    },
    /// A run stopped.
    Failed {
        /// The step.
        step: String,
        /// Why.
        reason: String,
    },
    /// Nothing of the plan is left to do.
    Finished,
    /// Somebody gave the plan up: the cluster stays as it is, and nothing goes on with it.
    GivenUp {
        /// Who: user, host, process.
        by: String,
    },
    /// What was changed is being put back.
    RollbackBegan,
    /// An object is as it was before an action.
    Restored {
        /// The step of the action.
        step: String,
        /// From 0, in the step.
        action: usize,
    },
    /// An object was put back and is not as it was.
    NotRestored {
        /// What.
        object: Ref,
        /// How it differs.
        reason: String,
    },
    /// Everything is put back.
    RolledBack,
}
