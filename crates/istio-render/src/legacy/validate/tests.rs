use serde_json::json;

use super::*;

/// The findings of a request that is the same at every stage: `code path`, warnings with a `?`.
fn found(spec: &Value, minor: u64, force: bool) -> Vec<String> {
    let operator = json!({"apiVersion": "install.istio.io/v1alpha1", "kind": "IstioOperator", "metadata": {}, "spec": spec});
    let request = Request {
        files: &operator,
        user: &operator,
        merged: &operator,
    };
    check(request, &Version::new(1, minor, u64::MAX), force)
        .into_iter()
        .map(|it| {
            let mark = if it.severity == Severity::Error {
                ""
            } else {
                "?"
            };
            format!("{}{mark} {}", it.code, it.path.unwrap_or_default())
        })
        .collect()
}

#[track_caller]
fn refuses(spec: &Value, minors: std::ops::RangeInclusive<u64>) {
    for minor in 6..=23 {
        let refused = found(spec, minor, false).iter().any(|it| !it.contains('?'));
        assert_eq!(refused, minors.contains(&minor), "1.{minor}: {spec}");
    }
}

#[test]
fn fields_come_and_go_with_minors() {
    let table = [
        (json!({"values": {"nope": 1}}), 6..=23),
        (
            json!({"values": {"cni": {"enabled": true, "excludeNamespaces": ["a"], "repair": {"labelPods": true}}}}),
            99..=99,
        ),
        (json!({"values": {"cni": {"env": {"a": "b"}}}}), 6..=22),
        (json!({"values": {"cni": {"privileged": true}}}), 6..=10),
        (
            json!({"values": {"cni": {"taint": {"enabled": true}}}}),
            99..=99,
        ),
        (
            json!({"values": {"global": {"trustBundleName": "x"}}}),
            6..=23,
        ),
        (json!({"values": {"global": {"caName": "x"}}}), 6..=11),
        (json!({"values": {"global": {"useMCP": true}}}), 23..=23),
        (json!({"values": {"kiali": {"dashboard": {}}}}), 8..=23),
        (
            json!({"values": {"pilot": {"cpu": {"targetAverageUtilization": 80}}}}),
            99..=99,
        ),
        (json!({"values": {"ztunnel": {"a": 1}}}), 6..=17),
        (
            json!({"meshConfig": {"defaultConfig": {"nope": 1}}}),
            6..=23,
        ),
        (
            json!({"meshConfig": {"pathNormalization": {"normalization": "BASE"}}}),
            6..=7,
        ),
        (
            json!({"meshConfig": {"inboundTrafficPolicy": {"mode": "LOCALHOST"}}}),
            6..=21,
        ),
        (json!({"meshConfig": {"mixerCheckServer": "a:1"}}), 8..=23),
        (
            json!({"meshConfig": {"outboundTrafficPolicy": {"mode": "ALLOW_ANY_DYNAMIC_DNS"}}}),
            6..=23,
        ),
        (json!({"values": {"meshConfig": {"nope": 1}}}), 6..=23),
        (json!({"components": {"policy": {"enabled": true}}}), 8..=23),
        (
            json!({"components": {"ztunnel": {"enabled": true}}}),
            6..=17,
        ),
    ];
    for (index, (spec, minors)) in table.into_iter().enumerate() {
        if index == 4 {
            let refused = |minor| !found(&spec, minor, false).is_empty();
            assert!(refused(7) && !refused(8) && !refused(17) && refused(18));
            continue;
        }
        refuses(&spec, minors);
    }
}

#[test]
fn a_patch_brings_a_field() {
    let operator = json!({"spec": {"values": {"gateways": {"securityContext": {}}}}});
    let request = Request {
        files: &json!({}),
        user: &operator,
        merged: &operator,
    };
    let count = |patch| check(request, &Version::new(1, 20, patch), false).len();
    assert_eq!((count(7), count(8)), (1, 0));
}

