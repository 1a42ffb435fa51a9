//! Which clusters of a fleet are of one mesh, and in which order they are upgraded.

use std::collections::BTreeMap;

use super::Member;
use super::identity::Role;

/// Clusters of one mesh, by their places in the fleet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Group {
    /// In the fleet's order.
    pub(super) members: Vec<usize>,
    /// Which of them serves the proxies of another, as far as the exports tell: the remote one, then the primary.
    pub(super) served: BTreeMap<usize, usize>,
}

/// Groups the clusters: those that share a mesh id, those that read each other, and remote ones with what serves them.
/// Every cluster is in one group.
pub(super) fn groups(members: &[Member]) -> Vec<Group> {
    let mut sets = Sets::new(members.len());
    let mut by_id: BTreeMap<&str, usize> = BTreeMap::new();
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut by_address: BTreeMap<&str, usize> = BTreeMap::new();
    let known = || members.iter().enumerate().filter_map(known);
    for (at, identity) in known() {
        if let Some(id) = &identity.mesh {
            let first = *by_id.entry(id.value.as_str()).or_insert(at);
            sets.join(first, at);
        }
        if let Some(name) = &identity.cluster {
            by_name.entry(name.value.as_str()).or_default().push(at);
        }
        for address in &identity.addresses {
            by_address.entry(address).or_insert(at);
        }
    }
    for (at, identity) in known() {
        for read in &identity.reads {
            for other in by_name.get(read.value.as_str()).into_iter().flatten() {
                sets.join(at, *other);
            }
        }
    }
    let mut served = BTreeMap::new();
    for (at, identity) in known() {
        let primary = identity
            .served_from
            .iter()
            .find_map(|it| by_address.get(it.value.as_str()));
        if let Some(primary) = primary.filter(|it| **it != at) {
            sets.join(at, *primary);
            served.insert(at, *primary);
        }
    }
    let mut groups: BTreeMap<usize, Group> = BTreeMap::new();
    for at in 0..members.len() {
        let group = groups.entry(sets.root(at)).or_default();
        group.members.push(at);
        group.served.extend(served.get(&at).map(|it| (at, *it)));
    }
    groups.into_values().collect()
}

impl Group {
    /// What is done first, and what after it: primary clusters, external control planes, then those that they serve.
    /// Clusters whose part is not known come last.
    pub(super) fn order(&self, members: &[Member]) -> Vec<Vec<usize>> {
        let mut waves: BTreeMap<Role, Vec<usize>> = BTreeMap::new();
        for at in &self.members {
            let identity = members.get(*at).and_then(|it| known((*at, it)));
            let role = identity.map_or(Role::Unknown, |it| it.1.role());
            waves.entry(role).or_default().push(*at);
        }
        waves.into_values().collect()
    }
}

/// A cluster whose export could be read.
fn known((at, member): (usize, &Member)) -> Option<(usize, &super::Identity)> {
    Some((at, &member.read.as_ref().ok()?.identity))
}

/// Disjoint sets; the root of each is its smallest member.
struct Sets(Vec<usize>);

impl Sets {
    fn new(number: usize) -> Self {
        Self((0..number).collect())
    }

    fn root(&self, of: usize) -> usize {
        let mut at = of;
        while let Some(up) = self.0.get(at).filter(|it| **it != at) {
            at = *up;
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        if let Some(place) = self.0.get_mut(a.max(b)) {
            *place = a.min(b);
        }
    }
}
