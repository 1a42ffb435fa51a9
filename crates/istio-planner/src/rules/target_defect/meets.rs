//! What of a cluster triggers a defect.

use istio_catalog::{ComponentName, DEFAULT_REVISION, Version};
use serde_json::Value;
use sorted::SortedMap;

use super::of_versions;
use crate::inventory::{self, Role, is_active, role};
use crate::outcome::{Ref, Subject};
use crate::rules::{Situation, pod_subject, text};
use crate::snapshot::{Object, Pod};

/// Names at most so many pods; the finding's words give the number of all.
const NAMED_PODS: usize = 20;

/// Objects of a kind that satisfy a condition, with the field that tells it.
fn objects(
    situation: &Situation,
    group: &str,
    kind: &str,
    field: &str,
    is_meant: impl Fn(&Ref, &Value) -> bool,
) -> Vec<Subject> {
    situation
        .objects(group, kind)
        .filter(|(object, kept)| is_meant(object, &kept.value))
        .map(|(object, kept)| Subject::kept(object, kept).field(field))
        .collect()
}

fn labels(value: &Value) -> &Value {
    value.pointer("/metadata/labels").unwrap_or(&Value::Null)
}

fn label<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    labels(value).get(key)?.as_str()
}

/// The objects that the target would render, of a kind.
fn rendered<'a>(situation: &Situation<'a>, kind: &'static str) -> impl Iterator<Item = &'a Value> {
    situation
        .desired
        .into_iter()
        .flat_map(|it| &it.rendering.components)
        .flat_map(|it| &it.objects)
        .filter(move |it| text(it, "/kind") == Some(kind))
}

/// A variable of istiod, as the target would set it, else as it is now.
fn variable(situation: &Situation, name: &str) -> Option<String> {
    let read = |deployment: &Value| {
        let containers = deployment
            .pointer("/spec/template/spec/containers")?
            .as_array()?;
        let env = containers
            .iter()
            .filter_map(|it| it.get("env")?.as_array())
            .flatten();
        let mut named = env.filter(|it| text(it, "/name") == Some(name));
        named.find_map(|it| text(it, "/value").map(str::to_owned))
    };
    let is_istiod = |it: &&Value| text(it, "/spec/template/metadata/labels/app") == Some("istiod");
    if let Some(istiod) = rendered(situation, "Deployment").find(is_istiod) {
        return read(istiod);
    }
    live(situation, |_, value| {
        text(value, "/spec/template/metadata/labels/app") == Some("istiod")
    })
    .and_then(|(_, kept)| read(&kept.value))
}

fn live<'a>(
    situation: &Situation<'a>,
    is_meant: impl Fn(&Ref, &Value) -> bool,
) -> Option<(&'a Ref, &'a Object)> {
    situation
        .objects("apps", "Deployment")
        .find(|(object, kept)| is_meant(object, &kept.value))
}

/// Whether the ambient data plane runs, or is what the target renders.
fn is_ambient(situation: &Situation) -> bool {
    variable(situation, "PILOT_ENABLE_AMBIENT").as_deref() == Some("true")
        || situation
            .inventory
            .components
            .iter()
            .any(|it| it.component == ComponentName::Ztunnel)
}

/// A part of the installation that runs or is rendered, as subjects.
fn component(situation: &Situation, component: ComponentName) -> Vec<Subject> {
    let runs = situation
        .inventory
        .components
        .iter()
        .filter(|it| it.component == component)
        .map(|it| {
            Subject::new(Ref {
                api_version: "apps/v1".to_owned(),
                kind: "DaemonSet".to_owned(),
                namespace: Some(it.namespace.clone()),
                name: it.name.clone(),
            })
        })
        .collect::<Vec<_>>();
    let makes = situation.desired.is_some_and(|it| {
        it.rendering
            .components
            .iter()
            .any(|it| it.name == component)
    });
    if runs.is_empty() && makes {
        return vec![Subject::flag("--to").value(situation.request.to.clone())];
    }
    // What the request leaves out stays at its version.
    if situation.desired.is_some() && !makes {
        return Vec::new();
    }
    runs
}

/// The proxies whose version satisfies a condition, as subjects; the numbers stand in the first.
fn proxies(
    situation: &Situation,
    is_meant: impl Fn(Role) -> bool,
    is_old: impl Fn(&Version) -> bool,
) -> Vec<Subject> {
    let mut versions: SortedMap<Version, usize> = SortedMap::new();
    let mut pods: Vec<&Pod> = Vec::new();
    for pod in situation.snapshot.pods.values().filter(|it| is_active(it)) {
        if !is_meant(role(pod)) {
            continue;
        }
        if let Some(version) = inventory::of_proxy(situation.snapshot, pod).filter(|it| is_old(it))
        {
            *versions.entry(version).or_default() += 1;
            pods.push(pod);
        }
    }
    let words = of_versions(&versions);
    pods.into_iter()
        .take(NAMED_PODS)
        .map(|pod| {
            pod_subject(pod)
                .field("spec.containers[name=istio-proxy].image")
                .value(words.clone())
        })
        .collect()
}

