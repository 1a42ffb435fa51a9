//! Settings that istioctl warns of, and those that it refuses because they are gone.
//!
//! `checkDeprecatedSettings` of operator/pkg/apis/istio/v1alpha1/validation/validation.go at 1.8.6 to 1.23.6,
//! `deprecatedSettingsMessage` at 1.6.14 and 1.7.8 (their words on Mixer are not repeated).
//! Warnings are given for what the user says, not for what a profile says.

use serde_json::Value;

use crate::Diagnostic;
use crate::operator::merge::get;

/// A deprecated setting.
struct Setting {
    path: &'static str,
    instead: &'static str,
    /// What may stand there all the same.
    harmless: Harmless,
    since: u64,
    until: u64,
    /// The first minor that refuses it.
    refused: u64,
}

/// What is as good as not set.
#[derive(Clone, Copy, PartialEq)]
enum Harmless {
    Nothing,
    False,
    Empty,
    ThirdParty,
}

use Harmless::{Empty, False, Nothing, ThirdParty};

const NEVER: u64 = u64::MAX;

const fn warned(
    path: &'static str,
    instead: &'static str,
    harmless: Harmless,
    minors: (u64, u64),
) -> Setting {
    Setting {
        path,
        instead,
        harmless,
        since: minors.0,
        until: minors.1,
        refused: NEVER,
    }
}

const fn refused(
    path: &'static str,
    instead: &'static str,
    harmless: Harmless,
    minors: (u64, u64),
) -> Setting {
    Setting {
        refused: minors.1,
        ..warned(path, instead, harmless, (minors.0, 23))
    }
}

const SAMPLES: &str = "the samples/addons/ deployments";
const DNS: &str = "the in-proxy DNS capturing (ISTIO_META_DNS_CAPTURE)";
const TOKENS: &str = "Values.global.jwtPolicy=third-party-jwt. See https://istio.io/latest/docs/ops/best-practices/security/#configure-third-party-service-account-tokens for more information";

