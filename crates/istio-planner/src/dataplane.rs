//! The data plane: which injector a pod gets, and which workloads keep an old proxy until they are restarted
//! (domain §8).
//!
//! # Invariants
//!
//! - Webhooks are selected as the API server selects them: by labels of namespace and pod, never by revision names.
//! - A restart that would take a proxy away, or restart none, is never proposed.

use istio_catalog::Version;

use crate::outcome::{Change, ControlPlane};

mod after;
mod check_inject;
mod gateway;
mod images;
mod injector;
mod native;
mod policy;
pub(crate) mod refusal;
mod restart;
pub(crate) mod selector;
#[cfg(test)]
mod tests;
mod trouble;
mod wave;

pub(crate) use check_inject::namespace_labels;
pub(crate) use images::Injected;

pub use check_inject::{InjectError, InjectReport, InjectRequest, PassedOver, check_inject};
pub use restart::{Renewals, restarts};
pub use trouble::Trouble;
pub use wave::{Grouping, Share, Wave, waves};

/// What an upgrade does to the objects that decide about injection.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The control plane that is upgraded.
    pub plane: &'a ControlPlane,
    /// The version asked for.
    pub to: &'a Version,
    /// What the apply does to each object, with the predicted objects; empty where nothing was rendered. Objects that
    /// are not named stay as they are.
    pub changes: &'a [Change],
}
