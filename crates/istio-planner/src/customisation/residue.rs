//! What a cluster holds otherwise than its source would store, explained by settings of components.

use std::collections::BTreeMap;

use istio_catalog::Version;
use istio_render::Rendering;
use serde_json::{Map, Value, json};

use super::Setting;
use super::recovery::Unexplained;
use crate::outcome::{Change, ChangeClass, FieldChange, Inventory, Ref, Subject};
use crate::precheck::text;
use crate::snapshot::{Object, Snapshot};

/// Differences between the cluster and what a request would give at the source's own version.
pub(super) struct Residue {
    pub(super) changes: Vec<Change>,
    pub(super) rendering: Rendering,
}

/// Where a field of an object is said in a component's `k8s`: kind, the field's path, the setting's path.
const SAID: [(&str, &str, &[&str]); 18] = [
    ("Deployment", "spec.replicas", &["replicaCount"]),
    ("Deployment", "spec.strategy", &["strategy"]),
    ("Deployment", "spec.template.spec.affinity", &["affinity"]),
    (
        "Deployment",
        "spec.template.spec.nodeSelector",
        &["nodeSelector"],
    ),
    (
        "Deployment",
        "spec.template.spec.tolerations",
        &["tolerations"],
    ),
    (
        "Deployment",
        "spec.template.spec.priorityClassName",
        &["priorityClassName"],
    ),
    (
        "Deployment",
        "spec.template.spec.securityContext",
        &["securityContext"],
    ),
    (
        "HorizontalPodAutoscaler",
        "spec.minReplicas",
        &["hpaSpec", "minReplicas"],
    ),
    (
        "HorizontalPodAutoscaler",
        "spec.maxReplicas",
        &["hpaSpec", "maxReplicas"],
    ),
    (
        "HorizontalPodAutoscaler",
        "spec.metrics",
        &["hpaSpec", "metrics"],
    ),
    (
        "HorizontalPodAutoscaler",
        "spec.behavior",
        &["hpaSpec", "behavior"],
    ),
    (
        "PodDisruptionBudget",
        "spec.minAvailable",
        &["podDisruptionBudget", "minAvailable"],
    ),
    (
        "PodDisruptionBudget",
        "spec.maxUnavailable",
        &["podDisruptionBudget", "maxUnavailable"],
    ),
    ("Service", "spec.type", &["service", "type"]),
    (
        "Service",
        "spec.externalTrafficPolicy",
        &["service", "externalTrafficPolicy"],
    ),
    (
        "Service",
        "spec.loadBalancerIP",
        &["service", "loadBalancerIP"],
    ),
    (
        "Service",
        "spec.loadBalancerSourceRanges",
        &["service", "loadBalancerSourceRanges"],
    ),
    ("Service", "spec.ports", &["service", "ports"]),
];

/// Components with a `k8s` of their own, and where they stand in `spec.components`.
pub(super) const SINGLE: [(&str, &str); 3] =
    [("Pilot", "pilot"), ("Cni", "cni"), ("Ztunnel", "ztunnel")];
/// Lists of gateways.
pub(super) const LISTS: [(&str, &str); 2] = [
    ("IngressGateways", "ingressGateways"),
    ("EgressGateways", "egressGateways"),
];

impl Residue {
    /// How many objects differ.
    pub(super) fn differences(&self) -> usize {
        let all = self.changes.iter();
        all.filter(|it| it.class != ChangeClass::Unchanged).count()
    }

    /// What no setting explains.
    pub(super) fn unexplained(self) -> Vec<Unexplained> {
        self.changes
            .into_iter()
            .filter(|it| it.class != ChangeClass::Unchanged)
            .map(|it| Unexplained {
                object: it.object,
                fields: it.fields,
            })
            .collect()
    }
}