const SETTINGS: [Setting; 46] = [
    warned(
        "values.global.certificates",
        "meshConfig.certificates",
        Nothing,
        (6, 23),
    ),
    warned(
        "values.global.trustDomainAliases",
        "meshConfig.trustDomainAliases",
        Nothing,
        (6, 9),
    ),
    warned(
        "values.global.outboundTrafficPolicy",
        "meshConfig.outboundTrafficPolicy",
        Nothing,
        (6, 23),
    ),
    warned(
        "values.global.localityLbSetting",
        "meshConfig.localityLbSetting",
        Nothing,
        (6, 23),
    ),
    warned(
        "values.global.policyCheckFailOpen",
        "meshConfig.policyCheckFailOpen",
        False,
        (6, 23),
    ),
    warned(
        "values.global.enableTracing",
        "meshConfig.enableTracing",
        False,
        (6, 23),
    ),
    warned(
        "values.global.proxy.accessLogFormat",
        "meshConfig.accessLogFormat",
        Empty,
        (6, 23),
    ),
    warned(
        "values.global.proxy.accessLogFile",
        "meshConfig.accessLogFile",
        Empty,
        (6, 23),
    ),
    warned(
        "values.global.proxy.accessLogEncoding",
        "meshConfig.accessLogEncoding",
        Nothing,
        (6, 7),
    ),
    warned(
        "values.global.proxy.concurrency",
        "meshConfig.defaultConfig.concurrency",
        Nothing,
        (6, 23),
    ),
    warned(
        "values.global.proxy.envoyAccessLogService",
        "meshConfig.defaultConfig.envoyAccessLogService",
        Nothing,
        (6, 23),
    ),
    warned(
        "values.global.proxy.envoyAccessLogService.enabled",
        "meshConfig.enableEnvoyAccessLogService",
        Nothing,
        (7, 23),
    ),
    warned(
        "values.global.proxy.envoyMetricsService",
        "meshConfig.defaultConfig.envoyMetricsService",
        Nothing,
        (6, 23),
    ),
    warned(
        "values.global.proxy.protocolDetectionTimeout",
        "meshConfig.protocolDetectionTimeout",
        Empty,
        (6, 23),
    ),
    warned(
        "values.global.proxy.holdApplicationUntilProxyStarts",
        "meshConfig.defaultConfig.holdApplicationUntilProxyStarts",
        False,
        (8, 23),
    ),
    warned(
        "values.pilot.ingress",
        "meshConfig.ingressService, meshConfig.ingressControllerMode, and meshConfig.ingressClass",
        Nothing,
        (6, 23),
    ),
    warned(
        "values.global.mtls.enabled",
        "the PeerAuthentication resource",
        Nothing,
        (6, 23),
    ),
    warned(
        "values.global.mtls.auto",
        "meshConfig.enableAutoMtls",
        Nothing,
        (6, 23),
    ),
    warned(
        "values.global.tracer.lightstep.address",
        "meshConfig.defaultConfig.tracing.lightstep.address",
        Empty,
        (8, 23),
    ),
    warned(
        "values.global.tracer.lightstep.accessToken",
        "meshConfig.defaultConfig.tracing.lightstep.accessToken",
        Empty,
        (8, 23),
    ),
    warned(
        "values.global.tracer.zipkin.address",
        "meshConfig.defaultConfig.tracing.zipkin.address",
        Nothing,
        (8, 23),
    ),
    warned(
        "values.global.tracer.datadog.address",
        "meshConfig.defaultConfig.tracing.datadog.address",
        Empty,
        (8, 23),
    ),
    warned(
        "values.global.meshExpansion.enabled",
        "Gateway and other Istio networking resources, such as in samples/multicluster/",
        False,
        (8, 23),
    ),
    warned(
        "values.global.trustDomain",
        "meshConfig.trustDomain",
        Nothing,
        (8, 9),
    ),
    warned(
        "values.gateways.istio-ingressgateway.meshExpansionPorts",
        "components.ingressGateways[name=istio-ingressgateway].k8s.service.ports",
        Nothing,
        (8, 23),
    ),
    warned("addonComponents.istiocoredns.enabled", DNS, False, (8, 23)),
    warned("values.istiocoredns.enabled", DNS, False, (8, 23)),
    warned(
        "values.telemetry.v2.stackdriver.logging",
        "Values.telemetry.v2.stackdriver.outboundAccessLogging and Values.telemetry.v2.stackdriver.inboundAccessLogging",
        False,
        (8, 20),
    ),
    warned("values.global.jwtPolicy", TOKENS, ThirdParty, (10, 23)),
    warned(
        "values.global.centralIstiod",
        "Values.global.externalIstiod",
        False,
        (8, 23),
    ),
    warned(
        "values.global.arch",
        "the affinity of k8s settings",
        Nothing,
        (10, 23),
    ),
    warned(
        "values.global.disablePolicyChecks",
        "meshConfig.disablePolicyChecks",
        Nothing,
        (6, 6),
    ),
    warned(
        "values.mixer.telemetry.reportBatchMaxEntries",
        "meshConfig.reportBatchMaxEntries",
        Nothing,
        (6, 6),
    ),
    warned(
        "values.mixer.telemetry.reportBatchMaxTime",
        "meshConfig.reportBatchMaxTime",
        Empty,
        (6, 6),
    ),
    refused("values.grafana.enabled", SAMPLES, False, (7, 8)),
    refused("values.tracing.enabled", SAMPLES, False, (7, 8)),
    refused("values.kiali.enabled", SAMPLES, False, (7, 8)),
    refused("values.prometheus.enabled", SAMPLES, False, (7, 8)),
    refused("addonComponents.grafana.enabled", SAMPLES, False, (7, 8)),
    refused("addonComponents.tracing.enabled", SAMPLES, False, (7, 8)),
    refused("addonComponents.kiali.enabled", SAMPLES, False, (7, 8)),
    refused("addonComponents.prometheus.enabled", SAMPLES, False, (7, 8)),
    refused(
        "values.global.tracer.stackdriver.debug",
        "meshConfig.defaultConfig.tracing.stackdriver.debug",
        False,
        (8, 21),
    ),
    refused(
        "values.global.tracer.stackdriver.maxNumberOfAttributes",
        "meshConfig.defaultConfig.tracing.stackdriver.maxNumberOfAttributes",
        Nothing,
        (8, 21),
    ),
    refused(
        "values.global.tracer.stackdriver.maxNumberOfAnnotations",
        "meshConfig.defaultConfig.tracing.stackdriver.maxNumberOfAnnotations",
        Nothing,
        (8, 21),
    ),
    refused(
        "values.global.tracer.stackdriver.maxNumberOfMessageEvents",
        "meshConfig.defaultConfig.tracing.stackdriver.maxNumberOfMessageEvents",
        Nothing,
        (8, 21),
    ),
];

pub(super) fn check(merged: &Value, user: &Value, minor: u64, diagnostics: &mut Vec<Diagnostic>) {
    for setting in SETTINGS
        .iter()
        .filter(|it| (it.since..=it.until).contains(&minor))
    {
        let path: Vec<&str> = ["spec"]
            .into_iter()
            .chain(setting.path.split('.'))
            .collect();
        let is_refused = minor >= setting.refused;
        let said = get(merged, &path).is_some_and(|it| setting.is_meant(it));
        if !said || !is_refused && get(user, &path).is_none() {
            continue;
        }
        let message = format!(
            "! {} is deprecated; use {} instead",
            setting.path, setting.instead
        );
        let diagnostic = if is_refused {
            Diagnostic::error("removed-setting", message)
        } else {
            Diagnostic::warning("deprecated-setting", message)
        };
        diagnostics.push(diagnostic.at(path.join(".")));
    }
}

impl Setting {
    fn is_meant(&self, value: &Value) -> bool {
        !value.is_null()
            && match self.harmless {
                Nothing => true,
                False => value.as_bool() != Some(false),
                Empty => value.as_str() != Some(""),
                ThirdParty => value.as_str() != Some("third-party-jwt"),
            }
    }
}
