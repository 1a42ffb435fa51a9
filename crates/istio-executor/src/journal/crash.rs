//! For tests of what a crash leaves behind: this process ends at a chosen point, as by `kill -9`.
//!
//! `REFIT_CRASH=record:N` ends it after record N of the journal (counted from 1), `write:N` after the Nth write of this
//! process to the cluster was answered and before that is written down. Without the variable nothing happens, and a build without the
//! feature `crash-points` does not look at it.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Record;

static WRITES: AtomicUsize = AtomicUsize::new(0);

/// A record was written.
pub(super) fn point(records: &[Record]) {
    if chosen("record") == Some(records.len()) {
        std::process::abort();
    }
}

/// The cluster answered a write.
pub(crate) fn written() {
    let number = WRITES.fetch_add(1, Ordering::SeqCst) + 1;
    if chosen("write") == Some(number) {
        std::process::abort();
    }
}

fn chosen(kind: &str) -> Option<usize> {
    let value = std::env::var("REFIT_CRASH").ok()?;
    let (found, number) = value.split_once(':')?;
    (found == kind).then(|| number.parse().ok())?
}
