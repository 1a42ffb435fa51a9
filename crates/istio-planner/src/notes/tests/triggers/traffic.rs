//! Traffic: routes, destinations, hosts.

use super::super::mesh;
use super::*;

pub(super) fn routing() -> Vec<Case> {
    let service = |spec: &str| object("v1", "Service", "s", &format!("spec: {{{spec}}}"));
    let route = |http: &str| {
        networking(
            "VirtualService",
            &format!("hosts: [a.org], http: [{{{http}}}]"),
        )
    };
    let hosts = |name: &str, hosts: &str, more: &str| {
        object(
            "networking.istio.io/v1beta1",
            "VirtualService",
            name,
            &format!("spec: {{hosts: ['{hosts}']{more}}}"),
        )
    };
    let filter = |patch: &str| networking("EnvoyFilter", &format!("configPatches: [{{{patch}}}]"));
    vec![
        case(
            "external-name-alias",
            ("s", "spec.type"),
            service("type: ExternalName, externalName: x.org"),
            service("type: ClusterIP"),
        ),
        case(
            "overlapping-wildcard-hosts",
            ("narrow", "spec.hosts[0]"),
            both(
                hosts("narrow", "*.a.org", ", gateways: [g, mesh]"),
                hosts("wide", "*.org", ""),
            ),
            // Not the same gateway; and hosts that only look alike.
            both(
                both(
                    hosts("narrow", "*.a.org", ", gateways: [g]"),
                    hosts("wide", "*.org", ""),
                ),
                hosts("other", "*.bb.org", ", gateways: [g]"),
            ),
        ),
        case(
            "default-retry-without-503",
            ("x", "spec.http[0].retries"),
            route("retries: {attempts: 3}"),
            both(
                route("retries: {attempts: 3, retryOn: '5xx'}"),
                route("retries: {attempts: 0}"),
            ),
        ),
        case(
            "inbound-retry-policy",
            ("x", "spec.configPatches"),
            filter("applyTo: HTTP_ROUTE, patch: {value: {route: {retry_policy: {}}}}"),
            filter("applyTo: HTTP_ROUTE, patch: {value: {route: {timeout: 1s}}}"),
        ),
        case(
            "traffic-distribution-zone",
            ("s", "spec.trafficDistribution"),
            service("trafficDistribution: PreferClose"),
            service("trafficDistribution: PreferSameNode"),
        ),
        case(
            "mirror-host-suffix",
            ("x", "spec.http[0].mirror"),
            route("mirror: {host: b}"),
            route("route: [{destination: {host: b}}]"),
        ),
        case(
            "internal-headers",
            ("x", "spec.http"),
            route("match: [{headers: {x-envoy-attempt-count: {exact: '1'}}}]"),
            route("match: [{headers: {x-request-id: {exact: '1'}}}]"),
        ),
        case(
            "filter-order",
            ("x", "spec.configPatches[0].patch.operation"),
            filter("applyTo: NETWORK_FILTER, patch: {operation: INSERT_BEFORE}"),
            both(
                filter("applyTo: NETWORK_FILTER, patch: {operation: MERGE}"),
                filter("applyTo: CLUSTER, patch: {operation: ADD}"),
            ),
        ),
        case(
            "envoy-filters-gone",
            ("x", "spec.configPatches"),
            filter("patch: {value: {name: sni_verifier}}"),
            filter("patch: {value: {name: envoy.filters.http.lua}}"),
        ),
        case(
            "connections-per-event",
            ("x", "spec.configPatches"),
            filter("patch: {value: {max_connections_to_accept_per_socket_event: 5}}"),
            filter("patch: {value: {tcp_backlog_size: 5}}"),
        ),
    ]
}

