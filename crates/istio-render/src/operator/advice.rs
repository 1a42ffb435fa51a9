//! What took the place of a setting that went, and where a setting belongs that stands elsewhere.
//!
//! The table is from Istio's change notes and from the types of each release in `data/`; the types of autoscaling from
//! Kubernetes' `autoscaling/v2beta1` (gone from Kubernetes 1.25 on) and `autoscaling/v2`.

use semver::Version;

use super::path;
use super::schema::{FieldType, LEGACY, MESH_CONFIG, OPERATOR, Table, VALUES};
use crate::Diagnostic;

/// A setting that went.
struct Gone {
    /// Its path: `*` is any one segment, a first `**` any number of them.
    path: &'static str,
    /// The last minor that read it, where that is not told by the types.
    until: Option<u64>,
    /// What took its place, as a sentence.
    instead: &'static str,
}

const fn gone(path: &'static str, instead: &'static str) -> Gone {
    Gone {
        path,
        until: None,
        instead,
    }
}

const fn ended(path: &'static str, until: u64, instead: &'static str) -> Gone {
    Gone {
        path,
        until: Some(until),
        instead,
    }
}

const ADDON: &str = "Istio installs no addons any more: apply those of `samples/addons` of the release archive, or the \
    addon's own chart";
const IN_ISTIOD: &str = "It is a part of istiod: configure `components.pilot`, and remove this";
const MIXER: &str = "Mixer is gone: the proxies make telemetry themselves, configured by Telemetry objects and \
    `meshConfig.extensionProviders`";
const POLICY: &str = "Mixer is gone: AuthorizationPolicy objects, an external authorizer in `meshConfig.extensionProviders` \
    and rate limits of Envoy took its place";
const FEATURE: &str =
    "The features of the IstioControlPlane of Istio 1.4 are gone: turn parts on below `components`";
const GATEWAY_PORTS: &str = "Ports of a gateway stand in `k8s.service.ports` of its component";
const DNS: &str = "The proxies resolve names themselves: \
    `meshConfig.defaultConfig.proxyMetadata.ISTIO_META_DNS_CAPTURE`";