#[test]
fn force_gets_past_fields_but_not_past_types() {
    let spec = json!({"values": {"nope": 1, "pilot": {"enabled": "yes"}}, "hub": "a b"});
    assert_eq!(
        found(&spec, 21, true),
        [
            "wrong-type spec.values.pilot.enabled",
            "unknown-field? spec.values.nope",
            "bad-hub? spec.hub"
        ]
    );
    let spec = json!({"nope": 1});
    assert_eq!(found(&spec, 21, true), ["unknown-field spec.nope"]);
    let spec = json!({"meshConfig": {"nope": 1}});
    assert_eq!(
        found(&spec, 21, true),
        ["unknown-field? spec.meshConfig.nope"]
    );
}

#[test]
fn words_are_those_of_istioctl() {
    let words = |spec: Value, minor| {
        let operator = json!({"spec": spec});
        let request = Request {
            files: &operator,
            user: &operator,
            merged: &operator,
        };
        let found = check(request, &Version::new(1, minor, 6), false);
        found.into_iter().map(|it| it.message).collect::<Vec<_>>()
    };
    assert_eq!(
        words(json!({"values": {"cni": {"nope": 1}}}), 21),
        ["unknown field \"nope\" in v1alpha1.CNIConfig"]
    );
    assert_eq!(
        words(json!({"values": {"global": {"hub": {}}}}), 21),
        ["json: cannot unmarshal object into Go value of type string"]
    );
    let mesh = json!({"meshConfig": {"defaultConfig": {"nope": 1}}});
    assert_eq!(
        words(mesh.clone(), 21),
        [
            "failed to unmarshall mesh config: unknown field \"nope\" in istio.mesh.v1alpha1.ProxyConfig"
        ]
    );
    assert_eq!(
        words(mesh, 12),
        ["failed to unmarshall mesh config: unknown field \"nope\" in v1alpha1.ProxyConfig"]
    );
    let gateways = json!({"components": {"ingressGateways": [{"name": "a b"}]}});
    assert_eq!(
        words(gateways.clone(), 21),
        ["invalid value Components.IngressGateways: a b"]
    );
    assert_eq!(
        words(gateways, 12),
        ["invalid value Components.IngressGateways[0].Name: a b"]
    );
}

#[test]
fn names_are_judged_by_minor() {
    refuses(&json!({"revision": "a.b"}), 9..=23);
    refuses(&json!({"revision": "x".repeat(64)}), 9..=23);
    refuses(&json!({"tag": 20_210_401}), 6..=13);
    refuses(&json!({"tag": "a b"}), 6..=23);
    refuses(&json!({"hub": "UPPER"}), 6..=23);
    refuses(
        &json!({"addonComponents": {"Kiali": {"enabled": false}}}),
        6..=7,
    );
    refuses(
        &json!({"components": {"egressGateways": [{"name": "A"}]}}),
        6..=23,
    );
}

#[test]
fn ranges_are_read_by_minor() {
    let proxy = |key: &str, value: Value| json!({"values": {"global": {"proxy": {key: value}}}});
    refuses(
        &proxy("includeIPRanges", json!("10.0.0.0/8, 10.1.0.0/16")),
        19..=23,
    );
    refuses(&proxy("includeIPRanges", json!("10.0.0.0/08")), 16..=23);
    refuses(&proxy("includeIPRanges", json!("10.0.0.0")), 6..=23);
    refuses(&proxy("excludeInboundPorts", json!("80, 90")), 19..=23);
    refuses(&proxy("excludeInboundPorts", json!("70000")), 6..=23);
    refuses(&proxy("includeInboundPorts", Value::Null), 6..=23);
}

#[test]
fn no_force_gets_past_ports_and_removed_settings() {
    let ports =
        json!({"values": {"gateways": {"istio-ingressgateway": {"ingressPorts": [{"port": 80}]}}}});
    refuses(&ports, 7..=23);
    assert_eq!(
        found(&ports, 21, true),
        ["privileged-port spec.values.gateways.istio-ingressgateway.ingressPorts.[0]"]
    );
    let kiali = json!({"addonComponents": {"kiali": {"enabled": true}}});
    refuses(&kiali, 8..=23);
    assert_eq!(
        found(&kiali, 7, false),
        ["deprecated-setting? spec.addonComponents.kiali.enabled"]
    );
    let tracer =
        json!({"values": {"global": {"tracer": {"stackdriver": {"maxNumberOfAttributes": 0}}}}});
    refuses(&tracer, 21..=23);
}

