use serde_json::json;

use super::*;

#[track_caller]
fn check(spec: &Value, minor: u64, expected: &[(&str, &str)]) {
    let operator = json!({"apiVersion": "install.istio.io/v1alpha1", "kind": "IstioOperator", "metadata": {}, "spec": spec});
    let found = validate(&operator, &Version::new(1, minor, 3));
    let found: Vec<_> = found
        .iter()
        .map(|it| (it.code.as_str(), it.path.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_spec_that_does_not_decode_is_judged_no_further() {
    check(
        &json!({"nope": 1, "revision": "UPPER"}),
        30,
        &[("unknown-field", "spec.nope")],
    );
}

#[test]
fn names_are_checked() {
    check(
        &json!({"hub": "a b", "tag": "x/y", "revision": "a_b", "components": {"ingressGateways": [{"name": "Bad"}]}}),
        30,
        &[
            ("bad-hub", "spec.hub"),
            ("bad-tag", "spec.tag"),
            ("bad-revision", "spec.revision"),
            (
                "bad-gateway-name",
                "spec.components.ingressGateways.[0].name",
            ),
        ],
    );
}

#[test]
fn kubernetes_types_in_values_are_strict_from_1_29() {
    let spec = json!({"values": {"pilot": {"seccompProfile": {"typ": "x"}}}});
    check(
        &spec,
        30,
        &[("unknown-field", "spec.values.pilot.seccompProfile.typ")],
    );
    check(
        &json!({"values": {"pilot": {"tolerations": [{"value": 5}]}}}),
        30,
        &[],
    );
    check(
        &json!({"values": {"pilot": {"tolerations": [{"value": 5}]}}}),
        26,
        &[("wrong-type", "spec.values.pilot.tolerations.[0].value")],
    );
}

#[test]
fn ports_below_1024_need_root() {
    let ports = json!([{"name": "a", "port": 443}, {"port": 8443}, {"port": 80, "targetPort": "http"}, {"port": 80, "targetPort": 8080}]);
    let spec = json!({"components": {"ingressGateways": [{"k8s": {"service": {"ports": ports}}}]}, "values": {}});
    check(
        &spec,
        30,
        &[(
            "privileged-port",
            "spec.components.ingressGateways.[0].k8s.service.ports.[0]",
        )],
    );
}

#[test]
fn mesh_config_is_refused_for_types_and_meaning() {
    check(
        &json!({"meshConfig": {"connectTimeout": "10", "unknown": 1}}),
        30,
        &[("wrong-type", "spec.meshConfig.connectTimeout")],
    );
    check(
        &json!({"meshConfig": {"proxyListenPort": 0}}),
        30,
        &[("bad-mesh-config", "spec.meshConfig.proxyListenPort")],
    );
    check(
        &json!({"meshConfig": {"defaultConfig": {"tracing": {"zipkin": {"address": "zipkin.x:9411"}}}}}),
        30,
        &[],
    );
}

#[test]
fn waypoint_scheduling_is_let_through() {
    let waypoint = json!({"nodeSelector": {"a": "b"}, "tolerations": [{"key": "x"}]});
    check(
        &json!({"values": {"global": {"waypoint": waypoint}}}),
        30,
        &[
            ("f-22", "spec.values.global.waypoint.nodeSelector"),
            ("f-22", "spec.values.global.waypoint.tolerations"),
        ],
    );
}

#[test]
fn no_force_reads_a_component_of_a_wrong_type() {
    let path = |components: Value| {
        let operator = json!({"spec": {"components": components}});
        unreadable_component(&operator, &Version::new(1, 29, 6)).and_then(|it| it.path)
    };
    let pull = json!({"pilot": {"k8s": {"imagePullPolicy": true}}});
    assert_eq!(
        path(pull).as_deref(),
        Some("spec.components.pilot.k8s.imagePullPolicy")
    );
    let gateways = json!({"ingressGateways": [{"nope": 1}, {"label": []}]});
    assert_eq!(
        path(gateways).as_deref(),
        Some("spec.components.ingressGateways.[1].label")
    );
    for readable in [
        json!({"cni": {"nope": 1}}),
        json!({"pilot": "x", "cni": null}),
        json!([]),
    ] {
        assert_eq!(path(readable), None);
    }
}
