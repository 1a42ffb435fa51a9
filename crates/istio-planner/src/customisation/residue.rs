//! What a cluster holds otherwise than its source would store, explained by settings of components.

use istio_catalog::{ComponentName, revisioned};
use istio_render::Rendering;
use serde_json::{Value, json};

use super::components::{Installed, LISTS};
use super::recovery::Unexplained;
use super::setting::Setting;
use super::steps::{Step, at, fields, steps};
use super::tracked::FOREIGN;
use super::values::TRANSLATED;
use crate::kubernetes::text;
use crate::outcome::{Change, ChangeClass, FieldChange, Ref, Subject};

/// Differences between the cluster and what a request would give at the source's own version.
pub(super) struct Residue {
    pub(super) changes: Vec<Change>,
    pub(super) rendering: Rendering,
}

/// An object that is missing, or too many, is worse than any that differs.
const WHOLE: usize = 1000;

/// Managers that write for a program; what others write is an edit that somebody made.
const PROGRAMS: [&str; 6] = [
    "pilot-discovery",
    "istiod",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "cluster-autoscaler",
];

/// Fields of a workload's pods that stand in `k8s` under the same name.
const OF_PODS: [&str; 5] = [
    "affinity",
    "nodeSelector",
    "tolerations",
    "priorityClassName",
    "securityContext",
];

/// Fields of a workload's main container that stand in `k8s` under the same name.
const OF_CONTAINER: [&str; 3] = ["imagePullPolicy", "readinessProbe", "resources"];

/// What the server chooses of a Service.
const OF_SERVER: [&str; 5] = [
    "clusterIP",
    "clusterIPs",
    "ipFamilies",
    "ipFamilyPolicy",
    "healthCheckNodePort",
];

impl Residue {
    /// How much differs: objects, then fields.
    pub(super) fn score(&self) -> (usize, usize) {
        let all = || self.changes.iter().filter(|it| is_different(it));
        let fields = all().map(|it| match it.class {
            ChangeClass::Create | ChangeClass::Delete | ChangeClass::Orphan => WHOLE,
            _ => it.fields.iter().filter(|it| counts(it)).count(),
        });
        (all().count(), fields.sum())
    }

    /// Rendered objects of a component.
    pub(super) fn rendered(&self, component: ComponentName) -> impl Iterator<Item = &Value> {
        self.rendering
            .components
            .iter()
            .filter(move |it| it.name == component)
            .flat_map(|it| &it.objects)
    }

    /// The last rendering of an object, with the component that it is a part of.
    pub(super) fn rendering_of(&self, object: &Ref) -> Option<(&istio_render::Component, &Value)> {
        let is = |it: &Value| {
            let namespace = text(it, "/metadata/namespace");
            text(it, "/kind") == Some(object.kind.as_str())
                && text(it, "/metadata/name") == Some(object.name.as_str())
                && (namespace.is_none() || namespace == object.namespace.as_deref())
        };
        let mut components = self.rendering.components.iter().rev();
        components.find_map(|component| {
            Some((component, component.objects.iter().rev().find(|it| is(it))?))
        })
    }

    /// What no setting explains.
    pub(super) fn unexplained(self) -> Vec<Unexplained> {
        self.changes
            .into_iter()
            .filter(is_different)
            .map(|it| Unexplained {
                object: it.object,
                fields: it.fields,
            })
            .collect()
    }
}

/// Whether a difference is one that a request can have to do with.
pub(super) fn is_different(change: &Change) -> bool {
    change.class != ChangeClass::Unchanged
}

/// Whether a field differs for another reason than a program that runs in the cluster.
fn counts(field: &FieldChange) -> bool {
    field.owner.is_none() || is_edit(field)
}

/// Whether a manager is a program that runs in the cluster.
pub(super) fn is_program(manager: &str) -> bool {
    PROGRAMS.contains(&manager)
}

/// Whether somebody other than istioctl set a field, by hand or by another tool.
pub(super) fn is_edit(field: &FieldChange) -> bool {
    let owner = field.owner.as_deref().unwrap_or_default();
    !owner.is_empty() && owner.split(", ").all(|it| !is_program(it))
}

