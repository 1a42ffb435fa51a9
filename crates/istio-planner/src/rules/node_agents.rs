//! ztunnel and the CNI plug-in, one pod on each node (domain §8.3).
//!
//! ztunnel at 1.x goes with a control plane at 1.x or 1.x+1 (istio.io, ambient/upgrade/helm), so istiod goes first in an
//! upgrade and last in a downgrade; the plan's steps are ordered so (domain §8.5).

use super::Situation;
use crate::outcome::{Change, Subject};
use istio_catalog::ComponentName;

/// Changes of the agents.
pub(super) fn agents<'a>(situation: &Situation<'a>) -> impl Iterator<Item = &'a Change> {
    let changes = situation.desired.map(|it| it.changes).unwrap_or_default();
    changes.iter().filter(|it| {
        let name = ComponentName::parse(&it.component);
        it.object.kind == "DaemonSet" && name.is_some_and(ComponentName::is_node_agent)
    })
}

pub(super) fn subjects(situation: &Situation, changes: &[&Change]) -> Vec<Subject> {
    let of = |change: &&Change| match situation.snapshot.objects.get(&change.object) {
        Some(kept) => Subject::kept(&change.object, kept),
        None => Subject::new(change.object.clone()),
    };
    changes.iter().map(of).collect()
}

pub(super) fn has(changes: &[&Change], component: ComponentName) -> bool {
    changes.iter().any(|it| it.component == component)
}
