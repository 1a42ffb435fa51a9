//! Hub, tag, revision, and the names of gateways and addons (1.21.6:operator/pkg/validate/validate.go:200-235, common.go:36-100).

use istio_catalog::ComponentName;
use semver::Version;
use serde_json::Value;

use super::name;
use crate::operator::merge::get;
use crate::operator::validate::is_dns_label;
use crate::{Diagnostic, go};

pub(super) fn check(spec: &Value, version: &Version, diagnostics: &mut Vec<Diagnostic>) {
    let text = |key: &str| spec.get(key).and_then(Value::as_str).unwrap_or_default();
    let hub = text("hub");
    if !hub.is_empty() && !is_reference(hub) {
        let message = format!("invalid value Hub: {hub}");
        diagnostics.push(Diagnostic::error("bad-hub", message).at("spec.hub"));
    }
    let tag = tag(spec, version.minor);
    if !tag.is_empty() && !is_tag(&tag) {
        let message = format!("invalid value Tag: {tag}");
        diagnostics.push(Diagnostic::error("bad-tag", message).at("spec.tag"));
    }
    let revision = text("revision");
    if version.minor >= 9 && !revision.is_empty() && !is_dns_label(revision) {
        let message = format!("invalid revision specified: {revision}");
        diagnostics.push(
            Diagnostic::error("bad-revision", message)
                .at("spec.revision")
                .hinted("up to 63 of a-z, A-Z, 0-9 and -, the last of them neither first nor last"),
        );
    }
    gateways(spec, version.minor, diagnostics);
    if version.minor <= 8 {
        addons(spec, version.minor, diagnostics);
    }
}

/// The tag as istioctl looks at it: from 1.14 on only texts, before that numbers as Go prints them.
fn tag(spec: &Value, minor: u64) -> String {
    match spec.get("tag") {
        Some(Value::String(it)) => it.clone(),
        None | Some(Value::Null) => String::new(),
        Some(_) if minor >= 14 => String::new(),
        Some(Value::Number(it)) => go::print_float(it.as_f64().unwrap_or_default()),
        Some(it) => go::print(it),
    }
}

fn gateways(spec: &Value, minor: u64, diagnostics: &mut Vec<Diagnostic>) {
    for (list, shown) in [
        ("ingressGateways", ComponentName::IngressGateways),
        ("egressGateways", ComponentName::EgressGateways),
    ] {
        let gateways = get(spec, &["components", list])
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        for (index, gateway) in gateways.enumerate() {
            let path = format!("spec.components.{list}.[{index}]");
            if gateway.is_null() && minor >= 14 {
                let message = "badly formatted gateway configuration";
                diagnostics.push(Diagnostic::error("bad-gateway", message).at(path));
                continue;
            }
            let name = name(gateway);
            let letters =
                |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b".-".contains(&it);
            if name.len() > 254 || !name.bytes().all(letters) {
                let element = if minor >= 14 {
                    String::new()
                } else {
                    format!("[{index}].Name")
                };
                let message = format!("invalid value Components.{shown}{element}: {name}");
                let path = format!("{path}.name");
                diagnostics.push(Diagnostic::error("bad-gateway-name", message).at(path));
            }
        }
    }
}

/// Addons that come with charts begin in lower case
/// (1.8.6:operator/pkg/validate/validate.go:197-211; the charts that call themselves addons, 1.6.14, 1.7.8, 1.8.6:manifests/charts).
fn addons(spec: &Value, minor: u64, diagnostics: &mut Vec<Diagnostic>) {
    const ADDONS: [(&str, u64); 5] = [
        ("Istiocoredns", 8),
        ("Grafana", 7),
        ("Kiali", 7),
        ("Prometheus", 7),
        ("Tracing", 7),
    ];
    let addons = spec.get("addonComponents").and_then(Value::as_object);
    for key in addons.into_iter().flat_map(serde_json::Map::keys) {
        if ADDONS
            .iter()
            .any(|(name, until)| name == key && minor <= *until)
        {
            let message = format!(
                "invalid addon component name: {key}, expect component name starting with lower-case character"
            );
            let path = format!("spec.addonComponents.{key}");
            diagnostics.push(Diagnostic::error("bad-addon-name", message).at(path));
        }
    }
}

