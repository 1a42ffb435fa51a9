//! Ctrl-C and SIGTERM outside of a run, which listens for itself.

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::interruption;

/// Hears signals from its beginning to its end, whoever else hears them.
#[derive(Debug)]
pub(super) struct Signal {
    came: watch::Receiver<bool>,
    listener: JoinHandle<()>,
}

impl Signal {
    /// Begins to listen.
    pub(super) fn listen() -> Self {
        let (sender, came) = watch::channel(false);
        let listener = tokio::spawn(async move {
            interruption::signal().await;
            sender.send_replace(true);
            // Whoever waits for it later finds it.
            sender.closed().await;
        });
        Self { came, listener }
    }

    /// Whether one came.
    pub(super) fn has_come(&self) -> bool {
        *self.came.borrow()
    }

    /// Ends when one comes.
    pub(super) async fn came(&mut self) {
        if self.came.wait_for(|it| *it).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        self.listener.abort();
    }
}
