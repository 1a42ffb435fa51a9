//! `load-balancer-change`: a gateway's Service changes in what a load balancer sees.

use super::Code;
use super::Explanation;
use super::Situation;
use super::changes::{about, changes, fields, is_below, is_gateways};
use crate::outcome::{Finding, Level};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A gateway's Service changes in its type, ports, node ports, selector, class or annotations.",
    why: "The cloud's load balancer may get another address, drop connections, or stop serving a port.",
    settle: "Compare the fields in `changes`; put into the request what has to stay.",
    source: "v1 Service, spec.type, spec.ports and status.loadBalancer",
    link: None,
};

/// Fields of a Service that a load balancer sees.
const BALANCED: [&str; 18] = [
    "metadata.annotations",
    "spec.type",
    "spec.ports",
    "spec.selector",
    "spec.loadBalancerClass",
    "spec.loadBalancerIP",
    "spec.loadBalancerSourceRanges",
    "spec.externalTrafficPolicy",
    "spec.internalTrafficPolicy",
    "spec.trafficDistribution",
    "spec.allocateLoadBalancerNodePorts",
    "spec.healthCheckNodePort",
    "spec.externalIPs",
    "spec.externalName",
    "spec.ipFamilies",
    "spec.ipFamilyPolicy",
    "spec.sessionAffinity",
    "spec.sessionAffinityConfig",
];

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let subjects = fields(situation.snapshot, changes(situation), |change, field| {
        change.object.kind == "Service"
            && is_gateways(&change.component)
            && BALANCED.iter().any(|it| is_below(&field.path, it))
    });
    let finding = Finding::new(
        Code::LoadBalancerChange,
        Level::Warn,
        "What load balancers see of a gateway changes",
        "The apply changes fields of a gateway's Service by which a cloud provider sets up its load balancer; it may \
         drop connections, open or close ports, or make a new address",
    );
    let finding = about(
        finding,
        subjects,
        "Set what is to stay in the request: the gateway's `k8s.service` and `serviceAnnotations`",
    );
    finding.into_iter().collect()
}
