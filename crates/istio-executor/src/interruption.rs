//! Ctrl-C and SIGTERM: the first asks to stop between two steps, the second ends the process wherever it is.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::error::Error;

/// What a shell returns for a process that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// How long giving the lease back and writing down how far it came may take once everything has to end.
pub(crate) const GRACE: Duration = Duration::from_secs(4);

/// Listens for the user's, or the system's, wish to end.
#[derive(Debug)]
pub struct Interruption {
    asked: watch::Receiver<u32>,
    listener: JoinHandle<()>,
}

impl Interruption {
    /// Begins to listen. From here on the first signal no longer ends the process by itself.
    pub fn listen() -> Self {
        let (count, asked) = watch::channel(0);
        let listener = tokio::spawn(async move {
            loop {
                signal().await;
                count.send_modify(|it| *it += 1);
                let times = *count.borrow();
                match times {
                    1 => crate::output::note(
                        "stopping after what is being written now; once more stops at once",
                    ),
                    // A thread: whatever holds the rest up does not hold it up. The journal is only ever appended to, and
                    // half a line at its end counts for nothing.
                    2 => drop(std::thread::spawn(|| {
                        std::thread::sleep(GRACE);
                        std::process::exit(INTERRUPTED);
                    })),
                    _ => std::process::exit(INTERRUPTED),
                }
            }
        });
        Self { asked, listener }
    }

    /// One that a test asks.
    #[cfg(test)]
    pub(crate) fn by(asked: watch::Receiver<u32>) -> Self {
        Self {
            asked,
            listener: tokio::spawn(async {}),
        }
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

    /// Does what changes nothing, and stops it when it is asked to stop.
    pub async fn unless_asked<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            biased;
            done = work => done,
            () = self.asked() => Err(Error::stopped()),
        }
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
                biased;
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
