use istio_catalog::{Minor, Version};

use super::{Context, facts, notes};
use crate::outcome::{Code, Finding, Level, Subject};
use crate::snapshot::{Snapshot, SnapshotReader};

mod triggers;

/// The namespace of the control plane in these clusters.
const NAMESPACE: &str = "istio-system";

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn snapshot(yaml: &str) -> Snapshot {
    let mut reader = SnapshotReader::new();
    // A text that begins with a brace would be taken for JSON.
    let yaml = format!("---\n{yaml}");
    reader.read("cluster.yaml", yaml.as_bytes()).unwrap();
    reader.finish().unwrap()
}

/// What the request says beside the cluster.
#[derive(Default)]
struct Request<'a> {
    compatibility: Option<u32>,
    pinned: &'a [&'a str],
    said: &'a [&'a str],
}

fn found(yaml: &str, from: &str, to: &str, request: &Request) -> Vec<Finding> {
    let context = Context {
        namespace: NAMESPACE,
        compatibility_version: request.compatibility.map(|it| Minor::new(1, it)),
        pinned: &|path| request.pinned.contains(&path),
        said: &|path| {
            let said = request.said.iter().filter(|it| **it == path);
            said.map(|it| Subject::flag("--set").field(*it)).collect()
        },
    };
    notes(&snapshot(yaml), &version(from), &version(to), &context)
}

/// The codes and levels of what is found.
fn codes(yaml: &str, from: &str, to: &str, request: &Request) -> Vec<(String, Level)> {
    found(yaml, from, to, request)
        .into_iter()
        .map(|it| (it.code.to_string(), it.level))
        .collect()
}

const EXTERNAL: &str = "
{apiVersion: v1, kind: Service, metadata: {name: e, namespace: shop}, spec: {type: ExternalName, externalName: x.org}}
";

const CONNECTION_POOL: &str = "
{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: r, namespace: shop},
 spec: {host: a.shop.svc.cluster.local, trafficPolicy: {connectionPool: {tcp: {maxConnections: 1}}}}}
";

#[test]
fn a_fact_applies_where_the_target_has_it_and_the_source_has_not() {
    let warns = [("external-name-alias".to_owned(), Level::Warn)];
    assert_eq!(
        codes(EXTERNAL, "1.20.8", "1.21.6", &Request::default()),
        warns
    );
    assert_eq!(
        codes(EXTERNAL, "1.19.10", "1.21.6", &Request::default()),
        warns
    );
    assert_eq!(codes(EXTERNAL, "1.21.0", "1.21.6", &Request::default()), []);
    assert_eq!(codes(EXTERNAL, "1.21.6", "1.22.8", &Request::default()), []);
    assert_eq!(
        codes(EXTERNAL, "1.19.10", "1.20.8", &Request::default()),
        []
    );
}

#[test]
fn values_that_moved_are_found_in_the_request() {
    let request = Request {
        said: &["values.istio_cni"],
        ..Request::default()
    };
    let cluster = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}";
    let found = codes(cluster, "1.23.6", "1.24.6", &request);
    assert_eq!(found, [("cni-values-moved".to_owned(), Level::Warn)]);
    assert_eq!(codes(cluster, "1.23.6", "1.24.6", &Request::default()), []);
}

#[test]
fn going_back_the_fact_stands_reversed_as_information() {
    let back = found(EXTERNAL, "1.21.6", "1.20.8", &Request::default());
    assert_eq!(back.len(), 1);
    assert_eq!(back[0].level, Level::Info);
    assert_eq!(
        back[0].title,
        "No longer so in 1.20.8: ExternalName Services are aliases of the Service they name"
    );
}

#[test]
fn branches_have_their_own_beginning() {
    let kiali = "
{apiVersion: apps/v1, kind: Deployment, metadata: {name: kiali, namespace: monitoring},
 spec: {selector: {matchLabels: {app: kiali}}, template: {metadata: {labels: {app: kiali}}, spec: {containers: []}}}}
";
    let level = |from, to| {
        let codes = codes(kiali, from, to, &Request::default());
        codes
            .into_iter()
            .find(|it| it.0 == "debug-endpoints")
            .map(|it| it.1)
    };
    assert_eq!(level("1.28.3", "1.29.6"), Some(Level::Warn));
    assert_eq!(level("1.28.3", "1.28.4"), Some(Level::Warn));
    assert_eq!(level("1.28.4", "1.28.5"), None);
    // A patch has brought it to the source already: worth knowing, nothing more.
    assert_eq!(level("1.28.10", "1.29.6"), Some(Level::Info));
    // The target's patch is older than the backport to its branch.
    assert_eq!(level("1.27.6", "1.28.0"), Some(Level::Info));
    assert_eq!(level("1.29.6", "1.30.3"), None);
}

#[test]
fn what_the_request_decides_is_no_surprise() {
    let path = "values.pilot.env.ENABLE_EXTERNAL_NAME_ALIAS";
    assert_eq!(
        codes(
            EXTERNAL,
            "1.20.8",
            "1.21.6",
            &Request {
                pinned: &[path],
                ..Request::default()
            }
        ),
        []
    );
    assert_eq!(
        codes(
            EXTERNAL,
            "1.20.8",
            "1.21.6",
            &Request {
                compatibility: Some(20),
                ..Request::default()
            }
        ),
        []
    );
    // 1.29 keeps what 1.30 changed, not what 1.29 did.
    let circuit = |compatibility| {
        codes(
            CONNECTION_POOL,
            "1.28.10",
            "1.29.6",
            &Request {
                compatibility,
                ..Request::default()
            },
        )
        .len()
    };
    assert_eq!((circuit(None), circuit(Some(28))), (1, 0));
}

