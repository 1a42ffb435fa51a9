//! What ties a cluster to the others of its mesh, as its export shows it.

use std::collections::BTreeSet;

use istio_catalog::{DEFAULT_REVISION, Version, revisioned};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Evidence;
use crate::fingerprint::ROOT_KEY;
use crate::inventory::{self, peers};
use crate::kubernetes::text;
use crate::outcome::{ControlPlane, Outcome, Ref, Subject};
use crate::snapshot::{self, Object, Snapshot};

/// The name of a cluster that was given none (1.30.3:manifests/charts/istio-control/istio-discovery).
const NAMELESS: &str = "Kubernetes";

/// The trust domain of a mesh that was given none (1.30.3:pkg/config/constants/constants.go).
const TRUST_DOMAIN: &str = "cluster.local";

/// The annotation of the Gateway API's CRDs that names their release.
const BUNDLE: &str = "gateway.networking.k8s.io/bundle-version";

/// Whether a cluster of a mesh has a control plane of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(export_to = "fleet.ts"))]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// istiod runs here.
    Primary,
    /// istiod runs here for the proxies of other clusters.
    External,
    /// The proxies here are served by a control plane that runs in another cluster.
    Remote,
    /// Neither is in the export.
    Unknown,
}

/// A value, and where the export holds it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told<T> {
    pub(super) value: T,
    pub(super) subject: Subject,
}

/// What ties a cluster to others.
#[derive(Debug, Clone, Default)]
pub(super) struct Identity {
    /// Uids of `kube-system`: the cluster itself, whatever it is called.
    pub(super) uids: Vec<Told<String>>,
    /// `values.global.multiCluster.clusterName`.
    pub(super) cluster: Option<Told<String>>,
    /// `values.global.network`.
    pub(super) network: Option<Told<String>>,
    /// `values.global.meshID`.
    pub(super) mesh: Option<Told<String>>,
    /// `meshConfig.trustDomain`, and its aliases.
    pub(super) trust_domain: Option<Told<(String, BTreeSet<String>)>>,
    /// Fingerprints of the root certificates in istiod's namespace.
    pub(super) roots: Option<Told<BTreeSet<String>>>,
    /// Clusters that istiod here reads.
    pub(super) reads: Vec<Told<String>>,
    /// Where the proxies here find their control plane, if it is elsewhere: a host or an address.
    pub(super) served_from: Vec<Told<String>>,
    /// Under which addresses the Services here are reached from outside.
    pub(super) addresses: BTreeSet<String>,
    /// Versions of the istiods here.
    pub(super) control_planes: Vec<Told<Version>>,
    /// One of them serves other clusters alone.
    pub(super) external: bool,
    /// Gateways that lead to here from other networks.
    pub(super) east_west: Vec<Subject>,
    /// Of those, whether one is of the Gateway API, whose CRDs every such cluster needs.
    pub(super) east_west_api: bool,
    /// The release of the Gateway API's CRDs.
    pub(super) bundle: Option<Told<String>>,
    /// Whether the export shows Services at all.
    pub(super) shows_services: bool,
}

impl Identity {
    /// Reads it off an export; `outcome` is what was planned for it.
    pub(super) fn new(snapshot: &Snapshot, outcome: &Outcome) -> Self {
        let planes = &outcome.inventory.control_planes;
        let plane = planes
            .iter()
            .find(|it| it.revision == DEFAULT_REVISION)
            .or(planes.first());
        let injector = Injector::new(snapshot, plane);
        let (east_west, east_west_api) = east_west(snapshot);
        Self {
            uids: uids(snapshot),
            cluster: injector
                .told("/global/multiCluster/clusterName")
                .filter(|it| it.value != NAMELESS),
            network: injector
                .told("/global/network")
                .or_else(|| network(snapshot, plane)),
            mesh: injector.told("/global/meshID"),
            trust_domain: trust_domain(snapshot, plane),
            roots: roots(snapshot, plane),
            reads: peers::peers(snapshot)
                .map(|it| Told {
                    value: it.cluster.to_owned(),
                    subject: Subject::kept(it.object, it.kept).field(peers::LABEL),
                })
                .collect(),
            served_from: served_from(snapshot, planes.is_empty().then_some(&injector)),
            addresses: addresses(snapshot),
            control_planes: control_planes(snapshot, outcome),
            external: planes.iter().any(|it| is_external(snapshot, it)),
            east_west,
            east_west_api,
            bundle: bundle(snapshot),
            shows_services: snapshot.kinds.contains_key("v1/Service"),
        }
    }

    /// Whether the control plane is here or elsewhere.
    pub(super) fn role(&self) -> Role {
        if self.external {
            Role::External
        } else if !self.control_planes.is_empty() {
            Role::Primary
        } else if !self.served_from.is_empty() {
            Role::Remote
        } else {
            Role::Unknown
        }
    }
}

/// The values that the injector was given, in a primary cluster and in a remote one alike.
struct Injector<'a>(Option<(&'a Ref, &'a Object, Value)>);

