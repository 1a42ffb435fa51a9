//! Where words go: results to standard output, everything else to standard error.
//!
//! This module alone writes to either (`clippy.toml` of this crate holds the rest to that), and nothing passes it that
//! could steer a terminal or turn words round: text is [`shown`](report::shown) here, whoever wrote it. Where refit's own
//! colours are in a text ([`styled`]), they pass and nothing else does.

#![expect(
    clippy::disallowed_methods,
    reason = "this is where everything that is written goes out"
)]

use std::backtrace::{Backtrace, BacktraceStatus};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use istio_planner::report;
use serde::Serialize;

use crate::error::Error;
use crate::interruption::Interruption;

pub mod narrator;
pub mod notifier;
pub mod pager;
pub mod progress;
pub mod stream;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const NOTE: Style = AnsiColor::Cyan.on_default().bold();

/// Writes a result for people to standard output.
pub fn print(text: &str) -> io::Result<()> {
    write(io::stdout().lock(), &report::shown(text))
}

/// Writes a result in refit's colours; they are taken out where standard output shows none.
pub fn styled(text: &str) -> io::Result<()> {
    write(anstream::stdout().lock(), &coloured_only(text))
}

/// Writes lines in the place of as many that were written before, where a terminal shows them; returns how many there are
/// now. Each is cut to the terminal's width, so that it stays one line.
pub fn redrawn(lines: &[String], before: usize) -> io::Result<usize> {
    let mut out = io::stdout().lock();
    if !out.is_terminal() {
        drop(out);
        print(&lines.join("\n"))?;
        return Ok(0);
    }
    let (width, height) = pager::size();
    let most = height.saturating_sub(1).max(1);
    let mut text = String::new();
    if before > 0 {
        // Up to where the first of them began, and all below is empty.
        let _ = write!(text, "\u{1b}[{before}F\u{1b}[J");
    }
    for it in lines.iter().take(most) {
        text.extend(report::shown(it).chars().take(width.saturating_sub(1)));
        text.push('\n');
    }
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(lines.len().min(most))
}

/// Writes a result that is text for a program, as it is; on a terminal nothing in it may steer.
pub fn data(text: &str) -> io::Result<()> {
    if io::stdout().is_terminal() {
        return print(text);
    }
    write(io::stdout().lock(), text)
}

/// Writes a result as a JSON document, indented.
pub fn json(value: &impl Serialize) -> io::Result<()> {
    json_text(&serde_json::to_string_pretty(value)?)
}

/// Writes a JSON document. What could steer a terminal stands only in its strings, and is written there as JSON's own
/// escape: it is the same document.
pub fn json_text(text: &str) -> io::Result<()> {
    // Nothing is left to escape, and no colour to take out.
    write(io::stdout().lock(), &report::shown_json(text))
}

fn write(mut out: impl Write, text: &str) -> io::Result<()> {
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') && !text.is_empty() {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Writes a line to standard error. A standard error that is gone is not worth an error.
pub fn say(text: &str) {
    line_to_stderr(&report::shown(text));
}

/// The same, in refit's colours.
pub fn say_styled(text: &str) {
    line_to_stderr(&coloured_only(text));
}

#[cfg(not(test))]
fn line_to_stderr(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Where the harness keeps it until a test fails.
#[cfg(test)]
fn line_to_stderr(text: &str) {
    eprintln!("{text}");
}

/// Says what went wrong; lines that begin with `hint: ` say what to do about it.
pub fn error(text: &str) {
    let mut hints = Vec::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("hint: ") {
            Some(hint) => hints.push(hint),
            None => lines.push(line),
        }
    }
    labelled(ERROR, "error", &lines.join("\n"));
    for hint in hints {
        labelled(NOTE, "hint", hint);
    }
}

/// Says that refit itself is wrong: what a panic says may hold what was read.
pub(crate) fn mistake(panic: &std::panic::PanicHookInfo<'_>) {
    let words = panic.payload_as_str().unwrap_or("no words");
    let place = panic
        .location()
        .map_or_else(String::new, |it| format!(" ({it})"));
    error(&format!(
        "refit itself is wrong: {}{place}\nhint: what was begun is in the journal; please report this",
        line(words)
    ));
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        say(&trace.to_string());
    }
}

/// Says what is worth a thought.
pub fn warning(text: &str) {
    labelled(WARNING, "warning", text);
}

/// Says what is good to know.
pub fn note(text: &str) {
    labelled(NOTE, "note", text);
}

/// Refuses, where there is no terminal to ask on: before anything is done that only serves the question.
pub(crate) fn can_ask() -> Result<(), Error> {
    if io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Error::refused(
        "there is no terminal to ask on: use -y to go on without a question",
    ))
}

/// Asks a question on the terminal. By default the answer is no.
pub(crate) async fn ask(question: &str, interruption: &Interruption) -> Result<(), Error> {
    can_ask()?;
    {
        let mut stderr = anstream::stderr().lock();
        let _ = write!(stderr, "{} (y/N) ", report::shown(question)).and_then(|()| stderr.flush());
    }
    // Reading a terminal cannot be given up, so it has a thread of its own, which ends with the process.
    let (sender, answer) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        let _ = sender.send(read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes"));
    });
    interruption
        .unless_asked(async {
            if answer.await.unwrap_or_default() {
                Ok(())
            } else {
                Err(Error::Declined)
            }
        })
        .await
}

/// Returns words of others, a server's or a file's, as one line: they cannot be taken for lines of ours.
pub fn line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    report::shown(&words.join(" ")).into_owned()
}

/// The same, cut to a length in characters.
pub fn cut(text: &str, most: usize) -> String {
    let line = line(text);
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Shows what no colour of refit's is.
fn coloured_only(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return report::shown(text);
    }
    let mut pieces = text.split('\u{1b}');
    let mut shown = report::shown(pieces.next().unwrap_or_default()).into_owned();
    for piece in pieces {
        if let Some(end) = colour(piece) {
            shown.push('\u{1b}');
            shown.push_str(&piece[..end]);
            shown.push_str(&report::shown(&piece[end..]));
        } else {
            shown.push_str(&report::shown("\u{1b}"));
            shown.push_str(&report::shown(piece));
        }
    }
    Cow::Owned(shown)
}

/// Where a colour ends that begins after the escape: `[1;31m`. Only what refit, clap and annotate-snippets use: nothing
/// that hides, blinks or moves.
fn colour(text: &str) -> Option<usize> {
    let (codes, _) = text.strip_prefix('[')?.split_once('m')?;
    let known = |it: &str| {
        it.is_empty()
            || it
                .parse()
                .is_ok_and(|it: u8| matches!(it, 0..=4 | 22 | 30..=37 | 39 | 90..=97))
    };
    codes.split(';').all(known).then_some(1 + codes.len() + 1)
}

/// Returns an error with all its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}

/// Returns whether results are written in colour.
pub fn coloured() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

/// Returns whether a person watches standard error.
pub fn watched() -> bool {
    io::stderr().is_terminal()
}

fn labelled(style: Style, label: &str, text: &str) {
    let mut line = String::new();
    let _ = write!(line, "{style}{label}{style:#}: {}", report::shown(text));
    say_styled(&line);
}

#[cfg(test)]
mod tests;
