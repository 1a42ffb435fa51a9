//! What went from Istio's proxies, by the minor that no longer has it.

/// An extension that is gone.
pub(super) struct Gone {
    /// Its types, without the address before them.
    types: &'static [&'static str],
    /// Its names.
    names: &'static [&'static str],
    /// The first minor of Istio 1 whose proxy, or istiod, does not have it.
    pub(super) since: u32,
    /// What to do.
    pub(super) instead: &'static str,
}

/// In the order of the releases. Sources: the list of extensions that each release of istio/proxy is built with, the
/// types that each release of istiod reads, and the notes named beside an entry.
const GONE: &[Gone] = &[
    // filter_types.gen.go of 1.12: alpha packages of Envoy 1.20 went.
    Gone {
        types: &["envoy.extensions.filters.http.squash.v3.Squash"],
        names: &["envoy.filters.http.squash", "envoy.squash"],
        since: 13,
        instead: "remove the squash filter, which nothing replaces",
    },
    Gone {
        types: &[
            "envoy.extensions.filters.network.kafka_broker.v3.KafkaBroker",
            "envoy.extensions.filters.network.rocketmq_proxy.v3.RocketmqProxy",
        ],
        names: &[
            "envoy.filters.network.kafka_broker",
            "envoy.filters.network.rocketmq_proxy",
        ],
        since: 13,
        instead: "remove the protocol's filter: Istio's proxy is built without Envoy's contributed filters, and passes the \
                  connection on as TCP",
    },
    Gone {
        types: &["envoy.config.trace.v3.LightstepConfig"],
        names: &["envoy.tracers.lightstep", "envoy.lightstep"],
        since: 15,
        instead: "send traces by OpenTelemetry (an extension provider and a Telemetry resource)",
    },
    Gone {
        types: &["envoy.extensions.filters.http.dynamo.v3.Dynamo"],
        names: &["envoy.filters.http.dynamo", "envoy.http_dynamo_filter"],
        since: 15,
        instead: "remove the dynamo filter, which Envoy 1.23 moved out of its core",
    },
    Gone {
        types: &["envoy.extensions.filters.network.client_ssl_auth.v3.ClientSSLAuth"],
        names: &[
            "envoy.filters.network.client_ssl_auth",
            "envoy.client_ssl_auth",
        ],
        since: 15,
        instead: "replace client_ssl_auth by an AuthorizationPolicy",
    },
    Gone {
        types: &["envoy.extensions.cache.simple_http_cache.v3.SimpleHttpCacheConfig"],
        names: &[],
        since: 17,
        instead: "name the cache by `envoy.extensions.http.cache.simple_http_cache.v3.SimpleHttpCacheConfig`",
    },
    Gone {
        types: &["envoy.extensions.filters.network.meta_protocol_proxy.v3.MetaProtocolProxy"],
        names: &["envoy.filters.network.meta_protocol_proxy"],
        since: 17,
        instead: "write it for Envoy's generic_proxy",
    },
    Gone {
        types: &[
            "envoy.extensions.path.match.pattern_template.v3.PatternTemplateMatchConfig",
            "envoy.extensions.path.rewrite.pattern_template.v3.PatternTemplateRewriteConfig",
        ],
        names: &[],
        since: 17,
        instead: "use the uri_template extensions, as they are called since Envoy 1.25",
    },
    Gone {
        types: &[],
        names: &[
            "forward_downstream_sni",
            "sni_verifier",
            "tcp_cluster_rewrite",
        ],
        since: 20,
        instead: "remove the SNI filters of Istio's old proxies",
    },
    Gone {
        types: &["istio.envoy.config.filter.http.authn.v2alpha1.FilterConfig"],
        names: &["istio_authn"],
        since: 21,
        instead: "read what `envoy.filters.http.jwt_authn` and the connection tell: the filter istio_authn is gone",
    },
    Gone {
        types: &[
            "envoy.extensions.injected_credentials.generic.v3.Generic",
            "envoy.extensions.injected_credentials.oauth2.v3.OAuth2",
        ],
        names: &[],
        since: 22,
        instead: "name the credentials by `envoy.extensions.http.injected_credentials`",
    },
    // releasenotes/notes/51078.yaml (1.23), opencensus-removal.yaml (1.25); Envoy 1.33 removed the code.
    Gone {
        types: &["envoy.config.trace.v3.OpenCensusConfig"],
        names: &["envoy.tracers.opencensus"],
        since: 23,
        instead: "send traces by OpenTelemetry (an extension provider and a Telemetry resource)",
    },
    Gone {
        types: &["envoy.config.trace.v3.DynamicOtConfig"],
        names: &["envoy.tracers.dynamic_ot", "envoy.dynamic.ot"],
        since: 24,
        instead: "send traces by OpenTelemetry (an extension provider and a Telemetry resource)",
    },
    Gone {
        types: &["envoy.config.grpc_credential.v3.AwsIamConfig"],
        names: &["envoy.grpc_credentials.aws_iam"],
        since: 27,
        instead: "give the gRPC service other credentials: those of AWS IAM are gone",
    },
    Gone {
        types: &["envoy.extensions.network.connection_balance.dlb.v3alpha.Dlb"],
        names: &["envoy.network.connection_balance.dlb"],
        since: 28,
        instead: "remove the connection balancer, or use exact_balance",
    },
    Gone {
        types: &["envoy.extensions.private_key_providers.qat.v3alpha.QatPrivateKeyMethodConfig"],
        names: &["envoy.tls.key_providers.qat"],
        since: 29,
        instead: "remove the private key provider",
    },
    Gone {
        types: &[
            "envoy.extensions.private_key_providers.cryptomb.v3alpha.CryptoMbPrivateKeyMethodConfig",
        ],
        names: &["envoy.tls.key_providers.cryptomb"],
        since: 30,
        instead: "remove the private key provider",
    },
];