/// Settings that went. The first row that fits counts.
const GONE: &[Gone] = &[
    gone("spec.addonComponents.istiocoredns", DNS),
    gone("spec.addonComponents", ADDON),
    gone("spec.addonComponents.**", ADDON),
    gone("spec.components.citadel", IN_ISTIOD),
    gone("spec.components.galley", IN_ISTIOD),
    gone("spec.components.sidecarInjector", IN_ISTIOD),
    ended("spec.components.injector", 5, IN_ISTIOD),
    gone(
        "spec.components.nodeAgent",
        "The agent in every proxy asks for certificates itself: remove this",
    ),
    gone(
        "spec.components.proxy",
        "Settings of proxies stand in `values.global.proxy` and `meshConfig.defaultConfig`",
    ),
    gone("spec.components.telemetry", MIXER),
    gone("spec.components.policy", POLICY),
    ended(
        "spec.components.certManager",
        5,
        "Install cert-manager by its own chart",
    ),
    ended("spec.components.coreDNS", 5, DNS),
    ended("spec.components.istiocoredns", 8, DNS),
    ended("spec.components.grafana", 7, ADDON),
    ended("spec.components.kiali", 7, ADDON),
    ended("spec.components.prometheus", 7, ADDON),
    ended("spec.components.prometheusOperator", 7, ADDON),
    ended("spec.components.tracing", 7, ADDON),
    ended("spec.components.*.ports", 5, GATEWAY_PORTS),
    ended("spec.components.*.*.ports", 5, GATEWAY_PORTS),
    ended("spec.components.*.k8s.ports", 5, GATEWAY_PORTS),
    ended("spec.components.*.*.k8s.ports", 5, GATEWAY_PORTS),
    gone(
        "spec.defaultRevision",
        "The revision that counts for namespaces without one is told by the tag `default` (`istioctl tag set default`), or by \
         `values.defaultRevision`",
    ),
    gone("spec.resourceSuffix", "Nothing read it; remove it"),
    gone(
        "spec.components.*.spec",
        "Settings of a component stand in `values`, and patches of its objects in `k8s.overlays`",
    ),
    gone(
        "spec.components.*.*.spec",
        "Settings of a component stand in `values`, and patches of its objects in `k8s.overlays`",
    ),
    ended("spec.trafficManagement", 4, FEATURE),
    ended("spec.security", 4, FEATURE),
    ended("spec.configManagement", 4, FEATURE),
    ended("spec.autoInjection", 4, FEATURE),
    ended(
        "spec.gateways",
        4,
        "Gateways stand in `components.ingressGateways` and `components.egressGateways`",
    ),
    ended("spec.policy", 4, POLICY),
    ended("spec.telemetry", 4, MIXER),
    ended("spec.cni", 4, "It is `components.cni` now"),
    ended("spec.coreDNS", 4, DNS),
    ended("spec.thirdParty", 4, ADDON),
    ended(
        "spec.defaultNamespace",
        4,
        "It is `values.global.istioNamespace` now",
    ),
    ended("spec.unvalidatedValues.**", 23, "It is `values` now"),
    gone("spec.values.istiocoredns", DNS),
    gone("spec.values.mixer", MIXER),
    gone("spec.values.prometheus", ADDON),
    gone("spec.values.prometheusOperator", ADDON),
    gone("spec.values.grafana", ADDON),
    gone("spec.values.kiali", ADDON),
    gone("spec.values.tracing", ADDON),
    ended("spec.values.servicegraph", 5, ADDON),
    ended(
        "spec.values.certmanager",
        5,
        "Install cert-manager by its own chart",
    ),
    ended("spec.values.galley", 5, IN_ISTIOD),
    ended("spec.values.security", 5, IN_ISTIOD),
    ended(
        "spec.values.nodeagent",
        5,
        "The agent in every proxy asks for certificates itself: remove this",
    ),
    ended(
        "spec.values.istio_cni",
        23,
        "It is `components.cni.enabled`, and `values.pilot.cni.enabled` where the agent is installed apart",
    ),
    gone(
        "spec.values.istio_cni.**",
        "It is `components.cni.enabled`, and `values.pilot.cni.enabled` where the agent is installed apart",
    ),
    ended(
        "spec.values.istio_init",
        5,
        "Definitions are a part of `components.base`; remove this",
    ),
    ended(
        "spec.values.global.mtls",
        5,
        "It is `meshConfig.enableAutoMtls`, and a PeerAuthentication that demands mutual TLS",
    ),
    ended("spec.values.global.disablePolicyChecks", 7, POLICY),
    ended("spec.values.global.policyCheckFailOpen", 7, POLICY),
    ended(
        "spec.values.global.controlPlaneSecurityEnabled",
        7,
        "It is always on; remove it",
    ),
    ended(
        "spec.values.global.enableTracing",
        7,
        "It is `meshConfig.enableTracing`",
    ),
    ended(
        "spec.values.global.trustDomain",
        7,
        "It is `meshConfig.trustDomain`",
    ),
    ended(
        "spec.values.global.trustDomainAliases",
        7,
        "It is `meshConfig.trustDomainAliases`",
    ),
    ended(
        "spec.values.global.localityLbSetting",
        7,
        "It is `meshConfig.localityLbSetting`",
    ),
    ended(
        "spec.values.global.outboundTrafficPolicy",
        7,
        "It is `meshConfig.outboundTrafficPolicy`",
    ),
    ended(
        "spec.values.global.k8sIngress",
        5,
        "A Gateway object says on which port and with which certificate an Ingress is served",
    ),
    ended(
        "spec.values.global.sds",
        5,
        "Secret discovery is always on; remove it",
    ),
    ended(
        "spec.values.global.useMCP",
        7,
        "It is `meshConfig.configSources`",
    ),
    ended(
        "spec.values.global.proxy.accessLogFile",
        7,
        "It is `meshConfig.accessLogFile`",
    ),
    ended(
        "spec.values.global.proxy.accessLogFormat",
        7,
        "It is `meshConfig.accessLogFormat`",
    ),
    ended(
        "spec.values.global.proxy.accessLogEncoding",
        7,
        "It is `meshConfig.accessLogEncoding`",
    ),
    ended(
        "spec.values.global.proxy.concurrency",
        7,
        "It is `meshConfig.defaultConfig.concurrency`",
    ),
    ended(
        "spec.values.global.proxy.protocolDetectionTimeout",
        7,
        "It is `meshConfig.protocolDetectionTimeout`",
    ),
    ended(
        "spec.values.global.proxy.envoyAccessLogService",
        7,
        "It is `meshConfig.defaultConfig.envoyAccessLogService`",
    ),
    ended(
        "spec.values.global.proxy.envoyMetricsService",
        7,
        "It is `meshConfig.defaultConfig.envoyMetricsService`",
    ),
    ended(
        "**.k8s.service.annotations",
        0,
        "Annotations of the Service stand in `k8s.serviceAnnotations`",
    ),
    ended(
        "**.k8s.service.labels",
        0,
        "Labels of a gateway stand in `label` of its component; those of its Service alone take a patch in `k8s.overlays`",
    ),
    ended(
        "**.k8s.annotations",
        0,
        "Annotations of the pods stand in `k8s.podAnnotations`, those of the Service in `k8s.serviceAnnotations`",
    ),
    ended("**.k8s.replicas", 0, "It is `k8s.replicaCount`"),
    ended("**.k8s.hpa", 0, "It is `k8s.hpaSpec`"),
];

