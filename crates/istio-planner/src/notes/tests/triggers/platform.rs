//! What stands around: gateways, security, installation.

use super::super::{NAMESPACE, istiod, mesh};
use super::*;

#[expect(clippy::too_many_lines, reason = "a table of cases")]
pub(super) fn gateways() -> Vec<Case> {
    let selector = |key: &str| {
        object(
            "security.istio.io/v1",
            "AuthorizationPolicy",
            "a",
            &format!("spec: {{selector: {{matchLabels: {{{key}: g}}}}}}"),
        )
    };
    let old = selector("istio.io/gateway-name");
    let new = selector("gateway.networking.k8s.io/gateway-name");
    let pod = |namespace: &str| {
        format!(
            "\n{{apiVersion: v1, kind: Pod, metadata: {{name: p, namespace: {namespace}, labels: {{gateway.networking.k8s.io/gateway-name: g}}}}, spec: {{}}}}\n"
        )
    };
    let istio_gateway = networking(
        "Gateway",
        "selector: {gateway.networking.k8s.io/gateway-name: g}, servers: []",
    );
    let listener = |protocol: &str| {
        gateway(
            "",
            &format!(
                "gatewayClassName: istio, listeners: [{{name: l, port: 1, protocol: {protocol}}}]"
            ),
        )
    };
    vec![
        case(
            "gateway-name-label-changes",
            ("a", "spec.selector.matchLabels[istio.io/gateway-name]"),
            &*old,
            &*new,
        ),
        case(
            "gateway-name-label-gone",
            ("a", "spec.selector.matchLabels[istio.io/gateway-name]"),
            &*old,
            &*new,
        ),
        case(
            "gateway-attributes-copied",
            ("g", "metadata.labels"),
            gateway(", labels: {team: a}", "gatewayClassName: istio"),
            gateway(
                ", annotations: {kubectl.kubernetes.io/last-applied-configuration: x}",
                "gatewayClassName: istio",
            ),
        ),
        case(
            "multi-network-gateways",
            ("g", "metadata.labels[topology.istio.io/network]"),
            gateway(", labels: {topology.istio.io/network: net}", ""),
            gateway("", ""),
        ),
        case(
            "strict-gateway-merging",
            ("x", "spec.selector"),
            both(&istio_gateway, pod("other")),
            both(&istio_gateway, pod("shop")),
        ),
        case(
            "tls-listeners",
            ("g", "spec.listeners[0].protocol"),
            listener("TLS"),
            listener("HTTPS"),
        ),
        case(
            "backend-tls-policy-alpha-gone",
            ("b", "apiVersion"),
            object(
                "gateway.networking.k8s.io/v1alpha3",
                "BackendTLSPolicy",
                "b",
                "spec: {}",
            ),
            object("gateway.networking.k8s.io/v1", "HTTPRoute", "b", "spec: {}"),
        ),
        case(
            "inference-pool-alpha-gone",
            ("i", "apiVersion"),
            object(
                "inference.networking.x-k8s.io/v1alpha2",
                "InferencePool",
                "i",
                "spec: {}",
            ),
            object(
                "inference.networking.k8s.io/v1",
                "InferencePool",
                "i",
                "spec: {}",
            ),
        ),
        case(
            "gateway-agents-encrypted",
            ("g", "spec.gatewayClassName"),
            gateway("", "gatewayClassName: istio-agentgateway"),
            gateway("", "gatewayClassName: istio"),
        ),
    ]
}

