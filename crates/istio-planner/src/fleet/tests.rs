use serde_json::{Value, json};

use super::{Code, Fleet, Member, Role, fleet, html, junit, markdown};
use crate::input::{Input, Request};
use crate::outcome::{Level, Verdict};
use crate::report::Colours;
use crate::snapshot::SnapshotReader;

/// One cluster's objects, and what they say of the mesh.
#[derive(Clone, Default)]
struct Export {
    name: &'static str,
    objects: Vec<Value>,
}

fn export(name: &'static str) -> Export {
    Export {
        name,
        objects: vec![json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "kube-system", "uid": format!("uid-of-{name}")},
        })],
    }
}

/// A cluster with an istiod.
fn primary(name: &'static str, version: &str) -> Export {
    let image = format!("docker.io/istio/pilot:{version}");
    let labels = json!({"app": "istiod", "istio": "pilot", "istio.io/rev": "default"});
    let spec = json!({"containers": [{"name": "discovery", "image": image}]});
    export(name)
        .and(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "istiod", "namespace": "istio-system", "labels": labels},
            "spec": {"template": {"metadata": {"labels": labels}, "spec": spec}},
        }))
        .and(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "istiod-1", "namespace": "istio-system", "labels": labels},
            "spec": spec,
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
        }))
}

impl Export {
    fn and(mut self, object: Value) -> Self {
        self.objects.push(object);
        self
    }

    /// What the injector was given.
    fn values(self, mesh: &str, cluster: &str, network: &str) -> Self {
        let values = json!({"global": {
            "meshID": mesh, "network": network, "multiCluster": {"clusterName": cluster},
        }});
        self.and(json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "istio-sidecar-injector", "namespace": "istio-system"},
            "data": {"values": values.to_string()},
        }))
    }

    fn reads(self, cluster: &str) -> Self {
        self.and(json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {
                "name": format!("istio-remote-secret-{cluster}"), "namespace": "istio-system",
                "labels": {"istio/multiCluster": "true"},
                "annotations": {"networking.istio.io/cluster": cluster},
            },
        }))
    }

    fn mesh_config(self, mesh: &str) -> Self {
        self.and(json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "istio", "namespace": "istio-system"},
            "data": {"mesh": mesh},
        }))
    }

    fn root(self, body: &str) -> Self {
        let pem = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        self.and(json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "istio-ca-root-cert", "namespace": "istio-system"},
            "data": {"root-cert.pem": pem},
        }))
    }

    fn service(self, name: &str, labels: &Value, ip: &str) -> Self {
        self.and(json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": name, "namespace": "istio-system", "labels": labels},
            "spec": {},
            "status": {"loadBalancer": {"ingress": [{"ip": ip}]}},
        }))
    }

    /// A cluster whose injector calls an istiod elsewhere.
    fn injected_from(self, address: &str) -> Self {
        self.and(json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "istio-sidecar-injector"},
            "webhooks": [{
                "name": "rev.namespace.sidecar-injector.istio.io",
                "clientConfig": {"url": format!("https://{address}:15017/inject/cluster/edge/net/n1")},
            }],
        }))
    }

    fn member(&self, verdict: Verdict) -> Member {
        let text = json!({"apiVersion": "v1", "kind": "List", "items": self.objects}).to_string();
        let mut reader = SnapshotReader::new();
        reader.read("cluster.json", text.as_bytes()).unwrap();
        let input = Input {
            request: Request {
                to: "1.30.3".to_owned(),
                ..Request::default()
            },
            snapshot: reader.finish().unwrap(),
            releases: Vec::new(),
            as_of: None,
            facts: None,
        };
        let mut outcome = crate::plan(&input);
        // Without charts nothing is known; the fleet reads the verdict alone.
        outcome.verdict = verdict;
        Member::planned(self.name, &input, &outcome)
    }
}

fn told(exports: &[Export]) -> Fleet {
    let members: Vec<Member> = exports.iter().map(|it| it.member(Verdict::Clear)).collect();
    fleet("1.30.3", &members)
}

/// The part of a cluster in its mesh.
fn role(fleet: &Fleet, cluster: usize) -> Role {
    fleet.clusters[cluster].summary.as_ref().unwrap().role
}

/// Codes and levels, in the order of output.
fn codes(fleet: &Fleet) -> Vec<(Code, Level)> {
    fleet
        .findings
        .iter()
        .map(|it| (it.code, it.level))
        .collect()
}

#[test]
fn clusters_of_two_meshes_have_nothing_to_do_with_each_other() {
    let it = told(&[
        primary("a", "1.27.8").root("YQ==").values("one", "a", ""),
        primary("b", "1.29.6").root("Yg==").values("two", "b", ""),
        primary("c", "1.29.6").root("Yw=="),
    ]);
    assert_eq!(codes(&it), []);
    assert_eq!(it.meshes, []);
    assert_eq!(it.verdict, Verdict::Clear);
    assert_eq!(it.tally(), "3 clear");
}

