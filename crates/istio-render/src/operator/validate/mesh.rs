//! What istioctl refuses in a `MeshConfig` that decodes.
//!
//! `ApplyMeshConfigDefaults` validates what it has decoded (1.30.3:pkg/config/mesh/mesh.go:260-267), so semantic errors
//! are refused although `validateMeshConfig` itself would drop them.
//! Fields that are not given have defaults that are valid and are not looked at.

mod legacy;
mod traffic;
mod warning;

use std::net::IpAddr;

use semver::Version;
use serde_json::Value;

use super::names::is_dns_label;
use crate::{Diagnostic, go};

pub(crate) use legacy::check_legacy;
pub(super) use warning::warn;

const MILLISECOND: i128 = 1_000_000;
const SECOND: i128 = 1_000 * MILLISECOND;

/// The members of the oneof `tracer`, in the order of the .proto (istio/api:mesh/v1alpha1/proxy.proto, `Tracing`).
const TRACERS: [&str; 5] = [
    "zipkin",
    "lightstep",
    "datadog",
    "stackdriver",
    "openCensusAgent",
];

const TOPOLOGY_LABELS: [&str; 3] = [
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
    "topology.istio.io/subzone",
];

/// Checks a `MeshConfig` as `agent.ValidateMeshConfig` does (1.30.3:pkg/config/validation/agent/validation.go:804-838).
pub(super) fn check(
    mesh: &Value,
    path: &str,
    version: &Version,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut checker = Checker { path, diagnostics };
    checker.listener(mesh, 3600 * SECOND);
    if let Some(proxy) = field(mesh, "defaultConfig") {
        let path = format!("{path}.defaultConfig");
        Checker {
            path: &path,
            diagnostics: checker.diagnostics,
        }
        .proxy_config(proxy, version);
    }
    if let Some(locality) = field(mesh, "localityLbSetting") {
        checker.locality(locality, LocalityRules::CURRENT);
    }
    if let Some(zones) = field(mesh, "zoneAwareLbSetting").filter(|_| version.minor >= 31) {
        checker.zone_aware(zones);
    }
    if let Some(policy) = field(mesh, "defaultTrafficPolicy").filter(|_| version.minor >= 31) {
        checker.default_traffic_policy(policy);
    }
    checker.service_settings(mesh);
    checker.trust(mesh);
    checker.mesh_tls(mesh);
}

/// What releases do not agree on in the settings of locality.
#[derive(Debug, Clone, Copy)]
struct LocalityRules {
    /// Labels of the topology may not stand beside `failover`.
    priority: bool,
    /// Both ends of a failover are regions.
    regions: bool,
}

impl LocalityRules {
    const CURRENT: Self = Self {
        priority: true,
        regions: true,
    };
}