pub(super) fn security() -> Vec<Case> {
    let kiali = |namespace: &str| {
        workload(
            "Deployment",
            namespace,
            "kiali",
            "labels: {app: kiali}",
            "containers: []",
        )
    };
    let rule = |source: &str| {
        object(
            "security.istio.io/v1",
            "AuthorizationPolicy",
            "a",
            &format!("spec: {{rules: [{{from: [{{source: {{{source}}}}}]}}]}}"),
        )
    };
    let keys = |rule: &str| {
        object(
            "security.istio.io/v1",
            "RequestAuthentication",
            "r",
            &format!("spec: {{jwtRules: [{{{rule}}}]}}"),
        )
    };
    vec![
        case(
            "debug-endpoints",
            ("kiali", "metadata.namespace"),
            kiali("monitoring"),
            kiali(NAMESPACE),
        ),
        case(
            "debug-over-xds",
            ("kiali", "metadata.namespace"),
            kiali("monitoring"),
            kiali(NAMESPACE),
        ),
        case(
            "configuration-over-xds",
            ("istio", "data.mesh.configSources[0].address"),
            mesh("configSources: [{address: \"xds://istiod.other:15012\"}]"),
            mesh("configSources: [{address: \"k8s://\"}]"),
        ),
        case(
            "jwks-fail-closed",
            ("r", "spec.jwtRules[0].jwksUri"),
            keys("issuer: i, jwksUri: 'https://a.org'"),
            keys("issuer: i, jwks: '{}'"),
        ),
        case(
            "policy-names-literal",
            ("a", "spec.rules[0].from[0].source.principals[0]"),
            rule("principals: ['*/sa/my.app']"),
            both(
                rule("principals: ['cluster.local/ns/a/sa/my.app']"),
                rule("namespaces: [tools]").replace("name: a", "name: b"),
            ),
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table of cases")]
pub(super) fn install() -> Vec<Case> {
    let endpoints = |name: &str| own("Endpoints", "v1", name, "subsets: []");
    let service = |spec: &str| own("Service", "v1", "istiod", &format!("spec: {{{spec}}}"));
    let crd = |annotations: &str| {
        format!(
            "\n{{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition,
 metadata: {{name: gateways.networking.istio.io, annotations: {{{annotations}}}}}, spec: {{group: networking.istio.io}}}}\n"
        )
    };
    let release = "\n{apiVersion: v1, kind: Secret, type: helm.sh/release.v1,
 metadata: {name: sh.helm.release.v1.istio-base.v1, namespace: istio-system, labels: {owner: helm, name: istio-base}}}\n";
    let server =
        |version: &str| format!("\n{{\"serverVersion\": {{\"gitVersion\": \"{version}\"}}}}\n");
    vec![
        case(
            "installed-state-gone",
            ("installed-state", "metadata.name"),
            operator("installed-state", ""),
            operator("mine", ""),
        ),
        case(
            "in-cluster-operator-gone",
            ("istio-operator", "metadata.name"),
            workload(
                "Deployment",
                "istio-operator",
                "istio-operator",
                "labels: {}",
                "containers: []",
            ),
            workload(
                "Deployment",
                "istio-operator",
                "other",
                "labels: {}",
                "containers: []",
            ),
        ),
        case(
            "external-profile-gone",
            ("mine", "spec.profile"),
            operator("mine", "profile: external"),
            operator("mine", "profile: remote"),
        ),
        case(
            "istiod-remote-gone",
            ("mine", "spec.components.istiodRemote.enabled"),
            operator("mine", "components: {istiodRemote: {enabled: true}}"),
            operator("mine", "components: {istiodRemote: {enabled: false}}"),
        ),
        case(
            "crds-templated",
            (
                "gateways.networking.istio.io",
                "metadata.annotations[meta.helm.sh/release-name]",
            ),
            both(release, crd("")),
            both(release, crd("meta.helm.sh/release-name: istio-base")),
        ),
        case(
            "cni-values-moved",
            ("mine", "spec.values.istio_cni"),
            operator("mine", "values: {istio_cni: {enabled: true}}"),
            operator("mine", "values: {pilot: {cni: {enabled: true}}}"),
        ),
        case(
            "values-gone",
            ("mine", "spec.values.pilot.useMCP"),
            operator("mine", "values: {pilot: {useMCP: true}}"),
            operator("mine", "values: {pilot: {replicaCount: 2}}"),
        ),
        case(
            "cni-policy-role-gone",
            ("mine", "spec.values.cni.psp_cluster_role"),
            operator("mine", "values: {cni: {psp_cluster_role: enabled}}"),
            operator("mine", "values: {cni: {enabled: true}}"),
        ),
        case(
            "cni-privileged-gone",
            ("mine", "spec.values.cni.privileged"),
            operator("mine", "values: {cni: {privileged: true}}"),
            operator("mine", "values: {cni: {enabled: true}}"),
        ),
        case(
            "multi-cluster-values-gone",
            ("mine", "spec.values.global.multiCluster.enabled"),
            operator("mine", "values: {global: {multiCluster: {enabled: true}}}"),
            operator("mine", "values: {global: {multiCluster: {clusterName: a}}}"),
        ),
        case(
            "cni-log-level",
            ("mine", "spec.values.cni.logLevel"),
            operator("mine", "values: {cni: {logLevel: info}}"),
            operator("mine", "values: {cni: {logging: {level: info}}}"),
        ),
        case(
            "image-registry",
            ("istiod", "spec.template.spec.containers[0].image"),
            istiod("A", "b"),
            istiod("A", "b").replace("docker.io/istio", "registry.example.org/istio"),
        ),
        case(
            "image-registry-back",
            ("istiod", "spec.template.spec.containers[0].image"),
            istiod("A", "b").replace("docker.io/istio", "registry.istio.io/release"),
            istiod("A", "b"),
        ),
        case(
            "untaint-controller",
            (
                "istiod",
                "spec.template.spec.containers[name=discovery].env[name=PILOT_ENABLE_NODE_UNTAINT_CONTROLLERS]",
            ),
            istiod("PILOT_ENABLE_NODE_UNTAINT_CONTROLLERS", "true"),
            istiod("A", "b"),
        ),
        case(
            "gke-detected",
            ("istio-cni-node", "metadata.namespace"),
            both(cni_agent("containers: []"), server("v1.33.4-gke.1")),
            both(cni_agent("containers: []"), server("v1.33.4")),
        ),
        case(
            "remote-endpoint-slices",
            ("istiod", "subsets"),
            both(endpoints("istiod"), service("type: ClusterIP")),
            both(endpoints("istiod"), service("selector: {app: istiod}")),
        ),
    ]
}
