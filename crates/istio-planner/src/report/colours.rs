//! Which colours words have.

use anstyle::{AnsiColor, Style};

use crate::outcome::{ChangeClass, Level, Verdict};

/// Which colours are used; plain is the default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Colours {
    pub(crate) block: Style,
    pub(crate) unknown: Style,
    pub(crate) warn: Style,
    pub(crate) info: Style,
    pub(crate) good: Style,
    pub(crate) head: Style,
    pub(crate) faint: Style,
}

impl Colours {
    /// No colours at all.
    pub const PLAIN: Self = Self {
        block: Style::new(),
        unknown: Style::new(),
        warn: Style::new(),
        info: Style::new(),
        good: Style::new(),
        head: Style::new(),
        faint: Style::new(),
    };

    /// The sixteen colours that every terminal has.
    pub const ANSI: Self = Self {
        block: AnsiColor::Red.on_default().bold(),
        unknown: AnsiColor::Magenta.on_default().bold(),
        warn: AnsiColor::Yellow.on_default(),
        info: AnsiColor::Cyan.on_default(),
        good: AnsiColor::Green.on_default().bold(),
        head: Style::new().bold(),
        faint: Style::new().dimmed(),
    };

    pub(crate) fn level(&self, level: Level) -> Style {
        match level {
            Level::Block => self.block,
            Level::Unknown => self.unknown,
            Level::Warn => self.warn,
            Level::Info => self.info,
        }
    }

    pub(crate) fn verdict(&self, verdict: Verdict) -> Style {
        match verdict {
            Verdict::Clear => self.good,
            Verdict::Blocked => self.block,
            Verdict::Unknown => self.unknown,
        }
    }

    pub(crate) fn class(&self, class: ChangeClass) -> Style {
        match class {
            ChangeClass::Create => self.good,
            ChangeClass::Change | ChangeClass::Unchanged => Style::new(),
            ChangeClass::TakeOver | ChangeClass::Orphan => self.warn,
            ChangeClass::Replace | ChangeClass::Delete => self.block,
        }
    }
}