fn is_proxy(role: Role) -> bool {
    matches!(role, Role::Sidecar | Role::Gateway | Role::GatewayApi)
}

/// The live mesh configuration, and where it stands.
fn mesh(situation: &Situation) -> Option<(Subject, Value)> {
    let namespace = situation
        .control_plane()
        .map_or("istio-system", |it| it.namespace.as_str());
    let (object, kept) = situation.objects("", "ConfigMap").find(|(object, kept)| {
        object.namespace.as_deref() == Some(namespace)
            && object.name == "istio"
            && text(&kept.value, "/data/mesh").is_some()
    })?;
    let mesh = kube_yaml::from_str(text(&kept.value, "/data/mesh")?).ok()?;
    Some((Subject::kept(object, kept), mesh))
}

fn older(major: u32, minor: u32, patch: u32) -> impl Fn(&Version) -> bool {
    let bound = Version::new(major, minor, patch);
    move |it| *it < bound
}

/// Sidecars take HBONE where ambient is on, or where their metadata says so; waypoints always.
pub(super) fn hbone_proxies_before_1_29_2(situation: &Situation) -> Vec<Subject> {
    let ambient = is_ambient(situation);
    let asked = mesh(situation).is_some_and(|(_, mesh)| {
        text(
            &mesh,
            "/defaultConfig/proxyMetadata/ISTIO_META_ENABLE_HBONE",
        ) == Some("true")
    });
    let old = older(1, 29, 2);
    if ambient || asked {
        return proxies(situation, is_proxy, old);
    }
    situation
        .snapshot
        .pods
        .values()
        .filter(|it| is_active(it) && is_hbone_gateway(it))
        .filter(|pod| inventory::of_proxy(situation.snapshot, pod).is_some_and(|it| old(&it)))
        .take(NAMED_PODS)
        .map(pod_subject)
        .collect()
}

/// A waypoint or an east-west gateway.
fn is_hbone_gateway(pod: &Pod) -> bool {
    pod.labels
        .get("gateway.networking.k8s.io/gateway-class-name")
        .is_some_and(|it| it == "istio-waypoint" || it == "istio-east-west")
}

pub(super) fn consistent_hash(situation: &Situation) -> Vec<Subject> {
    objects(
        situation,
        "networking.istio.io",
        "DestinationRule",
        "spec.trafficPolicy.loadBalancer.consistentHash",
        |_, value| {
            fn hashes(value: &Value) -> bool {
                match value {
                    Value::Object(map) => map.iter().any(|(key, below)| {
                        // maglev has no ring.
                        key == "consistentHash" && below.get("maglev").is_none() || hashes(below)
                    }),
                    Value::Array(list) => list.iter().any(hashes),
                    _ => false,
                }
            }
            value.get("spec").is_some_and(hashes)
        },
    )
}

/// The `VirtualService` objects of a tool that writes their metadata.
pub(super) fn kept_virtual_services(situation: &Situation) -> Vec<Subject> {
    const MARKS: [&str; 8] = [
        "argocd.argoproj.io/",
        "helm.toolkit.fluxcd.io/",
        "kustomize.toolkit.fluxcd.io/",
        "meta.helm.sh/",
        "objectset.rio.cattle.io/",
        "kapp.k14s.io/",
        "configsync.gke.io/",
        "helm.sh/chart",
    ];
    let marked = |value: &Value| {
        ["/metadata/labels", "/metadata/annotations"]
            .iter()
            .filter_map(|it| value.pointer(it)?.as_object())
            .flat_map(|it| it.keys())
            .any(|key| MARKS.iter().any(|it| key.starts_with(it)))
    };
    let mut found = objects(
        situation,
        "networking.istio.io",
        "VirtualService",
        "metadata",
        |_, value| marked(value),
    );
    found.truncate(NAMED_PODS);
    found
}

pub(super) fn remote_secrets(situation: &Situation) -> Vec<Subject> {
    objects(situation, "", "Secret", "metadata.labels", |_, value| {
        label(value, "istio/multiCluster") == Some("true")
    })
}

pub(super) fn cni_without_ambient(situation: &Situation) -> Vec<Subject> {
    if is_ambient(situation) {
        return Vec::new();
    }
    component(situation, ComponentName::Cni)
}