#[test]
fn control_planes_of_one_mesh_are_compared_now_and_as_they_would_be() {
    let old = primary("old", "1.27.8").values("one", "old", "");
    let new = primary("new", "1.29.6").values("one", "new", "");
    assert_eq!(
        codes(&told(&[old, new.clone()])),
        [(Code::VersionSkew, Level::Warn)]
    );
    // One stays, the other goes two minors further.
    let stays = primary("stays", "1.28.10").values("one", "stays", "");
    let members = [stays.member(Verdict::Blocked), new.member(Verdict::Clear)];
    let it = fleet("1.30.3", &members);
    assert_eq!(codes(&it), [(Code::VersionSkew, Level::Block)]);
    assert_eq!(it.verdict, Verdict::Blocked);
    assert!(
        it.findings[0].detail.contains("stays stays at 1.28.10"),
        "{:?}",
        it.findings[0]
    );
    // Both stay, or both go: one minor lies between them.
    let members = [stays.member(Verdict::Blocked), new.member(Verdict::Blocked)];
    assert_eq!(codes(&fleet("1.30.3", &members)), []);
    assert_eq!(codes(&told(&[stays, new])), []);
}

#[test]
fn a_cluster_that_istiod_reads_and_the_fleet_lacks_is_unknown() {
    let a = || primary("a", "1.29.6").values("", "a", "").reads("b");
    let b = || primary("folder-of-b", "1.29.6").values("", "b", "");
    let it = told(&[a()]);
    assert_eq!(codes(&it), [(Code::ClusterMissing, Level::Unknown)]);
    assert_eq!(it.verdict, Verdict::Unknown);
    let it = told(&[a(), b()]);
    assert_eq!(codes(&it), []);
    // What reads each other is one mesh, though no id says so.
    assert_eq!(it.meshes[0].order, [["a", "folder-of-b"]]);
    assert_eq!(it.meshes[0].id, None);
}

#[test]
fn a_remote_cluster_comes_after_what_serves_it() {
    let edge = || export("edge").injected_from("192.0.2.7");
    let primary = || primary("hub", "1.29.6").service("east-west", &json!({}), "192.0.2.7");
    let it = told(&[edge(), primary()]);
    assert_eq!(codes(&it), []);
    assert_eq!(it.meshes[0].order, [["hub"], ["edge"]]);
    assert_eq!(role(&it, 1), Role::Primary);
    // The same istiod, told that its proxies are elsewhere.
    let mut external = primary();
    external.objects[1]["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{"name": "EXTERNAL_ISTIOD", "value": "true"}]);
    let it = told(&[edge(), external]);
    assert_eq!(it.meshes[0].order, [["hub"], ["edge"]]);
    assert_eq!([role(&it, 0), role(&it, 1)], [Role::Remote, Role::External]);
    let it = told(&[edge()]);
    assert_eq!(codes(&it), [(Code::ClusterMissing, Level::Unknown)]);
    // What serves it stays, so it would be ahead.
    let outcome_to = |member: Member| {
        let mut member = member;
        if let Ok(read) = &mut member.read {
            read.summary.target = Some("1.30.3".to_owned());
        }
        member
    };
    let members = [
        outcome_to(edge().member(Verdict::Clear)),
        outcome_to(primary().member(Verdict::Blocked)),
    ];
    assert_eq!(
        codes(&fleet("1.30.3", &members)),
        [(Code::RemoteAhead, Level::Block)]
    );
}

#[test]
fn two_exports_of_one_cluster_are_told_once() {
    let a = || primary("today", "1.29.6").values("one", "a", "");
    let mut again = a();
    again.name = "yesterday";
    let it = told(&[a(), again]);
    assert_eq!(codes(&it), [(Code::SameCluster, Level::Block)]);
    assert_eq!(it.findings[0].subjects.len(), 2);
}

#[test]
fn two_clusters_of_a_mesh_have_two_names() {
    let a = || primary("a", "1.29.6").values("one", "same", "");
    let b = || primary("b", "1.29.6").values("one", "same", "");
    assert_eq!(codes(&told(&[a(), b()])), [(Code::NameTwice, Level::Warn)]);
    let elsewhere = primary("b", "1.29.6").values("two", "same", "");
    assert_eq!(codes(&told(&[a(), elsewhere])), []);
}

#[test]
fn clusters_of_a_mesh_share_a_root() {
    let with =
        |name: &'static str, root: &str| primary(name, "1.29.6").values("one", name, "").root(root);
    let it = told(&[with("a", "YQ=="), with("b", "Yg==")]);
    assert_eq!(codes(&it), [(Code::RootsDiffer, Level::Warn)]);
    let subjects = &it.findings[0].subjects;
    assert_eq!(subjects[0].cluster, "a");
    assert!(
        subjects[0]
            .subject
            .value
            .as_ref()
            .unwrap()
            .as_str()
            .unwrap()
            .starts_with("sha256:")
    );
    assert_eq!(codes(&told(&[with("a", "YQ=="), with("b", "YQ==")])), []);
    // A bundle of both, while a root is being changed.
    let both = "YQ==\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nYg==";
    assert_eq!(codes(&told(&[with("a", "YQ=="), with("b", both)])), []);
}

#[test]
fn trust_domains_know_each_other() {
    let with = |name: &'static str, mesh: &str| {
        primary(name, "1.29.6")
            .values("one", name, "")
            .mesh_config(mesh)
    };
    let plain = || with("a", "rootNamespace: istio-system\n");
    let other = |aliases: &str| with("b", &format!("trustDomain: example.org\n{aliases}"));
    assert_eq!(
        codes(&told(&[plain(), other("")])),
        [(Code::TrustDomainsDiffer, Level::Warn)]
    );
    let knowing = with("a", "trustDomainAliases: [example.org]\n");
    let known = other("trustDomainAliases: [cluster.local]\n");
    assert_eq!(codes(&told(&[knowing, known])), []);
    assert_eq!(
        codes(&told(&[plain(), with("b", "trustDomain: cluster.local\n")])),
        []
    );
}

