//! What patches brought, and what they have wrong.

use super::super::{NAMESPACE, istiod, mesh};
use super::*;

/// A Secret; without a namespace that of the control plane.
fn secret(name: &str, labels: &str) -> String {
    format!(
        "\n{{apiVersion: v1, kind: Secret, metadata: {{name: {name}, namespace: {NAMESPACE}, labels: {{{labels}}}}}, type: Opaque}}\n"
    )
}

fn route(kind: &str, spec: &str) -> String {
    object(
        "gateway.networking.k8s.io/v1",
        kind,
        "x",
        &format!("spec: {{{spec}}}"),
    )
}

/// A route's parent.
const TO_G: &str = "parentRefs: [{name: g}]";

#[expect(clippy::too_many_lines, reason = "a table of cases")]
pub(super) fn facts() -> Vec<Case> {
    let certificate = |namespace: &str| {
        gateway(
            "",
            &format!(
                "gatewayClassName: istio, listeners: [{{name: l, tls: {{certificateRefs: [{{name: c, namespace: {namespace}}}]}}}}]"
            ),
        )
    };
    let grant = "\n{apiVersion: gateway.networking.k8s.io/v1beta1, kind: ReferenceGrant, metadata: {name: g, namespace: certs},
 spec: {from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: shop}], to: [{group: '', kind: Secret}]}}\n";
    let policy = |validation: &str| {
        route(
            "BackendTLSPolicy",
            &format!("targetRefs: [], validation: {{{validation}}}"),
        )
    };
    let jwks = |uri: &str| {
        object(
            "security.istio.io/v1",
            "RequestAuthentication",
            "x",
            &format!("spec: {{jwtRules: [{{issuer: a, jwksUri: '{uri}'}}]}}"),
        )
    };
    let filter = |length: usize| {
        let version = "a".repeat(length);
        networking(
            "EnvoyFilter",
            &format!("configPatches: [{{match: {{proxy: {{proxyVersion: {version}}}}}}}]"),
        )
    };
    let enrolled = "\n{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}}\n";
    let host = workload(
        "Deployment",
        "shop",
        "w",
        "labels: {a: b}",
        "hostNetwork: true, containers: []",
    );
    let tls = |hostname: &str| {
        gateway(
            "",
            &format!(
                "gatewayClassName: istio, listeners: [{{name: t, port: 443, protocol: TLS, hostname: {hostname}}}]"
            ),
        )
    };
    let set = |listener: &str| {
        route(
            "ListenerSet",
            &format!("parentRef: {{kind: Gateway, name: g}}, listeners: [{listener}]"),
        )
    };
    let budget = |budget: &str| {
        networking(
            "DestinationRule",
            &format!("host: a, trafficPolicy: {{retryBudget: {{{budget}}}}}"),
        )
    };
    let rotating = istiod("A", "b").replace(
        "name: discovery,",
        "name: discovery, args: ['discovery', '--log_rotate=x'],",
    );
    vec![
        case(
            "gateway-secrets-need-grant",
            ("g", "spec.listeners[0].tls.certificateRefs"),
            certificate("certs"),
            both(certificate("certs"), grant),
        ),
        case(
            "incomplete-cacerts",
            ("cacerts", "data"),
            secret("cacerts", "").replace(
                "type: Opaque",
                "data: {ca-cert.pem: YQ==, ca-key.pem: YQ==, root-cert.pem: YQ==}",
            ),
            secret("cacerts", "").replace(
                "type: Opaque",
                "data: {ca-cert.pem: YQ==, ca-key.pem: YQ==, cert-chain.pem: YQ==, root-cert.pem: YQ==}",
            ),
        ),
        case(
            "backend-tls-fails-closed",
            ("x", "spec.validation.caCertificateRefs[0]"),
            policy("caCertificateRefs: [{group: '', kind: ConfigMap, name: c}]"),
            both(
                policy("caCertificateRefs: [{group: '', kind: ConfigMap, name: c}]"),
                object("v1", "ConfigMap", "c", "data: {ca.crt: a}"),
            ),
        ),
        case(
            "nftables-not-pinned",
            ("istio-cni-config", "data.NATIVE_NFTABLES"),
            cni("NATIVE_NFTABLES: 'true'"),
            cni("NATIVE_NFTABLES: 'false'"),
        ),
        case(
            "jwks-of-metadata-blocked",
            ("x", "spec.jwtRules[0].jwksUri"),
            jwks("http://169.254.169.254/keys"),
            jwks("https://example.org/keys"),
        ),
        case(
            "tls-minimum-downstream",
            ("istio", "data.mesh.tlsDefaults.minProtocolVersion"),
            mesh("tlsDefaults: {minProtocolVersion: TLSV1_3}"),
            mesh("tlsDefaults: {minProtocolVersion: TLSV1_2}"),
        ),
        case(
            "tls-route-hosts-limited",
            ("x", "spec.hostnames[1]"),
            both(
                tls("'*.shop.example'"),
                route("TLSRoute", &format!("{TO_G}, hostnames: [a.shop.example, '*.example']")),
            ),
            both(
                tls("'*.example'"),
                route("TLSRoute", &format!("{TO_G}, hostnames: [a.example, '*.shop.example', '*.example']")),
            ),
        ),
        case(
            "cors-origins-stricter",
            ("x", "spec.rules[0].filters[0].cors.allowOrigins[0]"),
            route(
                "HTTPRoute",
                "rules: [{filters: [{type: CORS, cors: {allowOrigins: ['https://*.example']}}]}]",
            ),
            route(
                "HTTPRoute",
                "rules: [{filters: [{type: CORS, cors: {allowOrigins: ['*', 'https://a.example'], allowMethods: ['G*']}}]}]",
            ),
        ),
        case(
            "retry-budget-percent",
            ("x", "spec.trafficPolicy.retryBudget"),
            budget("minRetryConcurrency: 3"),
            budget("percent: 20"),
        ),
        case(
            "long-proxy-version-refused",
            ("x", "spec.configPatches[0].match.proxy.proxyVersion"),
            filter(1025),
            filter(1024),
        ),
        case(
            "host-network-leaves-ambient",
            ("w", "spec.template.spec.hostNetwork"),
            both(&host, enrolled),
            &*host,
        ),
        case(
            "empty-selector-takes-none",
            ("x", "spec.workloadSelector"),
            networking("ServiceEntry", "hosts: [a], workloadSelector: {}"),
            networking(
                "ServiceEntry",
                "hosts: [a], workloadSelector: {labels: {a: b}}",
            ),
        ),
        case(
            "listener-set-conflicts",
            ("x", "spec.listeners[0]"),
            both(tls("a.example"), set("{name: l, port: 443, protocol: TLS, hostname: a.example}")),
            both(tls("a.example"), set("{name: l, port: 443, protocol: TLS, hostname: b.example}")),
        ),
        case(
            "istio-csr-alpn",
            ("cert-manager-istio-csr", "metadata.name"),
            workload(
                "Deployment",
                "certs",
                "cert-manager-istio-csr",
                "",
                "containers: [{name: a, image: 'quay.io/jetstack/cert-manager-istio-csr:v0.12.0'}]",
            ),
            workload(
                "Deployment",
                "certs",
                "cert-manager-istio-csr",
                "",
                "containers: [{name: a, image: 'quay.io/jetstack/cert-manager-istio-csr:v0.14.0'}]",
            ),
        ),
        case(
            "ambient-dns-order",
            ("istio-cni-config", "data.AMBIENT_DNS_CAPTURE"),
            cni("AMBIENT_ENABLED: 'true', AMBIENT_DNS_CAPTURE: 'true'"),
            cni("AMBIENT_ENABLED: 'true', AMBIENT_DNS_CAPTURE: 'false'"),
        ),
        case(
            "ambient-inside-pods",
            ("ztunnel", "metadata.name"),
            ztunnel("ztunnel"),
            cni_agent("containers: []"),
        ),
        case(
            "log-rotation-flags-gone",
            ("istiod", "spec.template.spec.containers[0].args[1]"),
            rotating,
            istiod("A", "b"),
        ),
        case(
            "unhealthy-not-terminating",
            (
                "istiod",
                "spec.template.spec.containers[name=discovery].env[name=PILOT_SEND_UNHEALTHY_ENDPOINTS]",
            ),
            istiod("PILOT_SEND_UNHEALTHY_ENDPOINTS", "true"),
            istiod("PILOT_SEND_UNHEALTHY_ENDPOINTS", "false"),
        ),
        case(
            "inference-pool-version",
            ("x", "apiVersion"),
            object(
                "inference.networking.x-k8s.io/v1alpha2",
                "InferencePool",
                "x",
                "spec: {}",
            ),
            object(
                "inference.networking.k8s.io/v1",
                "InferencePool",
                "x",
                "spec: {}",
            ),
        ),
    ]
}

