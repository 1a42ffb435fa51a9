//! What happens, as a stream that others than the terminal follow: those who come late hear what was told so far.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use istio_planner::plan::{Action, Plan, Step};
use serde::Serialize;
use tokio::sync::watch;

use crate::journal::{Event, Record};

/// What is told, as a line of JSON. The list is closed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export_to = "wire.ts"))]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Message {
    /// How far a proposal has come.
    Proposal {
        /// From 1, in the order in which they were made.
        #[cfg_attr(test, ts(type = "number"))]
        id: u64,
        /// What is proposed.
        verb: Verb,
        /// The version to go to, where the proposal names one.
        to: Option<String>,
        /// How far it is.
        state: State,
        /// Why it ended so, or what the terminal asks.
        reason: Option<String>,
    },
    /// The plan that is carried out from here on.
    Plan(Outline),
    /// A record of the journal, without the object as it was.
    Record {
        /// The record.
        record: Record,
    },
    /// What is waited for now; each takes the place of the one before.
    Waiting {
        /// The object.
        object: String,
        /// What is missing.
        reason: String,
    },
    /// A line that is worth reading.
    Said {
        /// The line.
        text: String,
    },
}

/// What can be proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export_to = "wire.ts"))]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// An upgrade or downgrade.
    Upgrade,
    /// The restart of proxies.
    Restart,
}

/// How far a proposal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(
    test,
    derive(ts_rs::TS),
    ts(export_to = "wire.ts", rename = "ProposalState")
)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The executor reads the cluster and plans.
    Planning,
    /// The terminal asks.
    Asking,
    /// It was confirmed and is carried out.
    Running,
    /// Nothing was done: it may not be, or it was not confirmed.
    Refused,
    /// Everything is done.
    Done,
    /// It stopped on the way.
    Failed,
}

/// A plan without what it writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export_to = "wire.ts"))]
#[serde(rename_all = "camelCase")]
pub struct Outline {
    /// The plan's id, which its records name.
    pub plan: String,
    /// The version that runs.
    pub source: Option<String>,
    /// The version to go to.
    pub target: String,
    /// Its steps, in order.
    pub steps: Vec<StepOutline>,
}

/// A step without what it writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export_to = "wire.ts"))]
#[serde(rename_all = "camelCase")]
pub struct StepOutline {
    /// The step's id, which its records name.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// How many actions it has.
    pub actions: usize,
    /// How many of them restart the pods of a workload.
    pub restarts: usize,
    /// Whether it only restarts pods, or looks whether they were restarted.
    pub is_restart: bool,
}

impl From<&Plan> for Outline {
    fn from(plan: &Plan) -> Self {
        Self {
            plan: plan.id.clone(),
            source: plan.source.clone(),
            target: plan.target.clone(),
            steps: plan.steps.iter().map(StepOutline::from).collect(),
        }
    }
}

impl From<&Step> for StepOutline {
    fn from(step: &Step) -> Self {
        let restarts = step
            .actions
            .iter()
            .filter(|it| matches!(it, Action::Restart { .. }));
        Self {
            id: step.id.clone(),
            title: step.title.clone(),
            actions: step.actions.len(),
            restarts: restarts.count(),
            is_restart: step.is_restart(),
        }
    }
}

/// Returns a record without the object as it was: that is for the journal.
#[must_use]
pub fn without_former(record: &Record) -> Record {
    let mut record = record.clone();
    match &mut record.event {
        Event::ActionBegan { former, .. } => *former = None,
        Event::ActionEnded { stored, .. } => *stored = None,
        _ => {}
    }
    record
}

/// Lines for everybody who listens.
#[derive(Debug)]
pub struct Stream {
    lines: Mutex<Lines>,
    /// How many lines were told.
    news: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Lines {
    told: u64,
    kept: VecDeque<Line>,
}

#[derive(Debug)]
struct Line {
    number: u64,
    /// Only worth telling until the next one comes.
    passing: bool,
    text: Bytes,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            lines: Mutex::default(),
            news: watch::Sender::new(0),
        }
    }
}

impl Stream {
    /// Tells everybody, now and later.
    pub fn tell(&self, message: &Message) {
        // Nothing in a message can fail to be written; a line that could would only be missing on a screen.
        let Ok(mut text) = serde_json::to_vec(message) else {
            return;
        };
        text.push(b'\n');
        let passing = matches!(message, Message::Waiting { .. });
        let mut lines = self.lines();
        if lines.kept.back().is_some_and(|it| it.passing) {
            let last = lines.kept.back();
            if passing && last.is_some_and(|it| it.text == text) {
                return;
            }
            lines.kept.pop_back();
        }
        lines.told += 1;
        let number = lines.told;
        lines.kept.push_back(Line {
            number,
            passing,
            text: Bytes::from(text),
        });
        drop(lines);
        self.news.send_replace(number);
    }

    /// Begins to listen: first to what was told so far.
    pub fn listen(&self) -> Listener {
        Listener {
            heard: 0,
            news: self.news.subscribe(),
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who listens.
#[derive(Debug)]
pub struct Listener {
    heard: u64,
    news: watch::Receiver<u64>,
}

impl Listener {
    /// Returns the lines that were told since the last call, once there are any; nothing when the stream is gone.
    pub async fn next(&mut self, stream: &Stream) -> Option<Bytes> {
        let heard = self.heard;
        self.news.wait_for(|it| *it > heard).await.ok()?;
        let lines = stream.lines();
        let new = lines.kept.iter().filter(|it| it.number > heard);
        let text: Vec<u8> = new.flat_map(|it| it.text.iter().copied()).collect();
        self.heard = lines.told;
        Some(Bytes::from(text))
    }
}

#[cfg(test)]
mod tests;