/// Fields of a change that a request may say: istioctl's own and those that somebody edited.
pub(super) fn own_fields(change: &Change) -> impl Iterator<Item = &FieldChange> {
    let is_there = matches!(
        change.class,
        ChangeClass::Change | ChangeClass::TakeOver | ChangeClass::Replace
    );
    change
        .fields
        .iter()
        .filter(move |it| is_there && counts(it))
}

/// Labels that istioctl writes over whatever stands there.
pub(super) fn is_owner_label(path: &[Step]) -> bool {
    let [Step::Field(metadata), Step::Field(labels), Step::Field(key)] = path else {
        return false;
    };
    metadata == "metadata"
        && labels == "labels"
        && (key.starts_with("operator.istio.io/")
            || key.starts_with("install.operator.istio.io/")
            || key == "istio.io/rev")
}

/// Returns settings that explain differences.
pub(super) fn settings(installed: Installed<'_>, residue: &Residue) -> Vec<Setting> {
    let mut settings = Vec::new();
    for change in &residue.changes {
        let Some(kept) = installed.snapshot.objects.get(&change.object) else {
            continue;
        };
        for field in own_fields(change) {
            let evidence = Subject::kept(&change.object, kept).field(field.path.clone());
            let of = Field {
                installed,
                residue,
                change,
                steps: steps(&field.path),
                live: &kept.value,
            };
            for (path, value) in of.said() {
                let setting = Setting::new(path, value, evidence.clone());
                settings.push(setting.by(field.owner.clone()));
            }
        }
    }
    settings
}

/// A field that differs.
struct Field<'a> {
    installed: Installed<'a>,
    residue: &'a Residue,
    change: &'a Change,
    steps: Vec<Step>,
    live: &'a Value,
}