struct Checker<'a> {
    path: &'a str,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Checker<'_> {
    fn refuse(&mut self, name: &str, message: &str) {
        let path = format!("{}.{name}", self.path);
        self.diagnostics
            .push(Diagnostic::error("bad-mesh-config", format!("{name}: {message}")).at(path));
    }

    fn port(&mut self, map: &Value, name: &str, message: &str) {
        if let Some(port) = field(map, name).and_then(number)
            && !(1.0..=65535.0).contains(&port)
        {
            self.refuse(
                name,
                &format!("{message}: port number {port} must be in the range 1..65535"),
            );
        }
    }

    fn duration(&mut self, map: &Value, name: &str, fits: impl Fn(i128) -> bool) {
        let Some(text) = field(map, name).and_then(Value::as_str) else {
            return;
        };
        if !go::parse_duration(text).is_some_and(fits) {
            self.refuse(name, &format!("invalid duration {text}"));
        }
    }

    /// The port of listeners, and how long connecting and detecting a protocol may take.
    fn listener(&mut self, mesh: &Value, longest: i128) {
        self.port(mesh, "proxyListenPort", "invalid proxy listen port");
        self.duration(mesh, "connectTimeout", |it| {
            it >= MILLISECOND && it % MILLISECOND == 0 && it <= longest
        });
        self.duration(mesh, "protocolDetectionTimeout", |it| it % MILLISECOND == 0);
    }

    fn service_settings(&mut self, mesh: &Value) {
        for settings in items(field(mesh, "serviceSettings")) {
            for host in texts(field(settings, "hosts")).filter(|it| !is_wildcard_domain(it)) {
                self.refuse("serviceSettings", &format!("host `{host}` is no domain"));
            }
        }
    }

    fn trust(&mut self, mesh: &Value) {
        let domain = field(mesh, "trustDomain").and_then(Value::as_str);
        if let Some(domain) = domain.filter(|it| !is_trust_domain(it)) {
            self.refuse(
                "trustDomain",
                &format!("trust domain name {domain:?} is invalid: labels of a-z, A-Z, 0-9 and - are parted by dots"),
            );
        }
        for alias in texts(field(mesh, "trustDomainAliases")).filter(|it| !is_trust_domain(it)) {
            self.refuse(
                "trustDomainAliases",
                &format!("domain `{alias}`: trust domain name invalid"),
            );
        }
    }

    fn mesh_tls(&mut self, mesh: &Value) {
        let mtls = field(mesh, "meshMTLS").or_else(|| field(mesh, "mesh_mTLS"));
        if mtls.is_some_and(|it| items(field(it, "ecdhCurves")).next().is_some()) {
            self.refuse(
                "meshMTLS.ecdhCurves",
                "mesh TLS does not support ECDH curves configuration",
            );
        }
    }

    fn address(&mut self, map: &Value, name: &str, path: &str) {
        let Some(address) = field(map, name).and_then(Value::as_str) else {
            return;
        };
        if !is_proxy_address(&address.replacen("$(HOST_IP)", "127.0.0.1", 1)) {
            self.refuse(path, &format!("invalid address {address:?}"));
        }
    }

    fn proxy_config(&mut self, proxy: &Value, version: &Version) {
        self.duration(proxy, "drainDuration", |it| {
            it >= MILLISECOND && it % SECOND == 0
        });
        self.proxy(proxy);
        self.port(proxy, "statusPort", "invalid status port");
        let tls = field(proxy, "tracing").and_then(|it| field(it, "tlsSettings"));
        if tls.is_some_and(|it| text(it, "credentialName").starts_with("configmap://")) {
            self.refuse("tracing.tlsSettings", "invalid configmap:// credentialName");
        }
        if let Some(settings) = field(proxy, "connectionSettings").filter(|_| version.minor >= 31) {
            self.connection_settings(settings);
        }
    }

    /// What all releases ask of proxies.
    fn proxy(&mut self, proxy: &Value) {
        for name in [
            "configPath",
            "binaryPath",
            "serviceCluster",
            "discoveryAddress",
        ] {
            if field(proxy, name).and_then(Value::as_str) == Some("") {
                self.refuse(name, "must be set");
            }
        }
        if let Some(tracing) = field(proxy, "tracing") {
            self.tracing(tracing);
        }
        self.proxy_addresses(proxy);
        self.port(proxy, "proxyAdminPort", "invalid proxy admin port");
        let policy = field(proxy, "controlPlaneAuthPolicy");
        let known = |it: &Value| {
            matches!(it.as_str(), Some("NONE" | "MUTUAL_TLS"))
                || matches!(it.as_f64(), Some(0.0 | 1.0))
        };
        if policy.is_some_and(|it| !known(it)) {
            self.refuse(
                "controlPlaneAuthPolicy",
                "unrecognized control plane auth policy",
            );
        }
        if let Some(provider) = field(proxy, "privateKeyProvider") {
            self.private_key_provider(provider);
        }
    }

    /// Addresses that may be empty, but not wrong.
    fn proxy_addresses(&mut self, proxy: &Value) {
        for (name, message) in [
            ("discoveryAddress", "invalid discovery address"),
            ("statsdUdpAddress", "invalid address"),
            ("envoyMetricsServiceAddress", "invalid address"),
        ] {
            if field(proxy, name)
                .and_then(Value::as_str)
                .is_some_and(|it| !it.is_empty() && !is_proxy_address(it))
            {
                self.refuse(name, message);
            }
        }
        for name in ["envoyMetricsService", "envoyAccessLogService"] {
            let address = field(proxy, name)
                .and_then(|it| field(it, "address"))
                .and_then(Value::as_str);
            if address.is_some_and(|it| !it.is_empty() && !is_proxy_address(it)) {
                self.refuse(&format!("{name}.address"), "invalid address");
            }
        }
    }

    /// From 1.31 on (1.31:pkg/config/validation/agent/validation.go, `validateConnectionSettings`).
    fn connection_settings(&mut self, settings: &Value) {
        const LEAST: [(&str, f64); 7] = [
            ("listenerPerConnectionBufferLimitBytes", 0.0),
            ("clusterPerConnectionBufferLimitBytes", 0.0),
            ("httpMaxConcurrentStreams", 1.0),
            ("http2InitialStreamWindowSize", 65535.0),
            ("http2InitialConnectionWindowSize", 65535.0),
            ("listenerConnectionLimit", 1.0),
            ("globalDownstreamConnectionLimit", 1.0),
        ];
        const DURATIONS: [&str; 7] = [
            "httpIdleTimeout",
            "httpMaxConnectionDuration",
            "httpDrainTimeout",
            "httpRequestTimeout",
            "httpRequestHeadersTimeout",
            "httpStreamIdleTimeout",
            "httpMaxStreamDuration",
        ];
        for (name, least) in LEAST {
            if field(settings, name)
                .and_then(number)
                .is_some_and(|it| it < least)
            {
                self.refuse(
                    &format!("connectionSettings.{name}"),
                    &format!("must be at least {least}"),
                );
            }
        }
        for name in DURATIONS {
            if duration(settings, name).is_some_and(|it| it < 0) {
                self.refuse(
                    &format!("connectionSettings.{name}"),
                    "must be non-negative",
                );
            }
        }
    }

    fn tracing(&mut self, tracing: &Value) {
        // Of several members of a oneof Go's decoder keeps the one that the .proto declares last.
        let kept = TRACERS.iter().rev().find(|it| field(tracing, it).is_some());
        let checked = kept.filter(|it| matches!(**it, "lightstep" | "zipkin" | "datadog"));
        if let Some((tracer, settings)) = checked.and_then(|it| Some((it, field(tracing, it)?))) {
            let path = format!("tracing.{tracer}.address");
            if field(settings, "address").is_none() {
                self.refuse(&path, "address is required");
            }
            self.address(settings, "address", &path);
            if *tracer == "lightstep" && text(settings, "accessToken").is_empty() {
                self.refuse("tracing.lightstep.accessToken", "access token is required");
            }
        }
        if let Some(settings) = field(tracing, "tlsSettings") {
            self.tls(settings);
        }
    }

    fn tls(&mut self, settings: &Value) {
        let set = |name: &str| {
            field(settings, name)
                .and_then(Value::as_str)
                .is_some_and(|it| !it.is_empty())
        };
        let mode = |name: &str, number: f64| {
            field(settings, "mode")
                .is_some_and(|it| it.as_str() == Some(name) || it.as_f64() == Some(number))
        };
        let (simple, mutual) = (mode("SIMPLE", 1.0), mode("MUTUAL", 2.0));
        let skips = field(settings, "insecureSkipVerify").and_then(Value::as_bool) == Some(true);
        let names = items(field(settings, "subjectAltNames")).next().is_some();
        let path = "tracing.tlsSettings";
        if skips
            && (simple && (set("caCertificates") || set("credentialName") || names)
                || mutual && (set("caCertificates") || names))
        {
            self.refuse(path, "cannot specify CaCertificates, CredentialName or SubjectAltNames when InsecureSkipVerify is set true");
        }
        if (simple || mutual) && set("credentialName") {
            if ["clientCertificate", "caCertificates", "privateKey", "caCrl"]
                .into_iter()
                .any(set)
            {
                self.refuse(path, "cannot specify client certificates or CA certificate or CA CRL If credentialName is set");
            }
        } else if mutual && !(set("clientCertificate") && set("privateKey")) {
            self.refuse(
                path,
                "client certificate and private key required for mutual tls",
            );
        }
    }

    fn private_key_provider(&mut self, provider: &Value) {
        let settings = field(provider, "qat").or_else(|| field(provider, "cryptomb"));
        let delay = settings
            .and_then(|it| field(it, "pollDelay"))
            .and_then(Value::as_str)
            .and_then(go::parse_duration);
        if delay.is_none_or(|it| it == 0) {
            self.refuse(
                "privateKeyProvider",
                "a provider with a pollDelay that is not zero is required",
            );
        }
    }

    /// From 1.31 on (1.31:pkg/config/validation/agent/validation.go, `ValidateZoneAwareLbSetting`).
    fn zone_aware(&mut self, zones: &Value) {
        let path = "zoneAwareLbSetting";
        let priority = items(field(zones, "failoverPriority")).filter_map(Value::as_str);
        if priority.into_iter().any(|it| TOPOLOGY_LABELS.contains(&it)) {
            self.refuse(
                path,
                "'failover_priority' for zone aware lb must not use topology labels",
            );
        }
        for entry in items(field(zones, "failover")) {
            self.failover(path, entry);
        }
    }

    fn failover(&mut self, path: &str, entry: &Value) {
        let (from, to) = (text(entry, "from"), text(entry, "to"));
        if from == to || from.contains(['/', '*']) || to.contains(['/', '*']) {
            self.refuse(
                path,
                "failover settings must specify different regions, without zones and wildcards",
            );
        }
    }

    fn locality(&mut self, locality: &Value, rules: LocalityRules) {
        let path = "localityLbSetting";
        let list = |name: &str| items(field(locality, name)).collect::<Vec<_>>();
        let (distribute, failover, priority) = (
            list("distribute"),
            list("failover"),
            list("failoverPriority"),
        );
        if !distribute.is_empty() && !failover.is_empty() {
            return self.refuse(
                path,
                "can not simultaneously specify 'distribute' and 'failover'",
            );
        }
        if rules.priority
            && !failover.is_empty()
            && priority
                .iter()
                .filter_map(|it| it.as_str())
                .any(|it| TOPOLOGY_LABELS.contains(&it))
        {
            return self.refuse(
                path,
                "can not simultaneously set 'failover' and a topology label in 'failover_priority'",
            );
        }
        let mut sources = Vec::new();
        for entry in distribute {
            sources.push(text(entry, "from"));
            let weights = field(entry, "to").and_then(Value::as_object);
            let weight = |it: &Value| number(it).unwrap_or_default();
            let weights: Vec<(&str, f64)> = weights
                .into_iter()
                .flatten()
                .map(|(name, it)| (name.as_str(), weight(it)))
                .collect();
            if weights.iter().any(|(_, it)| !(1.0..=100.0).contains(it)) {
                return self.refuse(path, "locality weight must be in range [1, 100]");
            }
            let total: f64 = weights.iter().map(|(_, it)| it).sum();
            if (total - 100.0).abs() > 0.5 {
                return self.refuse(path, &format!("total locality weight {total} != 100"));
            }
            let targets: Vec<&str> = weights.iter().map(|(name, _)| *name).collect();
            if !localities_fit(&targets) {
                self.refuse(path, "localities overlap or are malformed");
            }
        }
        if !localities_fit(&sources) {
            self.refuse(path, "localities overlap or are malformed");
        }
        for entry in failover {
            if rules.regions {
                self.failover(path, entry);
            } else if text(entry, "from") == text(entry, "to") || text(entry, "to").contains('*') {
                let message = "locality lb failover settings must specify different regions, the second without a wildcard";
                self.refuse(path, message);
            }
        }
    }
}

