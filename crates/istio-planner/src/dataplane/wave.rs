//! The order in which workloads are restarted: gateways first, then one namespace after the other (domain.md §8.5).

use std::collections::BTreeMap;

use crate::inventory::{Role, controller, is_active, role};
use crate::outcome::{Ref, Restart, RestartHow};
use crate::snapshot::Snapshot;

/// Workloads that are restarted together.
#[derive(Debug, Clone, PartialEq)]
pub struct Wave {
    /// `gateways`, or the namespace.
    pub name: String,
    /// Sorted as they came.
    pub restarts: Vec<Restart>,
}

/// Returns the waves of a restart; what renews itself, and what no restart helps, is in none.
pub fn waves(snapshot: &Snapshot, restarts: &[Restart]) -> Vec<Wave> {
    let gateways: Vec<Ref> = snapshot
        .pods
        .values()
        .filter(|it| is_active(it) && role(it) == Role::Gateway)
        .map(|it| controller(snapshot, it).object)
        .collect();
    // The empty name sorts before every namespace.
    let mut waves: BTreeMap<&str, Vec<Restart>> = BTreeMap::new();
    for restart in restarts
        .iter()
        .filter(|it| !matches!(it.how, RestartHow::Auto | RestartHow::None))
    {
        let namespace = restart.object.namespace.as_deref().unwrap_or("default");
        let wave = if gateways.contains(&restart.object) {
            ""
        } else {
            namespace
        };
        waves.entry(wave).or_default().push(restart.clone());
    }
    waves
        .into_iter()
        .map(|(name, restarts)| Wave {
            name: if name.is_empty() { "gateways" } else { name }.to_owned(),
            restarts,
        })
        .collect()
}
