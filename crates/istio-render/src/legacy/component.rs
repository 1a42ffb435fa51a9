//! Components of 1.8 to 1.23 (1.23.6:operator/pkg/translate/translate.go:118-176, 1.7.8: the same file, 110-205).

use serde_json::{Map, Value};

use crate::operator::merge::{get, get_str};

/// What istioctl knows of a component.
#[derive(Debug)]
pub(super) struct Kind {
    /// As in the label `operator.istio.io/component`.
    pub(super) name: &'static str,
    /// Below `spec.components`.
    pub(super) key: &'static str,
    /// Below `charts/`.
    pub(super) chart: &'static str,
    /// Where its values are.
    pub(super) root: &'static [&'static str],
    /// Kind, name and container of its workload.
    pub(super) workload: (&'static str, &'static str, &'static str),
    pub(super) is_gateway: bool,
    /// The first minor that has it.
    since: u64,
}

/// In the order in which istioctl renders them.
const KINDS: [Kind; 7] = [
    Kind {
        name: "Base",
        key: "base",
        chart: "base",
        root: &["global"],
        workload: ("", "", ""),
        is_gateway: false,
        since: 0,
    },
    Kind {
        name: "Pilot",
        key: "pilot",
        chart: "istio-control/istio-discovery",
        root: &["pilot"],
        workload: ("Deployment", "istiod", "discovery"),
        is_gateway: false,
        since: 0,
    },
    Kind {
        name: "Cni",
        key: "cni",
        chart: "istio-cni",
        root: &["cni"],
        workload: ("DaemonSet", "istio-cni-node", "install-cni"),
        is_gateway: false,
        since: 0,
    },
    Kind {
        name: "IstiodRemote",
        key: "istiodRemote",
        chart: "istiod-remote",
        root: &["global"],
        workload: ("", "", ""),
        is_gateway: false,
        since: 8,
    },
    Kind {
        name: "Ztunnel",
        key: "ztunnel",
        chart: "ztunnel",
        root: &["ztunnel"],
        workload: ("DaemonSet", "ztunnel", "istio-proxy"),
        is_gateway: false,
        since: 18,
    },
    Kind {
        name: "IngressGateways",
        key: "ingressGateways",
        chart: "gateways/istio-ingress",
        root: &["gateways", "istio-ingressgateway"],
        workload: ("Deployment", "istio-ingressgateway", "istio-proxy"),
        is_gateway: true,
        since: 0,
    },
    Kind {
        name: "EgressGateways",
        key: "egressGateways",
        chart: "gateways/istio-egress",
        root: &["gateways", "istio-egressgateway"],
        workload: ("Deployment", "istio-egressgateway", "istio-proxy"),
        is_gateway: true,
        since: 0,
    },
];

/// One component to render, or one gateway of it.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) kind: &'static Kind,
    /// A gateway's name; empty for other components.
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) spec: Map<String, Value>,
    /// Where its part of the `IstioOperator` stands.
    pub(super) path: String,
}

/// Components that a minor has, but gateways.
pub(super) fn core(minor: u64) -> impl DoubleEndedIterator<Item = &'static Kind> {
    KINDS
        .iter()
        .filter(move |it| !it.is_gateway && it.since <= minor)
}

/// Returns what a spec turns on: `enabled` must be there and true.
pub(super) fn instances(spec: &Value, minor: u64) -> Vec<Instance> {
    let mut instances = Vec::new();
    for kind in KINDS.iter().filter(|it| it.since <= minor) {
        let path = format!("spec.components.{}", kind.key);
        match get(spec, &["components", kind.key]) {
            Some(Value::Array(elements)) if kind.is_gateway => {
                let elements = elements
                    .iter()
                    .enumerate()
                    .filter_map(|(index, it)| Some((index, it.as_object()?)));
                instances.extend(elements.map(|(index, it)| {
                    Instance {
                        kind,
                        name: it
                            .get("name")
                            .and_then(Value::as_str)
                            .unwrap_or_default()
                            .to_owned(),
                        namespace: namespace_of(it, spec),
                        spec: it.clone(),
                        path: format!("{path}.[{index}]"),
                    }
                }));
            }
            Some(Value::Object(it)) if !kind.is_gateway => {
                instances.push(Instance {
                    kind,
                    name: String::new(),
                    namespace: namespace_of(it, spec),
                    spec: it.clone(),
                    path,
                });
            }
            _ => {}
        }
    }
    instances.retain(|it| it.spec.get("enabled").and_then(Value::as_bool) == Some(true));
    instances
}

/// A component's own namespace, else the control plane's (1.23.6:operator/pkg/apis/istio/v1alpha1/common.go:27-46).
pub(super) fn namespace_of(component: &Map<String, Value>, spec: &Value) -> String {
    let own = component
        .get("namespace")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let namespaces = [
        own,
        get_str(spec, &["namespace"]),
        get_str(spec, &["values", "global", "istioNamespace"]),
    ];
    namespaces
        .into_iter()
        .find(|it| !it.is_empty())
        .unwrap_or_default()
        .to_owned()
}
