//! Ports that only root may bind, and ranges of ports and addresses.

use std::net::IpAddr;

use semver::Version;
use serde_json::Value;

use crate::operator::merge::{get, get_bool, get_str};
use crate::{Diagnostic, go};

/// Checks the ports of gateways that do not run as root (1.31:operator/pkg/apis/validation/validation.go:321-386).
pub(crate) fn check(spec: &Value, values: &Value, diagnostics: &mut Vec<Diagnostic>) {
    for (list, gateway) in [
        ("ingressGateways", "istio-ingressgateway"),
        ("egressGateways", "istio-egressgateway"),
    ] {
        if get_bool(values, &["gateways", gateway, "runAsRoot"]) {
            continue;
        }
        let gateways = get(spec, &["components", list])
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        for (index, element) in gateways.enumerate() {
            let ports = get(element, &["k8s", "service", "ports"])
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            for (port_index, port) in ports.enumerate() {
                let path =
                    format!("spec.components.{list}.[{index}].k8s.service.ports.[{port_index}]");
                service_port(
                    port,
                    get_str(element, &["name"]),
                    gateway,
                    &path,
                    diagnostics,
                );
            }
        }
    }
    let ports = get(
        values,
        &["gateways", "istio-ingressgateway", "ingressPorts"],
    )
    .and_then(Value::as_array)
    .into_iter()
    .flatten();
    for (index, port) in ports.enumerate() {
        let target = match port.get("targetPort") {
            None | Some(Value::Null) => 0.0,
            Some(Value::Number(it)) => it.as_f64().unwrap_or_default().trunc(),
            // A named port is not looked at.
            Some(_) => continue,
        };
        let Some(number) = port.get("port").and_then(Value::as_f64).map(f64::trunc) else {
            continue;
        };
        if needs_root(target, number) {
            let message = format!(
                "port {number} is invalid: targetPort is set to {target}, which requires root. Set targetPort to be greater than 1024 or configure values.gateways.istio-ingressgateway.runAsRoot=true"
            );
            let path = format!("spec.values.gateways.istio-ingressgateway.ingressPorts.[{index}]");
            diagnostics.push(Diagnostic::error("privileged-port", message).at(path));
        }
    }
}

fn service_port(
    port: &Value,
    name: &str,
    gateway: &str,
    path: &str,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let target = match port.get("targetPort") {
        Some(Value::String(_)) => return,
        Some(it) => it.as_f64().unwrap_or_default(),
        None => 0.0,
    };
    let number = port.get("port").and_then(number).unwrap_or_default();
    if needs_root(target, number) {
        let port = get_str(port, &["name"]);
        let message = format!(
            "port {port}/{number} in gateway {name} invalid: targetPort is set to {target}, which requires root. Set targetPort to be greater than 1024 or configure values.gateways.{gateway}.runAsRoot=true"
        );
        diagnostics.push(Diagnostic::error("privileged-port", message).at(path));
    }
}

/// A number, which `jsonpb` (up to 1.23) reads from a text too.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// Without a target the port itself is bound.
fn needs_root(target: f64, port: f64) -> bool {
    target < 1024.0 && !(target == 0.0 && port > 1024.0)
}

/// How releases read ranges.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ranges {
    /// Blanks around the elements of a list do not count.
    trims: bool,
    /// `net.ParseCIDR`, which takes zeros before the length of a prefix.
    lenient: bool,
    /// A null is no text.
    strict: bool,
}

impl Ranges {
    /// As from 1.24 on.
    pub(crate) const CURRENT: Self = Self {
        trims: false,
        lenient: false,
        strict: false,
    };

    /// As up to 1.23 (1.15.7, 1.16.7, 1.18.7, 1.19.10:operator/pkg/validate/common.go, `validateStringList`, `validateCIDR`).
    pub(crate) fn new(version: &Version) -> Self {
        Self {
            trims: version.minor <= 18,
            lenient: version.minor <= 15,
            strict: true,
        }
    }

    fn element(self, text: &str) -> &str {
        if self.trims { text.trim() } else { text }
    }

    fn is_prefix(self, text: &str) -> bool {
        let shortened = text.rsplit_once('/').map(|(address, bits)| {
            let bits = bits.trim_start_matches('0');
            format!("{address}/{}", if bits.is_empty() { "0" } else { bits })
        });
        is_prefix(text)
            || self.lenient && !text.ends_with('/') && shortened.is_some_and(|it| is_prefix(&it))
    }
}

/// Checks the ranges of `values.global.proxy` (1.31:operator/pkg/apis/validation/validation.go:474-540).
pub(crate) fn check_ranges(values: &Value, rules: Ranges, diagnostics: &mut Vec<Diagnostic>) {
    let proxy = get(values, &["global", "proxy"]).unwrap_or(&Value::Null);
    let mut refuse = |code: &str, key: &str, message: String| {
        let path = format!("spec.values.global.proxy.{key}");
        diagnostics.push(Diagnostic::error(code, message).at(path));
    };
    for key in ["includeIPRanges", "excludeIPRanges"] {
        if rules.strict && proxy.get(key) == Some(&Value::Null) {
            let message =
                format!("validateIPRangesOrStar global.proxy.{key} got <nil>, want string");
            refuse("bad-address-range", key, message);
        }
        let ranges = get_str(proxy, &[key]);
        if ranges.is_empty() || ranges == "*" {
            continue;
        }
        for range in ranges.split(',').map(|it| rules.element(it)) {
            if !rules.is_prefix(range) {
                let message = format!(
                    "global.proxy.{key} netip.ParsePrefix({range:?}): not an address range"
                );
                refuse("bad-address-range", key, message);
            }
        }
    }
    for key in ["includeInboundPorts", "excludeInboundPorts"] {
        if rules.strict && proxy.get(key) == Some(&Value::Null) {
            let message = format!("validateStringList global.proxy.{key} got <nil>, want string");
            refuse("bad-port", key, message);
        }
        let is_port = |it: &str| {
            it.is_empty() || it == "*" || go::atoi(it).is_some_and(|it| (0..=65535).contains(&it))
        };
        for port in get_str(proxy, &[key])
            .split(',')
            .map(|it| rules.element(it))
        {
            if !is_port(port) {
                let message = format!("global.proxy.{key} : {port:?} is no port of 0 to 65535");
                refuse("bad-port", key, message);
            }
        }
    }
}

/// Whether `netip.ParsePrefix` takes the text.
fn is_prefix(text: &str) -> bool {
    let Some((address, bits)) = text.rsplit_once('/') else {
        return false;
    };
    let plain =
        bits.bytes().all(|it| it.is_ascii_digit()) && (bits == "0" || !bits.starts_with('0'));
    let most = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    plain && bits.parse::<u8>().is_ok_and(|it| it <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_read_as_in_go() {
        assert!(is_prefix("10.0.0.0/8") && is_prefix("fd00::/64") && is_prefix("1.2.3.4/0"));
        for bad in [
            "10.0.0.0",
            "10.0.0.0/33",
            " 10.0.0.0/8",
            "010.0.0.0/8",
            "10.0.0.0/08",
            "x/8",
            "10.0.0.0/",
        ] {
            assert!(!is_prefix(bad), "{bad}");
        }
    }
}
