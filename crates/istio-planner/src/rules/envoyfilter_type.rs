//! `envoyfilter-type`: patches that bring what the target's proxy does not have.
//!
//! What a proxy has is the list that it is built with (istio/proxy, `bazel/extension_config/extensions_build_config.bzl`
//! and `source/extensions` of each release branch); which types istiod can read is generated
//! (istio/istio, `pkg/config/xds/filter_types.gen.go`).

mod table;

use serde_json::Value;

use super::envoyfilter::{Patch, patches};
use super::{Situation, enumerate, text};
use crate::outcome::{Finding, Level, Subject};
use crate::rules::Code;
use crate::rules::Explanation;
use table::{Gone, of_code, of_name, of_type};

pub(crate) const EXPLANATION: Explanation = Explanation {
    meaning: "Patches of an EnvoyFilter bring a filter, a tracer or another extension that the target's proxy does not have, \
              or name one without its type, which the proxy no longer looks up.",
    why: "A proxy refuses a listener or cluster whole when it does not know a part of it. One that runs keeps its old \
          configuration; one that starts again has none, does not become ready, and takes no traffic. Where istiod itself \
          does not know the type, it passes over the patch, and what it did is gone.",
    settle: "Write the patch for what took the extension's place, or remove it, before the first proxy is restarted. Give \
             every extension its `typed_config` with an `@type` of the v3 API.",
    source: "Istio's change notes of 1.19, 1.23 and 1.25 on EnvoyFilter, XDS v2 and OpenCensus; Envoy's version history; \
             istio/proxy: bazel/extension_config/extensions_build_config.bzl; istio/istio: pkg/config/xds/filter_types.gen.go",
    link: Some("https://istio.io/latest/docs/reference/config/networking/envoy-filter/"),
};

/// The first minor whose proxies look extensions up by type only
/// (istio 1.19:`releasenotes/notes/no_extension_lookup_by_name.yaml`).
const BY_TYPE_ONLY: u32 = 19;

/// Something that the target's proxy does not have.
struct Lack {
    subject: Subject,
    what: String,
    since: u32,
    instead: &'static str,
}

pub(crate) fn check(situation: &Situation) -> Vec<Finding> {
    let (Some(to), Some(from)) = (situation.to, situation.from) else {
        return Vec::new();
    };
    if to.major != 1 {
        return Vec::new();
    }
    let target = to.to_string();
    let mut lacks = Vec::new();
    // A patch for other proxies than the target's is not applied to them.
    for patch in patches(situation)
        .iter()
        .filter(|it| it.is_for(&target) != Some(false))
    {
        collect(patch, to.minor, &mut lacks);
    }
    lacks.retain(|it| it.since <= to.minor);
    if lacks.is_empty() {
        return Vec::new();
    }
    let mut whats: Vec<String> = Vec::new();
    for lack in &lacks {
        let already = if lack.since <= from.minor {
            format!(", as {from} does not have it either")
        } else {
            String::new()
        };
        let what = format!("{} (gone since 1.{}{already})", lack.what, lack.since);
        if !whats.contains(&what) {
            whats.push(what);
        }
    }
    let mut ways: Vec<&str> = Vec::new();
    for lack in &lacks {
        if !ways.contains(&lack.instead) {
            ways.push(lack.instead);
        }
    }
    let mut names: Vec<_> = lacks
        .iter()
        .filter_map(|it| it.subject.object.as_ref())
        .map(|it| {
            format!(
                "{}/{}",
                it.namespace.as_deref().unwrap_or_default(),
                it.name
            )
        })
        .collect();
    sorted::sort(&mut names);
    names.dedup();
    let finding = Finding::new(
        Code::EnvoyfilterType,
        Level::Warn,
        format!(
            "EnvoyFilter {} brings what the proxies of {to} do not have",
            enumerate(&names)
        ),
        format!(
            "It names {}. A restarted proxy refuses the whole listener or cluster that holds it, or istiod passes over the patch",
            enumerate(&whats)
        ),
    );
    vec![
        finding
            .about(lacks.iter().map(|it| it.subject.clone()))
            .fix(format!("Before proxies are restarted: {}", ways.join("; "))),
    ]
}