/// Whether a text is the reference of an image, `name[:tag][@digest]`, as Docker defines it.
fn is_reference(text: &str) -> bool {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    if digest.is_some_and(|it| !is_digest(it)) {
        return false;
    }
    let tagged = rest
        .rsplit_once(':')
        .is_some_and(|(name, tag)| is_tag(tag) && is_name(name));
    tagged || is_name(rest)
}

/// `[domain[:port]/]path/…`
fn is_name(name: &str) -> bool {
    let is_path = |it: &str| it.split('/').all(is_component);
    let with_domain = name
        .split_once('/')
        .is_some_and(|(domain, path)| is_domain(domain) && is_path(path));
    with_domain || is_path(name)
}

/// Labels of letters, digits and inner dashes, parted by dots, and a port.
fn is_domain(domain: &str) -> bool {
    let (host, port) = match domain.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (domain, None),
    };
    let is_label = |it: &str| {
        !it.is_empty()
            && it
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || it == b'-')
            && !it.starts_with('-')
            && !it.ends_with('-')
    };
    host.split('.').all(is_label)
        && port.is_none_or(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))
}

/// Small letters and digits, parted by one dot, one or two underscores or any number of dashes.
fn is_component(component: &str) -> bool {
    let is_inner = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit();
    let separators = component.split(is_inner).filter(|it| !it.is_empty());
    component.starts_with(is_inner)
        && component.ends_with(is_inner)
        && separators
            .into_iter()
            .all(|it| matches!(it, "." | "_" | "__") || it.bytes().all(|it| it == b'-'))
}

fn is_tag(tag: &str) -> bool {
    let is_word = |it: u8| it.is_ascii_alphanumeric() || it == b'_';
    tag.len() <= 128
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|it| is_word(it) || b".-".contains(&it))
}

/// `algorithm:hex`, the algorithm of parts that begin with a letter.
fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else {
        return false;
    };
    let is_part = |it: &str| {
        it.starts_with(|it: char| it.is_ascii_alphabetic())
            && it.bytes().all(|it| it.is_ascii_alphanumeric())
    };
    algorithm.split(['-', '_', '+', '.']).all(is_part)
        && hex.len() >= 32
        && hex.bytes().all(|it| it.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hubs_are_references() {
        for good in [
            "docker.io/istio",
            "localhost:5000",
            "localhost:5000/a/b",
            "gcr.io/istio-testing/x__y",
            "UPPER.example.com:1/x",
            "a--b/c.d_e",
            "x@sha256:0123456789abcdef0123456789ABCDEF",
            "x:tag",
        ] {
            assert!(is_reference(good), "{good}");
        }
        for bad in [
            "a b",
            "UPPER",
            "http://x",
            "a//b",
            "-/x",
            "x/",
            "a..b",
            "a___b",
            "x@sha256:0",
            "a/b:c/d",
            "x:",
        ] {
            assert!(!is_reference(bad), "{bad}");
        }
    }

    #[test]
    fn tags_begin_with_a_word() {
        assert!(is_tag("1.21.6-distroless") && is_tag("_x"));
        for bad in ["", "-x", ".x", "a b", "1+2", "é"] {
            assert!(!is_tag(bad), "{bad}");
        }
    }

    #[test]
    fn numbers_are_looked_at_as_printed_up_to_1_13() {
        let spec = serde_json::json!({"tag": 20_210_401});
        assert_eq!(tag(&spec, 13), "2.0210401e+07");
        assert_eq!(tag(&spec, 14), "");
    }
}