/// What autoscaling/v2beta1 had in a metric, and what autoscaling/v2 has for it.
const METRICS: [(&str, &str); 6] = [
    (
        "targetAverageUtilization",
        "`target: {type: Utilization, averageUtilization: …}`",
    ),
    (
        "targetAverageValue",
        "`target: {type: AverageValue, averageValue: …}`",
    ),
    ("targetValue", "`target: {type: Value, value: …}`"),
    ("metricName", "`metric: {name: …}`"),
    ("metricSelector", "`metric: {selector: …}`"),
    ("selector", "`metric: {selector: …}`"),
];

/// Completes what is said of an unknown field: since when it is gone and what took its place, or where it belongs.
pub(crate) fn complete(diagnostic: &mut Diagnostic, version: &Version) {
    if !matches!(
        diagnostic.code.as_str(),
        "unknown-field" | "unknown-mesh-field"
    ) {
        return;
    }
    let Some(whole) = diagnostic.path.clone() else {
        return;
    };
    let path = path::split(&whole);
    let Some((key, _)) = path.split_last() else {
        return;
    };
    let of_cluster = of_cluster(&path).filter(|_| diagnostic.nearest.is_none());
    if let Some(hint) = of_cluster.or_else(|| metric(&path)) {
        diagnostic.hint = Some(hint);
        diagnostic.nearest = None;
        return;
    }
    let until = last_known(&path, version);
    let row = GONE.iter().find(|it| fits(it.path, &path));
    if let Some(row) = row {
        let until = row
            .until
            .or(until)
            .filter(|it| *it > 0 && *it < version.minor);
        let since = until.map(|it| format!("`{key}` is gone from Istio 1.{} on. ", it + 1));
        diagnostic.hint = Some(format!("{}{}", since.unwrap_or_default(), row.instead));
        diagnostic.nearest = None;
        return;
    }
    let is_case = |it: &String| it.eq_ignore_ascii_case(key);
    if diagnostic.nearest.as_ref().is_some_and(is_case) {
        return;
    }
    if let Some(until) = until {
        diagnostic.hint = Some(format!("`{key}` is known up to Istio 1.{until}"));
        diagnostic.nearest = None;
        return;
    }
    let told = diagnostic.hint.is_some() && diagnostic.nearest.is_none();
    let places = if told {
        Vec::new()
    } else {
        belongs(&path, version)
    };
    if !places.is_empty() {
        diagnostic.hint = Some(format!("`{key}` belongs to {}", places.join(" or ")));
        diagnostic.nearest = None;
    }
}

/// What the API server adds to a resource that was applied once.
fn of_cluster(path: &[String]) -> Option<String> {
    let added = match path {
        [first, ..] if first == "status" => true,
        [first, ..] => first == "metadata",
        [] => false,
    };
    added.then(|| {
        "It is of a resource as the cluster hands it out: remove what the cluster added (`status`, and below `metadata` all \
         but name, namespace, labels and annotations)"
            .to_owned()
    })
}

fn metric(path: &[String]) -> Option<String> {
    let at = path.iter().position(|it| it == "hpaSpec")?;
    let below = path.get(at + 1..)?;
    let (first, key) = (below.first()?, below.last()?);
    if first != "metrics" {
        return None;
    }
    let of_object = below.iter().rev().nth(1).is_some_and(|it| it == "target")
        && below.iter().any(|it| it == "object");
    let instead = if of_object {
        "`describedObject: {apiVersion: …, kind: …, name: …}`"
    } else {
        METRICS.iter().find(|(name, _)| name == key)?.1
    };
    Some(format!(
        "`{key}` is of autoscaling/v2beta1, which Istio takes up to 1.23 and Kubernetes up to 1.24; write {instead}"
    ))
}

