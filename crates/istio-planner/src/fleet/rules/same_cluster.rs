//! `fleet-same-cluster`: two exports are of the very same cluster.

use std::collections::BTreeMap;

use super::{Code, Finding, Situation, Told};
use crate::explain::Explanation;
use crate::outcome::Level;
use crate::words::enumerate;

/// What `refit explain fleet-same-cluster` says.
pub(super) const EXPLANATION: Explanation = Explanation {
    meaning: "Two exports of the fleet are of the very same cluster: their namespace kube-system has one uid.",
    why: "Two plans for one cluster stand in each other's way: the second finds what the first has changed. Most often two \
          contexts lead to one cluster, or an older export lies beside a newer one.",
    settle: "Leave one of them out.",
    source: "Kubernetes: metadata.uid is unique over space and time, and kube-system is made with its cluster",
    link: Some("https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#uids"),
};

pub(super) fn check(situation: &Situation) -> Vec<Finding> {
    let mut by_uid: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for (name, identity) in situation.all() {
        for uid in &identity.uids {
            by_uid.entry(&uid.value).or_default().push((name, uid));
        }
    }
    let twice = by_uid.into_values().filter(|it| it.len() > 1);
    twice
        .map(|all| {
            let names: Vec<&str> = all.iter().map(|it| it.0).collect();
            Told {
                code: Code::SameCluster,
                level: Level::Block,
                title: format!("{} are the same cluster", enumerate(&names)),
                detail: "The namespace kube-system of these exports has one uid, so they show one cluster, and their plans \
                         would change it twice"
                    .to_owned(),
                fix: "Leave all but one of them out".to_owned(),
            }
            .about(all.iter().map(|(name, uid)| uid.of(name)).collect())
        })
        .collect()
}
