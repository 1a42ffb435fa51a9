//! `istiod-rolls-gateways`: the new istiod itself replaces gateways and waypoints.

use super::Explanation;
use super::links::GATEWAY_API;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Gateways and waypoints that istiod makes from Gateway objects are replaced by the new istiod itself.",
    why: "It does so at once and for all of them, in the step that replaces istiod, without waiting for anything between \
          them. An istiod that leads at once may fail to do it, so that they stay old until it is restarted.",
    settle: "Have two replicas and a budget for each; pin a Gateway by the label istio.io/rev to take it out; watch the \
             Deployments after the step, and restart istiod where they stay old.",
    source: "1.31:pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go:133-146,372-455",
    link: GATEWAY_API,
};
