//! Tells what an executor does, from the records it writes.

use std::fmt::Write as _;
use std::sync::Arc;

use istio_planner::plan::{Plan, Step};

use super::notifier::Notifier;
use super::progress::Progress;
use super::stream::{Message, Stream, without_former};
use crate::cluster;
use crate::journal::{Event, Record, summary};

/// For whom it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// A person at a terminal: a line that moves, and one for each step that is done.
    Terminal,
    /// A file or a pipe: a line for each step, nothing that moves.
    Pipe,
    /// A program: every record on standard output.
    Program(Notation),
}

/// How a program reads records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// Each as a line of JSON.
    Json,
    /// Each as a document of YAML.
    Yaml,
}

/// Tells what happens.
pub struct Narrator {
    audience: Audience,
    bar: Progress,
    /// Others who hear the same.
    stream: Option<Arc<Stream>>,
    /// A webhook that hears of it.
    notifier: Option<Arc<Notifier>>,
}

impl Narrator {
    /// Returns a narrator for an audience.
    pub fn new(audience: Audience) -> Self {
        let bar = if audience == Audience::Terminal {
            Progress::new()
        } else {
            Progress::hidden()
        };
        Self {
            audience,
            bar,
            stream: None,
            notifier: None,
        }
    }

    /// The same, told to those who listen to a stream too.
    #[must_use]
    pub fn streamed(self, stream: Option<Arc<Stream>>) -> Self {
        Self { stream, ..self }
    }

    /// The same, told to a webhook too.
    #[must_use]
    pub fn notifying(self, notifier: Option<Arc<Notifier>>) -> Self {
        Self { notifier, ..self }
    }

    /// Tells a record.
    pub fn tell(&self, plan: &Plan, record: &Record) {
        if let Some(stream) = &self.stream {
            stream.tell(&Message::Record {
                record: without_former(record),
            });
        }
        if let Some(notifier) = &self.notifier {
            notifier.tell(plan, record);
        }
        if let Audience::Program(notation) = self.audience {
            return Self::tell_program(record, notation);
        }
        let step = |id: &str| plan.steps.iter().find(|it| it.id == id);
        let title = |id: &str| step(id).map_or_else(|| id.to_owned(), |it| it.title.clone());
        match &record.event {
            Event::RunBegan { .. } => {
                self.bar.start();
            }
            Event::StepBegan { step: id } => self.bar.title(step(id).map_or("", title_of)),
            Event::ActionBegan { object, .. } => self.bar.say(&cluster::name(object)),
            Event::ActionEnded { .. } | Event::NotRestored { .. } => {}
            Event::BaselineTaken { measures } => self.show(&format!(
                "gates: {} values measured before the first wave",
                measures.len()
            )),
            Event::Judged { readings, .. } => {
                self.show(&format!("gates: {}", summary(readings)));
            }
            Event::ActionSkipped { reason, .. } => {
                self.show(&format!("! left out: {reason}"));
            }
            Event::LockTaken { object, .. } => self.show(&format!(
                "! the gateways stay old: {} is taken away, so that istiod tries again",
                cluster::name(object)
            )),
            Event::Held { reason, .. } => self.show(&format!("… {reason}")),
            Event::WaitGivenUp { object, reason, .. } => {
                self.show(&format!(
                    "! {} is left as it is: {reason}",
                    cluster::name(object)
                ));
            }
            Event::StepEnded { step: id } => {
                let changes = step(id).map(count).unwrap_or_default();
                self.show(&format!("✓ {}{changes}", title(id)));
            }
            Event::Failed { step: id, .. } => self.show(&format!("✗ {}", title(id))),
            Event::Finished | Event::RolledBack | Event::GivenUp { .. } => {
                self.bar.end();
            }
            Event::RollbackBegan => self.show("putting back what was changed"),
            Event::Restored { step: id, action } => {
                let object = step(id)
                    .and_then(|it| it.actions.get(*action))
                    .map(crate::apply::object);
                if let Some(object) = object {
                    self.show(&format!("↶ {}", cluster::name(&object)));
                }
            }
        }
    }

    /// Tells what is waited for.
    pub fn waiting(&self, object: &str, reason: &str) {
        if let Some(stream) = &self.stream {
            stream.tell(&Message::Waiting {
                object: object.to_owned(),
                reason: reason.to_owned(),
            });
        }
        // A pipe hears how a step ended, not each thing that it waits for.
        self.bar.say(&format!("{object}: {reason}"));
    }

    /// Ends what moves.
    pub fn end(&self) {
        self.bar.end();
    }

    /// Says a line above what moves.
    pub fn line(&self, text: &str) {
        if let Some(stream) = &self.stream {
            stream.tell(&Message::Said {
                text: text.to_owned(),
            });
        }
        self.show(text);
    }

    /// Says a line to people only: whoever hears the records needs no words for them, or must not keep them.
    pub(crate) fn show(&self, text: &str) {
        match self.audience {
            Audience::Terminal => self.bar.suspend(|| super::say(text)),
            // Standard output is the program's, standard error is for people.
            Audience::Pipe | Audience::Program(_) => super::say(text),
        }
    }

    fn tell_program(record: &Record, notation: Notation) {
        let record = without_former(record);
        let text = match notation {
            Notation::Json => serde_json::to_string(&record).ok(),
            Notation::Yaml => serde_yaml::to_string(&record)
                .map(|it| format!("---\n{it}"))
                .ok(),
        };
        // A reader that goes away must not stop an upgrade half-way.
        if let Some(text) = text {
            let _ = match notation {
                Notation::Json => super::json_text(&text),
                Notation::Yaml => super::data(&text),
            };
        }
    }
}

/// Tells how far reading a cluster has come: a line that moves, where a person watches.
#[derive(Debug)]
pub struct Reading {
    bar: Progress,
}

impl Reading {
    /// Begins.
    pub fn new() -> Self {
        if !super::watched() {
            return Self::unseen();
        }
        Self {
            bar: Progress::new(),
        }
    }

    /// Begins, and shows nothing: somebody else reads, and the terminal may be asking something.
    pub fn unseen() -> Self {
        Self {
            bar: Progress::hidden(),
        }
    }

    /// Tells how many objects of a kind were read.
    pub fn tell(&self, kind: &str, count: usize) {
        self.bar.say_now(&format!("reading {kind}: {count}"));
    }

    /// Says something above the line.
    pub fn suspend(&self, say: impl FnOnce()) {
        self.bar.suspend(say);
    }
}

impl Default for Reading {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.bar.end();
    }
}

fn title_of(step: &Step) -> &str {
    &step.title
}

fn count(step: &Step) -> String {
    let mut text = String::new();
    let objects = step.actions.len();
    if objects > 0 {
        let _ = write!(
            text,
            " ({objects} {})",
            if objects == 1 { "object" } else { "objects" }
        );
    }
    text
}