/// What a patch names that proxies do not have.
fn collect(patch: &Patch, target: u32, lacks: &mut Vec<Lack>) {
    let mut gone = |path: &str, value: &str, gone: &Gone| {
        lacks.push(Lack {
            subject: patch.subject(path).value(value),
            what: format!("`{}`", short(value)),
            since: gone.since,
            instead: gone.instead,
        });
    };
    for pointer in [
        "match.listener.filterChain.filter.name",
        "match.listener.filterChain.filter.subFilter.name",
    ] {
        let name = text(patch.value, &format!("/{}", pointer.replace('.', "/")));
        if let Some((name, it)) = name.and_then(|it| Some((it, table::of_match(it)?))) {
            gone(pointer, name, it);
        }
    }
    let Some(value) = patch.value.pointer("/patch/value") else {
        return;
    };
    strings(value, "patch.value", &mut |path, key, text| {
        let found = match key {
            "@type" | "type_url" | "typeUrl" => of_type(text),
            "name" => of_name(text),
            _ => of_code(text),
        };
        if let Some(it) = found {
            gone(path, text, it);
        }
    });
    if target < BY_TYPE_ONLY {
        return;
    }
    let apply_to = text(patch.value, "/applyTo").unwrap_or_default();
    let operation = text(patch.value, "/patch/operation").unwrap_or_default();
    let adds = operation.starts_with("INSERT") || matches!(operation, "ADD" | "REPLACE");
    let is_extension = matches!(
        apply_to,
        "HTTP_FILTER" | "NETWORK_FILTER" | "LISTENER_FILTER"
    );
    let mut untyped = Vec::new();
    if adds && is_extension && is_untyped(value) {
        untyped.push(("patch.value".to_owned(), value));
    }
    nested(value, "patch.value", &mut untyped);
    for (path, it) in untyped {
        let name = text(it, "/name").unwrap_or_default();
        // A name that is gone has been told.
        if of_name(name).is_some() {
            continue;
        }
        lacks.push(Lack {
            subject: patch.subject(&path).value(name),
            what: format!("`{name}` by name, without `typed_config`"),
            since: BY_TYPE_ONLY,
            instead: "give it a `typed_config` with the `@type` of the v3 API",
        });
    }
}

/// A type without the address before it.
fn short(type_url: &str) -> &str {
    type_url.rsplit('/').next().unwrap_or(type_url)
}

/// Whether an extension has a name and nothing that tells its type.
fn is_untyped(value: &Value) -> bool {
    const TYPED: [&str; 4] = [
        "typed_config",
        "typedConfig",
        "config_discovery",
        "configDiscovery",
    ];
    let Some(map) = value.as_object() else {
        return false;
    };
    map.get("name").and_then(Value::as_str).is_some()
        && !TYPED.iter().any(|it| map.contains_key(*it))
        // A switch of a filter that stands elsewhere.
        && map.get("disabled").and_then(Value::as_bool) != Some(true)
}

/// Fields that hold extensions: one, or a list of them.
const EXTENSIONS: [&str; 14] = [
    "http_filters",
    "httpFilters",
    "filters",
    "listener_filters",
    "listenerFilters",
    "access_log",
    "accessLog",
    "transport_socket",
    "transportSocket",
    "provider",
    "upstream_log",
    "retry_host_predicate",
    "path_normalization_options",
    "request_id_extension",
];

