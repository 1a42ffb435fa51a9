//! What each suite came to, and the lines at the end.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// What becomes of a suite that lacks a tool or data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It is named in the summary as skipped.
    Skips,
    /// It counts as failed.
    Fails,
}

/// What a suite came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It holds; what was counted, where something was.
    Passed(Option<String>),
    /// It does not, and why.
    Failed(String),
    /// It did not run, and why.
    Skipped(String),
}

/// All suites so far.
#[derive(Debug)]
pub(crate) struct Report {
    missing: Missing,
    /// What was asked for; empty means everything.
    only: Vec<String>,
    suites: Vec<(String, Verdict, Duration)>,
}

impl Report {
    /// Starts an empty report.
    pub(crate) fn new(missing: Missing, only: Vec<String>) -> Self {
        Self {
            missing,
            only,
            suites: Vec::new(),
        }
    }

    /// An empty report with the same wishes, for suites that run on a thread of their own; `join` takes it back.
    pub(crate) fn beside(&self) -> Self {
        Self::new(self.missing, self.only.clone())
    }

    /// Takes over what ran beside.
    pub(crate) fn join(&mut self, beside: Self) {
        self.suites.extend(beside.suites);
    }

    /// Runs a suite. An error counts as a failure.
    pub(crate) fn suite(&mut self, name: &str, run: impl FnOnce() -> Result<Verdict>) {
        self.passes(name, run);
    }

    /// Runs a suite that needs something; without it, the suite is missing.
    pub(crate) fn suite_with<T>(
        &mut self,
        name: &str,
        need: impl FnOnce() -> Result<T, String>,
        run: impl FnOnce(T) -> Result<Verdict>,
    ) {
        if self.wants(name) {
            match need() {
                Ok(it) => self.suite(name, || run(it)),
                Err(why) => self.missing(name, &why),
            }
        }
    }

    /// Runs a suite and tells whether it passed. One that nobody asked for counts as done before.
    pub(crate) fn passes(&mut self, name: &str, run: impl FnOnce() -> Result<Verdict>) -> bool {
        if !self.wants(name) {
            return true;
        }
        show(&format!("==> {name}\n"));
        let start = Instant::now();
        let verdict = run().unwrap_or_else(|it| Verdict::Failed(format!("{it:#}")));
        let passed = matches!(verdict, Verdict::Passed(_));
        self.suites
            .push((name.to_owned(), verdict, start.elapsed()));
        passed
    }

    /// Whether a suite was asked for.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|it| it == name)
    }

    /// Whether everything was asked for.
    pub(crate) fn is_whole(&self) -> bool {
        self.only.is_empty()
    }

    /// Makes something that later suites use. `Ok(None)` means that there is nothing to make.
    pub(crate) fn prepare<T>(
        &mut self,
        name: &str,
        make: impl FnOnce() -> Result<Option<T>>,
    ) -> Option<T> {
        if !self.wants(name) {
            return None;
        }
        show(&format!("==> {name}\n"));
        match make() {
            Ok(it) => it,
            Err(why) => {
                self.missing(name, &format!("{why:#}"));
                None
            }
        }
    }

    /// Notes a suite that cannot run here.
    pub(crate) fn missing(&mut self, name: &str, why: &str) {
        if !self.wants(name) {
            return;
        }
        let verdict = match self.missing {
            Missing::Skips => Verdict::Skipped(why.to_owned()),
            Missing::Fails => Verdict::Failed(why.to_owned()),
        };
        self.suites.push((name.to_owned(), verdict, Duration::ZERO));
    }

    /// Prints a line for each suite and the sum. An error if one failed.
    pub(crate) fn finish(self) -> Result<()> {
        let (mut passed, mut failed, mut skipped) = (0, 0, Vec::new());
        show("\n");
        for (name, verdict, time) in &self.suites {
            let (word, text) = match verdict {
                Verdict::Passed(counts) => {
                    passed += 1;
                    ("passed", counts.clone().unwrap_or_default())
                }
                Verdict::Failed(why) => {
                    failed += 1;
                    ("FAILED", why.clone())
                }
                Verdict::Skipped(why) => {
                    skipped.push(name.as_str());
                    ("skipped", why.clone())
                }
            };
            show(&format!(
                "{name:<16} {word:<8} {:>5}s  {text}\n",
                time.as_secs()
            ));
        }
        let skipped = match skipped.as_slice() {
            [] => String::new(),
            names => format!(", {} skipped ({})", names.len(), names.join(", ")),
        };
        show(&format!("{passed} passed, {failed} failed{skipped}\n"));
        if failed > 0 {
            bail!("{failed} of {} suites failed", self.suites.len());
        }
        Ok(())
    }
}

/// Prints text; a closed pipe is nobody's fault.
pub(crate) fn show(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