impl<'a> Injector<'a> {
    fn new(snapshot: &'a Snapshot, plane: Option<&ControlPlane>) -> Self {
        let all = snapshot::objects(snapshot, "", "ConfigMap").filter(|(object, _)| {
            let name = &object.name;
            name.strip_prefix("istio-sidecar-injector")
                .is_some_and(|it| {
                    plane.is_none_or(|plane| {
                        object.namespace.as_deref() == Some(plane.namespace.as_str())
                            && it.strip_prefix('-').unwrap_or(DEFAULT_REVISION) == plane.revision
                    })
                })
        });
        let mut read = all.filter_map(|(object, kept)| {
            let values = serde_json::from_str(text(&kept.value, "/data/values")?).ok()?;
            Some((object, kept, values))
        });
        Self(read.next())
    }

    /// A value that is set.
    fn told(&self, pointer: &str) -> Option<Told<String>> {
        let (object, kept, values) = self.0.as_ref()?;
        let value = text(values, pointer).filter(|it| !it.is_empty())?;
        let path = pointer.trim_start_matches('/').replace('/', ".");
        Some(Told {
            value: value.to_owned(),
            subject: Subject::kept(object, kept)
                .field(format!("data.values: {path}"))
                .value(value),
        })
    }
}

fn uids(snapshot: &Snapshot) -> Vec<Told<String>> {
    let of = |(uid, origin): (&String, &snapshot::Origin)| Told {
        value: uid.clone(),
        subject: Subject::exported(
            Ref {
                api_version: "v1".to_owned(),
                kind: "Namespace".to_owned(),
                namespace: None,
                name: "kube-system".to_owned(),
            },
            origin,
        )
        .field("metadata.uid")
        .value(uid.as_str()),
    };
    snapshot.clusters.iter().map(of).collect()
}

/// The network that the namespace of istiod is labelled with.
fn network(snapshot: &Snapshot, plane: Option<&ControlPlane>) -> Option<Told<String>> {
    let namespace = plane.map_or("istio-system", |it| it.namespace.as_str());
    let (object, kept) = snapshot::named(snapshot, "", "Namespace", None, namespace)?;
    let network = text(&kept.value, "/metadata/labels/topology.istio.io~1network")
        .filter(|it| !it.is_empty())?;
    Some(Told {
        value: network.to_owned(),
        subject: Subject::kept(object, kept)
            .field("metadata.labels.topology.istio.io/network")
            .value(network),
    })
}

fn trust_domain(
    snapshot: &Snapshot,
    plane: Option<&ControlPlane>,
) -> Option<Told<(String, BTreeSet<String>)>> {
    let plane = plane?;
    let name = revisioned("istio", &plane.revision);
    let (object, kept) = snapshot::named(
        snapshot,
        "",
        "ConfigMap",
        Some(plane.namespace.as_str()),
        &name,
    )?;
    let mesh: Value = kube_yaml::from_str(text(&kept.value, "/data/mesh")?).ok()?;
    let domain = text(&mesh, "/trustDomain").filter(|it| !it.is_empty());
    let domain = domain.unwrap_or(TRUST_DOMAIN);
    let aliases = mesh.get("trustDomainAliases").and_then(Value::as_array);
    let aliases = aliases.into_iter().flatten().filter_map(Value::as_str);
    Some(Told {
        value: (domain.to_owned(), aliases.map(str::to_owned).collect()),
        subject: Subject::kept(object, kept)
            .field("data.mesh: trustDomain")
            .value(domain),
    })
}

/// The root certificates that istiod's namespace trusts, by their fingerprints.
fn roots(snapshot: &Snapshot, plane: Option<&ControlPlane>) -> Option<Told<BTreeSet<String>>> {
    let namespace = plane.map_or("istio-system", |it| it.namespace.as_str());
    let (object, kept) = snapshot::named(
        snapshot,
        "",
        "ConfigMap",
        Some(namespace),
        "istio-ca-root-cert",
    )?;
    let all = kept.value.get("data")?.get(ROOT_KEY)?.as_str()?;
    let value: BTreeSet<String> = all.split_whitespace().map(str::to_owned).collect();
    (!value.is_empty()).then(|| Told {
        value,
        subject: Subject::kept(object, kept)
            .field(format!("data.{ROOT_KEY}"))
            .value(all),
    })
}

/// Where the proxies of a cluster without istiod find one: what the injector's webhook calls, and what its proxies were
/// told.
fn served_from(snapshot: &Snapshot, injector: Option<&Injector<'_>>) -> Vec<Told<String>> {
    let webhooks = inventory::remotes(snapshot).into_iter().filter_map(|it| {
        let url = it.evidence.value.as_ref()?.as_str()?;
        Some(Told {
            value: host(url)?.to_owned(),
            subject: it.evidence,
        })
    });
    let asked = injector.and_then(|it| it.told("/global/remotePilotAddress"));
    let all: Vec<_> = webhooks.chain(asked).collect();
    // A webhook by address in a cluster with istiod is somebody's own way to it.
    if injector.is_some() { all } else { Vec::new() }
}