/// Returns settings that explain differences. Fields that others own are no settings of the installation.
pub(super) fn settings(
    snapshot: &Snapshot,
    inventory: &Inventory,
    source: &Version,
    residue: &Residue,
) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut elements = gateways(snapshot, inventory, source, residue, &mut settings);
    agents(snapshot, residue, &mut settings);
    for change in &residue.changes {
        if !matches!(change.class, ChangeClass::Change | ChangeClass::TakeOver) {
            continue;
        }
        let Some(kept) = snapshot.objects.get(&change.object) else {
            continue;
        };
        for field in change.fields.iter().filter(|it| it.owner.is_none()) {
            let Some((path, value)) = said(change, field, &kept.value) else {
                continue;
            };
            let evidence = Subject::kept(&change.object, kept).field(field.path.clone());
            let mut at = vec!["components".to_owned()];
            if let Some((_, key)) = SINGLE.iter().find(|(it, _)| *it == change.component) {
                at.push((*key).to_owned());
            } else if let Some((_, list)) = LISTS.iter().find(|(it, _)| *it == change.component) {
                let name = change.object.name.clone();
                elements
                    .entry((list, name.clone()))
                    .or_insert_with(|| evidence.clone());
                at.extend([(*list).to_owned(), format!("[name:{name}]")]);
            } else {
                continue;
            }
            at.push("k8s".to_owned());
            at.extend(path);
            settings.push(Setting {
                path: at,
                value,
                evidence,
            });
        }
    }
    // An element replaces the profile's, so it says again that it is on.
    for ((list, name), evidence) in elements {
        let path = ["components", list, &format!("[name:{name}]"), "enabled"]
            .map(str::to_owned)
            .to_vec();
        settings.push(Setting {
            path,
            value: json!(true),
            evidence,
        });
    }
    settings
}

/// ztunnel and the CNI agent, where one runs that is not rendered, or the other way round.
fn agents(snapshot: &Snapshot, residue: &Residue, settings: &mut Vec<Setting>) {
    for change in residue
        .changes
        .iter()
        .filter(|it| it.object.kind == "DaemonSet")
    {
        let Some((_, key)) = SINGLE.iter().find(|(it, _)| *it == change.component) else {
            continue;
        };
        let runs = match change.class {
            ChangeClass::Create => false,
            ChangeClass::Delete | ChangeClass::Orphan => true,
            _ => continue,
        };
        let evidence = match snapshot.objects.get(&change.object) {
            Some(kept) => Subject::kept(&change.object, kept),
            None => Subject::of(change.object.clone()),
        };
        let path = |field: &str| ["components", key, field].map(str::to_owned).to_vec();
        let namespace = change.object.namespace.as_deref();
        if let Some(namespace) = namespace.filter(|it| runs && *it != "istio-system") {
            settings.push(Setting {
                path: path("namespace"),
                value: json!(namespace),
                evidence: evidence.clone(),
            });
        }
        settings.push(Setting {
            path: path("enabled"),
            value: json!(runs),
            evidence,
        });
    }
}

/// Gateways that have to be listed: all of a kind as soon as one runs that is not rendered, or the other way round.
fn gateways(
    snapshot: &Snapshot,
    inventory: &Inventory,
    source: &Version,
    residue: &Residue,
    settings: &mut Vec<Setting>,
) -> BTreeMap<(&'static str, String), Subject> {
    let mut elements = BTreeMap::new();
    for (component, list) in LISTS {
        let rendered: Vec<_> = residue
            .rendering
            .components
            .iter()
            .filter(|it| it.name == component)
            .flat_map(|it| &it.objects)
            .filter(|it| text(it, "/kind") == Some("Deployment"))
            .filter_map(|it| text(it, "/metadata/name"))
            .collect();
        let running: Vec<_> = inventory
            .components
            .iter()
            .filter(|it| it.component == component)
            .filter_map(|it| deployment(snapshot, &it.namespace, &it.name))
            .filter(|(_, kept)| {
                let label = text(&kept.value, "/metadata/labels/operator.istio.io~1version");
                label.and_then(Version::parse_tag).as_ref() == Some(source)
            })
            .collect();
        let same = running.len() == rendered.len()
            && running
                .iter()
                .all(|(it, _)| rendered.contains(&it.name.as_str()));
        // A change of one element makes a list, which has to hold the others too.
        let touched = residue
            .changes
            .iter()
            .any(|it| it.component == component && it.class == ChangeClass::Change);
        if same && !touched {
            continue;
        }
        for (object, kept) in &running {
            let element = |field: &str| {
                [
                    "components",
                    list,
                    &format!("[name:{}]", object.name),
                    field,
                ]
                .map(str::to_owned)
                .to_vec()
            };
            let evidence = Subject::kept(object, kept);
            elements.insert((list, object.name.clone()), evidence.clone());
            if rendered.contains(&object.name.as_str()) {
                continue;
            }
            if let Some(namespace) = &object.namespace {
                let value = json!(namespace);
                settings.push(Setting {
                    path: element("namespace"),
                    value,
                    evidence: evidence.clone(),
                });
            }
            if let Some(labels) = labels(&kept.value) {
                settings.push(Setting {
                    path: element("label"),
                    value: labels,
                    evidence: evidence.clone(),
                });
            }
        }
        for name in rendered
            .iter()
            .filter(|name| !running.iter().any(|(it, _)| it.name == **name))
        {
            let path = ["components", list, &format!("[name:{name}]"), "enabled"]
                .map(str::to_owned)
                .to_vec();
            settings.push(Setting {
                path,
                value: json!(false),
                evidence: Subject::default(),
            });
        }
    }
    elements
}

