//! Carries out plans of Istio upgrades: everything that touches the world.
//!
//! # Invariants
//!
//! - The executor decides nothing: it compares, acts, records. Drift stops it.
//! - Nothing is written to the cluster that was not first written to the journal, with the object as it was.
//! - Going on after a stop is [`journal::next`], a pure function of the plan and the journal.
//! - One executor at a time: nothing is written without the lease, which alone makes a [`cluster::Writer`].
//! - What carries a plan out, puts it back and goes on with it is [`run`], below the command line.
//! - `kube` stays in [`cluster`]; Secrets' data never reach a snapshot, a journal or an output.

pub mod apply;
pub mod cli;
mod clock;
pub mod cluster;
pub mod diagnostic;
pub mod drift;
mod duration;
pub mod error;
pub mod export;
pub mod fields;
pub mod fleet;
pub mod gate;
mod http;
pub mod interruption;
pub mod job;
pub mod journal;
pub mod lease;
pub mod output;
pub mod planning;
pub mod rbac;
pub mod registry;
pub mod rehearsal;
pub mod release;
pub mod restart;
pub mod run;
pub mod serve;
#[cfg(test)]
mod simulation;
pub mod snapshot;
pub mod wait;
