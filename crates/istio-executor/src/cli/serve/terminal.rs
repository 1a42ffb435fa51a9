//! The terminal, where a word has to be typed before anything is written.

use std::io::{self, IsTerminal};
use std::thread;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::output;

/// What a person types, line by line.
#[derive(Debug)]
pub(super) struct Terminal {
    lines: UnboundedReceiver<String>,
}

impl Terminal {
    /// Begins to read; nothing where standard input is no terminal.
    pub(super) fn open() -> Option<Self> {
        if !io::stdin().is_terminal() {
            return None;
        }
        let (sender, lines) = unbounded_channel();
        // Reading a terminal cannot be given up, so it has a thread of its own, which ends with the process.
        thread::spawn(move || {
            for line in io::stdin().lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Some(Self { lines })
    }

    /// Asks for a word. Only that word is a yes; what was typed before the question counts for nothing.
    pub(super) async fn confirms(&mut self, question: &str, word: &str) -> bool {
        while self.lines.try_recv().is_ok() {}
        output::say(&format!(
            "{question}\nType \"{word}\" to go on; anything else leaves everything as it is."
        ));
        self.lines
            .recv()
            .await
            .is_some_and(|line| line.trim() == word)
    }

    /// Whether nothing can be typed any more.
    pub(super) fn is_gone(&self) -> bool {
        self.lines.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_word_after_the_question_is_a_yes() {
        let (sender, lines) = unbounded_channel();
        let mut terminal = Terminal { lines };
        for (typed, yes) in [
            ("upgrade 1.30.3", true),
            (" upgrade 1.30.3 ", true),
            ("y", false),
            ("", false),
            ("upgrade", false),
        ] {
            sender.send("upgrade 1.30.3".to_owned()).unwrap();
            let mut asked = Box::pin(terminal.confirms("?", "upgrade 1.30.3"));
            // The question is asked, and what was typed before it is gone.
            assert!(futures::poll!(&mut asked).is_pending());
            sender.send(typed.to_owned()).unwrap();
            assert_eq!(asked.await, yes, "{typed:?}");
        }
        drop(sender);
        assert!(!terminal.confirms("?", "upgrade 1.30.3").await);
        assert!(terminal.is_gone());
    }
}
