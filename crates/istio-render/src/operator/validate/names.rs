//! Hub, tag, revision and gateway names.

use serde_json::Value;

use crate::{Diagnostic, go};

pub(super) fn check(spec: &Value, diagnostics: &mut Vec<Diagnostic>) {
    let text = |key: &str| spec.get(key).and_then(Value::as_str).unwrap_or_default();
    let hub = text("hub");
    if !hub.is_empty() && !is_repository(&format!("{hub}/pilot")) {
        diagnostics.push(
            Diagnostic::error(
                "bad-hub",
                format!("bad hub: {hub:?} is no registry and path of an image"),
            )
            .at("spec.hub"),
        );
    }
    if let Some(tag) = spec.get("tag").filter(|it| !it.is_null()).map(go::print) {
        let letters = |it: char| it.is_ascii_alphanumeric() || "_-.".contains(it);
        if tag.is_empty() || tag.chars().count() > 128 || !tag.chars().all(letters) {
            diagnostics.push(
                Diagnostic::error("bad-tag", format!("bad tag: {tag:?} is no tag of an image"))
                    .at("spec.tag"),
            );
        }
    }
    let revision = text("revision");
    if !revision.is_empty() && !is_dns_label(revision) {
        let message = format!("invalid revision specified: {revision}");
        diagnostics.push(
            Diagnostic::error("bad-revision", message)
                .at("spec.revision")
                .hinted("up to 63 of a-z, A-Z, 0-9 and -, the last of them neither first nor last"),
        );
    }
    for (list, shown) in [
        ("egressGateways", "egressGateways"),
        ("ingressGateways", "inressGateways"),
    ] {
        let gateways = spec
            .get("components")
            .and_then(|it| it.get(list))
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        for (index, gateway) in gateways.enumerate() {
            let name = gateway
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let letters =
                |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b".-".contains(&it);
            if name.len() > 254 || !name.bytes().all(letters) {
                let message = format!("invalid value {shown}.name: {name}");
                diagnostics.push(
                    Diagnostic::error("bad-gateway-name", message)
                        .at(format!("spec.components.{list}.[{index}].name")),
                );
            }
        }
    }
}

/// Whether Istio takes a text for a DNS-1123 label: unlike Kubernetes it allows capitals
/// (1.31:pkg/config/labels/instance.go:28-32,111-113).
pub(crate) fn is_dns_label(text: &str) -> bool {
    let inner = |it: u8| it.is_ascii_alphanumeric() || it == b'-';
    text.len() <= 63
        && !text.is_empty()
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Checks as go-containerregistry's `name.NewRepository` does without strictness.
fn is_repository(name: &str) -> bool {
    let (registry, repository) = match name.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) => (first, rest),
        _ => ("", name),
    };
    let letters = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || "_-./".contains(it);
    (2..=255).contains(&repository.chars().count())
        && repository.chars().all(letters)
        && is_authority(registry)
}

/// Whether Go's `url.Parse` takes the text whole for a host.
fn is_authority(host: &str) -> bool {
    let letters = |it: char| {
        !it.is_ascii() || it.is_ascii_alphanumeric() || "-_.~!$&'()*+,;=:[]<>\"".contains(it)
    };
    let port = host.rfind(':').map(|at| &host[at + 1..]);
    let bracketed = host.starts_with('[');
    host.chars().all(letters)
        && (bracketed || port.is_none_or(|it| it.bytes().all(|it| it.is_ascii_digit())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_may_have_capitals() {
        for good in ["a", "A", "1-B", "x--y"] {
            assert!(is_dns_label(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a.b", "a_b", "é", "a b"] {
            assert!(!is_dns_label(bad), "{bad}");
        }
    }

    #[test]
    fn repositories_are_judged_as_weakly_as_istioctl_does() {
        for good in [
            "docker.io/istio",
            "localhost:5000",
            "http://x",
            "a//b",
            "-/x",
            "registry.istio.io/release",
        ] {
            assert!(is_repository(&format!("{good}/pilot")), "{good}");
        }
        for bad in ["UPPER/x", "a b", "a.b:x/y"] {
            assert!(!is_repository(&format!("{bad}/pilot")), "{bad}");
        }
    }
}
