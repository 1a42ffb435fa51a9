//! Where a setting is read today.

/// A setting with another place.
pub(super) struct Moved {
    /// The place from `spec` on; what is below it moved along.
    from: &'static str,
    /// Where it is read, or what does it; or why nothing does.
    pub(super) instead: Instead,
    /// What the loss does to pods.
    pub(super) pods: Option<&'static str>,
}

/// What took a setting's place.
#[derive(Clone, Copy)]
pub(super) enum Instead {
    /// Another setting.
    Set(&'static str),
    /// Nothing; what Istio always does now.
    Always(&'static str),
}

/// The longest place that fits is taken. Sources: releasenotes/notes of 1.20 to 1.24 (`51987.yaml`, `52645.yaml`,
/// `51972.yaml`, `drop-telemetry-envoyfilter.yaml`) and the charts' values.yaml.
const MOVED: &[Moved] = &[
    Moved {
        from: "components.pilot.k8s.podDisruptionBudget",
        instead: Instead::Set(
            "`values.pilot.autoscaleMin` (or `replicaCount`, without autoscaling) above 1, without which the chart renders no \
             budget, and `values.pilot.pdb`",
        ),
        pods: None,
    },
    Moved {
        from: "values.istio_cni.enabled",
        instead: Instead::Set("`values.pilot.cni.enabled` (and `components.cni.enabled`)"),
        pods: Some(
            "Pods that are restarted get the init container istio-init again, which needs NET_ADMIN and NET_RAW: namespaces \
             under pod security refuse them",
        ),
    },
    Moved {
        from: "values.istio_cni.provider",
        instead: Instead::Set("`values.pilot.cni.provider`"),
        pods: Some("Pods that are restarted do not name the network attachment of the CNI plug-in"),
    },
    Moved {
        from: "values.istio_cni",
        instead: Instead::Set("`values.pilot.cni`"),
        pods: Some(
            "Pods that are restarted are injected without CNI: they get the init container istio-init, which needs NET_ADMIN \
             and NET_RAW",
        ),
    },
    Moved {
        from: "values.cni.logLevel",
        instead: Instead::Set("`values.cni.logging.level`, or `values.global.logging.level`"),
        pods: None,
    },
    Moved {
        from: "values.telemetry.v2",
        instead: Instead::Set("a Telemetry resource, or `meshConfig.defaultProviders`"),
        pods: None,
    },
    Moved {
        from: "values.telemetry",
        instead: Instead::Set("a Telemetry resource, or `meshConfig.defaultProviders`"),
        pods: None,
    },
    Moved {
        from: "values.global.tracer",
        instead: Instead::Set("`meshConfig.extensionProviders` with a Telemetry resource"),
        pods: None,
    },
    Moved {
        from: "values.global.proxy.accessLogFile",
        instead: Instead::Set("`meshConfig.accessLogFile`"),
        pods: None,
    },
    Moved {
        from: "values.global.proxy.accessLogFormat",
        instead: Instead::Set("`meshConfig.accessLogFormat`"),
        pods: None,
    },
    Moved {
        from: "values.global.proxy.accessLogEncoding",
        instead: Instead::Set("`meshConfig.accessLogEncoding`"),
        pods: None,
    },
    Moved {
        from: "values.global.outboundTrafficPolicy",
        instead: Instead::Set("`meshConfig.outboundTrafficPolicy`"),
        pods: None,
    },
    Moved {
        from: "values.global.proxy.concurrency",
        instead: Instead::Set("`meshConfig.defaultConfig.concurrency`"),
        pods: None,
    },
    Moved {
        from: "values.global.trustDomain",
        instead: Instead::Set("`meshConfig.trustDomain`"),
        pods: None,
    },
    Moved {
        from: "values.pilot.enableProtocolSniffingForOutbound",
        instead: Instead::Always("protocols are always detected"),
        pods: None,
    },
    Moved {
        from: "values.pilot.enableProtocolSniffingForInbound",
        instead: Instead::Always("protocols are always detected"),
        pods: None,
    },
    Moved {
        from: "values.global.istiod.enableAnalysis",
        instead: Instead::Set("`values.pilot.env.PILOT_ENABLE_ANALYSIS`"),
        pods: None,
    },
    Moved {
        from: "values.global.defaultNodeSelector",
        instead: Instead::Set("`k8s.nodeSelector` of each component"),
        pods: None,
    },
    Moved {
        from: "values.global.defaultTolerations",
        instead: Instead::Set("`k8s.tolerations` of each component"),
        pods: None,
    },
    Moved {
        from: "values.global.jwtPolicy",
        instead: Instead::Always("tokens are always those for third parties"),
        pods: None,
    },
];

/// Returns where a setting is read today, if that is known.
pub(super) fn to(path: &str) -> Option<&'static Moved> {
    let fits = |it: &&Moved| {
        path.strip_prefix(it.from)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    MOVED.iter().filter(fits).max_by_key(|it| it.from.len())
}
