//! `fleet-cluster-missing`: a cluster of the mesh is not in the fleet.

use std::collections::BTreeMap;

use super::{Code, Finding, MULTICLUSTER, Situation, Told};
use crate::explain::Explanation;
use crate::fleet::Evidence;
use crate::outcome::Level;
use crate::words::enumerate;

/// What `refit explain fleet-cluster-missing` says.
pub(super) const EXPLANATION: Explanation = Explanation {
    meaning: "istiod of some cluster reads another one by a remote secret, or a cluster is served by a control plane at some \
              address, and no export of the fleet is of that cluster.",
    why: "What runs there is not known: its istiod could be too old or too new for the rest of the mesh, its root certificate \
          another one, and the order in which clusters are upgraded cannot be told.",
    settle: "Export that cluster, too. Where it is gone, delete the remote secret; where its name is not in its export, set \
             values.global.multiCluster.clusterName.",
    source: "1.30.3:pkg/kube/multicluster/secretcontroller.go; 1.30.3:manifests/charts/istio-control/istio-discovery",
    link: MULTICLUSTER,
};

pub(super) fn check(situation: &Situation) -> Vec<Finding> {
    let names: Vec<&str> = situation
        .all()
        .filter_map(|it| Some(it.1.cluster.as_ref()?.value.as_str()))
        .collect();
    let mut missing: BTreeMap<&str, Vec<Evidence>> = BTreeMap::new();
    for (name, identity) in situation.all() {
        for read in &identity.reads {
            if !names.contains(&read.value.as_str()) {
                missing.entry(&read.value).or_default().push(read.of(name));
            }
        }
    }
    let mut findings = Vec::new();
    if !missing.is_empty() {
        let lacking: Vec<&str> = missing.keys().copied().collect();
        let is = if lacking.len() == 1 { "is" } else { "are" };
        let told = Told {
            code: Code::ClusterMissing,
            level: Level::Unknown,
            title: format!("{} {is} of the mesh, and not in the fleet", enumerate(&lacking)),
            detail: "istiod reads these clusters by remote secrets; what runs there, and in which version, no export of the \
                     fleet shows"
                .to_owned(),
            fix: "Export these clusters, too, or delete the remote secrets of clusters that are gone".to_owned(),
        };
        findings.push(told.about(missing.into_values().flatten().collect()));
    }
    findings.extend(unserved(situation));
    findings
}

/// Remote clusters whose control plane no export shows.
fn unserved(situation: &Situation) -> Option<Finding> {
    let served: Vec<usize> = situation
        .groups
        .iter()
        .flat_map(|it| it.served.keys().copied())
        .collect();
    let members = situation.members.iter().enumerate();
    let alone: Vec<_> = members
        .filter(|it| !served.contains(&it.0))
        .filter_map(|(_, it)| Some((it.name.as_str(), &it.read.as_ref().ok()?.identity)))
        .filter(|it| it.1.control_planes.is_empty() && !it.1.served_from.is_empty())
        .collect();
    let names: Vec<&str> = alone.iter().map(|it| it.0).collect();
    if names.is_empty() {
        return None;
    }
    let told = Told {
        code: Code::ClusterMissing,
        level: Level::Unknown,
        title: format!("The control plane of {} is not in the fleet", enumerate(&names)),
        detail: "Proxies there are served from an address that no Service of the other exports has, so it is not known \
                 which release serves them"
            .to_owned(),
        fix: "Export the cluster of their control plane, with its Services, too".to_owned(),
    };
    let subjects = alone
        .iter()
        .flat_map(|(name, it)| it.served_from.iter().map(|it| it.of(name)));
    Some(told.about(subjects.collect()))
}