/// Code that Istio's proxies had compiled in, and that a Wasm filter named.
const CODES: &[Gone] = &[
    Gone {
        types: &[],
        names: &[
            "envoy.wasm.stats",
            "envoy.wasm.attributegen",
            "envoy.wasm.null.stats",
        ],
        since: 18,
        instead: "configure metrics by a Telemetry resource: the Wasm filters stats and attributegen are gone",
    },
    Gone {
        types: &[],
        names: &["envoy.wasm.metadata_exchange"],
        since: 20,
        instead: "remove the metadata exchange, which proxies do by themselves",
    },
    Gone {
        types: &[],
        names: &["envoy.wasm.runtime.wavm"],
        since: 22,
        instead: "run Wasm by `envoy.wasm.runtime.v8`",
    },
    Gone {
        types: &[],
        names: &[
            "envoy.wasm.null.stackdriver",
            "envoy.wasm.stackdriver",
            "envoy.wasm.access_log_policy",
        ],
        since: 23,
        instead: "send metrics and logs by another provider: the stackdriver filters are gone",
    },
];

/// Types of Envoy's API v2 (istio 1.19:releasenotes/notes/drop-xds-v2.yaml).
const FROZEN: Gone = Gone {
    types: &[],
    names: &[],
    since: 19,
    instead: "name the v3 type (`envoy.extensions.filters.…v3`) instead of the v2 one",
};

/// Alpha packages of v3 and v4 (Envoy 1.20 removed them).
const ALPHA: Gone = Gone {
    types: &[],
    names: &[],
    since: 12,
    instead: "name the v3 type instead of the alpha one",
};

/// Names from before Envoy 1.14 in matches (istio 1.19:releasenotes/notes/deprecated-envoy-filter.yaml).
const OLD_NAME: Gone = Gone {
    types: &[],
    names: &[
        "envoy.buffer",
        "envoy.cors",
        "envoy.csrf",
        "envoy.http_dynamo_filter",
        "envoy.ext_authz",
        "envoy.fault",
        "envoy.grpc_http1_bridge",
        "envoy.grpc_json_transcoder",
        "envoy.grpc_web",
        "envoy.gzip",
        "envoy.health_check",
        "envoy.ip_tagging",
        "envoy.lua",
        "envoy.rate_limit",
        "envoy.router",
        "envoy.squash",
        "envoy.listener.http_inspector",
        "envoy.listener.original_dst",
        "envoy.listener.original_src",
        "envoy.listener.proxy_protocol",
        "envoy.listener.tls_inspector",
        "envoy.client_ssl_auth",
        "envoy.http_connection_manager",
        "envoy.mongo_proxy",
        "envoy.ratelimit",
        "envoy.redis_proxy",
        "envoy.tcp_proxy",
    ],
    since: 19,
    instead: "match filters by their canonical names (`envoy.filters.network.http_connection_manager`)",
};

/// Returns what went with a type, given with or without the address before it.
pub(super) fn of_type(type_url: &str) -> Option<&'static Gone> {
    let name = type_url.rsplit('/').next().unwrap_or(type_url);
    let listed = GONE.iter().find(|it| it.types.contains(&name));
    listed.or_else(|| {
        let package = name.strip_prefix("envoy.")?;
        let has = |prefix: &str| package.split('.').any(|it| it.starts_with(prefix));
        if has("v2") && (package.starts_with("config.") || package.starts_with("api.v2")) {
            Some(&FROZEN)
        } else if package.split('.').any(|it| it == "v4alpha") {
            Some(&ALPHA)
        } else {
            None
        }
    })
}

/// Returns what went with the name of an extension.
pub(super) fn of_name(name: &str) -> Option<&'static Gone> {
    GONE.iter().find(|it| it.names.contains(&name))
}

/// Returns what went with the name of compiled-in code or of a runtime.
pub(super) fn of_code(text: &str) -> Option<&'static Gone> {
    CODES.iter().find(|it| it.names.contains(&text))
}

/// Returns what went with the name of a filter that a patch looks for.
pub(super) fn of_match(name: &str) -> Option<&'static Gone> {
    if OLD_NAME.names.contains(&name) {
        return Some(&OLD_NAME);
    }
    // Istio's own filters stand in listeners; what others brought may be matched as long as it is brought.
    GONE.iter()
        .filter(|it| it.names.contains(&"istio_authn") || it.names.contains(&"sni_verifier"))
        .find(|it| it.names.contains(&name))
}
