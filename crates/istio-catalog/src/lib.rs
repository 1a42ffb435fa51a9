//! Facts of Istio releases, 1.6 to the newest: data and look-ups, no decisions.
//!
//! [`Catalog::embedded`] is the way to what release archives hold, [`Facts::embedded`] to what is known besides: dates,
//! support, registries, bulletins. [`Version`] is how every crate reads and compares versions.
//!
//! # Where the facts come from
//!
//! - `data/1.N.json` is written by `cargo xtask catalog ARCHIVE…` from release archives. Each file holds what the first
//!   patch changed since the first patch of the minor before, and then what each patch changed since the one before;
//!   `build.rs` packs them into the crate.
//! - `data/facts.json` is written by `cargo xtask facts FOLDER` and is what `--facts FILE` replaces.
//! - `data/kept.json` is kept by hand and names its sources.

mod bulletin;
mod catalog;
mod component;
mod defaults;
mod delta;
mod facts;
mod kept;
mod registry;
mod release;
mod revision;
mod version;

pub use bulletin::{Affected, Bulletin, Precondition};
pub use catalog::Catalog;
pub use component::ComponentName;
pub use defaults::{NotShipped, merge};
pub use delta::Delta;
pub use facts::{API_VERSION, Correction, EndOfLife, Facts, FactsError, Support, days_between};
pub use kept::{GatewayApiLimit, KubernetesBounds};
pub use registry::{Ending, HubRange, Outage, Place, Registry, SigningKey, State};
pub use release::{Archive, Overlays, Release};
pub use revision::{DEFAULT_REVISION, revisioned, stated_revision};
pub use version::{Minor, NotAVersion, Version};
