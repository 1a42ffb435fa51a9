//! Ctrl-C and SIGTERM: the first asks to stop between two steps, the second stops at once.

use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Listens for the user's, or the system's, wish to end.
#[derive(Debug)]
pub struct Interruption {
    asked: watch::Receiver<u32>,
    listener: JoinHandle<()>,
}

impl Interruption {
    /// Begins to listen. From here on a signal no longer ends the process by itself.
    pub fn listen() -> Self {
        let (count, asked) = watch::channel(0);
        let listener = tokio::spawn(async move {
            loop {
                signal().await;
                count.send_modify(|it| *it += 1);
                if *count.borrow() == 1 {
                    crate::output::note(
                        "stopping after what is being written now; once more stops at once",
                    );
                }
            }
        });
        Self { asked, listener }
    }

    /// Whether it was asked to stop.
    pub fn is_asked(&self) -> bool {
        *self.asked.borrow() > 0
    }

    /// Ends when it is asked to stop.
    pub async fn asked(&self) {
        self.times(1).await;
    }

    /// Ends when it is asked to stop at once.
    pub async fn demanded(&self) {
        self.times(2).await;
    }

    async fn times(&self, times: u32) {
        let mut asked = self.asked.clone();
        if asked.wait_for(|it| *it >= times).await.is_err() {
            // Nobody listens any more, so nobody asks.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Interruption {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// Waits for Ctrl-C or SIGTERM.
pub(crate) async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
