//! A line that moves on standard error: what it says is shown as everything else is.

#![expect(
    clippy::disallowed_methods,
    reason = "this is where what moves is written"
)]

use std::io::Read;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressBarIter, ProgressDrawTarget, ProgressStyle};

use super::line;

/// A line that moves.
#[derive(Debug, Clone)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Begins a line that tells what is done; nothing is seen where nobody watches.
    pub fn new() -> Self {
        Self::drawn("{spinner} {prefix}{wide_msg}", None)
    }

    /// Begins one that tells how many bytes of how many have come, and how fast.
    pub fn bytes(what: &str, length: Option<u64>) -> Self {
        let progress = Self::drawn(
            "{msg} {bar:30} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec}",
            length,
        );
        progress.say(what);
        progress
    }

    /// One that shows nothing.
    pub fn hidden() -> Self {
        Self {
            bar: ProgressBar::hidden(),
        }
    }

    fn drawn(template: &str, length: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
        // A template that cannot be read leaves indicatif's own.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// Says what is being done.
    pub fn say(&self, text: &str) {
        self.bar.set_message(line(text));
    }

    /// Says it, and draws the line although nothing else makes it move.
    pub fn say_now(&self, text: &str) {
        self.say(text);
        self.bar.tick();
    }

    /// Says of what it is a part.
    pub fn title(&self, text: &str) {
        self.bar.set_prefix(format!("{} ", line(text)));
    }

    /// Makes it move.
    pub fn start(&self) {
        self.bar.enable_steady_tick(Duration::from_millis(120));
    }

    /// Counts what is read.
    pub fn wrap<R: Read>(&self, reader: R) -> ProgressBarIter<R> {
        self.bar.wrap_read(reader)
    }

    /// Says something above the line.
    pub fn suspend(&self, say: impl FnOnce()) {
        self.bar.suspend(say);
    }

    /// Ends it.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}
