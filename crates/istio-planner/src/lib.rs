//! Plans in-place upgrades and downgrades of Istio.
//!
//! [`plan`] turns an [`Input`] into an [`Outcome`]. Beside it there are smaller questions, each a function of its own.
//!
//! # Invariants
//!
//! - No I/O, no clock, no randomness, no globals: equal inputs give byte-equal outcomes, natively and in WebAssembly.
//! - A wrong request is a finding, never a panic and never an `Err`. Only unreadable input is an error.
//! - What the export does not show is *unknown*, never "ok".

// Documents: what is put in and what comes out.
pub mod edit;
pub mod input;
pub mod outcome;
pub mod plan;
pub mod snapshot;

// Questions.
pub mod compare;
pub mod customisation;
pub mod dataplane;
pub mod defaults;
pub mod explain;
pub mod fleet;
pub mod needs;
pub mod profile;
pub mod readiness;

// Words.
pub mod report;

// What executor and tests work with, object by object.
pub mod credentials;
pub mod desired;
pub mod diff;
pub mod digest;
pub mod images;
pub mod inventory;
pub mod order;

mod acceptance;
mod cel;
mod crds;
mod fingerprint;
mod hops;
mod kubernetes;
mod notes;
mod path;
mod planning;
mod rendering;
mod rules;
mod words;

pub use input::{Acceptance, Input, Request, RequestFile, required};
pub use istio_catalog::Facts;
pub use outcome::{Code, Outcome};
pub use planning::{Planned, plan, plan_with_objects};
pub use rules::Explanation;