/// The objects and fields that a fact names between 1.29.6 and 1.30.4.
fn named(id: &str, yaml: &str, from: &str) -> Vec<(String, String)> {
    let findings = found(yaml, from, "1.30.4", &Request::default());
    let notes = findings.into_iter().filter(|it| it.code.as_str() == id);
    let subjects = notes.flat_map(|it| it.subjects);
    subjects
        .map(|it| {
            let name = it.object.map(|it| it.name).unwrap_or_default();
            (name, it.field.unwrap_or_default())
        })
        .collect()
}

#[test]
fn a_backend_tls_policy_is_named_only_where_its_authority_is_not_found() {
    let policy = |name: &str, validation: &str| {
        object(
            "gateway.networking.k8s.io/v1",
            "BackendTLSPolicy",
            name,
            &format!("spec: {{targetRefs: [], validation: {{{validation}}}}}"),
        )
    };
    let reference = |kind: &str, name: &str| format!("{{group: '', kind: {kind}, name: {name}}}");
    let refers =
        |name: &str, references: &str| policy(name, &format!("caCertificateRefs: [{references}]"));
    let elsewhere = "\n{apiVersion: v1, kind: ConfigMap, metadata: {name: elsewhere, namespace: other}, data: {ca.crt: a}}\n";
    let objects = [
        refers("found", &reference("ConfigMap", "held")),
        refers("found-too", &reference("ConfigMap", "generic")),
        policy("system", "wellKnownCACertificates: System"),
        refers("gone", &reference("ConfigMap", "gone")),
        refers("empty", &reference("ConfigMap", "empty")),
        refers("of-another-namespace", &reference("ConfigMap", "elsewhere")),
        refers("a-secret", &reference("Secret", "held")),
        // istiod reads the first alone.
        refers(
            "second",
            &format!(
                "{}, {}",
                reference("ConfigMap", "gone"),
                reference("ConfigMap", "held")
            ),
        ),
        object("v1", "ConfigMap", "held", "data: {ca.crt: a}"),
        object("v1", "ConfigMap", "generic", "data: {cacert: a}"),
        object("v1", "ConfigMap", "empty", "data: {ca.crt: '', other: a}"),
        elsewhere.to_owned(),
    ];
    let field = "spec.validation.caCertificateRefs[0]".to_owned();
    let expected = [
        "a-secret",
        "empty",
        "gone",
        "of-another-namespace",
        "second",
    ];
    assert_eq!(
        named("backend-tls-fails-closed", &objects.join("---"), "1.30.3"),
        expected.map(|it| (it.to_owned(), field.clone()))
    );
}

