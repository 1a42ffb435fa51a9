//! `control-plane-not-rendered`: an apply without istiod leaves it behind everything else (domain §5.4).

use super::Code;
use super::Explanation;
use super::Situation;
use super::links::SUPPORT;
use crate::outcome::{Finding, Level, Subject};
use istio_catalog::ComponentName;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "The request does not render istiod, though one runs and would have to change its version.",
    why: "Everything else would go to the target while istiod and its injector stay: gateways, CNI and ztunnel ahead \
          of their control plane, which is supported in no release, and restarted workloads get the old proxy again.",
    settle: "Leave `components.pilot` enabled, with the settings of the installation (`refit recover` writes them). \
             Gateways alone can be applied once istiod runs the target.",
    source: "istio.io, Supported releases (control plane and data plane skew)",
    link: SUPPORT,
};

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let (Some(desired), Some(plane), Some(from), Some(to)) = (
        situation.desired,
        situation.control_plane(),
        situation.from,
        situation.to,
    ) else {
        return Vec::new();
    };
    if from == to || is_rendered(desired.rendering) {
        return Vec::new();
    }
    let finding = Finding::new(
        Code::ControlPlaneNotRendered,
        Level::Block,
        format!("The request leaves istiod out, so it stays at {from}"),
        format!(
            "What the request does render goes to {to}, ahead of its control plane in {}; workloads that are restarted get \
             the proxy of {from} again",
            plane.namespace
        ),
    );
    let setting = Subject::default().field("spec.components.pilot.enabled");
    let deployment = situation
        .istiod_deployment(plane)
        .map(super::workload_subject);
    vec![
        finding.about(deployment.into_iter().chain([setting])).fix(
            "Leave `components.pilot` enabled; apply gateways alone once istiod runs the target",
        ),
    ]
}

/// Whether a request renders istiod, or what stands for it in a remote cluster.
pub(crate) fn is_rendered(rendering: &istio_render::Rendering) -> bool {
    rendering
        .components
        .iter()
        .any(|it| it.name == ComponentName::Pilot)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::check;
    use crate::rules::fixture::Cluster;

    #[test]
    fn a_request_without_istiod_leaves_it_old() {
        let mut cluster = Cluster::new();
        cluster.render("IngressGateways", json!({}));
        assert_eq!(cluster.codes(check), ["control-plane-not-rendered Block"]);
        cluster.request.to = "1.29.6".to_owned();
        assert!(cluster.check(check).is_empty());
    }

    #[test]
    fn nothing_is_said_of_a_request_with_istiod() {
        let mut cluster = Cluster::new();
        cluster.render("Pilot", json!({}));
        assert!(cluster.check(check).is_empty());
    }
}
