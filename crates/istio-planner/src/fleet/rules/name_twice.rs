//! `fleet-name-twice`: two clusters of one mesh have the same name.

use std::collections::BTreeMap;

use super::{Code, Finding, MULTICLUSTER, Situation, Told};
use crate::explain::Explanation;
use crate::outcome::Level;
use crate::words::enumerate;

/// What `refit explain fleet-name-twice` says.
pub(super) const EXPLANATION: Explanation = Explanation {
    meaning: "Two clusters of one mesh have the same values.global.multiCluster.clusterName.",
    why: "istiod tells clusters apart by that name alone: endpoints of one are taken for those of the other, and locality and \
          network of proxies come from the wrong one.",
    settle: "Give each cluster a name of its own, in its IstioOperator and in the remote secrets that lead to it, before the \
             upgrade: proxies take the name with their next restart.",
    source: "1.30.3:pkg/kube/multicluster/secretcontroller.go (a second cluster of a name is refused)",
    link: MULTICLUSTER,
};

pub(super) fn check(situation: &Situation) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, all) in situation.meshes() {
        let mut by_name: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for (name, identity) in all {
            if let Some(cluster) = &identity.cluster {
                by_name
                    .entry(&cluster.value)
                    .or_default()
                    .push((name, cluster, identity));
            }
        }
        for (cluster, all) in by_name {
            let uids = |at: usize| {
                all.get(at)
                    .map(|it| it.2.uids.iter().map(|it| &it.value).collect::<Vec<_>>())
            };
            // The same cluster exported twice has its own finding.
            let is_one = uids(0).is_some_and(|it| !it.is_empty())
                && (1..all.len()).all(|at| uids(at) == uids(0));
            if all.len() < 2 || is_one {
                continue;
            }
            let names: Vec<&str> = all.iter().map(|it| it.0).collect();
            let told = Told {
                code: Code::NameTwice,
                level: Level::Warn,
                title: format!("{} are all called {cluster} in their mesh", enumerate(&names)),
                detail: "istiod tells clusters apart by this name alone, so it takes endpoints of one for those of the other"
                    .to_owned(),
                fix: "Give each a values.global.multiCluster.clusterName of its own, and make the remote secrets again"
                    .to_owned(),
            };
            findings.push(told.about(all.iter().map(|it| it.1.of(it.0)).collect()));
        }
    }
    findings
}
