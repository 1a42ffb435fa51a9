//! Facts of Istio releases, 1.6 to the newest: data and look-ups, no decisions.
//!
//! [`Catalog::embedded`] is the way in; [`Version`] is how every crate reads and compares versions.
//!
//! # Where the facts come from
//!
//! - `data/1.N.json` is written by `cargo xtask catalog ARCHIVE…` from release archives. Each file holds only what
//!   changed since the minor before it; `build.rs` packs them into the crate.
//! - `data/facts.json` is kept by hand and names its sources.

mod catalog;
mod defaults;
mod delta;
mod facts;
mod release;
mod version;

pub use catalog::{Catalog, RemovedSetting};
pub use defaults::{NotShipped, merge};
pub use delta::Delta;
pub use facts::{EndOfLife, GatewayApiLimit, KubernetesBounds};
pub use release::{Archive, Overlays, Release};
pub use version::{Minor, NotAVersion, Version};
