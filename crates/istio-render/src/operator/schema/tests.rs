use serde_json::json;

use super::*;

fn faults(
    table: &Table,
    kind: &str,
    value: &Value,
    encoding: Encoding,
    version: (u64, u64),
) -> Vec<String> {
    let version = Version::new(1, version.0, version.1);
    table
        .decode(kind, value, encoding, &version)
        .into_iter()
        .map(|it| {
            format!(
                "{}: {} {}",
                it.path,
                it.message,
                it.hint.unwrap_or_default()
            )
        })
        .collect()
}

#[test]
fn jsonpb_takes_numbers_in_quotes() {
    let value = json!({"gateways": {"istio-ingressgateway": {"autoscaleMax": "7", "autoscaleMin": 2.0}}, "pilot": {"rollingMaxSurge": "10%"}});
    assert!(faults(&VALUES, "Values", &value, Encoding::Proto, (30, 3)).is_empty());
    let value = json!({"pilot": {"autoscaleMin": "x", "enabled": "true", "autoscaleMax": -1}});
    assert_eq!(
        faults(&VALUES, "Values", &value, Encoding::Proto, (30, 3)).len(),
        3
    );
}

#[test]
fn fields_come_and_go_with_releases() {
    let value = json!({"pilot": {"envVarFrom": [], "taint": {"name": "x"}}, "gateways": {"istio-egressgateway": {"zvpn": {}}}});
    assert_eq!(
        faults(&VALUES, "Values", &value, Encoding::Proto, (25, 5)),
        [
            "pilot.envVarFrom: json: unknown field \"envVarFrom\" in istio.operator.v1alpha1.PilotConfig envVarFrom is known from 1.26 on",
            "pilot.taint.name: json: unknown field \"name\" in istio.operator.v1alpha1.PilotTaintControllerConfig name is known from 1.30 on",
        ]
    );
    assert_eq!(
        faults(&VALUES, "Values", &value, Encoding::Proto, (30, 3)),
        [
            "gateways.istio-egressgateway.zvpn: json: unknown field \"zvpn\" in istio.operator.v1alpha1.EgressGatewayConfig zvpn is known up to 1.25"
        ]
    );
}

#[test]
fn either_spelling_of_a_proto_field_is_known() {
    let value =
        json!({"cni": {"resource_quotas": {"pods": 5}, "resourceQuotas": {"enabled": true}}});
    assert!(faults(&VALUES, "Values", &value, Encoding::Proto, (30, 3)).is_empty());
}

#[test]
fn wrong_case_is_refused_with_a_hint() {
    assert_eq!(
        faults(
            &OPERATOR,
            "IstioOperatorSpec",
            &json!({"meshconfig": {}}),
            Encoding::Json,
            (30, 3)
        ),
        ["meshconfig: json: unknown field \"meshconfig\" did you mean meshConfig?"]
    );
}

#[test]
fn kubernetes_types_are_exact_in_the_operator() {
    let value = json!({"k8s": {"resources": {"requests": {"cpu": 1, "memory": "1Gx"}}, "replicaCount": -1, "service": {"ports": [{"targetPort": "http", "port": 80.5}]}, "nodeSelector": {"a": 1}}});
    assert_eq!(
        faults(&OPERATOR, "ComponentSpec", &value, Encoding::Json, (30, 3)),
        [
            "k8s.nodeSelector.a: json: cannot unmarshal number into Go value of type string ",
            "k8s.replicaCount: json: cannot unmarshal number -1 into Go value of type uint32 ",
            "k8s.resources.requests.memory: json: unable to parse quantity's suffix ",
            "k8s.service.ports.[0].port: json: cannot unmarshal number 80.5 into Go value of type int32 ",
        ]
    );
}

#[test]
fn mesh_config_refuses_types_and_enum_names_only() {
    let value = json!({"nope": 1, "outboundTrafficPolicy": {"mode": "ANY"}, "connectTimeout": "10", "accessLogEncoding": 1, "defaultConfig": {"concurrency": "2"}});
    assert_eq!(
        faults(
            &MESH_CONFIG,
            "MeshConfig",
            &value,
            Encoding::OpenProto,
            (30, 3)
        ),
        [
            "connectTimeout: json: bad Duration: time: invalid duration \"10\" ",
            "outboundTrafficPolicy.mode: json: unknown value \"ANY\" for enum MeshConfig.OutboundTrafficPolicy.Mode one of REGISTRY_ONLY, ALLOW_ANY, ALLOW_ANY_DYNAMIC_DNS",
        ]
    );
}

#[test]
fn messages_without_fields_take_empty_maps() {
    let providers = json!([
        {"name": "p", "prometheus": {}},
        {"name": "o", "opentelemetry": {"resourceDetectors": {"environment": {}, "dynatrace": {}}}},
    ]);
    let value = json!({"extensionProviders": providers, "defaultConfig": {"gatewayTopology": {"proxyProtocol": {}}}});
    let wrong = json!({"extensionProviders": [{"prometheus": true}]});
    assert!(
        faults(
            &MESH_CONFIG,
            "MeshConfig",
            &value,
            Encoding::OpenProto,
            (30, 3)
        )
        .is_empty()
    );
    assert_eq!(
        faults(
            &MESH_CONFIG,
            "MeshConfig",
            &wrong,
            Encoding::OpenProto,
            (30, 3)
        )
        .len(),
        1
    );
}

#[test]
fn names_of_enums_come_with_releases() {
    let value = json!({"outboundTrafficPolicy": {"mode": "ALLOW_ANY_DYNAMIC_DNS"}});
    let at = |minor| {
        faults(
            &MESH_CONFIG,
            "MeshConfig",
            &value,
            Encoding::OpenProto,
            (minor, 0),
        )
        .len()
    };
    assert_eq!((at(29), at(30)), (1, 0));
}

#[test]
fn every_type_of_a_field_is_known() {
    const SCALARS: [&str; 18] = [
        "any",
        "value",
        "bool",
        "struct",
        "list",
        "double",
        "string",
        "time",
        "timestamp",
        "bytes",
        "intorstring",
        "IntOrString",
        "quantity",
        "duration",
        "int32",
        "int64",
        "uint32",
        "uint64",
    ];
    for table in [&*OPERATOR, &*LEGACY, &*KUBERNETES, &*VALUES, &*MESH_CONFIG] {
        for definition in table.definitions.values() {
            let Definition::Message(fields) = definition else {
                continue;
            };
            for field in fields {
                let kind = field.kind.trim_start_matches(['[', ']', '{', '}']);
                let kind = kind.strip_prefix("k8s:").unwrap_or(kind);
                let known = [table, &*KUBERNETES]
                    .iter()
                    .any(|it| it.definitions.contains_key(kind));
                assert!(
                    known || SCALARS.contains(&kind),
                    "{:?} is of the unknown type {kind}",
                    field.names
                );
            }
        }
    }
}

#[test]
fn swapped_letters_are_one_mistake() {
    assert_eq!(super::distance("autoscalemni", "autoscalemin"), 1);
    assert_eq!(super::distance("autoscalemni", "autoscalemax"), 2);
    assert_eq!(super::distance("", "ab"), 2);
    assert_eq!(super::distance("kitten", "sitting"), 3);
}
