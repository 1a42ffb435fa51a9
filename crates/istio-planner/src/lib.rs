//! Plans in-place upgrades and downgrades of Istio.
//!
//! [`plan`] is the only entry point: it turns an [`Input`] into an [`Outcome`].
//!
//! # Invariants
//!
//! - No I/O, no clock, no randomness, no globals: equal inputs give byte-equal outcomes, natively and in WebAssembly.
//! - A wrong request is a finding, never a panic and never an `Err`. Only unreadable input is an error.
//! - What the export does not show is *unknown*, never "ok".

mod cel;
pub mod compare;
pub mod customisation;
pub mod dataplane;
pub mod defaulting;
pub mod defaults;
pub mod desired;
pub mod diff;
pub mod digest;
pub mod edit;
pub mod explain;
pub mod finding;
mod fingerprint;
mod hops;
pub mod images;
pub mod input;
pub mod inventory;
pub mod notes;
pub mod order;
pub mod outcome;
pub mod ownership;
mod path;
pub mod plan;
mod planning;
pub mod profile;
mod rendering;
pub mod report;
mod rules;
pub mod schema;
pub mod snapshot;

pub use compare::{Planned, plan_with_objects};
pub use input::{Input, Request, RequestFile, required};
pub use istio_catalog::Facts;
pub use outcome::Outcome;
pub use planning::plan;