#[test]
fn one_setting_has_several_places() {
    let istiod = istiod("A", "b");
    let pinned = |path| {
        codes(
            &istiod,
            "1.29.6",
            "1.30.3",
            &Request {
                pinned: &[path],
                ..Request::default()
            },
        )
    };
    assert_eq!(pinned("values.global.hub"), []);
    assert_eq!(pinned("hub"), []);
    assert_eq!(pinned("values.global.tag").len(), 1);
}

#[test]
fn the_new_behaviour_that_runs_already_is_no_surprise() {
    let istiod = istiod("ENABLE_EXTERNAL_NAME_ALIAS", "true");
    assert_eq!(
        codes(
            &format!("{EXTERNAL}---{istiod}"),
            "1.20.8",
            "1.21.6",
            &Request::default()
        ),
        []
    );
}

#[test]
fn the_setting_that_keeps_the_old_behaviour_is_named() {
    let fix = |yaml: &str, from, to| {
        found(yaml, from, to, &Request::default())[0]
            .fix
            .clone()
            .unwrap()
    };
    assert!(
        fix(EXTERNAL, "1.20.8", "1.21.6")
            .ends_with("To keep the old behaviour: compatibilityVersion: \"1.20\"")
    );
    assert!(fix(CONNECTION_POOL, "1.28.10", "1.29.6").ends_with("compatibilityVersion: \"1.28\""));
    // 1.24 ships no compatibility version 1.20, and reads the variable no more.
    assert!(!fix(EXTERNAL, "1.20.8", "1.24.6").contains("To keep"));
}

#[test]
fn variables_that_the_target_does_not_read_are_named() {
    let istiod = istiod("PILOT_ENABLE_STATUS", "true");
    let findings = found(&istiod, "1.23.6", "1.24.6", &Request::default());
    assert_eq!(findings.len(), 1);
    assert_eq!(
        findings[0].title,
        "PILOT_ENABLE_STATUS has no effect from 1.24 on"
    );
    assert_eq!(findings[0].subjects[0].value, Some("true".into()));
    assert_eq!(codes(&istiod, "1.24.6", "1.25.5", &Request::default()), []);
    let mesh = mesh("defaultConfig: {proxyMetadata: {ENABLE_DEFERRED_STATS_CREATION: \"false\"}}");
    assert_eq!(
        found(&mesh, "1.26.8", "1.27.9", &Request::default())[0].code,
        Code::VariableUnread
    );
}

#[test]
fn so_are_variables_that_only_the_request_sets() {
    let request = Request {
        pinned: &["values.pilot.env.PILOT_LEGACY_INGRESS_BEHAVIOR"],
        ..Request::default()
    };
    let findings = found(EXTERNAL, "1.18.7", "1.19.10", &request);
    assert_eq!(findings[0].code, Code::VariableUnread);
    assert!(findings[0].detail.contains("set by the request"));
    let field = findings[0].subjects[0].field.as_deref();
    assert_eq!(
        field,
        Some("spec.values.pilot.env.PILOT_LEGACY_INGRESS_BEHAVIOR")
    );
    assert_eq!(codes(EXTERNAL, "1.19.10", "1.20.8", &request), []);
}

#[test]
fn subjects_name_object_field_value_and_place() {
    let finding = &found(EXTERNAL, "1.20.8", "1.21.6", &Request::default())[0];
    let subject = serde_json::to_value(&finding.subjects).unwrap();
    assert_eq!(
        subject,
        serde_json::json!([{
            "apiVersion": "v1", "kind": "Service", "namespace": "shop", "name": "e",
            "file": "cluster.yaml", "line": 3, "column": 1, "field": "spec.type", "value": "ExternalName"
        }])
    );
}

#[test]
fn an_empty_cluster_has_no_notes() {
    for (from, to) in [
        ("1.20.8", "1.21.6"),
        ("1.6.14", "1.31.0"),
        ("1.29.6", "1.30.0"),
        ("1.31.0", "1.20.8"),
    ] {
        assert_eq!(
            codes(
                "{apiVersion: v1, kind: Namespace, metadata: {name: a}}",
                from,
                to,
                &Request::default()
            ),
            []
        );
    }
}

#[test]
fn the_table_of_codes_holds_every_fact_once_and_in_order() {
    let facts: Vec<Code> = facts()
        .map(|it| it.code)
        .chain([super::variables::CODE])
        .collect();
    let notes: Vec<Code> = Code::ALL
        .iter()
        .copied()
        .filter(|it| it.is_note())
        .collect();
    assert_eq!(notes, facts);
}

#[test]
fn facts_are_well_formed() {
    for it in facts() {
        assert!(
            it.since.is_sorted() && !it.since.is_empty() && it.until.is_sorted(),
            "{}",
            it.code
        );
        assert!(
            !it.title.ends_with('.') && it.detail.ends_with('.') && it.fix.ends_with('.'),
            "{}",
            it.code
        );
        assert!(matches!(it.level, Level::Warn | Level::Info), "{}", it.code);
    }
}

/// istiod's Deployment with one variable.
fn istiod(name: &str, value: &str) -> String {
    format!(
        "
{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: istiod, namespace: {NAMESPACE}, labels: {{app: istiod}}}},
 spec: {{selector: {{matchLabels: {{app: istiod}}}}, template: {{metadata: {{labels: {{app: istiod}}}},
 spec: {{containers: [{{name: discovery, image: 'docker.io/istio/pilot:1.29.6', env: [{{name: {name}, value: '{value}'}}]}}]}}}}}}}}
"
    )
}

/// The mesh's `ConfigMap`.
fn mesh(mesh: &str) -> String {
    let mesh = mesh.replace('\'', "''");
    format!(
        "\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: istio, namespace: {NAMESPACE}}}, data: {{mesh: '{mesh}'}}}}\n"
    )
}