pub(super) fn ambient_cni(situation: &Situation) -> Vec<Subject> {
    if !is_ambient(situation) {
        return Vec::new();
    }
    component(situation, ComponentName::Cni)
}

pub(super) fn revisioned_gateways(situation: &Situation) -> Vec<Subject> {
    objects(
        situation,
        "gateway.networking.k8s.io",
        "Gateway",
        "metadata.labels.istio.io/rev",
        |_, value| label(value, "istio.io/rev").is_some_and(|it| it != DEFAULT_REVISION),
    )
}

pub(super) fn workload_entries_of_other_networks(situation: &Situation) -> Vec<Subject> {
    let on = |name: &str| variable(situation, name).as_deref() == Some("true");
    if !on("PILOT_ENABLE_AMBIENT") || on("AMBIENT_ENABLE_MULTI_NETWORK") {
        return Vec::new();
    }
    let own = situation
        .control_plane()
        .and_then(|plane| {
            situation
                .objects("", "Namespace")
                .find(|(object, _)| object.name == plane.namespace)
        })
        .and_then(|(_, kept)| label(&kept.value, "topology.istio.io/network"))
        .unwrap_or_default();
    objects(
        situation,
        "networking.istio.io",
        "WorkloadEntry",
        "spec.network",
        |_, value| {
            text(value, "/spec/network")
                .or_else(|| label(value, "topology.istio.io/network"))
                .is_some_and(|it| !it.is_empty() && it != own)
        },
    )
}

pub(super) fn dynamic_dns(situation: &Situation) -> Vec<Subject> {
    objects(
        situation,
        "networking.istio.io",
        "ServiceEntry",
        "spec.resolution",
        |_, value| text(value, "/spec/resolution") == Some("DYNAMIC_DNS"),
    )
}

pub(super) fn gateways_made_by_istiod(situation: &Situation) -> Vec<Subject> {
    situation
        .snapshot
        .workloads
        .values()
        .filter(|it| it.kind == "Deployment" && it.labels.contains_key("gateway.istio.io/managed"))
        .map(crate::rules::workload_subject)
        .collect()
}

pub(super) fn empty_workload_selectors(situation: &Situation) -> Vec<Subject> {
    objects(
        situation,
        "networking.istio.io",
        "ServiceEntry",
        "spec.workloadSelector",
        |_, value| {
            value.pointer("/spec/workloadSelector").is_some_and(|it| {
                it.get("labels")
                    .and_then(Value::as_object)
                    .is_none_or(serde_json::Map::is_empty)
            })
        },
    )
}

/// In the mesh configuration that the target would write, else in the live one.
pub(super) fn long_flush_interval(situation: &Situation) -> Vec<Subject> {
    let long = |value: Option<&str>| value.and_then(seconds).is_some_and(|it| it >= 60);
    let of_mesh = |mesh: &Value| long(text(mesh, "/defaultConfig/statsFlushInterval"));
    let mut found = Vec::new();
    if let Some((subject, mesh)) = mesh(situation)
        && of_mesh(&mesh)
    {
        found.push(subject.field("data.mesh.defaultConfig.statsFlushInterval"));
    } else if rendered(situation, "ConfigMap")
        .filter_map(|it| kube_yaml::from_str(text(it, "/data/mesh")?).ok())
        .any(|it: Value| of_mesh(&it))
    {
        found.push(Subject::flag("--to").value(situation.request.to.clone()));
    }
    found
}

/// Whole seconds of a duration as protobuf and Go write it: `90s`, `2m`, `1h30m`.
fn seconds(text: &str) -> Option<u64> {
    let mut total = 0_u64;
    let mut number = String::new();
    for it in text.chars() {
        match it {
            '0'..='9' | '.' => number.push(it),
            's' | 'm' | 'h' => {
                let whole: u64 = number.split('.').next()?.parse().ok()?;
                total += whole
                    * match it {
                        's' => 1,
                        'm' => 60,
                        _ => 3600,
                    };
                number.clear();
            }
            _ => return None,
        }
    }
    Some(total)
}

pub(super) fn nftables_turned_on(situation: &Situation) -> Vec<Subject> {
    const KEY: &str = "/data/NATIVE_NFTABLES";
    let asked = rendered(situation, "ConfigMap")
        .find(|it| text(it, "/metadata/name") == Some("istio-cni-config"))
        .is_some_and(|it| text(it, KEY) == Some("true"));
    let live = situation
        .objects("", "ConfigMap")
        .find(|(object, _)| object.name == "istio-cni-config");
    match live {
        Some((object, kept)) if asked && text(&kept.value, KEY) != Some("true") => {
            vec![Subject::kept(object, kept).field("data.NATIVE_NFTABLES")]
        }
        _ => Vec::new(),
    }
}