impl Field<'_> {
    /// Settings that give it its live value.
    fn said(&self) -> Vec<(Vec<String>, Value)> {
        let (names, rest) = fields(&self.steps);
        match (self.change.object.kind.as_str(), names.as_slice()) {
            ("ConfigMap", ["data", key]) => self.configuration(key),
            ("ConfigMap", ["data"]) => ["mesh", "values", "original-values"]
                .iter()
                .flat_map(|it| self.configuration(it))
                .collect(),
            ("Deployment", ["spec", "selector", "matchLabels", ..])
            | ("Service", ["spec", "selector", ..]) => self.label(names.last().copied()),
            (kind, names) => {
                let place = place(kind, names, rest, self.container());
                let Some((component, (depth, setting))) = self.component().zip(place) else {
                    return Vec::new();
                };
                self.value(depth, setting)
                    .map(|(path, value)| {
                        let mut whole = component;
                        whole.push("k8s".to_owned());
                        whole.extend(path);
                        (whole, value)
                    })
                    .into_iter()
                    .collect()
            }
        }
    }

    /// Where the component's part of the request is, if this is the object that its `k8s` settings are for.
    fn component(&self) -> Option<Vec<String>> {
        let object = &self.change.object;
        let name = self.change.component.as_str();
        let path = |key: &str| vec!["components".to_owned(), key.to_owned()];
        match ComponentName::parse(name) {
            Some(ComponentName::Pilot) => {
                let revision = self.installed.identity.revision.as_deref();
                let own = revisioned("istiod", revision.unwrap_or_default());
                (object.name == own).then(|| path("pilot"))
            }
            Some(ComponentName::Cni) => (object.name == "istio-cni-node").then(|| path("cni")),
            Some(ComponentName::Ztunnel) => (object.name == "ztunnel").then(|| path("ztunnel")),
            _ => self.gateway(),
        }
    }

    /// Where the gateway of this name stands in its list.
    fn gateway(&self) -> Option<Vec<String>> {
        let (component, list) = *LISTS.iter().find(|it| self.change.component == it.0)?;
        let object = &self.change.object;
        let gateway = Ref {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            ..object.clone()
        };
        let mut all = self.installed.gateways(component);
        all.any(|it| *it.0 == gateway)
            .then(|| self.installed.element(list, component, &gateway))
    }

    /// The main container of the component.
    fn container(&self) -> &'static str {
        let component = ComponentName::parse(&self.change.component);
        component.unwrap_or(ComponentName::Gateway).container()
    }

    /// The live value where the fields below the setting end, with the setting's path that far.
    fn value(&self, depth: usize, setting: Vec<&str>) -> Option<(Vec<String>, Value)> {
        let (before, below) = self.steps.split_at_checked(depth)?;
        let (names, rest) = fields(below);
        let mut path: Vec<String> = setting.into_iter().map(str::to_owned).collect();
        let mut place = before.to_vec();
        if let (Some(Step::Keyed(pairs)), "env") = (rest.first(), path.last()?.as_str()) {
            // The element's key says its name.
            let (_, name) = pairs.first()?;
            place.extend(rest.first().cloned());
            let mut variable = at(self.live, &place)?.clone();
            variable.as_object_mut()?.remove("name");
            path.push(format!("[name:{name}]"));
            return Some((path, variable));
        }
        for name in names {
            path.push(name.to_owned());
            place.push(Step::Field(name.to_owned()));
        }
        let value = at(self.live, &place)?;
        let value = match path.last().map(String::as_str) {
            Some("ports") => ports(value),
            Some("serviceAnnotations" | "podAnnotations") => annotations(value),
            _ => value.clone(),
        };
        Some((path, value))
    }

    /// The labels by which a gateway's pods are selected.
    fn label(&self, key: Option<&str>) -> Vec<(Vec<String>, Value)> {
        let selector = match self.change.object.kind.as_str() {
            "Service" => self.live.pointer("/spec/selector"),
            _ => self.live.pointer("/spec/selector/matchLabels"),
        };
        let (Some(path), Some(Value::Object(selector))) = (self.gateway(), selector) else {
            return Vec::new();
        };
        let one = |it: &&String| {
            !selector.contains_key(key.unwrap_or_default()) || Some(it.as_str()) == key
        };
        let labels = selector.iter().filter(|it| one(&it.0));
        labels
            .map(|(key, value)| {
                let mut path = path.clone();
                path.extend(["label".to_owned(), key.clone()]);
                (path, value.clone())
            })
            .collect()
    }

    /// The mesh configuration, and what the injector was given.
    fn configuration(&self, key: &str) -> Vec<(Vec<String>, Value)> {
        let name = self.change.object.name.as_str();
        let root = match key {
            "mesh" if is_named(name, "istio") => "meshConfig",
            "values" if is_named(name, "istio-sidecar-injector") => "values",
            "original-values" if is_named(name, "values") => "values",
            _ => return Vec::new(),
        };
        let pointer = format!("/data/{key}");
        let read = |it: &Value| kube_yaml::from_str(text(it, &pointer)?).ok();
        let rendered = self.residue.rendering_of(&self.change.object);
        let Some(live) = read(self.live) else {
            return Vec::new();
        };
        let base = rendered.and_then(|it| read(it.1));
        let mut settings = Vec::new();
        differing(&live, base.as_ref(), &mut Vec::new(), &mut |path, value| {
            if !path.is_empty() && (root != "values" || !TRANSLATED.contains(&path)) {
                let mut whole = vec![root.to_owned()];
                whole.extend(path.iter().map(|it| (*it).to_owned()));
                settings.push((whole, value.clone()));
            }
        });
        settings
    }
}

/// Calls `each` with what differs: with the leaves of maps, nulls and empty maps included.
fn differing<'a>(
    live: &'a Value,
    base: Option<&Value>,
    path: &mut Vec<&'a str>,
    each: &mut impl FnMut(&[&'a str], &'a Value),
) {
    match live {
        Value::Object(map) if !map.is_empty() && base.is_none_or(Value::is_object) => {
            for (key, value) in map {
                path.push(key);
                differing(value, base.and_then(|it| it.get(key)), path, each);
                path.pop();
            }
        }
        leaf if base != Some(leaf) => each(path, leaf),
        _ => {}
    }
}

/// Whether an object of istiod has a name, whatever the revision.
fn is_named(name: &str, wanted: &str) -> bool {
    let rest = name.strip_prefix(wanted);
    rest.is_some_and(|it| it.is_empty() || it.starts_with('-'))
}

