//! For every fact a cluster that it speaks of, and one that looks alike and that it must not speak of.

use sorted::SortedMap;

use super::{NAMESPACE, Request, found, snapshot, version};
use crate::notes::{Context, facts, notes};
use crate::snapshot::Pod;

mod minors;
mod patches;
mod platform;
mod proxies;
mod traffic;

/// The fact, what hits, the name and field of the first subject, and what must not hit.
struct Case {
    id: &'static str,
    hit: String,
    subject: (&'static str, &'static str),
    miss: String,
}

fn case(
    id: &'static str,
    subject: (&'static str, &'static str),
    hit: impl Into<String>,
    miss: impl Into<String>,
) -> Case {
    Case {
        id,
        hit: hit.into(),
        subject,
        miss: miss.into(),
    }
}

/// An object of the namespace shop; `rest` continues the map.
fn object(api: &str, kind: &str, name: &str, rest: &str) -> String {
    format!(
        "\n{{apiVersion: {api}, kind: {kind}, metadata: {{name: {name}, namespace: shop}}, {rest}}}\n"
    )
}

/// A Gateway of the Gateway API with labels or annotations, `metadata` being the rest of that map.
fn gateway(metadata: &str, spec: &str) -> String {
    format!(
        "\n{{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {{name: g, namespace: shop{metadata}}}, spec: {{{spec}}}}}\n"
    )
}

fn networking(kind: &str, spec: &str) -> String {
    object(
        "networking.istio.io/v1",
        kind,
        "x",
        &format!("spec: {{{spec}}}"),
    )
}

/// A Deployment whose pods have an annotation or label, `metadata` being the template's.
fn workload(kind: &str, namespace: &str, name: &str, metadata: &str, spec: &str) -> String {
    format!(
        "\n{{apiVersion: apps/v1, kind: {kind}, metadata: {{name: {name}, namespace: {namespace}}},
 spec: {{selector: {{}}, template: {{metadata: {{{metadata}}}, spec: {{{spec}}}}}}}}}\n"
    )
}

fn annotated(key: &str, value: &str) -> String {
    workload(
        "Deployment",
        "shop",
        "w",
        &format!("annotations: {{'{key}': '{value}'}}"),
        "containers: []",
    )
}

fn both(a: impl AsRef<str>, b: impl AsRef<str>) -> String {
    format!("{}---{}", a.as_ref(), b.as_ref())
}

fn cni(data: &str) -> String {
    format!(
        "\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: istio-cni-config, namespace: {NAMESPACE}}}, data: {{{data}}}}}\n"
    )
}

fn cni_agent(spec: &str) -> String {
    workload(
        "DaemonSet",
        NAMESPACE,
        "istio-cni-node",
        "labels: {k8s-app: istio-cni-node}",
        spec,
    )
}

fn ztunnel(name: &str) -> String {
    workload(
        "DaemonSet",
        NAMESPACE,
        name,
        "labels: {app: ztunnel}",
        "containers: []",
    )
}

fn operator(name: &str, spec: &str) -> String {
    format!(
        "\n{{apiVersion: install.istio.io/v1alpha1, kind: IstioOperator, metadata: {{name: {name}, namespace: {NAMESPACE}}}, spec: {{{spec}}}}}\n"
    )
}

fn own(kind: &str, api: &str, name: &str, rest: &str) -> String {
    format!(
        "\n{{apiVersion: {api}, kind: {kind}, metadata: {{name: {name}, namespace: {NAMESPACE}}}, {rest}}}\n"
    )
}

const AMBIENT_ON: &str = "AMBIENT_ENABLED: 'true'";

/// Takes more objects than a text should hold.
const BIG: &str = "workload-requests-larger";

#[test]
fn only_big_ambient_meshes_outgrow_a_request() {
    let mut cluster = snapshot(&ztunnel("ztunnel"));
    let mut codes = |pods: usize| {
        for it in 0..pods {
            cluster
                .pods
                .insert(("shop".to_owned(), it.to_string()), Pod::default());
        }
        let context = Context {
            namespace: NAMESPACE,
            compatibility_version: None,
            pinned: &|_| false,
            said: &|_| Vec::new(),
        };
        let findings = notes(&cluster, &version("1.30.3"), &version("1.31.0"), &context);
        findings
            .into_iter()
            .map(|it| it.code.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(codes(40_000), [""; 0]);
    assert_eq!(codes(40_001), [BIG]);
}

#[test]
fn every_fact_names_what_it_speaks_of_and_nothing_else() {
    let groups = [
        traffic::routing(),
        traffic::destinations(),
        traffic::hosts(),
        proxies::sidecars(),
        proxies::telemetry(),
        proxies::ambient(),
        platform::gateways(),
        platform::security(),
        platform::install(),
        minors::facts(),
        patches::facts(),
    ];
    let cases: SortedMap<&str, Case> = groups.into_iter().flatten().map(|it| (it.id, it)).collect();
    for fact in facts().filter(|it| it.code.as_str() != BIG) {
        let case = cases
            .get(fact.code.as_str())
            .unwrap_or_else(|| panic!("{} has no case", fact.code));
        let (minor, patch) = *fact.since.last().unwrap();
        let from = match patch {
            0 => format!("1.{}.0", minor - 1),
            patch => format!("1.{minor}.{}", patch - 1),
        };
        let to = format!("1.{minor}.{patch}");
        let find = |yaml: &str| {
            let findings = found(yaml, &from, &to, &Request::default());
            findings.into_iter().find(|it| it.code == fact.code)
        };
        let hit = find(&case.hit).unwrap_or_else(|| panic!("{} finds nothing", fact.code));
        let named = hit.subjects.iter().any(|it| {
            let object = it.object.as_ref().map(|it| it.name.as_str());
            (object, it.field.as_deref()) == (Some(case.subject.0), Some(case.subject.1))
        });
        assert!(named, "{} names {:?}", fact.code, hit.subjects);
        let miss = find(&case.miss);
        assert!(
            miss.is_none(),
            "{} must not name {:?}",
            fact.code,
            miss.map(|it| it.subjects)
        );
    }
    assert_eq!(cases.len() + 1, facts().count());
}