/// Whether a ztunnel older than a minor runs.
fn ztunnel_older(situation: &Situation, minor: u32) -> bool {
    situation.inventory.components.iter().any(|it| {
        it.component == ComponentName::Ztunnel
            && it
                .version
                .as_deref()
                .and_then(Version::parse_tag)
                .is_some_and(|it| it < Version::new(1, minor, 0))
    })
}

/// Whether this very step brings a minor's behavior, so that its note says what older ztunnels do.
fn comes_with(situation: &Situation, minor: u32) -> bool {
    situation.from.is_some_and(|it| it.minor < minor)
}

pub(super) fn dry_run_policies(situation: &Situation) -> Vec<Subject> {
    let on = variable(situation, "AMBIENT_ENABLE_DRY_RUN_AUTHORIZATION_POLICY").as_deref()
        == Some("true");
    if !on || !ztunnel_older(situation, 29) || comes_with(situation, 29) {
        return Vec::new();
    }
    objects(
        situation,
        "security.istio.io",
        "AuthorizationPolicy",
        "metadata.annotations.istio.io/dry-run",
        |_, value| {
            value
                .pointer("/metadata/annotations/istio.io~1dry-run")
                .and_then(Value::as_str)
                == Some("true")
        },
    )
}

pub(super) fn passthrough_entries(situation: &Situation) -> Vec<Subject> {
    if !ztunnel_older(situation, 28) || comes_with(situation, 28) {
        return Vec::new();
    }
    objects(
        situation,
        "networking.istio.io",
        "ServiceEntry",
        "spec.resolution",
        |_, value| matches!(text(value, "/spec/resolution"), None | Some("NONE")),
    )
}

/// Gateways that name the same Service by their addresses.
pub(super) fn gateways_that_share_a_workload(situation: &Situation) -> Vec<Subject> {
    let mut by_address: SortedMap<String, Vec<Subject>> = SortedMap::new();
    for (object, kept) in situation.objects("gateway.networking.k8s.io", "Gateway") {
        let addresses = kept
            .value
            .pointer("/spec/addresses")
            .and_then(Value::as_array);
        for address in addresses.into_iter().flatten() {
            if text(address, "/type") == Some("Hostname")
                && let Some(value) = text(address, "/value")
            {
                // A name without a dot is of the Gateway's own namespace.
                let place = if value.contains('.') {
                    value.to_owned()
                } else {
                    format!(
                        "{value}.{}",
                        object.namespace.as_deref().unwrap_or_default()
                    )
                };
                let subject = Subject::kept(object, kept)
                    .field("spec.addresses")
                    .value(value);
                by_address.entry(place).or_default().push(subject);
            }
        }
    }
    by_address
        .into_values()
        .filter(|it| it.len() > 1)
        .flatten()
        .collect()
}

pub(super) fn access_logs_of_proxies_before_1_23(situation: &Situation) -> Vec<Subject> {
    let by_mesh = mesh(situation).is_some_and(|(_, mesh)| {
        text(&mesh, "/accessLogFile").is_some_and(|it| !it.is_empty())
            || mesh.get("enableEnvoyAccessLogService") == Some(&Value::Bool(true))
            || mesh.pointer("/defaultProviders/accessLogging").is_some()
    });
    let by_telemetry = situation
        .objects("telemetry.istio.io", "Telemetry")
        .any(|(_, kept)| kept.value.pointer("/spec/accessLogging").is_some());
    if !by_mesh && !by_telemetry {
        return Vec::new();
    }
    proxies(situation, is_proxy, older(1, 23, 0))
}

pub(super) fn proxies_of_1_20_and_newer(situation: &Situation) -> Vec<Subject> {
    proxies(situation, is_proxy, |it| *it >= Version::new(1, 20, 0))
}

pub(super) fn any_control_plane(situation: &Situation) -> Vec<Subject> {
    if situation.inventory.control_planes.is_empty() {
        return Vec::new();
    }
    vec![Subject::flag("--to").value(situation.request.to.clone())]
}

pub(super) fn host_rules_of_1_11_proxies(situation: &Situation) -> Vec<Subject> {
    let old = proxies(situation, is_proxy, older(1, 12, 0));
    if old.is_empty() {
        return Vec::new();
    }
    objects(
        situation,
        "security.istio.io",
        "AuthorizationPolicy",
        "spec.rules",
        |_, value| {
            let rules = value.pointer("/spec/rules").map(Value::to_string);
            rules.is_some_and(|it| it.contains("\"hosts\"") || it.contains("\"notHosts\""))
        },
    )
}
