//! `fleet-gateway-api-differs`: clusters joined by gateways of the Gateway API have its CRDs of different releases.

use std::collections::BTreeSet;

use super::{Code, Finding, Situation, Told};
use crate::explain::Explanation;
use crate::outcome::Level;
use crate::words::enumerate;

/// What `refit explain fleet-gateway-api-differs` says.
pub(super) const EXPLANATION: Explanation = Explanation {
    meaning: "Clusters of one mesh are joined by east-west gateways of the Gateway API, and its CRDs there are of different \
              releases (annotation gateway.networking.k8s.io/bundle-version).",
    why: "Each istiod reads the Gateways of its own cluster by the CRDs that are there: a release of Istio ignores a bundle \
          that is too old, so that one cluster loses its way to the others while the rest keeps theirs.",
    settle: "Bring the CRDs of all clusters of the mesh to one release that the target reads, before the upgrade.",
    source: "1.30.3:pilot/pkg/config/kube/crdclient; domain §6.2",
    link: Some("https://istio.io/latest/docs/tasks/traffic-management/ingress/gateway-api/"),
};

pub(super) fn check(situation: &Situation) -> Vec<Finding> {
    let meshes = situation.meshes();
    meshes
        .filter_map(|(_, all)| {
            let bundles: Vec<_> = all
                .iter()
                .filter(|it| it.1.east_west_api)
                .filter_map(|it| Some((it.0, it.1.bundle.as_ref()?)))
                .collect();
            let different: BTreeSet<&str> = bundles.iter().map(|it| it.1.value.as_str()).collect();
            if different.len() < 2 {
                return None;
            }
            let names: Vec<&str> = bundles.iter().map(|it| it.0).collect();
            let told = Told {
                code: Code::GatewayApiDiffers,
                level: Level::Warn,
                title: format!("{} have different releases of the Gateway API", enumerate(&names)),
                detail: format!(
                    "They are joined by east-west gateways of the Gateway API, and its CRDs are of {}",
                    enumerate(&different.into_iter().collect::<Vec<_>>())
                ),
                fix: "Bring the Gateway API's CRDs of all of them to one release that the target reads".to_owned(),
            };
            Some(told.about(bundles.iter().map(|it| it.1.of(it.0)).collect()))
        })
        .collect()
}
