//! Smaller changes of minor releases.

use super::super::{istiod, mesh};
use super::*;

fn waypoint(class: &str) -> String {
    both(
        istiod("AMBIENT_ENABLE_MULTI_NETWORK", "true"),
        gateway("", &format!("gatewayClassName: {class}, listeners: []")),
    )
}

fn kiali(namespace: &str) -> String {
    workload(
        "Deployment",
        namespace,
        "kiali",
        "labels: {app: kiali}",
        "containers: []",
    )
}

pub(super) fn facts() -> Vec<Case> {
    let pod = "\n{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop, labels: {app: a}},
 spec: {containers: [{name: istio-proxy, image: 'docker.io/istio/proxyv2:1.19.0'}, {name: a, image: a}]}, status: {phase: Running}}\n";
    let service = |app: &str| {
        object(
            "v1",
            "Service",
            "s",
            &format!("spec: {{selector: {{app: {app}}}}}"),
        )
    };
    let nearby = |app: &str| {
        let rule = networking(
            "DestinationRule",
            "host: a, trafficPolicy: {loadBalancer: {localityLbSetting: {enabled: true}}}",
        );
        both(both(pod, service(app)), rule)
    };
    let entry = |port: &str| {
        let entry = networking(
            "ServiceEntry",
            &format!("hosts: [a], workloadSelector: {{labels: {{a: b}}}}, ports: [{{{port}}}]"),
        );
        both(entry, cni(AMBIENT_ON))
    };
    let limited = |name: &str| {
        istiod(name, "1").replace(
            "name: discovery,",
            "name: discovery, resources: {limits: {memory: 2Gi}},",
        )
    };
    let egress = |mode: &str| {
        networking(
            "Sidecar",
            &format!("egress: [{{captureMode: {mode}, hosts: ['*/*']}}]"),
        )
    };
    vec![
        case(
            "locality-without-service",
            ("p", "metadata.labels"),
            nearby("b"),
            nearby("a"),
        ),
        case(
            "port-names-in-ztunnel",
            ("x", "spec.ports[0]"),
            entry("name: http, number: 80"),
            entry("name: http, number: 80, targetPort: 8080"),
        ),
        case(
            "control-characters-refused",
            (
                "w",
                "spec.template.metadata.annotations[sidecar.istio.io/proxyCPU]",
            ),
            annotated("sidecar.istio.io/proxyCPU", "100m").replace("'100m'", "\"100m\\n\""),
            annotated("sidecar.istio.io/proxyCPU", "100m"),
        ),
        case(
            "waypoints-reach-networks",
            ("g", "spec.gatewayClassName"),
            waypoint("istio-waypoint"),
            waypoint("istio"),
        ),
        case(
            "connections-per-event-bound",
            ("x", "spec.egress[0].captureMode"),
            egress("NONE"),
            both(
                egress("IPTABLES"),
                mesh("defaultConfig: {interceptionMode: REDIRECT}"),
            ),
        ),
        case(
            "istiod-memory-target",
            (
                "istiod",
                "spec.template.spec.containers[name=discovery].resources.limits.memory",
            ),
            limited("A"),
            limited("AUTOMEMLIMIT"),
        ),
        case(
            "debug-of-own-namespace",
            ("kiali", "metadata.namespace"),
            kiali("watch"),
            kiali(NAMESPACE),
        ),
    ]
}
