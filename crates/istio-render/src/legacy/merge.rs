//! How operators and values are merged: a strategic merge with a schema of its own, and JSON merge patches.

use serde_json::{Map, Value};

use crate::overlay::strategic::{self, Schema, Strategy};
use crate::{Diagnostic, Refused};

/// Merges an `IstioOperator` over another (1.23.6:operator/pkg/util/merge_iop.go:237-270).
///
/// 1.6 knows no types yet: it replaces lists, those of gateways too (1.6.14:operator/pkg/util/yaml.go, `OverlayYAML`).
pub(super) fn operators(base: Value, overlay: Value, minor: u64) -> Result<Value, Refused> {
    if minor <= 6 {
        return Ok(patch(base, overlay));
    }
    let merged = strategic::merge(base, overlay, schema_of(minor));
    merged.map_err(|it| {
        Diagnostic::error(
            "merge-failed",
            format!("could not overlay user config over base: json merge error ({it})"),
        )
        .into()
    })
}

/// How the fields of an `IstioOperator` merge (1.23.6:operator/pkg/util/merge_iop.go:42-231).
fn schema(path: &[String]) -> Option<Strategy> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["spec", "components", "ingressGateways" | "egressGateways"] => {
            Some(Strategy::MergeBy("name"))
        }
        [
            "spec",
            "values",
            "gateways",
            _,
            "ports" | "secretVolumes" | "meshExpansionPorts",
        ] => Some(Strategy::MergeBy("name")),
        [
            "spec",
            "values",
            "gateways",
            "istio-ingressgateway",
            "cpu" | "memory",
        ]
        | ["spec", "values", "gateways", "istio-egressgateway", "zvpn"] => Some(Strategy::Replace),
        ["spec", "meshConfig", rest @ ..] | ["spec", "values", "meshConfig", rest @ ..] => {
            mesh_config(rest)
        }
        _ => None,
    }
}

/// How the fields of an `IstioOperator` of a minor merge.
pub(super) fn schema_of(minor: u64) -> Schema {
    if minor == 7 { schema_of_1_7 } else { schema }
}

/// 1.7 types some values of the addons as well (1.7.8:operator/pkg/util/merge_iop.go:146-176).
fn schema_of_1_7(path: &[String]) -> Option<Strategy> {
    let path_texts: Vec<&str> = path.iter().map(String::as_str).collect();
    match path_texts.as_slice() {
        [
            "spec",
            "values",
            "tracing",
            "jaeger" | "service" | "zipkin" | "opencensus",
        ]
        | [
            "spec",
            "values",
            "grafana",
            "image" | "service" | "datasources" | "dashboardProviders",
        ] => Some(Strategy::Replace),
        ["spec", "values", "grafana", "ports"] => Some(Strategy::MergeBy("name")),
        _ => schema(path),
    }
}

fn mesh_config(path: &[&str]) -> Option<Strategy> {
    match path {
        ["configSources"] => Some(Strategy::MergeBy("address")),
        ["certificates"] => Some(Strategy::MergeBy("secretName")),
        ["extensionProviders"] => Some(Strategy::MergeBy("name")),
        [
            "trustDomainAliases"
            | "defaultServiceExportTo"
            | "defaultVirtualServiceExportTo"
            | "defaultDestinationRuleExportTo",
        ] => Some(Strategy::Union),
        [
            "defaultConfig",
            "tracing" | "sds" | "gatewayTopology" | "clusterName",
        ] => Some(Strategy::Replace),
        _ => None,
    }
}

/// Applies a JSON merge patch (RFC 7386): null deletes, everything but maps is replaced.
pub(super) fn patch(base: Value, patch: Value) -> Value {
    match (base, patch) {
        (Value::Object(mut base), Value::Object(entries)) => {
            for (key, value) in entries {
                if value.is_null() {
                    base.remove(&key);
                } else {
                    let below = base.remove(&key).unwrap_or_default();
                    base.insert(key, self::patch(below, value));
                }
            }
            Value::Object(base)
        }
        (_, patch @ Value::Object(_)) => self::patch(Value::Object(Map::new()), patch),
        (_, patch) => patch,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn gateways_merge_by_name() {
        let base =
            json!({"spec": {"components": {"ingressGateways": [{"name": "a", "enabled": true}]}}});
        let overlay = json!({"spec": {"components": {"ingressGateways": [{"name": "b"}, {"name": "a", "namespace": "x"}]}}});
        let Ok(merged) = operators(base, overlay, 8) else {
            panic!("refused")
        };
        assert_eq!(
            merged["spec"]["components"]["ingressGateways"],
            json!([{"name": "b"}, {"name": "a", "enabled": true, "namespace": "x"}])
        );
    }

    #[test]
    fn null_deletes_in_a_merge_patch() {
        assert_eq!(
            patch(
                json!({"a": {"b": 1, "c": [1]}}),
                json!({"a": {"b": null, "d": {"e": null}}})
            ),
            json!({"a": {"c": [1], "d": {}}})
        );
    }

    #[test]
    fn before_1_7_lists_of_gateways_are_replaced() {
        let list = |it: Value| json!({"spec": {"components": {"ingressGateways": it}}});
        let base = list(json!([{"name": "a", "enabled": true}]));
        let overlay = list(json!([{"name": "a"}]));
        assert_eq!(operators(base, overlay.clone(), 6).ok(), Some(overlay));
    }

    #[test]
    fn of_1_7_the_image_of_grafana_is_replaced() {
        let image = |it: Value| json!({"spec": {"values": {"grafana": {"image": it}}}});
        let base = image(json!({"repository": "r", "tag": "1"}));
        let overlay = image(json!({"tag": "2"}));
        let Ok(merged) = operators(base.clone(), overlay.clone(), 7) else {
            panic!("refused")
        };
        assert_eq!(merged, overlay);
        let Ok(merged) = operators(base, overlay, 8) else {
            panic!("refused")
        };
        assert_eq!(
            merged["spec"]["values"]["grafana"]["image"]["repository"],
            "r"
        );
    }
}