/// Whether a path is one of a row's.
fn fits(pattern: &str, path: &[String]) -> bool {
    let pattern: Vec<&str> = pattern.split('.').collect();
    let (pattern, rest) = match pattern.as_slice() {
        ["**", rest @ ..] => (
            rest,
            path.len()
                .checked_sub(rest.len())
                .and_then(|it| path.get(it..)),
        ),
        [first @ .., "**"] => (
            first,
            (path.len() > first.len())
                .then(|| path.get(..first.len()))
                .flatten(),
        ),
        all => (all, Some(path)),
    };
    rest.is_some_and(|rest| {
        rest.len() == pattern.len()
            && pattern
                .iter()
                .zip(rest)
                .all(|(wanted, it)| *wanted == "*" || wanted == it)
    })
}

/// The last minor before `version` that knows a path of the `IstioOperator`.
fn last_known(path: &[String], version: &Version) -> Option<u64> {
    (6..version.minor).rev().find(|minor| {
        let version = Version::new(1, *minor, 99);
        let mut at: Option<(&'static Table, &'static str)> = match path {
            [first, ..] if first == "spec" && *minor < 24 => Some((&LEGACY, "IstioOperatorSpec")),
            [first, ..] if first == "spec" => Some((&OPERATOR, "IstioOperatorSpec")),
            _ => None,
        };
        for (depth, segment) in path.iter().enumerate().skip(1) {
            let above: Vec<_> = path.iter().take(depth).map(String::as_str).collect();
            at = match (above.as_slice(), segment.as_str()) {
                (["spec"], "values") => Some((&VALUES, "Values")),
                (["spec"] | ["spec", "values"], "meshConfig") => Some((&MESH_CONFIG, "MeshConfig")),
                _ => at.and_then(|(table, kind)| below(table, kind, segment, &version)),
            };
        }
        at.is_some() && path.len() > 1
    })
}

/// The type of what stands below a type, by key or in brackets.
fn below(
    table: &'static Table,
    kind: &'static str,
    segment: &str,
    version: &Version,
) -> Option<(&'static Table, &'static str)> {
    if let Some(kind) = kind.strip_prefix("[]") {
        return path::in_brackets(segment).map(|_| (table, kind));
    }
    if let Some(kind) = kind.strip_prefix("{}") {
        return Some((table, kind));
    }
    match table.field(kind, segment, version) {
        FieldType::Known { table, kind } => {
            Some((table, kind.strip_prefix("k8s:").unwrap_or(kind)))
        }
        FieldType::Unknown | FieldType::NoMessage => None,
    }
}

/// The places where a key may stand that was found elsewhere, at most two; none where it may stand in too many.
fn belongs(path: &[String], version: &Version) -> Vec<String> {
    let Some((key, above)) = path.split_last() else {
        return Vec::new();
    };
    let has = |table: &'static Table, kind: &str| {
        matches!(table.field(kind, key, version), FieldType::Known { .. })
    };
    let component =
        matches!(above, [spec, components, ..] if spec == "spec" && components == "components");
    if component
        && above.last().is_some_and(|it| it != "k8s")
        && has(&OPERATOR, "KubernetesResources")
    {
        return vec!["`k8s` of the component".to_owned()];
    }
    let places: [(&str, &'static Table, &str); 9] = [
        ("spec", &OPERATOR, "IstioOperatorSpec"),
        ("spec.components", &OPERATOR, "IstioComponentSpec"),
        ("spec.meshConfig", &MESH_CONFIG, "MeshConfig"),
        ("spec.meshConfig.defaultConfig", &MESH_CONFIG, "ProxyConfig"),
        ("spec.values", &VALUES, "Values"),
        ("spec.values.global", &VALUES, "GlobalConfig"),
        ("spec.values.global.proxy", &VALUES, "ProxyConfig"),
        ("spec.values.pilot", &VALUES, "PilotConfig"),
        ("spec.values.cni", &VALUES, "CNIConfig"),
    ];
    let here = above.join(".");
    let mut found: Vec<String> = places
        .iter()
        .filter(|(place, table, kind)| *place != here && has(table, kind))
        .map(|(place, ..)| format!("`{place}`"))
        .collect();
    // Fields of the IstioOperator beside `spec` are those of `spec` before anything else.
    if above.is_empty() && found.len() > 2 {
        found.truncate(1);
    }
    if found.len() > 2 { Vec::new() } else { found }
}