pub(super) fn destinations() -> Vec<Case> {
    let rule = |spec: &str| networking("DestinationRule", &format!("host: a.org, {spec}"));
    let entry = |location: &str, more: &str| {
        networking(
            "ServiceEntry",
            &format!(
                "hosts: [a.org], location: {location}, resolution: STATIC, addresses: [1.2.3.4]{more}"
            ),
        )
    };
    let named = |name: &str, export: &str| {
        object(
            "networking.istio.io/v1",
            "DestinationRule",
            name,
            &format!("spec: {{host: a.org{export}}}"),
        )
    };
    vec![
        case(
            "automatic-sni",
            (
                "x",
                "spec.subsets[0].trafficPolicy.portLevelSettings[0].tls",
            ),
            rule(
                "subsets: [{name: v1, trafficPolicy: {portLevelSettings: [{port: {number: 1}, tls: {mode: MUTUAL, caCertificates: c}}]}}]",
            ),
            both(
                rule("trafficPolicy: {tls: {mode: SIMPLE, sni: a.org}}"),
                rule("trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}"),
            ),
        ),
        case(
            "server-certificates-verified",
            ("x", "spec.trafficPolicy.tls"),
            rule("trafficPolicy: {tls: {mode: SIMPLE}}"),
            both(
                rule("trafficPolicy: {tls: {mode: SIMPLE, credentialName: c}}"),
                rule("trafficPolicy: {tls: {mode: SIMPLE, insecureSkipVerify: true}}")
                    .replace("name: x", "name: z"),
            ),
        ),
        case(
            "destination-rule-tls-external",
            ("x", "spec.trafficPolicy.tls"),
            both(
                rule("trafficPolicy: {tls: {mode: SIMPLE}}"),
                entry("MESH_EXTERNAL", ", endpoints: [{address: 1.1.1.1}]"),
            ),
            both(
                rule("trafficPolicy: {tls: {mode: SIMPLE}}"),
                entry("MESH_INTERNAL", ", endpoints: [{address: 1.1.1.1}]"),
            ),
        ),
        case(
            "destination-rule-merge",
            ("a", "spec.exportTo"),
            both(named("a", ""), named("b", ", exportTo: ['.']")),
            both(
                named("a", ", exportTo: ['.', 'b']"),
                named("b", ", exportTo: ['b', '.']"),
            ),
        ),
        case(
            "circuit-breaker-metrics",
            ("x", "spec.trafficPolicy.connectionPool"),
            rule("trafficPolicy: {connectionPool: {}}"),
            rule("trafficPolicy: {loadBalancer: {simple: RANDOM}}"),
        ),
        case(
            "unhealthy-endpoints-sent",
            ("x", "spec.trafficPolicy.outlierDetection"),
            rule("trafficPolicy: {outlierDetection: {consecutive5xxErrors: 5}}"),
            rule("trafficPolicy: {outlierDetection: {minHealthPercent: 50}}"),
        ),
    ]
}

pub(super) fn hosts() -> Vec<Case> {
    let entry = |spec: &str| networking("ServiceEntry", &format!("hosts: [a.org], {spec}"));
    let elsewhere = |yaml: String| yaml.replace("namespace: shop", "namespace: other");
    let sidecar = networking("Sidecar", "egress: [{hosts: ['./*']}]");
    let own_host = networking(
        "ServiceEntry",
        "hosts: [s.other.svc.cluster.local], resolution: STATIC, addresses: [1.2.3.4]",
    );
    let service = elsewhere(object("v1", "Service", "s", "spec: {type: ClusterIP}"));
    let addressed = "resolution: STATIC, addresses: [1.2.3.4]";
    vec![
        case(
            "service-entry-target-port",
            ("x", "spec.ports[0].targetPort"),
            entry("resolution: NONE, ports: [{number: 80, targetPort: 8080}]"),
            both(
                entry("resolution: DNS, ports: [{number: 443, targetPort: 8443}]"),
                entry("resolution: NONE, ports: [{number: 80, targetPort: 80}]").replace("name: x", "name: z"),
            ),
        ),
        case(
            "discovery-selectors-scope",
            ("x", "metadata.namespace"),
            both(
                both(
                    mesh("discoverySelectors: [{matchLabels: {a: b}}]"),
                    SHOP,
                ),
                networking("VirtualService", "hosts: [a]"),
            ),
            both(
                both(
                    mesh("discoverySelectors: [{matchLabels: {kubernetes.io/metadata.name: shop}}]"),
                    SHOP,
                ),
                networking("VirtualService", "hosts: [a]"),
            ),
        ),
        case(
            "sidecar-scope-conflicts",
            ("s", "metadata.name"),
            both(both(&own_host, &service), &sidecar),
            both(&own_host, &service),
        ),
        case(
            "sidecar-best-service-namespace",
            ("x", "spec.hosts[0]"),
            both(entry(addressed), elsewhere(entry(addressed))),
            both(entry(addressed), entry(addressed).replace("name: x", "name: z")),
        ),
        case(
            "service-entry-addresses",
            ("x", "spec.addresses"),
            entry("resolution: DNS"),
            both(entry(addressed), entry("resolution: NONE").replace("name: x", "name: z")),
        ),
        case(
            "dns-auto-allocation-deprecated",
            ("istio", "data.mesh.defaultConfig.proxyMetadata.ISTIO_META_DNS_AUTO_ALLOCATE"),
            mesh("defaultConfig: {proxyMetadata: {ISTIO_META_DNS_AUTO_ALLOCATE: \"true\"}}"),
            mesh("defaultConfig: {proxyMetadata: {ISTIO_META_DNS_CAPTURE: \"true\"}}"),
        ),
        case(
            "workload-entry-tunnel-label",
            ("w", "metadata.labels[networking.istio.io/tunnel]"),
            "{apiVersion: networking.istio.io/v1, kind: WorkloadEntry, spec: {},
              metadata: {name: w, namespace: shop, annotations: {istio.io/autoRegistrationGroup: g}}}",
            networking("WorkloadEntry", "address: 1.1.1.1"),
        ),
        case(
            "service-entry-passthrough-ambient",
            ("x", "spec.resolution"),
            both(entry("resolution: NONE"), ztunnel("ztunnel")),
            entry("resolution: NONE"),
        ),
    ]
}

const SHOP: &str = "\n{apiVersion: v1, kind: Namespace, metadata: {name: shop}}\n";
