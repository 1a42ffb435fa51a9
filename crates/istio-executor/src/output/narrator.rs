//! Tells what an executor does, from the records it writes.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use istio_planner::plan::{Plan, Step};

use crate::cluster;
use crate::journal::{Event, Record};

/// For whom it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// A person at a terminal: a line that moves, and one for each step that is done.
    Terminal,
    /// A file or a pipe: a line for each step, nothing that moves.
    Pipe,
    /// A program: every record as a line of JSON on standard output.
    Program,
}

/// Tells what happens.
pub struct Narrator {
    audience: Audience,
    bar: ProgressBar,
    waited_for: Mutex<String>,
}

impl Narrator {
    /// Returns a narrator for an audience.
    ///
    /// # Panics
    ///
    /// Never: the line's template is fixed.
    pub fn new(audience: Audience) -> Self {
        let bar = if audience == Audience::Terminal {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(
                ProgressStyle::with_template("{spinner} {prefix}{wide_msg}")
                    .expect("a fixed template"),
            );
            bar
        } else {
            ProgressBar::hidden()
        };
        Self {
            audience,
            bar,
            waited_for: Mutex::default(),
        }
    }

    /// Tells a record.
    pub fn tell(&self, plan: &Plan, record: &Record) {
        if self.audience == Audience::Program {
            return Self::tell_program(record);
        }
        let step = |id: &str| plan.steps.iter().find(|it| it.id == id);
        let title = |id: &str| step(id).map_or_else(|| id.to_owned(), |it| it.title.clone());
        match &record.event {
            Event::RunBegan { .. } => {
                self.bar.enable_steady_tick(Duration::from_millis(120));
            }
            Event::StepBegan { step: id } => self
                .bar
                .set_prefix(format!("{} ", step(id).map_or("", title_of))),
            Event::ActionBegan { object, .. } => self.bar.set_message(cluster::name(object)),
            Event::ActionEnded { .. } => {}
            Event::WaitGivenUp { object, reason, .. } => {
                self.line(&format!(
                    "! {} is left as it is: {reason}",
                    cluster::name(object)
                ));
            }
            Event::StepEnded { step: id } => {
                let changes = step(id).map(count).unwrap_or_default();
                self.line(&format!("✓ {}{changes}", title(id)));
            }
            Event::Failed { step: id, .. } => self.line(&format!("✗ {}", title(id))),
            Event::Finished | Event::RolledBack => self.bar.finish_and_clear(),
            Event::RollbackBegan => self.line("putting back what was changed"),
            Event::Restored { step: id, action } => {
                let object = step(id)
                    .and_then(|it| it.actions.get(*action))
                    .map(crate::apply::object);
                if let Some(object) = object {
                    self.line(&format!("↶ {}", cluster::name(&object)));
                }
            }
        }
    }

    /// Tells what is waited for.
    pub fn waiting(&self, object: &str, reason: &str) {
        let text = format!("{object}: {reason}");
        self.bar.set_message(text.clone());
        let mut last = self
            .waited_for
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if self.audience == Audience::Pipe && *last != text {
            super::say(&format!("  waiting for {text}"));
        }
        *last = text;
    }

    /// Ends what moves.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// Says a line above what moves.
    pub fn line(&self, text: &str) {
        match self.audience {
            Audience::Terminal => self.bar.suspend(|| super::say(text)),
            Audience::Pipe => super::say(text),
            Audience::Program => {}
        }
    }

    /// A record without the former object: that is for the journal.
    fn tell_program(record: &Record) {
        let mut record = record.clone();
        if let Event::ActionBegan { former, .. } = &mut record.event {
            *former = None;
        }
        // A reader that goes away must not stop an upgrade half-way.
        if let Ok(line) = serde_json::to_string(&record) {
            let _ = super::print(&line);
        }
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
