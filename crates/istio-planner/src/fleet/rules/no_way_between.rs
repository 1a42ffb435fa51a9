//! `fleet-no-way-between`: a cluster on a network of its own has no gateway that leads to it.

use super::{Code, Finding, MULTICLUSTER, Situation, Told};
use crate::explain::Explanation;
use crate::outcome::Level;
use crate::words::enumerate;

/// What `refit explain fleet-no-way-between` says.
pub(super) const EXPLANATION: Explanation = Explanation {
    meaning: "Clusters of one mesh are on different networks, and the export of one shows no east-west gateway: no Service \
              with the label istio=eastwestgateway or topology.istio.io/network, no Gateway of the class istio-east-west.",
    why: "Pods of another network are reached by such a gateway alone. Its endpoints are left out of what proxies elsewhere \
          are told, so requests to it fail or stay in the caller's cluster.",
    settle: "Install an east-west gateway in that cluster and expose its services, or set its network to that of the others \
             where pods reach each other.",
    source: "istio.io, Install Multi-Primary on different networks; 1.30.3:pilot/pkg/model/network.go",
    link: MULTICLUSTER,
};

pub(super) fn check(situation: &Situation) -> Vec<Finding> {
    let meshes = situation.meshes();
    meshes
        .filter_map(|(_, all)| {
            let networks: Vec<_> = all
                .iter()
                .filter_map(|it| Some((it.0, it.1, it.1.network.as_ref()?)))
                .collect();
            let lacking: Vec<_> = networks
                .iter()
                .filter(|it| it.1.shows_services && it.1.east_west.is_empty())
                .filter(|it| networks.iter().any(|other| other.2.value != it.2.value))
                .collect();
            // One gateway leads to all clusters of its network.
            let lacking: Vec<_> = lacking
                .into_iter()
                .filter(|it| {
                    let mates = networks.iter().filter(|other| other.2.value == it.2.value);
                    mates.into_iter().all(|it| it.1.east_west.is_empty())
                })
                .collect();
            let names: Vec<&str> = lacking.iter().map(|it| it.0).collect();
            if names.is_empty() {
                return None;
            }
            let told = Told {
                code: Code::NoWayBetween,
                level: Level::Warn,
                title: format!("No gateway leads to the network of {}", enumerate(&names)),
                detail: "Other clusters of the mesh are on another network, and reach pods there by an east-west gateway \
                         alone, of which the export shows none"
                    .to_owned(),
                fix: "Install an east-west gateway there, or correct values.global.network".to_owned(),
            };
            Some(told.about(lacking.iter().map(|it| it.2.of(it.0)).collect()))
        })
        .collect()
}
