//! What time it is by this machine's clock: the one place that asks (`clippy.toml` of this crate holds the rest to that).
//!
//! It may jump. What must not jump counts by [`tokio::time::Instant`].

#![expect(
    clippy::disallowed_methods,
    reason = "this is where the system's clock is asked"
)]

use std::time::{Duration, SystemTime};

use k8s_openapi::jiff::Timestamp;

/// Returns the time of day.
pub(crate) fn now() -> Timestamp {
    #[cfg(test)]
    if let Some(now) = simulated::now() {
        return now;
    }
    Timestamp::now()
}

/// Returns the same as the system has it.
pub(crate) fn system() -> SystemTime {
    #[cfg(test)]
    if let Some(now) = simulated::now() {
        return now.into();
    }
    SystemTime::now()
}

/// Returns how long ago a time was; nothing where it has not come yet.
pub(crate) fn since(time: SystemTime) -> Option<Duration> {
    system().duration_since(time).ok()
}

/// A clock that goes as tokio's does, so that hours pass in no time, and that jumps where a test wants it.
#[cfg(test)]
pub(crate) mod simulated {
    use std::cell::Cell;

    use k8s_openapi::jiff::{SignedDuration, Timestamp};
    use tokio::time::Instant;

    /// Where it begins: 2026-01-01T00:00:00Z.
    const BEGIN: i64 = 1_767_225_600;

    thread_local! {
        /// When it began, and by how many milliseconds it has jumped since.
        static CLOCK: Cell<Option<(Instant, i64)>> = const { Cell::new(None) };
    }

    /// Lets this thread's clock begin now.
    pub(crate) fn begin() {
        CLOCK.set(Some((Instant::now(), 0)));
    }

    /// Lets it jump by so many milliseconds.
    pub(crate) fn jump(milliseconds: i64) {
        CLOCK.set(
            CLOCK
                .get()
                .map(|(began, jumped)| (began, jumped + milliseconds)),
        );
    }

    pub(super) fn now() -> Option<Timestamp> {
        let (began, jumped) = CLOCK.get()?;
        let gone = SignedDuration::try_from(began.elapsed()).ok()?;
        Timestamp::from_second(BEGIN)
            .ok()?
            .checked_add(gone + SignedDuration::from_millis(jumped))
            .ok()
    }
}