#[test]
fn replicas_and_autoscaling_are_warned_of_from_1_14() {
    let spec = json!({"components": {"pilot": {"k8s": {"replicaCount": 2}}}, "values": {"pilot": {"autoscaleEnabled": true}}});
    assert!(found(&spec, 13, false).is_empty());
    assert_eq!(
        found(&spec, 14, false),
        ["replicas-and-autoscaling? spec.components.pilot.k8s.replicaCount"]
    );
}

#[test]
fn meshes_are_judged_by_release() {
    let proxy = |value: Value| json!({"meshConfig": {"defaultConfig": value}});
    refuses(&proxy(json!({"drainDuration": "2h"})), 6..=21);
    refuses(&proxy(json!({"drainDuration": "60s"})), 6..=16);
    refuses(&proxy(json!({"drainDuration": "1.5s"})), 6..=23);
    refuses(&proxy(json!({"statusPort": 70000})), 11..=23);
    refuses(
        &proxy(json!({"tracing": {"zipkin": {"address": "x"}}})),
        6..=23,
    );
    refuses(&json!({"meshConfig": {"connectTimeout": "40s"}}), 6..=19);
    refuses(&json!({"meshConfig": {"trustDomain": "a b"}}), 8..=23);
    let failover = json!({"failover": [{"from": "a", "to": "b/c"}]});
    refuses(
        &json!({"meshConfig": {"localityLbSetting": failover}}),
        13..=23,
    );
    let connect = |patch| {
        let mut found = Vec::new();
        let mesh = json!({"connectTimeout": "40s"});
        let version = Version::new(1, 20, patch);
        legacy_mesh_config(&mesh, "spec.meshConfig", &version, &mut found);
        found.len()
    };
    assert_eq!((connect(5), connect(6)), (1, 0));
}

#[test]
fn volumes_are_messages() {
    let volume = |value: Value| json!({"components": {"pilot": {"k8s": {"volumes": [value]}}}});
    assert_eq!(
        found(&volume(json!({"name": "a", "emptyDir": {}})), 21, false),
        ["unknown-field spec.components.pilot.k8s.volumes.[0].emptyDir"]
    );
    assert!(
        found(
            &volume(json!({"name": "a", "volumeSource": {"emptyDir": {}}})),
            21,
            false
        )
        .is_empty()
    );
    let port = json!({"postStart": {"httpGet": {"port": 80}}});
    refuses(
        &json!({"values": {"global": {"proxy": {"lifecycle": port}}}}),
        22..=23,
    );
}

#[test]
fn the_file_is_judged_before_sets_mend_it() {
    let files = json!({"spec": {"hub": "a b", "values": {"pilot": {"enabled": "x"}}}});
    let user = json!({"spec": {"hub": "x", "values": {"pilot": {"enabled": true}}}});
    let request = Request {
        files: &files,
        user: &user,
        merged: &user,
    };
    let version = Version::new(1, 16, 7);
    let errors = |force| {
        let found = check(request, &version, force);
        found
            .iter()
            .filter(|it| it.severity == Severity::Error)
            .count()
    };
    assert_eq!((errors(false), errors(true)), (2, 0));
}

#[test]
fn findings_lead_to_the_users_element() {
    let user = json!({"spec": {"components": {"ingressGateways": [{"name": "b"}, {"name": "A"}]}}});
    let merged = json!({"spec": {"components": {"ingressGateways": [{"name": "A"}, {"name": "b"}, {"name": "c"}]}}});
    let lead = |path: &str| in_user(path.to_owned(), &merged, &user);
    assert_eq!(
        lead("spec.components.ingressGateways.[0].name"),
        "spec.components.ingressGateways.[1].name"
    );
    assert_eq!(
        lead("spec.components.ingressGateways.[2]"),
        "spec.components.ingressGateways.[2]"
    );
}
