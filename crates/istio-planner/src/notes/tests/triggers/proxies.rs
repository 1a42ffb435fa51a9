//! Proxies: sidecars, telemetry, ambient.

use super::super::{NAMESPACE, istiod, mesh};
use super::*;

pub(super) fn sidecars() -> Vec<Case> {
    let node = |kubelet: &str| {
        format!(
            "\n{{apiVersion: v1, kind: Node, metadata: {{name: n-{kubelet}}}, status: {{nodeInfo: {{kubeletVersion: {kubelet}}}}}}}\n"
        )
    };
    let pod = |containers: &str| {
        format!(
            "\n{{apiVersion: v1, kind: Pod, metadata: {{name: p, namespace: shop, annotations: {{sidecar.istio.io/status: '{{}}'}}}},
 spec: {{{containers}}}}}\n"
        )
    };
    let classic = pod("containers: [{name: istio-proxy, image: i}]");
    let capture = "defaultConfig: {proxyMetadata: {ISTIO_META_DNS_CAPTURE: \"true\"}}";
    let exclude = "traffic.sidecar.istio.io/excludeOutboundPorts";
    let filter = |value: &str| networking("EnvoyFilter", &format!("configPatches: [{{{value}}}]"));
    vec![
        case(
            "native-sidecars",
            ("n-v1.33.1", "status.nodeInfo.kubeletVersion"),
            both(node("v1.33.1"), &classic),
            both(both(node("v1.33.1"), node("v1.32.9")), &classic),
        ),
        case(
            "native-sidecars-mixed-nodes",
            ("n-v1.32.9", "status.nodeInfo.kubeletVersion"),
            both(both(node("v1.33.1"), node("v1.32.9")), &classic),
            both(node("v1.32.9"), &classic),
        ),
        case(
            "dns-upstream-random",
            (
                "istio",
                "data.mesh.defaultConfig.proxyMetadata.ISTIO_META_DNS_CAPTURE",
            ),
            mesh(capture),
            mesh("defaultConfig: {proxyMetadata: {ISTIO_META_DNS_CAPTURE: \"false\"}}"),
        ),
        case(
            "startup-probe",
            (
                "w",
                "spec.template.metadata.annotations[readiness.status.sidecar.istio.io/periodSeconds]",
            ),
            annotated("readiness.status.sidecar.istio.io/periodSeconds", "1"),
            annotated("status.sidecar.istio.io/port", "1"),
        ),
        case(
            "core-dump-annotation",
            (
                "w",
                "spec.template.metadata.annotations[sidecar.istio.io/enableCoreDump]",
            ),
            annotated("sidecar.istio.io/enableCoreDump", "true"),
            annotated("sidecar.istio.io/enableCoreDump", "false"),
        ),
        case(
            "dns-respects-exclusions",
            (
                "w",
                "spec.template.metadata.annotations[traffic.sidecar.istio.io/excludeOutboundPorts]",
            ),
            both(mesh(capture), annotated(exclude, "3306, 53")),
            // Another port; and without DNS capture there is nothing to lose.
            annotated(exclude, "53"),
        ),
        case(
            "virtual-interfaces-annotation",
            (
                "w",
                "spec.template.metadata.annotations[traffic.sidecar.istio.io/kubevirtInterfaces]",
            ),
            annotated("traffic.sidecar.istio.io/kubevirtInterfaces", "net1"),
            annotated("istio.io/reroute-virtual-interfaces", "net1"),
        ),
        case(
            "delta-xds",
            ("x", "spec.configPatches"),
            filter("applyTo: BOOTSTRAP, patch: {value: {dynamic_resources: {ads_config: {}}}}"),
            filter("applyTo: BOOTSTRAP, patch: {value: {stats_config: {}}}"),
        ),
        case(
            "bootstrap-xds",
            ("x", "spec.configPatches"),
            both(
                mesh("defaultConfig: {proxyMetadata: {BOOTSTRAP_XDS_AGENT: \"true\"}}"),
                filter("applyTo: BOOTSTRAP"),
            ),
            filter("applyTo: BOOTSTRAP"),
        ),
        case(
            "first-party-jwt",
            (
                "istiod",
                "spec.template.spec.containers[name=discovery].env[name=JWT_POLICY]",
            ),
            istiod("JWT_POLICY", "first-party-jwt"),
            istiod("JWT_POLICY", "third-party-jwt"),
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table of cases")]
pub(super) fn telemetry() -> Vec<Case> {
    let zipkin = own("Service", "v1", "zipkin", "spec: {type: ClusterIP}");
    let telemetry = |spec: &str| {
        object(
            "telemetry.istio.io/v1",
            "Telemetry",
            "t",
            &format!("spec: {{{spec}}}"),
        )
    };
    let own_filter = |name: &str| {
        own(
            "EnvoyFilter",
            "networking.istio.io/v1alpha3",
            name,
            "spec: {configPatches: []}",
        )
    };
    let provider = |kind: &str| mesh(&format!("extensionProviders: [{{name: p, {kind}: {{}}}}]"));
    let matcher = "defaultConfig: {proxyStatsMatcher: {inclusionPrefixes: [cluster]}}";
    vec![
        case(
            "default-tracing",
            ("zipkin", "metadata.name"),
            both(
                &zipkin,
                mesh("defaultConfig: {tracing: {zipkin: {address: zipkin.istio-system:9411}}}"),
            ),
            both(
                &zipkin,
                telemetry("tracing: [{providers: [{name: zipkin}]}]"),
            ),
        ),
        case(
            "telemetry-expressions",
            ("t", "spec.accessLogging[0].filter.expression"),
            telemetry(
                "accessLogging: [{filter: {expression: 'node.id == \"a\" || response.code >= 400'}}]",
            ),
            telemetry(
                "accessLogging: [{filter: {expression: 'xds.node.id == \"a\" && response.code >= 400'}}]",
            ),
        ),
        case(
            "telemetry-filters-gone",
            ("stats-filter-1.19", "metadata.name"),
            own_filter("stats-filter-1.19"),
            own_filter("headers"),
        ),
        case(
            "opencensus-provider-gone",
            ("istio", "data.mesh.extensionProviders[0].opencensus"),
            provider("opencensus"),
            provider("opentelemetry"),
        ),
        case(
            "opencensus-gone",
            ("istio", "data.mesh.defaultConfig.tracing.openCensusAgent"),
            mesh("defaultConfig: {tracing: {openCensusAgent: {address: a}}}"),
            mesh("defaultConfig: {tracing: {zipkin: {address: a}}}"),
        ),
        case(
            "dns-certificates-gone",
            ("istio", "data.mesh.certificates"),
            mesh("certificates: [{secretName: a, dnsNames: [a.b.svc]}]"),
            mesh("caCertificates: [{pem: a}]"),
        ),
        case(
            "lightstep-gone",
            ("istio", "data.mesh.extensionProviders[0].lightstep"),
            provider("lightstep"),
            provider("opentelemetry"),
        ),
        case(
            "stackdriver-gone",
            ("istio", "data.mesh.extensionProviders[0].stackdriver"),
            provider("stackdriver"),
            provider("opentelemetry"),
        ),
        case(
            "stats-tag-patterns",
            ("istio", "data.mesh.defaultConfig.extraStatTags"),
            mesh("defaultConfig: {extraStatTags: [a]}"),
            mesh("defaultConfig: {concurrency: 2}"),
        ),
        case(
            "deferred-clusters",
            ("istio", "data.mesh.defaultConfig.proxyStatsMatcher"),
            mesh(matcher),
            mesh("{}"),
        ),
        case(
            "deferred-metrics",
            (
                "w",
                "spec.template.metadata.annotations[sidecar.istio.io/statsInclusionPrefixes]",
            ),
            annotated("sidecar.istio.io/statsInclusionPrefixes", "cluster"),
            annotated("sidecar.istio.io/rewriteAppHTTPProbers", "true"),
        ),
        case(
            "stats-compression-annotation",
            (
                "w",
                "spec.template.metadata.annotations[sidecar.istio.io/statsCompression]",
            ),
            annotated("sidecar.istio.io/statsCompression", "true"),
            annotated("proxy.istio.io/config", "statsCompression: true"),
        ),
        case(
            "upstream-span-for-gateway",
            ("t", "spec.tracing"),
            telemetry("tracing: [{providers: [{name: otel}]}]"),
            telemetry("accessLogging: [{providers: [{name: envoy}]}]"),
        ),
        case(
            "json-log-order",
            ("istio", "data.mesh.accessLogEncoding"),
            mesh("accessLogEncoding: JSON"),
            mesh("accessLogEncoding: TEXT"),
        ),
        case(
            "grafana-dashboards",
            ("grafana", "metadata.name"),
            workload(
                "Deployment",
                NAMESPACE,
                "grafana",
                "labels: {app: grafana}",
                "containers: []",
            ),
            workload(
                "Deployment",
                "monitoring",
                "grafana",
                "labels: {app: grafana}",
                "containers: []",
            ),
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table of cases")]
pub(super) fn ambient() -> Vec<Case> {
    let namespace = |labels: &str| {
        format!(
            "\n{{apiVersion: v1, kind: Namespace, metadata: {{name: shop, labels: {{{labels}}}}}}}\n"
        )
    };
    let ambient = namespace("istio.io/dataplane-mode: ambient");
    let waypoint = gateway("", "gatewayClassName: istio-waypoint");
    let ingress = "\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: istio-ingressgateway, namespace: shop,
 labels: {operator.istio.io/component: IngressGateways}}, spec: {selector: {}, template: {metadata: {}, spec: {containers: []}}}}\n";
    let policy = |namespace: &str| {
        object(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "np",
            "spec: {podSelector: {}}",
        )
        .replace("shop", namespace)
    };
    let host = "hostNetwork: true, containers: []";
    let privileged = |it: bool| {
        format!(
            "containers: [{{name: install-cni, image: i, securityContext: {{privileged: {it}}}}}]"
        )
    };
    let dry = "{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, spec: {},
              metadata: {name: d, namespace: shop, annotations: {istio.io/dry-run: 'true'}}}\n";
    let dry_on = both(
        istiod("AMBIENT_ENABLE_DRY_RUN_AUTHORIZATION_POLICY", "true"),
        ztunnel("ztunnel"),
    );
    let helm = |release: &str| {
        ztunnel("ztunnel").replace(
            "name: ztunnel, namespace: istio-system}",
            &format!("name: ztunnel, namespace: istio-system, annotations: {{meta.helm.sh/release-name: {release}}}}}"),
        )
    };
    vec![
        case(
            "waypoint-attachment",
            ("g", "spec.gatewayClassName"),
            &*waypoint,
            both(&waypoint, namespace("istio.io/use-waypoint: g")),
        ),
        case(
            "ambient-redirection-annotation",
            (
                "w",
                "spec.template.metadata.annotations[ambient.istio.io/redirection]",
            ),
            annotated("ambient.istio.io/redirection", "disabled"),
            annotated("ambient.istio.io/redirection", "enabled"),
        ),
        case(
            "ambient-dns-capture",
            ("istio-cni-config", "data.AMBIENT_DNS_CAPTURE"),
            cni(&format!("{AMBIENT_ON}, AMBIENT_DNS_CAPTURE: 'false'")),
            both(
                cni(&format!("{AMBIENT_ON}, AMBIENT_DNS_CAPTURE: 'true'")),
                ztunnel("ztunnel"),
            ),
        ),
        case(
            "iptables-reconciled",
            (
                "istio-cni-config",
                "data.AMBIENT_RECONCILE_POD_RULES_ON_STARTUP",
            ),
            cni(AMBIENT_ON),
            cni("AMBIENT_ENABLED: 'false'"),
        ),
        case(
            "excluded-namespaces-leave",
            ("shop", "metadata.labels[istio.io/dataplane-mode]"),
            both(
                cni(&format!(
                    "{AMBIENT_ON}, EXCLUDE_NAMESPACES: 'kube-system, shop'"
                )),
                &ambient,
            ),
            both(
                cni(&format!("{AMBIENT_ON}, EXCLUDE_NAMESPACES: kube-system")),
                &ambient,
            ),
        ),
        case(
            "ambient-gateways-excluded",
            ("istio-ingressgateway", "metadata.namespace"),
            both(&ambient, ingress),
            ingress,
        ),
        case(
            "cni-own-network",
            ("np", "spec.podSelector"),
            both(cni_agent(host), policy(NAMESPACE)),
            both(cni_agent(host), policy("shop")),
        ),
        case(
            "cni-unprivileged",
            (
                "istio-cni-node",
                "spec.template.spec.containers[name=install-cni].securityContext.privileged",
            ),
            cni_agent(&privileged(true)),
            cni_agent(&privileged(false)),
        ),
        case(
            "cni-file-mode",
            ("istio-cni-node", "metadata.name"),
            cni_agent("containers: []"),
            ztunnel("ztunnel"),
        ),
        case(
            "ztunnel-names",
            ("ztunnel", "metadata.annotations[meta.helm.sh/release-name]"),
            helm("mesh"),
            helm("ztunnel"),
        ),
        case(
            "ztunnel-names-fixed",
            ("mesh", "metadata.name"),
            ztunnel("mesh"),
            ztunnel("ztunnel"),
        ),
        case(
            "dry-run-policies-ambient",
            ("d", "metadata.annotations[istio.io/dry-run]"),
            both(&dry_on, format!("\n{dry}")),
            format!("\n{dry}"),
        ),
        case(
            "multi-network-ingress",
            ("g", "spec.gatewayClassName"),
            both(
                gateway("", "gatewayClassName: istio-east-west"),
                ztunnel("ztunnel"),
            ),
            gateway("", "gatewayClassName: istio-east-west"),
        ),
    ]
}