/// How many steps lead to what `k8s` says, and where it says that.
fn place<'a>(
    kind: &str,
    names: &[&'a str],
    rest: &[Step],
    container: &str,
) -> Option<(usize, Vec<&'a str>)> {
    match (kind, names) {
        ("Deployment", ["spec", "replicas"]) => Some((2, vec!["replicaCount"])),
        ("Deployment", ["spec", "strategy", ..]) => Some((2, vec!["strategy"])),
        ("HorizontalPodAutoscaler", ["spec", _, ..]) => Some((1, vec!["hpaSpec"])),
        ("PodDisruptionBudget", ["spec", _, ..]) => Some((1, vec!["podDisruptionBudget"])),
        ("Service", ["spec", name, ..]) if !OF_SERVER.contains(name) => Some((1, vec!["service"])),
        ("Service", ["metadata", "annotations", key @ ..]) if key.iter().all(|it| is_own(it)) => {
            Some((2, vec!["serviceAnnotations"]))
        }
        ("Deployment" | "DaemonSet", ["spec", "template", "metadata", "annotations", key @ ..])
            if key.iter().all(|it| is_own(it)) =>
        {
            Some((4, vec!["podAnnotations"]))
        }
        ("Deployment" | "DaemonSet", ["spec", "template", "spec", "containers"]) => {
            let [Step::Keyed(pairs), Step::Field(name), ..] = rest else {
                return None;
            };
            let is_main = pairs.iter().any(|it| it.0 == "name" && it.1 == container);
            if !is_main {
                return None;
            }
            if name == "env" {
                return Some((6, vec!["env"]));
            }
            let known = OF_CONTAINER.iter().find(|it| *it == name)?;
            Some((6, vec![known]))
        }
        ("Deployment" | "DaemonSet", ["spec", "template", "spec", name, ..])
            if OF_PODS.contains(name) =>
        {
            Some((4, vec![name]))
        }
        _ => None,
    }
}

/// Whether an annotation is one that a request gives.
fn is_own(key: &str) -> bool {
    !FOREIGN.iter().any(|it| key.starts_with(it))
}

/// Annotations without those of clients and controllers.
fn annotations(annotations: &Value) -> Value {
    let all = annotations.as_object().into_iter().flatten();
    let own = all.filter(|it| is_own(it.0));
    own.map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Ports as a user writes them: without what the API server adds.
fn ports(ports: &Value) -> Value {
    let plain = |port: &Value| {
        let mut port = port.clone();
        if let Some(map) = port.as_object_mut() {
            map.remove("nodePort");
            map.retain(|key, value| !(key == "protocol" && *value == json!("TCP")));
        }
        port
    };
    ports
        .as_array()
        .map_or_else(|| ports.clone(), |it| it.iter().map(plain).collect())
}

#[cfg(test)]
mod tests {
    use super::{fields, place, steps};

    #[track_caller]
    fn check(kind: &str, path: &str, expected: Option<&[&str]>) {
        let steps = steps(path);
        let (names, rest) = fields(&steps);
        let found = place(kind, &names, rest, "discovery").map(|it| it.1);
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn fields_of_a_component_are_said_by_its_settings() {
        let container = "spec.template.spec.containers[name=discovery]";
        check("Deployment", "spec.replicas", Some(&["replicaCount"]));
        check(
            "DaemonSet",
            &format!("{container}.resources.limits.cpu"),
            Some(&["resources"]),
        );
        check(
            "Deployment",
            &format!("{container}.env[name=A].value"),
            Some(&["env"]),
        );
        check("Deployment", &format!("{container}.args"), None);
        check(
            "Deployment",
            "spec.template.spec.containers[name=x].resources",
            None,
        );
        check(
            "Service",
            "spec.ports[port=80,protocol=TCP].name",
            Some(&["service"]),
        );
        check("Service", "spec.clusterIP", None);
        let restarted = "spec.template.metadata.annotations[\"kubectl.kubernetes.io/restartedAt\"]";
        check("Deployment", restarted, None);
    }
}
