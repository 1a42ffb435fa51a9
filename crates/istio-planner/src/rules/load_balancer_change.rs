//! `load-balancer-change`: a gateway's Service changes in what a load balancer sees.

use super::Explanation;

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "A gateway's Service changes in its type, ports, node ports, selector, class or annotations.",
    why: "The cloud's load balancer may get another address, drop connections, or stop serving a port.",
    settle: "Compare the fields in `changes`; put into the request what has to stay.",
    source: "v1 Service, spec.type, spec.ports and status.loadBalancer",
    link: None,
};