fn deployment<'a>(
    snapshot: &'a Snapshot,
    namespace: &str,
    name: &str,
) -> Option<(&'a Ref, &'a Object)> {
    snapshot.objects.get_key_value(&Ref {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
    })
}

/// The labels by which a gateway's pods are selected, without those that the chart adds.
fn labels(deployment: &Value) -> Option<Value> {
    let selector = deployment
        .pointer("/spec/selector/matchLabels")?
        .as_object()?;
    let own: Map<_, _> = selector
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    (!own.is_empty()).then_some(Value::Object(own))
}

/// Where a field is said in `k8s`, and its whole live value there.
fn said(change: &Change, field: &FieldChange, live: &Value) -> Option<(Vec<String>, Value)> {
    let kind = change.object.kind.as_str();
    let below = |prefix: &str| {
        field
            .path
            .strip_prefix(prefix)
            .is_some_and(|it| it.is_empty() || it.starts_with(['.', '[']))
    };
    if let Some((_, path, setting)) = SAID.iter().find(|(it, path, _)| *it == kind && below(path)) {
        let value = live.pointer(&format!("/{}", path.replace('.', "/")))?;
        let value = if *path == "spec.ports" {
            ports(value)
        } else {
            value.clone()
        };
        return Some((setting.iter().map(|it| (*it).to_owned()).collect(), value));
    }
    if kind == "Service" && below("metadata.annotations") {
        return Some((vec!["serviceAnnotations".to_owned()], annotations(live)?));
    }
    if kind != "Deployment" && kind != "DaemonSet" {
        return None;
    }
    let rest = field
        .path
        .strip_prefix("spec.template.spec.containers[name=")?;
    let (container, rest) = rest.split_once("].")?;
    let containers = live.pointer("/spec/template/spec/containers")?.as_array()?;
    let container = containers
        .iter()
        .find(|it| text(it, "/name") == Some(container))?;
    if rest == "resources" || rest.starts_with("resources.") {
        return Some((
            vec!["resources".to_owned()],
            container.get("resources")?.clone(),
        ));
    }
    let name = rest.strip_prefix("env[name=")?.split(']').next()?;
    let mut variable = container
        .get("env")?
        .as_array()?
        .iter()
        .find(|it| text(it, "/name") == Some(name))?
        .clone();
    // The element's key says the name.
    variable.as_object_mut()?.remove("name");
    Some((vec!["env".to_owned(), format!("[name:{name}]")], variable))
}

/// Annotations without those of clients and controllers.
fn annotations(object: &Value) -> Option<Value> {
    let annotations = object.pointer("/metadata/annotations")?.as_object()?;
    let own = annotations
        .iter()
        .filter(|(key, _)| !key.contains("kubectl.kubernetes.io/"));
    let own: Map<_, _> = own
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    (!own.is_empty()).then_some(Value::Object(own))
}

/// Ports as a user writes them: without what the API server adds.
fn ports(ports: &Value) -> Value {
    let plain = |port: &Value| {
        let mut port = port.clone();
        if let Some(map) = port.as_object_mut() {
            map.remove("nodePort");
            map.retain(|key, value| !(key == "protocol" && value == "TCP"));
        }
        port
    };
    ports
        .as_array()
        .map_or_else(|| ports.clone(), |it| it.iter().map(plain).collect())
}
