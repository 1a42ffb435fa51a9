//! Settings of the installation, recovered from the cluster, and those of them that a request would revert
//! (domain §7.4).
//!
//! istioctl keeps no record of what an installation was asked for. What it applied tells: the resource
//! `installed-state` up to 1.20, the ConfigMap `values` from 1.26 on, and everywhere the applied objects themselves.
//!
//! # Invariants
//!
//! - What a profile, a release or istioctl's own translation sets is no setting of the installation.
//! - A setting is reverted only if the target would end up with another value, whoever gives it.

mod applied;
mod components;
mod guesses;
mod identity;
mod installed_state;
mod overlays;
mod part;
mod profile;
mod recovery;
mod residue;
mod reverted;
mod search;
mod setting;
mod steps;
mod tracked;
mod unknown;
mod values;

pub(crate) use recovery::charts;
pub use recovery::{Recovery, Unexplained, recover};
pub(crate) use reverted::{After, reverted};
pub(crate) use setting::{Installation, Setting};
pub(crate) use unknown::unknown;
pub(crate) use values::compatibility_version;

use istio_catalog::{Catalog, Version};

use crate::input::Input;
use crate::outcome::{ControlPlane, Inventory};
use crate::rendering;
use values::Stamps;

/// Returns the settings of an installation, as far as the cluster tells them.
///
/// The best of three sources speaks alone: `installed-state` holds everything, the ConfigMap `values` what the istiod
/// chart was given; else, where the source's release was found, what it would have applied by default is subtracted from
/// what it did apply. `None` where none of them is there, or the catalogue does not know the release.
pub(crate) fn installation(
    input: &Input,
    inventory: &Inventory,
    plane: &ControlPlane,
    source: &Version,
) -> Option<Installation> {
    let Input {
        snapshot, releases, ..
    } = input;
    let stamps = Stamps {
        version: source,
        known: input.known(),
    };
    let known = Catalog::embedded().release(source)?;
    installed_state::read(snapshot, plane, source, known)
        .or_else(|| values::read(snapshot, inventory, plane, known, stamps))
        .or_else(|| {
            applied::read(
                snapshot,
                inventory,
                plane,
                rendering::find(releases, source)?,
                None,
                stamps,
            )
        })
}