/// Whether localities `region/zone/subzone`, each with at most a `*` at its end, neither overlap nor have empty parts.
///
/// A locality covers everything below it, and so does one with a `*`, but only what comes after it.
fn localities_fit(localities: &[&str]) -> bool {
    let mut seen: Vec<Vec<&str>> = Vec::new();
    for locality in localities {
        let stars = locality.matches('*').count();
        if stars > 1 || stars == 1 && !locality.ends_with('*') {
            return false;
        }
        let parts: Vec<&str> = locality.splitn(3, '/').collect();
        let overlaps = |other: &Vec<&str>| {
            let mut both = other.iter().zip(&parts);
            both.all(|(before, now)| before == now || *before == "*")
        };
        if parts.iter().any(|it| it.is_empty()) || seen.iter().any(overlaps) {
            return false;
        }
        seen.push(parts);
    }
    true
}

/// A field by its JSON name or the name in the `.proto`; null is none.
fn field<'a>(map: &'a Value, name: &str) -> Option<&'a Value> {
    let snake: String = name
        .chars()
        .flat_map(|it| {
            it.is_ascii_uppercase()
                .then_some('_')
                .into_iter()
                .chain([it.to_ascii_lowercase()])
        })
        .collect();
    map.get(name)
        .or_else(|| map.get(&snake))
        .filter(|it| !it.is_null())
}