#[test]
fn pods_of_a_gateway_are_named_where_their_account_gets_none_of_its_secrets() {
    const ID: &str = "gateway-secrets-need-grant";
    let listeners =
        "gatewayClassName: istio, listeners: [{name: l, tls: {certificateRefs: [{name: c}]}}]";
    let pods = |account: &str| {
        workload(
            "Deployment",
            "shop",
            "pods",
            "labels: {gateway.networking.k8s.io/gateway-name: g}",
            &format!("{account}containers: [{{name: istio-proxy, image: auto}}]"),
        )
    };
    let own = "serviceAccountName: mine, ";
    let account = (
        "pods".to_owned(),
        "spec.template.spec.serviceAccountName".to_owned(),
    );
    let named = |metadata: &str, spec: &str, account: &str| {
        named(ID, &both(gateway(metadata, spec), pods(account)), "1.27.0")
    };
    for other in [own, ""] {
        assert_eq!(named("", listeners, other), std::slice::from_ref(&account));
    }
    // The one that istiod makes, the one that is named, pods that somebody else makes, and nothing to get.
    assert!(named("", listeners, "serviceAccountName: g-istio, ").is_empty());
    let annotated = ", annotations: {gateway.istio.io/service-account: mine}";
    assert!(named(annotated, listeners, own).is_empty());
    let manual = format!("addresses: [{{type: Hostname, value: pods}}], {listeners}");
    assert!(named("", &manual, own).is_empty());
    let plain = "gatewayClassName: istio, listeners: [{name: l}]";
    assert!(named("", plain, own).is_empty());
}
