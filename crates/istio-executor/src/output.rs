//! Where words go: results to standard output, everything else to standard error.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use istio_planner::report;

use crate::error::Error;
use crate::interruption::Interruption;

pub mod narrator;
pub mod pager;
pub mod stream;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const NOTE: Style = AnsiColor::Cyan.on_default().bold();

/// Writes a result to standard output; colours are taken out where it is no terminal.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') && !text.is_empty() {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Writes a result that is data for a program: as it is, but on a terminal, which nothing in it may steer.
pub fn data(text: &str) -> io::Result<()> {
    if io::stdout().is_terminal() {
        return print(&report::shown(text));
    }
    print(text)
}

/// Writes a result that is data: never coloured, never changed.
pub fn print_bytes(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Writes a line to standard error. A standard error that is gone is not worth an error.
pub fn say(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
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
    say(&labelled(ERROR, "error", &lines.join("\n")));
    for hint in hints {
        say(&labelled(NOTE, "hint", hint));
    }
}

/// Says what is worth a thought.
pub fn warning(text: &str) {
    say(&labelled(WARNING, "warning", text));
}

/// Says what is good to know.
pub fn note(text: &str) {
    say(&labelled(NOTE, "note", text));
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
        let _ = write!(stderr, "{question} (y/N) ").and_then(|()| stderr.flush());
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

/// Returns text of others as a terminal may have it: control characters and marks that turn the direction of writing are
/// shown and do nothing. Lines stay lines.
pub fn visible(text: &str) -> String {
    report::shown(&text.replace('\t', "    ")).into_owned()
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

fn labelled(style: Style, label: &str, text: &str) -> String {
    let mut line = String::new();
    let _ = write!(line, "{style}{label}{style:#}: {}", report::shown(text));
    line
}