/// The host of an address: `istiod.example.org` of `https://istiod.example.org:15017/inject`.
fn host(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map_or(url, |it| it.1);
    let authority = rest.split('/').next()?;
    let host = match authority.strip_prefix('[') {
        Some(six) => six.split(']').next()?,
        None => authority.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

/// The addresses and names under which Services are reached from outside.
fn addresses(snapshot: &Snapshot) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (_, kept) in snapshot::objects(snapshot, "", "Service") {
        let ingress = kept.value.pointer("/status/loadBalancer/ingress");
        let ingress = ingress.and_then(Value::as_array).into_iter().flatten();
        for it in ingress {
            let both = [text(it, "/ip"), text(it, "/hostname")];
            all.extend(both.into_iter().flatten().map(str::to_owned));
        }
        let external = kept.value.pointer("/spec/externalIPs");
        let external = external.and_then(Value::as_array).into_iter().flatten();
        all.extend(external.filter_map(Value::as_str).map(str::to_owned));
    }
    all
}

fn control_planes(snapshot: &Snapshot, outcome: &Outcome) -> Vec<Told<Version>> {
    let planes = outcome.inventory.control_planes.iter();
    planes
        .filter_map(|plane| {
            let value = Version::parse_tag(plane.version.as_deref()?)?;
            let subject = match istiod(snapshot, plane) {
                Some((object, kept)) => Subject::kept(object, kept),
                None => Subject::new(Ref {
                    api_version: "apps/v1".to_owned(),
                    kind: "Deployment".to_owned(),
                    namespace: Some(plane.namespace.clone()),
                    name: revisioned("istiod", &plane.revision),
                }),
            };
            Some(Told {
                subject: subject.value(value.to_string()),
                value,
            })
        })
        .collect()
}

fn istiod<'a>(snapshot: &'a Snapshot, plane: &ControlPlane) -> Option<(&'a Ref, &'a Object)> {
    let name = revisioned("istiod", &plane.revision);
    let namespace = Some(plane.namespace.as_str());
    snapshot::named(snapshot, "apps", "Deployment", namespace, &name)
}

/// Whether a control plane was told that the cluster whose proxies it serves is another one
/// (1.30.3:manifests/charts/istio-control/istio-discovery/templates/deployment.yaml).
fn is_external(snapshot: &Snapshot, plane: &ControlPlane) -> bool {
    let containers = istiod(snapshot, plane).and_then(|it| {
        it.1.value
            .pointer("/spec/template/spec/containers")?
            .as_array()
    });
    containers
        .into_iter()
        .flatten()
        .filter_map(|it| it.get("env")?.as_array())
        .flatten()
        .any(|it| it["name"] == "EXTERNAL_ISTIOD" && it["value"] == "true")
}

/// Gateways that lead to here from other networks, and whether one is of the Gateway API.
fn east_west(snapshot: &Snapshot) -> (Vec<Subject>, bool) {
    let gateways = snapshot::objects(snapshot, "gateway.networking.k8s.io", "Gateway");
    let mut all: Vec<Subject> = gateways
        .filter(|it| text(&it.1.value, "/spec/gatewayClassName") == Some("istio-east-west"))
        .map(|(object, kept)| Subject::kept(object, kept).field("spec.gatewayClassName"))
        .collect();
    let of_api = !all.is_empty();
    for (object, kept) in snapshot::objects(snapshot, "", "Service") {
        let labels = kept.value.pointer("/metadata/labels");
        let label = |key: &str| labels.and_then(|it| it.get(key)?.as_str());
        if label("istio") == Some("eastwestgateway") || label("topology.istio.io/network").is_some()
        {
            all.push(Subject::kept(object, kept));
        }
    }
    (all, of_api)
}

fn bundle(snapshot: &Snapshot) -> Option<Told<String>> {
    const GATEWAYS: &str = "gateways.gateway.networking.k8s.io";
    const CRD: &str = "CustomResourceDefinition";
    let (object, kept) = snapshot::named(snapshot, "apiextensions.k8s.io", CRD, None, GATEWAYS)?;
    let value = kept
        .value
        .get("metadata")?
        .get("annotations")?
        .get(BUNDLE)?
        .as_str()?;
    Some(Told {
        value: value.to_owned(),
        subject: Subject::kept(object, kept)
            .field(format!("metadata.annotations.{BUNDLE}"))
            .value(value),
    })
}

impl<T> Told<T> {
    /// The same as evidence of a cluster.
    pub(super) fn of(&self, cluster: &str) -> Evidence {
        Evidence::new(cluster, &self.subject)
    }
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn a_host_is_what_stands_between_scheme_and_port() {
        assert_eq!(
            host("https://10.0.0.7:15017/inject/cluster/c2/net/n1"),
            Some("10.0.0.7")
        );
        assert_eq!(
            host("https://istiod.example.org/inject"),
            Some("istiod.example.org")
        );
        assert_eq!(host("https://[fd00::7]:15017/inject"), Some("fd00::7"));
        assert_eq!(host("https:///inject"), None);
    }
}