#[test]
fn a_network_of_its_own_needs_a_way_to_it() {
    let with =
        |name: &'static str, network: &str| primary(name, "1.29.6").values("one", name, network);
    let way = json!({"istio": "eastwestgateway"});
    let a = || with("a", "n1").service("way", &way, "192.0.2.1");
    let without = || with("b", "n2").service("other", &json!({}), "192.0.2.2");
    assert_eq!(
        codes(&told(&[a(), without()])),
        [(Code::NoWayBetween, Level::Warn)]
    );
    assert_eq!(
        codes(&told(&[
            a(),
            with("b", "n2").service("way", &way, "192.0.2.2")
        ])),
        []
    );
    // One network, or an export that shows no Services.
    assert_eq!(
        codes(&told(&[
            a(),
            with("b", "n1").service("other", &json!({}), "192.0.2.2")
        ])),
        []
    );
    assert_eq!(codes(&told(&[a(), with("b", "n2")])), []);
}

#[test]
fn gateways_that_join_clusters_are_of_one_release() {
    let with = |name: &'static str, bundle: &str, class: &str| {
        primary(name, "1.29.6")
            .values("one", name, "")
            .and(json!({
                "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
                "metadata": {"name": "way", "namespace": "istio-system"},
                "spec": {"gatewayClassName": class},
            }))
            .and(json!({
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": {
                    "name": "gateways.gateway.networking.k8s.io",
                    "annotations": {"gateway.networking.k8s.io/bundle-version": bundle},
                },
                "spec": {"group": "gateway.networking.k8s.io", "names": {"kind": "Gateway"}},
            }))
    };
    let joined = "istio-east-west";
    let it = told(&[with("a", "v1.2.0", joined), with("b", "v1.4.0", joined)]);
    assert_eq!(codes(&it), [(Code::GatewayApiDiffers, Level::Warn)]);
    assert_eq!(
        codes(&told(&[
            with("a", "v1.4.0", joined),
            with("b", "v1.4.0", joined)
        ])),
        []
    );
    assert_eq!(
        codes(&told(&[
            with("a", "v1.2.0", "istio"),
            with("b", "v1.4.0", joined)
        ])),
        []
    );
}

#[test]
fn what_cannot_be_read_is_unknown_and_stops_nobody() {
    let a = primary("a", "1.29.6").member(Verdict::Clear);
    let broken = Member::failed("b", "b/cluster.yaml:3:1: not YAML");
    let it = fleet("1.30.3", &[a, broken]);
    assert_eq!(it.verdict, Verdict::Unknown);
    assert_eq!(it.tally(), "1 unreadable, 1 clear");
    assert_eq!(
        it.clusters[1].error.as_deref(),
        Some("b/cluster.yaml:3:1: not YAML")
    );
}

#[test]
fn every_code_is_explained_and_has_a_name_of_its_own() {
    for code in Code::ALL {
        let (name, words) = (code.as_str(), code.explanation());
        assert!(name.starts_with("fleet-"));
        assert!(
            words.why.ends_with('.') && words.settle.ends_with('.') && !words.source.is_empty()
        );
        assert!(
            crate::outcome::Code::parse(name).is_none(),
            "{name} is taken"
        );
    }
}

#[test]
fn every_report_names_each_cluster_and_steers_nothing() {
    let hostile = Member::failed("<b>|\u{1b}[2J", "a \u{202e} <script> & more");
    let a = primary("a", "1.27.8")
        .values("one", "a", "")
        .member(Verdict::Blocked);
    let b = primary("b", "1.29.6")
        .values("one", "b", "")
        .member(Verdict::Clear);
    let it = fleet("1.30.3", &[a, b, hostile]);
    let age: super::Age = &|_| "3h ago".to_owned();
    let text = super::Text {
        fleet: &it,
        age,
        colours: Colours::PLAIN,
        width: 120,
    }
    .to_string();
    for markup in [markdown(&it, age), html(&it, age), junit(&it)] {
        assert!(!markup.contains("<script>"), "{markup}");
    }
    for text in [text, markdown(&it, age), html(&it, age), junit(&it)] {
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
        assert!(text.contains("fleet-version-skew"), "{text}");
        assert!(text.contains("unreadable"), "{text}");
    }
}
