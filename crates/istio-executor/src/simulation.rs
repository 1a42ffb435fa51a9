//! Real runs of the executor against a model of the API server, by a seed: faults of the network and of the server, lost
//! answers, admission, others who write, a second executor, clocks that jump, kills between any two requests.
//!
//! What has to hold, whatever happens: the end is the plan or the state before; the lease is never held twice, and nothing
//! is written without it; nothing that no plan names is written, and nothing before its journal; there is no moment without
//! an injector; every stop leaves a way on.
//!
//! The world is `kube-model`, held against a real control plane by `tests/suite/control_plane/model.rs`. What seeds found is
//! kept as tests of their own beside what was wrong (`lease/tests.rs`, `run/back/tests.rs`, `apply/tests.rs`).
//!
//! `REFIT_SEED=N` repeats one run and tells every request of it; `REFIT_LONG` makes 100,000 runs.

#![expect(
    clippy::large_futures,
    clippy::needless_pass_by_value,
    clippy::too_many_lines,
    reason = "a run is one future on one thread, and a plan is one list of objects that are made where they are named"
)]

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use network::lock;
use story::Story;

mod controllers;
mod dice;
mod ends;
mod installation;
mod network;
mod story;
mod witness;

/// Runs of every gate.
const SEEDS: u64 = 1_000;

/// Runs of `--long`.
const LONG: u64 = 100_000;

/// Failures that are shown.
const SHOWN: usize = 3;

fn run(seed: u64) -> Result<(), String> {
    // Time stands still but where everybody waits: hours pass in milliseconds.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        crate::clock::simulated::begin();
        Story::new(seed).run().await
    })
}

/// Runs seeds on all cores, and returns what did not hold.
fn run_all(seeds: Range<u64>) -> Vec<String> {
    let (next, failed) = (AtomicU64::new(seeds.start), Mutex::new(Vec::new()));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        while lock(&failed).len() < SHOWN {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            if let Err(why) = run(seed) {
                lock(&failed).push(format!("seed {seed}: {why}\n{}", again(seed)));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The command that repeats a run.
fn again(seed: u64) -> String {
    format!("again: REFIT_SEED={seed} cargo test -p istio-executor --lib simulation")
}

#[test]
fn whatever_happens_the_end_is_the_plan_or_the_state_before() {
    let number = |it: &str| std::env::var(it).ok()?.parse::<u64>().ok();
    let seeds = match number("REFIT_SEED") {
        Some(seed) => seed..seed + 1,
        None if std::env::var_os("REFIT_LONG").is_some() => 0..LONG,
        None => 0..SEEDS,
    };
    let failed = run_all(seeds);
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