fn nested<'a>(value: &'a Value, path: &str, found: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(map) => {
            for (key, it) in map {
                let path = format!("{path}.{key}");
                if EXTENSIONS.contains(&key.as_str()) {
                    let list = it.as_array();
                    let each = list.into_iter().flatten().enumerate();
                    found.extend(
                        each.filter(|(_, it)| is_untyped(it))
                            .map(|(index, it)| (format!("{path}[{index}]"), it)),
                    );
                    if is_untyped(it) {
                        found.push((path.clone(), it));
                    }
                }
                nested(it, &path, found);
            }
        }
        Value::Array(list) => {
            for (index, it) in list.iter().enumerate() {
                nested(it, &format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}

/// Calls with path, key and text of every string.
fn strings(value: &Value, path: &str, each: &mut dyn FnMut(&str, &str, &str)) {
    match value {
        Value::Object(map) => {
            for (key, it) in map {
                let path = format!("{path}.{key}");
                match it {
                    Value::String(text) => each(&path, key, text),
                    other => strings(other, &path, each),
                }
            }
        }
        Value::Array(list) => {
            for (index, it) in list.iter().enumerate() {
                strings(it, &format!("{path}[{index}]"), each);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::check;
    use crate::outcome::Finding;
    use crate::rules::fixture::Cluster;

    fn of(from: &str, to: &str, patch: &Value) -> Vec<Finding> {
        let mut cluster = Cluster::new();
        cluster.source.version = Some(from.to_owned());
        cluster.request.to = to.to_owned();
        cluster.object(json!({
            "apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter",
            "metadata": {"name": "it", "namespace": "shop"}, "spec": {"configPatches": [patch]},
        }));
        cluster.check(check)
    }

    fn added(value: &Value) -> Value {
        json!({"applyTo": "HTTP_FILTER", "patch": {"operation": "INSERT_BEFORE", "value": value}})
    }

    fn typed(of: &str) -> Value {
        let url = format!("type.googleapis.com/{of}");
        added(&json!({"name": "mine", "typed_config": {"@type": url}}))
    }

    #[test]
    fn an_extension_that_goes_is_told_with_what_took_its_place() {
        let gone = "envoy.config.trace.v3.OpenCensusConfig";
        let findings = of("1.22.8", "1.23.6", &typed(gone));
        assert!(
            findings[0].detail.contains("OpenCensusConfig"),
            "{findings:?}"
        );
        assert!(
            findings[0]
                .fix
                .as_deref()
                .unwrap()
                .contains("OpenTelemetry")
        );
        assert!(of("1.21.6", "1.22.8", &typed(gone)).is_empty());
    }

    #[test]
    fn frozen_types_are_told_from_the_release_that_refuses_them() {
        let v2 = typed("envoy.config.filter.http.lua.v2.Lua");
        assert_eq!(of("1.18.7", "1.19.10", &v2).len(), 1);
        let v3 = typed("envoy.extensions.filters.http.lua.v3.Lua");
        assert!(of("1.18.7", "1.19.10", &v3).is_empty());
        let own = typed("istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig");
        assert!(of("1.18.7", "1.19.10", &own).is_empty());
    }

    #[test]
    fn an_extension_by_name_alone_is_told() {
        let bare = added(&json!({"name": "envoy.filters.http.cors"}));
        assert_eq!(of("1.18.7", "1.19.10", &bare).len(), 1);
        assert!(of("1.17.8", "1.18.7", &bare).is_empty());
        let merged = json!({"applyTo": "HTTP_FILTER", "patch": {"operation": "MERGE", "value": {"name": "x"}}});
        assert!(of("1.18.7", "1.19.10", &merged).is_empty());
        let nested = json!({"applyTo": "CLUSTER", "patch": {"operation": "MERGE", "value":
            {"transport_socket": {"name": "envoy.transport_sockets.raw_buffer"}}}});
        assert_eq!(of("1.18.7", "1.19.10", &nested).len(), 1);
    }

    #[test]
    fn a_patch_for_other_proxies_is_not_looked_at() {
        let mut patch = typed("envoy.config.trace.v3.OpenCensusConfig");
        patch["match"] = json!({"proxy": {"proxyVersion": r"^1\.22"}});
        assert!(of("1.22.8", "1.23.6", &patch).is_empty());
    }

    #[test]
    fn names_in_matches_are_told_from_the_release_that_no_longer_knows_them() {
        let patch = json!({"applyTo": "HTTP_FILTER", "match": {"listener": {"filterChain": {"filter":
            {"name": "envoy.http_connection_manager"}}}}, "patch": {"operation": "REMOVE"}});
        assert_eq!(of("1.18.7", "1.19.10", &patch).len(), 1);
        assert!(of("1.17.8", "1.18.7", &patch).is_empty());
    }
}