/// A number, in quotes or not.
fn number(value: &Value) -> Option<f64> {
    value
        .as_f64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}

/// A duration in nanoseconds.
fn duration(map: &Value, name: &str) -> Option<i128> {
    field(map, name)
        .and_then(Value::as_str)
        .and_then(go::parse_duration)
}

fn text<'a>(map: &'a Value, name: &str) -> &'a str {
    field(map, name).and_then(Value::as_str).unwrap_or_default()
}

fn items(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(Value::as_array).into_iter().flatten()
}

/// The texts of a list; a null in it is the empty text.
fn texts(list: Option<&Value>) -> impl Iterator<Item = &str> {
    items(list).map(|it| it.as_str().unwrap_or_default())
}

/// Labels parted by dots, a last one may be empty.
fn is_trust_domain(domain: &str) -> bool {
    let labels = domain.strip_suffix('.').unwrap_or(domain);
    labels.split('.').all(is_dns_label)
}

/// Whether a text is a domain whose last label is no number.
fn is_domain(domain: &str) -> bool {
    let last = domain.rsplit('.').next().unwrap_or_default();
    let labels = domain.strip_suffix('.').unwrap_or(domain);
    !domain.is_empty()
        && domain.len() <= 255
        && go::atoi(last).is_none()
        && labels.split('.').all(is_dns_label)
}

fn is_wildcard_domain(domain: &str) -> bool {
    let (first, rest) = domain
        .split_once('.')
        .map_or((domain, None), |(first, rest)| (first, Some(rest)));
    let label = first
        .strip_prefix('*')
        .map_or(first, |it| it.strip_prefix('-').unwrap_or(it));
    let label = first == "*" || first.len() <= 63 && is_dns_label(label);
    label
        && !domain.is_empty()
        && domain.len() <= 255
        && rest.is_none_or(|it| it.is_empty() || is_domain(it))
}

/// Whether a text is `host:port`, the host a domain or an address.
fn is_proxy_address(address: &str) -> bool {
    let Some((host, port)) = address.rsplit_once(':') else {
        return false;
    };
    let bracketed = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    if bracketed.is_none() && host.contains([':', '[', ']']) {
        return false;
    }
    let host = bracketed.unwrap_or(host);
    let port = go::atoi(port).is_some_and(|it| (1..=65535).contains(&it));
    port && (is_domain(host) || host.parse::<IpAddr>().is_ok())
}

#[cfg(test)]
mod tests;
